/* webhook.h - POST /mutate: collects a review's body, has it answered, sends the answer and writes the request's log
 * line.
 *
 * A request that will be refused is still read to its end, up to RPW_SWALLOW_BYTES, and answered then: an answer in the
 * middle of an upload is lost in a reset more often than not. Answered at once are only a request of ambiguous framing,
 * because nobody knows where it ends, and one that announces more than that bound.
 *
 * A kept-alive connection stays with the replica that it once reached, however many there are; so after max_requests
 * the client is told to open another one.
 *
 * Threads: a struct rpw_webhook is shared by all workers and not changed after it was set up.
 */
#ifndef RPW_WEBHOOK_H
#define RPW_WEBHOOK_H

#include <microhttpd.h>
#include <stdatomic.h>

#include "arena_pool.h"
#include "body.h"
#include "log.h"
#include "metrics.h"
#include "policies.h"
#include "rpw/bytes/limits.h"
#include "rpw/mutate.h"

#define RPW_WEBHOOK_PATH "/mutate"

/* rpw_mutate(), or in its place something with the same promise. */
typedef void rpw_answer_fn(struct rpw_arena *arena, const struct rpw_policy_set *policies, struct rpw_span body,
                           struct rpw_result *ret_result);

struct rpw_webhook {
    const struct rpw_log *log;
    rpw_answer_fn *answer;
    struct rpw_current *policies; /* of struct rpw_policies */
    struct rpw_metrics *metrics;
    unsigned max_requests; /* of a connection: the answer to the last one ends it; 0: no limit */
    struct rpw_arena_pool arenas;
    struct rpw_budget budget;
    const _Atomic bool *is_draining; /* answers then end their connection */
};

/* For struct rpw_endpoint_options; context is the struct rpw_webhook. */
enum MHD_Result rpw_webhook_on_request(void *context, struct MHD_Connection *mhd_connection, const char *path,
                                       const char *method, const char *version, const char *bytes, size_t *len,
                                       void **request_context);
void rpw_webhook_on_completed(void *context, struct MHD_Connection *mhd_connection, void **request_context,
                              enum MHD_RequestTerminationCode code);

#endif
