/* inject.c - the pod: which containers, which volume, the annotations, and what to say about conflicts. */
#include "rpw/inject.h"

#include "injector.h"
#include "rpw/json_match.h"
#include "rpw/limits.h"
#include "rpw/selector.h"

/* --- what the parts share ------------------------------------------------------------------------------------------ */

void injector_edit(struct injector *injector, struct rpw_edit edit)
{
    struct rpw_edit_list *edits = &injector->result.edits;
    struct rpw_edit *items = rpw_arena_append(injector->arena, edits->items, edits->count, sizeof(edits->items[0]));

    if (items == NULL) {
        injector->has_failed = true;
        return;
    }
    edits->items = items;
    items[edits->count++] = edit;
}

struct rpw_span injector_text(struct injector *injector, const struct rpw_json_writer *writer)
{
    struct rpw_span text = {NULL, 0};

    if (!rpw_json_writer_finish(writer, &text))
        injector->has_failed = true;
    return text;
}

struct rpw_span injector_quoted(struct injector *injector, struct rpw_span text)
{
    struct rpw_json_writer writer;

    rpw_json_writer_init(&writer, injector->arena);
    rpw_json_put_string(&writer, text);
    return injector_text(injector, &writer);
}

void injector_begin_warning(struct injector *injector, struct rpw_span container, struct rpw_json_writer *ret_writer)
{
    rpw_json_writer_init(ret_writer, injector->arena);
    rpw_json_put(ret_writer, "policy ");
    rpw_json_put_span(ret_writer, injector->policy->name);
    rpw_json_put(ret_writer, ": ");
    rpw_json_put_span(ret_writer, container);
    rpw_json_put(ret_writer, ": ");
}

void injector_end_warning(struct injector *injector, const struct rpw_json_writer *writer)
{
    if (!rpw_warnings_add(injector->arena, &injector->result.warnings, injector_text(injector, writer)))
        injector->has_failed = true;
}

static void warn_of_conflict(struct injector *injector, const struct conflict *conflict)
{
    bool is_overridden = injector->policy->on_conflict == RPW_CONFLICT_OVERRIDE;
    struct rpw_json_writer writer;

    injector_begin_warning(injector, conflict->container, &writer);
    rpw_json_put_span(&writer, conflict->field);
    rpw_json_put(&writer, is_overridden ? " was " : " stays ");
    rpw_json_put_span(&writer, conflict->theirs);
    rpw_json_put(&writer, is_overridden ? ", is now " : ", not ");
    rpw_json_put_span(&writer, conflict->ours);
    injector_end_warning(injector, &writer);
}

bool injector_resolve(struct injector *injector, struct conflict conflict, bool can_be_kept)
{
    enum rpw_on_conflict on_conflict = injector->policy->on_conflict;
    struct conflict_list *list = &injector->conflicts;
    struct conflict *items = rpw_arena_append(injector->arena, list->items, list->count, sizeof(list->items[0]));

    if (items == NULL) {
        injector->has_failed = true;
        return false;
    }
    conflict.is_refused = on_conflict == RPW_CONFLICT_REJECT || (on_conflict == RPW_CONFLICT_KEEP && !can_be_kept);
    list->items = items;
    items[list->count++] = conflict;
    if (conflict.is_refused)
        injector->result.is_refused = true;
    else
        warn_of_conflict(injector, &conflict);
    return on_conflict == RPW_CONFLICT_OVERRIDE;
}

/* --- traces of an earlier injection -------------------------------------------------------------------------------- */

/* The `conflicts` annotation: CONTAINER/FIELD, separated by ", ". */
bool injector_record_lists(const struct injector *injector, struct rpw_span container, struct rpw_span field)
{
    struct rpw_span rest = injector->pod->metadata.annotations.conflicts, item;

    while (rpw_span_next_element(&rest, ',', &item)) {
        if (rpw_span_starts_with(item, RPW_LIT(" ")))
            item = (struct rpw_span){item.ptr + 1, item.len - 1};
        if (item.len == container.len + 1 + field.len && rpw_span_starts_with(item, container) &&
            item.ptr[container.len] == '/' &&
            rpw_span_equal((struct rpw_span){item.ptr + container.len + 1, field.len}, field))
            return true;
    }
    return false;
}

