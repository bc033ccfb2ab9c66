/* variables.c - POLICY_PKG_PATH and the names of the packages. For one more variable, see variables_plan(). */
#include "variables.h"

#include "conflict.h"
#include "rpw/bytes/path.h"

/* What an entry says, for people. */
static struct rpw_span shown_env(struct injector *injector, const struct rpw_env *env)
{
    if (env->value_from.ptr == NULL)
        return injector_quoted(injector, env->value);
    return injector_text(injector, RPW_PARTS(rpw_words("valueFrom "), rpw_plain(env->value_from)));
}

static const struct rpw_env *env_at(const struct env_plan *plan, size_t index)
{
    return &plan->target->container->env.items[index];
}

static bool is_literal(const struct rpw_env *env, struct rpw_span value)
{
    return env->value_from.ptr == NULL && rpw_span_equal(env->value, value);
}

/* Ours stands there already: it stays on record if it was. */
static void claim_again(struct env_plan *plan, size_t index)
{
    if (env_plan_is_on_record(plan, index))
        env_plan_claim(plan, env_at(plan, index)->name, env_at(plan, index)->value);
}

/* Writes ours over the entry at index (RPW_NO_INDEX: there is none). */
static void write_ours(struct env_plan *plan, size_t index, struct rpw_span name, struct rpw_span value)
{
    if (index == RPW_NO_INDEX)
        env_plan_add_in_front(plan, name, value);
    else
        env_plan_set(plan, index, value);
    env_plan_claim(plan, name, value);
}

/* --- POLICY_PKG_PATH ----------------------------------------------------------------------------------------------- */

static bool resolve_path(struct env_plan *plan, const struct rpw_env *env, struct rpw_span ours, bool is_usable)
{
    struct injector *injector = plan->injector;
    struct rpw_span theirs = shown_env(injector, env);

    if (!is_usable && env->value_from.ptr == NULL)
        theirs = injector_text(injector, RPW_PARTS(rpw_plain(theirs), rpw_words(" (expected "),
                                                   rpw_words(rpw_path_expectation(env->value)), rpw_words(")")));
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
    struct rpw_span ours = plan->target->adopted_path;

    if (ours.ptr == NULL)
        ours = plan->injector->policy->path;
    plan->path = ours;
    if (index == RPW_NO_INDEX) {
        write_ours(plan, index, POLICY_PKG_PATH, ours);
        return;
    }
    const struct rpw_env *env = env_at(plan, index);
    bool is_usable = env->value_from.ptr == NULL && rpw_path_expectation(env->value) == NULL;
    if (is_usable && rpw_path_equal(env->value, ours))
        claim_again(plan, index);
    else if (rpw_env_is_empty(env) || env_plan_is_on_record(plan, index) || resolve_path(plan, env, ours, is_usable))
        write_ours(plan, index, POLICY_PKG_PATH, ours);
    else if (is_usable)
        plan->path = rpw_span_without_trailing_slashes(env->value);
}

/* --- names --------------------------------------------------------------------------------------------------------- */

/* Whether the pod's own entry of this name says something else than the value of ours. */
static bool is_theirs(const struct env_plan *plan, struct rpw_span name, struct rpw_span value)
{
    size_t index = name.ptr != NULL ? env_plan_find(plan, name) : RPW_NO_INDEX;

    return index != RPW_NO_INDEX && !rpw_env_is_empty(env_at(plan, index)) && !is_literal(env_at(plan, index), value) &&
           !env_plan_is_on_record(plan, index);
}

/* is_left: the package is left to the pod. */
static void plan_name(struct env_plan *plan, struct rpw_span name, struct rpw_span value, bool is_left)
{
    struct injector *injector = plan->injector;
    size_t index = env_plan_find(plan, name);

    if (is_theirs(plan, name, value)) {
        struct conflict conflict = {.container = plan->target->container->name,
                                    .field = name,
                                    .theirs = shown_env(injector, env_at(plan, index)),
                                    .ours = injector_quoted(injector, value)};
        if (conflict_resolve(injector, conflict, true))
            write_ours(plan, index, name, value);
    } else if (!is_left && index != RPW_NO_INDEX && is_literal(env_at(plan, index), value)) {
        claim_again(plan, index);
    } else if (!is_left) {
        write_ours(plan, index, name, value);
    }
}

/* Rucio reads a package's name from two places, its own variable and rucio.cfg, and which of them wins depends on its
 * version and on what asks. So a package that the pod names in one form is left to the pod in both. */
static bool is_left_to_pod(const struct env_plan *plan, const struct rpw_package *package)
{
    return plan->injector->policy->on_conflict == RPW_CONFLICT_KEEP &&
           (is_theirs(plan, package->variable, package->value) ||
            is_theirs(plan, package->cfg_variable, package->value));
}

static void plan_names(struct env_plan *plan)
{
    const struct rpw_policy *policy = plan->injector->policy;

    for (size_t i = 0; i < policy->package_count; i++)
        plan_name(plan, policy->packages[i].variable, policy->packages[i].value,
                  is_left_to_pod(plan, &policy->packages[i]));
    for (size_t i = 0; i < policy->package_count; i++)
        if (policy->packages[i].cfg_variable.ptr != NULL)
            plan_name(plan, policy->packages[i].cfg_variable, policy->packages[i].value,
                      is_left_to_pod(plan, &policy->packages[i]));
}

/* --- names of other packages ----------------------------------------------------------------------------------------- */

/* What tells the package that a variable names from others: "" or a VO. False when it names none. */
static bool read_vo(struct rpw_span name, struct rpw_span *ret_vo)
{
    static const struct {
        struct rpw_span prefix;
        char separator;
    } forms[] = {
        {{"RUCIO_POLICY_PACKAGE", sizeof("RUCIO_POLICY_PACKAGE") - 1}, '_'},
        {{"RUCIO_CFG_POLICY_PACKAGE", sizeof("RUCIO_CFG_POLICY_PACKAGE") - 1}, '-'},
    };

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct rpw_span prefix = forms[i].prefix;
        if (!rpw_span_starts_with(name, prefix))
            continue;
        *ret_vo = (struct rpw_span){name.ptr + prefix.len, name.len - prefix.len};
        if (ret_vo->len == 0)
            return true;
        *ret_vo = (struct rpw_span){ret_vo->ptr + 1, ret_vo->len - 1};
        return name.ptr[prefix.len] == forms[i].separator;
    }
    return false;
}

static bool is_given(const struct rpw_policy *policy, struct rpw_span vo)
{
    for (size_t i = 0; i < policy->package_count; i++) {
        struct rpw_span given;
        if (read_vo(policy->packages[i].variable, &given) && rpw_span_equal_ignoring_case(given, vo))
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
        if (!read_vo(item->name, &vo) || is_given(plan->injector->policy, vo) ||
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

static void warn_of_env_from(struct env_plan *plan)
{
    const struct rpw_container *container = plan->target->container;
    bool is_hidden = false;

    for (size_t i = 0; i < plan->front.count; i++)
        is_hidden = is_hidden || rpw_env_from_may_bring(&container->env_from, plan->front.items[i].name);
    if (is_hidden)
        injector_warn(plan->injector, container->name,
                      RPW_PARTS(rpw_words("the variables set here win over those of the same name in its envFrom")));
}

void variables_plan(struct env_plan *plan)
{
    plan_path(plan);
    plan_names(plan);
    note_stray_names(plan);
    warn_of_env_from(plan);
}
