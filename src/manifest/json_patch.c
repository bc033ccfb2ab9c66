/* json_patch.c - walks to the parent of what the pointer names, then edits there. */
#include "json_patch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"

typedef char token_text[RPW_JSON_PATCH_ERROR_BYTES];

/* RFC 6901: ~1 is '/', ~0 is '~', and nothing else follows a '~'. False: it is no token, or too long. */
static bool unescape(struct rpw_span escaped, token_text token)
{
    size_t len = 0;

    if (escaped.len >= sizeof(token_text))
        return false;
    for (size_t i = 0; i < escaped.len; i++) {
        bool is_escape = escaped.ptr[i] == '~';

        i += is_escape;
        if (is_escape && (i == escaped.len || (escaped.ptr[i] != '0' && escaped.ptr[i] != '1')))
            return false;
        token[len++] = !is_escape ? escaped.ptr[i] : escaped.ptr[i] == '0' ? '~' : '/';
    }
    token[len] = '\0';
    return true;
}

/* RFC 6901 section 4: digits without a leading zero. */
static bool parse_index(const char *token, size_t *ret_index)
{
    if (token[strspn(token, "0123456789")] != '\0' || token[0] == '\0' || (token[0] == '0' && token[1] != '\0'))
        return false;
    *ret_index = strtoul(token, NULL, 10);
    return true;
}

static json_t *child_of(json_t *parent, const char *token)
{
    size_t index;

    if (json_is_array(parent))
        return parse_index(token, &index) ? json_array_get(parent, index) : NULL;
    return json_object_get(parent, token);
}

/* Walks to what the pointer's last token is a member of. NULL: there is nothing there. */
static json_t *locate(json_t *document, const char *pointer, token_text ret_token)
{
    struct rpw_span rest = rpw_span_of(pointer), element;
    json_t *parent = NULL;

    if (!rpw_span_next_element(&rest, '/', &element) || element.len > 0)
        return NULL;
    while (rpw_span_next_element(&rest, '/', &element)) {
        parent = parent != NULL ? child_of(parent, ret_token) : document;
        if (parent == NULL || !unescape(element, ret_token))
            return NULL;
    }
    return parent;
}

/* value NULL: removes. Else puts it into an array in front of what is there (add), or instead of it. */
static bool edit(json_t *parent, const char *token, json_t *value, bool is_new)
{
    size_t index;

    if (!is_new && child_of(parent, token) == NULL)
        return false;
    if (json_is_object(parent))
        return (value != NULL ? json_object_set(parent, token, value) : json_object_del(parent, token)) == 0;
    if (is_new && strcmp(token, "-") == 0)
        return json_array_append(parent, value) == 0;
    if (!json_is_array(parent) || !parse_index(token, &index))
        return false;
    if (value == NULL)
        return json_array_remove(parent, index) == 0;
    return (is_new ? json_array_insert(parent, index, value) : json_array_set(parent, index, value)) == 0;
}

/* Applies a copy of the value, so that later operations never reach into the patch. */
static bool apply_operation(json_t **document, const json_t *operation)
{
    const char *op = json_string_value(json_object_get(operation, "op"));
    const char *path = json_string_value(json_object_get(operation, "path"));
    const json_t *given = json_object_get(operation, "value");
    bool is_new = op != NULL && strcmp(op, "add") == 0, is_removal = op != NULL && strcmp(op, "remove") == 0,
         is_applied;
    json_t *value, *parent;
    token_text token;

    if (path == NULL || (!is_removal && (given == NULL || op == NULL || (!is_new && strcmp(op, "replace") != 0))))
        return false;
    value = is_removal ? NULL : json_deep_copy(given);
    if (path[0] == '\0' && value != NULL) {
        json_decref(*document);
        *document = value;
        return true;
    }
    parent = locate(*document, path, token);
    is_applied = parent != NULL && edit(parent, token, value, is_new);
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
