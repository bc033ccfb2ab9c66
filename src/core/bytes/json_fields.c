/* json_fields.c - one loop for all objects that we read. */
#include "rpw/bytes/json_fields.h"

#include <assert.h>
#include <stdint.h>

/* The form of all lists. */
struct list {
    bool is_present;
    size_t count;
    void *items;
    struct rpw_span text;
};

static bool read_object(struct rpw_json_reader *reader, const char *name, const struct rpw_json_table *table,
                        void *target);

static struct rpw_span text_since(const struct rpw_json_reader *reader, const char *start)
{
    return (struct rpw_span){start, (size_t)(reader->at - start)};
}

static bool read_element(struct rpw_json_reader *reader, const struct rpw_json_table *table, struct list *list)
{
    char *items = rpw_arena_append(reader->arena, list->items, list->count, table->size);

    if (items == NULL)
        return rpw_json_fail_no_memory(reader);
    char *item = items + list->count++ * table->size;
    list->items = items;
    if (rpw_json_take_null(reader))
        return true;
    const char *start = reader->start + rpw_json_offset(reader);
    if (!rpw_json_read_object(reader, table, item))
        return false;
    struct rpw_span text = text_since(reader, start);
    if (table->text_offset != RPW_JSON_NO_TEXT)
        memcpy(item + table->text_offset, &text, sizeof(text));
    return true;
}

static bool read_list(struct rpw_json_reader *reader, const struct rpw_json_field *field, void *member)
{
    const char *start = reader->start + rpw_json_offset(reader);
    struct list list = {.is_present = true};
    bool is_read = rpw_json_enter_array(reader, field->name);

    while (is_read && rpw_json_next_element(reader))
        is_read = read_element(reader, field->table, &list);
    list.text = text_since(reader, start);
    /* The types of the pointers to items differ, their form does not. */
    memcpy(member, &list, sizeof(list));
    return reader->err.status == RPW_OK;
}

static bool read_member(struct rpw_json_reader *reader, const struct rpw_json_field *field, void *target)
{
    void *member = (char *)target + field->offset;

    if (rpw_json_take_null(reader))
        return true;
    if (field->table == NULL)
        return field->read(reader, field->name, member);
    return field->is_list ? read_list(reader, field, member) : read_object(reader, field->name, field->table, member);
}

static bool read_object(struct rpw_json_reader *reader, const char *name, const struct rpw_json_table *table,
                        void *target)
{
    uint32_t seen = 0;
    struct rpw_span key;

    assert(table->count <= RPW_MAX_JSON_FIELDS);
    if (!rpw_json_enter_object(reader, name))
        return false;
    while (rpw_json_next_member(reader, &key)) {
        const struct rpw_json_field *fields = table->fields;
        size_t i = 0;
        while (i < table->count && !rpw_span_equal(fields[i].key, key))
            i++;
        if (i == table->count) {
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

bool rpw_json_read_object(struct rpw_json_reader *reader, const struct rpw_json_table *table, void *target)
{
    return read_object(reader, table->name, table, target);
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
