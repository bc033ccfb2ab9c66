/* variables.c - POLICY_PKG_PATH, the names of the packages, and the policy's settings. For one more, see variables_plan(). */
#include "variables.h"

#include "conflict.h"
#include "rpw/bytes/path.h"
#include "value.h"

/* What an entry says, for people. */
static struct rpw_span shown_env(struct injector *injector, const struct rpw_env *env)
{
    const struct rpw_env_var variable = value_of(env);

    return value_shown(injector, &variable);
}

static const struct rpw_env *env_at(const struct env_plan *plan, size_t index)
{
    return &plan->target->container->env.items[index];
}

static bool says(const struct env_plan *plan, size_t index, const struct rpw_env_var *wanted)
{
    const struct rpw_env_var found = value_of(env_at(plan, index));

    return value_equal(plan->injector, &found, wanted);
}

/* Ours stands there already: it stays on record if it was. */
static void claim_again(struct env_plan *plan, size_t index, struct rpw_env_var ours)
{
    if (env_plan_is_on_record(plan, index))
        env_plan_claim(plan, ours);
}

/* Writes ours over the entry at index (RPW_NO_INDEX: there is none, and it goes to the list of new ones). */
static void write_ours(struct env_plan *plan, size_t index, struct rpw_env_var ours, struct env_var_list *list)
{
    if (index == RPW_NO_INDEX)
        env_plan_add(plan, list, ours);
    else
        env_plan_set(plan, index, ours);
    env_plan_claim(plan, ours);
}

/* --- POLICY_PKG_PATH ----------------------------------------------------------------------------------------------- */

/* NULL when a pod's own path is usable here, else what was expected. A file that is mounted below it would have no place. */
static const char *path_expectation(const struct env_plan *plan, struct rpw_span value)
{
    const char *expectation = rpw_path_expectation(value);
    struct rpw_span site_packages = plan->injector->policy->site_packages;

    if (expectation == NULL && injector_has_pth(plan->injector) &&
        (rpw_path_equal(site_packages, value) || rpw_path_is_below(site_packages, value) ||
         memchr(value.ptr, '\n', value.len) != NULL))
        expectation = "a directory, in one line, that the policy's sitePackages are not in";
    return expectation;
}

static bool resolve_path(struct env_plan *plan, const struct rpw_env *env, struct rpw_span ours, bool is_usable)
{
    struct injector *injector = plan->injector;
    struct rpw_span theirs = shown_env(injector, env);

    if (!is_usable && env->value_from.ptr == NULL)
        theirs = injector_text(injector, RPW_PARTS(rpw_plain(theirs), rpw_words(" (expected "),
                                                   rpw_words(path_expectation(plan, env->value)), rpw_words(")")));
    return conflict_resolve(injector,
                            (struct conflict){.container = plan->target->container->name,
                                              .field = env->name,
                                              .theirs = theirs,
                                              .ours = injector_quoted(injector, ours)},
                            is_usable);
}

static void plan_path(struct env_plan *plan)
{
    size_t index = env_plan_find(plan, POLICY_PKG_PATH);
    struct rpw_span path = plan->target->adopted_path;

    if (path.ptr == NULL)
        path = plan->injector->policy->path;
    plan->path = path;
    const struct rpw_env_var ours = {.name = POLICY_PKG_PATH, .value = path};
    if (index == RPW_NO_INDEX) {
        write_ours(plan, index, ours, &plan->front);
        return;
    }
    const struct rpw_env *env = env_at(plan, index);
    bool is_usable = env->value_from.ptr == NULL && path_expectation(plan, env->value) == NULL;
    if (is_usable && rpw_path_equal(env->value, path))
        claim_again(plan, index, value_of(env));
    else if (rpw_env_is_empty(env) || env_plan_is_on_record(plan, index) || resolve_path(plan, env, path, is_usable))
        write_ours(plan, index, ours, &plan->front);
    else if (is_usable)
        plan->path = rpw_span_without_trailing_slashes(env->value);
}

/* --- names and settings --------------------------------------------------------------------------------------------------------- */

/* Whether the pod's own entry of this name says something else than ours. */
static bool is_theirs(const struct env_plan *plan, const struct rpw_env_var *ours)
{
    size_t index = ours->name.ptr != NULL ? env_plan_find(plan, ours->name) : RPW_NO_INDEX;

    return index != RPW_NO_INDEX && !rpw_env_is_empty(env_at(plan, index)) && !says(plan, index, ours) &&
           !env_plan_is_on_record(plan, index);
}

/* Where there is no entry of its name, it goes to the list; and where ours stands in front of entry behind, it is moved there.
 * Returns the index of its entry; RPW_NO_INDEX: it is new. */
