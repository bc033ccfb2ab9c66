/* value.c - every key that a valueFrom of Kubernetes 1.35 has; what others there may be is not compared. */
#include "value.h"

#include "rpw/bytes/json_fields.h"

struct reference {
    struct rpw_span kind; /* secretKeyRef ... */
    struct rpw_span name, key, field_path, api_version, container, resource, volume, path;
    struct rpw_span divisor; /* its own JSON text: a number, too, is a quantity */
    bool is_optional;
};

#define TEXT(key, member) RPW_JSON_FIELD("valueFrom.", key, rpw_json_field_string, struct reference, member)

static const struct rpw_json_field fields[] = {
    TEXT("name", name),
    TEXT("key", key),
    TEXT("fieldPath", field_path),
    TEXT("apiVersion", api_version),
    TEXT("containerName", container),
    TEXT("resource", resource),
    TEXT("volumeName", volume),
    TEXT("path", path),
    RPW_JSON_FIELD("valueFrom.", "divisor", rpw_json_field_raw, struct reference, divisor),
    RPW_JSON_FIELD("valueFrom.", "optional", rpw_json_field_bool, struct reference, is_optional),
};
static const struct rpw_json_table table = RPW_JSON_TABLE("valueFrom", fields, struct reference, RPW_JSON_NO_TEXT);

static struct rpw_span without_quotes(struct rpw_span text)
{
    return text.len >= 2 && text.ptr[0] == '"' ? (struct rpw_span){text.ptr + 1, text.len - 2} : text;
}

/* False when it is malformed: an apiserver refuses it. */
static bool read(struct injector *injector, struct rpw_span value_from, struct reference *ret_reference)
{
    struct reference reference = {.api_version = RPW_LIT("v1"), .divisor = RPW_LIT("0")};
    struct rpw_json_reader reader;
    struct rpw_span kind;

    rpw_json_reader_init(&reader, injector->arena, value_from);
    rpw_json_enter_object(&reader, "valueFrom");
    while (rpw_json_next_member(&reader, &kind))
        if (!rpw_json_take_null(&reader)) {
            reference.kind = kind;
            rpw_json_read_object(&reader, &table, &reference);
        }
    if (reader.err.status == RPW_E_NOMEM)
        injector->has_failed = true;
    reference.divisor = without_quotes(reference.divisor);
    *ret_reference = reference;
    return reader.err.status == RPW_OK;
}

static bool is_same_reference(struct injector *injector, struct rpw_span a, struct rpw_span b)
{
    struct reference left, right;

    return read(injector, a, &left) && read(injector, b, &right) && rpw_span_equal(left.kind, right.kind) &&
           rpw_span_equal(left.name, right.name) && rpw_span_equal(left.key, right.key) &&
           rpw_span_equal(left.field_path, right.field_path) && rpw_span_equal(left.api_version, right.api_version) &&
           rpw_span_equal(left.container, right.container) && rpw_span_equal(left.resource, right.resource) &&
           rpw_span_equal(left.volume, right.volume) && rpw_span_equal(left.path, right.path) &&
           rpw_span_equal(left.divisor, right.divisor) && left.is_optional == right.is_optional;
}

bool value_is_optional(struct injector *injector, struct rpw_span value_from)
{
    struct reference reference;

    read(injector, value_from, &reference);
    return reference.is_optional;
}

struct rpw_env_var value_of(const struct rpw_env *env)
{
    bool is_literal = env->value_from.ptr == NULL;

    return (struct rpw_env_var){env->name, is_literal ? env->value : (struct rpw_span){NULL, 0}, env->value_from};
}

bool value_equal(struct injector *injector, const struct rpw_env_var *a, const struct rpw_env_var *b)
{
    if (a->value_from.ptr == NULL || b->value_from.ptr == NULL)
        return a->value_from.ptr == b->value_from.ptr && rpw_span_equal(a->value, b->value);
    return is_same_reference(injector, a->value_from, b->value_from);
}

struct rpw_span value_shown(struct injector *injector, const struct rpw_env_var *variable)
{
    if (variable->value_from.ptr == NULL)
        return injector_quoted(injector, variable->value);
    return injector_text(injector, RPW_PARTS(rpw_words("valueFrom "), rpw_plain(variable->value_from)));
}
