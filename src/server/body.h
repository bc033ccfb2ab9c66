/* body.h - a connection's buffer for a request's body and then for its answer, and the budget that all of them share.
 *
 * A buffer grows with what has arrived, never with what a client announces, and stays with its connection, so that in
 * the steady state a request allocates nothing. The budget counts every byte of capacity, in use or kept: it is the
 * most memory that bodies can take, however many connections there are. Large buffers, over RPW_BODY_KEPT_BYTES, may
 * together take three quarters of it: so a few clients that are slow with huge bodies never keep out the small reviews,
 * which are nearly all.
 * Threads: a budget may be shared; a buffer has one user at a time.
 */
#ifndef RPW_BODY_H
#define RPW_BODY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "rpw/bytes/status.h"

#define RPW_BODY_FIRST_BYTES ((size_t)16 * 1024) /* a review is 5 to 10 KB */
#define RPW_BODY_KEPT_BYTES ((size_t)64 * 1024)  /* a larger one is large, and given back after its request */

struct rpw_budget {
    size_t limit;
    size_t large_limit;
    _Atomic size_t used;       /* by all buffers */
    _Atomic size_t large_used; /* by the large ones */
};

struct rpw_body {
    char *bytes; /* NULL while capacity is 0 */
    size_t len;
    size_t capacity;
};

/* limit is the most bytes of all buffers together. A body of max bytes fits only if that is at most three quarters. */
void rpw_budget_init(struct rpw_budget *budget, size_t limit);

/* Appends len bytes. max bounds the buffer's length, and the caller has made sure that it is not exceeded.
 * False when the budget (or memory) is used up; the buffer is then as it was. */
RPW_MUST_CHECK bool rpw_body_append(struct rpw_body *buffer, struct rpw_budget *budget, size_t max, const char *bytes,
                                    size_t len);

/* Empties the buffer after a request. Its memory is kept when it is small and the budget is at most half used; so idle
 * connections never keep busy ones from their share. */
void rpw_body_reset(struct rpw_body *buffer, struct rpw_budget *budget);

/* Gives all memory back. */
void rpw_body_done(struct rpw_body *buffer, struct rpw_budget *budget);

#endif
