/* inject.h - what a policy wants changed in a pod, as plain data.
 *
 * Rules: docs/reference.md, "What happens to a pod". In short, for each container and init container that the policy names:
 * the volume mounted read-only at its path, POLICY_PKG_PATH, the variables that name the package, PYTHONPATH; what the pod
 * has of its own is kept, overridden or refused as the policy says. Where the policy asks for it, an init container that
 * fills the volume and one that verifies the result. Nothing is wanted of a pod that has it all: injecting into an injected
 * pod gives no edits.
 *
 * What an injection wrote is on record in the pod (src/core/inject/record.h). What is on record is brought up to date, and
 * goes when it is not wanted any more; all else belongs to the pod.
 */
#ifndef RPW_INJECT_H
#define RPW_INJECT_H

#include "rpw/patch/jsonpatch.h"
#include "rpw/review/policy.h"
#include "rpw/review/review.h"

struct rpw_injection {
    bool is_refused;            /* the pod must not start as it is; there are no edits then */
    struct rpw_span message;    /* why, with every conflict, and what to do about it */
    struct rpw_span revision;   /* that is on record when the edits are made */
    struct rpw_edit_list edits; /* in the order that rpw_jsonpatch_write() asks for */
    struct rpw_warning_list warnings;
};

/* Returns RPW_OK, or RPW_E_NOMEM with ret_injection untouched. Everything lives in the arena. */
RPW_MUST_CHECK enum rpw_status rpw_inject(struct rpw_arena *arena, const struct rpw_policy *policy,
                                          const struct rpw_pod *pod, struct rpw_injection *ret_injection);

#endif
