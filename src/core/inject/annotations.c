/* annotations.c - see the header. */
#include "annotations.h"

#include "conflict.h"
#include "rpw/bytes/path.h"

static void annotate(struct injector *injector, struct rpw_span key, struct rpw_span found, struct rpw_span wanted)
{
    struct rpw_edit edit = {.place = RPW_EDIT_ANNOTATIONS, .action = RPW_EDIT_SET_MEMBER, .key = key};

    if (rpw_span_equal(found, wanted))
        return;
    if (wanted.len == 0)
        edit.action = RPW_EDIT_REMOVE;
    else
        edit.value = injector_quoted(injector, wanted);
    injector_edit(injector, edit);
}

/* An emptyDir keeps the cluster autoscaler from emptying a node, unless this annotation lists it: names and commas. The one on
 * record leaves the list when it leaves the pod. */
static struct rpw_span evictable_volumes(struct injector *injector, struct rpw_span older, struct rpw_span ours)
{
    struct rpw_span rest = injector->pod->metadata.annotations.evictable, name;
    bool is_listed = ours.len == 0, is_first = true;
    struct rpw_strbuf buf;

    rpw_strbuf_init(&buf, injector->arena);
    while (rpw_span_next_element(&rest, ',', &name)) {
        if (older.len > 0 && rpw_span_equal(name, older) && !rpw_span_equal(older, ours))
            continue;
        is_listed = is_listed || rpw_span_equal(name, ours);
        rpw_strbuf_put_parts(&buf, RPW_PARTS(rpw_words(is_first ? "" : ","), rpw_plain(name)));
        is_first = false;
    }
    if (!is_listed) {
        bool needs_comma = buf.len > 0 && buf.bytes[buf.len - 1] != ',';
        rpw_strbuf_put_parts(&buf, RPW_PARTS(rpw_words(needs_comma ? "," : ""), rpw_plain(ours)));
    }
    return injector_finish(injector, &buf);
}

static bool is_listed_path(const struct container_plan_list *plans, size_t end, struct rpw_span path)
{
    for (size_t i = 0; i < end; i++)
        if (plans->items[i].mounts.own[OWN_PTH].has_ours && rpw_path_equal(plans->items[i].env.path, path))
            return true;
    return false;
}

/* What the .pth file holds: containers may differ in their path, and Python passes lines by that name no directory. */
static struct rpw_span paths(struct injector *injector, const struct container_plan_list *plans)
{
    struct rpw_strbuf buf;

    rpw_strbuf_init(&buf, injector->arena);
    for (size_t i = 0; i < plans->count; i++) {
        const struct container_plan *plan = &plans->items[i];
        if (plan->mounts.own[OWN_PTH].has_ours && !is_listed_path(plans, i, plan->env.path))
            rpw_strbuf_put_parts(&buf, RPW_PARTS(rpw_words(buf.len > 0 ? "\n" : ""), rpw_plain(plan->env.path)));
    }
    return injector_finish(injector, &buf);
}

void annotations_emit(struct injector *injector, const struct record *older, const struct record *new_,
                      const struct container_plan_list *plans)
{
    const struct rpw_annotations *found = &injector->pod->metadata.annotations;
    struct rpw_span conflicts = conflict_record(injector);
    struct rpw_span path = paths(injector, plans);
    struct rpw_span filled = injector_fills_volume(injector) ? new_->volume : RPW_LIT("");

    annotate(injector, RPW_LIT("policy.rucio.cern.ch/status"), found->status,
             conflicts.len > 0 ? RPW_LIT("injected-with-conflicts") : RPW_LIT("injected"));
    annotate(injector, RPW_LIT("policy.rucio.cern.ch/policy"), found->policy, injector->policy->name);
    annotate(injector, RPW_LIT("policy.rucio.cern.ch/revision"), found->revision, injector->result.revision);
    annotate(injector, RPW_LIT("policy.rucio.cern.ch/conflicts"), found->conflicts, conflicts);
    annotate(injector, RPW_LIT("policy.rucio.cern.ch/injected"), found->injected, record_text(injector, new_));
    if (path.len > 0 || record_has_pth(older))
        annotate(injector, RPW_LIT("policy.rucio.cern.ch/path"), found->path, path);
    if (filled.len > 0 || older->volume.len > 0)
        annotate(injector, RPW_LIT("cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes"), found->evictable,
                 evictable_volumes(injector, older->volume, filled));
}
