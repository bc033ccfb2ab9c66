/* inject_env.c - the variables of one container: where its package lies, what it is called, PYTHONPATH. */
#include "injector.h"
#include "rpw/bytes/json_fields.h"
#include "rpw/inject/pythonpath.h"

#define POLICY_PKG_PATH RPW_LIT("POLICY_PKG_PATH")
#define PYTHONPATH RPW_LIT("PYTHONPATH")
#define BASE_PYTHONPATH RPW_LIT("RUCIO_POLICY_BASE_PYTHONPATH")

/* --- variables ----------------------------------------------------------------------------------------------------- */

/* What an entry says, for people. */
static struct rpw_span shown_env(struct target *target, const struct rpw_env *env)
{
    struct rpw_strbuf writer;

    if (env->value_from.ptr == NULL)
        return injector_quoted(target->injector, env->value);
    rpw_strbuf_init(&writer, target->injector->arena);
    rpw_strbuf_put(&writer, "valueFrom ");
    rpw_strbuf_put_span(&writer, env->value_from);
    return injector_text(target->injector, &writer);
}

/* --- what an earlier revision of ours has written ------------------------------------------------------------------ */

static const struct rpw_span name_prefixes[] = {
    {"RUCIO_POLICY_PACKAGE", sizeof("RUCIO_POLICY_PACKAGE") - 1},
    {"RUCIO_CFG_POLICY_PACKAGE", sizeof("RUCIO_CFG_POLICY_PACKAGE") - 1},
};

/* Splits a variable that names a package into its form (an index of name_prefixes) and what follows: "", "_ATL", "-atl". */
static bool split_name(struct rpw_span name, size_t *ret_form, struct rpw_span *ret_rest)
{
    for (size_t i = 0; i < sizeof(name_prefixes) / sizeof(name_prefixes[0]); i++) {
        if (!rpw_span_starts_with(name, name_prefixes[i]))
            continue;
        *ret_form = i;
        *ret_rest = (struct rpw_span){name.ptr + name_prefixes[i].len, name.len - name_prefixes[i].len};
        return true;
    }
    return false;
}

static char lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte + ('a' - 'A')) : byte;
}

/* RUCIO_POLICY_PACKAGE_ATL and RUCIO_CFG_POLICY_PACKAGE-atl name the same package. */
static bool are_twins(struct rpw_span a, struct rpw_span b)
{
    size_t form_a, form_b;
    struct rpw_span rest_a, rest_b;

    if (!split_name(a, &form_a, &rest_a) || !split_name(b, &form_b, &rest_b) || form_a == form_b ||
        rest_a.len != rest_b.len)
        return false;
    for (size_t i = 1; i < rest_a.len; i++)
        if (lower(rest_a.ptr[i]) != lower(rest_b.ptr[i]))
            return false;
    return rest_a.len == 0 || (rest_a.ptr[0] == '_' && rest_b.ptr[0] == '-') ||
           (rest_a.ptr[0] == '-' && rest_b.ptr[0] == '_');
}

static bool is_left_by_record(const struct target *target, struct rpw_span variable)
{
    return injector_record_lists(target->injector, target->container->name, variable);
}

static bool is_name_at(const struct target *target, size_t index, size_t *ret_form)
{
    const struct rpw_env_list *env = &target->container->env;
    struct rpw_span ignored;

    return index < env->count && split_name(env->items[index].name, ret_form, &ignored);
}

/* Our variables stand in front of the pod's own: POLICY_PKG_PATH, unless it is the pod's, and the packages' names, first all
 * in the one form, then all in the other. Where that order begins anew, the pod's own begin. But a later revision has put
 * what was new in it in front of all that, so what stands before our POLICY_PKG_PATH is ours in any order. */
static void find_older_run(struct target *target)
{
    size_t form, last_form = 0, path;

    if (target->older_path.ptr == NULL)
        return;
    path = is_left_by_record(target, POLICY_PKG_PATH) ? ENV_PLAN_NONE
                                                      : env_plan_find(&target->env, POLICY_PKG_PATH, ENV_PLAN_NONE);
    if (!is_name_at(target, 0, &form) && path != ENV_PLAN_NONE)
        target->run_start = path + 1;
    target->run_end = target->run_start;
    while (target->run_end - target->run_start < RPW_MAX_OLDER_NAMES) {
        bool is_up_to_path = path != ENV_PLAN_NONE && target->run_end <= path;
        if (!is_up_to_path) {
            if (!is_name_at(target, target->run_end, &form) || form < last_form)
                break;
            last_form = form;
        }
        target->run_end++;
    }
}

