/* metrics.c - the counters of requests. */
#include "metrics.h"

#include <string.h>
#include <time.h>

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)
#define S UINT64_C(1000000000)

const uint64_t rpw_metrics_bounds_ns[RPW_METRICS_BUCKETS] = {
    10 * US, 25 * US, 50 * US, 100 * US, 250 * US, 500 * US, 1 * MS, 2500 * US, 5 * MS,
    10 * MS, 25 * MS, 50 * MS, 100 * MS, 250 * MS, 500 * MS, 1 * S,  5 * S,     30 * S,
};

static void add(_Atomic uint64_t *counter, uint64_t amount)
{
    atomic_fetch_add_explicit(counter, amount, memory_order_relaxed);
}

void rpw_metrics_init(struct rpw_metrics *metrics)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    metrics->start_time = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
    memcpy(metrics->policies[RPW_METRICS_OTHER].name, "_other", sizeof("_other")); /* no label begins like this */
    atomic_init(&metrics->policy_count, 1);
}

void rpw_metrics_begin_request(struct rpw_metrics *metrics)
{
    add(&metrics->in_flight, 1);
}

void rpw_metrics_end_request(struct rpw_metrics *metrics)
{
    atomic_fetch_sub_explicit(&metrics->in_flight, 1, memory_order_relaxed);
}

static void count_duration(struct rpw_metrics *metrics, uint64_t duration_ns)
{
    size_t bucket = 0;

    while (bucket < RPW_METRICS_BUCKETS && duration_ns > rpw_metrics_bounds_ns[bucket])
        bucket++;
    add(&metrics->durations[bucket], 1);
    add(&metrics->duration_sum_ns, duration_ns);
}

void rpw_metrics_count_answer(struct rpw_metrics *metrics, enum rpw_reason reason, uint64_t duration_ns)
{
    add(&metrics->answers[reason], 1);
    count_duration(metrics, duration_ns);
}

void rpw_metrics_count_refusal(struct rpw_metrics *metrics, enum rpw_refusal refusal, uint64_t duration_ns)
{
    add(&metrics->refusals[refusal], 1);
    count_duration(metrics, duration_ns);
}

unsigned rpw_metrics_policy_counter(struct rpw_metrics *metrics, struct rpw_span name)
{
    const unsigned count = atomic_load_explicit(&metrics->policy_count, memory_order_relaxed);

    for (unsigned i = RPW_METRICS_OTHER + 1; i < count; i++)
        if (rpw_span_is(name, metrics->policies[i].name))
            return i;
    if (count == RPW_METRICS_MAX_POLICIES + 1 || name.len >= RPW_METRICS_NAME_BYTES)
        return RPW_METRICS_OTHER;
    memcpy(metrics->policies[count].name, name.ptr, name.len);
    /* Who reads the count sees the name. */
    atomic_store_explicit(&metrics->policy_count, count + 1, memory_order_release);
    return count;
}

void rpw_metrics_count_injection(struct rpw_metrics *metrics, unsigned counter)
{
    add(&metrics->policies[counter].injections, 1);
}

enum rpw_outcome rpw_metrics_outcome_of(enum rpw_reason reason)
{
    if (reason == RPW_REASON_INJECTED)
        return RPW_OUTCOME_PATCHED;
    if (reason == RPW_REASON_UP_TO_DATE)
        return RPW_OUTCOME_UNCHANGED;
    if (reason <= RPW_REASON_NO_POLICY)
        return RPW_OUTCOME_SKIPPED;
    if (reason <= RPW_REASON_UNMATCHED)
        return RPW_OUTCOME_REJECTED;
    return RPW_OUTCOME_INVALID;
}
