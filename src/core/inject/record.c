/* record.c - see the header. */
#include "record.h"

#include "rpw/bytes/json_fields.h"
#include "value.h"

/* --- reading ------------------------------------------------------------------------------------------------------- */

/* One more item of an array in the reader's arena; NULL, and the reader has failed, when there are max of them already or no
 * memory. */
static void *append(struct rpw_json_reader *reader, void *items, size_t count, size_t max, size_t item_size)
{
    void *grown = count < max ? rpw_arena_append(reader->arena, items, count, item_size) : NULL;

    if (count == max)
        rpw_json_fail(reader, rpw_json_offset(reader), "injected", "fewer elements", NULL);
    else if (grown == NULL)
        rpw_json_fail_no_memory(reader);
    return grown;
}

/* is_literal: each is a text; else an object. */
static bool read_variables(struct rpw_json_reader *reader, const char *name, struct env_var_list *list, bool is_literal)
{
    struct rpw_span key;

    if (!rpw_json_enter_object(reader, name))
        return false;
    while (rpw_json_next_member(reader, &key)) {
        list->items = append(reader, list->items, list->count, RPW_MAX_RECORD_VARIABLES, sizeof(list->items[0]));
        if (list->items == NULL)
            return false;
        struct rpw_env_var *variable = &list->items[list->count++];
        *variable = (struct rpw_env_var){.name = key};
        if (is_literal)
            rpw_json_read_string(reader, name, &variable->value);
        else
            rpw_json_read_raw(reader, &variable->value_from);
    }
    return reader->err.status == RPW_OK;
}

static bool read_env(struct rpw_json_reader *reader, const char *name, void *member)
{
    return read_variables(reader, name, member, true);
}

static bool read_value_from(struct rpw_json_reader *reader, const char *name, void *member)
{
    return read_variables(reader, name, member, false);
}

static const struct rpw_json_field container_fields[] = {
    RPW_JSON_FIELD("injected.containers.", "env", read_env, struct record_container, env),
    RPW_JSON_FIELD("injected.containers.", "valueFrom", read_value_from, struct record_container, env),
    RPW_JSON_FIELD("injected.containers.", "pythonPath", rpw_json_field_string, struct record_container, python_path),
    RPW_JSON_FIELD("injected.containers.", "mountPath", rpw_json_field_string, struct record_container, mount_path),
    RPW_JSON_FIELD("injected.containers.", "pthPath", rpw_json_field_string, struct record_container, pth_path),
};
static const struct rpw_json_table container_table =
    RPW_JSON_TABLE("injected.containers", container_fields, struct record_container, RPW_JSON_NO_TEXT);

static bool read_containers(struct rpw_json_reader *reader, const char *name, void *member)
{
    struct record_container_list *list = member;
    struct rpw_span key;

    if (!rpw_json_enter_object(reader, name))
        return false;
    while (rpw_json_next_member(reader, &key)) {
        list->items = append(reader, list->items, list->count, RPW_MAX_RECORD_CONTAINERS, sizeof(list->items[0]));
        if (list->items == NULL)
            return false;
        list->items[list->count].name = key;
        rpw_json_read_object(reader, &container_table, &list->items[list->count++]);
    }
    return reader->err.status == RPW_OK;
}

static bool read_init_containers(struct rpw_json_reader *reader, const char *name, void *member)
{
    struct init_container_list *list = member;

    if (!rpw_json_enter_array(reader, name))
        return false;
    while (rpw_json_next_element(reader)) {
        if (list->count == RPW_OWN_CONTAINERS)
            return rpw_json_fail(reader, rpw_json_offset(reader), name, "fewer elements", NULL);
        rpw_json_read_string(reader, name, &list->names[list->count++]);
    }
    return reader->err.status == RPW_OK;
}

static const struct rpw_json_field record_fields[] = {
    RPW_JSON_FIELD("injected.", "volume", rpw_json_field_string, struct record, volume),
    RPW_JSON_FIELD("injected.", "containers", read_containers, struct record, containers),
    RPW_JSON_FIELD("injected.", "initContainers", read_init_containers, struct record, init_containers),
};
static const struct rpw_json_table record_table =
    RPW_JSON_TABLE("injected", record_fields, struct record, RPW_JSON_NO_TEXT);

struct record record_read(struct injector *injector)
{
    struct rpw_span text = injector->pod->metadata.annotations.injected;
    const struct record none = {.volume = {NULL, 0}};
    struct record record = none;
    struct rpw_json_reader reader;

    if (text.len == 0 || text.len > RPW_MAX_RECORD_BYTES)
        return none;
    rpw_json_reader_init(&reader, injector->arena, text);
    if (rpw_json_read_object(&reader, &record_table, &record) && rpw_json_finish(&reader))
        return record;
    if (reader.err.status == RPW_E_NOMEM)
        injector->has_failed = true;
    return none;
}

