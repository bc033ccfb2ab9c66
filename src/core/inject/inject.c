/* inject.c - from the pod to its edits, one step after the other: record, targets, a plan for each, and what follows. */
#include "rpw/inject/inject.h"

#include "annotations.h"
#include "chart.h"
#include "conflict.h"
#include "init_containers.h"
#include "variables.h"
#include "volume.h"

/* Returns a plan that must not be used when the injection has failed. */
static struct container_plan plan_target(struct injector *injector, const struct target *target,
                                         const struct record *record, bool is_current)
{
    struct container_plan plan = {.target = target, .env = env_plan_make(injector, target)};

    if (injector->has_failed)
        return plan;
    if (target->is_wanted)
        variables_plan(&plan.env);
    python_path_plan(&plan.env, is_current);
    env_plan_remove_unclaimed(&plan.env);
    plan.mounts = mount_plan_make(injector, target, plan.env.path, record->volume);
    return plan;
}

static struct container_plan_list plan_all(struct injector *injector, const struct target_list *targets,
                                           const struct record *record, bool has_chart, bool is_current)
{
    struct container_plan_list plans = {0, injector_alloc(injector, targets->count * sizeof(plans.items[0]))};

    for (size_t i = 0; i < targets->count && !injector->has_failed; i++) {
        const struct target *target = &targets->items[i];
        if (has_chart && target->is_wanted && chart_path(target->container).ptr != NULL)
            chart_resolve(injector, target->container, is_current);
        plans.items[plans.count++] = plan_target(injector, target, record, is_current);
    }
    return plans;
}

/* What is on record of the containers when the plans are carried out. */
static struct record_container_list record_plans(struct injector *injector, const struct container_plan_list *plans)
{
    struct record_container_list list = {0, injector_alloc(injector, plans->count * sizeof(list.items[0]))};

    for (size_t i = 0; list.items != NULL && i < plans->count; i++) {
        const struct container_plan *plan = &plans->items[i];
        list.items[list.count++] = (struct record_container){
            .name = plan->target->container->name,
            .env = plan->env.ours,
            .python_path = plan->env.python_path,
            .mount_path = mount_plan_record(&plan->mounts, OWN_PACKAGE),
            .pth_path = mount_plan_record(&plan->mounts, OWN_PTH),
        };
    }
    return list;
}

/* Edits stand in the order that rpw_jsonpatch_write() asks for: those of containers before those of their array. */
static void emit(struct injector *injector, const struct container_plan_list *plans, const struct record *record,
                 size_t chart, bool is_current)
{
    struct record new_record = {.containers = record_plans(injector, plans)};

    for (size_t i = 0; i < plans->count; i++) {
        env_plan_emit(&plans->items[i].env);
        mount_plan_emit(&plans->items[i].mounts);
    }
    new_record.init_containers = init_containers_emit(injector, record, plans, chart, is_current);
    new_record.volume = volume_emit(injector, record, plans);
    annotations_emit(injector, record, &new_record, plans);
}

static bool has_adopted(const struct target_list *targets)
{
    for (size_t i = 0; i < targets->count; i++)
        if (targets->items[i].adopted_path.ptr != NULL)
            return true;
    return false;
}

static void inject(struct injector *injector)
{
    /* A package among the image's own needs no path, so none is taken from the charts. */
    size_t chart = injector->policy->source != RPW_SOURCE_SITE_PACKAGES ? chart_find(injector->pod) : RPW_NO_INDEX;
    struct record record = record_read(injector);
    struct target_list targets = target_find_all(injector, &record, chart != RPW_NO_INDEX);
    /* Nothing of the policy's source reaches a pod whose targets all use the charts' packages. */
    struct rpw_span revision =
        target_are_all_adopted(&targets) ? injector->policy->chart_revision : injector->policy->revision;
    bool is_current = rpw_span_equal(injector->pod->metadata.annotations.revision, revision);

    injector->result.revision = revision;
    if (injector->has_failed)
        return;
    if (chart != RPW_NO_INDEX && !is_current && has_adopted(&targets))
        chart_compare(injector, chart);
    struct container_plan_list plans = plan_all(injector, &targets, &record, chart != RPW_NO_INDEX, is_current);
    if (injector->has_failed)
        return;
    emit(injector, &plans, &record, chart, is_current);
    if (injector->result.is_refused) {
        injector->result.edits = (struct rpw_edit_list){0, NULL};
        injector->result.message = conflict_message(injector);
    }
}

enum rpw_status rpw_inject(struct rpw_arena *arena, const struct rpw_policy *policy, const struct rpw_pod *pod,
                           struct rpw_injection *ret_injection)
{
    struct injector injector = {.arena = arena, .policy = policy, .pod = pod};

    inject(&injector);
    if (injector.has_failed)
        return RPW_E_NOMEM;
    *ret_injection = injector.result;
    return RPW_OK;
}
