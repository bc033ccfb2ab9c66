/* conflict.h - something of the pod's stands where the policy wants something else: what is done, and what is said. */
#ifndef RPW_CONFLICT_H
#define RPW_CONFLICT_H

#include "injector.h"

/* What can be done about a conflict depends on its kind. */
enum conflict_kind {
    CONFLICT_FIELD,
    CONFLICT_STRAY_NAME, /* a variable names a package that the policy does not give */
    CONFLICT_CHART,      /* the charts' own policyPackages */
    CONFLICT_IMAGES,     /* pip can install for one image only */
    CONFLICT_NAME,       /* a container has the name of an init container of ours */
    CONFLICT_KINDS
};

/* Texts are ready to be shown. */
struct conflict {
    enum conflict_kind kind;
    struct rpw_span container;
    struct rpw_span field; /* a variable's name, "volumeMounts", "volumeDevices" ... */
    struct rpw_span theirs;
    struct rpw_span ours;
    bool is_refused; /* the pod cannot start with it */
    bool is_left;    /* theirs stays */
};

/* Notes a conflict and warns of it. can_be_kept: theirs can stay under `keep`; otherwise `keep` refuses the pod.
 * Returns whether ours is to be written over theirs. */
bool conflict_resolve(struct injector *injector, struct conflict conflict, bool can_be_kept);

/* Notes a conflict about which there is nothing of ours to write: theirs stays, unless the policy rejects conflicts. */
void conflict_leave(struct injector *injector, struct conflict conflict);

/* Notes a conflict that refuses the pod, whatever the policy says of conflicts. */
void conflict_refuse(struct injector *injector, struct conflict conflict);

/* The value of the annotation `conflicts`: CONTAINER/FIELD of all that was left to the pod, separated by ", ". */
struct rpw_span conflict_record(struct injector *injector);

/* Why the pod is refused: all conflicts that refuse it, and what to do about them. */
struct rpw_span conflict_message(struct injector *injector);

#endif
