/* explain.h - what was decided about a pod, in words: which policy and why, and what it does to each container.
 *
 * Nothing is decided here. Why a policy applies is asked of the core, one condition at a time; what is done is read off the
 * pod before and after the patch.
 */
#ifndef RPW_CLI_EXPLAIN_H
#define RPW_CLI_EXPLAIN_H

#include <stdio.h>

#include "document.h"

/* False: no memory. */
RPW_MUST_CHECK bool rpw_explain(FILE *out, const struct rpw_document *document, const struct rpw_document_pod *pod,
                                const struct rpw_policy_set *policies);

/* Its second half: volumes, init containers, containers, annotations. before and after: the pod. */
void rpw_explain_changes(FILE *out, const struct rpw_policy *policy, json_t *before, json_t *after);

/* One line: a subject in a column of its own, and what is said about it. */
void rpw_explain_line(FILE *out, const char *subject, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Lists like "a, b or c". */
void rpw_explain_list(FILE *out, struct rpw_span_list list);

#endif
