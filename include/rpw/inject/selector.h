/* selector.h - which policy, if any, is for this pod. */
#ifndef RPW_SELECTOR_H
#define RPW_SELECTOR_H

#include "rpw/bytes/status.h"
#include "rpw/review/pod.h"
#include "rpw/review/policy.h"

enum rpw_selection_kind {
    RPW_SELECTION_NONE,           /* no policy selects the pod */
    RPW_SELECTION_POLICY,         /* policy does */
    RPW_SELECTION_UNKNOWN_POLICY, /* the pod asks for a policy that does not exist */
    RPW_SELECTION_NOT_FOR_POD,    /* it asks for one whose namespaces or podSelector exclude it: policy is that one */
};

struct rpw_selection {
    enum rpw_selection_kind kind;
    const struct rpw_policy *policy;
};

/* Chooses for a pod that is created in namespace_: the request's, the pod's own says nothing that can be trusted. The first
 * policy of the set whose namespaces, podSelector and containers all match wins, unless the pod's annotation
 * policy.rucio.cern.ch/policy names one: then it is that one or none. (On a pod that carries the record of an earlier
 * injection, a name that does not fit is ignored.)
 * Returns RPW_OK, or RPW_E_SHAPE with ret_err when a label that some podSelector asks for is there twice. */
RPW_MUST_CHECK enum rpw_status rpw_selector_choose(const struct rpw_policy_set *policies, struct rpw_span namespace_,
                                                   const struct rpw_pod *pod, struct rpw_selection *ret_selection,
                                                   struct rpw_err *ret_err);

/* The first label of that key; NULL: the pod has none. */
const struct rpw_label *rpw_selector_find_label(const struct rpw_pod *pod, struct rpw_span key);

/* Whether a requirement of a podSelector holds for the label of its key. */
bool rpw_selector_requirement_holds(const struct rpw_label_requirement *requirement, const struct rpw_label *label);

#endif
