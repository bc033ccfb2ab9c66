/* manifest_block.c - block style: pairs and elements have lines of their own, and so has what is new. */
#include "manifest_editor.h"
#include "manifest_patch.h"

static size_t pair_end(struct editor *editor, const struct rpw_manifest_child *pair)
{
    return editor_value_end(editor, pair->value, editor_key_end(editor, pair->key));
}

/* How far the manifest indents lists below their keys: as the mapping itself does, else as its first one does. */
bool edit_find_list_indent(const struct editor *editor, const struct rpw_manifest_node *node, bool is_deep,
                           unsigned *ret_indent)
{
    for (size_t i = 0; i < node->count; i++) {
        const struct rpw_manifest_child *child = &node->children[i];

        if (!child->value)
            continue;
        if (child->key && child->value->type == RPW_MANIFEST_LIST && child->value->style != RPW_MANIFEST_FLOW &&
            node->style != RPW_MANIFEST_FLOW) {
            *ret_indent = editor_column_of(editor, child->value->start) - editor_column_of(editor, child->key->start);
            return true;
        }
        if (is_deep && edit_find_list_indent(editor, child->value, true, ret_indent))
            return true;
    }
    return false;
}

static struct rpw_yaml_writer writer_for(const struct editor *editor, const struct rpw_manifest_node *mapping)
{
    struct rpw_yaml_writer writer = editor->writer;

    edit_find_list_indent(editor, mapping, false, &writer.list_indent);
    return writer;
}

static bool is_one_line_scalar(const struct rpw_manifest_node *value)
{
    return value->type == RPW_MANIFEST_SCALAR && value->style != RPW_MANIFEST_BLOCK && !value->is_absent;
}

static void write_lines(const struct rpw_yaml_writer *writer, json_t *value, unsigned key_column)
{
    const char *key;
    json_t *item;
    size_t index;

    json_array_foreach(value, index, item) rpw_yaml_write_element(writer, item, key_column + writer->list_indent);
    if (json_is_object(value))
        json_object_foreach(value, key, item) rpw_yaml_write_pair(writer, key, item, key_column + 2);
}

/* What stands behind the colon on the key's line, a comment that is, stays there. */
static void replace_pair(struct editor *editor, const struct rpw_manifest_node *mapping,
                         const struct rpw_manifest_child *pair, json_t *value)
{
    struct rpw_yaml_writer writer = writer_for(editor, mapping);
    size_t colon_end = editor_key_end(editor, pair->key), end = pair_end(editor, pair);

    if (editor->has_failed)
        return;
    if (rpw_yaml_is_inline(value) && is_one_line_scalar(pair->value)) {
        editor_replace_in_line(editor, pair->value, value);
        return;
    }
    editor_copy_to(editor, colon_end);
    if (rpw_yaml_is_inline(value)) {
        fputc(' ', editor->out);
        rpw_yaml_write_flow(&writer, value);
    }
    editor_skip_to(editor, end);
    if (!rpw_yaml_is_inline(value)) {
        editor_copy_lines_to(editor, editor_line_after(editor, end));
        write_lines(&writer, value, editor_column_of(editor, pair->key->start));
    }
}

static json_t *empty_like(const struct rpw_manifest_node *node)
{
    return node->type == RPW_MANIFEST_LIST ? json_array() : json_object();
}

static void remove_lines(struct editor *editor, size_t start, size_t end)
{
    if (!editor_is_first_in_line(editor, start)) {
        editor_fail(editor);
        return;
    }
    editor_copy_to(editor, editor_line_start(editor, start));
    editor_skip_to(editor, editor_line_after(editor, end));
}

static void edit_pair(struct editor *editor, const struct rpw_manifest_node *mapping,
                      const struct rpw_manifest_child *pair)
{
    if (pair->is_removed) {
        remove_lines(editor, pair->key->start, pair_end(editor, pair));
    } else if (pair->new_value) {
        replace_pair(editor, mapping, pair, pair->new_value);
    } else if (pair->value->has_edits && rpw_manifest_live_count(pair->value) == 0) {
        json_t *empty = empty_like(pair->value);
        replace_pair(editor, mapping, pair, empty);
        json_decref(empty);
    } else if (pair->value->has_edits) {
        edit_node(editor, pair->value, editor_line_after(editor, editor_key_end(editor, pair->key)));
    }
}

void edit_mapping(struct editor *editor, const struct rpw_manifest_node *mapping)
{
    struct rpw_yaml_writer writer = writer_for(editor, mapping);
    unsigned column = editor_column_of(editor, mapping->start);
    size_t end = 0;

    for (size_t i = 0; i < mapping->count && !editor->has_failed; i++) {
        const struct rpw_manifest_child *pair = &mapping->children[i];

        if (pair->value) {
            edit_pair(editor, mapping, pair);
            end = pair_end(editor, pair);
        } else if (!pair->is_removed) {
            editor_copy_lines_to(editor, editor_line_after(editor, end));
            rpw_yaml_write_pair(&writer, pair->new_key, pair->new_value, column);
        }
    }
}

/* The dash of the element behind the one that ends at end: the first in its column. */
static size_t next_dash(struct editor *editor, size_t end, unsigned column)
{
    for (size_t line = editor_line_after(editor, end); line < editor->end; line = editor_line_after(editor, line))
        if (line + column < editor->end && editor->text[line + column] == '-' &&
            editor_is_first_in_line(editor, line + column))
            return line + column;
    editor_fail(editor);
    return end;
}

static void edit_element(struct editor *editor, const struct rpw_manifest_child *element, size_t dash, size_t end)
{
    if (element->is_removed) {
        remove_lines(editor, dash, end);
    } else if (element->new_value) {
        editor_copy_to(editor, dash + 1);
        rpw_yaml_write_value(&editor->writer, element->new_value, editor_column_of(editor, dash) + 2, true);
        editor_skip_to(editor, editor_line_after(editor, end));
    } else if (element->value->has_edits) {
        edit_node(editor, element->value, 0);
    }
}

/* first_line: the line below the list's key, where comments on its first element may stand; 0: there is no key. */
void edit_list(struct editor *editor, const struct rpw_manifest_node *list, size_t first_line)
{
    unsigned column = editor_column_of(editor, list->start);
    size_t here = first_line, dash = list->start;
    bool is_first = true;

    for (size_t i = 0; i < list->count && !editor->has_failed; i++) {
        const struct rpw_manifest_child *element = &list->children[i];

        if (element->value) {
            size_t end;

            dash = is_first ? dash : next_dash(editor, here, column);
            end = editor_value_end(editor, element->value, dash + 1);
            is_first = false;
            if (!editor->has_failed)
                edit_element(editor, element, dash, end);
            here = end;
        } else if (!element->is_removed && (here == 0 || (is_first && !editor_is_first_in_line(editor, list->start)))) {
            editor_fail(editor);
        } else if (!element->is_removed) {
            editor_copy_lines_to(editor, is_first ? first_line : editor_line_after(editor, here));
            rpw_yaml_write_element(&editor->writer, element->new_value, column);
        }
    }
}
