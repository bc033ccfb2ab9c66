/* json_patch.c - walks to the parent of what the pointer names, then edits there. */
#include "json_patch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"

/* What the last token of a pointer names. parent is NULL for the pointer "", the whole document. */
struct location {
    json_t *parent;
    char token[RPW_JSON_PATCH_ERROR_BYTES];
};

/* RFC 6901: ~1 is '/', ~0 is '~', and nothing else follows a '~'. Returns what is behind the token, or NULL. */
static const char *unescape_token(const char *pointer, char *ret_token, size_t size)
{
    size_t len = 0;

    for (; *pointer != '\0' && *pointer != '/'; pointer++) {
        char byte = *pointer;
        if (byte == '~') {
            pointer++;
            if (*pointer != '0' && *pointer != '1')
                return NULL;
            byte = *pointer == '0' ? '~' : '/';
        }
        if (len + 1 == size)
            return NULL;
        ret_token[len++] = byte;
    }
    ret_token[len] = '\0';
    return pointer;
}

/* RFC 6901 section 4: digits without a leading zero. */
static bool parse_index(const char *token, size_t *ret_index)
{
    char *end;

    if (token[0] < '0' || token[0] > '9' || (token[0] == '0' && token[1] != '\0'))
        return false;
    unsigned long index = strtoul(token, &end, 10);
    if (*end != '\0')
        return false;
    *ret_index = index;
    return true;
}

static json_t *child_of(json_t *parent, const char *token)
{
    size_t index;

    if (json_is_object(parent))
        return json_object_get(parent, token);
    if (json_is_array(parent) && parse_index(token, &index))
        return json_array_get(parent, index);
    return NULL;
}

static bool locate(json_t *document, const char *pointer, struct location *ret_location)
{
    ret_location->parent = NULL;
    if (*pointer == '\0')
        return true;
    for (json_t *at = document; *pointer == '/'; at = child_of(at, ret_location->token)) {
        if (at == NULL)
            return false;
        ret_location->parent = at;
        pointer = unescape_token(pointer + 1, ret_location->token, sizeof(ret_location->token));
        if (pointer == NULL)
            return false;
    }
    return *pointer == '\0';
}

/* Puts value where the location is: into an array in front of what is there (add), or instead of it (replace). */
static bool put(json_t **document, const struct location *location, json_t *value, bool is_new)
{
    json_t *parent = location->parent;
    size_t index;

    if (parent == NULL) {
        json_decref(*document);
        *document = json_incref(value);
        return true;
    }
    if (!is_new && child_of(parent, location->token) == NULL)
        return false;
    if (json_is_object(parent))
        return json_object_set(parent, location->token, value) == 0;
    if (is_new && strcmp(location->token, "-") == 0)
        return json_array_append(parent, value) == 0;
    return parse_index(location->token, &index) &&
           (is_new ? json_array_insert(parent, index, value) : json_array_set(parent, index, value)) == 0;
}

static bool remove_value(const struct location *location)
{
    size_t index;

    if (json_is_object(location->parent))
        return json_object_del(location->parent, location->token) == 0;
    return json_is_array(location->parent) && parse_index(location->token, &index) &&
           json_array_remove(location->parent, index) == 0;
}

/* Applies a copy of the value, so that later operations never reach into the patch. */
static bool apply_operation(json_t **document, const json_t *operation)
{
    const char *op = json_string_value(json_object_get(operation, "op"));
    const char *path = json_string_value(json_object_get(operation, "path"));
    json_t *value = json_deep_copy(json_object_get(operation, "value"));
    struct location location;
    bool is_applied = false, is_new = op != NULL && strcmp(op, "add") == 0;

    if (op != NULL && path != NULL && locate(*document, path, &location)) {
        if (strcmp(op, "remove") == 0)
            is_applied = remove_value(&location);
        else if (value != NULL && (is_new || strcmp(op, "replace") == 0))
            is_applied = put(document, &location, value, is_new);
    }
    json_decref(value);
    return is_applied;
}

bool rpw_json_patch_apply(json_t **document, const json_t *patch, char ret_error[RPW_JSON_PATCH_ERROR_BYTES])
{
    const json_t *operation;
    size_t index;

    if (!json_is_array(patch)) {
        snprintf(ret_error, RPW_JSON_PATCH_ERROR_BYTES, "the patch is not an array of operations");
        return false;
    }
    json_array_foreach(patch, index, operation)
    {
        if (apply_operation(document, operation))
            continue;
        const char *op = json_string_value(json_object_get(operation, "op"));
        const char *path = json_string_value(json_object_get(operation, "path"));
        snprintf(ret_error, RPW_JSON_PATCH_ERROR_BYTES, "operation %zu (%s %s) cannot be applied", index,
                 op != NULL ? op : "no op", path != NULL ? path : "no path");
        return false;
    }
    return true;
}

json_t *rpw_json_patch_decode(const char *base64)
{
    size_t len = 0;
    char *text = rpw_base64_decode(rpw_span_of(base64), &len);
    json_t *patch = text != NULL ? json_loadb(text, len, JSON_ALLOW_NUL, NULL) : NULL;

    free(text);
    return patch;
}
