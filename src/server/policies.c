/* policies.c - keeps a parsed configuration for as long as somebody uses it. */
#include "policies.h"

#include <stdlib.h>

#include "metrics.h"

static void destroy(struct rpw_shared *shared)
{
    struct rpw_policies *policies = (struct rpw_policies *)shared;

    policies->parsed.free_owner(policies->parsed.owner);
    free(policies->counters);
    free(policies);
}

struct rpw_policies *rpw_policies_new(const struct rpw_parsed_policies *take_parsed, struct rpw_metrics *metrics)
{
    const struct rpw_policy_set *set = take_parsed->set;
    struct rpw_policies *policies = calloc(1, sizeof(*policies));
    unsigned *counters = calloc(set->count, sizeof(*counters));

    if (policies == NULL || counters == NULL) {
        free(policies);
        free(counters);
        take_parsed->free_owner(take_parsed->owner);
        return NULL;
    }
    for (size_t i = 0; i < set->count; i++)
        counters[i] = rpw_metrics_policy_counter(metrics, set->policies[i].name);
    *policies = (struct rpw_policies){.parsed = *take_parsed, .counters = counters};
    rpw_shared_init(&policies->shared, destroy);
    return policies;
}

void rpw_policies_unref(struct rpw_policies *policies)
{
    rpw_shared_unref(policies == NULL ? NULL : &policies->shared);
}
