/* object.c - the configuration's YAML reader makes a tree; here it becomes JSON, and what is said of the JSON finds its line. */
#include "object.h"

#include <stdio.h>
#include <stdlib.h>

#include "base64.h"
#include "input.h"
#include "utf8.h"
#include "yaml_scalar.h"

#define TAG_PREFIX "tag:yaml.org,2002:"
#define MAX_ELEMENTS ((size_t)1000 * 1000)

static const struct rpw_yaml_limits limits = {.depth = RPW_MANIFEST_MAX_DEPTH,
                                              .elements = MAX_ELEMENTS,
                                              .anchors = MAX_ELEMENTS,
                                              .expanded_bytes = RPW_MANIFEST_MAX_JSON_BYTES,
                                              .is_go = true};

struct renderer {
    struct rpw_manifest_object *object;
    struct rpw_buffer json;
};

/* --- scalars --------------------------------------------------------------------------------------------------------- */

static void report_tag(struct renderer *renderer, const struct rpw_yaml_node *node, const char *expected)
{
    struct rpw_report *report = &renderer->object->report;

    rpw_report_error(report, node->place, "found the tag %s on %s, expected %s",
                     rpw_report_quote(report, node->tag, 60), rpw_report_quote(report, node->text, 60), expected);
}

/* Bytes that Go takes for text: what is no UTF-8 becomes U+FFFD. */
static void put_bytes(struct renderer *renderer, struct rpw_span bytes)
{
    struct rpw_buffer text = {.pool = renderer->json.pool};

    for (size_t at = 0, length; at < bytes.len; at += length) {
        struct rpw_span rest = {bytes.ptr + at, bytes.len - at};

        length = rpw_utf8_length(rest);
        rpw_buffer_append(&text, length > 0 ? (struct rpw_span){rest.ptr, length} : RPW_LIT("\xef\xbf\xbd"));
        length = length > 0 ? length : 1;
    }
    rpw_buffer_append_json(&renderer->json, (struct rpw_span){text.len > 0 ? text.ptr : "", text.len});
}

static void put_binary(struct renderer *renderer, const struct rpw_yaml_node *node)
{
    size_t len = 0;
    char *bytes = rpw_base64_decode(node->text, &len);

    if (bytes)
        put_bytes(renderer, (struct rpw_span){bytes, len});
    else
        report_tag(renderer, node, "base64");
    free(bytes);
}

/* The types that a tag asks for, as bits; 0: it asks for a text, or for nothing that YAML knows. */
static unsigned types_of(struct rpw_span tag)
{
    static const struct {
        const char *tag;
        unsigned types;
    } known[] = {{TAG_PREFIX "int", 1U << RPW_MANIFEST_INTEGER},
                 {TAG_PREFIX "float", 1U << RPW_MANIFEST_INTEGER | 1U << RPW_MANIFEST_FLOAT},
                 {TAG_PREFIX "bool", 1U << RPW_MANIFEST_BOOL},
                 {TAG_PREFIX "null", 1U << RPW_MANIFEST_NULL}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (rpw_span_is(tag, known[i].tag))
            return known[i].types;
    return 0;
}

/* What a scalar is. Not what its tag asks for: it was reported. */
static struct rpw_manifest_scalar resolve(struct renderer *renderer, const struct rpw_yaml_node *node)
{
    struct rpw_manifest_scalar scalar = {.type = RPW_MANIFEST_TEXT};
    unsigned types = types_of(node->tag);

    if (node->tag.ptr ? types != 0 : node->is_plain)
        scalar = rpw_manifest_scalar_resolve(node->text);
    if (types != 0 && !(types >> scalar.type & 1))
        report_tag(renderer, node, "what the tag says");
    return scalar;
}

/* As Go writes a number of 32 bits. */
static void format_float_key(double number, char ret_text[RPW_MANIFEST_NUMBER_BYTES])
{
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(ret_text, RPW_MANIFEST_NUMBER_BYTES, "%.*g", digits, number);
        if (strtof(ret_text, NULL) == (float)number)
            return;
    }
}

