/* record.c - see the header. */
#include "record.h"

#include "rpw/bytes/json_fields.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- reading ------------------------------------------------------------------------------------------------------- */

/* One more item of an array in the reader's arena; NULL, and the reader has failed, when there are max of them already or no
 * memory. */
static void *append(struct rpw_json_reader *reader, void *items, size_t count, size_t max, size_t item_size)
{
    if (count == max) {
        rpw_json_fail(reader, rpw_json_offset(reader), "injected", "fewer elements", NULL);
        return NULL;
    }
    void *grown = rpw_arena_append(reader->arena, items, count, item_size);
    if (grown == NULL)
        rpw_json_fail_no_memory(reader);
    return grown;
}

static bool read_env(struct rpw_json_reader *reader, const char *name, void *member)
{
    struct record_container *container = member;
    struct rpw_span key;

    if (!rpw_json_enter_object(reader, name))
        return false;
    while (rpw_json_next_member(reader, &key)) {
        struct rpw_env_var *items =
            append(reader, container->variables, container->variable_count, RPW_MAX_RECORD_VARIABLES, sizeof(items[0]));
        if (items == NULL)
            return false;
        struct rpw_env_var *variable = &items[container->variable_count++];
        container->variables = items;
        variable->name = key;
        rpw_json_read_string(reader, name, &variable->value);
    }
    return reader->err.status == RPW_OK;
}

static const struct rpw_json_field container_fields[] = {
    {.key = {"env", sizeof("env") - 1}, .name = "injected.containers.env", .read = read_env, .offset = 0},
    RPW_JSON_FIELD("injected.containers.", "pythonPath", rpw_json_field_string, struct record_container, python_path),
    RPW_JSON_FIELD("injected.containers.", "mountPath", rpw_json_field_string, struct record_container, mount_path),
};

static bool read_containers(struct rpw_json_reader *reader, const char *name, void *member)
{
    struct record *record = member;
    struct rpw_span key;

    if (!rpw_json_enter_object(reader, name))
        return false;
    while (rpw_json_next_member(reader, &key)) {
        struct record_container *items =
            append(reader, record->containers, record->container_count, RPW_MAX_RECORD_CONTAINERS, sizeof(items[0]));
        if (items == NULL)
            return false;
        struct record_container *container = &items[record->container_count++];
        record->containers = items;
        container->name = key;
        rpw_json_read_fields(reader, name, container_fields, COUNT(container_fields), container);
    }
    return reader->err.status == RPW_OK;
}

static bool read_init_containers(struct rpw_json_reader *reader, const char *name, void *member)
{
    struct record *record = member;

    if (!rpw_json_enter_array(reader, name))
        return false;
    while (rpw_json_next_element(reader)) {
        struct rpw_span *items =
            append(reader, record->init_containers, record->init_container_count, RPW_OWN_CONTAINERS, sizeof(items[0]));
        if (items == NULL)
            return false;
        record->init_containers = items;
        rpw_json_read_string(reader, name, &items[record->init_container_count++]);
    }
    return reader->err.status == RPW_OK;
}

#define MAP_FIELD(map_key, reader)                                                                                     \
    {                                                                                                                  \
        .key = {map_key, sizeof(map_key) - 1}, .name = "injected." map_key, .read = reader, .offset = 0                \
    }

static const struct rpw_json_field record_fields[] = {
    RPW_JSON_FIELD("injected.", "volume", rpw_json_field_string, struct record, volume),
    MAP_FIELD("containers", read_containers),
    MAP_FIELD("initContainers", read_init_containers),
};

struct record record_read(struct injector *injector)
{
    struct rpw_span text = injector->pod->metadata.annotations.injected;
    struct record record = {.container_count = 0};
    struct rpw_json_reader reader;

    if (text.len == 0 || text.len > RPW_MAX_RECORD_BYTES)
        return record;
    rpw_json_reader_init(&reader, injector->arena, text);
    if (rpw_json_read_fields(&reader, "injected", record_fields, COUNT(record_fields), &record) &&
        rpw_json_finish(&reader))
        return record;
    if (reader.err.status == RPW_E_NOMEM)
        injector->has_failed = true;
    return (struct record){.container_count = 0};
}

