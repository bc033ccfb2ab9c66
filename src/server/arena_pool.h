/* arena_pool.h - one arena for each worker, handed out for one rpw_mutate() call at a time.
 *
 * Workers are libmicrohttpd's threads and requests of one worker interleave, so an arena belongs to a call, not to a
 * thread or a connection. Address space is reserved at once, memory comes with use; what a huge review used is given
 * back after it.
 * Threads: any number of users; there are as many arenas as workers, so take never has to wait.
 */
#ifndef RPW_ARENA_POOL_H
#define RPW_ARENA_POOL_H

#include <pthread.h>
#include <stdbool.h>

#include "rpw/bytes/arena.h"
#include "rpw/bytes/limits.h"

#define RPW_ARENA_KEPT_BYTES ((size_t)1024 * 1024) /* what stays resident after a call */

struct rpw_arena_pool {
    pthread_mutex_t lock;
    struct rpw_arena *arenas;
    struct rpw_arena **free_arenas; /* a stack: the one used last is warm */
    unsigned count;
    unsigned free_count;
};

/* False when memory is short; nothing is left behind then. */
RPW_MUST_CHECK bool rpw_arena_pool_init(struct rpw_arena_pool *pool, unsigned count);
void rpw_arena_pool_done(struct rpw_arena_pool *pool); /* a zeroed pool is fine */

/* NULL only when more callers than arenas are at it at once. */
struct rpw_arena *rpw_arena_pool_take(struct rpw_arena_pool *pool);

/* Gives arena back; what was allocated in it is gone. */
void rpw_arena_pool_give(struct rpw_arena_pool *pool, struct rpw_arena *arena);

#endif
