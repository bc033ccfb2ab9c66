/* quantity.c - digits, a point, and one of: nothing, an exponent, a decimal suffix, a binary suffix. */
#include "rpw/bytes/quantity.h"

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

static struct rpw_quantity normalised(struct rpw_quantity quantity)
{
    if (quantity.mantissa == 0)
        return (struct rpw_quantity){0};
    for (; quantity.mantissa % 2 == 0; quantity.twos++)
        quantity.mantissa /= 2;
    for (; quantity.mantissa % 5 == 0; quantity.fives++)
        quantity.mantissa /= 5;
    return quantity;
}

bool rpw_quantity_parse(struct rpw_span text, struct rpw_quantity *ret_quantity)
{
    struct rpw_quantity quantity = {0};
    size_t i = 0, digits = 0;
    int tens, twos, decimals = 0;
    bool has_point = false;

    if (text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+'))
        quantity.is_negative = text.ptr[i++] == '-';
    for (; i < text.len && (is_digit(text.ptr[i]) || (text.ptr[i] == '.' && !has_point)); i++) {
        if (text.ptr[i] == '.') {
            has_point = true;
            continue;
        }
        if (quantity.mantissa > (UINT64_MAX - 9) / 10)
            return false;
        quantity.mantissa = quantity.mantissa * 10 + (uint64_t)(text.ptr[i] - '0');
        decimals += has_point;
        digits++;
    }
    if (digits == 0 || decimals > MAX_EXPONENT ||
        !parse_suffix((struct rpw_span){text.ptr + i, text.len - i}, &tens, &twos))
        return false;
    quantity.twos = twos + tens - decimals;
    quantity.fives = tens - decimals;
    *ret_quantity = normalised(quantity);
    return true;
}

bool rpw_quantity_equal(struct rpw_quantity a, struct rpw_quantity b)
{
    return a.is_negative == b.is_negative && a.mantissa == b.mantissa && a.twos == b.twos && a.fives == b.fives;
}
