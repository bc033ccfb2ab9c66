/* manifest_flow.c - flow style: what is new stands between commas, in a line of its own where the others do. */
#include "manifest_editor.h"
#include "manifest_patch.h"

static size_t flow_start(const struct rpw_manifest_child *child)
{
    return child->key ? child->key->start : child->value->start;
}

static const struct rpw_manifest_child *next_original(const struct rpw_manifest_node *node, size_t i)
{
    while (i < node->count && !node->children[i].value)
        i++;
    return i < node->count ? &node->children[i] : NULL;
}

static void write_flow_child(const struct editor *editor, const struct rpw_manifest_child *child)
{
    if (child->new_key)
        rpw_yaml_write_flow_pair(&editor->writer, child->new_key, child->new_value);
    else
        rpw_yaml_write_flow(&editor->writer, child->new_value);
}

/* The comma, and the white space of the collection's own layout: each child in a line of its own, or all in one. */
static void write_separator(const struct editor *editor, const struct rpw_manifest_node *node)
{
    size_t first = flow_start(next_original(node, 0)), start = first;

    while (start > node->start && memchr(" \t\r\n", editor->text[start - 1], 4))
        start--;
    fputc(',', editor->out);
    if (memchr(editor->text + start, '\n', first - start))
        fwrite(editor->text + start, 1, first - start, editor->out);
    else
        fputc(' ', editor->out);
}

static void remove_flow_child(struct editor *editor, const struct rpw_manifest_child *child,
                              const struct rpw_manifest_child *before, const struct rpw_manifest_child *after)
{
    if (after) {
        editor_copy_to(editor, flow_start(child));
        editor_skip_to(editor, flow_start(after));
    } else if (before) {
        editor_copy_to(editor, before->value->end);
        editor_skip_to(editor, child->value->end);
    } else {
        editor_fail(editor);
    }
}

static void empty_in_line(struct editor *editor, const struct rpw_manifest_node *node)
{
    editor_copy_to(editor, node->start);
    fputs(node->type == RPW_MANIFEST_LIST ? "[]" : "{}", editor->out);
    editor_skip_to(editor, node->end);
}

static void edit_flow_child(struct editor *editor, const struct rpw_manifest_child *child)
{
    if (child->value->is_absent)
        editor_fail(editor);
    else if (child->new_value)
        editor_replace_in_line(editor, child->value, child->new_value);
    else if (child->value->has_edits && rpw_manifest_live_count(child->value) == 0)
        empty_in_line(editor, child->value);
    else if (child->value->has_edits)
        edit_node(editor, child->value, 0);
}

void edit_flow(struct editor *editor, const struct rpw_manifest_node *node)
{
    const struct rpw_manifest_child *before = NULL;

    if (!next_original(node, 0) || rpw_manifest_live_count(node) == 0)
        editor_fail(editor);
    for (size_t i = 0; i < node->count && !editor->has_failed; i++) {
        const struct rpw_manifest_child *child = &node->children[i], *after = next_original(node, i + 1);

        if (child->value && child->is_removed) {
            remove_flow_child(editor, child, before, after);
        } else if (child->value) {
            edit_flow_child(editor, child);
        } else if (!child->is_removed && after) {
            editor_copy_to(editor, flow_start(after));
            write_flow_child(editor, child);
            write_separator(editor, node);
        } else if (!child->is_removed && before) {
            editor_copy_to(editor, before->value->end);
            write_separator(editor, node);
            write_flow_child(editor, child);
        }
        before = child->value ? child : before;
    }
}
