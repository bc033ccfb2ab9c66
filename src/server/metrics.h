/* metrics.h - what is counted about requests.
 *
 * Counting takes no lock: every counter is an atomic that is added to in relaxed order, so a reader sees each of them
 * right and all of them as of about the same time. Counters never go backwards while the process lives: a policy that
 * vanishes from the configuration keeps its counter, and finds it again when it comes back.
 * Limits: RPW_METRICS_MAX_POLICIES different names of policies in the life of the process; those that come later share
 * one counter, RPW_METRICS_OTHER.
 * Threads: any may count and read; policies are named by one thread at a time.
 */
#ifndef RPW_METRICS_H
#define RPW_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

#include "connections.h"
#include "rpw/mutate.h"

#define RPW_METRICS_MAX_POLICIES 2048 /* one configuration holds at most 1024 */
#define RPW_METRICS_OTHER 0           /* the counter of the names for which there was no room */
#define RPW_METRICS_NAME_BYTES 64     /* a DNS-1123 label */

#define RPW_METRICS_BUCKETS 18

/* The upper bounds of the buckets of durations, in nanoseconds: from a small pod to the apiserver's patience. */
extern const uint64_t rpw_metrics_bounds_ns[RPW_METRICS_BUCKETS];

struct rpw_policy_counter {
    char name[RPW_METRICS_NAME_BYTES];
    _Atomic uint64_t injections;
};

struct rpw_metrics {
    double start_time;                                   /* seconds since 1970 */
    _Atomic uint64_t answers[RPW_REASON_COUNT];          /* by the policies */
    _Atomic uint64_t refusals[RPW_REFUSAL_COUNT];        /* by the server */
    _Atomic uint64_t durations[RPW_METRICS_BUCKETS + 1]; /* of both, each in the first bucket that holds it */
    _Atomic uint64_t duration_sum_ns;
    _Atomic uint64_t in_flight;
    _Atomic unsigned policy_count; /* of the entries below that are in use; the names of these never change */
    struct rpw_policy_counter policies[RPW_METRICS_MAX_POLICIES + 1];
};

/* metrics is zeroed: with its 150 KB it is no local variable. */
void rpw_metrics_init(struct rpw_metrics *metrics);

void rpw_metrics_begin_request(struct rpw_metrics *metrics);
void rpw_metrics_end_request(struct rpw_metrics *metrics);

/* One answered request, that began duration_ns ago. */
void rpw_metrics_count_answer(struct rpw_metrics *metrics, enum rpw_reason reason, uint64_t duration_ns);
void rpw_metrics_count_refusal(struct rpw_metrics *metrics, enum rpw_refusal refusal, uint64_t duration_ns);

/* The place of the counter of the policy of that name, for the next function. */
unsigned rpw_metrics_policy_counter(struct rpw_metrics *metrics, struct rpw_span name);
void rpw_metrics_count_injection(struct rpw_metrics *metrics, unsigned counter);

/* The outcome that a reason of the policies' always has. */
enum rpw_outcome rpw_metrics_outcome_of(enum rpw_reason reason);

#endif
