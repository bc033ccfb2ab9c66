/* volume.h - the one volume of a pod that holds the package. Its name says whose it is and which revision, so nothing is
 * compared with what the apiserver's defaulting has made of it. */
#ifndef RPW_VOLUME_H
#define RPW_VOLUME_H

#include "container_plan.h"

/* Adds the volume that a plan mounts, unless the pod has it, and removes the one on record when nobody mounts it any more.
 * Returns the name for the record: absent when the pod has none of ours. */
struct rpw_span volume_emit(struct injector *injector, const struct record *record,
                            const struct container_plan_list *plans);

/* Whether a plan mounts it. */
bool volume_is_mounted(const struct container_plan_list *plans);

#endif
