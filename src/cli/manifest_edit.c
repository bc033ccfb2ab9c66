/* manifest_edit.c - edits a document, reads the result again, and writes it anew where the two do not mean the same. */
#include "manifest_edit.h"

#include <stdlib.h>

#include "manifest_editor.h"
#include "manifest_patch.h"

void editor_fail(struct editor *editor)
{
    editor->has_failed = true;
}

void editor_skip_to(struct editor *editor, size_t offset)
{
    if (offset < editor->at || offset > editor->end)
        editor_fail(editor);
    else
        editor->at = offset;
}

void editor_copy_to(struct editor *editor, size_t offset)
{
    size_t from = editor->at;

    editor_skip_to(editor, offset);
    if (!editor->has_failed)
        fwrite(editor->text + from, 1, offset - from, editor->out);
}

/* As editor_copy_to(), for the beginning of a line, which lines of ours follow. */
void editor_copy_lines_to(struct editor *editor, size_t offset)
{
    editor_copy_to(editor, offset);
    if (editor->has_failed || offset == 0 || editor->text[offset - 1] == '\n' || editor->has_ended_line)
        return;
    fputs(editor->writer.newline, editor->out);
    editor->has_ended_line = true;
}

/* --- places ---------------------------------------------------------------------------------------------------------- */

size_t editor_line_start(const struct editor *editor, size_t offset)
{
    while (offset > 0 && editor->text[offset - 1] != '\n')
        offset--;
    return offset;
}

size_t editor_line_after(const struct editor *editor, size_t offset)
{
    const char *newline = memchr(editor->text + offset, '\n', editor->end - offset);

    return newline ? (size_t)(newline - editor->text) + 1 : editor->end;
}

unsigned editor_column_of(const struct editor *editor, size_t offset)
{
    return (unsigned)(offset - editor_line_start(editor, offset));
}

bool editor_is_first_in_line(const struct editor *editor, size_t offset)
{
    size_t start = editor_line_start(editor, offset);

    return start + strspn(editor->text + start, " ") >= offset;
}

/* The end of a key's colon. */
size_t editor_key_end(struct editor *editor, const struct rpw_manifest_node *key)
{
    size_t at = key->end;

    while (at < editor->end && editor->text[at] == ' ')
        at++;
    if (at == editor->end || editor->text[at] != ':')
        editor_fail(editor);
    return at + 1;
}

/* Where the text of a value ends, its line's end not included. absent_end: where it ends when it is not there; 0 when that
 * is not known. */
size_t editor_value_end(struct editor *editor, const struct rpw_manifest_node *value, size_t absent_end)
{
    const struct rpw_manifest_child *last = NULL;
    bool is_block =
        (value->type == RPW_MANIFEST_MAPPING || value->type == RPW_MANIFEST_LIST) && value->style != RPW_MANIFEST_FLOW;

    for (size_t i = value->count; is_block && i > 0 && !last; i--)
        last = value->children[i - 1].value ? &value->children[i - 1] : NULL;
    if (last)
        return editor_value_end(editor, last->value, last->key ? editor_key_end(editor, last->key) : 0);
    if (!value->is_absent)
        return value->end;
    if (absent_end == 0)
        editor_fail(editor);
    return absent_end;
}

/* Writes what stands in one line in the place of a scalar or a flow collection. */
void editor_replace_in_line(struct editor *editor, const struct rpw_manifest_node *old, json_t *value)
{
    struct rpw_yaml_writer writer = editor->writer;

    writer.is_json = writer.is_json || old->style == RPW_MANIFEST_QUOTED;
    editor_copy_to(editor, old->start);
    rpw_yaml_write_flow(&writer, value);
    editor_skip_to(editor, old->end);
}

void edit_node(struct editor *editor, const struct rpw_manifest_node *node, size_t first_line)
{
    if (node->type != RPW_MANIFEST_MAPPING && node->type != RPW_MANIFEST_LIST)
        editor_fail(editor);
    else if (node->style == RPW_MANIFEST_FLOW)
        edit_flow(editor, node);
    else if (node->type == RPW_MANIFEST_MAPPING)
        edit_mapping(editor, node);
    else
        edit_list(editor, node, first_line);
}

/* --- the document ---------------------------------------------------------------------------------------------------- */

static struct editor editor_for(const struct rpw_report *report, struct rpw_span document,
                                const struct rpw_manifest_node *root, FILE *out)
{
    const char *newline = memchr(document.ptr, '\n', document.len);
    struct editor editor = {.text = report->text.ptr, .at = (size_t)(document.ptr - report->text.ptr), .out = out};

    editor.end = editor.at + document.len;
    editor.writer.out = out;
    editor.writer.newline = newline && newline > document.ptr && newline[-1] == '\r' ? "\r\n" : "\n";
    editor.writer.is_json = root->style == RPW_MANIFEST_FLOW;
    edit_find_list_indent(&editor, root, true, &editor.writer.list_indent);
    return editor;
}

/* The whole document anew; what stands around its root stays. */
static void write_anew(struct editor *editor, const struct rpw_manifest_node *root, json_t *wanted)
{
    size_t end = editor_value_end(editor, root, 0);

    if (editor->has_failed)
        end = editor->end;
    editor->has_failed = false;
    editor_copy_to(editor, root->start);
    if (editor_line_start(editor, root->start) != root->start)
        fputs(editor->writer.newline, editor->out);
    rpw_yaml_write_root(&editor->writer, wanted);
    editor_skip_to(editor, editor_line_after(editor, end));
}

/* Whether text, as it is read again, means what is wanted. */
static bool means(const char *text, json_t *wanted)
{
    struct rpw_manifest_json json = {.text = {.pool = NULL}};
    struct rpw_manifest_node *root;
    struct rpw_report report;
    struct rpw_pool pool;
    json_t *found = NULL;
    bool is_equal;

    rpw_pool_init(&pool, RPW_MANIFEST_MAX_POOL_BYTES);
    rpw_report_init(&report, &pool, "", rpw_span_of(text));
    root = rpw_manifest_parse(&report, report.text);
    if (root && rpw_manifest_to_json(&report, root, &json))
        found = json_loadb(json.text.ptr, json.text.len, JSON_ALLOW_NUL, NULL);
    is_equal = found && json_equal(found, wanted);
    json_decref(found);
    rpw_pool_done(&pool);
    return is_equal;
}

/* The document with the tree's changes, or anew; NULL when it fails, or means something else than is wanted. */
static char *edit_text(struct rpw_report *report, struct rpw_span document, struct rpw_manifest_node *root,
                       json_t *wanted, bool is_anew)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    struct editor editor;

    if (!out)
        return NULL;
    editor = editor_for(report, document, root, out);
    if (is_anew)
        write_anew(&editor, root, wanted);
    else
        edit_node(&editor, root, 0);
    editor_copy_to(&editor, editor.end);
    if (fclose(out) == 0 && !editor.has_failed && means(text, wanted))
        return text;
    free(text);
    return NULL;
}

bool rpw_manifest_edit(struct rpw_report *report, struct rpw_span document, struct rpw_manifest_node *root,
                       json_t *patch, json_t *wanted, char **ret_text, bool *ret_is_new)
{
    json_t *keeper = json_array();
    bool is_new = !rpw_manifest_patch(report->pool, root, patch, keeper);
    char *text = is_new ? NULL : edit_text(report, document, root, wanted, false);

    if (!text) {
        is_new = true;
        text = edit_text(report, document, root, wanted, true);
    }
    json_decref(keeper);
    if (!text)
        return false;
    *ret_text = text;
    *ret_is_new = is_new;
    return true;
}
