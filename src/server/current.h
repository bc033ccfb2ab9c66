/* current.h - a value that many threads use and one replaces: immutable, counted snapshots behind one pointer.
 *
 * Who wants the value takes a reference and keeps it for as long as it works with it; who replaces the value gives a
 * new one, and the old one goes with its last reference. So a request, or a connection, ends on the snapshot it began
 * with.
 *
 * A mutex guards the pointer together with the count of what it points to: it is held for two instructions, once for
 * each request. An atomic pointer alone would not do, since between loading it and counting the reference the value can
 * be gone.
 * Threads: any, for all functions but init and done.
 */
#ifndef RPW_CURRENT_H
#define RPW_CURRENT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* The first member of everything that can be shared so. */
struct rpw_shared {
    _Atomic unsigned references;
    void (*destroy)(struct rpw_shared *shared);
};

/* Begins with one reference. destroy is called, by any thread, when the last one is given back. */
void rpw_shared_init(struct rpw_shared *shared, void (*destroy)(struct rpw_shared *shared));
struct rpw_shared *rpw_shared_ref(struct rpw_shared *shared);
void rpw_shared_unref(struct rpw_shared *shared); /* NULL is fine */

struct rpw_current {
    pthread_mutex_t lock;
    struct rpw_shared *value; /* with one reference; NULL: none yet */
};

void rpw_current_init(struct rpw_current *current);
void rpw_current_done(struct rpw_current *current); /* gives the value back */

/* The value of now with a reference for the caller, or NULL when there is none yet. */
struct rpw_shared *rpw_current_ref(struct rpw_current *current);

bool rpw_current_is_set(struct rpw_current *current);

/* Replaces the value and takes over the caller's reference to it. */
void rpw_current_set(struct rpw_current *current, struct rpw_shared *take_value);

#endif
