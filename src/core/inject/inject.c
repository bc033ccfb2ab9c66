/* inject.c - the pod: which containers, the annotations, and what to say about conflicts. */
#include "rpw/inject/inject.h"

#include "injector.h"
#include "rpw/inject/selector.h"

/* --- what the parts share ---------------------------------------------------------------------------------------- */

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

struct rpw_span injector_text(struct injector *injector, struct rpw_strbuf *writer)
{
    struct rpw_span text = {NULL, 0};

    if (!rpw_strbuf_finish(writer, &text))
        injector->has_failed = true;
    return text;
}

struct rpw_span injector_quoted(struct injector *injector, struct rpw_span text)
{
    struct rpw_strbuf writer;

    rpw_strbuf_init(&writer, injector->arena);
    rpw_strbuf_put_json(&writer, text);
    return injector_text(injector, &writer);
}

void injector_begin_warning(struct injector *injector, struct rpw_span container, struct rpw_strbuf *ret_writer)
{
    rpw_strbuf_init(ret_writer, injector->arena);
    rpw_strbuf_put(ret_writer, "policy ");
    rpw_strbuf_put_span(ret_writer, injector->policy->name);
    rpw_strbuf_put(ret_writer, ": ");
    rpw_strbuf_put_span(ret_writer, container);
    rpw_strbuf_put(ret_writer, ": ");
}

void injector_end_warning(struct injector *injector, struct rpw_strbuf *writer)
{
    if (!rpw_warnings_add(injector->arena, &injector->result.warnings, injector_text(injector, writer)))
        injector->has_failed = true;
}

static void warn_of_conflict(struct injector *injector, const struct conflict *conflict)
{
    bool is_overridden = injector->policy->on_conflict == RPW_CONFLICT_OVERRIDE;
    struct rpw_strbuf writer;

    injector_begin_warning(injector, conflict->container, &writer);
    rpw_strbuf_put_span(&writer, conflict->field);
    rpw_strbuf_put(&writer, is_overridden ? ": " : " stays ");
    rpw_strbuf_put_span(&writer, conflict->theirs);
    rpw_strbuf_put(&writer, is_overridden ? " gives way to " : ", not ");
    rpw_strbuf_put_span(&writer, conflict->ours);
    injector_end_warning(injector, &writer);
}

static void note_conflict(struct injector *injector, const struct conflict *conflict)
{
    struct conflict_list *list = &injector->conflicts;
    struct conflict *items = rpw_arena_append(injector->arena, list->items, list->count, sizeof(list->items[0]));

    if (items == NULL) {
        injector->has_failed = true;
        return;
    }
    list->items = items;
    items[list->count++] = *conflict;
}

bool injector_resolve(struct injector *injector, struct conflict conflict, bool can_be_kept)
{
    enum rpw_on_conflict on_conflict = injector->policy->on_conflict;

    if (on_conflict == RPW_CONFLICT_REJECT || (on_conflict == RPW_CONFLICT_KEEP && !can_be_kept)) {
        injector_refuse(injector, conflict);
        return false;
    }
    note_conflict(injector, &conflict);
    warn_of_conflict(injector, &conflict);
    return on_conflict == RPW_CONFLICT_OVERRIDE;
}

void injector_refuse(struct injector *injector, struct conflict conflict)
{
    conflict.is_refused = true;
    injector->result.is_refused = true;
    note_conflict(injector, &conflict);
}

bool injector_is_target(const struct injector *injector, const struct rpw_container *container)
{
    return rpw_selector_is_target(injector->policy->containers, container->name);
}

bool injector_fills_volume(const struct injector *injector)
{
    return injector->policy->source == RPW_SOURCE_PIP || injector->policy->source == RPW_SOURCE_COPY;
}

bool injector_has_volume(const struct injector *injector)
{
    return injector->policy->source != RPW_SOURCE_PREINSTALLED;
}

/* --- annotations ------------------------------------------------------------------------------------------------- */

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
    struct rpw_strbuf writer;

    rpw_strbuf_init(&writer, injector->arena);
    for (size_t i = 0; i < injector->conflicts.count && injector->policy->on_conflict == RPW_CONFLICT_KEEP; i++) {
        const struct conflict *conflict = &injector->conflicts.items[i];
        rpw_strbuf_put(&writer, i > 0 ? ", " : "");
        rpw_strbuf_put_span(&writer, conflict->container);
        rpw_strbuf_put(&writer, "/");
        rpw_strbuf_put_span(&writer, conflict->field);
    }
    return injector_text(injector, &writer);
}

/* An emptyDir keeps the cluster autoscaler from emptying a node, unless this annotation lists it: names and commas. */
static void annotate_as_evictable(struct injector *injector)
{
    const struct rpw_span found = injector->pod->metadata.annotations.evictable;
    struct rpw_span rest = found, name;
    struct rpw_strbuf writer;

    if (!injector_fills_volume(injector) || injector->receivers.count == 0)
        return;
    while (rpw_span_next_element(&rest, ',', &name))
        if (rpw_span_equal(name, injector->volume.name))
            return;
    rpw_strbuf_init(&writer, injector->arena);
    rpw_strbuf_put_span(&writer, found);
    rpw_strbuf_put(&writer, found.len > 0 && found.ptr[found.len - 1] != ',' ? "," : "");
    rpw_strbuf_put_span(&writer, injector->volume.name);
    annotate(injector, RPW_LIT("cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes"), found,
             injector_text(injector, &writer));
}

