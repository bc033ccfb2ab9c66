/* python_path.c - the PYTHONPATH of one container. */
#include "rpw/bytes/path.h"
#include "rpw/inject/pythonpath.h"
#include "value.h"
#include "variables.h"

#define BASE_PYTHONPATH RPW_LIT("RUCIO_POLICY_BASE_PYTHONPATH")

/* ours in front of rest, or behind it when the policy appends. */
static struct rpw_span with(const struct env_plan *plan, struct rpw_span ours, struct rpw_span rest)
{
    struct rpw_span value = {NULL, 0};

    if (!rpw_pythonpath_with(plan->injector->arena, plan->injector->policy->python_path, ours, rest, &value))
        plan->injector->has_failed = true;
    return value;
}

/* What is ours where the container has nothing of its own. may_be_brought: it has no entry either, and so gets what envFrom or
 * the image may bring. The kubelet expands $(PYTHONPATH) from envFrom, and leaves a harmless text where envFrom has none;
 * then the image's own value would be lost, so it follows. */
static struct rpw_span value_for_nothing(const struct env_plan *plan, bool may_be_brought)
{
    struct rpw_span image = plan->injector->policy->image_python_path;

    if (!may_be_brought || !rpw_env_from_may_bring(&plan->target->container->env_from, PYTHONPATH))
        return with(plan, plan->path, image);
    return with(plan, plan->path,
                injector_text(plan->injector, RPW_PARTS(rpw_words("$(PYTHONPATH)"), rpw_words(image.len > 0 ? ":" : ""),
                                                        rpw_plain(image))));
}

/* --- a reference --------------------------------------------------------------------------------------------------- */

static void wrap_reference(struct env_plan *plan, size_t index)
{
    env_plan_rename(plan, index, BASE_PYTHONPATH, with(plan, plan->path, RPW_LIT("$(RUCIO_POLICY_BASE_PYTHONPATH)")));
    plan->python_path = plan->path;
    if (value_is_optional(plan->injector, plan->target->container->env.items[index].value_from))
        injector_warn(
            plan->injector, plan->target->container->name,
            RPW_PARTS(rpw_words("PYTHONPATH comes from an optional reference; unset, its name stays in the text")));
}

/* --- a literal ----------------------------------------------------------------------------------------------------- */

/* Whether "$(POLICY_PKG_PATH)" in the entry at index stands for the path: the kubelet knows only what stands earlier. */
static bool is_reference_to_path(const struct env_plan *plan, size_t index)
{
    size_t earlier = rpw_env_find(&plan->target->container->env, POLICY_PKG_PATH, index);

    if (earlier == RPW_NO_INDEX)
        return env_plan_find(plan, POLICY_PKG_PATH) == RPW_NO_INDEX;
    struct rpw_span value = env_plan_value(plan, earlier);
    return rpw_path_is_absolute(value) && rpw_path_equal(value, plan->path);
}

static bool has_path(const struct env_plan *plan, size_t index, struct rpw_span value)
{
    return rpw_pythonpath_has(value, plan->path, is_reference_to_path(plan, index));
}

/* The literal without what is ours by the record. */
static struct rpw_span without_ours(const struct env_plan *plan, struct rpw_span value)
{
    struct rpw_span rest = value;

    if (plan->target->on_record != NULL &&
        !rpw_pythonpath_without(plan->injector->arena, value, plan->target->on_record->python_path, &rest))
        plan->injector->has_failed = true;
    return rest;
}

static void plan_literal(struct env_plan *plan, size_t index, bool has_ours)
{
    struct rpw_span found = plan->target->container->env.items[index].value;
    struct rpw_span rest = without_ours(plan, found), value = rest;
    bool was_wholly_ours = rest.len == 0 && found.len > 0;
    /* With no reference to what envFrom may bring, there was an entry of the pod's own, which had blanked it. */
    bool was_blank = was_wholly_ours && rpw_env_from_may_bring(&plan->target->container->env_from, PYTHONPATH) &&
                     !rpw_span_contains(found, RPW_LIT("$(PYTHONPATH)"));

    if (has_ours && !has_path(plan, index, rest)) {
        plan->python_path = rest.len > 0 ? plan->path : value_for_nothing(plan, was_wholly_ours && !was_blank);
        value = rest.len > 0 ? with(plan, plan->path, rest) : plan->python_path;
    }
    if (value.len == 0 && found.len > 0 && !was_blank)
        env_plan_remove(plan, index);
    else if (!rpw_span_equal(value, found))
        env_plan_set(plan, index, (struct rpw_env_var){PYTHONPATH, value, {NULL, 0}});
}

/* --- the whole ----------------------------------------------------------------------------------------------------- */

void python_path_plan(struct env_plan *plan, bool is_current)
{
    const struct rpw_policy *policy = plan->injector->policy;
    bool has_ours = plan->target->is_wanted && policy->source != RPW_SOURCE_SITE_PACKAGES &&
                    (policy->python_path == RPW_PYTHON_PATH_PREPEND || policy->python_path == RPW_PYTHON_PATH_APPEND);
    struct rpw_span recorded = plan->target->on_record != NULL ? plan->target->on_record->python_path : RPW_LIT("");
    size_t index = env_plan_find(plan, PYTHONPATH);

    if (index == RPW_NO_INDEX) {
        if (has_ours) {
            plan->python_path = value_for_nothing(plan, true);
            env_plan_add(plan, &plan->front, (struct rpw_env_var){PYTHONPATH, plan->python_path, {NULL, 0}});
        }
    } else if (plan->target->container->env.items[index].value_from.ptr != NULL) {
        if (has_ours)
            wrap_reference(plan, index);
    } else if (has_ours && is_current && recorded.len > 0 &&
               has_path(plan, index, plan->target->container->env.items[index].value)) {
        /* Others may have written around ours since. */
        plan->python_path = recorded;
    } else {
        plan_literal(plan, index, has_ours);
    }
}