bool record_has_variable(const struct record_container *on_record, struct rpw_span name, struct rpw_span value)
{
    for (size_t i = 0; on_record != NULL && i < on_record->variable_count; i++)
        if (rpw_span_equal(on_record->variables[i].name, name) && rpw_span_equal(on_record->variables[i].value, value))
            return true;
    return false;
}

bool record_has_init_container(const struct record *record, struct rpw_span name)
{
    for (size_t i = 0; i < record->init_container_count; i++)
        if (rpw_span_equal(record->init_containers[i], name))
            return true;
    return false;
}

/* --- writing ------------------------------------------------------------------------------------------------------- */

/* "key":"value", with the comma in front that it needs; nothing for an empty value. */
static void put_text(struct rpw_strbuf *buf, const char **separator, const char *key, struct rpw_span value)
{
    if (value.len == 0)
        return;
    rpw_strbuf_put_parts(
        buf, RPW_PARTS(rpw_words(*separator), rpw_quoted(rpw_span_of(key)), rpw_words(":"), rpw_quoted(value)));
    *separator = ",";
}

/* "name":{"env":{...},"pythonPath":"...","mountPath":"..."} */
static struct rpw_span container_text(struct injector *injector, const struct record_container *container)
{
    const char *separator = "";
    struct rpw_strbuf buf;

    rpw_strbuf_init(&buf, injector->arena);
    rpw_strbuf_put_parts(&buf, RPW_PARTS(rpw_quoted(container->name), rpw_words(":{")));
    for (size_t i = 0; i < container->variable_count; i++)
        rpw_strbuf_put_parts(&buf,
                             RPW_PARTS(rpw_words(i > 0 ? "," : "\"env\":{"), rpw_quoted(container->variables[i].name),
                                       rpw_words(":"), rpw_quoted(container->variables[i].value)));
    if (container->variable_count > 0) {
        rpw_strbuf_put(&buf, "}");
        separator = ",";
    }
    put_text(&buf, &separator, "pythonPath", container->python_path);
    put_text(&buf, &separator, "mountPath", container->mount_path);
    rpw_strbuf_put(&buf, "}");
    return injector_finish(injector, &buf);
}

static bool is_recordable(const struct record_container *container, size_t recorded_count)
{
    bool has_content = container->variable_count > 0 || container->python_path.len > 0 || container->mount_path.len > 0;

    return has_content && recorded_count < RPW_MAX_RECORD_CONTAINERS &&
           container->variable_count <= RPW_MAX_RECORD_VARIABLES;
}

/* What stands around the containers at most: the volume's name, three keys, the names of our init containers. */
#define FRAME_BYTES 512

static void put_containers(struct injector *injector, struct rpw_strbuf *buf, const struct record *record)
{
    size_t count = 0;

    for (size_t i = 0; i < record->container_count; i++) {
        if (!is_recordable(&record->containers[i], count))
            continue;
        struct rpw_span text = container_text(injector, &record->containers[i]);
        if (buf->len + text.len + FRAME_BYTES > RPW_MAX_RECORD_BYTES)
            continue;
        rpw_strbuf_put(buf, count++ > 0 ? "," : "");
        rpw_strbuf_put_span(buf, text);
    }
}

struct rpw_span record_text(struct injector *injector, const struct record *record)
{
    struct rpw_strbuf buf, containers;
    const char *separator = "";

    rpw_strbuf_init(&containers, injector->arena);
    put_containers(injector, &containers, record);
    struct rpw_span map = injector_finish(injector, &containers);
    rpw_strbuf_init(&buf, injector->arena);
    rpw_strbuf_put(&buf, "{");
    put_text(&buf, &separator, "volume", record->volume);
    if (map.len > 0) {
        rpw_strbuf_put_parts(
            &buf, RPW_PARTS(rpw_words(separator), rpw_words("\"containers\":{"), rpw_plain(map), rpw_words("}")));
        separator = ",";
    }
    for (size_t i = 0; i < record->init_container_count; i++)
        rpw_strbuf_put_parts(&buf, RPW_PARTS(rpw_words(i == 0 ? separator : ","),
                                             rpw_words(i == 0 ? "\"initContainers\":[" : ""),
                                             rpw_quoted(record->init_containers[i])));
    rpw_strbuf_put(&buf, record->init_container_count > 0 ? "]}" : "}");
    return injector_finish(injector, &buf);
}
