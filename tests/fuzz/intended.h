/* intended.h - what may differ between a pod and the patched pod: only what this program writes. */
#ifndef RPW_TESTS_FUZZ_INTENDED_H
#define RPW_TESTS_FUZZ_INTENDED_H

#include <stdbool.h>

#include <jansson.h>

/* Takes out of pod, in place, everything that this program writes, and lists and maps that are then empty.
 * is_any_container: every container is one that it may write into; otherwise only those that Rucio's charts name. */
void intended_strip(json_t *pod, bool is_any_container);

#endif
