/* body.c - growing buffers that pay for their capacity out of a common budget before they grow. */
#include "body.h"

#include <stdlib.h>
#include <string.h>

void rpw_budget_init(struct rpw_budget *budget, size_t limit)
{
    budget->limit = limit;
    budget->large_limit = limit - limit / 4;
    atomic_init(&budget->used, 0);
    atomic_init(&budget->large_used, 0);
}

static bool charge(_Atomic size_t *account, size_t limit, size_t bytes)
{
    size_t used = atomic_load_explicit(account, memory_order_relaxed);

    do {
        if (bytes > limit - used)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(account, &used, used + bytes, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}

static void give_back(_Atomic size_t *account, size_t bytes)
{
    atomic_fetch_sub_explicit(account, bytes, memory_order_relaxed);
}

/* What a buffer of this capacity counts among the large ones. */
static size_t large_part(size_t capacity)
{
    return capacity > RPW_BODY_KEPT_BYTES ? capacity : 0;
}

static bool charge_growth(struct rpw_budget *budget, size_t from, size_t to)
{
    const size_t large_bytes = large_part(to) - large_part(from);

    if (!charge(&budget->large_used, budget->large_limit, large_bytes))
        return false;
    if (charge(&budget->used, budget->limit, to - from))
        return true;
    give_back(&budget->large_used, large_bytes);
    return false;
}

static void give_growth_back(struct rpw_budget *budget, size_t from, size_t to)
{
    give_back(&budget->large_used, large_part(to) - large_part(from));
    give_back(&budget->used, to - from);
}

static bool grow(struct rpw_body *buffer, struct rpw_budget *budget, size_t needed, size_t max)
{
    size_t capacity = buffer->capacity > 0 ? buffer->capacity : RPW_BODY_FIRST_BYTES;
    char *bytes;

    while (capacity < needed)
        capacity *= 2;
    if (capacity > max)
        capacity = max;
    if (!charge_growth(budget, buffer->capacity, capacity))
        return false;
    bytes = realloc(buffer->bytes, capacity);
    if (bytes == NULL) {
        give_growth_back(budget, buffer->capacity, capacity);
        return false;
    }
    buffer->bytes = bytes;
    buffer->capacity = capacity;
    return true;
}

bool rpw_body_append(struct rpw_body *buffer, struct rpw_budget *budget, size_t max, const char *bytes, size_t len)
{
    if (len > buffer->capacity - buffer->len && !grow(buffer, budget, buffer->len + len, max))
        return false;
    memcpy(buffer->bytes + buffer->len, bytes, len);
    buffer->len += len;
    return true;
}

void rpw_body_reset(struct rpw_body *buffer, struct rpw_budget *budget)
{
    const size_t used = atomic_load_explicit(&budget->used, memory_order_relaxed);

    buffer->len = 0;
    if (buffer->capacity > RPW_BODY_KEPT_BYTES || used > budget->limit / 2)
        rpw_body_done(buffer, budget);
}

void rpw_body_done(struct rpw_body *buffer, struct rpw_budget *budget)
{
    give_growth_back(budget, 0, buffer->capacity);
    free(buffer->bytes);
    *buffer = (struct rpw_body){NULL, 0, 0};
}
