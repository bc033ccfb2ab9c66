/* annotations.h - what is written on the pod about its injection. */
#ifndef RPW_ANNOTATIONS_H
#define RPW_ANNOTATIONS_H

#include "container_plan.h"

/* Edits the pod's annotations. older: the record as the pod has it; new: as it is to be. */
void annotations_emit(struct injector *injector, const struct record *older, const struct record *new_,
                      const struct container_plan_list *plans);

#endif
