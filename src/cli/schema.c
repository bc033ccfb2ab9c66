/* schema.c - the verb `schema`: the JSON Schema of policy.yaml, for editors, made from the tables that policy.yaml is read by. */
#include <jansson.h>
#include <stdio.h>

#include "cli.h"
#include "flags.h"
#include "keys.h"

static json_t *new_object(const struct rpw_shape *keys, bool is_open);

/* A value of the shape, without its nesting. */
static json_t *new_value(const struct rpw_shape *shape)
{
    json_t *words;

    switch (shape->type) {
    case RPW_SHAPE_TEXT:
        if (shape->words == NULL)
            return json_pack("{s:s}", "type", "string");
        words = json_array();
        for (const char *const *word = shape->words; *word != NULL; word++)
            json_array_append_new(words, json_string(*word));
        return json_pack("{s:o}", "enum", words);
    case RPW_SHAPE_BOOL:
        return json_pack("{s:s}", "type", "boolean");
    case RPW_SHAPE_INTEGER:
        return json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum", (json_int_t)shape->min, "maximum",
                         (json_int_t)shape->max);
    case RPW_SHAPE_QUANTITY:
        return json_pack("{s:[s, s]}", "type", "string", "number");
    case RPW_SHAPE_MAPPING:
        return new_object(shape->keys, shape->is_open);
    default:
        return json_object();
    }
}

static json_t *new_nested(const struct rpw_shape *shape)
{
    if (shape->nesting == RPW_SHAPE_LIST)
        return json_pack("{s:s, s:o}", "type", "array", "items", new_value(shape));
    if (shape->nesting == RPW_SHAPE_MAP)
        return json_pack("{s:s, s:o}", "type", "object", "additionalProperties", new_value(shape));
    return new_value(shape);
}

static json_t *new_object(const struct rpw_shape *keys, bool is_open)
{
    json_t *properties = json_object(), *required = json_array(), *alternatives = json_array();
    json_t *object =
        json_pack("{s:s, s:o, s:b}", "type", "object", "properties", properties, "additionalProperties", is_open);

    for (const struct rpw_shape *key = keys; key->name != NULL; key++) {
        json_t *value = new_nested(key->same != NULL ? key->same : key);

        if (key->help != NULL)
            json_object_set_new(value, "description", json_string(key->help));
        json_object_set_new(properties, key->name, value);
        if (key->is_required)
            json_array_append_new(required, json_string(key->name));
        if (key->is_alternative)
            json_array_append_new(alternatives, json_pack("{s:[s]}", "required", key->name));
    }
    if (json_array_size(required) > 0)
        json_object_set(object, "required", required);
    if (json_array_size(alternatives) > 0)
        json_object_set(object, "oneOf", alternatives);
    json_decref(required);
    json_decref(alternatives);
    return object;
}

static int schema(void *context)
{
    json_t *object = new_object(rpw_keys_of_file, false);

    (void)context;
    json_object_set_new(object, "$schema", json_string("http://json-schema.org/draft-07/schema#"));
    json_object_set_new(object, "title", json_string("rucio-policy-webhook: policy.yaml"));
    json_dumpf(object, stdout, JSON_INDENT(1));
    putchar('\n');
    json_decref(object);
    return RPW_EXIT_OK;
}

const struct rpw_verb rpw_verb_schema = {
    .name = "schema",
    .summary = "the JSON Schema of policy.yaml, for editors",
    .text = "Prints the JSON Schema of policy.yaml. An editor that knows it completes keys and words and marks errors; "
            "`check` knows more.",
    .run = schema,
};
