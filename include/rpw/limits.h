/* limits.h - every maximum of the core, in one place. */
#ifndef RPW_LIMITS_H
#define RPW_LIMITS_H

/* Nesting of a review. A pod reaches 12; Go's decoder would go on to 10,000. */
#define RPW_MAX_JSON_DEPTH 128

/* Kubernetes recommends that a warning stays below this; longer ones are shortened, the annotation holds all of it. */
#define RPW_MAX_WARNING_BYTES 119

/* Hex digits of `policy.rucio.cern.ch/revision`. */
#define RPW_REVISION_DIGITS 12

/* The longest `policy.rucio.cern.ch/conflicts` that is believed. It is searched for every variable of every container, so
 * without a limit the work would not stay linear in the pod. Ours have some 40 bytes for each conflict. */
#define RPW_MAX_RECORD_BYTES 4096

#endif
