/* quantity.c - digits, a point, and one of: nothing, an exponent, a decimal suffix, a binary suffix. */
#include "quantity.h"

static const struct suffix {
    const char *text;
    int tens; /* power of ten */
    int twos; /* power of two */
} suffixes[] = {
    {"", 0, 0},    {"n", -9, 0},  {"u", -6, 0},  {"m", -3, 0},  {"k", 3, 0},   {"M", 6, 0},
    {"G", 9, 0},   {"T", 12, 0},  {"P", 15, 0},  {"E", 18, 0},  {"Ki", 0, 10}, {"Mi", 0, 20},
    {"Gi", 0, 30}, {"Ti", 0, 40}, {"Pi", 0, 50}, {"Ei", 0, 60},
};

/* Exponents beyond this are no quantity of this world; the limit keeps the sums far from overflow. */
#define MAX_EXPONENT 9999

#define NANO_TENS 9
#define MAX_NANOS ((rpw_nanos)INT64_MAX * RPW_NANOS_IN_ONE)
#define MAX_DIGITS 10000000000000000000u /* so many that there are 19 of them */

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool parse_exponent(struct rpw_span text, int *ret_tens)
{
    size_t i = 1;
    int value = 0;

    if (text.len < 2 || (text.ptr[0] != 'e' && text.ptr[0] != 'E'))
        return false;
    bool is_negative = text.ptr[1] == '-';
    if (text.ptr[1] == '-' || text.ptr[1] == '+')
        i++;
    if (i == text.len)
        return false;
    for (; i < text.len; i++) {
        if (!is_digit(text.ptr[i]))
            return false;
        value = value * 10 + (text.ptr[i] - '0');
        if (value > MAX_EXPONENT)
            return false;
    }
    *ret_tens = is_negative ? -value : value;
    return true;
}

static bool parse_suffix(struct rpw_span text, int *ret_tens, int *ret_twos)
{
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        if (rpw_span_is(text, suffixes[i].text)) {
            *ret_tens = suffixes[i].tens;
            *ret_twos = suffixes[i].twos;
            return true;
        }
    }
    *ret_twos = 0;
    return parse_exponent(text, ret_tens);
}

/* digits * 10^tens * 2^twos, rounded up; no more than MAX_NANOS. twos is at most 60, so the first product fits. */
static rpw_nanos scale(uint64_t digits, int tens, int twos)
{
    rpw_nanos nanos = (rpw_nanos)digits << twos;

    for (; tens > 0 && nanos > 0 && nanos < MAX_NANOS; tens--)
        nanos *= 10;
    for (; tens < 0 && nanos > 1; tens++)
        nanos = (nanos + 9) / 10;
    return nanos < MAX_NANOS ? nanos : MAX_NANOS;
}

bool rpw_quantity_parse(struct rpw_span text, rpw_nanos *ret_nanos)
{
    uint64_t digits = 0;
    size_t i = 0, count = 0;
    int tens = 0, suffix_tens, twos;
    bool is_negative = false, has_point = false, has_rest = false;

    if (text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+'))
        is_negative = text.ptr[i++] == '-';
    for (; i < text.len && (is_digit(text.ptr[i]) || (text.ptr[i] == '.' && !has_point)); i++) {
        if (text.ptr[i] == '.') {
            has_point = true;
            continue;
        }
        count++;
        if (digits < MAX_DIGITS / 10) {
            digits = digits * 10 + (uint64_t)(text.ptr[i] - '0');
            tens -= has_point;
        } else {
            has_rest = has_rest || text.ptr[i] != '0';
            tens += !has_point;
        }
    }
    if (count == 0 || !parse_suffix((struct rpw_span){text.ptr + i, text.len - i}, &suffix_tens, &twos))
        return false;
    *ret_nanos = scale(digits + has_rest, tens + suffix_tens + NANO_TENS, twos);
    if (is_negative)
        *ret_nanos = -*ret_nanos;
    return true;
}
