/* current.c - counts references, and swaps one pointer. */
#include "current.h"

#include <stddef.h>

void rpw_shared_init(struct rpw_shared *shared, void (*destroy)(struct rpw_shared *shared))
{
    atomic_init(&shared->references, 1);
    shared->destroy = destroy;
}

struct rpw_shared *rpw_shared_ref(struct rpw_shared *shared)
{
    atomic_fetch_add_explicit(&shared->references, 1, memory_order_relaxed);
    return shared;
}

void rpw_shared_unref(struct rpw_shared *shared)
{
    /* Release: all that was done with the value is done before it goes. Acquire: it goes after that. */
    if (shared != NULL && atomic_fetch_sub_explicit(&shared->references, 1, memory_order_acq_rel) == 1)
        shared->destroy(shared);
}

void rpw_current_init(struct rpw_current *current)
{
    pthread_mutex_init(&current->lock, NULL);
    current->value = NULL;
}

void rpw_current_done(struct rpw_current *current)
{
    rpw_shared_unref(current->value);
    current->value = NULL;
    pthread_mutex_destroy(&current->lock);
}

struct rpw_shared *rpw_current_ref(struct rpw_current *current)
{
    struct rpw_shared *value;

    pthread_mutex_lock(&current->lock);
    value = current->value == NULL ? NULL : rpw_shared_ref(current->value);
    pthread_mutex_unlock(&current->lock);
    return value;
}

bool rpw_current_is_set(struct rpw_current *current)
{
    bool is_set;

    pthread_mutex_lock(&current->lock);
    is_set = current->value != NULL;
    pthread_mutex_unlock(&current->lock);
    return is_set;
}

void rpw_current_set(struct rpw_current *current, struct rpw_shared *take_value)
{
    struct rpw_shared *old;

    pthread_mutex_lock(&current->lock);
    old = current->value;
    current->value = take_value;
    pthread_mutex_unlock(&current->lock);
    rpw_shared_unref(old);
}
