/* test_arena.c - the arena: alignment, growth, refusals and what they leave behind, poisoning. */
#include "unit.h"

#include <stdalign.h>

#include "rpw/bytes/arena.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif
#ifdef HAS_ASAN
#include <sanitizer/asan_interface.h>
#endif

#define ALIGNMENT alignof(max_align_t)
#define CAPACITY (64 * ALIGNMENT)

struct fixture {
    struct rpw_arena arena;
    alignas(max_align_t) char region[CAPACITY];
};

static struct fixture fixture;

static struct rpw_arena *fresh_arena(size_t capacity)
{
    rpw_arena_done(&fixture.arena);
    rpw_arena_init(&fixture.arena, fixture.region, capacity);
    return &fixture.arena;
}

static void arena_aligns_every_block_for_any_type(void **state)
{
    (void)state;
    struct rpw_arena *arena = fresh_arena(CAPACITY);

    for (size_t size = 0; size < ALIGNMENT; size++) {
        void *block = rpw_arena_alloc(arena, size);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % ALIGNMENT, 0);
    }
}

static void arena_blocks_do_not_overlap(void **state)
{
    (void)state;
    struct rpw_arena *arena = fresh_arena(CAPACITY);
    char *first = rpw_arena_alloc(arena, 5);
    char *second = rpw_arena_alloc(arena, 7);

    assert_non_null(first);
    assert_non_null(second);
    memset(first, 'a', 5);
    memset(second, 'b', 7);
    assert_memory_equal(first, "aaaaa", 5);
    assert_memory_equal(second, "bbbbbbb", 7);
}

static void arena_gives_a_valid_pointer_when_size_is_zero(void **state)
{
    (void)state;
    struct rpw_arena *arena = fresh_arena(0);

    assert_non_null(rpw_arena_alloc(arena, 0));
    assert_int_equal(arena->wanted, 0);
}

static void arena_gives_its_last_byte_when_size_equals_capacity(void **state)
{
    (void)state;
    struct rpw_arena *arena = fresh_arena(CAPACITY);
    char *block = rpw_arena_alloc(arena, CAPACITY);

    assert_non_null(block);
    block[CAPACITY - 1] = 'x';
    assert_null(rpw_arena_alloc(arena, 1));
}

static void arena_refuses_and_says_what_would_be_enough_when_full(void **state)
{
    (void)state;
    struct rpw_arena *arena = fresh_arena(2 * ALIGNMENT);

    assert_non_null(rpw_arena_alloc(arena, ALIGNMENT));
    assert_null(rpw_arena_alloc(arena, 2 * ALIGNMENT));
    assert_int_equal(arena->wanted, 3 * ALIGNMENT);

    arena = fresh_arena(3 * ALIGNMENT);
    assert_non_null(rpw_arena_alloc(arena, ALIGNMENT));
    assert_non_null(rpw_arena_alloc(arena, 2 * ALIGNMENT));
    assert_int_equal(arena->wanted, 0);
}

static void arena_still_serves_what_fits_after_a_refusal(void **state)
{
    (void)state;
    struct rpw_arena *arena = fresh_arena(2 * ALIGNMENT);

    assert_null(rpw_arena_alloc(arena, 3 * ALIGNMENT));
    assert_non_null(rpw_arena_alloc(arena, 2 * ALIGNMENT));
}

struct size_row {
    const char *name;
    size_t size;
};

static const struct size_row overflow_rows[] = {
    {"arena_refuses_size_max", SIZE_MAX},
    {"arena_refuses_size_max_less_one", SIZE_MAX - 1},
    {"arena_refuses_a_size_that_wraps_when_rounded_up", SIZE_MAX - ALIGNMENT + 1},
    {"arena_refuses_a_size_that_wraps_when_added_to_used", SIZE_MAX - 2 * ALIGNMENT},
    {"arena_refuses_half_of_all_memory", SIZE_MAX / 2},
};

