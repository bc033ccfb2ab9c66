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

bool rpw_policy_names_package(struct rpw_span name, struct rpw_span *ret_vo)
{
    static const struct {
        struct rpw_span prefix;
        char separator;
    } forms[] = {
        {{"RUCIO_POLICY_PACKAGE", sizeof("RUCIO_POLICY_PACKAGE") - 1}, '_'},
        {{"RUCIO_CFG_POLICY_PACKAGE", sizeof("RUCIO_CFG_POLICY_PACKAGE") - 1}, '-'},
    };

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct rpw_span prefix = forms[i].prefix;
        if (!rpw_span_starts_with(name, prefix))
            continue;
        *ret_vo = (struct rpw_span){name.ptr + prefix.len, name.len - prefix.len};
        if (ret_vo->len == 0)
            return true;
        *ret_vo = (struct rpw_span){ret_vo->ptr + 1, ret_vo->len - 1};
        return name.ptr[prefix.len] == forms[i].separator;
    }
    return false;
}
