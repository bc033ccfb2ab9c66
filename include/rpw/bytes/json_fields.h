/* json_fields.h - reads the members of a JSON object into a struct, by a table: a field more is a line more.
 *
 *     static const struct rpw_json_field container_fields[] = {
 *         RPW_JSON_FIELD("spec.containers[].", "name", rpw_json_field_string, struct rpw_container, name),
 *         ...
 *     };
 *
 * Members that the table does not name are skipped. null counts as absent, as in Kubernetes: the struct keeps what it had.
 * A key of the table that comes twice is RPW_E_SHAPE (some readers would take the first, some the last, Go merges).
 */
#ifndef RPW_JSON_FIELDS_H
#define RPW_JSON_FIELDS_H

#include <stdint.h>

#include "rpw/bytes/json_reader.h"

/* Reads the next value into member. name is the field's place for errors. False: the reader has failed. */
typedef bool rpw_json_field_reader(struct rpw_json_reader *reader, const char *name, void *member);

struct rpw_json_field {
    struct rpw_span key;
    const char *name; /* where the field is, for errors: "spec.containers[].name" */
    size_t offset;    /* of the member in the struct */
    rpw_json_field_reader *read;
    const struct rpw_json_table *table; /* instead of read: of an object, or of the elements of a list */
    bool is_list;
};

/* The fields of an object, and the struct that they are read into. */
struct rpw_json_table {
    const char *name; /* for errors: "spec.containers[]" */
    const struct rpw_json_field *fields;
    size_t count;
    size_t size;        /* of the struct */
    size_t text_offset; /* of an element: of its member that takes its own JSON text; RPW_JSON_NO_TEXT: none does */
};

#define RPW_JSON_NO_TEXT SIZE_MAX

#define RPW_JSON_FIELD(place, field_key, field_reader, type, member)                                                   \
    {                                                                                                                  \
        .key = {field_key, sizeof(field_key) - 1}, .name = place field_key, .offset = offsetof(type, member),          \
        .read = field_reader                                                                                           \
    }

/* A member that is a struct, read by a table of its own; member_offset 0 reads into the same struct. */
#define RPW_JSON_OBJECT(place, field_key, field_table, member_offset)                                                  \
    {                                                                                                                  \
        .key = {field_key, sizeof(field_key) - 1}, .name = place field_key, .offset = (member_offset),                 \
        .table = &(field_table)                                                                                        \
    }

/* A member that is a list, of an array whose elements are read into a struct each: a struct of
 *     bool is_present; size_t count; struct ELEMENT *items; struct rpw_span text;
 * The items lie in the reader's arena, and a null element is a zeroed one; text is the whole array's own JSON text. */
#define RPW_JSON_LIST(place, field_key, element_table, type, member)                                                   \
    {                                                                                                                  \
        .key = {field_key, sizeof(field_key) - 1}, .name = place field_key, .offset = offsetof(type, member),          \
        .table = &(element_table), .is_list = true                                                                     \
    }

#define RPW_JSON_TABLE(place, field_list, type, element_text_offset)                                                   \
    {                                                                                                                  \
        .name = (place), .fields = (field_list), .count = sizeof(field_list) / sizeof((field_list)[0]),                \
        .size = sizeof(type), .text_offset = (element_text_offset)                                                     \
    }

/* A table has at most this many fields. */
#define RPW_MAX_JSON_FIELDS 32

/* Reads the next value, an object, into the struct at target. */
bool rpw_json_read_object(struct rpw_json_reader *reader, const struct rpw_json_table *table, void *target);

/* Field readers for struct rpw_span and bool. */
rpw_json_field_reader rpw_json_field_string;
rpw_json_field_reader rpw_json_field_bool;
rpw_json_field_reader rpw_json_field_raw; /* any value's own text */

#endif
