/* arena.h - the memory of one request: a region handed in from outside, given out front to back, dropped at once.
 *
 *     base            used                          capacity
 *     |##### in use ####|........ free, poisoned ........|
 *
 * The arena never frees a single block and never asks for more than it was given. Under AddressSanitizer the free part is
 * poisoned, so that reading past a block, or after a reset, is caught.
 * Threads: one user at a time. Memory: the region belongs to the caller and must outlive what was allocated in it.
 */
#ifndef RPW_ARENA_H
#define RPW_ARENA_H

#include <stddef.h>

#include "rpw/bytes/status.h"

struct rpw_arena {
    char *base;
    size_t capacity;
    size_t used;
    size_t high_water; /* the most that was ever in use; survives a reset */
    size_t wanted;     /* after a refusal: the capacity that would have satisfied it; 0 when none was refused */
};

/* Takes capacity bytes at region, which must be aligned for any type. */
void rpw_arena_init(struct rpw_arena *arena, void *region, size_t capacity);

/* Drops everything that was allocated; keeps high_water. */
void rpw_arena_reset(struct rpw_arena *arena);

/* Gives the region back to the caller, unpoisoned. The arena must not be used afterwards. */
void rpw_arena_done(struct rpw_arena *arena);

/* size bytes, uninitialised, aligned for any type; NULL when the cap is reached. size 0 gives a valid pointer. */
RPW_MUST_CHECK void *rpw_arena_alloc(struct rpw_arena *arena, size_t size);

/* A block of new_size bytes that begins with the old_size bytes at old (NULL and 0: none): in place when old is the last
 * block, else a copy. NULL when the cap is reached; old is then still valid. */
RPW_MUST_CHECK void *rpw_arena_grow(struct rpw_arena *arena, void *old, size_t old_size, size_t new_size);

/* Gives the end of a block of old_size bytes back; it keeps new_size of them. Has an effect on the last block only. */
void rpw_arena_shrink(struct rpw_arena *arena, void *block, size_t old_size, size_t new_size);

/* Room for one more item at the end of an array of count items in the arena (NULL and 0: none yet). Returns the array,
 * possibly moved, with the new item zeroed; NULL when the cap is reached. Grow an array only through this function. */
RPW_MUST_CHECK void *rpw_arena_append(struct rpw_arena *arena, void *items, size_t count, size_t item_size);

#endif
