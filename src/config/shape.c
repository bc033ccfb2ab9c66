/* shape.c - one value of a Kubernetes object against its row of the table. As deep as the tables, which do not recur. */
#include "shape.h"

#include <inttypes.h>
#include <stdio.h>

#include "scalar.h"

const struct rpw_shape *rpw_shape_find(const struct rpw_shape *keys, struct rpw_span name)
{
    for (; keys->name; keys++)
        if (rpw_span_is(name, keys->name))
            return keys;
    return NULL;
}

static void list_names(const struct rpw_shape *keys, const char **ret_names)
{
    size_t count = 0;

    for (; keys->name && count < RPW_SHAPE_MAX_KEYS; keys++)
        ret_names[count++] = keys->name;
    ret_names[count] = NULL;
}

const char *rpw_shape_suggest(const struct rpw_shape *keys, struct rpw_span name)
{
    const char *names[RPW_SHAPE_MAX_KEYS + 1];

    list_names(keys, names);
    return rpw_fields_suggest(name, names);
}

bool rpw_shape_read_quantity(const struct rpw_yaml_node *node, rpw_nanos *ret_nanos)
{
    rpw_nanos nanos;

    if (node->type != RPW_YAML_SCALAR || !rpw_quantity_parse(node->text, &nanos) || nanos < 0 ||
        (rpw_scalar_resolve(node).type != RPW_SCALAR_TEXT && !rpw_scalar_is_json_number(node->text)))
        return false;
    *ret_nanos = nanos;
    return true;
}

/* What readers of YAML take differently is reported once, where it is rendered. */
static bool is_ambiguous(const struct rpw_yaml_node *node)
{
    return node->type == RPW_YAML_SCALAR && (rpw_scalar_resolve(node).type == RPW_SCALAR_BAD_BOOL ||
                                             rpw_scalar_resolve(node).type == RPW_SCALAR_BAD_NUMBER);
}

static bool is_null(const struct rpw_yaml_node *node)
{
    return node->type == RPW_YAML_SCALAR && rpw_scalar_resolve(node).type == RPW_SCALAR_NULL;
}

static void report(struct rpw_loader *loader, const struct rpw_shape *shape, const struct rpw_yaml_node *node,
                   const char *expected)
{
    rpw_report_error(loader->report, node->place, "%s: found %s, expected %s", shape->name,
                     rpw_fields_describe(loader, node), expected);
}

static void check_text(struct rpw_loader *loader, const struct rpw_shape *shape, const struct rpw_yaml_node *node)
{
    bool is_text = node->type == RPW_YAML_SCALAR && rpw_scalar_resolve(node).type == RPW_SCALAR_TEXT;
    size_t unused;

    if (is_text && node->text.len == 0 && !shape->is_required && !shape->words)
        return;
    if (shape->words)
        rpw_fields_read_choice(loader, shape->name, node, shape->words, &unused);
    else if (shape->form && !(shape->is_required && is_null(node)))
        rpw_fields_check_text(loader, shape->name, node, shape->form);
    else if (!is_text || node->text.len == 0)
        report(loader, shape, node,
               node->type != RPW_YAML_SCALAR || is_text || is_null(node) ? "text" : "text: put it in quotes");
}

static void check_integer(struct rpw_loader *loader, const struct rpw_shape *shape, const struct rpw_yaml_node *node)
{
    struct rpw_scalar scalar = {.type = RPW_SCALAR_TEXT};
    char expected[96];

    if (node->type == RPW_YAML_SCALAR)
        scalar = rpw_scalar_resolve(node);
    if (scalar.type == RPW_SCALAR_INTEGER && scalar.magnitude <= (uint64_t)shape->max &&
        (scalar.is_negative ? -(int64_t)scalar.magnitude : (int64_t)scalar.magnitude) >= shape->min)
        return;
    snprintf(expected, sizeof(expected), "a whole number from %" PRId64 " to %" PRId64 "%s, without quotes", shape->min,
             shape->max, shape->max == RPW_SHAPE_MAX_MODE ? " (0777)" : "");
    report(loader, shape, node, expected);
}

static void check_unknown_key(struct rpw_loader *loader, const struct rpw_shape *shape, const struct rpw_yaml_node *key,
                              bool is_open)
{
    const char *names[RPW_SHAPE_MAX_KEYS + 1];

    list_names(shape->keys, names);
    if (!is_open || rpw_fields_suggest(key->text, names))
        rpw_fields_report_unknown_key(loader, shape->name, key, names);
    else
        rpw_report_warning(loader->report, key->place,
                           "%s: this program does not know the key %s; a cluster that does not know it either drops it",
                           shape->name, rpw_report_quote(loader->report, key->text, 60));
}

