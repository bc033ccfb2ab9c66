/* arena_pool.c - reserves the arenas and hands them out. */
#include "arena_pool.h"

#include <stdlib.h>
#include <sys/mman.h>

bool rpw_arena_pool_init(struct rpw_arena_pool *pool, unsigned count)
{
    *pool = (struct rpw_arena_pool){.lock = PTHREAD_MUTEX_INITIALIZER};
    pool->arenas = calloc(count, sizeof(*pool->arenas));
    pool->free_arenas = calloc(count, sizeof(struct rpw_arena *));
    if (pool->arenas == NULL || pool->free_arenas == NULL) {
        free(pool->arenas);
        free(pool->free_arenas);
        *pool = (struct rpw_arena_pool){.lock = PTHREAD_MUTEX_INITIALIZER};
        return false;
    }
    for (; pool->count < count; pool->count++) {
        void *region =
            mmap(NULL, RPW_ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        if (region == MAP_FAILED) {
            rpw_arena_pool_done(pool);
            return false;
        }
        rpw_arena_init(&pool->arenas[pool->count], region, RPW_ARENA_BYTES);
        pool->free_arenas[pool->free_count++] = &pool->arenas[pool->count];
    }
    return true;
}

void rpw_arena_pool_done(struct rpw_arena_pool *pool)
{
    for (unsigned i = 0; i < pool->count; i++) {
        char *region = pool->arenas[i].base;

        rpw_arena_done(&pool->arenas[i]);
        munmap(region, RPW_ARENA_BYTES);
    }
    free(pool->arenas);
    free(pool->free_arenas);
    *pool = (struct rpw_arena_pool){.lock = PTHREAD_MUTEX_INITIALIZER};
}

struct rpw_arena *rpw_arena_pool_take(struct rpw_arena_pool *pool)
{
    struct rpw_arena *arena = NULL;

    pthread_mutex_lock(&pool->lock);
    if (pool->free_count > 0)
        arena = pool->free_arenas[--pool->free_count];
    pthread_mutex_unlock(&pool->lock);
    return arena;
}

void rpw_arena_pool_give(struct rpw_arena_pool *pool, struct rpw_arena *arena)
{
    const bool was_huge = arena->used > RPW_ARENA_KEPT_BYTES;

    rpw_arena_reset(arena);
    if (was_huge)
        madvise(arena->base + RPW_ARENA_KEPT_BYTES, RPW_ARENA_BYTES - RPW_ARENA_KEPT_BYTES, MADV_DONTNEED);
    pthread_mutex_lock(&pool->lock);
    pool->free_arenas[pool->free_count++] = arena;
    pthread_mutex_unlock(&pool->lock);
}
