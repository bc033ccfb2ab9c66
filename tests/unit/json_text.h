/* json_text.h - what the tests of the JSON reader share: a reader on a fresh arena, texts as table rows, exact copies. */
#ifndef RPW_TESTS_JSON_TEXT_H
#define RPW_TESTS_JSON_TEXT_H

#include <stdalign.h>

#include "rpw/bytes/json_reader.h"
#include "unit.h"

/* A string literal as the initialiser of a struct rpw_span in a table. */
#define TEXT(literal)                                                                                                  \
    {                                                                                                                  \
        ("" literal), sizeof(literal) - 1                                                                              \
    }

#define ARENA_BYTES 65536

static alignas(max_align_t) char arena_region[ARENA_BYTES];
static struct rpw_arena arena;

/* A copy of text that ends where its heap block ends, so that AddressSanitizer sees the first byte read too many; the
 * block is what free() gets. */
struct exact_copy {
    char *block;
    struct rpw_span text;
};

static inline struct exact_copy copy_exactly(struct rpw_span text)
{
    struct exact_copy copy = {.block = malloc(text.len + 1)};

    assert_non_null(copy.block);
    if (text.len > 0)
        memcpy(copy.block + 1, text.ptr, text.len);
    copy.text = (struct rpw_span){copy.block + 1, text.len};
    return copy;
}

/* A reader of text that decodes into arena, which has arena_bytes. */
static inline struct rpw_json_reader reader_with_arena(struct rpw_span text, size_t arena_bytes)
{
    struct rpw_json_reader reader;

    rpw_arena_done(&arena);
    rpw_arena_init(&arena, arena_region, arena_bytes);
    rpw_json_reader_init(&reader, &arena, text);
    return reader;
}

static inline struct rpw_json_reader reader_of(struct rpw_span text)
{
    return reader_with_arena(text, sizeof(arena_region));
}

#endif
