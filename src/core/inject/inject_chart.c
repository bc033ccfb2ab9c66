/* inject_chart.c - the charts' own `policyPackages`: an init container of theirs installs packages into a volume of theirs,
 * which each Rucio container mounts and has on its PYTHONPATH.
 *
 * Under `keep` such a container is adopted: the charts' directory is the path of its package, and what it lacks is added,
 * which is POLICY_PKG_PATH and the names. Under `override` the policy's own source comes before it; `reject` refuses it.
 */
#include "injector.h"

#define CHART_VOLUME RPW_LIT("policy-package-volume")
#define CHART_INIT_CONTAINER RPW_LIT("install-policy-packages")

static bool has_chart_volume(const struct rpw_pod *pod)
{
    for (size_t i = 0; i < pod->volumes.count; i++)
        if (rpw_span_equal(pod->volumes.items[i].name, CHART_VOLUME))
            return true;
    return false;
}

static size_t find_chart_init_container(const struct rpw_pod *pod)
{
    const struct rpw_container_list *list = &pod->containers[RPW_INIT_CONTAINERS];

    for (size_t i = 0; i < list->count; i++)
        if (rpw_span_equal(list->items[i].name, CHART_INIT_CONTAINER))
            return has_chart_volume(pod) ? i : NO_INDEX;
    return NO_INDEX;
}

/* Where the container has the charts' packages; absent when it has not, or at a place that PYTHONPATH cannot name. */
static struct rpw_span chart_path(const struct injector *injector, const struct rpw_container *container)
{
    const struct rpw_volume_mount_list *mounts = &container->volume_mounts;

    for (size_t i = 0; injector->chart_init != NO_INDEX && i < mounts->count; i++) {
        struct rpw_span path = rpw_span_without_trailing_slashes(mounts->items[i].mount_path);
        if (rpw_span_equal(mounts->items[i].name, CHART_VOLUME) && injector_is_usable_path(path))
            return path;
    }
    return (struct rpw_span){NULL, 0};
}

void inject_find_chart(struct injector *injector)
{
    bool is_adopted = injector->policy->on_conflict == RPW_CONFLICT_KEEP;

    injector->chart_init = find_chart_init_container(injector->pod);
    for (int kind = 0; kind < RPW_CONTAINER_KINDS; kind++) {
        const struct rpw_container_list *list = &injector->pod->containers[kind];
        for (size_t i = 0; i < list->count && is_adopted; i++)
            if (injector_is_target(injector, &list->items[i]))
                is_adopted = chart_path(injector, &list->items[i]).ptr != NULL;
    }
    /* Nothing of the policy's source reaches a pod whose containers are all adopted. */
    injector->revision = is_adopted ? RPW_LIT(RPW_CHART_REVISION) : injector->policy->revision;
}

static void refuse_chart(struct target *target, struct rpw_span path)
{
    struct rpw_strbuf theirs;

    rpw_strbuf_init(&theirs, target->injector->arena);
    rpw_strbuf_put(&theirs, "packages that the chart installs at ");
    rpw_strbuf_put_json(&theirs, path);
    injector_refuse(target->injector, (struct conflict){
                                          .kind = CONFLICT_CHART,
                                          .container = target->container->name,
                                          .field = RPW_LIT("policyPackages"),
                                          .theirs = injector_text(target->injector, &theirs),
                                          .ours = RPW_LIT("a source of its own"),
                                      });
}

/* Once: a pod that is as the policy wants it needs no warning. At the policy's own path it is the mount that is warned of. */
static void warn_of_chart(struct target *target, struct rpw_span path)
{
    struct rpw_strbuf writer;

    if (injector_is_record_current(target->injector) || rpw_span_equal(path, target->injector->policy->path))
        return;
    injector_begin_warning(target->injector, target->container->name, &writer);
    rpw_strbuf_put(&writer, "the chart's own policyPackages stay beside the policy's package");
    injector_end_warning(target->injector, &writer);
}

void inject_chart(struct target *target)
{
    struct rpw_span path = chart_path(target->injector, target->container);

    if (path.ptr == NULL)
        return;
    switch (target->injector->policy->on_conflict) {
    case RPW_CONFLICT_KEEP:
        target->is_adopted = true;
        target->injector->has_adopted = true;
        target->path = path;
        return;
    case RPW_CONFLICT_OVERRIDE:
        warn_of_chart(target, path);
        return;
    case RPW_CONFLICT_REJECT:
        refuse_chart(target, path);
    }
}
