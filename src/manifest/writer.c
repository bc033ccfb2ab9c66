/* writer.c - the choice of a scalar's style is that of goyaml.v2 (encode.go stringv, emitterc.go analyze_scalar). */
#include "writer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "rpw/bytes/text.h"
#include "utf8.h"
#include "yaml_scalar.h"

/* --- texts ----------------------------------------------------------------------------------------------------------- */

/* The character at text, of which jansson has made sure that it is one; its length in bytes. */
static size_t decode(struct rpw_span text, unsigned long *ret_character)
{
    static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    size_t length = rpw_utf8_length(text);

    *ret_character = (unsigned char)text.ptr[0] & masks[length];
    for (size_t i = 1; i < length; i++)
        *ret_character = *ret_character << 6 | ((unsigned char)text.ptr[i] & 0x3f);
    return length;
}

/* Line ends other than \n are escaped, too: readers differ in whether they end a line. */
static bool is_printable(unsigned long character)
{
    return character == '\n' || (character >= 0x20 && character <= 0x7e) ||
           (character >= 0xa0 && character <= 0xfffd && character != 0xfeff && character != 0x2028 &&
            character != 0x2029);
}

struct traits {
    bool has_lines, has_special; /* special: what only double quotes can hold */
    bool has_indicator;          /* what means something in YAML where it stands */
    bool begins_or_ends_blank, ends_in_space;
};

static bool is_indicator(struct rpw_span text, size_t at)
{
    char c = text.ptr[at];
    bool is_before_blank = at + 1 == text.len || strchr(" \n", text.ptr[at + 1]);

    if (at == 0)
        return strchr("#,[]{}&*!|>'\"%@`", c) || (strchr("?:-", c) && is_before_blank);
    return (c == ':' && is_before_blank) || (c == '#' && strchr(" \n", text.ptr[at - 1]));
}

static struct traits analyze(struct rpw_span text)
{
    struct traits traits = {.has_lines = false};
    unsigned long character;

    traits.has_indicator = text.len >= 3 && (memcmp(text.ptr, "---", 3) == 0 || memcmp(text.ptr, "...", 3) == 0);
    for (size_t at = 0, length; at < text.len; at += length) {
        char c = text.ptr[at], before = at > 0 ? text.ptr[at - 1] : 'x';

        length = decode((struct rpw_span){text.ptr + at, text.len - at}, &character);
        traits.has_lines |= c == '\n';
        traits.has_special |= !is_printable(character) || (c == '\n' && before == ' ');
        traits.has_indicator |= c != '\0' && is_indicator(text, at);
    }
    if (text.len > 0) {
        traits.ends_in_space = text.ptr[text.len - 1] == ' ';
        traits.begins_or_ends_blank = strchr(" \n", text.ptr[0]) || strchr(" \n", text.ptr[text.len - 1]);
    }
    return traits;
}

static void write_escape(FILE *out, unsigned long character)
{
    static const char characters[] = "\0\a\b\t\n\v\f\r\x1b\"\\", letters[] = "0abtnvfre\"\\";
    const char *found = character < 0x80 ? memchr(characters, (int)character, sizeof(characters) - 1) : NULL;

    if (found)
        fprintf(out, "\\%c", letters[found - characters]);
    else
        fprintf(out, character <= 0xff ? "\\x%02lX" : character <= 0xffff ? "\\u%04lX" : "\\U%08lX", character);
}

static void write_double_quoted(FILE *out, struct rpw_span text)
{
    unsigned long character;

    fputc('"', out);
    for (size_t at = 0, length; at < text.len; at += length) {
        length = decode((struct rpw_span){text.ptr + at, text.len - at}, &character);
        if (!is_printable(character) || character == '\n' || character == '"' || character == '\\')
            write_escape(out, character);
        else
            fwrite(text.ptr + at, 1, length, out);
    }
    fputc('"', out);
}

static void write_single_quoted(FILE *out, struct rpw_span text)
{
    fputc('\'', out);
    for (size_t i = 0; i < text.len; i++)
        fputs(text.ptr[i] == '\'' ? "''" : (char[]){text.ptr[i], '\0'}, out);
    fputc('\'', out);
}

/* "1:30" is 90 to readers of YAML 1.1 that know numbers to base 60. */
static bool is_base_60(struct rpw_span text)
{
    size_t at = text.len > 0 && strchr("+-", text.ptr[0]);

    if (at == text.len || text.ptr[at] < '0' || text.ptr[at] > '9' || !memchr(text.ptr, ':', text.len))
        return false;
    for (; at < text.len; at++)
        if (!memchr("0123456789_:.", text.ptr[at], 13))
            return false;
    return true;
}

