/* chart.h - the charts' own `policyPackages`: an init container of theirs installs packages into a volume of theirs, which
 * each Rucio container mounts and has on its PYTHONPATH.
 *
 * Under `keep` such a container is adopted: the charts' directory is the path of its package, and what it lacks is added,
 * which is POLICY_PKG_PATH and the names. Under `override` the policy's own source comes before it; `reject` refuses it.
 */
#ifndef RPW_CHART_H
#define RPW_CHART_H

#include "injector.h"

/* The index of the charts' init container; RPW_NO_INDEX: their packages are not in this pod. */
size_t chart_find(const struct rpw_pod *pod);

/* Where container has the charts' packages, in a pod that has them; absent when it has not, or at a place that PYTHONPATH
 * cannot name. */
struct rpw_span chart_path(const struct rpw_container *container);

/* Warns when the charts' init container, at index chart, visibly installs something else than the policy's packages. */
void chart_compare(struct injector *injector, size_t chart);

/* What `override` and `reject` have to say about such a container. is_current: the pod has this policy already. */
void chart_resolve(struct injector *injector, const struct rpw_container *container, bool is_current);

#endif