/* We write a package's name in two forms. So an entry is taken for ours when both are there with the same value, at least one
 * of them in the run; what the pod has set by itself has no such twin. */
static bool is_older_name(const struct target *target, const struct rpw_env *env)
{
    const struct rpw_env *items = target->container->env.items;

    if (target->older_path.ptr == NULL || env->value_from.ptr != NULL || is_left_by_record(target, env->name))
        return false;
    bool is_in_run = env >= items + target->run_start && env < items + target->run_end;
    size_t end = is_in_run ? target->container->env.count : target->run_end;
    for (size_t i = is_in_run ? 0 : target->run_start; i < end; i++)
        if (items[i].value_from.ptr == NULL && rpw_span_equal(items[i].value, env->value) &&
            are_twins(items[i].name, env->name))
            return true;
    return false;
}

static bool is_older_path(const struct target *target)
{
    return target->older_path.ptr != NULL && !is_left_by_record(target, POLICY_PKG_PATH);
}

/* --- path and names ------------------------------------------------------------------------------------------------ */

static bool resolve_path(struct target *target, const struct rpw_env *env, struct rpw_span ours, bool is_usable)
{
    struct rpw_strbuf theirs;

    rpw_strbuf_init(&theirs, target->injector->arena);
    rpw_strbuf_put_span(&theirs, shown_env(target, env));
    if (!is_usable && env->value_from.ptr == NULL)
        rpw_strbuf_put(&theirs, " (a usable path is absolute, not \"/\", without ':', \"$(\" and \"$$\")");
    struct conflict conflict = {
        .container = target->container->name,
        .field = env->name,
        .theirs = injector_text(target->injector, &theirs),
        .ours = injector_quoted(target->injector, ours),
    };
    return injector_resolve(target->injector, conflict, is_usable);
}

static bool resolve_name(struct target *target, const struct rpw_env *env, struct rpw_span ours)
{
    struct conflict conflict = {
        .container = target->container->name,
        .field = env->name,
        .theirs = shown_env(target, env),
        .ours = injector_quoted(target->injector, ours),
    };
    return injector_resolve(target->injector, conflict, true);
}

/* POLICY_PKG_PATH: decides the path for all that follows. */
static void plan_path(struct target *target)
{
    struct rpw_span ours = target->is_adopted ? target->path : target->injector->policy->path;
    size_t index = env_plan_find(&target->env, POLICY_PKG_PATH, ENV_PLAN_NONE);

    target->path = ours;
    if (index == ENV_PLAN_NONE) {
        env_plan_add_in_front(&target->env, POLICY_PKG_PATH, ours);
        return;
    }
    const struct rpw_env *env = &target->container->env.items[index];
    struct rpw_span theirs = rpw_span_without_trailing_slashes(env->value);
    bool is_literal = env->value_from.ptr == NULL;
    if (is_literal && rpw_span_equal(theirs, ours))
        return;
    bool is_usable = is_literal && injector_is_usable_path(theirs);
    if (rpw_env_is_empty(env) || is_older_path(target) || resolve_path(target, env, ours, is_usable))
        env_plan_set(&target->env, index, ours);
    else if (is_usable)
        target->path = theirs;
}

/* The pod's own entry of this name, saying something else than ours; NULL when there is none. */
static const struct rpw_env *find_theirs(const struct target *target, const struct rpw_env_var *ours)
{
    const struct rpw_env *env = rpw_container_last_env(target->container, ours->name);

    if (env == NULL || rpw_env_is_empty(env) || is_older_name(target, env) ||
        (env->value_from.ptr == NULL && rpw_span_equal(env->value, ours->value)))
        return NULL;
    return env;
}

/* Rucio reads a package's name from two places, its own variable and rucio.cfg, and which of them wins depends on its
 * version and on what asks. So a package that the pod names in one form is left to the pod in both. */
