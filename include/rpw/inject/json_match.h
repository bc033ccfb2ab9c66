/* json_match.h - is this volume of a pod the one that we wrote, after kube-apiserver has had its hands on it?
 *
 * The apiserver adds defaults (defaultMode, `type: ""`, pullPolicy), drops empty fields and rewrites quantities (1024Mi
 * becomes 1Gi). So theirs matches ours when every key of ours is there with a matching value, and no other:
 *   - arrays match element by element and have the same length
 *   - what only theirs has may be empty, or a default of k8s.io/kubernetes/pkg/apis/core/v1/defaults.go; at the top, `name`
 *   - with is_recorded, what only one of them has below the top is ignored: newer apiservers set more defaults, and each
 *     drops the keys that it does not know
 *   - what is null or "" in ours was left to a default, and matches one
 *   - what is false, 0, [] or {} in ours may be missing in theirs, but not at the top: `emptyDir: {}` is the choice itself
 *   - numbers match by value, and so do strings where Kubernetes has quantities (sizeLimit, divisor, requests, limits)
 */
#ifndef RPW_JSON_MATCH_H
#define RPW_JSON_MATCH_H

#include "rpw/bytes/arena.h"
#include "rpw/bytes/status.h"
#include "rpw/bytes/text.h"

/* ours is a volume source and theirs a volume, JSON objects that have been read before, so they are known to be well-formed.
 * A key of theirs that comes twice matches nothing: nobody can say which one counts.
 * Returns RPW_OK, or RPW_E_NOMEM with ret_matches untouched. */
RPW_MUST_CHECK enum rpw_status rpw_json_match(struct rpw_arena *arena, struct rpw_span ours, struct rpw_span theirs,
                                              bool is_recorded, bool *ret_matches);

#endif
