/* scalar.c - plain scalars by the rules of YAML 1.1 as go-yaml v2 applies them.
 *
 * go-yaml tries, in this order: a table of words; for what begins with a digit or a sign, an integer in Go's notation
 * (0x, 0o, 0b, a leading 0 for octal) with underscores taken out; a decimal float. Integers beyond 64 bits and floats in
 * another notation than JSON's are refused here, because they would not come out as they were written.
 */
#include "scalar.h"

#include "rpw/bytes/json_reader.h"

static bool is_one_of(struct rpw_span text, const char *const *words)
{
    for (; *words; words++)
        if (rpw_span_is(text, *words))
            return true;
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The digits at *rest; what follows them stays in *rest. */
static size_t skip_digits(struct rpw_span *rest)
{
    size_t count = 0;

    while (count < rest->len && is_digit(rest->ptr[count]))
        count++;
    rest->ptr += count;
    rest->len -= count;
    return count;
}

static bool skip_one_of(struct rpw_span *rest, const char *characters)
{
    if (rest->len == 0 || !memchr(characters, rest->ptr[0], strlen(characters)))
        return false;
    rest->ptr++;
    rest->len--;
    return true;
}

bool rpw_scalar_is_json_number(struct rpw_span text)
{
    struct rpw_arena unused = {0}; /* no number holds an escape */
    struct rpw_json_reader reader;

    rpw_json_reader_init(&reader, &unused, text);
    return rpw_json_peek(&reader) == RPW_JSON_NUMBER && rpw_json_skip(&reader) && rpw_json_finish(&reader);
}

/* A decimal float in any notation, without exponent or with one: what JSON would call a number, and .5, 5., +5.0, 05.0. */
static bool looks_like_float(struct rpw_span rest)
{
    size_t digits;

    skip_one_of(&rest, "+-");
    digits = skip_digits(&rest);
    if (skip_one_of(&rest, "."))
        digits += skip_digits(&rest);
    if (digits == 0)
        return false;
    if (skip_one_of(&rest, "eE")) {
        skip_one_of(&rest, "+-");
        if (skip_digits(&rest) == 0)
            return false;
    }
    return rest.len == 0;
}

static unsigned digit_value(char c)
{
    if (is_digit(c))
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    if (c >= 'A' && c <= 'F')
        return (unsigned)(c - 'A') + 10;
    return 16;
}

/* Takes "0x", "0o", "0b" or "0" off and says which base follows. */
static unsigned skip_base(struct rpw_span *digits)
{
    char second = digits->len > 1 ? digits->ptr[1] : '\0';
    unsigned base = second == 'x' || second == 'X' ? 16 : second == 'b' || second == 'B' ? 2 : 8;

    if (digits->len < 2 || digits->ptr[0] != '0')
        return 10;
    if (base != 8 || second == 'o' || second == 'O') {
        digits->ptr += 2;
        digits->len -= 2;
    }
    return base;
}

/* The integer that text is; TEXT when it is none, BAD_NUMBER when it does not fit. */
static struct rpw_scalar resolve_integer(struct rpw_span text)
{
    struct rpw_scalar scalar = {.type = RPW_SCALAR_TEXT};
    unsigned base;
    size_t digit_count = 0;
    bool fits = true;

    if (text.ptr[0] == '-' || text.ptr[0] == '+') {
        scalar.is_negative = text.ptr[0] == '-';
        text.ptr++;
        text.len--;
    }
    if (text.len == 0 || !is_digit(text.ptr[0]))
        return scalar;
    base = skip_base(&text);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '_')
            continue;
        if (digit_value(text.ptr[i]) >= base)
            return (struct rpw_scalar){.type = RPW_SCALAR_TEXT};
        if (__builtin_mul_overflow(scalar.magnitude, (uint64_t)base, &scalar.magnitude) ||
            __builtin_add_overflow(scalar.magnitude, (uint64_t)digit_value(text.ptr[i]), &scalar.magnitude))
            fits = false;
        digit_count++;
    }
    if (digit_count == 0)
        return (struct rpw_scalar){.type = RPW_SCALAR_TEXT};
    if (scalar.is_negative && scalar.magnitude > (uint64_t)INT64_MAX + 1)
        fits = false;
    scalar.type = fits ? RPW_SCALAR_INTEGER : RPW_SCALAR_BAD_NUMBER;
    return scalar;
}

static struct rpw_scalar resolve_number(struct rpw_span text)
{
    struct rpw_scalar integer = resolve_integer(text);

    if (integer.type != RPW_SCALAR_TEXT)
        return integer;
    if (rpw_scalar_is_json_number(text))
        return (struct rpw_scalar){.type = RPW_SCALAR_FLOAT};
    return (struct rpw_scalar){.type = looks_like_float(text) ? RPW_SCALAR_BAD_NUMBER : RPW_SCALAR_TEXT};
}

struct rpw_scalar rpw_scalar_resolve(const struct rpw_yaml_node *node)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    static const char *const bad_bools[] = {"yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON",
                                            "off", "Off", "OFF", "y",  "Y",  "n",  "N",  NULL};
    static const char *const bad_numbers[] = {".inf",  ".Inf",  ".INF", "+.inf", "+.Inf", "+.INF", "-.inf",
                                              "-.Inf", "-.INF", ".nan", ".NaN",  ".NAN",  NULL};

    if (!node->is_plain)
        return (struct rpw_scalar){.type = RPW_SCALAR_TEXT};
    if (is_one_of(node->text, nulls))
        return (struct rpw_scalar){.type = RPW_SCALAR_NULL};
    if (is_one_of(node->text, trues))
        return (struct rpw_scalar){.type = RPW_SCALAR_BOOL, .truth = true};
    if (is_one_of(node->text, falses))
        return (struct rpw_scalar){.type = RPW_SCALAR_BOOL};
    if (is_one_of(node->text, bad_bools))
        return (struct rpw_scalar){.type = RPW_SCALAR_BAD_BOOL};
    if (is_one_of(node->text, bad_numbers))
        return (struct rpw_scalar){.type = RPW_SCALAR_BAD_NUMBER};
    return resolve_number(node->text);
}