/* A key is always text: 010 is "8". */
static void put_scalar(struct renderer *renderer, const struct rpw_yaml_node *node, bool is_key)
{
    struct rpw_manifest_scalar scalar = resolve(renderer, node);
    struct rpw_report *report = &renderer->object->report;

    if (is_key && scalar.type == RPW_MANIFEST_FLOAT)
        format_float_key(scalar.number, scalar.json);
    if (rpw_span_is(node->tag, TAG_PREFIX "binary"))
        put_binary(renderer, node);
    else if (is_key && scalar.type == RPW_MANIFEST_NULL)
        rpw_report_error(report, node->place, "found a key that is no word, expected a word");
    else if (!is_key && scalar.type == RPW_MANIFEST_NOT_JSON)
        rpw_report_error(report, node->place, "found %s, which no Kubernetes object can hold, expected a number",
                         rpw_report_quote(report, node->text, 60));
    else if (scalar.json[0] == '\0')
        rpw_buffer_append_json(&renderer->json, node->text);
    else if (is_key)
        rpw_buffer_append_json(&renderer->json, rpw_span_of(scalar.json));
    else
        rpw_buffer_append(&renderer->json, rpw_span_of(scalar.json));
}

/* --- collections ----------------------------------------------------------------------------------------------------- */

static void add_origin(struct renderer *renderer, struct rpw_place place)
{
    struct rpw_manifest_object *object = renderer->object;

    if (object->origin_count == object->origin_capacity) {
        size_t capacity = 2 * object->origin_capacity + 64;
        struct rpw_manifest_origin *grown = rpw_pool_alloc(&object->pool, capacity * sizeof(*grown));

        if (!grown)
            return;
        if (object->origin_count > 0)
            memcpy(grown, object->origins, object->origin_count * sizeof(*grown));
        object->origins = grown;
        object->origin_capacity = capacity;
    }
    object->origins[object->origin_count++] = (struct rpw_manifest_origin){renderer->json.len, place};
}

/* No deeper than the tree, whose depth was limited when it was read. */
static void render(struct renderer *renderer, const struct rpw_yaml_node *node)
{
    bool is_list = node->type == RPW_YAML_LIST;

    add_origin(renderer, node->type == RPW_YAML_SCALAR ? node->place : (struct rpw_place){node->place.offset, 0});
    if (node->type == RPW_YAML_SCALAR || node->type == RPW_YAML_INVALID) {
        put_scalar(renderer, node, false);
        return;
    }
    rpw_buffer_append_char(&renderer->json, is_list ? '[' : '{');
    for (size_t i = 0; i < node->count && !renderer->object->pool.has_failed; i++) {
        if (i > 0)
            rpw_buffer_append_char(&renderer->json, ',');
        if (!is_list) {
            put_scalar(renderer, node->keys[i], true);
            rpw_buffer_append_char(&renderer->json, ':');
        }
        render(renderer, node->values[i]);
    }
    rpw_buffer_append_char(&renderer->json, is_list ? ']' : '}');
}

struct rpw_place rpw_manifest_object_place(const struct rpw_manifest_object *object, size_t json_offset)
{
    size_t low = 0, high = object->origin_count;

    if (high == 0)
        return (struct rpw_place){(size_t)(object->json.ptr - object->report.text.ptr) + json_offset, 0};
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (object->origins[middle].json_offset <= json_offset)
            low = middle;
        else
            high = middle;
    }
    return object->origins[low].place;
}

/* --- documents ------------------------------------------------------------------------------------------------------- */

void rpw_manifest_object_fail(struct rpw_manifest_object *object, const struct rpw_err *err)
{
    struct rpw_place place = rpw_manifest_object_place(object, err->offset);
    const char *field = err->field ? err->field : "", *found = err->found;
    char byte[] = "'?'";

    if (err->status == RPW_E_NOMEM) {
        rpw_report_error(&object->report, place, "found more pods than there is memory for");
        return;
    }
    if (!found && err->offset >= object->json.len)
        found = "the end of the text";
    if (!found && rpw_utf8_control((struct rpw_span){object->json.ptr + err->offset, 1}) < 0)
        byte[1] = object->json.ptr[err->offset];
    rpw_report_error(&object->report, place, "%s%sexpected %s, found %s", field, field[0] != '\0' ? ": " : "",
                     err->expected, found ? found : byte);
}

