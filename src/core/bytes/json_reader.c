/* json_reader.c - RFC 8259, one pass, no recursion.
 *
 * The scan_* functions do the grammar. Each takes the position where its production begins and returns the position behind
 * it, or NULL after it has recorded the error: the position stays in a register, and reader->at moves only when a whole
 * step has succeeded. Reading and skipping share them, so what is skipped is checked as strictly as what is read.
 *
 * Most of a review is skipped (managedFields, probes, status), and most of that is inside strings: scan_string looks at
 * eight bytes at a time until one of them needs thought.
 */
#include "rpw/bytes/json_reader.h"

#include <stdint.h>

#include "rpw/bytes/limits.h"

#define STRINGIFY(x) #x
#define TO_STRING(x) STRINGIFY(x)
#define TOO_DEEP "at most " TO_STRING(RPW_MAX_JSON_DEPTH) " levels of nesting"

static const char *fail_at(struct rpw_json_reader *reader, const char *at, enum rpw_status status, const char *expected)
{
    if (reader->err.status == RPW_OK)
        reader->err = (struct rpw_err){
            .status = status,
            .offset = (size_t)(at - reader->start),
            .expected = expected,
        };
    return NULL;
}

static const char *fail_syntax(struct rpw_json_reader *reader, const char *at, const char *expected)
{
    return fail_at(reader, at, RPW_E_SYNTAX, expected);
}

static inline bool is_space(char byte)
{
    return byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r';
}

static inline const char *scan_space(const struct rpw_json_reader *reader, const char *at)
{
    const char *end = reader->end;

    /* Between tokens of compact JSON there is none: one comparison says so. */
    while (at < end && (unsigned char)*at <= ' ' && is_space(*at))
        at++;
    return at;
}

static inline bool is_next(const struct rpw_json_reader *reader, const char *at, char byte)
{
    return at < reader->end && *at == byte;
}

/* --- strings ------------------------------------------------------------------------------------------------------- */

#define EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/* How many of the eight bytes at `at` are plain: ASCII, no control character, neither '"' nor '\'. In x - 1 the high bit of
 * a byte of x comes up exactly when that byte is 0 (or was >= 0x81, which is not plain either); a borrow can only blame
 * bytes above a byte that is to blame itself. */
static inline size_t count_plain_bytes(const char *at)
{
    uint64_t bytes;

    memcpy(&bytes, at, sizeof(bytes));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    bytes = __builtin_bswap64(bytes);
#endif
    uint64_t is_quote = (bytes ^ EACH_BYTE('"')) - EACH_BYTE(1);
    uint64_t is_backslash = (bytes ^ EACH_BYTE('\\')) - EACH_BYTE(1);
    uint64_t is_control = bytes - EACH_BYTE(0x20);
    uint64_t special = (is_quote | is_backslash | is_control | bytes) & EACH_BYTE(0x80);

    return special == 0 ? sizeof(bytes) : (size_t)__builtin_ctzll(special) / 8;
}

/* One character of two to four bytes, by the table of RFC 3629 section 4: no overlong form, no surrogate, none above
 * U+10FFFF. */
