/* manifest_patch.c - what is removed stays in the tree, marked: its place in the text is still needed. */
#include "manifest_patch.h"

#include <stdlib.h>

#include "json_patch.h"

#define MAX_TOKEN_BYTES 512

struct patcher {
    struct rpw_pool *pool;
    json_t *keeper;
};

size_t rpw_manifest_live_count(const struct rpw_manifest_node *collection)
{
    size_t count = 0;

    for (size_t i = 0; i < collection->count; i++)
        count += !collection->children[i].is_removed;
    return count;
}

/* RFC 6901: cuts a token off *pointer, which begins with a slash. */
static bool next_token(const char **pointer, char ret_token[MAX_TOKEN_BYTES])
{
    const char *at = *pointer + 1;
    size_t len = 0;

    for (; *at != '\0' && *at != '/' && len + 1 < MAX_TOKEN_BYTES; at++) {
        char byte = *at;

        if (byte == '~') {
            at++;
            byte = *at == '0' ? '~' : '/';
        }
        if (*at == '\0')
            return false;
        ret_token[len++] = byte;
    }
    ret_token[len] = '\0';
    *pointer = at;
    return *at == '\0' || *at == '/';
}

/* The index-th element that is left, or where it would be; list->count behind the last. */
static bool find_position(const struct rpw_manifest_node *list, const char *token, size_t *ret_position)
{
    char *end;
    size_t wanted = strtoul(token, &end, 10), at = 0;

    if (token[0] < '0' || token[0] > '9' || *end != '\0')
        return false;
    while (at < list->count && (list->children[at].is_removed || wanted > 0))
        wanted -= !list->children[at++].is_removed;
    *ret_position = at;
    return wanted == 0;
}

static struct rpw_manifest_child *find_child(const struct rpw_manifest_node *node, const char *token)
{
    size_t position;

    if (node->type == RPW_MANIFEST_LIST)
        return find_position(node, token, &position) && position < node->count ? &node->children[position] : NULL;
    for (size_t i = 0; node->type == RPW_MANIFEST_MAPPING && i < node->count; i++) {
        struct rpw_manifest_child *child = &node->children[i];

        if (!child->is_removed &&
            (child->key ? rpw_span_is(child->key->text, token) : strcmp(child->new_key, token) == 0))
            return child;
    }
    return NULL;
}

static bool insert_child(struct patcher *patcher, struct rpw_manifest_node *node, size_t position,
                         struct rpw_manifest_child child)
{
    struct rpw_manifest_child *children = rpw_pool_alloc(patcher->pool, (node->count + 1) * sizeof(*children));

    if (!children)
        return false;
    for (size_t i = 0; i < node->count; i++)
        children[i < position ? i : i + 1] = node->children[i];
    children[position] = child;
    node->children = children;
    node->count++;
    return true;
}

static bool add(struct patcher *patcher, struct rpw_manifest_node *node, const char *token, json_t *value)
{
    struct rpw_manifest_child *child = node->type == RPW_MANIFEST_MAPPING ? find_child(node, token) : NULL;
    size_t position = node->count;

    if (child) {
        child->new_value = value;
        return true;
    }
    if (node->type == RPW_MANIFEST_MAPPING) {
        const char *key = rpw_pool_copy(patcher->pool, rpw_span_of(token)).ptr;

        return key &&
               insert_child(patcher, node, position, (struct rpw_manifest_child){.new_key = key, .new_value = value});
    }
    return node->type == RPW_MANIFEST_LIST && (strcmp(token, "-") == 0 || find_position(node, token, &position)) &&
           insert_child(patcher, node, position, (struct rpw_manifest_child){.new_value = value});
}

/* What is new already is a JSON value, and so is what is empty: there is no style in it that could be kept. */
static bool patch_new_value(struct rpw_manifest_child *child, const char *op, const char *pointer, json_t *value)
{
    char error[RPW_JSON_PATCH_ERROR_BYTES];
    json_t *operation = value ? json_pack("{s:s,s:s,s:O}", "op", op, "path", pointer, "value", value)
                              : json_pack("{s:s,s:s}", "op", op, "path", pointer);
    json_t *patch = operation ? json_pack("[o]", operation) : NULL;
    bool is_done = patch && rpw_json_patch_apply(&child->new_value, patch, error);

    json_decref(patch);
    return is_done;
}

static bool keep(struct patcher *patcher, json_t *value)
{
    return value && json_array_append_new(patcher->keeper, value) == 0;
}

static bool is_empty_collection(const struct rpw_manifest_node *node)
{
    return (node->type == RPW_MANIFEST_MAPPING || node->type == RPW_MANIFEST_LIST) && node->count == 0;
}

/* The operation's last step: token names a child of node, or what is to become one. */
static bool apply_here(struct patcher *patcher, struct rpw_manifest_node *node, const char *op, const char *token,
                       json_t *value)
{
    struct rpw_manifest_child *child = find_child(node, token);

    if (strcmp(op, "add") == 0)
        return value && add(patcher, node, token, value);
    if (!child)
        return false;
    if (strcmp(op, "remove") == 0)
        child->is_removed = true;
    else
        child->new_value = value;
    return child->is_removed || value;
}

static bool apply(struct patcher *patcher, struct rpw_manifest_node *root, const char *op, const char *pointer,
                  json_t *value)
{
    struct rpw_manifest_node *node = root;
    char token[MAX_TOKEN_BYTES];

    for (;;) {
        struct rpw_manifest_child *child;

        node->has_edits = true;
        if (*pointer != '/' || !next_token(&pointer, token))
            return false;
        if (*pointer == '\0')
            return apply_here(patcher, node, op, token, value);
        child = find_child(node, token);
        if (!child)
            return false;
        if (!child->new_value && is_empty_collection(child->value)) {
            child->new_value = child->value->type == RPW_MANIFEST_LIST ? json_array() : json_object();
            if (!keep(patcher, child->new_value))
                return false;
        }
        if (child->new_value)
            return patch_new_value(child, op, pointer, value);
        node = child->value;
    }
}

bool rpw_manifest_patch(struct rpw_pool *pool, struct rpw_manifest_node *root, json_t *patch, json_t *keeper)
{
    struct patcher patcher = {pool, keeper};
    json_t *operation;
    size_t index;

    json_array_foreach(patch, index, operation)
    {
        const char *op = json_string_value(json_object_get(operation, "op"));
        const char *path = json_string_value(json_object_get(operation, "path"));
        json_t *value = json_object_get(operation, "value");

        if (value) {
            value = json_deep_copy(value);
            if (!keep(&patcher, value))
                return false;
        }
        if (!op || !path || !apply(&patcher, root, op, path, value))
            return false;
    }
    return true;
}
