/* yaml_writer.h - JSON values as YAML, the way people and Helm write it: block style, quotes only where they are needed,
 * texts of several lines behind |.
 *
 * Memory: the writer borrows the stream. Errors: those of the stream.
 */
#ifndef RPW_CLI_YAML_WRITER_H
#define RPW_CLI_YAML_WRITER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct rpw_yaml_writer {
    FILE *out;
    const char *newline;  /* "\n" or "\r\n" */
    unsigned list_indent; /* of a list below the key that it belongs to: 0 or more */
    bool is_json;         /* flow style writes JSON: its surroundings do */
};

/* The value behind "key:" or "-": " text", or lines of their own, indented by indent; the end of the last line included.
 * Behind a dash (is_in_list) a mapping begins in the same line. */
void rpw_yaml_write_value(const struct rpw_yaml_writer *writer, json_t *value, unsigned indent, bool is_in_list);

/* One line or more, indented: "key: value", or "- value". */
void rpw_yaml_write_pair(const struct rpw_yaml_writer *writer, const char *key, json_t *value, unsigned indent);
void rpw_yaml_write_element(const struct rpw_yaml_writer *writer, json_t *value, unsigned indent);

/* A document's root: the pairs of a mapping, without indentation; anything else as in a list. */
void rpw_yaml_write_root(const struct rpw_yaml_writer *writer, json_t *value);

/* Flow style, in one line, without its end. */
void rpw_yaml_write_flow(const struct rpw_yaml_writer *writer, json_t *value);
void rpw_yaml_write_flow_pair(const struct rpw_yaml_writer *writer, const char *key, json_t *value);

/* Whether a value stands in the line of its key, and needs no lines of its own. */
bool rpw_yaml_is_inline(json_t *value);

#endif