/* Bytes that no text holds, which the library would let pass. */
static bool check_bytes(struct rpw_report *report, struct rpw_span text)
{
    for (size_t at = 0, length; at < text.len; at += length) {
        struct rpw_span rest = {text.ptr + at, text.len - at};

        length = rpw_utf8_length(rest);
        if (length > 0 && rest.ptr[0] != '\0')
            continue;
        rpw_report_error(report, (struct rpw_place){(size_t)(rest.ptr - report->text.ptr), 0},
                         length == 0 ? "this is not YAML: found bytes that are not UTF-8"
                                     : "this is not YAML: found the character U+0000");
        return false;
    }
    return true;
}

/* Of keys that come twice the first: it is asked before the whole is checked. */
static struct rpw_span member(const struct rpw_yaml_node *mapping, const char *key)
{
    const struct rpw_yaml_node *value = rpw_yaml_find(mapping, key);

    return value && value->type == RPW_YAML_SCALAR ? value->text : (struct rpw_span){NULL, 0};
}

static bool read_yaml(struct rpw_manifest_object *object, struct rpw_span text, rpw_manifest_wants *wants)
{
    struct renderer renderer = {.object = object, .json = {.pool = &object->pool}};

    if (!check_bytes(&object->report, text))
        return false;
    object->root = rpw_yaml_parse(&object->pool, &object->report, text, &limits);
    if (!object->root)
        return false;
    object->api_version = member(object->root, "apiVersion");
    object->kind = member(object->root, "kind");
    if (wants && !wants(object->api_version, object->kind))
        return true;
    if (object->report.has_errors)
        return false;
    render(&renderer, object->root);
    object->json = (struct rpw_span){renderer.json.ptr, renderer.json.len};
    return !object->report.has_errors && !object->pool.has_failed;
}

bool rpw_manifest_object_open(const struct rpw_manifest_stream *stream, const struct rpw_manifest_document *document,
                              rpw_manifest_wants *wants, struct rpw_manifest_object *ret_object)
{
    struct rpw_manifest_object *object = ret_object;

    *object = (struct rpw_manifest_object){.json = document->json};
    rpw_pool_init(&object->pool, RPW_MANIFEST_MAX_POOL_BYTES);
    rpw_report_init(&object->report, &object->pool, stream->name, stream->text);
    if (document->json.ptr == NULL)
        return read_yaml(object, document->text, wants);
    if (document->err.status == RPW_OK)
        return true;
    rpw_manifest_object_fail(object, &document->err);
    return false;
}

void rpw_manifest_object_close(struct rpw_manifest_object *object)
{
    rpw_pool_done(&object->pool);
}

void rpw_manifest_object_print_errors(const struct rpw_manifest_object *object)
{
    char *report = rpw_report_render(&object->report);

    if (report && report[0] != '\0')
        fputs(report, stderr);
    else
        fprintf(stderr, "%s: a document needs more memory than there is for it\n", object->report.name);
    free(report);
}

json_t *rpw_manifest_object_value(struct rpw_manifest_object *object)
{
    json_error_t error;
    json_t *value = json_loadb(object->json.ptr, object->json.len, JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);

    if (!value)
        rpw_report_error(&object->report, rpw_manifest_object_place(object, (size_t)error.position),
                         "the webhook takes this, but it cannot be shown here: %s", error.text);
    return value;
}

const char *rpw_manifest_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

/* --- a whole text ---------------------------------------------------------------------------------------------------- */

bool rpw_manifest_visit(const char *name, struct rpw_span text, rpw_manifest_wants *wants, rpw_manifest_visitor *visit,
                        void *context)
{
    struct rpw_manifest_stream stream;
    struct rpw_manifest_document document;
    bool is_ok = true;

    rpw_manifest_stream_init(&stream, name, text);
    while (is_ok && rpw_manifest_stream_next(&stream, &document)) {
        struct rpw_manifest_object object;

        if (document.number == 0)
            continue;
        is_ok = rpw_manifest_object_open(&stream, &document, wants, &object) && visit(&object, context);
        if (!is_ok)
            rpw_manifest_object_print_errors(&object);
        rpw_manifest_object_close(&object);
    }
    return is_ok;
}

bool rpw_manifest_visit_file(const char *path, size_t max_bytes, rpw_manifest_visitor *visit, void *context)
{
    size_t len = 0;
    char *bytes = rpw_manifest_read_file(path, max_bytes, &len);
    bool is_ok =
        bytes && rpw_manifest_visit(rpw_manifest_shown_name(path), (struct rpw_span){bytes, len}, NULL, visit, context);

    free(bytes);
    return is_ok;
}
