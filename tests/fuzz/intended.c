/* intended.c - see intended.h. Strips by name and place alone, knowing nothing of the rules that decided. */
#include "intended.h"

#include <string.h>

/* The paths of the fuzz target's policies, and so the only ones where a mount of the pod's own may go. */
static const char *const policy_paths[] = {"/opt/rucio/policy", "/opt/policies"};

static bool has_prefix(const char *text, const char *prefix)
{
    return text != NULL && strncmp(text, prefix, strlen(prefix)) == 0;
}

static const char *string_at(json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static bool is_missing_or_empty(json_t *value)
{
    return value == NULL || json_is_null(value) || (json_is_array(value) && json_array_size(value) == 0) ||
           (json_is_object(value) && json_object_size(value) == 0);
}

static bool is_our_variable(json_t *variable)
{
    const char *name = string_at(variable, "name");

    return name != NULL && (strcmp(name, "PYTHONPATH") == 0 || strcmp(name, "POLICY_PKG_PATH") == 0 ||
                            strcmp(name, "RUCIO_POLICY_BASE_PYTHONPATH") == 0 ||
                            has_prefix(name, "RUCIO_POLICY_PACKAGE") || has_prefix(name, "RUCIO_CFG_POLICY_PACKAGE"));
}

static bool is_our_volume(json_t *volume)
{
    return has_prefix(string_at(volume, "name"), "rucio-policy");
}

static bool is_our_mount(json_t *mount)
{
    const char *path = string_at(mount, "mountPath");

    for (size_t i = 0; path != NULL && i < sizeof(policy_paths) / sizeof(policy_paths[0]); i++) {
        size_t len = strlen(policy_paths[i]);
        if (has_prefix(path, policy_paths[i]) && (path[len] == '/' || path[len] == '\0'))
            return true;
    }
    return has_prefix(string_at(mount, "name"), "rucio-policy");
}

static void strip_list(json_t *object, const char *key, bool (*is_ours)(json_t *item))
{
    json_t *list = json_object_get(object, key);

    for (size_t i = json_array_size(list); i-- > 0;)
        if (is_ours(json_array_get(list, i)))
            json_array_remove(list, i);
    if (is_missing_or_empty(list))
        json_object_del(object, key);
}

static bool is_our_container(json_t *container)
{
    const char *name = string_at(container, "name");

    return name != NULL && (strcmp(name, "rucio-policy-install") == 0 || strcmp(name, "rucio-policy-copy") == 0 ||
                            strcmp(name, "rucio-policy-verify") == 0);
}

/* Takes our volumes out of a list of names and commas; the annotation goes when nothing is left. */
static void strip_evictable(json_t *annotations)
{
    static const char key[] = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes";
    const char *at = string_at(annotations, key);
    json_t *rest = json_string("");

    while (at != NULL && *at != '\0') {
        int len = (int)strcspn(at, ",");
        if (len > 0 && !has_prefix(at, "rucio-policy")) {
            json_t *longer = json_sprintf("%s%.*s,", json_string_value(rest), len, at);
            json_decref(rest);
            rest = longer;
        }
        at += len;
        at += *at == ',';
    }
    if (json_string_length(rest) > 0)
        json_object_set(annotations, key, rest);
    else
        json_object_del(annotations, key);
    json_decref(rest);
}

static bool is_target(json_t *container)
{
    const char *name = string_at(container, "name");

    return name != NULL &&
           (strcmp(name, "rucio-server") == 0 || strcmp(name, "rucio-daemons") == 0 || strcmp(name, "rucio-ui") == 0);
}

static void strip_containers(json_t *containers, bool is_any_container)
{
    for (size_t i = 0; i < json_array_size(containers); i++) {
        json_t *container = json_array_get(containers, i);
        if (is_our_container(container) || (!is_any_container && !is_target(container)))
            continue;
        strip_list(container, "env", is_our_variable);
        strip_list(container, "volumeMounts", is_our_mount);
    }
}

void intended_strip(json_t *pod, bool is_any_container)
{
    static const char *const annotation_names[] = {
        "policy.rucio.cern.ch/status",
        "policy.rucio.cern.ch/policy",
        "policy.rucio.cern.ch/revision",
        "policy.rucio.cern.ch/conflicts",
    };
    json_t *metadata = json_object_get(pod, "metadata");
    json_t *annotations = json_object_get(metadata, "annotations");
    json_t *spec = json_object_get(pod, "spec");

    for (size_t i = 0; i < sizeof(annotation_names) / sizeof(annotation_names[0]); i++)
        json_object_del(annotations, annotation_names[i]);
    strip_evictable(annotations);
    if (is_missing_or_empty(annotations))
        json_object_del(metadata, "annotations");
    if (is_missing_or_empty(metadata))
        json_object_del(pod, "metadata");
    strip_list(spec, "volumes", is_our_volume);
    strip_containers(json_object_get(spec, "containers"), is_any_container);
    strip_list(spec, "initContainers", is_our_container);
    strip_containers(json_object_get(spec, "initContainers"), is_any_container);
}