static void check_alternatives(struct rpw_loader *loader, const struct rpw_shape *shape,
                               const struct rpw_yaml_node *node, bool has_unknown_key)
{
    struct rpw_buffer names = {.pool = loader->scratch};
    const struct rpw_shape *first = NULL;

    for (const struct rpw_shape *key = shape->keys; key->name; key++) {
        const struct rpw_yaml_node *value = rpw_yaml_find(node, key->name);

        if (!key->is_alternative)
            continue;
        if (names.len > 0)
            rpw_buffer_append(&names, RPW_LIT(", "));
        rpw_buffer_append(&names, rpw_span_of(key->name));
        if (!value || is_null(value))
            continue;
        if (first)
            rpw_report_error(loader->report, node->place, "%s: found both %s and %s, expected one of them", shape->name,
                             first->name, key->name);
        first = key;
    }
    if (names.len > 0 && !first && !has_unknown_key)
        rpw_report_error(loader->report, node->place, "%s: found none of %.*s, expected one of them", shape->name,
                         (int)names.len, names.ptr);
}

static void check_value(struct rpw_loader *loader, const struct rpw_shape *shape, const struct rpw_yaml_node *node,
                        bool is_open);

static void check_mapping(struct rpw_loader *loader, const struct rpw_shape *shape, const struct rpw_yaml_node *node,
                          bool is_open)
{
    bool has_unknown_key = false;

    if (!rpw_fields_expect_mapping(loader, shape->name, node))
        return;
    for (size_t i = 0; i < node->count; i++) {
        const struct rpw_shape *key = rpw_shape_find(shape->keys, node->keys[i]->text);

        has_unknown_key = has_unknown_key || !key;
        if (key)
            check_value(loader, key, node->values[i], is_open);
        else
            check_unknown_key(loader, shape, node->keys[i], is_open);
    }
    for (const struct rpw_shape *key = shape->keys; key->name; key++)
        if (key->is_required && !rpw_yaml_find(node, key->name))
            rpw_report_error(loader->report, node->place, "%s: found no %s, without which Kubernetes refuses every pod",
                             shape->name, key->name);
    check_alternatives(loader, shape, node, has_unknown_key);
}

static void check_one(struct rpw_loader *loader, const struct rpw_shape *shape, const struct rpw_yaml_node *node,
                      bool is_open)
{
    bool unused_truth;
    rpw_nanos unused_nanos;

    if (node->type == RPW_YAML_INVALID || is_ambiguous(node))
        return;
    switch (shape->type) {
    case RPW_SHAPE_ANY:
        break;
    case RPW_SHAPE_TEXT:
        check_text(loader, shape, node);
        break;
    case RPW_SHAPE_BOOL:
        rpw_fields_read_bool(loader, shape->name, node, &unused_truth);
        break;
    case RPW_SHAPE_INTEGER:
        check_integer(loader, shape, node);
        break;
    case RPW_SHAPE_QUANTITY:
        if (!rpw_shape_read_quantity(node, &unused_nanos))
            report(loader, shape, node, "a quantity such as 500m or 256Mi");
        break;
    case RPW_SHAPE_MAPPING:
        check_mapping(loader, shape, node, is_open);
        break;
    }
}

static void check_value(struct rpw_loader *loader, const struct rpw_shape *shape, const struct rpw_yaml_node *node,
                        bool is_open)
{
    if (!shape->is_required && !shape->form && is_null(node))
        return;
    if (shape->nesting == RPW_SHAPE_ONE) {
        check_one(loader, shape, node, is_open);
        return;
    }
    if (shape->nesting == RPW_SHAPE_LIST ? !rpw_fields_expect_list(loader, shape->name, node)
                                         : !rpw_fields_expect_mapping(loader, shape->name, node))
        return;
    if (shape->is_required && shape->nesting == RPW_SHAPE_LIST && node->count == 0)
        rpw_report_error(loader->report, node->place, "%s: found an empty list, expected at least one element",
                         shape->name);
    for (size_t i = 0; i < node->count; i++) {
        if (shape->key_form)
            rpw_fields_check_text(loader, shape->name, node->keys[i], shape->key_form);
        check_one(loader, shape, node->values[i], is_open);
    }
}

void rpw_shape_check(struct rpw_loader *loader, const struct rpw_shape *shape, const struct rpw_yaml_node *node)
{
    check_value(loader, shape, node, shape->is_open);
}
