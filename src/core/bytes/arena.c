/* arena.c - a bump allocator.
 *
 * Every block starts at a multiple of ALIGNMENT, so `used` alone says whether a block is the last one (and can grow in
 * place), and the free part can be poisoned exactly. A refusal records what would have been enough: the error message names
 * it, and the tests use it to let one more allocation succeed each time round.
 */
#include "rpw/bytes/arena.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define RPW_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RPW_ASAN 1
#endif
#endif

#ifdef RPW_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(start, size) __asan_poison_memory_region((start), (size))
#define UNPOISON(start, size) __asan_unpoison_memory_region((start), (size))
#else
#define POISON(start, size) ((void)0)
#define UNPOISON(start, size) ((void)0)
#endif

#define ALIGNMENT alignof(max_align_t)

void rpw_arena_init(struct rpw_arena *arena, void *region, size_t capacity)
{
    *arena = (struct rpw_arena){.base = region, .capacity = capacity};
    POISON(arena->base, capacity);
}

void rpw_arena_reset(struct rpw_arena *arena)
{
    POISON(arena->base, arena->used);
    arena->used = 0;
    arena->wanted = 0;
}

void rpw_arena_done(struct rpw_arena *arena)
{
    UNPOISON(arena->base, arena->capacity);
    *arena = (struct rpw_arena){0};
}

static size_t round_up(size_t size)
{
    return (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}

/* Moves the end of the used part to start + size, if that fits. */
static bool extend(struct rpw_arena *arena, size_t start, size_t size)
{
    if (size > SIZE_MAX - start - ALIGNMENT) {
        arena->wanted = SIZE_MAX;
        return false;
    }
    size_t end = start + round_up(size);
    if (end > arena->capacity) {
        arena->wanted = end;
        return false;
    }
    if (end > arena->used)
        arena->used = end;
    if (arena->used > arena->high_water)
        arena->high_water = arena->used;
    UNPOISON(arena->base + start, size);
    return true;
}

void *rpw_arena_alloc(struct rpw_arena *arena, size_t size)
{
    size_t start = arena->used;

    return extend(arena, start, size) ? arena->base + start : NULL;
}

static bool is_last(const struct rpw_arena *arena, size_t start, size_t size)
{
    return start + round_up(size) == arena->used;
}

void rpw_arena_shrink(struct rpw_arena *arena, void *block, size_t old_size, size_t new_size)
{
    size_t start = (size_t)((char *)block - arena->base);

    if (!is_last(arena, start, old_size))
        return;
    POISON(arena->base + start + new_size, arena->used - start - new_size);
    arena->used = start + round_up(new_size);
}

void *rpw_arena_grow(struct rpw_arena *arena, void *old, size_t old_size, size_t new_size)
{
    if (old != NULL) {
        size_t start = (size_t)((char *)old - arena->base);
        if (is_last(arena, start, old_size))
            return extend(arena, start, new_size) ? old : NULL;
    }
    void *copy = rpw_arena_alloc(arena, new_size);
    if (copy != NULL && old != NULL)
        memcpy(copy, old, old_size);
    return copy;
}

/* Capacities are powers of two from FIRST_CAPACITY on, so count alone says when the array is full. */
#define FIRST_CAPACITY 4

void *rpw_arena_append(struct rpw_arena *arena, void *items, size_t count, size_t item_size)
{
    bool is_power_of_two = (count & (count - 1)) == 0;

    if (count == 0)
        items = rpw_arena_alloc(arena, FIRST_CAPACITY * item_size);
    else if (count >= FIRST_CAPACITY && is_power_of_two)
        items = rpw_arena_grow(arena, items, count * item_size, 2 * count * item_size);
    if (items != NULL)
        memset((char *)items + count * item_size, 0, item_size);
    return items;
}
