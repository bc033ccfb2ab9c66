/* visible.c - one character at a time. */
#include "visible.h"

#include <stdlib.h>

#include "memory.h"
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
    FILE *out = rpw_memory_open(&copy, &len);

    rpw_visible_write(out, text);
    rpw_memory_close(out);
    return copy;
}

json_t *rpw_visible_string(struct rpw_span text)
{
    char *copy = rpw_visible_copy(text);
    json_t *string = json_string(copy);

    free(copy);
    return string;
}

json_t *rpw_visible_json(json_t *value)
{
    json_t *copy = NULL, *item;
    const char *key;
    size_t index;

    if (json_is_string(value))
        return rpw_visible_string((struct rpw_span){json_string_value(value), json_string_length(value)});
    if (!json_is_object(value) && !json_is_array(value))
        return json_deep_copy(value);
    copy = json_is_object(value) ? json_object() : json_array();
    json_object_foreach(value, key, item)
    {
        char *name = rpw_visible_copy(rpw_span_of(key));

        json_object_set_new(copy, name, rpw_visible_json(item));
        free(name);
    }
    json_array_foreach(value, index, item)
    {
        json_array_append_new(copy, rpw_visible_json(item));
    }
    return copy;
}