static bool is_left_to_pod(const struct target *target, size_t package)
{
    const struct rpw_policy *policy = target->injector->policy;
    size_t twin = package + policy->package_count;

    return policy->on_conflict == RPW_CONFLICT_KEEP &&
           (find_theirs(target, &policy->names[package]) != NULL ||
            (twin < policy->name_count && find_theirs(target, &policy->names[twin]) != NULL));
}

/* RUCIO_POLICY_PACKAGE and its kin. */
static void plan_name(struct target *target, size_t index)
{
    const struct rpw_policy *policy = target->injector->policy;
    const struct rpw_env_var *ours = &policy->names[index];
    const struct rpw_env *theirs = find_theirs(target, ours);
    size_t found = env_plan_find(&target->env, ours->name, ENV_PLAN_NONE);
    const struct rpw_env *env = found != ENV_PLAN_NONE ? &target->container->env.items[found] : NULL;

    if (theirs != NULL && !resolve_name(target, theirs, ours->value))
        return;
    if (theirs == NULL && is_left_to_pod(target, index % policy->package_count)) {
        if (env != NULL && is_older_name(target, env))
            env_plan_remove(&target->env, found);
        return;
    }
    if (env == NULL)
        env_plan_add_in_front(&target->env, ours->name, ours->value);
    else if (env->value_from.ptr != NULL || !rpw_span_equal(env->value, ours->value))
        env_plan_set(&target->env, found, ours->value);
}

static bool is_wanted_name(const struct rpw_policy *policy, struct rpw_span name)
{
    for (size_t i = 0; i < policy->name_count; i++)
        if (rpw_span_equal(policy->names[i].name, name))
            return true;
    return false;
}

/* An earlier revision named packages that this one does not. */
static void remove_older_names(struct target *target)
{
    for (size_t i = 0; target->older_path.ptr != NULL && i < target->container->env.count; i++) {
        const struct rpw_env *env = &target->container->env.items[i];
        if (is_older_name(target, env) && !is_wanted_name(target->injector->policy, env->name))
            env_plan_remove(&target->env, i);
    }
}

static void warn_of_env_from(struct target *target)
{
    struct rpw_strbuf writer;

    if (target->container->env_from.count == 0 || target->env.front_count == 0)
        return;
    injector_begin_warning(target->injector, target->container->name, &writer);
    rpw_strbuf_put(&writer, "the variables set here win over those of the same name in its envFrom");
    injector_end_warning(target->injector, &writer);
}

/* --- PYTHONPATH ---------------------------------------------------------------------------------------------------- */

static struct rpw_span with_path(struct target *target, struct rpw_span rest)
{
    struct rpw_span value = {NULL, 0};

    if (!rpw_pythonpath_with(target->injector->arena, target->injector->policy->python_path, target->path, rest,
                             &value))
        target->injector->has_failed = true;
    return value;
}

/* Whether "$(POLICY_PKG_PATH)" in the entry at index stands for the path: the kubelet knows only what stands earlier. */
static bool is_reference_to_path(const struct target *target, size_t index)
{
    size_t earlier = env_plan_find(&target->env, POLICY_PKG_PATH, index);

    if (earlier == ENV_PLAN_NONE)
        return env_plan_find(&target->env, POLICY_PKG_PATH, ENV_PLAN_NONE) == ENV_PLAN_NONE;
    return rpw_span_equal(rpw_span_without_trailing_slashes(env_plan_value(&target->env, earlier)), target->path);
}

struct reference {
    bool is_optional;
};

static const struct rpw_json_field reference_fields[] = {
    RPW_JSON_FIELD("valueFrom.", "optional", rpw_json_field_bool, struct reference, is_optional),
};

/* valueFrom: {secretKeyRef: {name: ..., key: ..., optional: true}} and the other kinds of references. */
static bool is_optional_reference(struct target *target, struct rpw_span value_from)
{
    struct rpw_json_reader reader;
    struct reference reference = {false};
    struct rpw_span kind;

    rpw_json_reader_init(&reader, target->injector->arena, value_from);
    rpw_json_enter_object(&reader, "valueFrom");
    while (rpw_json_next_member(&reader, &kind))
        if (!rpw_json_take_null(&reader))
            rpw_json_read_fields(&reader, "valueFrom", reference_fields, 1, &reference);
    if (reader.err.status == RPW_E_NOMEM)
        target->injector->has_failed = true;
    return reference.is_optional;
}

