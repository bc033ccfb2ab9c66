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
