/* check_summary.c - policies as JSON, so that an administrator, or a program, can compare what was meant with what was written. */
#include "check.h"

#include <stdlib.h>

#include "memory.h"
#include "policy_words.h"

static void set_span(json_t *object, const char *key, struct rpw_span text)
{
    if (text.len > 0)
        json_object_set_new(object, key, json_stringn(text.ptr, text.len));
}

/* JSON text; absent: nothing. */
static void set_json(json_t *object, const char *key, struct rpw_span text)
{
    if (text.ptr != NULL)
        json_object_set_new(object, key, json_loadb(text.ptr, text.len, JSON_ALLOW_NUL, NULL));
}

static json_t *new_list(struct rpw_span_list list)
{
    json_t *array = json_array();

    for (size_t i = 0; i < list.count; i++)
        json_array_append_new(array, json_stringn(list.items[i].ptr, list.items[i].len));
    return array;
}

/* --- which pods ------------------------------------------------------------------------------------------------------- */

static json_t *new_pods(const struct rpw_policy *policy)
{
    json_t *pods = json_object();
    char *labels = NULL;
    size_t len = 0;
    FILE *out = rpw_memory_open(&labels, &len);

    for (size_t i = 0; i < policy->requirement_count; i++) {
        fputs(i > 0 ? "," : "", out);
        rpw_policy_words_requirement(out, &policy->requirements[i]);
    }
    rpw_memory_close(out);
    json_object_set_new(pods, "namespaces",
                        policy->namespaces.count > 0 ? new_list(policy->namespaces) : json_string("any"));
    set_span(pods, "labels", (struct rpw_span){labels, len});
    if (policy->containers.count > 0)
        json_object_set_new(pods, "containers", new_list(policy->containers));
    if (policy->images.count > 0)
        json_object_set_new(pods, "images", new_list(policy->images));
    free(labels);
    return pods;
}

/* --- what they get ---------------------------------------------------------------------------------------------------- */

static json_t *new_variables(const struct rpw_policy *policy)
{
    json_t *variables = json_object();

    for (size_t i = 0; i < policy->package_count; i++) {
        const struct rpw_package *package = &policy->packages[i];

        json_object_setn_new(variables, package->variable.ptr, package->variable.len,
                             json_stringn(package->value.ptr, package->value.len));
        if (package->cfg_variable.ptr != NULL)
            json_object_setn_new(variables, package->cfg_variable.ptr, package->cfg_variable.len,
                                 json_stringn(package->value.ptr, package->value.len));
    }
    set_span(variables, "POLICY_PKG_PATH", policy->path);
    return variables;
}

/* What becomes of a PYTHONPATH of the pod's own. */
static json_t *new_python_path(const struct rpw_policy *policy)
{
    if (policy->python_path == RPW_PYTHON_PATH_ENTRYPOINT)
        return json_string("left to the image's entrypoint, which must add $POLICY_PKG_PATH to it");
    if (policy->python_path == RPW_PYTHON_PATH_PREPEND)
        return json_sprintf("%.*s:WHAT_THERE_IS", (int)policy->path.len, policy->path.ptr);
    return json_sprintf("WHAT_THERE_IS:%.*s", (int)policy->path.len, policy->path.ptr);
}

static json_t *new_init_container(const struct rpw_policy *policy)
{
    const struct rpw_installer *installer = &policy->installer;
    json_t *members = json_sprintf("{%.*s}", (int)installer->members.len, installer->members.ptr);
    json_t *container = json_loads(json_string_value(members), JSON_ALLOW_NUL, NULL), *names = json_array(), *variable;
    size_t index;

    json_array_foreach(json_object_get(container, "env"), index, variable)
    {
        json_array_append(names, json_object_get(variable, "name"));
    }
    json_object_del(container, "command");
    json_object_del(container, "terminationMessagePolicy");
    json_object_del(container, "env");
    if (json_array_size(names) > 0)
        json_object_set(container, "env", names);
    set_span(container, "image",
             installer->image.len > 0 ? installer->image : RPW_LIT("that of the container that gets the package"));
    set_span(container, "imagePullPolicy", installer->pull_policy);
    set_json(container, "resources", installer->resources);
    set_json(container, "securityContext", installer->security_context);
    json_object_set_new(container, "position",
                        json_string(installer->position == RPW_POSITION_FIRST ? "first" : "last"));
    json_decref(names);
    json_decref(members);
    return container;
}

static json_t *new_source(const struct rpw_policy *policy)
{
    json_t *source = json_object();

    if (policy->source == RPW_SOURCE_PREINSTALLED)
        json_object_set_new(source, "preinstalled", json_string("in the image, at POLICY_PKG_PATH"));
    if (policy->source == RPW_SOURCE_PIP || policy->source == RPW_SOURCE_COPY)
        json_object_set_new(source, policy->source == RPW_SOURCE_PIP ? "rucio-policy-install" : "rucio-policy-copy",
                            new_init_container(policy));
    set_json(source, "volume", policy->volume);
    set_span(source, "subPath", policy->sub_path);
    return source;
}

static json_t *new_policy(const struct rpw_policy *policy)
{
    static const char *const verify[] = {"off", "warn", "fail"}, *const conflicts[] = {"keep", "override", "reject"};
    json_t *summary =
        json_pack("{s:o, s:o, s:o, s:s, s:s}", "pods", new_pods(policy), "variables", new_variables(policy), "source",
                  new_source(policy), "verify", verify[policy->verify], "onConflict", conflicts[policy->on_conflict]);

    set_span(summary, "name", policy->name);
    set_span(summary, "revision", policy->revision);
    json_object_set_new(summary, "PYTHONPATH", new_python_path(policy));
    set_span(summary, "imagePythonPath", policy->image_python_path);
    return summary;
}

json_t *rpw_check_summary_new(const struct rpw_policy_set *set)
{
    json_t *policies = json_array();

    for (size_t i = 0; i < set->count; i++)
        json_array_append_new(policies, new_policy(&set->policies[i]));
    return policies;
}
