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

/* The most entries of a `policy.rucio.cern.ch/conflicts` that is believed; a longer one is not believed at all. It is looked
 * through for every variable of every container, and no pod has as many conflicts. */
#define RPW_MAX_RECORD_ENTRIES 128

/* The most variables of an earlier injection that are recognised in a container. */
#define RPW_MAX_OLDER_NAMES 64

#endif
