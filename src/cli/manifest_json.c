/* manifest_json.c - a document's tree as JSON text, for the core, which reads nothing else.
 *
 * Where the pieces come from is kept beside it, so that what the core has to say about byte 1204 becomes a line and a column
 * of the manifest.
 */
#include <stdlib.h>

#include "manifest.h"

struct renderer {
    struct rpw_report *report;
    struct rpw_manifest_json *json;
    bool has_failed;
};

static bool render(struct renderer *renderer, const struct rpw_manifest_node *node, size_t depth);

static bool fail(struct renderer *renderer, const struct rpw_manifest_node *node, const char *message)
{
    rpw_report_error(renderer->report, (struct rpw_place){node->start, node->end - node->start}, "%s", message);
    renderer->has_failed = true;
    return false;
}

static void put(struct renderer *renderer, const char *text)
{
    rpw_buffer_append(&renderer->json->text, rpw_span_of(text));
}

static bool is_merge(const struct rpw_manifest_node *key)
{
    return key->style == RPW_MANIFEST_PLAIN && rpw_span_is(key->text, "<<");
}

static int by_text(const void *left, const void *right)
{
    const struct rpw_manifest_node *a = *(const struct rpw_manifest_node *const *)left;
    const struct rpw_manifest_node *b = *(const struct rpw_manifest_node *const *)right;
    int order = memcmp(a->text.ptr, b->text.ptr, a->text.len < b->text.len ? a->text.len : b->text.len);

    if (order != 0)
        return order;
    if (a->text.len != b->text.len)
        return a->text.len < b->text.len ? -1 : 1;
    return a->start < b->start ? -1 : 1;
}

static bool check_keys(struct renderer *renderer, const struct rpw_manifest_node *mapping)
{
    const struct rpw_manifest_node **keys = rpw_pool_alloc(renderer->report->pool, mapping->count * sizeof(*keys));
    bool is_fine = keys != NULL;

    for (size_t i = 0; is_fine && i < mapping->count; i++)
        keys[i] = mapping->children[i].key;
    if (is_fine)
        qsort(keys, mapping->count, sizeof(*keys), by_text);
    for (size_t i = 1; is_fine && i < mapping->count; i++)
        if (rpw_span_equal(keys[i - 1]->text, keys[i]->text) && !is_merge(keys[i])) {
            rpw_report_error(renderer->report, (struct rpw_place){keys[i]->start, keys[i]->end - keys[i]->start},
                             "found the key %s again, expected it once (the first is in line %zu)",
                             rpw_report_quote(renderer->report, keys[i]->text, 60),
                             rpw_report_line(renderer->report, keys[i - 1]->start));
            renderer->has_failed = true;
            is_fine = false;
        }
    return is_fine;
}

/* --- merge keys ------------------------------------------------------------------------------------------------------ */

/* The pairs of a mapping once `<<` has brought others in: its own first, then those that it lacks. */
struct pairs {
    const struct rpw_manifest_child **items;
    size_t count, capacity;
};

static bool has_key(const struct pairs *pairs, struct rpw_span key)
{
    for (size_t i = 0; i < pairs->count; i++)
        if (rpw_span_equal(pairs->items[i]->key->text, key))
            return true;
    return false;
}

static bool add_pair(struct renderer *renderer, struct pairs *pairs, const struct rpw_manifest_child *pair)
{
    if (pairs->count == pairs->capacity) {
        size_t capacity = 2 * pairs->capacity + 8;
        const struct rpw_manifest_child **grown = rpw_pool_alloc(renderer->report->pool, capacity * sizeof(*grown));

        if (!grown)
            return false;
        for (size_t i = 0; i < pairs->count; i++)
            grown[i] = pairs->items[i];
        pairs->items = grown;
        pairs->capacity = capacity;
    }
    pairs->items[pairs->count++] = pair;
    return true;
}

static const struct rpw_manifest_node *follow(const struct rpw_manifest_node *node)
{
    while (node->type == RPW_MANIFEST_ALIAS)
        node = node->target;
    return node;
}

static bool collect_pairs(struct renderer *renderer, const struct rpw_manifest_node *mapping, struct pairs *pairs,
                          size_t depth);

static bool merge(struct renderer *renderer, const struct rpw_manifest_node *value, struct pairs *pairs, size_t depth)
{
    const struct rpw_manifest_node *source = follow(value);

    if (source->type != RPW_MANIFEST_MAPPING)
        return fail(renderer, value, "found no mapping after '<<', expected a mapping or a list of mappings");
    return collect_pairs(renderer, source, pairs, depth + 1);
}

static bool collect_pairs(struct renderer *renderer, const struct rpw_manifest_node *mapping, struct pairs *pairs,
                          size_t depth)
{
    bool is_fine = true;

    if (depth > RPW_MANIFEST_MAX_DEPTH)
        return fail(renderer, mapping, "found nesting deeper than 128 levels, expected less");
    for (size_t i = 0; is_fine && i < mapping->count; i++)
        if (!is_merge(mapping->children[i].key) && !has_key(pairs, mapping->children[i].key->text))
            is_fine = add_pair(renderer, pairs, &mapping->children[i]);
    for (size_t i = 0; is_fine && i < mapping->count; i++) {
        const struct rpw_manifest_node *value = mapping->children[i].value;

        if (!is_merge(mapping->children[i].key))
            continue;
        if (follow(value)->type != RPW_MANIFEST_LIST)
            is_fine = merge(renderer, value, pairs, depth);
        for (size_t k = 0; is_fine && follow(value)->type == RPW_MANIFEST_LIST && k < follow(value)->count; k++)
            is_fine = merge(renderer, follow(value)->children[k].value, pairs, depth);
    }
    return is_fine;
}

