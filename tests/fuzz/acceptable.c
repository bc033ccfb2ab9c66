/* acceptable.c - see acceptable.h; the rules are those of k8s.io/kubernetes/pkg/apis/core/validation. */
#include "acceptable.h"

#include <string.h>

static const char *string_at(json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* How many items of list have text as key. */
static size_t count_with(json_t *list, const char *key, const char *text)
{
    size_t count = 0;

    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *other = string_at(json_array_get(list, i), key);
        count += other != NULL && strcmp(other, text) == 0;
    }
    return count;
}

static bool are_acceptable_mounts(json_t *container, json_t *volumes)
{
    json_t *mounts = json_object_get(container, "volumeMounts");

    for (size_t i = 0; i < json_array_size(mounts); i++) {
        const char *name = string_at(json_array_get(mounts, i), "name");
        const char *path = string_at(json_array_get(mounts, i), "mountPath");
        if (name == NULL || path == NULL || count_with(volumes, "name", name) != 1 ||
            count_with(mounts, "mountPath", path) != 1)
            return false;
    }
    return true;
}

static bool are_named(json_t *pod, const char *key, bool (*is_acceptable)(json_t *container, json_t *volumes))
{
    json_t *spec = json_object_get(pod, "spec"), *containers = json_object_get(spec, key);

    for (size_t i = 0; i < json_array_size(containers); i++) {
        json_t *container = json_array_get(containers, i);
        const char *name = string_at(container, "name");
        if (name == NULL || (is_acceptable != NULL && !is_acceptable(container, json_object_get(spec, "volumes"))) ||
            count_with(json_object_get(spec, "containers"), "name", name) +
                    count_with(json_object_get(spec, "initContainers"), "name", name) !=
                1)
            return false;
    }
    return true;
}

bool has_distinct_containers(json_t *pod)
{
    return are_named(pod, "containers", NULL) && are_named(pod, "initContainers", NULL);
}

bool is_acceptable_pod(json_t *pod)
{
    json_t *volumes = json_object_get(json_object_get(pod, "spec"), "volumes");

    for (size_t i = 0; i < json_array_size(volumes); i++) {
        const char *name = string_at(json_array_get(volumes, i), "name");
        if (name == NULL || count_with(volumes, "name", name) != 1)
            return false;
    }
    return are_named(pod, "containers", are_acceptable_mounts) &&
           are_named(pod, "initContainers", are_acceptable_mounts);
}