static size_t plan_variable(struct env_plan *plan, struct rpw_env_var ours, struct env_var_list *list, size_t behind)
{
    struct injector *injector = plan->injector;
    size_t index = env_plan_find(plan, ours.name);
    bool is_there = index != RPW_NO_INDEX && says(plan, index, &ours);
    bool is_moved = index != RPW_NO_INDEX && index < behind && !env_plan_hides_another(plan, index);

    if (is_theirs(plan, &ours)) {
        struct conflict conflict = {.container = plan->target->container->name,
                                    .field = ours.name,
                                    .theirs = shown_env(injector, env_at(plan, index)),
                                    .ours = value_shown(injector, &ours)};
        if (!conflict_resolve(injector, conflict, true))
            return index;
    } else if (is_there && !(is_moved && env_plan_is_on_record(plan, index))) {
        claim_again(plan, index, ours);
        return index;
    }
    if (is_moved) {
        env_plan_remove(plan, index);
        index = RPW_NO_INDEX;
    }
    write_ours(plan, index, ours, list);
    return index;
}

/* Rucio reads a package's name from two places, its own variable and rucio.cfg, and which of them wins depends on its
 * version and on what asks. So a package that the pod names in one form is left to the pod in both. */
static void plan_name(struct env_plan *plan, const struct rpw_package *package, bool is_cfg)
{
    const struct rpw_env_var name = {.name = package->variable, .value = package->value};
    const struct rpw_env_var cfg_name = {.name = package->cfg_variable, .value = package->value};
    const struct rpw_env_var ours = is_cfg ? cfg_name : name;
    bool is_left = plan->injector->policy->on_conflict == RPW_CONFLICT_KEEP &&
                   (is_theirs(plan, &name) || is_theirs(plan, &cfg_name));

    /* What is left is still noted as a conflict where it stands. */
    if (ours.name.ptr != NULL && (!is_left || is_theirs(plan, &ours)))
        plan_variable(plan, ours, &plan->front, 0);
}

static void plan_names(struct env_plan *plan)
{
    const struct rpw_policy *policy = plan->injector->policy;

    for (size_t i = 0; i < policy->package_count; i++)
        plan_name(plan, &policy->packages[i], false);
    for (size_t i = 0; i < policy->package_count; i++)
        plan_name(plan, &policy->packages[i], true);
}

/* A setting may refer to those before it, so they stand in the policy's order. */
static void plan_settings(struct env_plan *plan)
{
    const struct rpw_policy *policy = plan->injector->policy;
    size_t behind = 0;

    for (size_t i = 0; i < policy->env_count; i++) {
        size_t index = plan_variable(plan, policy->env[i], &plan->behind, behind);
        if (index == RPW_NO_INDEX)
            index = plan->target->container->env.count;
        behind = index > behind ? index : behind;
    }
}

/* --- names of other packages ----------------------------------------------------------------------------------------- */

static bool is_given(const struct rpw_policy *policy, struct rpw_span vo)
{
    for (size_t i = 0; i < policy->package_count; i++) {
        struct rpw_span given;
        if (rpw_policy_names_package(policy->packages[i].variable, &given) && rpw_span_equal_ignoring_case(given, vo))
            return true;
    }
    return false;
}

static bool is_noted(const size_t *noted, size_t count, const struct rpw_env_list *env, struct rpw_span name)
{
    for (size_t i = 0; i < count; i++)
        if (rpw_span_equal(env->items[noted[i]].name, name))
            return true;
    return false;
}

/* A package that only the pod names: a Rucio that looks for it finds it. There is nothing of ours to put in its place. */
static void note_stray_names(struct env_plan *plan)
{
    const struct rpw_env_list *env = &plan->target->container->env;
    size_t noted[RPW_MAX_STRAY_NAMES], count = 0;

    for (size_t i = env->count; i > 0 && count < RPW_MAX_STRAY_NAMES; i--) {
        const struct rpw_env *item = &env->items[i - 1];
        struct rpw_span vo;
        if (!rpw_policy_names_package(item->name, &vo) || is_given(plan->injector->policy, vo) ||
            is_noted(noted, count, env, item->name))
            continue;
        noted[count++] = i - 1;
        if (!rpw_env_is_empty(item) && !env_plan_is_on_record(plan, i - 1))
            conflict_leave(plan->injector, (struct conflict){.kind = CONFLICT_STRAY_NAME,
                                                             .container = plan->target->container->name,
                                                             .field = item->name,
                                                             .theirs = shown_env(plan->injector, item),
                                                             .ours = RPW_LIT("no package for it")});
    }
}

/* --- the whole ----------------------------------------------------------------------------------------------------- */

static bool may_be_brought(const struct rpw_env_from_list *env_from, const struct env_var_list *variables)
{
    for (size_t i = 0; i < variables->count; i++)
        if (rpw_env_from_may_bring(env_from, variables->items[i].name))
            return true;
    return false;
}

static void warn_of_env_from(struct env_plan *plan)
{
    const struct rpw_container *container = plan->target->container;

    if (may_be_brought(&container->env_from, &plan->front) || may_be_brought(&container->env_from, &plan->behind))
        injector_warn(plan->injector, container->name,
                      RPW_PARTS(rpw_words("the variables set here win over those of the same name in its envFrom")));
}

void variables_plan(struct env_plan *plan)
{
    if (plan->injector->policy->source != RPW_SOURCE_SITE_PACKAGES)
        plan_path(plan);
    plan_names(plan);
    plan_settings(plan);
    note_stray_names(plan);
    warn_of_env_from(plan);
}
