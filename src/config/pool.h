/* pool.h - memory of one configuration: many small blocks, released together.
 *
 * Blocks come zeroed and aligned for any type. A failure is sticky: once a block was refused, every later one is, so that
 * whoever builds something may carry on and look at has_failed once, at the end.
 * Threads: one user at a time.
 */
#ifndef RPW_POOL_H
#define RPW_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "rpw/bytes/status.h"
#include "rpw/bytes/text.h"

struct rpw_pool_chunk;

struct rpw_pool {
    struct rpw_pool_chunk *chunks; /* the newest first */
    size_t free_bytes;             /* in the newest chunk */
    size_t limit_bytes;            /* what may still be asked of malloc */
    bool has_failed;               /* malloc refused, or the limit is reached */
};

/* A pool that takes at most limit_bytes from malloc. */
void rpw_pool_init(struct rpw_pool *pool, size_t limit_bytes);

/* Releases every block. */
void rpw_pool_done(struct rpw_pool *pool);

/* size zeroed bytes, or NULL. size 0 gives a valid pointer. */
RPW_MUST_CHECK void *rpw_pool_alloc(struct rpw_pool *pool, size_t size);

/* A copy of text, followed by NUL. Absent (ptr NULL) on failure. */
RPW_MUST_CHECK struct rpw_span rpw_pool_copy(struct rpw_pool *pool, struct rpw_span text);

/* Text that grows in a pool. Appending after a failure does nothing; the pool knows. */
struct rpw_buffer {
    struct rpw_pool *pool;
    char *ptr;
    size_t len;
    size_t capacity;
};

void rpw_buffer_append(struct rpw_buffer *buffer, struct rpw_span text);
void rpw_buffer_append_char(struct rpw_buffer *buffer, char c);

/* text as a JSON string, with its quotes. text is valid UTF-8 and may hold any control character. */
void rpw_buffer_append_json(struct rpw_buffer *buffer, struct rpw_span text);

#endif