static void overflow_row(void **state)
{
    const struct size_row *row = *state;
    struct rpw_arena *arena = fresh_arena(CAPACITY);
    char *old = rpw_arena_alloc(arena, 3);

    assert_non_null(old);
    memcpy(old, "abc", 3);
    size_t used = arena->used;
    assert_null(rpw_arena_alloc(arena, row->size));
    assert_null(rpw_arena_grow(arena, old, 3, row->size));
    assert_null(rpw_arena_grow(arena, NULL, 0, row->size));
    assert_int_equal(arena->used, used);
    assert_true(arena->wanted > CAPACITY);
    assert_memory_equal(old, "abc", 3);
}

static void arena_grows_in_place_when_the_block_is_the_last(void **state)
{
    (void)state;
    struct rpw_arena *arena = fresh_arena(CAPACITY);
    char *old = rpw_arena_alloc(arena, 3);

    assert_non_null(old);
    memcpy(old, "abc", 3);
    char *grown = rpw_arena_grow(arena, old, 3, 5 * ALIGNMENT);
    assert_ptr_equal(grown, old);
    assert_memory_equal(grown, "abc", 3);
    assert_int_equal(arena->used, 5 * ALIGNMENT);
}

static void arena_copies_when_the_block_is_not_the_last(void **state)
{
    (void)state;
    struct rpw_arena *arena = fresh_arena(CAPACITY);
    char *old = rpw_arena_alloc(arena, 3);
    char *later = rpw_arena_alloc(arena, 1);

    assert_non_null(old);
    assert_non_null(later);
    memcpy(old, "abc", 3);
    *later = 'z';
    char *grown = rpw_arena_grow(arena, old, 3, 2 * ALIGNMENT);
    assert_non_null(grown);
    assert_ptr_not_equal(grown, old);
    memset(grown + 3, 'd', 2 * ALIGNMENT - 3);
    assert_memory_equal(grown, "abcd", 4);
    assert_memory_equal(old, "abc", 3);
    assert_int_equal(*later, 'z');
}

static void arena_grow_of_nothing_allocates(void **state)
{
    (void)state;
    struct rpw_arena *arena = fresh_arena(CAPACITY);
    char *block = rpw_arena_grow(arena, NULL, 0, 4);

    assert_non_null(block);
    memset(block, 'x', 4);
    assert_int_equal(arena->used, ALIGNMENT);
}

static void arena_grow_of_an_empty_block_spares_the_block_after_it(void **state)
{
    (void)state;
    struct rpw_arena *arena = fresh_arena(CAPACITY);
    char *empty = rpw_arena_alloc(arena, 0);
    char *later = rpw_arena_alloc(arena, 3);

    assert_non_null(empty);
    assert_non_null(later);
    memcpy(later, "abc", 3);
    char *grown = rpw_arena_grow(arena, empty, 0, 3);
    assert_non_null(grown);
    memcpy(grown, "xyz", 3);
    assert_memory_equal(later, "abc", 3);
}

static void arena_leaves_the_old_block_valid_when_growth_is_refused(void **state)
{
    (void)state;
    struct rpw_arena *arena = fresh_arena(2 * ALIGNMENT);
    char *old = rpw_arena_alloc(arena, 3);

    assert_non_null(old);
    memcpy(old, "abc", 3);
    assert_null(rpw_arena_grow(arena, old, 3, 3 * ALIGNMENT));
    assert_memory_equal(old, "abc", 3);
    assert_int_equal(arena->used, ALIGNMENT);
    assert_int_equal(arena->wanted, 3 * ALIGNMENT);
}

static void arena_remembers_the_most_it_ever_held_when_reset(void **state)
{
    (void)state;
    struct rpw_arena *arena = fresh_arena(CAPACITY);

    assert_non_null(rpw_arena_alloc(arena, 4 * ALIGNMENT));
    rpw_arena_reset(arena);
    assert_int_equal(arena->used, 0);
    assert_non_null(rpw_arena_alloc(arena, ALIGNMENT));
    assert_int_equal(arena->high_water, 4 * ALIGNMENT);
}

static void arena_starts_at_its_beginning_again_when_reset(void **state)
{
    (void)state;
    struct rpw_arena *arena = fresh_arena(CAPACITY);
    void *first = rpw_arena_alloc(arena, 1);

    assert_null(rpw_arena_alloc(arena, CAPACITY));
    rpw_arena_reset(arena);
    assert_int_equal(arena->wanted, 0);
    assert_ptr_equal(rpw_arena_alloc(arena, CAPACITY), first);
}