bool record_has_variable(struct injector *injector, const struct record_container *on_record,
                         const struct rpw_env_var *variable)
{
    for (size_t i = 0; on_record != NULL && i < on_record->env.count; i++)
        if (rpw_span_equal(on_record->env.items[i].name, variable->name) &&
            value_equal(injector, &on_record->env.items[i], variable))
            return true;
    return false;
}

bool record_has_pth(const struct record *record)
{
    for (size_t i = 0; i < record->containers.count; i++)
        if (record->containers.items[i].pth_path.len > 0)
            return true;
    return false;
}

bool record_has_init_container(const struct record *record, struct rpw_span name)
{
    for (size_t i = 0; i < record->init_containers.count; i++)
        if (rpw_span_equal(record->init_containers.names[i], name))
            return true;
    return false;
}

/* --- writing ------------------------------------------------------------------------------------------------------- */

/* What is put into an object ends in a comma each; the object's end takes the place of the last. */
static void end_object(struct rpw_strbuf *buf)
{
    if (!buf->has_failed && buf->bytes[buf->len - 1] == ',')
        buf->len--;
    rpw_strbuf_put(buf, "},");
}

static void put_member(struct rpw_strbuf *buf, struct rpw_span key, struct rpw_span value)
{
    if (value.len > 0)
        rpw_strbuf_put_parts(buf, RPW_PARTS(rpw_quoted(key), rpw_words(":"), rpw_quoted(value), rpw_words(",")));
}

/* "env":{"NAME":"...",...}, or "valueFrom":{"NAME":{...},...}, */
static void put_variables(struct rpw_strbuf *buf, const struct env_var_list *env, bool are_literals)
{
    size_t start = buf->len, count = 0;

    rpw_strbuf_put(buf, are_literals ? "\"env\":{" : "\"valueFrom\":{");
    for (size_t i = 0; i < env->count; i++) {
        const struct rpw_env_var *variable = &env->items[i];
        if ((variable->value_from.ptr == NULL) != are_literals)
            continue;
        rpw_strbuf_put_parts(buf,
                             RPW_PARTS(rpw_quoted(variable->name), rpw_words(":"),
                                       are_literals ? rpw_quoted(variable->value) : rpw_plain(variable->value_from),
                                       rpw_words(",")));
        count++;
    }
    end_object(buf);
    if (count == 0)
        buf->len = start;
}

/* "name":{"env":{...},"valueFrom":{...},"pythonPath":"...","mountPath":"..."}, */
static void put_container(struct rpw_strbuf *buf, const struct record_container *container)
{
    rpw_strbuf_put_parts(buf, RPW_PARTS(rpw_quoted(container->name), rpw_words(":{")));
    put_variables(buf, &container->env, true);
    put_variables(buf, &container->env, false);
    put_member(buf, RPW_LIT("pythonPath"), container->python_path);
    put_member(buf, RPW_LIT("mountPath"), container->mount_path);
    put_member(buf, RPW_LIT("pthPath"), container->pth_path);
    end_object(buf);
}

/* What stands behind the containers at most: the names of our init containers. */
#define TAIL_BYTES 256

static void put_containers(struct rpw_strbuf *buf, const struct record_container_list *containers)
{
    size_t start = buf->len, count = 0;

    rpw_strbuf_put(buf, "\"containers\":{");
    for (size_t i = 0; i < containers->count && count < RPW_MAX_RECORD_CONTAINERS; i++) {
        const struct record_container *container = &containers->items[i];
        size_t len = buf->len;
        if ((container->env.count == 0 && container->python_path.len == 0 && container->mount_path.len == 0 &&
             container->pth_path.len == 0) ||
            container->env.count > RPW_MAX_RECORD_VARIABLES)
            continue;
        put_container(buf, container);
        if (buf->len + TAIL_BYTES > RPW_MAX_RECORD_BYTES)
            buf->len = len;
        else
            count++;
    }
    end_object(buf);
    if (count == 0)
        buf->len = start;
}

struct rpw_span record_text(struct injector *injector, const struct record *record)
{
    struct rpw_strbuf buf;

    rpw_strbuf_init(&buf, injector->arena);
    rpw_strbuf_put(&buf, "{");
    put_member(&buf, RPW_LIT("volume"), record->volume);
    put_containers(&buf, &record->containers);
    for (size_t i = 0; i < record->init_containers.count; i++)
        rpw_strbuf_put_parts(&buf, RPW_PARTS(rpw_words(i == 0 ? "\"initContainers\":[" : ","),
                                             rpw_quoted(record->init_containers.names[i])));
    rpw_strbuf_put(&buf, record->init_containers.count > 0 ? "]" : "");
    end_object(&buf);
    struct rpw_span text = injector_finish(injector, &buf);
    text.len -= text.len > 0 ? 1 : 0; /* the comma behind the whole */
    return text;
}
