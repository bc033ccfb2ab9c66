/* limits.h - every maximum of the core, in one place. */
#ifndef RPW_LIMITS_H
#define RPW_LIMITS_H

#include <stddef.h>

/* Nesting of a review. A pod reaches 12; Go's decoder would go on to 10,000. */
#define RPW_MAX_JSON_DEPTH 128

/* Kubernetes recommends that a warning stays below this; longer ones are shortened, the annotation holds all of it. */
#define RPW_MAX_WARNING_BYTES 119

/* Bytes of a review. kube-apiserver's objects are at most 3 MiB, and a review can hold two. */
#define RPW_MAX_BODY_BYTES ((size_t)7 * 1024 * 1024)

/* Memory for one review, at most; more than any pod that an apiserver accepts. */
#define RPW_ARENA_BYTES ((size_t)64 * 1024 * 1024)

/* Hex digits of `policy.rucio.cern.ch/revision`. */
#define RPW_REVISION_DIGITS 12

/* Of the annotation `policy.rucio.cern.ch/injected`: its bytes, its containers, and the variables of each. What exceeds them
 * is not recorded, and a record that exceeds them is not believed. It is looked through for every container. */
#define RPW_MAX_RECORD_BYTES ((size_t)32 * 1024)
#define RPW_MAX_RECORD_CONTAINERS 128
#define RPW_MAX_RECORD_VARIABLES 256

/* The most variables of a container that are reported for naming a package which the policy does not give. */
#define RPW_MAX_STRAY_NAMES 16

#endif
