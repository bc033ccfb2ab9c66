/* strbuf.c - a growing text with a sticky failure. */
#include "rpw/bytes/strbuf.h"

#include <stdint.h>

#define FIRST_CAPACITY 256

void rpw_strbuf_init(struct rpw_strbuf *buf, struct rpw_arena *arena)
{
    *buf = (struct rpw_strbuf){.arena = arena};
}

bool rpw_strbuf_grow(struct rpw_strbuf *buf, size_t len)
{
    size_t capacity = buf->capacity > 0 ? buf->capacity : FIRST_CAPACITY;

    if (buf->has_failed)
        return false;
    while (capacity - buf->len < len && capacity <= SIZE_MAX / 2)
        capacity *= 2;
    char *bytes = rpw_arena_grow(buf->arena, buf->bytes, buf->capacity, capacity);
    if (bytes == NULL) {
        buf->capacity = buf->len; /* nothing more fits */
        buf->has_failed = true;
        return false;
    }
    buf->bytes = bytes;
    buf->capacity = capacity;
    return true;
}

void rpw_strbuf_put_number(struct rpw_strbuf *buf, size_t number)
{
    char digits[20]; /* of 2^64 - 1 */
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    rpw_strbuf_put_span(buf, (struct rpw_span){digits + at, sizeof(digits) - at});
}

/* The bytes that text begins with and that stand for themselves in a JSON string: no quotes, no backslash, and no control
 * character. U+007F to U+009F (in UTF-8 0xC2 and the number) are legal in JSON, but kube-apiserver drops a warning that has
 * one. */
static size_t count_plain_bytes(struct rpw_span text)
{
    size_t i = 0;

    for (; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        bool begins_control = byte == 0xC2 && i + 1 < text.len && (unsigned char)text.ptr[i + 1] < 0xA0;
        if (byte < 0x20 || byte == 0x7F || byte == '"' || byte == '\\' || begins_control)
            break;
    }
    return i;
}

/* The last byte of U+0080 to U+009F in UTF-8 is its number. */
static void put_escape(struct rpw_strbuf *buf, unsigned char byte)
{
    static const char hex[] = "0123456789abcdef";
    char escape[] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};

    if (byte == '"' || byte == '\\') {
        escape[1] = (char)byte;
        rpw_strbuf_put_span(buf, (struct rpw_span){escape, 2});
    } else if (byte == '\n' || byte == '\t') {
        escape[1] = byte == '\n' ? 'n' : 't';
        rpw_strbuf_put_span(buf, (struct rpw_span){escape, 2});
    } else {
        rpw_strbuf_put_span(buf, (struct rpw_span){escape, sizeof(escape)});
    }
}

void rpw_strbuf_put_json(struct rpw_strbuf *buf, struct rpw_span text)
{
    rpw_strbuf_put(buf, "\"");
    for (;;) {
        size_t plain = count_plain_bytes(text);
        rpw_strbuf_put_span(buf, (struct rpw_span){text.ptr, plain});
        if (plain == text.len)
            break;
        size_t escaped = plain + ((unsigned char)text.ptr[plain] == 0xC2 ? 2 : 1);
        put_escape(buf, (unsigned char)text.ptr[escaped - 1]);
        text = (struct rpw_span){text.ptr + escaped, text.len - escaped};
    }
    rpw_strbuf_put(buf, "\"");
}

void rpw_strbuf_put_parts(struct rpw_strbuf *buf, const struct rpw_part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (parts[i].is_quoted ? rpw_strbuf_put_json : rpw_strbuf_put_span)(buf, parts[i].text);
}

static const char base64_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static inline void put_base64_group(char *out, uint32_t group)
{
    out[0] = base64_alphabet[group >> 18];
    out[1] = base64_alphabet[(group >> 12) & 63];
    out[2] = base64_alphabet[(group >> 6) & 63];
    out[3] = base64_alphabet[group & 63];
}

void rpw_strbuf_put_base64(struct rpw_strbuf *buf, struct rpw_span bytes)
{
    const unsigned char *in = (const unsigned char *)bytes.ptr;
    size_t whole = bytes.len / 3 * 3, left = bytes.len - whole;
    char *out = bytes.len > 0 ? rpw_strbuf_reserve(buf, (bytes.len + 2) / 3 * 4) : NULL;

    if (out == NULL)
        return;
    for (size_t i = 0; i < whole; i += 3, out += 4)
        put_base64_group(out, (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 | in[i + 2]);
    if (left == 0)
        return;
    put_base64_group(out, (uint32_t)in[whole] << 16 | (left > 1 ? (uint32_t)in[whole + 1] << 8 : 0));
    out[3] = '=';
    if (left == 1)
        out[2] = '=';
}

bool rpw_strbuf_finish(struct rpw_strbuf *buf, struct rpw_span *ret_text)
{
    if (buf->has_failed)
        return false;
    if (buf->bytes != NULL)
        rpw_arena_shrink(buf->arena, buf->bytes, buf->capacity, buf->len);
    buf->capacity = buf->len;
    *ret_text = (struct rpw_span){buf->bytes != NULL ? buf->bytes : "", buf->len};
    return true;
}

bool rpw_strbuf_join(struct rpw_arena *arena, struct rpw_span *ret_text, const struct rpw_part *parts, size_t count)
{
    struct rpw_strbuf buf;

    rpw_strbuf_init(&buf, arena);
    rpw_strbuf_put_parts(&buf, parts, count);
    return rpw_strbuf_finish(&buf, ret_text);
}