/* 1 for "rucio-policy", N for "rucio-policy-N", 0 for a name that we do not give. */
static size_t volume_number(struct rpw_span name)
{
    const struct rpw_span prefix = RPW_LIT("rucio-policy");
    size_t number = 0;

    if (!rpw_span_starts_with(name, prefix))
        return 0;
    if (name.len == prefix.len)
        return 1;
    if (name.ptr[prefix.len] != '-' || name.len > prefix.len + 10 || name.len == prefix.len + 1 ||
        name.ptr[prefix.len + 1] == '0')
        return 0;
    for (size_t i = prefix.len + 1; i < name.len; i++) {
        if (name.ptr[i] < '0' || name.ptr[i] > '9')
            return 0;
        number = number * 10 + (size_t)(name.ptr[i] - '0');
    }
    return number >= 2 ? number : 0;
}

const struct rpw_volume_mount *injector_find_our_mount(const struct rpw_container *container, struct rpw_span path)
{
    for (size_t i = 0; path.len > 0 && i < container->volume_mounts.count; i++) {
        const struct rpw_volume_mount *mount = &container->volume_mounts.items[i];
        if (mount->is_read_only && volume_number(mount->name) > 0 &&
            rpw_span_equal(rpw_span_without_trailing_slashes(mount->mount_path), path))
            return mount;
    }
    return NULL;
}

static bool is_mounted_at(const struct rpw_container *container, struct rpw_span path)
{
    for (size_t i = 0; i < container->volume_mounts.count; i++)
        if (rpw_span_equal(rpw_span_without_trailing_slashes(container->volume_mounts.items[i].mount_path), path))
            return true;
    return false;
}

bool injector_is_usable_path(struct rpw_span path)
{
    return path.len > 1 && path.ptr[0] == '/' && memchr(path.ptr, ':', path.len) == NULL &&
           !rpw_span_contains(path, RPW_LIT("$(")) && !rpw_span_contains(path, RPW_LIT("$$"));
}

struct rpw_span injector_older_path(const struct injector *injector, const struct rpw_container *container)
{
    const struct rpw_span none = {NULL, 0}, variable = RPW_LIT("POLICY_PKG_PATH");
    const struct rpw_env *env = rpw_container_last_env(container, variable);

    if (!injector->has_older_record || env == NULL || env->value_from.ptr != NULL ||
        injector_record_lists(injector, container->name, variable))
        return none;
    struct rpw_span path = rpw_span_without_trailing_slashes(env->value);
    if (!injector_is_usable_path(path))
        return none;
    bool is_foreign = is_mounted_at(container, path) && injector_find_our_mount(container, path) == NULL;
    return is_foreign ? none : path;
}

/* --- the volume ---------------------------------------------------------------------------------------------------- */

static bool is_target(const struct injector *injector, const struct rpw_container *container)
{
    return rpw_selector_matches_any(injector->policy->containers, container->name);
}

static void find_stale_volume(struct injector *injector)
{
    for (int kind = 0; kind < RPW_CONTAINER_KINDS; kind++) {
        const struct rpw_container_list *list = &injector->pod->containers[kind];
        for (size_t i = 0; i < list->count; i++) {
            const struct rpw_container *container = &list->items[i];
            const struct rpw_volume_mount *mount =
                injector_find_our_mount(container, injector_older_path(injector, container));
            if (is_target(injector, container) && mount != NULL) {
                injector->stale_volume = mount->name;
                return;
            }
        }
    }
}

/* taken: the highest number that a volume of the pod has, 0 when "rucio-policy" itself is free. */
static struct rpw_span new_volume_name(struct injector *injector, size_t taken)
{
    struct rpw_json_writer writer;

    if (taken == 0)
        return RPW_LIT("rucio-policy");
    rpw_json_writer_init(&writer, injector->arena);
    rpw_json_put(&writer, "rucio-policy-");
    rpw_json_put_number(&writer, taken + 1);
    return injector_text(injector, &writer);
}

static bool is_wanted_volume(struct injector *injector, const struct rpw_volume *volume)
{
    bool matches = false;

    if (rpw_json_match(injector->arena, injector->policy->volume, volume->text, &matches) != RPW_OK)
        injector->has_failed = true;
    return matches;
}

