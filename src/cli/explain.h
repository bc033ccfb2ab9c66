/* explain.h - what was decided about a pod, in words: which policy and why, and what it does to each container.
 *
 * Nothing is decided here. Why a policy applies is asked of the core, one condition at a time; what is done is read off the
 * pod before and after the patch.
 */
#ifndef RPW_CLI_EXPLAIN_H
#define RPW_CLI_EXPLAIN_H

#include <stdio.h>

#include "document.h"

void rpw_explain(FILE *out, const struct rpw_document *document, const struct rpw_document_pod *pod,
                 const struct rpw_policy_set *policies);

/* Its second half: volumes, init containers, containers, annotations. before and after: the pod, fit for a terminal. */
void rpw_explain_changes(FILE *out, const struct rpw_policy *policy, json_t *before, json_t *after);

#endif
