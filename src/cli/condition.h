/* condition.h - matchConditions of a webhook: would this CEL expression let a pod through that has a certain container?
 *
 * Not CEL, but the forms that a webhook for Rucio's pods needs, joined with && and || and put in brackets:
 *
 *     object.spec.containers.exists(c, c.name in ['rucio-server', 'rucio-ui'])
 *     object.spec.containers.exists(c, c.name == 'rucio-server' || c.name.startsWith('rucio-'))
 *     has(object.spec.initContainers) && object.spec.initContainers.exists(c, ...)
 *     object.spec.?initContainers.orValue([]).exists(c, ...)
 *
 * None of them is less true of a pod with more containers, so it is enough to ask about the smallest pod. Pure.
 */
#ifndef RPW_CLI_CONDITION_H
#define RPW_CLI_CONDITION_H

#include <stdbool.h>

#include "rpw/bytes/text.h"

enum rpw_condition_answer {
    RPW_CONDITION_TRUE,
    RPW_CONDITION_FALSE,
    RPW_CONDITION_ERROR, /* the apiserver cannot evaluate it: with failurePolicy Fail the pod is refused */
    RPW_CONDITION_NOT_UNDERSTOOD,
};

/* The pod that is asked about: one container of the name, and nothing else. */
struct rpw_condition_pod {
    struct rpw_span
        name;     /* a glob: the answer is "true" when it is so for every name that it matches; absent: another name */
    bool is_init; /* it is an init container, beside a container of another name */
};

/* ret_rest, when it is not understood: from there on. */
enum rpw_condition_answer rpw_condition_evaluate(struct rpw_span expression, struct rpw_condition_pod pod,
                                                 struct rpw_span *ret_rest);

#endif
