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