static const char *scan_utf8(struct rpw_json_reader *reader, const char *at)
{
    const unsigned char *s = (const unsigned char *)at;
    unsigned char second_low = 0x80, second_high = 0xBF;
    size_t len;

    if (s[0] >= 0xC2 && s[0] <= 0xDF) {
        len = 2;
    } else if (s[0] >= 0xE0 && s[0] <= 0xEF) {
        len = 3;
        if (s[0] == 0xE0)
            second_low = 0xA0;
        if (s[0] == 0xED)
            second_high = 0x9F;
    } else if (s[0] >= 0xF0 && s[0] <= 0xF4) {
        len = 4;
        if (s[0] == 0xF0)
            second_low = 0x90;
        if (s[0] == 0xF4)
            second_high = 0x8F;
    } else {
        return fail_syntax(reader, at, "valid UTF-8");
    }
    if ((size_t)(reader->end - at) < len || s[1] < second_low || s[1] > second_high)
        return fail_syntax(reader, at, "valid UTF-8");
    for (size_t i = 2; i < len; i++)
        if ((s[i] & 0xC0) != 0x80)
            return fail_syntax(reader, at, "valid UTF-8");
    return at + len;
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

/* The four digits behind "\u". */
static const char *scan_hex4(struct rpw_json_reader *reader, const char *at, uint32_t *ret_unit)
{
    uint32_t unit = 0;

    for (int i = 0; i < 4; i++, at++) {
        int value = at < reader->end ? hex_value(*at) : -1;
        if (value < 0)
            return fail_syntax(reader, at, "four hex digits after \\u");
        unit = unit * 16 + (uint32_t)value;
    }
    *ret_unit = unit;
    return at;
}

#define LONE_SURROGATE "a high surrogate followed by a low one, as in \\uD83D\\uDE00"

/* at is the backslash; a surrogate pair is one escape. */
static const char *scan_escape(struct rpw_json_reader *reader, const char *at, uint32_t *ret_character)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    const char *escape = at++;
    uint32_t low;

    if (at == reader->end)
        return fail_syntax(reader, at, "an escape after '\\'");
    const char *letter = memchr(letters, *at, sizeof(letters) - 1);
    if (letter != NULL) {
        *ret_character = (unsigned char)meanings[letter - letters];
        return at + 1;
    }
    if (*at != 'u')
        return fail_syntax(reader, at, "one of \" \\ / b f n r t u after '\\'");
    at = scan_hex4(reader, at + 1, ret_character);
    if (at == NULL || *ret_character < 0xD800 || *ret_character > 0xDFFF)
        return at;
    if (*ret_character > 0xDBFF || !is_next(reader, at, '\\') || !is_next(reader, at + 1, 'u'))
        return fail_syntax(reader, escape, LONE_SURROGATE);
    at = scan_hex4(reader, at + 2, &low);
    if (at == NULL)
        return NULL;
    if (low < 0xDC00 || low > 0xDFFF)
        return fail_syntax(reader, escape, LONE_SURROGATE);
    *ret_character = 0x10000 + ((*ret_character - 0xD800) << 10) + (low - 0xDC00);
    return at;
}

/* Behind the plain bytes that come next. */
static inline const char *scan_plain(const struct rpw_json_reader *reader, const char *at)
{
    const char *end = reader->end;

    while (end - at >= 8) {
        size_t plain = count_plain_bytes(at);
        at += plain;
        if (plain < 8)
            return at;
    }
    while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20 && (unsigned char)*at < 0x80)
        at++;
    return at;
}

/* at is what stopped scan_plain, and no closing quote; returns the position behind it. */
static const char *scan_special(struct rpw_json_reader *reader, const char *at)
{
    uint32_t ignored;

    if (at == reader->end)
        return fail_syntax(reader, at, "'\"' at the end of the string");
    if (*at == '\\')
        return scan_escape(reader, at, &ignored);
    if ((unsigned char)*at < 0x20)
        return fail_syntax(reader, at, "a string without control characters");
    return scan_utf8(reader, at);
}

/* at is behind the opening quote; returns the closing one. */
static inline const char *scan_string(struct rpw_json_reader *reader, const char *at, bool *ret_has_escape)
{
    *ret_has_escape = false;
    while (at != NULL) {
        at = scan_plain(reader, at);
        if (is_next(reader, at, '"'))
            return at;
        *ret_has_escape = *ret_has_escape || is_next(reader, at, '\\');
        at = scan_special(reader, at);
    }
    return NULL;
}

static char *put_utf8(char *out, uint32_t character)
{
    if (character < 0x80) {
        *out++ = (char)character;
    } else if (character < 0x800) {
        *out++ = (char)(0xC0 | (character >> 6));
        *out++ = (char)(0x80 | (character & 0x3F));
    } else if (character < 0x10000) {
        *out++ = (char)(0xE0 | (character >> 12));
        *out++ = (char)(0x80 | ((character >> 6) & 0x3F));
        *out++ = (char)(0x80 | (character & 0x3F));
    } else {
        *out++ = (char)(0xF0 | (character >> 18));
        *out++ = (char)(0x80 | ((character >> 12) & 0x3F));
        *out++ = (char)(0x80 | ((character >> 6) & 0x3F));
        *out++ = (char)(0x80 | (character & 0x3F));
    }
    return out;
}