static void arena_takes_the_end_of_the_last_block_back_when_it_shrinks(void **state)
{
    struct rpw_arena *arena = fresh_arena(CAPACITY);
    char *block = rpw_arena_alloc(arena, 100);

    (void)state;
    memcpy(block, "abc", 3);
    rpw_arena_shrink(arena, block, 100, 3);
    char *next = rpw_arena_alloc(arena, 1);
    assert_true(next > block && next < block + 100);
    assert_memory_equal(block, "abc", 3);
    rpw_arena_done(arena);
}

static void arena_leaves_a_block_alone_when_it_is_not_the_last_to_shrink(void **state)
{
    struct rpw_arena *arena = fresh_arena(CAPACITY);
    char *block = rpw_arena_alloc(arena, 100), *last = rpw_arena_alloc(arena, 10);
    size_t used = arena->used;

    (void)state;
    assert_non_null(last);
    rpw_arena_shrink(arena, block, 100, 3);
    assert_int_equal(arena->used, used);
    block[99] = 'x';
    rpw_arena_done(arena);
}

#ifdef HAS_ASAN
static void arena_poisons_what_is_not_in_use(void **state)
{
    (void)state;
    struct rpw_arena *arena = fresh_arena(CAPACITY);
    char *block = rpw_arena_alloc(arena, 3);

    assert_non_null(block);
    assert_false(__asan_address_is_poisoned(block + 2));
    assert_true(__asan_address_is_poisoned(block + 3));
    assert_true(__asan_address_is_poisoned(block + ALIGNMENT));
    assert_true(__asan_address_is_poisoned(fixture.region + CAPACITY - 1));
}

static void arena_poisons_all_of_it_when_reset(void **state)
{
    (void)state;
    struct rpw_arena *arena = fresh_arena(CAPACITY);
    char *block = rpw_arena_alloc(arena, CAPACITY);

    assert_non_null(block);
    rpw_arena_reset(arena);
    assert_non_null(__asan_region_is_poisoned(fixture.region, CAPACITY));
    assert_true(__asan_address_is_poisoned(fixture.region + CAPACITY - 1));
}

static void arena_gives_the_region_back_unpoisoned_when_done(void **state)
{
    (void)state;
    struct rpw_arena *arena = fresh_arena(CAPACITY);

    rpw_arena_done(arena);
    assert_null(__asan_region_is_poisoned(fixture.region, CAPACITY));
}
#endif

int main(void)
{
    UNIT_ADD(arena_aligns_every_block_for_any_type);
    UNIT_ADD(arena_blocks_do_not_overlap);
    UNIT_ADD(arena_gives_a_valid_pointer_when_size_is_zero);
    UNIT_ADD(arena_gives_its_last_byte_when_size_equals_capacity);
    UNIT_ADD(arena_refuses_and_says_what_would_be_enough_when_full);
    UNIT_ADD(arena_still_serves_what_fits_after_a_refusal);
    UNIT_ADD_ROWS(overflow_row, overflow_rows);
    UNIT_ADD(arena_grows_in_place_when_the_block_is_the_last);
    UNIT_ADD(arena_copies_when_the_block_is_not_the_last);
    UNIT_ADD(arena_grow_of_nothing_allocates);
    UNIT_ADD(arena_grow_of_an_empty_block_spares_the_block_after_it);
    UNIT_ADD(arena_leaves_the_old_block_valid_when_growth_is_refused);
    UNIT_ADD(arena_takes_the_end_of_the_last_block_back_when_it_shrinks);
    UNIT_ADD(arena_leaves_a_block_alone_when_it_is_not_the_last_to_shrink);
    UNIT_ADD(arena_remembers_the_most_it_ever_held_when_reset);
    UNIT_ADD(arena_starts_at_its_beginning_again_when_reset);
#ifdef HAS_ASAN
    UNIT_ADD(arena_poisons_what_is_not_in_use);
    UNIT_ADD(arena_poisons_all_of_it_when_reset);
    UNIT_ADD(arena_gives_the_region_back_unpoisoned_when_done);
#endif
    return unit_run("arena");
}
