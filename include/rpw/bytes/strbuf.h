/* strbuf.h - builds text in the arena: JSON, and the messages that go into it.
 *
 * The text grows as needed, in place when nothing else is allocated meanwhile. A refusal by the arena is sticky: what
 * follows is ignored, and finish() reports it once.
 * Threads: one buffer, one thread. Memory: the text lives as long as the arena.
 */
#ifndef RPW_STRBUF_H
#define RPW_STRBUF_H

#include <stdbool.h>

#include "rpw/bytes/arena.h"
#include "rpw/bytes/text.h"

struct rpw_strbuf {
    struct rpw_arena *arena;
    char *bytes;
    size_t len;
    size_t capacity;
    bool has_failed;
};

/* A piece of a text: as it is, or as a JSON string in quotes. */
struct rpw_part {
    struct rpw_span text;
    bool is_quoted;
};

static inline struct rpw_part rpw_words(const char *words)
{
    return (struct rpw_part){rpw_span_of(words), false};
}

static inline struct rpw_part rpw_plain(struct rpw_span text)
{
    return (struct rpw_part){text, false};
}

static inline struct rpw_part rpw_quoted(struct rpw_span text)
{
    return (struct rpw_part){text, true};
}

/* The last two arguments of a function that takes parts:
 *     rpw_strbuf_put_parts(&text, RPW_PARTS(rpw_words("volume "), rpw_quoted(name))); */
#define RPW_PARTS(...)                                                                                                 \
    (const struct rpw_part[]){__VA_ARGS__}, sizeof((const struct rpw_part[]){__VA_ARGS__}) / sizeof(struct rpw_part)

void rpw_strbuf_init(struct rpw_strbuf *buf, struct rpw_arena *arena);

/* Makes room for len more bytes where there is not enough; false when the arena refused, now or before. */
bool rpw_strbuf_grow(struct rpw_strbuf *buf, size_t len);

/* Room for len more bytes, which the caller fills; NULL when the arena refused, now or before. */
static inline char *rpw_strbuf_reserve(struct rpw_strbuf *buf, size_t len)
{
    if (len > buf->capacity - buf->len && !rpw_strbuf_grow(buf, len))
        return NULL;
    buf->len += len;
    return buf->bytes + buf->len - len;
}

/* Text as it is: punctuation, numbers, JSON that is known to be good, or the words of a message. */
static inline void rpw_strbuf_put_span(struct rpw_strbuf *buf, struct rpw_span text)
{
    char *room = text.len > 0 ? rpw_strbuf_reserve(buf, text.len) : NULL;

    if (room != NULL)
        memcpy(room, text.ptr, text.len);
}

static inline void rpw_strbuf_put(struct rpw_strbuf *buf, const char *text)
{
    rpw_strbuf_put_span(buf, rpw_span_of(text));
}

void rpw_strbuf_put_number(struct rpw_strbuf *buf, size_t number);

/* text, which is valid UTF-8, as a JSON string in quotes; every control character (U+0000 to U+001F, U+007F to U+009F) is
 * escaped. */
void rpw_strbuf_put_json(struct rpw_strbuf *buf, struct rpw_span text);

void rpw_strbuf_put_parts(struct rpw_strbuf *buf, const struct rpw_part *parts, size_t count);

/* bytes in base64 (RFC 4648 section 4, padded), without quotes. */
void rpw_strbuf_put_base64(struct rpw_strbuf *buf, struct rpw_span bytes);

/* The text, never absent; nothing may be put behind it any more. False when the arena refused: ret_text is then
 * untouched. */
RPW_MUST_CHECK bool rpw_strbuf_finish(struct rpw_strbuf *buf, struct rpw_span *ret_text);

/* The parts as one text, in one call. False when the arena refused: ret_text is then untouched. */
RPW_MUST_CHECK bool rpw_strbuf_join(struct rpw_arena *arena, struct rpw_span *ret_text, const struct rpw_part *parts,
                                    size_t count);

#endif
