/* intended.h - what may differ between a pod and the patched pod: what is on record, and what the policy overrides. */
#ifndef RPW_TESTS_FUZZ_INTENDED_H
#define RPW_TESTS_FUZZ_INTENDED_H

#include <jansson.h>

#include "rpw/review/policy.h"

/* Takes out of both pods, in place, what the record of each lists, what an injection writes on the pod itself, what policy may
 * override, and what says nothing: empty variables, lists and maps. All else must be equal in both.
 * Containers have distinct names, and the records are those of the program, or none. */
void intended_strip(json_t *before, json_t *after, const struct rpw_policy *policy);

#endif
