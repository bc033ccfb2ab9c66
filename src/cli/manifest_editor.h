/* manifest_editor.h - one walk over a document's tree that copies the text and, where the tree says so, writes something else.
 *
 *     text     | copied ...........| left out |
 *                                  ^ at        ^ skip_to
 *     out      | copied ...........| new | goes on behind what was left out
 *
 * The walk goes forwards only. What it does not understand makes it fail, and that is sticky; then the document is written
 * anew (manifest_edit.c). Block style and flow style have a file each.
 */
#ifndef RPW_CLI_MANIFEST_EDITOR_H
#define RPW_CLI_MANIFEST_EDITOR_H

#include "manifest.h"
#include "yaml_writer.h"

struct editor {
    const char *text; /* all of it: the tree's offsets count from here */
    size_t at, end;   /* of the document */
    FILE *out;
    struct rpw_yaml_writer writer;
    bool has_ended_line; /* the last line, which had no end */
    bool has_failed;
};

void editor_fail(struct editor *editor);
void editor_skip_to(struct editor *editor, size_t offset);
void editor_copy_to(struct editor *editor, size_t offset);
void editor_copy_lines_to(struct editor *editor,
                          size_t offset); /* the beginning of a line, which lines of ours follow */

size_t editor_line_start(const struct editor *editor, size_t offset);
size_t editor_line_after(const struct editor *editor, size_t offset);
unsigned editor_column_of(const struct editor *editor, size_t offset);
bool editor_is_first_in_line(const struct editor *editor, size_t offset);

/* The end of a key's colon. */
size_t editor_key_end(struct editor *editor, const struct rpw_manifest_node *key);

/* Where the text of a value ends, its line's end not included. absent_end: where it ends when it is not there; 0 when that
 * is not known. */
size_t editor_value_end(struct editor *editor, const struct rpw_manifest_node *value, size_t absent_end);

/* Writes, in one line, in the place of a scalar or of something in flow style. */
void editor_replace_in_line(struct editor *editor, const struct rpw_manifest_node *old, json_t *value);

/* Any collection. first_line: the line below a list's key, where comments on its first element may stand; 0: no key. */
void edit_node(struct editor *editor, const struct rpw_manifest_node *node, size_t first_line);

void edit_mapping(struct editor *editor, const struct rpw_manifest_node *mapping);
void edit_list(struct editor *editor, const struct rpw_manifest_node *list, size_t first_line);
void edit_flow(struct editor *editor, const struct rpw_manifest_node *node);

/* How far lists stand below their keys in mapping, or (is_deep) in the first that has one below it. False: nowhere. */
bool edit_find_list_indent(const struct editor *editor, const struct rpw_manifest_node *mapping, bool is_deep,
                           unsigned *ret_indent);

#endif
