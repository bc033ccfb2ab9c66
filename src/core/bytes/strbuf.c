/* strbuf.c - a growing text with a sticky failure. */
#include "rpw/bytes/strbuf.h"

#include <stdint.h>

#define FIRST_CAPACITY 256

void rpw_strbuf_init(struct rpw_strbuf *buf, struct rpw_arena *arena)
{
    *buf = (struct rpw_strbuf){.arena = arena};
}

static bool grow(struct rpw_strbuf *buf, size_t len)
{
    size_t capacity = buf->capacity > 0 ? buf->capacity : FIRST_CAPACITY;

    while (capacity - buf->len < len && capacity <= SIZE_MAX / 2)
        capacity *= 2;
    char *bytes = rpw_arena_grow(buf->arena, buf->bytes, buf->capacity, capacity);
    if (bytes == NULL) {
        buf->has_failed = true;
        return false;
    }
    buf->bytes = bytes;
    buf->capacity = capacity;
    return true;
}

char *rpw_strbuf_reserve(struct rpw_strbuf *buf, size_t len)
{
    if (buf->has_failed || ((buf->bytes == NULL || len > buf->capacity - buf->len) && !grow(buf, len)))
        return NULL;
    buf->len += len;
    return buf->bytes + buf->len - len;
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

/* How many bytes rest begins with that are escaped as one character: quotes, backslash, and all control characters. U+007F to
 * U+009F are legal in JSON, but kube-apiserver drops a warning that has one. */
static size_t escaped_bytes(struct rpw_span rest)
{
    unsigned char byte = (unsigned char)rest.ptr[0];

    if (byte == 0xC2 && rest.len > 1 && (unsigned char)rest.ptr[1] < 0xA0)
        return 2; /* U+0080 to U+009F */
    return byte < 0x20 || byte == 0x7F || byte == '"' || byte == '\\';
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
    struct rpw_span plain = {text.ptr, 0};

    rpw_strbuf_put(buf, "\"");
    while (text.len > 0) {
        size_t len = escaped_bytes(text);
        if (len > 0) {
            rpw_strbuf_put_span(buf, plain);
            put_escape(buf, (unsigned char)text.ptr[len - 1]);
            plain = (struct rpw_span){text.ptr + len, 0};
        } else {
            plain.len++;
            len = 1;
        }
        text = (struct rpw_span){text.ptr + len, text.len - len};
    }
    rpw_strbuf_put_span(buf, plain);
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
    char *out = rpw_strbuf_reserve(buf, (bytes.len + 2) / 3 * 4);

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
