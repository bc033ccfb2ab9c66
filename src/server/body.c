/* body.c - growing buffers that pay for their capacity out of a common budget before they grow. */
#include "body.h"

#include <stdlib.h>
#include <string.h>

void rpw_budget_init(struct rpw_budget *budget, size_t limit)
{
    budget->limit = limit;
    atomic_init(&budget->used, 0);
}

static bool charge(struct rpw_budget *budget, size_t bytes)
{
    size_t used = atomic_load_explicit(&budget->used, memory_order_relaxed);

    do {
        if (bytes > budget->limit - used)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&budget->used, &used, used + bytes, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}

static void give_back(struct rpw_budget *budget, size_t bytes)
{
    atomic_fetch_sub_explicit(&budget->used, bytes, memory_order_relaxed);
}

static bool grow(struct rpw_body *buffer, struct rpw_budget *budget, size_t needed, size_t max)
{
    size_t capacity = buffer->capacity > 0 ? buffer->capacity : RPW_BODY_FIRST_BYTES;
    char *bytes;

    while (capacity < needed)
        capacity *= 2;
    if (capacity > max)
        capacity = max;
    if (!charge(budget, capacity - buffer->capacity))
        return false;
    bytes = realloc(buffer->bytes, capacity);
    if (bytes == NULL) {
        give_back(budget, capacity - buffer->capacity);
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
    give_back(budget, buffer->capacity);
    free(buffer->bytes);
    *buffer = (struct rpw_body){NULL, 0, 0};
}
