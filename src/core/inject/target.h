/* target.h - the containers that an injection touches, found once. */
#ifndef RPW_TARGET_H
#define RPW_TARGET_H

#include "record.h"

struct target {
    enum rpw_container_kind kind;
    size_t index; /* in the pod's containers of this kind */
    const struct rpw_container *container;
    bool is_wanted;                           /* the policy names it; else it is only on record, and all of ours goes */
    const struct record_container *on_record; /* NULL: it is not on record */
    struct rpw_span adopted_path; /* of the charts' packages that it uses; absent: the policy's own package */
};

struct target_list {
    size_t count;
    struct target *items; /* init containers first, each kind in the pod's order */
};

/* has_chart: the charts' own packages are in the pod. */
struct target_list target_find_all(struct injector *injector, const struct record *record, bool has_chart);

/* Whether the charts' packages are used by all targets that the policy names. */
bool target_are_all_adopted(const struct target_list *targets);

#endif