static void edit_annotations(struct injector *injector)
{
    const struct rpw_annotations *annotations = &injector->pod->metadata.annotations;
    struct rpw_span conflicts = recorded_conflicts(injector);

    annotate(injector, RPW_LIT("policy.rucio.cern.ch/status"), annotations->status,
             conflicts.len > 0 ? RPW_LIT("injected-with-conflicts") : RPW_LIT("injected"));
    annotate(injector, RPW_LIT("policy.rucio.cern.ch/policy"), annotations->policy, injector->policy->name);
    annotate(injector, RPW_LIT("policy.rucio.cern.ch/revision"), annotations->revision, injector->revision);
    annotate(injector, RPW_LIT("policy.rucio.cern.ch/conflicts"), annotations->conflicts, conflicts);
    annotate_as_evictable(injector);
}

/* --- the whole --------------------------------------------------------------------------------------------------- */

static const char chart_remedy[] =
    "Remove policyPackages from the chart's values, adopt them with onConflict: keep, put the "
    "policy's package before theirs with onConflict: override";

static const char *const remedies[CONFLICT_KINDS] = {
    [CONFLICT_FIELD] = "Remove it from the pod, let the policy win with onConflict: override",
    [CONFLICT_CHART] = chart_remedy,
    [CONFLICT_IMAGES] = "Set source.pip.image to an image whose Python suits all of these containers",
    [CONFLICT_NAME] = "Rename the pod's container: this name is reserved",
};

static struct rpw_span refusal(struct injector *injector)
{
    struct rpw_strbuf writer;
    const char *separator = "";
    bool is_met[CONFLICT_KINDS] = {false};

    rpw_strbuf_init(&writer, injector->arena);
    rpw_strbuf_put(&writer, "policy ");
    rpw_strbuf_put_json(&writer, injector->policy->name);
    rpw_strbuf_put(&writer, " cannot be applied: ");
    for (size_t i = 0; i < injector->conflicts.count; i++) {
        const struct conflict *conflict = &injector->conflicts.items[i];
        if (!conflict->is_refused)
            continue;
        is_met[conflict->kind] = true;
        rpw_strbuf_put(&writer, separator);
        rpw_strbuf_put(&writer, "container ");
        rpw_strbuf_put_json(&writer, conflict->container);
        rpw_strbuf_put(&writer, ", ");
        rpw_strbuf_put_span(&writer, conflict->field);
        rpw_strbuf_put(&writer, ": the pod has ");
        rpw_strbuf_put_span(&writer, conflict->theirs);
        rpw_strbuf_put(&writer, ", the policy ");
        rpw_strbuf_put_span(&writer, conflict->ours);
        separator = "; ";
    }
    for (size_t kind = 0; kind < CONFLICT_KINDS; kind++) {
        rpw_strbuf_put(&writer, is_met[kind] ? ". " : "");
        rpw_strbuf_put(&writer, is_met[kind] ? remedies[kind] : "");
    }
    rpw_strbuf_put(&writer, ", or opt out with the annotation policy.rucio.cern.ch/inject: \"false\"");
    return injector_text(injector, &writer);
}

static void inject_into_target(struct target *target)
{
    struct injector *injector = target->injector;

    if (injector->record->state == RECORD_OLDER)
        target->older_path = injector_recorded_path(injector, target->container);
    target->is_verified = injector->is_verify_written && target->container == injector->model.container;
    inject_chart(target);
    inject_env(target);
    inject_mounts(target);
}

static void inject_into_targets(struct injector *injector)
{
    for (int kind = 0; kind < RPW_CONTAINER_KINDS; kind++) {
        const struct rpw_container_list *list = &injector->pod->containers[kind];
        for (size_t i = 0; i < list->count; i++) {
            struct target target = {
                .injector = injector, .kind = (enum rpw_container_kind)kind, .index = i, .container = &list->items[i]};
            if (injector_is_target(injector, target.container))
                inject_into_target(&target);
        }
    }
}

enum rpw_status rpw_inject(struct rpw_arena *arena, const struct rpw_policy *policy, const struct rpw_pod *pod,
                           struct rpw_injection *ret_injection)
{
    struct injector injector = {.arena = arena, .policy = policy, .pod = pod};

    inject_find_chart(&injector);
    injector_read_record(&injector);
    if (injector.has_failed)
        return RPW_E_NOMEM;
    inject_find_init_containers(&injector);
    inject_find_recorded_volume(&injector);
    if (injector_has_volume(&injector))
        inject_choose_volume(&injector);
    inject_into_targets(&injector);
    inject_init_containers(&injector);
    inject_volumes(&injector);
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
