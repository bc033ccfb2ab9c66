/* pod_decision.h - asks the core about one pod: wraps it into an AdmissionReview like kube-apiserver's, and keeps the answer.
 *
 * Texts are fit for a terminal. Memory: the decision owns everything but policy, which the policy set owns.
 */
#ifndef RPW_CLI_POD_DECISION_H
#define RPW_CLI_POD_DECISION_H

#include <jansson.h>

#include "rpw/mutate.h"

struct rpw_pod_decision {
    unsigned http_status; /* 200; else there is no answer: 400 with err, and message in either case */
    enum rpw_outcome outcome;
    enum rpw_reason reason;
    const struct rpw_policy *policy; /* the one that decided; NULL when none did */
    enum rpw_recognition_kind rucio; /* no policy: by what a container looks like Rucio all the same */
    struct rpw_span revision;        /* the policy's, of which the pod is then */
    char *message;                   /* rejected, or no answer: why; else NULL */
    struct rpw_err err;              /* offset: in the pod */
    json_t *patch;                   /* an array, empty when nothing is to change */
    json_t *warnings;                /* an array of texts */
};

/* Decides about pod, JSON text, when it is created in namespace_. */
void rpw_pod_decide(struct rpw_arena *arena, const struct rpw_policy_set *policies, struct rpw_span pod,
                    struct rpw_span namespace_, struct rpw_pod_decision *ret_decision);

/* What was decided, in words: "patched by policy atlas", "left alone: no policy selects it", "refused". To be freed. */
RPW_MUST_CHECK char *rpw_pod_decision_words(const struct rpw_pod_decision *decision);

void rpw_pod_decision_done(struct rpw_pod_decision *decision); /* a zeroed one is fine */

#endif
