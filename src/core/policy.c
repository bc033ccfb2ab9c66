/* policy.c - the one constant that every policy may fall back to. */
#include "rpw/policy.h"

static const struct rpw_span default_containers[] = {
    {"rucio-server", sizeof("rucio-server") - 1},
    {"rucio-daemons", sizeof("rucio-daemons") - 1},
    {"rucio-ui", sizeof("rucio-ui") - 1},
};

const struct rpw_span_list rpw_policy_default_containers = {
    default_containers,
    sizeof(default_containers) / sizeof(default_containers[0]),
};
