/* policy.c - the names that are fixed. */
#include "rpw/review/policy.h"

static const struct rpw_span default_containers[] = {
    {"rucio-server", sizeof("rucio-server") - 1},
    {"rucio-daemons", sizeof("rucio-daemons") - 1},
    {"rucio-ui", sizeof("rucio-ui") - 1},
};

const struct rpw_span_list rpw_policy_default_containers = {
    default_containers,
    sizeof(default_containers) / sizeof(default_containers[0]),
};

const struct rpw_span rpw_policy_own_containers[RPW_OWN_CONTAINERS] = {
    [RPW_OWN_INSTALL] = {"rucio-policy-install", sizeof("rucio-policy-install") - 1},
    [RPW_OWN_COPY] = {"rucio-policy-copy", sizeof("rucio-policy-copy") - 1},
    [RPW_OWN_VERIFY] = {"rucio-policy-verify", sizeof("rucio-policy-verify") - 1},
};
