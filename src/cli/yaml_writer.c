/* yaml_writer.c - a recursive walk; a pod is shallow, and what is deep was refused when it was read. */
#include "yaml_writer.h"

#include <stdlib.h>
#include <string.h>

#include "manifest.h"
#include "utf8.h"

/* --- texts ----------------------------------------------------------------------------------------------------------- */

/* Line and paragraph separator, byte order mark: some readers break lines there, or take it for none of the text. */
static bool is_odd_character(struct rpw_span character)
{
    return character.len == 3 &&
           (memcmp(character.ptr, "\xe2\x80\xa8", 3) == 0 || memcmp(character.ptr, "\xe2\x80\xa9", 3) == 0 ||
            memcmp(character.ptr, "\xef\xbb\xbf", 3) == 0);
}

static void write_escape(FILE *out, struct rpw_span character, int control)
{
    const unsigned char *bytes = (const unsigned char *)character.ptr;

    if (control == '\n')
        fputs("\\n", out);
    else if (control == '\t')
        fputs("\\t", out);
    else if (control >= 0)
        fprintf(out, "\\u%04x", (unsigned)control);
    else
        fprintf(out, "\\u%04x", (unsigned)((bytes[0] & 15) << 12 | (bytes[1] & 63) << 6 | (bytes[2] & 63)));
}

static void write_quoted(FILE *out, struct rpw_span text)
{
    fputc('"', out);
    for (size_t at = 0, length; at < text.len; at += length) {
        struct rpw_span rest = {text.ptr + at, text.len - at};
        int control = rpw_utf8_control(rest);

        length = rpw_utf8_length(rest);
        if (length == 0)
            length = 1;
        rest.len = length;
        if (control >= 0 || is_odd_character(rest)) {
            write_escape(out, rest, control);
            continue;
        }
        if (rest.ptr[0] == '"' || rest.ptr[0] == '\\')
            fputc('\\', out);
        fwrite(rest.ptr, 1, length, out);
    }
    fputc('"', out);
}

static void write_text(const struct rpw_yaml_writer *writer, struct rpw_span text)
{
    if (rpw_manifest_is_plain_text(text))
        fwrite(text.ptr, 1, text.len, writer->out);
    else
        write_quoted(writer->out, text);
}

/* Whether a text reads better as lines behind |, and can be written so. */
static bool is_block_text(struct rpw_span text)
{
    bool has_line = false;

    if (text.len < 2 || memchr(" \t\n", text.ptr[0], 3))
        return false;
    for (size_t at = 0, length; at < text.len; at += length) {
        struct rpw_span rest = {text.ptr + at, text.len - at};
        int control = rpw_utf8_control(rest);

        length = rpw_utf8_length(rest);
        if (length == 0 || (control >= 0 && control != '\n') || is_odd_character((struct rpw_span){rest.ptr, length}))
            return false;
        if (control == '\n') {
            has_line = true;
            if (text.ptr[at - 1] == ' ')
                return false;
        }
    }
    return has_line && text.ptr[text.len - 1] != ' ' && memcmp(text.ptr + text.len - 2, "\n\n", 2) != 0;
}

static void write_spaces(const struct rpw_yaml_writer *writer, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        fputc(' ', writer->out);
}

static void write_block_text(const struct rpw_yaml_writer *writer, struct rpw_span text, unsigned indent)
{
    bool ends_in_newline = text.ptr[text.len - 1] == '\n';

    fprintf(writer->out, " |%s%s", ends_in_newline ? "" : "-", writer->newline);
    for (size_t at = 0; at < text.len;) {
        const char *end = memchr(text.ptr + at, '\n', text.len - at);
        size_t length = end ? (size_t)(end - text.ptr) - at : text.len - at;

        if (length > 0)
            write_spaces(writer, indent);
        fwrite(text.ptr + at, 1, length, writer->out);
        fputs(writer->newline, writer->out);
        at += length + 1;
    }
}

/* --- values ---------------------------------------------------------------------------------------------------------- */

static struct rpw_span string_of(json_t *value)
{
    return (struct rpw_span){json_string_value(value), json_string_length(value)};
}

