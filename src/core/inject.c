/* inject.c - the pod: which containers, which volume, the annotations, and what to say about conflicts. */
#include "rpw/inject.h"

#include "injector.h"
#include "rpw/json_match.h"
#include "rpw/pythonpath.h"
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

struct rpw_span injector_text(struct injector *injector, struct rpw_json_writer *writer)
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

void injector_end_warning(struct injector *injector, struct rpw_json_writer *writer)
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
    rpw_json_put(&writer, is_overridden ? ": " : " stays ");
    rpw_json_put_span(&writer, conflict->theirs);
    rpw_json_put(&writer, is_overridden ? " gives way to " : ", not ");
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

/* The `conflicts` annotation: CONTAINER/FIELD, separated by ", ". False when it has too many entries. */
static bool read_conflicts(struct rpw_span text, struct record *record)
{
    struct rpw_span item, container;

    while (rpw_span_next_element(&text, ',', &item)) {
        if (rpw_span_starts_with(item, RPW_LIT(" ")))
            item = (struct rpw_span){item.ptr + 1, item.len - 1};
        if (!rpw_span_next_element(&item, '/', &container) || item.ptr == NULL)
            continue;
        if (record->count == RPW_MAX_RECORD_ENTRIES)
            return false;
        record->items[record->count++] = (struct record_entry){container, item};
    }
    return true;
}

static void read_record(struct injector *injector)
{
    const struct rpw_annotations *annotations = &injector->pod->metadata.annotations;

    injector->record = rpw_arena_alloc(injector->arena, sizeof(*injector->record));
    if (injector->record == NULL) {
        injector->has_failed = true;
        return;
    }
    injector->record->count = 0;
    injector->record->state = RECORD_NONE;
    if (annotations->revision.len == 0 || !read_conflicts(annotations->conflicts, injector->record))
        return;
    injector->record->state =
        rpw_span_equal(annotations->revision, injector->policy->revision) ? RECORD_CURRENT : RECORD_OLDER;
}

