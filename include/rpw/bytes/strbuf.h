/* strbuf.h - builds text in the arena: JSON, and the messages that go into it.
 *
 * The text grows as needed, in place when nothing else is allocated meanwhile. A refusal by the arena is sticky: what
 * follows is ignored, and finish() reports it once.
 * Threads: one writer, one thread. Memory: the text lives as long as the arena.
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

void rpw_strbuf_init(struct rpw_strbuf *writer, struct rpw_arena *arena);

/* Text as it is: punctuation, numbers, JSON that is known to be good, or the words of a message. */
void rpw_strbuf_put_span(struct rpw_strbuf *writer, struct rpw_span text);

static inline void rpw_strbuf_put(struct rpw_strbuf *writer, const char *text)
{
    rpw_strbuf_put_span(writer, rpw_span_of(text));
}

void rpw_strbuf_put_number(struct rpw_strbuf *writer, size_t number);

/* text, which is valid UTF-8, as a JSON string in quotes; every control character (U+0000 to U+001F, U+007F to U+009F) is
 * escaped. */
void rpw_strbuf_put_json(struct rpw_strbuf *writer, struct rpw_span text);

/* bytes in base64 (RFC 4648 section 4, padded), without quotes. */
void rpw_strbuf_put_base64(struct rpw_strbuf *writer, struct rpw_span bytes);

/* The text, never absent; nothing may be put behind it any more. False when the arena refused: ret_text is then
 * untouched. */
RPW_MUST_CHECK bool rpw_strbuf_finish(struct rpw_strbuf *writer, struct rpw_span *ret_text);

#endif