static bool is_empty(json_t *value)
{
    return (json_is_object(value) && json_object_size(value) == 0) ||
           (json_is_array(value) && json_array_size(value) == 0);
}

bool rpw_yaml_is_inline(json_t *value)
{
    return is_empty(value) || !(json_is_object(value) || json_is_array(value));
}

static void write_scalar(const struct rpw_yaml_writer *writer, json_t *value)
{
    char *text;

    if (json_is_string(value)) {
        write_text(writer, string_of(value));
        return;
    }
    text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    fputs(text ? text : "null", writer->out);
    free(text);
}

/* indent: of the key, which is where the writer stands. */
static void write_pair_here(const struct rpw_yaml_writer *writer, const char *key, json_t *value, unsigned indent)
{
    write_text(writer, rpw_span_of(key));
    fputc(':', writer->out);
    rpw_yaml_write_value(writer, value, indent + (json_is_array(value) ? writer->list_indent : 2), false);
}

void rpw_yaml_write_pair(const struct rpw_yaml_writer *writer, const char *key, json_t *value, unsigned indent)
{
    write_spaces(writer, indent);
    write_pair_here(writer, key, value, indent);
}

void rpw_yaml_write_element(const struct rpw_yaml_writer *writer, json_t *value, unsigned indent)
{
    write_spaces(writer, indent);
    fputc('-', writer->out);
    rpw_yaml_write_value(writer, value, indent + 2, true);
}

void rpw_yaml_write_value(const struct rpw_yaml_writer *writer, json_t *value, unsigned indent, bool is_in_list)
{
    const char *key;
    json_t *item;
    size_t index;
    bool is_first = true;

    if (json_is_string(value) && is_block_text(string_of(value))) {
        write_block_text(writer, string_of(value), indent);
        return;
    }
    if (rpw_yaml_is_inline(value)) {
        fputc(' ', writer->out);
        write_scalar(writer, value);
        fputs(writer->newline, writer->out);
        return;
    }
    if (!is_in_list)
        fputs(writer->newline, writer->out);
    if (json_is_array(value)) {
        if (is_in_list)
            fputs(writer->newline, writer->out);
        json_array_foreach(value, index, item) rpw_yaml_write_element(writer, item, indent);
        return;
    }
    json_object_foreach(value, key, item)
    {
        write_spaces(writer, is_first && is_in_list ? 1 : indent);
        write_pair_here(writer, key, item, indent);
        is_first = false;
    }
}

void rpw_yaml_write_root(const struct rpw_yaml_writer *writer, json_t *value)
{
    const char *key;
    json_t *item;
    size_t index;

    if (rpw_yaml_is_inline(value)) {
        write_scalar(writer, value);
        fputs(writer->newline, writer->out);
    } else if (json_is_array(value)) {
        json_array_foreach(value, index, item) rpw_yaml_write_element(writer, item, 0);
    } else {
        json_object_foreach(value, key, item) rpw_yaml_write_pair(writer, key, item, 0);
    }
}

/* --- flow style ------------------------------------------------------------------------------------------------------ */

void rpw_yaml_write_flow_pair(const struct rpw_yaml_writer *writer, const char *key, json_t *value)
{
    if (writer->is_json)
        write_quoted(writer->out, rpw_span_of(key));
    else
        write_text(writer, rpw_span_of(key));
    fputs(": ", writer->out);
    rpw_yaml_write_flow(writer, value);
}

void rpw_yaml_write_flow(const struct rpw_yaml_writer *writer, json_t *value)
{
    const char *key, *separator = "";
    json_t *item;
    size_t index;

    if (json_is_object(value)) {
        fputc('{', writer->out);
        json_object_foreach(value, key, item)
        {
            fputs(separator, writer->out);
            rpw_yaml_write_flow_pair(writer, key, item);
            separator = ", ";
        }
        fputc('}', writer->out);
    } else if (json_is_array(value)) {
        fputc('[', writer->out);
        json_array_foreach(value, index, item)
        {
            fputs(separator, writer->out);
            rpw_yaml_write_flow(writer, item);
            separator = ", ";
        }
        fputc(']', writer->out);
    } else if (json_is_string(value) && writer->is_json) {
        write_quoted(writer->out, string_of(value));
    } else {
        write_scalar(writer, value);
    }
}
