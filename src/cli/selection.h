/* selection.h - would one webhook of a MutatingWebhookConfiguration be sent certain pods?
 *
 * Pure, but for the memory of jansson's strings. Follows admissionregistration.k8s.io/v1.
 */
#ifndef RPW_CLI_SELECTION_H
#define RPW_CLI_SELECTION_H

#include <jansson.h>
#include <stdbool.h>

#include "rpw/review/policy.h"

#define RPW_SELECTION_REASON_BYTES 1024

/* Pods that a policy selects. */
struct rpw_selection_unit {
    struct rpw_span policy;
    struct rpw_span namespace_; /* a glob; absent: any namespace */
    struct rpw_span container;  /* a glob */
    const struct rpw_label_requirement *requirements;
    size_t requirement_count;
};

struct rpw_selection_result {
    char reason[RPW_SELECTION_REASON_BYTES]; /* why not */
    json_t *remarks; /* an object whose keys are what a "yes" rests on; NULL: they are not wanted */
};

/* Whether all of unit is sent to webhook. Fills reason when not, and adds remarks. */
bool rpw_selection_sends(const json_t *webhook, const struct rpw_selection_unit *unit,
                         struct rpw_selection_result *result);

/* Whether webhook makes the apiserver refuse pods that have nothing to do with it, as a condition does that fails for pods
 * without init containers. Fills ret_problem. */
bool rpw_selection_fails_others(const json_t *webhook, char ret_problem[RPW_SELECTION_REASON_BYTES]);

#endif
