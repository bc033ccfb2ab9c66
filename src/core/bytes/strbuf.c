/* strbuf.c - a growing text with a sticky failure. */
#include "rpw/bytes/strbuf.h"

#include <stdint.h>

#define FIRST_CAPACITY 256

void rpw_strbuf_init(struct rpw_strbuf *writer, struct rpw_arena *arena)
{
    *writer = (struct rpw_strbuf){.arena = arena};
}

/* Room for len more bytes; NULL when the arena refused, now or before. */
static char *reserve(struct rpw_strbuf *writer, size_t len)
{
    if (writer->has_failed)
        return NULL;
    if (writer->bytes == NULL || len > writer->capacity - writer->len) {
        size_t capacity = writer->capacity > 0 ? writer->capacity : FIRST_CAPACITY;
        while (capacity - writer->len < len && capacity <= SIZE_MAX / 2)
            capacity *= 2;
        char *bytes = rpw_arena_grow(writer->arena, writer->bytes, writer->capacity, capacity);
        if (bytes == NULL) {
            writer->has_failed = true;
            return NULL;
        }
        writer->bytes = bytes;
        writer->capacity = capacity;
    }
    char *room = writer->bytes + writer->len;
    writer->len += len;
    return room;
}

void rpw_strbuf_put_span(struct rpw_strbuf *writer, struct rpw_span text)
{
    char *room = reserve(writer, text.len);

    if (room != NULL && text.len > 0)
        memcpy(room, text.ptr, text.len);
}

void rpw_strbuf_put_number(struct rpw_strbuf *writer, size_t number)
{
    char digits[20]; /* of 2^64 - 1 */
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    rpw_strbuf_put_span(writer, (struct rpw_span){digits + at, sizeof(digits) - at});
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
static void put_escape(struct rpw_strbuf *writer, unsigned char byte)
{
    static const char hex[] = "0123456789abcdef";
    char escape[] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};

    if (byte == '"' || byte == '\\') {
        escape[1] = (char)byte;
        rpw_strbuf_put_span(writer, (struct rpw_span){escape, 2});
    } else if (byte == '\n' || byte == '\t') {
        escape[1] = byte == '\n' ? 'n' : 't';
        rpw_strbuf_put_span(writer, (struct rpw_span){escape, 2});
    } else {
        rpw_strbuf_put_span(writer, (struct rpw_span){escape, sizeof(escape)});
    }
}

void rpw_strbuf_put_json(struct rpw_strbuf *writer, struct rpw_span text)
{
    struct rpw_span plain = {text.ptr, 0};

    rpw_strbuf_put(writer, "\"");
    while (text.len > 0) {
        size_t len = escaped_bytes(text);
        if (len > 0) {
            rpw_strbuf_put_span(writer, plain);
            put_escape(writer, (unsigned char)text.ptr[len - 1]);
            plain = (struct rpw_span){text.ptr + len, 0};
        } else {
            plain.len++;
            len = 1;
        }
        text = (struct rpw_span){text.ptr + len, text.len - len};
    }
    rpw_strbuf_put_span(writer, plain);
    rpw_strbuf_put(writer, "\"");
}

void rpw_strbuf_put_base64(struct rpw_strbuf *writer, struct rpw_span bytes)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *in = (const unsigned char *)bytes.ptr;
    char *out = reserve(writer, (bytes.len + 2) / 3 * 4);

    if (out == NULL)
        return;
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t group = (uint32_t)in[i] << 16;
        if (left > 1)
            group |= (uint32_t)in[i + 1] << 8;
        if (left > 2)
            group |= in[i + 2];
        *out++ = alphabet[group >> 18];
        *out++ = alphabet[(group >> 12) & 63];
        *out++ = left > 1 ? alphabet[(group >> 6) & 63] : '=';
        *out++ = left > 2 ? alphabet[group & 63] : '=';
    }
}

bool rpw_strbuf_finish(struct rpw_strbuf *writer, struct rpw_span *ret_text)
{
    if (writer->has_failed)
        return false;
    if (writer->bytes != NULL)
        rpw_arena_shrink(writer->arena, writer->bytes, writer->capacity, writer->len);
    writer->capacity = writer->len;
    *ret_text = (struct rpw_span){writer->bytes != NULL ? writer->bytes : "", writer->len};
    return true;
}
