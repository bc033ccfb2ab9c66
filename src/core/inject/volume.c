/* volume.c - see the header. */
#include "volume.h"

#include "rpw/inject/selector.h"

bool volume_is_mounted(const struct container_plan_list *plans)
{
    for (size_t i = 0; i < plans->count; i++)
        if (plans->items[i].mounts.has_ours)
            return true;
    return false;
}

static const struct container_plan *find_plan(const struct container_plan_list *plans,
                                              const struct rpw_container *container, size_t *at)
{
    if (*at < plans->count && plans->items[*at].target->container == container)
        return &plans->items[(*at)++];
    return NULL;
}

static bool mounts(const struct rpw_container *container, struct rpw_span volume)
{
    for (size_t i = 0; i < container->volume_mounts.count; i++)
        if (rpw_span_equal(container->volume_mounts.items[i].name, volume))
            return true;
    return false;
}

/* Whether a mount of the volume on record is left: of another webhook's container, say. Our own init containers are written
 * anew when the volume changes. */
static bool is_in_use(const struct injector *injector, const struct container_plan_list *plans, struct rpw_span volume)
{
    size_t at = 0; /* plans are in the order of the containers */

    for (int kind = 0; kind < RPW_CONTAINER_KINDS; kind++) {
        const struct rpw_container_list *list = &injector->pod->containers[kind];
        for (size_t i = 0; i < list->count; i++) {
            const struct container_plan *plan = find_plan(plans, &list->items[i], &at);
            bool is_left = plan != NULL ? mount_plan_keeps(&plan->mounts, volume)
                                        : mounts(&list->items[i], volume) && !rpw_selector_is_own(list->items[i].name);
            if (is_left)
                return true;
        }
    }
    return false;
}

/* The policy's volume source with a name in front: {"name":"rucio-policy-5232a7d841fd","persistentVolumeClaim":{...}} */
static struct rpw_span volume_text(struct injector *injector)
{
    struct rpw_span source = injector->policy->volume;

    return injector_text(injector,
                         RPW_PARTS(rpw_words("{\"name\":"), rpw_quoted(injector->policy->volume_name), rpw_words(","),
                                   rpw_plain((struct rpw_span){source.ptr + 1, source.len - 1})));
}

struct rpw_span volume_emit(struct injector *injector, const struct record *record,
                            const struct container_plan_list *plans)
{
    const struct rpw_volume_list *volumes = &injector->pod->volumes;
    bool is_wanted = volume_is_mounted(plans), is_found = false;
    bool is_current = is_wanted && rpw_span_equal(record->volume, injector->policy->volume_name);
    bool is_stale = record->volume.len > 0 && !is_current && !is_in_use(injector, plans, record->volume);

    for (size_t i = 0; i < volumes->count; i++) {
        is_found = is_found || (is_wanted && rpw_span_equal(volumes->items[i].name, injector->policy->volume_name));
        if (is_stale && rpw_span_equal(volumes->items[i].name, record->volume))
            injector_edit(injector,
                          (struct rpw_edit){.place = RPW_EDIT_VOLUMES, .action = RPW_EDIT_REMOVE, .index = i});
    }
    if (is_wanted && !is_found)
        injector_edit(injector, (struct rpw_edit){.place = RPW_EDIT_VOLUMES,
                                                  .action = RPW_EDIT_INSERT,
                                                  .index = volumes->count,
                                                  .value = volume_text(injector)});
    return is_wanted ? injector->policy->volume_name : (struct rpw_span){NULL, 0};
}