/* raw has been scanned, so its escapes are good; what they stand for is never longer than they are. */
static bool decode(struct rpw_json_reader *reader, struct rpw_span raw, struct rpw_span *ret_string)
{
    char *decoded = rpw_arena_alloc(reader->arena, raw.len);
    char *out = decoded;
    const char *at = raw.ptr;
    const char *end = raw.ptr + raw.len;

    if (decoded == NULL)
        return fail_at(reader, raw.ptr, RPW_E_NOMEM, "room for a decoded string") != NULL;
    while (at < end) {
        const char *backslash = memchr(at, '\\', (size_t)(end - at));
        size_t plain = (size_t)((backslash != NULL ? backslash : end) - at);
        memcpy(out, at, plain);
        out += plain;
        at += plain;
        if (backslash != NULL) {
            uint32_t character = 0;
            at = scan_escape(reader, at, &character);
            out = put_utf8(out, character);
        }
    }
    *ret_string = (struct rpw_span){decoded, (size_t)(out - decoded)};
    return true;
}

/* at is the opening quote; returns the position behind the closing one. */
static const char *read_string(struct rpw_json_reader *reader, const char *at, struct rpw_span *ret_string)
{
    bool has_escape;
    const char *closing = scan_string(reader, at + 1, &has_escape);

    if (closing == NULL)
        return NULL;
    struct rpw_span raw = {at + 1, (size_t)(closing - at - 1)};
    if (has_escape)
        return decode(reader, raw, ret_string) ? closing + 1 : NULL;
    *ret_string = raw;
    return closing + 1;
}

/* --- the other scalars --------------------------------------------------------------------------------------------- */

