/* acceptable.h - would kube-apiserver accept this pod, as far as names go? What it refuses never runs,
 * and so is never seen a second time by a webhook with another configuration. */
#ifndef RPW_TESTS_FUZZ_ACCEPTABLE_H
#define RPW_TESTS_FUZZ_ACCEPTABLE_H

#include <stdbool.h>

#include <jansson.h>

/* Volumes and containers have names, each its own; mounts refer to volumes; a container mounts nothing twice at one path. */
bool is_acceptable_pod(json_t *pod);

/* Containers and init containers have names, each its own. */
bool has_distinct_containers(json_t *pod);

#endif