static bool has_merge(const struct rpw_manifest_node *mapping)
{
    for (size_t i = 0; i < mapping->count; i++)
        if (is_merge(mapping->children[i].key))
            return true;
    return false;
}

/* --- values ---------------------------------------------------------------------------------------------------------- */

static bool render_pair(struct renderer *renderer, const struct rpw_manifest_child *pair, bool is_first, size_t depth)
{
    put(renderer, is_first ? "" : ",");
    rpw_buffer_append_json(&renderer->json->text, pair->key->text);
    put(renderer, ":");
    return render(renderer, pair->value, depth + 1);
}

static bool render_mapping(struct renderer *renderer, const struct rpw_manifest_node *mapping, size_t depth)
{
    struct pairs pairs = {NULL, 0, 0};
    bool is_merged = has_merge(mapping);
    bool is_fine = check_keys(renderer, mapping) && (!is_merged || collect_pairs(renderer, mapping, &pairs, depth));

    put(renderer, "{");
    for (size_t i = 0; is_fine && !is_merged && i < mapping->count; i++)
        is_fine = render_pair(renderer, &mapping->children[i], i == 0, depth);
    for (size_t i = 0; is_fine && is_merged && i < pairs.count; i++)
        is_fine = render_pair(renderer, pairs.items[i], i == 0, depth);
    put(renderer, "}");
    return is_fine;
}

static bool render_list(struct renderer *renderer, const struct rpw_manifest_node *list, size_t depth)
{
    bool is_fine = true;

    put(renderer, "[");
    for (size_t i = 0; is_fine && i < list->count; i++) {
        put(renderer, i > 0 ? "," : "");
        is_fine = render(renderer, list->children[i].value, depth + 1);
    }
    put(renderer, "]");
    return is_fine;
}

static bool render_scalar(struct renderer *renderer, const struct rpw_manifest_node *node)
{
    bool is_text = node->style != RPW_MANIFEST_PLAIN || rpw_span_is(node->tag, "tag:yaml.org,2002:str");

    if (node->tag.ptr && !rpw_span_is(node->tag, "tag:yaml.org,2002:str"))
        return fail(renderer, node, "found a tag, expected none: put a text in quotes and leave all else plain");
    if (is_text)
        rpw_buffer_append_json(&renderer->json->text, node->text);
    else
        rpw_manifest_put_plain(&renderer->json->text, node->text);
    return true;
}

static bool add_origin(struct renderer *renderer, const struct rpw_manifest_node *node)
{
    struct rpw_manifest_json *json = renderer->json;

    if (json->origin_count == json->origin_capacity) {
        size_t capacity = 2 * json->origin_capacity + 64;
        struct rpw_manifest_origin *grown = rpw_pool_alloc(renderer->report->pool, capacity * sizeof(*grown));

        if (!grown)
            return false;
        for (size_t i = 0; i < json->origin_count; i++)
            grown[i] = json->origins[i];
        json->origins = grown;
        json->origin_capacity = capacity;
    }
    json->origins[json->origin_count++] = (struct rpw_manifest_origin){json->text.len, node};
    return true;
}

static bool render(struct renderer *renderer, const struct rpw_manifest_node *node, size_t depth)
{
    if (depth > RPW_MANIFEST_MAX_DEPTH)
        return fail(renderer, node, "found nesting deeper than 128 levels, expected less");
    if (renderer->json->text.len > RPW_MANIFEST_MAX_JSON_BYTES)
        return fail(renderer, node, "found aliases that stand for more than 64 MiB, expected less");
    if (!add_origin(renderer, node))
        return false;
    switch (node->type) {
    case RPW_MANIFEST_MAPPING:
        return render_mapping(renderer, node, depth);
    case RPW_MANIFEST_LIST:
        return render_list(renderer, node, depth);
    case RPW_MANIFEST_ALIAS:
        return render(renderer, node->target, depth + 1);
    default:
        return render_scalar(renderer, node);
    }
}

bool rpw_manifest_to_json(struct rpw_report *report, const struct rpw_manifest_node *root,
                          struct rpw_manifest_json *ret_json)
{
    struct rpw_manifest_json json = {.text = {.pool = report->pool}};
    struct renderer renderer = {.report = report, .json = &json};

    if (!render(&renderer, root, 0) || renderer.has_failed || report->pool->has_failed)
        return false;
    *ret_json = json;
    return true;
}

struct rpw_place rpw_manifest_place(const struct rpw_manifest_json *json, size_t json_offset)
{
    const struct rpw_manifest_node *node = NULL;

    for (size_t i = 0; i < json->origin_count && json->origins[i].json_offset <= json_offset; i++)
        node = json->origins[i].node;
    if (!node)
        return (struct rpw_place){0, 0};
    return (struct rpw_place){node->start, node->type == RPW_MANIFEST_SCALAR ? node->end - node->start : 0};
}

struct rpw_span rpw_manifest_member(const struct rpw_manifest_node *mapping, const char *key)
{
    for (size_t i = 0; mapping->type == RPW_MANIFEST_MAPPING && i < mapping->count; i++)
        if (rpw_span_is(mapping->children[i].key->text, key) && mapping->children[i].value->type == RPW_MANIFEST_SCALAR)
            return mapping->children[i].value->text;
    return (struct rpw_span){NULL, 0};
}
