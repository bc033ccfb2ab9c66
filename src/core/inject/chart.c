/* chart.c - see the header. */
#include "chart.h"

#include "conflict.h"
#include "rpw/bytes/path.h"

#define CHART_VOLUME RPW_LIT("policy-package-volume")

static bool has_chart_volume(const struct rpw_pod *pod)
{
    for (size_t i = 0; i < pod->volumes.count; i++)
        if (rpw_span_equal(pod->volumes.items[i].name, CHART_VOLUME))
            return true;
    return false;
}

size_t chart_find(const struct rpw_pod *pod)
{
    return has_chart_volume(pod)
               ? rpw_container_find(&pod->containers[RPW_INIT_CONTAINERS], RPW_LIT("install-policy-packages"))
               : RPW_NO_INDEX;
}

struct rpw_span chart_path(const struct rpw_container *container)
{
    for (size_t i = 0; i < container->volume_mounts.count; i++) {
        const struct rpw_volume_mount *mount = &container->volume_mounts.items[i];
        if (rpw_span_equal(mount->name, CHART_VOLUME) && rpw_path_expectation(mount->mount_path) == NULL)
            return rpw_span_without_trailing_slashes(mount->mount_path);
    }
    return (struct rpw_span){NULL, 0};
}

void chart_resolve(struct injector *injector, const struct rpw_container *container, bool is_current)
{
    struct rpw_span path = chart_path(container);

    if (injector->policy->on_conflict == RPW_CONFLICT_REJECT)
        conflict_refuse(
            injector, (struct conflict){
                          .kind = CONFLICT_CHART,
                          .container = container->name,
                          .field = RPW_LIT("policyPackages"),
                          .theirs = injector_text(
                              injector, RPW_PARTS(rpw_words("packages that the chart installs at "), rpw_quoted(path))),
                          .ours = RPW_LIT("a source of its own"),
                      });
    /* Once: a pod that is as the policy wants it needs no warning. At the policy's own path it is the mount that is warned of. */
    else if (injector->policy->on_conflict == RPW_CONFLICT_OVERRIDE && !is_current &&
             !rpw_path_equal(path, injector->policy->path))
        injector_warn(injector, container->name,
                      RPW_PARTS(rpw_words("the chart's own policyPackages stay beside the policy's package")));
}

/* Names of Python packages are compared in lower case, with '-', '_' and '.' alike. */
static char normalised(char c)
{
    if (c == '_' || c == '.')
        return '-';
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool mentions(struct rpw_span text, struct rpw_span package)
{
    for (size_t at = 0; at + package.len <= text.len; at++) {
        size_t i = 0;
        while (i < package.len && normalised(text.ptr[at + i]) == normalised(package.ptr[i]))
            i++;
        if (i == package.len)
            return true;
    }
    return false;
}

/* What a URL installs cannot be seen. */
static bool is_visible(struct rpw_span text)
{
    return rpw_span_contains(text, RPW_LIT("pip install")) && !rpw_span_contains(text, RPW_LIT("://"));
}

void chart_compare(struct injector *injector, size_t chart)
{
    const struct rpw_container *container = &injector->pod->containers[RPW_INIT_CONTAINERS].items[chart];
    const struct rpw_policy *policy = injector->policy;

    for (size_t i = 0; i < policy->package_count; i++) {
        struct rpw_span package = policy->packages[i].value;
        if ((is_visible(container->command) || is_visible(container->args)) && !mentions(container->command, package) &&
            !mentions(container->args, package))
            injector_warn(injector, container->name,
                          RPW_PARTS(rpw_words("it does not install "), rpw_plain(package),
                                    rpw_words(", which the policy names")));
    }
}
