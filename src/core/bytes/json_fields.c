/* json_fields.c - one loop for all objects that we read. */
#include "rpw/bytes/json_fields.h"

#include <assert.h>
#include <stdint.h>

static bool read_member(struct rpw_json_reader *reader, const struct rpw_json_field *field, void *target)
{
    if (rpw_json_take_null(reader))
        return true;
    return field->read(reader, field->name, (char *)target + field->offset);
}

bool rpw_json_read_fields(struct rpw_json_reader *reader, const char *name, const struct rpw_json_field *fields,
                          size_t count, void *target)
{
    uint32_t seen = 0;
    struct rpw_span key;

    assert(count <= RPW_MAX_JSON_FIELDS);
    if (!rpw_json_enter_object(reader, name))
        return false;
    while (rpw_json_next_member(reader, &key)) {
        size_t i = 0;
        while (i < count && !rpw_span_equal(fields[i].key, key))
            i++;
        if (i == count) {
            rpw_json_skip(reader);
        } else if ((seen >> i) & 1) {
            rpw_json_fail(reader, rpw_json_offset(reader), fields[i].name, "the field once", "a second one");
        } else {
            seen |= UINT32_C(1) << i;
            read_member(reader, &fields[i], target);
        }
    }
    return reader->err.status == RPW_OK;
}

bool rpw_json_field_string(struct rpw_json_reader *reader, const char *name, void *member)
{
    return rpw_json_read_string(reader, name, member);
}

bool rpw_json_field_bool(struct rpw_json_reader *reader, const char *name, void *member)
{
    return rpw_json_read_bool(reader, name, member);
}

bool rpw_json_field_raw(struct rpw_json_reader *reader, const char *name, void *member)
{
    (void)name;
    return rpw_json_read_raw(reader, member);
}