bool injector_record_lists(const struct injector *injector, struct rpw_span container, struct rpw_span field)
{
    for (size_t i = 0; i < injector->record->count; i++)
        if (rpw_span_equal(injector->record->items[i].container, container) &&
            rpw_span_equal(injector->record->items[i].field, field))
            return true;
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

/* Whether a container looks as an injection leaves one whose package lies at path. */
static bool looks_injected(const struct injector *injector, const struct rpw_container *container, struct rpw_span path)
{
    const struct rpw_env *python_path = rpw_container_last_env(container, RPW_LIT("PYTHONPATH"));

    if (injector_find_our_mount(container, path) != NULL ||
        injector_record_lists(injector, container->name, RPW_LIT("volumeMounts")))
        return true;
    return !is_mounted_at(container, path) && python_path != NULL &&
           rpw_pythonpath_has(python_path->value, path, false);
}

struct rpw_span injector_recorded_path(const struct injector *injector, const struct rpw_container *container)
{
    const struct rpw_env *env = rpw_container_last_env(container, RPW_LIT("POLICY_PKG_PATH"));
    const struct rpw_span none = {NULL, 0};

    if (injector->record->state == RECORD_NONE || env == NULL || env->value_from.ptr != NULL)
        return none;
    struct rpw_span path = rpw_span_without_trailing_slashes(env->value);
    return injector_is_usable_path(path) && looks_injected(injector, container, path) ? path : none;
}

/* --- the volume ---------------------------------------------------------------------------------------------------- */

static bool is_target(const struct injector *injector, const struct rpw_container *container)
{
    return rpw_selector_matches_any(injector->policy->containers, container->name);
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

/* The volume of the recorded injection is the one that the first target mounts. */
static void find_recorded_volume(struct injector *injector)
{
    size_t ours = 0;

    for (int kind = 0; kind < RPW_CONTAINER_KINDS; kind++) {
        const struct rpw_container_list *list = &injector->pod->containers[kind];
        for (size_t i = 0; i < list->count; i++) {
            if (!is_target(injector, &list->items[i]))
                continue;
            const struct rpw_volume_mount *mount =
                injector_find_our_mount(&list->items[i], injector_recorded_path(injector, &list->items[i]));
            if (mount == NULL)
                continue;
            if (injector->recorded_volume.ptr == NULL)
                injector->recorded_volume = mount->name;
            ours += rpw_span_equal(mount->name, injector->recorded_volume);
        }
    }
    injector->is_volume_shared =
        injector->recorded_volume.ptr != NULL && count_mounts(injector->pod, injector->recorded_volume) > ours;
}

/* "rucio-policy", or the first "rucio-policy-N" that no volume of the pod has: one of 2 to count + 1 is free. */
static struct rpw_span new_volume_name(struct injector *injector)
{
    const struct rpw_volume_list *volumes = &injector->pod->volumes;
    size_t number_count = volumes->count + 2, free_number = 1;
    bool *is_taken = rpw_arena_alloc(injector->arena, number_count * sizeof(is_taken[0]));
    struct rpw_json_writer writer;

    if (is_taken == NULL) {
        injector->has_failed = true;
        return RPW_LIT("rucio-policy");
    }
    memset(is_taken, 0, number_count * sizeof(is_taken[0]));
    for (size_t i = 0; i < volumes->count; i++) {
        size_t number = volume_number(volumes->items[i].name);
        if (number < number_count)
            is_taken[number] = true;
    }
    while (is_taken[free_number])
        free_number++;
    if (free_number == 1)
        return RPW_LIT("rucio-policy");
    rpw_json_writer_init(&writer, injector->arena);
    rpw_json_put(&writer, "rucio-policy-");
    rpw_json_put_number(&writer, free_number);
    return injector_text(injector, &writer);
}

static bool is_wanted_volume(struct injector *injector, const struct rpw_volume *volume, bool allows_any_default)
{
    bool matches = false;

    if (rpw_json_match(injector->arena, injector->policy->volume, volume->text, allows_any_default, &matches) != RPW_OK)
        injector->has_failed = true;
    return matches;
}

/* One that is as we would write it is ours. Else the recorded one: an earlier revision's is replaced; this revision's can
 * only have got more by defaulting that we do not know of. */
static void choose_volume(struct injector *injector)
{
    const struct rpw_volume_list *volumes = &injector->pod->volumes;
    enum record_state record = injector->record->state;

    injector->volume.state = VOLUME_NEW;
    for (size_t i = 0; i < volumes->count; i++) {
        const struct rpw_volume *volume = &volumes->items[i];
        if (volume_number(volume->name) == 0)
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
    struct rpw_json_writer writer;

    rpw_json_writer_init(&writer, injector->arena);
    rpw_json_put(&writer, "{\"name\":");
    rpw_json_put_string(&writer, injector->volume.name);
    rpw_json_put(&writer, ",");
    rpw_json_put_span(&writer, (struct rpw_span){source.ptr + 1, source.len - 1});
    return injector_text(injector, &writer);
}

/* An earlier revision's volume that nobody mounts any more. */
static void remove_stale_volume(struct injector *injector)
{
    const struct rpw_volume_list *volumes = &injector->pod->volumes;
    bool is_in_use = injector->is_volume_mounted && rpw_span_equal(injector->volume.name, injector->recorded_volume);

    if (injector->record->state != RECORD_OLDER || injector->recorded_volume.ptr == NULL ||
        injector->is_volume_shared || is_in_use)
        return;
    for (size_t i = 0; i < volumes->count; i++)
        if (rpw_span_equal(volumes->items[i].name, injector->recorded_volume))
            injector_edit(injector,
                          (struct rpw_edit){.place = RPW_EDIT_VOLUMES, .action = RPW_EDIT_REMOVE, .index = i});
}

static void edit_volumes(struct injector *injector)
{
    struct rpw_edit edit = {.place = RPW_EDIT_VOLUMES, .index = injector->volume.index, .action = RPW_EDIT_REPLACE};

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
            struct target target = {
                .injector = injector, .kind = (enum rpw_container_kind)kind, .index = i, .container = &list->items[i]};
            if (!is_target(injector, target.container))
                continue;
            if (injector->record->state == RECORD_OLDER)
                target.older_path = injector_recorded_path(injector, target.container);
            inject_env(&target);
            inject_mounts(&target);
        }
    }
}

enum rpw_status rpw_inject(struct rpw_arena *arena, const struct rpw_policy *policy, const struct rpw_pod *pod,
                           struct rpw_injection *ret_injection)
{
    struct injector injector = {.arena = arena, .policy = policy, .pod = pod};

    read_record(&injector);
    if (injector.has_failed)
        return RPW_E_NOMEM;
    find_recorded_volume(&injector);
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
