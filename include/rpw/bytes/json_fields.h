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

#include "rpw/bytes/json_reader.h"

/* Reads the next value into member. name is the field's place for errors. False: the reader has failed. */
typedef bool rpw_json_field_reader(struct rpw_json_reader *reader, const char *name, void *member);

struct rpw_json_field {
    struct rpw_span key;
    const char *name; /* where the field is, for errors: "spec.containers[].name" */
    rpw_json_field_reader *read;
    size_t offset; /* of the member in the struct */
};

#define RPW_JSON_FIELD(place, field_key, field_reader, type, member)                                                   \
    {                                                                                                                  \
        .key = {field_key, sizeof(field_key) - 1}, .name = place field_key, .read = field_reader,                      \
        .offset = offsetof(type, member)                                                                               \
    }

/* A table has at most this many fields. */
#define RPW_MAX_JSON_FIELDS 32

/* Reads the next value, an object called name in errors, into the struct at target. */
bool rpw_json_read_fields(struct rpw_json_reader *reader, const char *name, const struct rpw_json_field *fields,
                          size_t count, void *target);

/* Field readers for struct rpw_span and bool. */
rpw_json_field_reader rpw_json_field_string;
rpw_json_field_reader rpw_json_field_bool;
rpw_json_field_reader rpw_json_field_raw; /* any value's own text */

#endif
