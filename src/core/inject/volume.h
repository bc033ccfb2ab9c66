/* volume.h - the volumes that we add to a pod: the one that holds the package, and with `pythonPath: pth` the one with the file
 * that names its path. Their names say whose they are, and the first's also which revision, so nothing is compared with what
 * the apiserver's defaulting has made of them. */
#ifndef RPW_VOLUME_H
#define RPW_VOLUME_H

#include "container_plan.h"

/* Adds the volumes that a plan mounts, unless the pod has them, and removes those on record when nobody mounts them any more;
 * the edits of init containers have been made.
 * Returns the name of the package's for the record: absent when the pod has none of ours. */
struct rpw_span volume_emit(struct injector *injector, const struct record *record,
                            const struct container_plan_list *plans);

#endif