static void wrap_reference(struct target *target, size_t index)
{
    struct rpw_strbuf writer;

    env_plan_rename(&target->env, index, BASE_PYTHONPATH,
                    with_path(target, RPW_LIT("$(RUCIO_POLICY_BASE_PYTHONPATH)")));
    if (!is_optional_reference(target, target->container->env.items[index].value_from))
        return;
    injector_begin_warning(target->injector, target->container->name, &writer);
    rpw_strbuf_put(&writer, "PYTHONPATH comes from an optional reference; unset, its name stays in the text");
    injector_end_warning(target->injector, &writer);
}

/* No entry of its own: nothing, or what envFrom or the image may bring. The kubelet expands $(PYTHONPATH) from envFrom, and
 * leaves a harmless text where envFrom has none; then the image's own value would be lost, so it follows. */
static void add_python_path(struct target *target)
{
    struct rpw_span rest = target->injector->policy->image_python_path;
    struct rpw_strbuf writer;

    if (target->container->env_from.count > 0) {
        rpw_strbuf_init(&writer, target->injector->arena);
        rpw_strbuf_put(&writer, "$(PYTHONPATH)");
        rpw_strbuf_put(&writer, rest.len > 0 ? ":" : "");
        rpw_strbuf_put_span(&writer, rest);
        rest = injector_text(target->injector, &writer);
    }
    env_plan_add_in_front(&target->env, PYTHONPATH, with_path(target, rest));
}

/* The literal as it was before an earlier revision of ours has put its path in. */
static struct rpw_span without_older_path(struct target *target, struct rpw_span value)
{
    struct rpw_span rest = value;

    if (is_older_path(target) && !rpw_pythonpath_without(target->injector->arena, value, target->older_path, &rest))
        target->injector->has_failed = true;
    return rest;
}

static void plan_python_path(struct target *target)
{
    bool has_new_path = target->injector->policy->python_path != RPW_PYTHON_PATH_ENTRYPOINT;
    size_t index = env_plan_find(&target->env, PYTHONPATH, ENV_PLAN_NONE);

    if (index == ENV_PLAN_NONE) {
        if (has_new_path)
            add_python_path(target);
        return;
    }
    const struct rpw_env *env = &target->container->env.items[index];
    if (env->value_from.ptr != NULL) {
        if (has_new_path)
            wrap_reference(target, index);
        return;
    }
    struct rpw_span rest = without_older_path(target, env->value), value = rest;
    if (has_new_path && !rpw_pythonpath_has(rest, target->path, is_reference_to_path(target, index)))
        value = with_path(target, rest.len > 0 ? rest : target->injector->policy->image_python_path);
    /* "$(PYTHONPATH)" is what we write for envFrom; alone it says no more than no entry at all. */
    bool is_nothing = value.len == 0 || rpw_span_is(value, "$(PYTHONPATH)");
    /* Without it an entry of the same name in front of it would count, which the pod had overridden with nothing. */
    bool is_needed = value.len == 0 && env_plan_find(&target->env, PYTHONPATH, index) != ENV_PLAN_NONE;
    if (is_nothing && !is_needed && value.len < env->value.len)
        env_plan_remove(&target->env, index);
    else if (!rpw_span_equal(value, env->value))
        env_plan_set(&target->env, index, value);
}

static struct rpw_span env_text(struct target *target)
{
    struct rpw_strbuf writer;

    rpw_strbuf_init(&writer, target->injector->arena);
    env_plan_put(&target->env, &writer);
    return injector_text(target->injector, &writer);
}

void inject_env(struct target *target)
{
    const struct rpw_policy *policy = target->injector->policy;

    env_plan_init(&target->env, target->injector->arena, &target->container->env);
    find_older_run(target);
    plan_path(target);
    for (size_t i = 0; i < policy->name_count; i++)
        plan_name(target, i);
    remove_older_names(target);
    warn_of_env_from(target);
    plan_python_path(target);
    env_plan_emit(&target->env, target->injector, target->kind, target->index);
    if (target->is_verified)
        target->injector->verify_env = env_text(target);
}
