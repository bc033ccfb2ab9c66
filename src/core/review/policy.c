/* policy.c - the names that are fixed. */
#include "rpw/review/policy.h"

#define NAME(literal)                                                                                                  \
    {                                                                                                                  \
        literal, sizeof(literal) - 1                                                                                   \
    }
#define LIST(items)                                                                                                    \
    {                                                                                                                  \
        items, sizeof(items) / sizeof((items)[0])                                                                      \
    }

static const struct rpw_span default_containers[] = {NAME("rucio-server"), NAME("rucio-daemons"), NAME("rucio-ui")};

static const struct rpw_span default_images[] = {NAME("rucio-server"), NAME("rucio-daemons"), NAME("rucio-ui"),
                                                 NAME("rucio-init"),   NAME("rucio-clients"), NAME("rucio-probes"),
                                                 NAME("rucio/probes")};

const struct rpw_span_list rpw_policy_default_containers = LIST(default_containers);
const struct rpw_span_list rpw_policy_default_images = LIST(default_images);

const struct rpw_span rpw_policy_own_containers[RPW_OWN_CONTAINERS] = {
    [RPW_OWN_INSTALL] = NAME("rucio-policy-install"),
    [RPW_OWN_COPY] = NAME("rucio-policy-copy"),
    [RPW_OWN_VERIFY] = NAME("rucio-policy-verify"),
};