static void choose_volume(struct injector *injector)
{
    const struct rpw_volume_list *volumes = &injector->pod->volumes;
    size_t highest_number = 0;
    bool is_first_taken = false;

    injector->volume.state = VOLUME_NEW;
    for (size_t i = 0; i < volumes->count; i++) {
        size_t number = volume_number(volumes->items[i].name);
        if (number == 0)
            continue;
        highest_number = number > highest_number ? number : highest_number;
        is_first_taken = is_first_taken || number == 1;
        if (is_wanted_volume(injector, &volumes->items[i])) {
            injector->volume = (struct volume_choice){volumes->items[i].name, VOLUME_FOUND, i};
            return;
        }
        if (rpw_span_equal(volumes->items[i].name, injector->stale_volume))
            injector->volume = (struct volume_choice){volumes->items[i].name, VOLUME_STALE, i};
    }
    if (injector->volume.state == VOLUME_NEW)
        injector->volume.name = new_volume_name(injector, is_first_taken ? highest_number : 0);
}

/* The policy's volume source with a name in front: {"name":"rucio-policy","persistentVolumeClaim":{...}} */
static struct rpw_span volume_text(struct injector *injector)
{
    struct rpw_span source = injector->policy->volume;
    struct rpw_json_writer writer;

    rpw_json_writer_init(&writer, injector->arena);
    rpw_json_put(&writer, "{\"name\":");
    rpw_json_put_string(&writer, injector->volume.name);
    rpw_json_put(&writer, ",");
    rpw_json_put_span(&writer, (struct rpw_span){source.ptr + 1, source.len - 1});
    return injector_text(injector, &writer);
}

static size_t count_mounts(const struct rpw_pod *pod, struct rpw_span volume)
{
    size_t count = 0;

    for (int kind = 0; kind < RPW_CONTAINER_KINDS; kind++) {
        for (size_t i = 0; i < pod->containers[kind].count; i++) {
            const struct rpw_volume_mount_list *mounts = &pod->containers[kind].items[i].volume_mounts;
            for (size_t j = 0; j < mounts->count; j++)
                count += rpw_span_equal(mounts->items[j].name, volume);
        }
    }
    return count;
}

/* The stale volume goes when nothing mounts it any more. */
static void remove_stale_volume(struct injector *injector)
{
    const struct rpw_volume_list *volumes = &injector->pod->volumes;

    if (injector->stale_mounts_gone < count_mounts(injector->pod, injector->stale_volume))
        return;
    for (size_t i = 0; i < volumes->count; i++)
        if (rpw_span_equal(volumes->items[i].name, injector->stale_volume))
            injector_edit(injector,
                          (struct rpw_edit){.place = RPW_EDIT_VOLUMES, .action = RPW_EDIT_REMOVE, .index = i});
}

static void edit_volumes(struct injector *injector)
{
    struct rpw_edit edit = {.place = RPW_EDIT_VOLUMES, .index = injector->volume.index, .action = RPW_EDIT_REPLACE};
    bool is_stale_reused = injector->is_volume_mounted && rpw_span_equal(injector->volume.name, injector->stale_volume);

    if (injector->stale_volume.len > 0 && !is_stale_reused)
        remove_stale_volume(injector);
    if (!injector->is_volume_mounted || injector->volume.state == VOLUME_FOUND)
        return;
    if (injector->volume.state == VOLUME_NEW) {
        edit.action = RPW_EDIT_INSERT;
        edit.index = injector->pod->volumes.count;
    }
    edit.value = volume_text(injector);
    injector_edit(injector, edit);
}

/* --- annotations --------------------------------------------------------------------------------------------------- */

static void annotate(struct injector *injector, struct rpw_span key, struct rpw_span found, struct rpw_span wanted)
{
    struct rpw_edit edit = {.place = RPW_EDIT_ANNOTATIONS, .action = RPW_EDIT_SET_MEMBER, .key = key};

    if (wanted.len == 0 && found.ptr != NULL)
        edit.action = RPW_EDIT_REMOVE;
    else if (rpw_span_equal(found, wanted))
        return;
    else
        edit.value = injector_quoted(injector, wanted);
    injector_edit(injector, edit);
}

/* Conflicts that were left to the pod. Those that the policy has overridden are gone, and so is the record of them: the
 * patched pod would not show them again. */
static struct rpw_span recorded_conflicts(struct injector *injector)
{
    struct rpw_json_writer writer;

