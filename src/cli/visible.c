/* visible.c - one character at a time. */
#include "visible.h"

#include <stdlib.h>

#include "utf8.h"

void rpw_visible_write(FILE *out, struct rpw_span text)
{
    for (size_t at = 0, length; at < text.len; at += length) {
        struct rpw_span rest = {text.ptr + at, text.len - at};

        length = rpw_utf8_length(rest);
        if (length == 0 || rpw_utf8_control(rest) >= 0)
            fputc('?', out);
        else
            fwrite(rest.ptr, 1, length, out);
        length = length > 0 ? length : 1;
    }
}

char *rpw_visible_copy(struct rpw_span text)
{
    char *copy = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&copy, &len);

    if (!out)
        return NULL;
    rpw_visible_write(out, text);
    if (fclose(out) == 0)
        return copy;
    free(copy);
    return NULL;
}

static json_t *visible_object(json_t *object)
{
    json_t *copy = json_object(), *value;
    const char *key;

    json_object_foreach(object, key, value)
    {
        char *name = rpw_visible_copy(rpw_span_of(key));

        if (!name || json_object_set_new(copy, name, rpw_visible_json(value)) != 0) {
            json_decref(copy);
            copy = NULL;
        }
        free(name);
    }
    return copy;
}

json_t *rpw_visible_json(json_t *value)
{
    json_t *copy = NULL, *item;
    size_t index;
    char *text;

    if (json_is_object(value))
        return visible_object(value);
    if (json_is_string(value)) {
        text = rpw_visible_copy((struct rpw_span){json_string_value(value), json_string_length(value)});
        copy = text ? json_string(text) : NULL;
        free(text);
        return copy;
    }
    if (!json_is_array(value))
        return json_deep_copy(value);
    copy = json_array();
    json_array_foreach(value, index, item)
    {
        if (json_array_append_new(copy, rpw_visible_json(item)) != 0) {
            json_decref(copy);
            copy = NULL;
        }
    }
    return copy;
}