static const char *scan_digits(struct rpw_json_reader *reader, const char *at)
{
    if (at == reader->end || *at < '0' || *at > '9')
        return fail_syntax(reader, at, "a digit");
    while (at < reader->end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

static const char *scan_number(struct rpw_json_reader *reader, const char *at)
{
    if (is_next(reader, at, '-'))
        at++;
    at = is_next(reader, at, '0') ? at + 1 : scan_digits(reader, at);
    if (at != NULL && is_next(reader, at, '.'))
        at = scan_digits(reader, at + 1);
    if (at != NULL && (is_next(reader, at, 'e') || is_next(reader, at, 'E'))) {
        at++;
        if (is_next(reader, at, '+') || is_next(reader, at, '-'))
            at++;
        at = scan_digits(reader, at);
    }
    return at;
}

static const char *scan_word(struct rpw_json_reader *reader, const char *at, const char *word)
{
    for (const char *expected = word; *expected != '\0'; expected++, at++)
        if (!is_next(reader, at, *expected))
            return fail_syntax(reader, at, word);
    return at;
}

static inline const char *scan_scalar(struct rpw_json_reader *reader, const char *at)
{
    const char *closing;
    bool ignored;

    if (at == reader->end)
        return fail_syntax(reader, at, "a JSON value");
    switch (*at) {
    case '"':
        closing = scan_string(reader, at + 1, &ignored);
        return closing == NULL ? NULL : closing + 1;
    case 't':
        return scan_word(reader, at, "true");
    case 'f':
        return scan_word(reader, at, "false");
    case 'n':
        return scan_word(reader, at, "null");
    default:
        if (*at != '-' && (*at < '0' || *at > '9'))
            return fail_syntax(reader, at, "a JSON value");
        return scan_number(reader, at);
    }
}

/* --- objects and arrays -------------------------------------------------------------------------------------------- */

static inline const char *scan_colon(struct rpw_json_reader *reader, const char *at)
{
    at = scan_space(reader, at);
    if (!is_next(reader, at, ':'))
        return fail_syntax(reader, at, "':' after the key");
    return at + 1;
}

static inline const char *scan_key(struct rpw_json_reader *reader, const char *at)
{
    bool ignored;

    if (!is_next(reader, at, '"'))
        return fail_syntax(reader, at, "a key in double quotes");
    at = scan_string(reader, at + 1, &ignored);
    return at == NULL ? NULL : scan_colon(reader, at + 1);
}

static const char *expected_behind_value(bool is_object)
{
    return is_object ? "',' or '}'" : "',' or ']'";
}

/* Behind a value: closes containers down to base, or goes to the next value of the innermost one. closings: the bracket
 * that each open container ends in. */
static inline const char *scan_behind_value(struct rpw_json_reader *reader, const char *at, const char *closings,
                                            unsigned base, unsigned *depth)
{
    while (*depth > base) {
        char closing = closings[*depth - 1];
        at = scan_space(reader, at);
        if (is_next(reader, at, closing)) {
            at++;
            (*depth)--;
        } else if (is_next(reader, at, ',')) {
            at = scan_space(reader, at + 1);
            return closing == '}' ? scan_key(reader, at) : at;
        } else {
            return fail_syntax(reader, at, expected_behind_value(closing == '}'));
        }
    }
    return at;
}

static const char *scan_value(struct rpw_json_reader *reader, const char *at)
{
    char closings[RPW_MAX_JSON_DEPTH];
    const unsigned base = reader->depth;
    unsigned depth = base;

    do {
        at = scan_space(reader, at);
        if (is_next(reader, at, '{') || is_next(reader, at, '[')) {
            char closing = *at == '{' ? '}' : ']';
            if (depth == RPW_MAX_JSON_DEPTH)
                return fail_at(reader, at, RPW_E_DEPTH, TOO_DEEP);
            closings[depth++] = closing;
            at = scan_space(reader, at + 1);
            if (!is_next(reader, at, closing)) {
                at = closing == '}' ? scan_key(reader, at) : at;
                continue;
            }
        } else {
            at = scan_scalar(reader, at);
        }
        if (at != NULL)
            at = scan_behind_value(reader, at, closings, base, &depth);
    } while (at != NULL && depth > base);
    return at;
}

/* --- the interface ------------------------------------------------------------------------------------------------- */

void rpw_json_reader_init(struct rpw_json_reader *reader, struct rpw_arena *arena, struct rpw_span text)
{
    /* An absent text has no address to count from; any will do for one of no bytes. */
    const char *start = text.ptr != NULL ? text.ptr : "";

    *reader = (struct rpw_json_reader){.start = start, .at = start, .end = start + text.len, .arena = arena};
}

static bool has_failed(const struct rpw_json_reader *reader)
{
    return reader->err.status != RPW_OK;
}

/* Makes a finished step visible. */
static bool move_behind_value(struct rpw_json_reader *reader, const char *at)
{
    if (at == NULL)
        return false;
    reader->at = at;
    reader->is_first = false;
    return true;
}

enum rpw_json_type rpw_json_peek(struct rpw_json_reader *reader)
{
    if (has_failed(reader))
        return RPW_JSON_NOTHING;
    reader->at = scan_space(reader, reader->at);
    if (reader->at == reader->end)
        return RPW_JSON_NOTHING;
    switch (*reader->at) {
    case '{':
        return RPW_JSON_OBJECT;
    case '[':
        return RPW_JSON_ARRAY;
    case '"':
        return RPW_JSON_STRING;
    case 't':
    case 'f':
        return RPW_JSON_BOOL;
    case 'n':
        return RPW_JSON_NULL;
    default:
        return *reader->at == '-' || (*reader->at >= '0' && *reader->at <= '9') ? RPW_JSON_NUMBER : RPW_JSON_NOTHING;
    }
}

static const char *type_name(enum rpw_json_type type)
{
    static const char *const names[] = {
        [RPW_JSON_NOTHING] = NULL,      [RPW_JSON_OBJECT] = "an object", [RPW_JSON_ARRAY] = "an array",
        [RPW_JSON_STRING] = "a string", [RPW_JSON_NUMBER] = "a number",  [RPW_JSON_BOOL] = "true or false",
        [RPW_JSON_NULL] = "null",
    };
    return names[type];
}

static bool expect_type(struct rpw_json_reader *reader, enum rpw_json_type type, const char *field)
{
    enum rpw_json_type found = rpw_json_peek(reader);

    if (found == type && !has_failed(reader))
        return true;
    if (found == RPW_JSON_NOTHING)
        fail_syntax(reader, reader->at, "a JSON value");
    return rpw_json_fail(reader, rpw_json_offset(reader), field, type_name(type), type_name(found));
}

static bool enter(struct rpw_json_reader *reader, enum rpw_json_type type, const char *field)
{
    if (!expect_type(reader, type, field))
        return false;
    if (reader->depth == RPW_MAX_JSON_DEPTH)
        return fail_at(reader, reader->at, RPW_E_DEPTH, TOO_DEEP) != NULL;
    reader->at++;
    reader->depth++;
    reader->is_first = true;
    return true;
}

bool rpw_json_enter_object(struct rpw_json_reader *reader, const char *field)
{
    return enter(reader, RPW_JSON_OBJECT, field);
}

bool rpw_json_enter_array(struct rpw_json_reader *reader, const char *field)
{
    return enter(reader, RPW_JSON_ARRAY, field);
}

/* Consumes the closing bracket, or the comma in front of the next member or element. */
static bool step(struct rpw_json_reader *reader, bool is_object)
{
    if (has_failed(reader))
        return false;
    const char *at = scan_space(reader, reader->at);
    if (is_next(reader, at, is_object ? '}' : ']')) {
        reader->depth--;
        move_behind_value(reader, at + 1);
        return false;
    }
    if (!reader->is_first) {
        if (!is_next(reader, at, ','))
            return fail_syntax(reader, at, expected_behind_value(is_object)) != NULL;
        at++;
    }
    reader->at = scan_space(reader, at);
    return true;
}

bool rpw_json_next_member(struct rpw_json_reader *reader, struct rpw_span *ret_key)
{
    struct rpw_span key;

    if (!step(reader, true))
        return false;
    if (!is_next(reader, reader->at, '"'))
        return fail_syntax(reader, reader->at, "a key in double quotes") != NULL;
    const char *at = read_string(reader, reader->at, &key);
    if (at == NULL || !move_behind_value(reader, scan_colon(reader, at)))
        return false;
    *ret_key = key;
    return true;
}

bool rpw_json_next_element(struct rpw_json_reader *reader)
{
    if (!step(reader, false))
        return false;
    reader->is_first = false;
    return true;
}

bool rpw_json_read_string(struct rpw_json_reader *reader, const char *field, struct rpw_span *ret_string)
{
    return expect_type(reader, RPW_JSON_STRING, field) &&
           move_behind_value(reader, read_string(reader, reader->at, ret_string));
}

bool rpw_json_read_bool(struct rpw_json_reader *reader, const char *field, bool *ret_bool)
{
    if (!expect_type(reader, RPW_JSON_BOOL, field))
        return false;
    bool value = *reader->at == 't';
    if (!rpw_json_skip(reader))
        return false;
    *ret_bool = value;
    return true;
}

bool rpw_json_take_null(struct rpw_json_reader *reader)
{
    /* In compact JSON the next byte is the value's first. */
    if (reader->at < reader->end && (unsigned char)*reader->at > ' ' && *reader->at != 'n')
        return false;
    return rpw_json_peek(reader) == RPW_JSON_NULL && rpw_json_skip(reader);
}

bool rpw_json_skip(struct rpw_json_reader *reader)
{
    return !has_failed(reader) && move_behind_value(reader, scan_value(reader, reader->at));
}

bool rpw_json_read_raw(struct rpw_json_reader *reader, struct rpw_span *ret_text)
{
    const char *start = scan_space(reader, reader->at);

    if (!rpw_json_skip(reader))
        return false;
    *ret_text = (struct rpw_span){start, (size_t)(reader->at - start)};
    return true;
}

bool rpw_json_finish(struct rpw_json_reader *reader)
{
    if (has_failed(reader))
        return false;
    reader->at = scan_space(reader, reader->at);
    return reader->at == reader->end || fail_syntax(reader, reader->at, "nothing after the value") != NULL;
}

size_t rpw_json_offset(struct rpw_json_reader *reader)
{
    return (size_t)(scan_space(reader, reader->at) - reader->start);
}

bool rpw_json_fail(struct rpw_json_reader *reader, size_t offset, const char *field, const char *expected,
                   const char *found)
{
    if (!has_failed(reader))
        reader->err = (struct rpw_err){RPW_E_SHAPE, offset, field, expected, found};
    return false;
}

bool rpw_json_fail_no_memory(struct rpw_json_reader *reader)
{
    return fail_at(reader, reader->at, RPW_E_NOMEM, "room in the arena") != NULL;
}