    rpw_json_writer_init(&writer, injector->arena);
    for (size_t i = 0; i < injector->conflicts.count && injector->policy->on_conflict == RPW_CONFLICT_KEEP; i++) {
        const struct conflict *conflict = &injector->conflicts.items[i];
        rpw_json_put(&writer, i > 0 ? ", " : "");
        rpw_json_put_span(&writer, conflict->container);
        rpw_json_put(&writer, "/");
        rpw_json_put_span(&writer, conflict->field);
    }
    return injector_text(injector, &writer);
}

static void edit_annotations(struct injector *injector)
{
    const struct rpw_annotations *annotations = &injector->pod->metadata.annotations;
    struct rpw_span conflicts = recorded_conflicts(injector);

    annotate(injector, RPW_LIT("policy.rucio.cern.ch/status"), annotations->status,
             conflicts.len > 0 ? RPW_LIT("injected-with-conflicts") : RPW_LIT("injected"));
    annotate(injector, RPW_LIT("policy.rucio.cern.ch/policy"), annotations->policy, injector->policy->name);
    annotate(injector, RPW_LIT("policy.rucio.cern.ch/revision"), annotations->revision, injector->policy->revision);
    annotate(injector, RPW_LIT("policy.rucio.cern.ch/conflicts"), annotations->conflicts, conflicts);
}

/* --- the whole ----------------------------------------------------------------------------------------------------- */

static struct rpw_span refusal(struct injector *injector)
{
    struct rpw_json_writer writer;
    const char *separator = "";

    rpw_json_writer_init(&writer, injector->arena);
    rpw_json_put(&writer, "policy ");
    rpw_json_put_string(&writer, injector->policy->name);
    rpw_json_put(&writer, " cannot be applied: ");
    for (size_t i = 0; i < injector->conflicts.count; i++) {
        const struct conflict *conflict = &injector->conflicts.items[i];
        if (!conflict->is_refused)
            continue;
        rpw_json_put(&writer, separator);
        rpw_json_put(&writer, "container ");
        rpw_json_put_string(&writer, conflict->container);
        rpw_json_put(&writer, ", ");
        rpw_json_put_span(&writer, conflict->field);
        rpw_json_put(&writer, ": the pod has ");
        rpw_json_put_span(&writer, conflict->theirs);
        rpw_json_put(&writer, ", the policy ");
        rpw_json_put_span(&writer, conflict->ours);
        separator = "; ";
    }
    rpw_json_put(&writer, ". Remove it from the pod, let the policy win with onConflict: override, or opt out with the "
                          "annotation policy.rucio.cern.ch/inject: \"false\"");
    return injector_text(injector, &writer);
}

static void inject_into_targets(struct injector *injector)
{
    for (int kind = 0; kind < RPW_CONTAINER_KINDS; kind++) {
        const struct rpw_container_list *list = &injector->pod->containers[kind];
        for (size_t i = 0; i < list->count; i++) {
            struct target target = {injector, (enum rpw_container_kind)kind, i, &list->items[i], {0}, {0}, {0}};
            if (!is_target(injector, target.container))
                continue;
            target.older_path = injector_older_path(injector, target.container);
            inject_env(&target);
            inject_mounts(&target);
        }
    }
}

enum rpw_status rpw_inject(struct rpw_arena *arena, const struct rpw_policy *policy, const struct rpw_pod *pod,
                           struct rpw_injection *ret_injection)
{
    struct injector injector = {.arena = arena, .policy = policy, .pod = pod};
    const struct rpw_annotations *record = &pod->metadata.annotations;

    injector.has_older_record = record->revision.len > 0 && !rpw_span_equal(record->revision, policy->revision) &&
                                record->conflicts.len <= RPW_MAX_RECORD_BYTES;
    find_stale_volume(&injector);
    if (policy->source == RPW_SOURCE_VOLUME)
        choose_volume(&injector);
    inject_into_targets(&injector);
    edit_volumes(&injector);
    edit_annotations(&injector);
    if (injector.result.is_refused) {
        injector.result.edits = (struct rpw_edit_list){0, NULL};
        injector.result.message = refusal(&injector);
    }
    if (injector.has_failed)
        return RPW_E_NOMEM;
    *ret_injection = injector.result;
    return RPW_OK;
}
