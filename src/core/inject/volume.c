/* volume.c - see the header. */
#include "volume.h"

static bool volume_is_mounted(const struct container_plan_list *plans, enum own_mount_kind kind)
{
    for (size_t i = 0; i < plans->count; i++)
        if (plans->items[i].mounts.own[kind].has_ours)
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

/* Whether the edits replace or remove init container index. */
static bool is_written_anew(const struct injector *injector, int kind, size_t index)
{
    const struct rpw_edit_list *edits = &injector->result.edits;

    for (size_t i = 0; kind == RPW_INIT_CONTAINERS && i < edits->count; i++)
        if (edits->items[i].place == RPW_EDIT_INIT_CONTAINERS && edits->items[i].action != RPW_EDIT_INSERT &&
            edits->items[i].index == index)
            return true;
    return false;
}

/* Whether a mount of the volume on record is left: of another webhook's container, say. */
static bool is_in_use(const struct injector *injector, const struct container_plan_list *plans, struct rpw_span volume)
{
    size_t at = 0; /* plans are in the order of the containers */

    for (int kind = 0; kind < RPW_CONTAINER_KINDS; kind++) {
        const struct rpw_container_list *list = &injector->pod->containers[kind];
        for (size_t i = 0; i < list->count; i++) {
            const struct container_plan *plan = find_plan(plans, &list->items[i], &at);
            bool is_left = plan != NULL ? mount_plan_keeps(&plan->mounts, volume)
                                        : mounts(&list->items[i], volume) && !is_written_anew(injector, kind, i);
            if (is_left)
                return true;
        }
    }
    return false;
}

/* The policy's volume source with a name in front: {"name":"rucio-policy-5232a7d841fd","persistentVolumeClaim":{...}} */
static struct rpw_span package_text(struct injector *injector)
{
    struct rpw_span source = injector->policy->volume;

    return injector_text(injector,
                         RPW_PARTS(rpw_words("{\"name\":"), rpw_quoted(injector->policy->volume_name), rpw_words(","),
                                   rpw_plain((struct rpw_span){source.ptr + 1, source.len - 1})));
}

static const char pth_text[] =
    "{\"name\":\"" RPW_PTH_VOLUME "\",\"downwardAPI\":{\"items\":[{\"path\":\"" RPW_PTH_FILE
    "\",\"fieldRef\":{\"fieldPath\":\"metadata.annotations['policy.rucio.cern.ch/path']\"}}]}}";

/* A volume that is wanted, by its name, and the one on record; absent: none. */
struct own_volume {
    struct rpw_span wanted, older;
    bool is_stale; /* the older one goes */
    bool is_found; /* the wanted one is there */
};

static struct own_volume own_volume(const struct injector *injector, const struct container_plan_list *plans,
                                    enum own_mount_kind kind, struct rpw_span name, struct rpw_span older)
{
    struct own_volume volume = {.older = older};

    if (volume_is_mounted(plans, kind))
        volume.wanted = name;
    volume.is_stale = older.len > 0 && !rpw_span_equal(older, volume.wanted) && !is_in_use(injector, plans, older);
    return volume;
}

struct rpw_span volume_emit(struct injector *injector, const struct record *record,
                            const struct container_plan_list *plans)
{
    const struct rpw_volume_list *volumes = &injector->pod->volumes;
    struct own_volume own[OWN_MOUNTS] = {
        [OWN_PACKAGE] = own_volume(injector, plans, OWN_PACKAGE, injector->policy->volume_name, record->volume),
        [OWN_PTH] = own_volume(injector, plans, OWN_PTH, RPW_LIT(RPW_PTH_VOLUME),
                               record_has_pth(record) ? RPW_LIT(RPW_PTH_VOLUME) : RPW_LIT("")),
    };

    for (size_t i = 0; i < volumes->count; i++) {
        bool is_stale = false, is_wanted = false;
        for (size_t kind = 0; kind < OWN_MOUNTS; kind++) {
            struct rpw_span name = volumes->items[i].name;
            bool is_found = own[kind].wanted.len > 0 && rpw_span_equal(name, own[kind].wanted);
            own[kind].is_found = own[kind].is_found || is_found;
            is_wanted = is_wanted || is_found;
            is_stale = is_stale || (own[kind].is_stale && rpw_span_equal(name, own[kind].older));
        }
        /* A forged record may name the other one as older. */
        if (is_stale && !is_wanted)
            injector_edit(injector,
                          (struct rpw_edit){.place = RPW_EDIT_VOLUMES, .action = RPW_EDIT_REMOVE, .index = i});
    }
    for (size_t kind = 0; kind < OWN_MOUNTS; kind++)
        if (own[kind].wanted.len > 0 && !own[kind].is_found)
            injector_edit(injector, (struct rpw_edit){.place = RPW_EDIT_VOLUMES,
                                                      .action = RPW_EDIT_INSERT,
                                                      .index = volumes->count,
                                                      .value = kind == OWN_PACKAGE ? package_text(injector)
                                                                                   : rpw_span_of(pth_text)});
    return own[OWN_PACKAGE].wanted;
}
