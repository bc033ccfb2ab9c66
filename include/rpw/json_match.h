/* json_match.h - is this object of a pod the one that we wrote, after kube-apiserver has had its hands on it?
 *
 * The apiserver adds defaults (defaultMode, `type: ""`, pullPolicy), drops empty fields and rewrites quantities (1024Mi
 * becomes 1Gi). So theirs matches ours when every key of ours is there with a matching value:
 *   - keys that only theirs has are ignored; arrays match element by element and have the same length
 *   - what is null or "" in ours was left to a default: it matches anything
 *   - what is false, 0, [] or {} in ours may be missing in theirs, but not at the top: `emptyDir: {}` is the choice itself
 *   - numbers match by value, and so do strings where Kubernetes has quantities (sizeLimit, divisor, requests, limits)
 */
#ifndef RPW_JSON_MATCH_H
#define RPW_JSON_MATCH_H

#include "rpw/arena.h"
#include "rpw/status.h"
#include "rpw/text.h"

/* ours and theirs are JSON objects that have been read before, so they are known to be well-formed.
 * Returns RPW_OK, or RPW_E_NOMEM with ret_matches untouched. */
RPW_MUST_CHECK enum rpw_status rpw_json_match(struct rpw_arena *arena, struct rpw_span ours, struct rpw_span theirs,
                                              bool *ret_matches);

#endif