/* In one line. */
static void write_text(FILE *out, struct rpw_span text)
{
    struct traits traits = analyze(text);

    if (traits.has_special || traits.has_lines || rpw_manifest_scalar_resolve(text).type != RPW_MANIFEST_TEXT ||
        is_base_60(text))
        write_double_quoted(out, text);
    else if (traits.has_indicator || traits.begins_or_ends_blank)
        write_single_quoted(out, text);
    else
        fwrite(text.ptr, 1, text.len, out);
}

static void write_spaces(FILE *out, unsigned count)
{
    fprintf(out, "%*s", (int)count, "");
}

/* Lines behind `|`, indented by indent. */
static void write_lines(FILE *out, struct rpw_span text, unsigned indent)
{
    bool is_ended = text.ptr[text.len - 1] == '\n',
         is_kept = is_ended && (text.len == 1 || text.ptr[text.len - 2] == '\n');

    fprintf(out, "|%s%s\n", strchr(" \n", text.ptr[0]) ? "2" : "", is_kept ? "+" : is_ended ? "" : "-");
    for (size_t at = 0; at < text.len;) {
        const char *end = memchr(text.ptr + at, '\n', text.len - at);
        size_t length = end ? (size_t)(end - text.ptr) - at : text.len - at;

        if (length > 0)
            write_spaces(out, indent);
        fwrite(text.ptr + at, 1, length, out);
        fputc('\n', out);
        at += length + 1;
    }
}

/* --- values ---------------------------------------------------------------------------------------------------------- */

static void write_scalar(FILE *out, json_t *value, unsigned indent)
{
    struct rpw_span text = {json_string_value(value), json_string_length(value)};
    char number[RPW_MANIFEST_NUMBER_BYTES];

    if (json_is_string(value) && memchr(text.ptr, '\n', text.len)) {
        struct traits traits = analyze(text);

        if (!traits.has_special && !traits.ends_in_space) {
            write_lines(out, text, indent);
            return;
        }
    }
    if (json_is_string(value))
        write_text(out, text);
    else if (json_is_integer(value))
        fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        rpw_manifest_format_float(json_real_value(value), number), fputs(number, out);
    else if (json_is_object(value) || json_is_array(value))
        fputs(json_is_object(value) ? "{}" : "[]", out);
    else
        fputs(json_is_null(value) ? "null" : json_is_true(value) ? "true" : "false", out);
    fputc('\n', out);
}

static bool has_children(json_t *value)
{
    return json_object_size(value) > 0 || json_array_size(value) > 0;
}

static int by_bytes(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static void write_value(FILE *out, json_t *value, unsigned indent, bool is_here);

static void write_pairs(FILE *out, json_t *object, unsigned indent, bool is_here)
{
    const char **keys = rpw_memory_need(calloc(json_object_size(object), sizeof(*keys))), *key;
    size_t count = 0;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        keys[count++] = key;
    }
    qsort(keys, count, sizeof(*keys), by_bytes);
    for (size_t i = 0; i < count; i++) {
        value = json_object_get(object, keys[i]);
        if (i > 0 || !is_here)
            write_spaces(out, indent);
        write_text(out, rpw_span_of(keys[i]));
        fputs(has_children(value) ? ":\n" : ": ", out);
        write_value(out, value, json_array_size(value) > 0 ? indent : indent + 2, false);
    }
    free(keys);
}

/* Lines of its own, or the rest of the line. is_here: the first one stands where the writer is, behind a dash. */
static void write_value(FILE *out, json_t *value, unsigned indent, bool is_here)
{
    if (!has_children(value))
        write_scalar(out, value, indent);
    if (json_object_size(value) > 0)
        write_pairs(out, value, indent, is_here);
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (i > 0 || !is_here)
            write_spaces(out, indent);
        fputs("- ", out);
        write_value(out, json_array_get(value, i), indent + 2, true);
    }
}

void rpw_manifest_write_yaml(FILE *out, json_t *value, unsigned indent)
{
    write_value(out, value, indent, false);
}

/* --- JSON ------------------------------------------------------------------------------------------------------------ */

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* The digits that every number in value needs, so that it is read as the same again: 0.1 needs 15, few need 17. */
static size_t digits_of(json_t *value)
{
    char text[RPW_MANIFEST_NUMBER_BYTES];
    size_t most = 15, index;
    const char *key;
    json_t *item;

    for (; json_is_real(value) && most < 17; most++) {
        snprintf(text, sizeof(text), "%.*g", (int)most, json_real_value(value));
        if (strtod(text, NULL) == json_real_value(value))
            break;
    }
    json_object_foreach(value, key, item)
    {
        most = larger(digits_of(item), most);
    }
    json_array_foreach(value, index, item)
    {
        most = larger(digits_of(item), most);
    }
    return most;
}

void rpw_manifest_write_json(FILE *out, json_t *value)
{
    json_dumpf(value, out, JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(digits_of(value)));
    fputc('\n', out);
}
