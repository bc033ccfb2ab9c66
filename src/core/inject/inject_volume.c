/* inject_volume.c - the one volume of a pod that holds the package: found, replaced, or added under a free name. */
#include "injector.h"
#include "rpw/inject/json_match.h"

static bool is_own(const struct injector *injector, int kind, size_t index)
{
    bool is_own = false;

    for (size_t i = 0; kind == RPW_INIT_CONTAINERS && i < RPW_OWN_CONTAINERS; i++)
        is_own = is_own || injector->own[i] == index;
    return is_own;
}

/* Our init containers aside: they are written anew when the volume changes. */
static size_t count_mounts(const struct injector *injector, struct rpw_span volume)
{
    size_t count = 0;

    for (int kind = 0; kind < RPW_CONTAINER_KINDS; kind++) {
        const struct rpw_container_list *list = &injector->pod->containers[kind];
        for (size_t i = 0; i < list->count; i++) {
            const struct rpw_volume_mount_list *mounts = &list->items[i].volume_mounts;
            for (size_t j = 0; j < mounts->count && !is_own(injector, kind, i); j++)
                count += rpw_span_equal(mounts->items[j].name, volume);
        }
    }
    return count;
}

/* The volume of the recorded injection is the one that the first target mounts. */
void inject_find_recorded_volume(struct injector *injector)
{
    size_t ours = 0;

    for (int kind = 0; kind < RPW_CONTAINER_KINDS; kind++) {
        const struct rpw_container_list *list = &injector->pod->containers[kind];
        for (size_t i = 0; i < list->count; i++) {
            if (!injector_is_target(injector, &list->items[i]))
                continue;
            const struct rpw_volume_mount *mount =
                injector_find_our_mount(injector, &list->items[i], injector_recorded_path(injector, &list->items[i]));
            if (mount == NULL)
                continue;
            if (injector->recorded_volume.ptr == NULL)
                injector->recorded_volume = mount->name;
            ours += rpw_span_equal(mount->name, injector->recorded_volume);
        }
    }
    injector->is_volume_shared =
        injector->recorded_volume.ptr != NULL && count_mounts(injector, injector->recorded_volume) > ours;
}

/* "rucio-policy", or the first "rucio-policy-N" that no volume of the pod has: one of 2 to count + 1 is free. */
static struct rpw_span new_volume_name(struct injector *injector)
{
    const struct rpw_volume_list *volumes = &injector->pod->volumes;
    size_t number_count = volumes->count + 2, free_number = 1;
    bool *is_taken = rpw_arena_alloc(injector->arena, number_count * sizeof(is_taken[0]));
    struct rpw_strbuf writer;

    if (is_taken == NULL) {
        injector->has_failed = true;
        return RPW_LIT("rucio-policy");
    }
    memset(is_taken, 0, number_count * sizeof(is_taken[0]));
    for (size_t i = 0; i < volumes->count; i++) {
        size_t number = injector_volume_number(volumes->items[i].name);
        if (number < number_count)
            is_taken[number] = true;
    }
    while (is_taken[free_number])
        free_number++;
    if (free_number == 1)
        return RPW_LIT("rucio-policy");
    rpw_strbuf_init(&writer, injector->arena);
    rpw_strbuf_put(&writer, "rucio-policy-");
    rpw_strbuf_put_number(&writer, free_number);
    return injector_text(injector, &writer);
}

static bool is_wanted_volume(struct injector *injector, const struct rpw_volume *volume, bool is_recorded)
{
    bool matches = false;

    if (rpw_json_match(injector->arena, injector->policy->volume, volume->text, is_recorded, &matches) != RPW_OK)
        injector->has_failed = true;
    return matches;
}

/* One that is as we would write it is ours. Else the recorded one: an earlier revision's is replaced; in this revision's
 * the apiserver may have set defaults that we do not know of, and dropped keys that it does not know. */
void inject_choose_volume(struct injector *injector)
{
    const struct rpw_volume_list *volumes = &injector->pod->volumes;
    enum record_state record = injector->record->state;

    injector->volume.state = VOLUME_NEW;
    for (size_t i = 0; i < volumes->count; i++) {
        const struct rpw_volume *volume = &volumes->items[i];
        if (injector_volume_number(volume->name) == 0)
            continue;
        if (is_wanted_volume(injector, volume, false)) {
            injector->volume = (struct volume_choice){volume->name, VOLUME_FOUND, i};
            return;
        }
        if (injector->recorded_volume.ptr == NULL || !rpw_span_equal(volume->name, injector->recorded_volume))
            continue;
        if (record == RECORD_OLDER && !injector->is_volume_shared)
            injector->volume = (struct volume_choice){volume->name, VOLUME_STALE, i};
        else if (record == RECORD_CURRENT && is_wanted_volume(injector, volume, true))
            injector->volume = (struct volume_choice){volume->name, VOLUME_FOUND, i};
    }
    if (injector->volume.state == VOLUME_NEW)
        injector->volume.name = new_volume_name(injector);
}

/* The policy's volume source with a name in front: {"name":"rucio-policy","persistentVolumeClaim":{...}} */
static struct rpw_span volume_text(struct injector *injector)
{
    struct rpw_span source = injector->policy->volume;
    struct rpw_strbuf writer;

    rpw_strbuf_init(&writer, injector->arena);
    rpw_strbuf_put(&writer, "{\"name\":");
    rpw_strbuf_put_json(&writer, injector->volume.name);
    rpw_strbuf_put(&writer, ",");
    rpw_strbuf_put_span(&writer, (struct rpw_span){source.ptr + 1, source.len - 1});
    return injector_text(injector, &writer);
}

/* An earlier revision's volume that nobody mounts any more. */
static void remove_stale_volume(struct injector *injector)
{
    const struct rpw_volume_list *volumes = &injector->pod->volumes;
    bool is_in_use = injector->receivers.count > 0 && rpw_span_equal(injector->volume.name, injector->recorded_volume);

    if (injector->record->state != RECORD_OLDER || injector->recorded_volume.ptr == NULL ||
        injector->is_volume_shared || is_in_use)
        return;
    for (size_t i = 0; i < volumes->count; i++)
        if (rpw_span_equal(volumes->items[i].name, injector->recorded_volume))
            injector_edit(injector,
                          (struct rpw_edit){.place = RPW_EDIT_VOLUMES, .action = RPW_EDIT_REMOVE, .index = i});
}

void inject_volumes(struct injector *injector)
{
    struct rpw_edit edit = {.place = RPW_EDIT_VOLUMES, .index = injector->volume.index, .action = RPW_EDIT_REPLACE};

    remove_stale_volume(injector);
    if (injector->receivers.count == 0 || injector->volume.state == VOLUME_FOUND)
        return;
    if (injector->volume.state == VOLUME_NEW) {
        edit.action = RPW_EDIT_INSERT;
        edit.index = injector->pod->volumes.count;
    }
    edit.value = volume_text(injector);
    injector_edit(injector, edit);
}
