/* manifest_scalar.c - what a scalar without quotes is: the rules of goyaml.v2 in sigs.k8s.io/yaml, resolve.go.
 *
 * kubectl and Helm read YAML through it, so a manifest means what it says. A value that it reads as a number where
 * Kubernetes wants a text (`value: 8080`) is an error of the manifest; the core will say so, as the apiserver would.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "manifest.h"

#define MAX_NUMBER_BYTES 100

static const struct word {
    const char *json;
    const char *forms[6];
} words[] = {
    {"null", {"", "~", "null", "Null", "NULL"}}, {"true", {"true", "True", "TRUE", "yes", "Yes", "YES"}},
    {"true", {"y", "Y", "on", "On", "ON"}},      {"false", {"false", "False", "FALSE", "no", "No", "NO"}},
    {"false", {"n", "N", "off", "Off", "OFF"}},
};

static const char *find_word(struct rpw_span text)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        for (size_t k = 0; k < 6 && words[i].forms[k]; k++)
            if (rpw_span_is(text, words[i].forms[k]))
                return words[i].json;
    return NULL;
}

static size_t skip_digits(const char *text, size_t at)
{
    return at + strspn(text + at, "0123456789");
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static bool is_float(const char *text)
{
    size_t at = text[0] == '-' || text[0] == '+', digits = skip_digits(text, at);

    if (text[digits] == '.') {
        size_t fraction = skip_digits(text, digits + 1);

        if (digits == at && fraction == digits + 1)
            return false;
        digits = fraction;
    } else if (digits == at) {
        return false;
    }
    if (text[digits] == 'e' || text[digits] == 'E') {
        size_t exponent = digits + 1;

        exponent += text[exponent] == '-' || text[exponent] == '+';
        digits = skip_digits(text, exponent);
        if (digits == exponent)
            return false;
    }
    return text[digits] == '\0';
}

/* As Go's strconv.ParseInt with base 0: 0x1F, 0o17, 017 and 0b11 too. */
static bool read_integer(const char *text, bool *ret_is_negative, unsigned long long *ret_value)
{
    const char *digits = text + (text[0] == '-' || text[0] == '+');
    int base = 10;
    char *end;

    if (digits[0] == '0' && digits[1] != '\0') {
        base = strchr("xX", digits[1]) ? 16 : strchr("bB", digits[1]) ? 2 : 8;
        digits += strchr("xXbBoO", digits[1]) ? 2 : 1;
    }
    if (digits[strspn(digits, "0123456789abcdefABCDEF")] != '\0' || digits[0] == '\0')
        return false;
    errno = 0;
    *ret_value = strtoull(digits, &end, base);
    *ret_is_negative = text[0] == '-';
    return errno == 0 && *end == '\0';
}

/* RFC 8259's grammar: no plus, no leading zero, digits on both sides of a point. */
static bool is_json_number(const char *text)
{
    const char *digits = text + (text[0] == '-'), *point = strchr(text, '.');

    if (!is_float(text) || text[0] == '+' || digits[0] == '.' || (digits[0] == '0' && skip_digits(digits, 0) > 1))
        return false;
    return !point || (point[1] >= '0' && point[1] <= '9');
}

/* The number as JSON; false when text is none. */
static bool read_number(struct rpw_span text, char ret_json[MAX_NUMBER_BYTES])
{
    char plain[MAX_NUMBER_BYTES];
    unsigned long long value;
    bool is_negative;
    size_t len = 0;

    if (text.len == 0 || text.len >= sizeof(plain) || !memchr("+-.0123456789", text.ptr[0], 13))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] != '_')
            plain[len++] = text.ptr[i];
    plain[len] = '\0';
    if (strlen(plain) != len)
        return false;
    if (is_json_number(plain))
        snprintf(ret_json, MAX_NUMBER_BYTES, "%s", plain);
    else if (read_integer(plain, &is_negative, &value))
        snprintf(ret_json, MAX_NUMBER_BYTES, "%s%llu", is_negative ? "-" : "", value);
    else if (is_float(plain))
        snprintf(ret_json, MAX_NUMBER_BYTES, "%.15g", strtod(plain, NULL));
    else
        return false;
    return true;
}

void rpw_manifest_put_plain(struct rpw_buffer *buffer, struct rpw_span text)
{
    const char *word = find_word(text);
    char number[MAX_NUMBER_BYTES];

    if (word)
        rpw_buffer_append(buffer, rpw_span_of(word));
    else if (read_number(text, number))
        rpw_buffer_append(buffer, rpw_span_of(number));
    else
        rpw_buffer_append_json(buffer, text);
}

bool rpw_manifest_is_plain_text(struct rpw_span text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_/";

    /* Beginning with a letter or a slash: no number, no date, no indicator. */
    if (text.len == 0 || !memchr(letters, text.ptr[0], sizeof(letters) - 1) || find_word(text))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!memchr(letters, text.ptr[i], sizeof(letters) - 1) && !memchr("0123456789.-=+@", text.ptr[i], 15))
            return false;
    return true;
}
