/* yaml_scalar.c - words, numbers and times; everything else is text. */
#include "yaml_scalar.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MAX_NUMBER_TEXT_BYTES 100

static const struct word {
    enum rpw_manifest_scalar_type type;
    const char *json;
    const char *forms[6];
} words[] = {
    {RPW_MANIFEST_NULL, "null", {"", "~", "null", "Null", "NULL"}},
    {RPW_MANIFEST_BOOL, "true", {"true", "True", "TRUE", "yes", "Yes", "YES"}},
    {RPW_MANIFEST_BOOL, "true", {"y", "Y", "on", "On", "ON"}},
    {RPW_MANIFEST_BOOL, "false", {"false", "False", "FALSE", "no", "No", "NO"}},
    {RPW_MANIFEST_BOOL, "false", {"n", "N", "off", "Off", "OFF"}},
    {RPW_MANIFEST_NOT_JSON, "", {".nan", ".NaN", ".NAN"}},
    {RPW_MANIFEST_MERGE, "", {"<<"}},
    {RPW_MANIFEST_NOT_JSON, "", {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"}},
    {RPW_MANIFEST_NOT_JSON, "", {"-.inf", "-.Inf", "-.INF"}},
};

static const struct word *find_word(struct rpw_span text)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        for (size_t k = 0; k < 6 && words[i].forms[k]; k++)
            if (rpw_span_is(text, words[i].forms[k]))
                return &words[i];
    return NULL;
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static bool is_float(const char *text)
{
    char *end = NULL;

    strtod(text, &end);
    return text[strspn(text, "+-.eE0123456789")] == '\0' && end != text && *end == '\0';
}

/* As Go's strconv.ParseInt with base 0: 0x1F, 0o17, 017 and 0b11 too. */
static bool read_integer(const char *text, long long *ret_value)
{
    bool is_negative = text[0] == '-';
    const char *digits = text + (is_negative || text[0] == '+');
    unsigned long long value;
    int base = 10;
    char *end;

    if (digits[0] == '0' && digits[1] != '\0') {
        base = strchr("xX", digits[1]) ? 16 : strchr("bB", digits[1]) ? 2 : 8;
        digits += strchr("xXbBoO", digits[1]) ? 2 : 1;
    }
    if (digits[strspn(digits, "0123456789abcdefABCDEF")] != '\0' || digits[0] == '\0')
        return false;
    errno = 0;
    value = strtoull(digits, &end, base);
    if (errno != 0 || *end != '\0' || value > (unsigned long long)INT64_MAX + is_negative)
        return false;
    *ret_value = is_negative ? (long long)-value : (long long)value;
    return true;
}

/* Whether text is a large number in another base than ten, or of more than 63 bits: Go's ParseUint takes these. */
static bool read_unsigned(const char *text, double *ret_value)
{
    unsigned long long value;
    char *end;

    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    value = strtoull(text, &end, 0);
    *ret_value = (double)value;
    return errno == 0 && *end == '\0';
}

void rpw_manifest_format_float(double number, char ret_text[RPW_MANIFEST_NUMBER_BYTES])
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(ret_text, RPW_MANIFEST_NUMBER_BYTES, "%.*g", digits, number);
        if (strtod(ret_text, NULL) == number)
            return;
    }
}

static bool read_number(struct rpw_span text, struct rpw_manifest_scalar *scalar)
{
    char plain[MAX_NUMBER_TEXT_BYTES];
    long long integer;
    size_t len = 0;

    if (text.len == 0 || text.len >= sizeof(plain) || !memchr("+-.0123456789", text.ptr[0], 13) ||
        rpw_span_starts_with(text, RPW_LIT("._")))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] != '_')
            plain[len++] = text.ptr[i];
    plain[len] = '\0';
    if (strlen(plain) != len)
        return false;
    if (text.ptr[0] != '.' && read_integer(plain, &integer)) {
        scalar->type = RPW_MANIFEST_INTEGER;
        snprintf(scalar->json, sizeof(scalar->json), "%lld", integer);
        return true;
    }
    if (!read_unsigned(plain, &scalar->number)) {
        if (!is_float(plain))
            return false;
        scalar->number = strtod(plain, NULL);
    }
    if (isinf(scalar->number))
        return false;
    scalar->type = RPW_MANIFEST_FLOAT;
    rpw_manifest_format_float(scalar->number, scalar->json);
    return true;
}

/* As goyaml's parseTimestamp(): four digits of a year, and then one of four forms. */
static bool is_time(struct rpw_span text)
{
    static const char *const formats[] = {"%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dt%H:%M:%S", "%Y-%m-%d %H:%M:%S"};
    char copy[64];
    struct tm parts;

    if (text.len < 8 || text.len >= sizeof(copy) || text.ptr[4] != '-')
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (strspn(copy, "0123456789") != 4)
        return false;
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        const char *end = strptime(copy, formats[i], &parts);

        /* Seconds may have a fraction, and two forms a zone: what is close to a time is one, quotes do no harm. */
        if (end && (*end == '\0' || (i > 0 && strchr(".Zz+-", *end))))
            return true;
    }
    return false;
}

struct rpw_manifest_scalar rpw_manifest_scalar_resolve(struct rpw_span text)
{
    struct rpw_manifest_scalar scalar = {.type = RPW_MANIFEST_TEXT};
    const struct word *word = find_word(text);

    if (word) {
        scalar.type = word->type;
        snprintf(scalar.json, sizeof(scalar.json), "%s", word->json);
    } else if (is_time(text)) {
        scalar.type = RPW_MANIFEST_TIME;
    } else {
        read_number(text, &scalar);
    }
    return scalar;
}
