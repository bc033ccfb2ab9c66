/* init_containers.h - which init containers of ours a pod gets, where among its own they stand, and what they hold.
 *
 *     position: first                     last                          verify
 *       v                                   v                             v
 *     [installer] theirs ... | before the first that mounts the package | ... theirs [verify]
 *
 * One that is there already is never moved. With a record of the wanted revision it is not touched either: what it has in
 * excess of what we wrote is other webhooks' and plugins' work. Otherwise it is written anew in its place.
 */
#ifndef RPW_INIT_CONTAINERS_H
#define RPW_INIT_CONTAINERS_H

#include "container_plan.h"

/* Edits the pod's init containers. chart: the index of the charts' init container, or RPW_NO_INDEX. is_current: the record is
 * of the revision that is wanted. Returns the names of those that are ours, for the record. */
struct init_container_list init_containers_emit(struct injector *injector, const struct record *record,
                                                const struct container_plan_list *plans, size_t chart, bool is_current);

/* The text of one of our init containers. model: the container whose image, resources and user it has, as far as the policy
 * does not say otherwise (init_container.c). */
struct rpw_span init_container_text(struct injector *injector, enum rpw_own_container own,
                                    const struct container_plan *model);

#endif
