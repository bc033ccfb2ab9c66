/* intended.c - see intended.h. Strips by the records alone, knowing nothing of the rules that decided. */
#include "intended.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "rpw/bytes/path.h"

#define OURS "policy.rucio.cern.ch/"
#define EVICTABLE "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes"
#define MAX_PATH_BYTES 256
#define BASE_PYTHONPATH "RUCIO_POLICY_BASE_PYTHONPATH"

/* A pod, its record, and what is on the other's. */
struct side {
    json_t *pod, *record, *other_record;
    const struct rpw_policy *policy;
};

static const char *string_at(json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static struct rpw_span span_at(json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);

    return (struct rpw_span){json_string_value(value), json_string_length(value)};
}

static bool is_equal(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* A new reference; an empty object when there is none, or what is none. */
static json_t *read_record(json_t *pod)
{
    const char *text = string_at(json_object_get(json_object_get(pod, "metadata"), "annotations"), OURS "injected");
    json_t *record = text != NULL ? json_loads(text, 0, NULL) : NULL;

    return record != NULL ? record : json_object();
}

/* Takes the first run of whole elements out of a text of elements. */
static void strip_run(json_t *object, const char *key, const char *run, char separator)
{
    const char *text = string_at(object, key);
    size_t len = run != NULL ? strlen(run) : 0;

    for (const char *at = text; len > 0 && at != NULL && (at = strstr(at, run)) != NULL; at++) {
        if ((at != text && at[-1] != separator) || (at[len] != '\0' && at[len] != separator))
            continue;
        bool is_at_end = at[len] == '\0'; /* one of the two separators goes with it */
        json_object_set_new(
            object, key,
            json_sprintf("%.*s%s", (int)(at - text - (is_at_end && at != text)), text, at + len + !is_at_end));
        return;
    }
}

static void drop_if_empty(json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);

    if (json_is_null(value) || (json_is_array(value) && json_array_size(value) == 0) ||
        (json_is_object(value) && json_object_size(value) == 0) ||
        (json_is_string(value) && json_string_length(value) == 0))
        json_object_del(object, key);
}

/* --- variables ----------------------------------------------------------------------------------------------------- */

static bool is_overridable(const struct rpw_policy *policy, struct rpw_span name)
{
    bool is_ours = rpw_span_is(name, "POLICY_PKG_PATH");

    for (size_t i = 0; i < policy->package_count; i++)
        is_ours = is_ours || rpw_span_equal(name, policy->packages[i].variable) ||
                  rpw_span_equal(name, policy->packages[i].cfg_variable);
    for (size_t i = 0; i < policy->env_count; i++)
        is_ours = is_ours || rpw_span_equal(name, policy->env[i].name);
    return is_ours && policy->on_conflict == RPW_CONFLICT_OVERRIDE;
}

/* Whether a variable, the last of its name or not, says nothing of the pod's own. */
static bool is_strippable(json_t *variable, bool is_last, json_t *on_record, const struct rpw_policy *policy)
{
    const char *name = string_at(variable, "name");
    json_t *value_from = json_object_get(variable, "valueFrom"), *value = json_object_get(variable, "value");

    if (is_equal(name, BASE_PYTHONPATH) || is_overridable(policy, span_at(variable, "name")))
        return true;
    if (value_from != NULL && !json_is_null(value_from))
        return is_equal(name, "PYTHONPATH") || /* wrapped in a text of ours */
               (is_last && name != NULL &&
                json_equal(json_object_get(json_object_get(on_record, "valueFrom"), name), value_from));
    if (name == NULL || json_string_length(value) == 0)
        return name != NULL;
    return is_equal(name, "PYTHONPATH")
               ? is_equal(json_string_value(value), "$(" BASE_PYTHONPATH ")")
               : is_last && json_equal(json_object_get(json_object_get(on_record, "env"), name), value);
}

static void strip_env(json_t *container, json_t *on_record, const struct rpw_policy *policy)
{
    json_t *env = json_object_get(container, "env"), *seen = json_object();

    for (size_t i = json_array_size(env); i-- > 0;) {
        json_t *variable = json_array_get(env, i);
        const char *name = string_at(variable, "name");
        bool is_last = name != NULL && json_object_get(seen, name) == NULL;
        if (is_last)
            json_object_set_new(seen, name, json_true());
        if (is_last && is_equal(name, "PYTHONPATH"))
            strip_run(variable, "value", string_at(on_record, "pythonPath"), ':');
        if (is_strippable(variable, is_last, on_record, policy))
            json_array_remove(env, i);
    }
    json_decref(seen);
}

/* --- lists --------------------------------------------------------------------------------------------------------- */

static void strip_named(json_t *list, const char *name)
{
    for (size_t i = json_array_size(list); i-- > 0;)
        if (is_equal(string_at(json_array_get(list, i), "name"), name))
            json_array_remove(list, i);
}

/* The first mount of the volume at the path. */
static void strip_recorded_mount(json_t *mounts, const char *volume, struct rpw_span path)
{
    for (size_t i = 0; i < json_array_size(mounts) && path.len > 0; i++) {
        struct rpw_span at = span_at(json_array_get(mounts, i), "mountPath");
        if (at.ptr != NULL && is_equal(string_at(json_array_get(mounts, i), "name"), volume) &&
            rpw_path_equal(at, path)) {
            json_array_remove(mounts, i);
            return;
        }
    }
}

/* Mounts or devices at the path and below it. */
static void strip_overridden(json_t *list, const char *key, struct rpw_span path)
{
    for (size_t i = json_array_size(list); i-- > 0;) {
        struct rpw_span at = span_at(json_array_get(list, i), key);
        if (at.ptr != NULL && (rpw_path_equal(at, path) || rpw_path_is_below(at, path)))
            json_array_remove(list, i);
    }
}

/* Mounts at the place of the .pth file, and devices there and below. */
static void strip_pth(json_t *container, const struct rpw_policy *policy)
{
    char path[MAX_PATH_BYTES];
    int len = snprintf(path, sizeof(path), "%.*s/" RPW_PTH_FILE, (int)policy->site_packages.len,
                       policy->site_packages.ptr != NULL ? policy->site_packages.ptr : "");

    if (policy->python_path != RPW_PYTHON_PATH_PTH || len < 0 || (size_t)len >= sizeof(path))
        return;
    strip_overridden(json_object_get(container, "volumeMounts"), "mountPath", rpw_span_of(path));
    strip_overridden(json_object_get(container, "volumeDevices"), "devicePath", rpw_span_of(path));
}

static bool has_pth(json_t *record)
{
    json_t *container;
    const char *name;

    json_object_foreach(json_object_get(record, "containers"), name, container)
    {
        if (json_object_get(container, "pthPath") != NULL)
            return true;
    }
    return false;
}

/* --- the pod ------------------------------------------------------------------------------------------------------- */

static void strip_container(const struct side *side, json_t *container)
{
    json_t *on_record = json_object_get(json_object_get(side->record, "containers"), string_at(container, "name"));

    strip_env(container, on_record, side->policy);
    strip_recorded_mount(json_object_get(container, "volumeMounts"), string_at(side->record, "volume"),
                         span_at(on_record, "mountPath"));
    strip_recorded_mount(json_object_get(container, "volumeMounts"), RPW_PTH_VOLUME, span_at(on_record, "pthPath"));
    if (side->policy->on_conflict == RPW_CONFLICT_OVERRIDE) {
        strip_overridden(json_object_get(container, "volumeMounts"), "mountPath", side->policy->path);
        strip_overridden(json_object_get(container, "volumeDevices"), "devicePath", side->policy->path);
        strip_pth(container, side->policy);
    }
    drop_if_empty(container, "env");
    drop_if_empty(container, "volumeMounts");
    drop_if_empty(container, "volumeDevices");
}

/* Only where a record says that something was written is there anything to strip. */
static void strip_containers(const struct side *side, json_t *containers)
{
    for (size_t i = 0; i < json_array_size(containers); i++) {
        const char *name = string_at(json_array_get(containers, i), "name");
        if (name != NULL && (json_object_get(json_object_get(side->record, "containers"), name) != NULL ||
                             json_object_get(json_object_get(side->other_record, "containers"), name) != NULL))
            strip_container(side, json_array_get(containers, i));
    }
}

static void strip_annotations(const struct side *side)
{
    static const char *const names[] = {OURS "status",    OURS "policy",   OURS "revision",
                                        OURS "conflicts", OURS "injected", OURS "path"};
    json_t *metadata = json_object_get(side->pod, "metadata");
    json_t *annotations = json_object_get(metadata, "annotations");

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        json_object_del(annotations, names[i]);
    strip_run(annotations, EVICTABLE, string_at(side->record, "volume"), ',');
    strip_run(annotations, EVICTABLE, string_at(side->other_record, "volume"), ',');
    struct rpw_span listed = span_at(annotations, EVICTABLE);
    while (listed.len > 0 && listed.ptr[listed.len - 1] == ',')
        listed.len--;
    if (listed.ptr != NULL)
        json_object_set_new(annotations, EVICTABLE, json_stringn(listed.ptr, listed.len));
    drop_if_empty(annotations, EVICTABLE);
    drop_if_empty(metadata, "annotations");
    drop_if_empty(side->pod, "metadata");
}

static void strip_pod(const struct side *side)
{
    json_t *records[] = {side->record, side->other_record}, *spec = json_object_get(side->pod, "spec");

    for (size_t i = 0; i < 2; i++) {
        json_t *own = json_object_get(records[i], "initContainers");
        for (size_t k = 0; k < json_array_size(own); k++)
            strip_named(json_object_get(spec, "initContainers"), json_string_value(json_array_get(own, k)));
        strip_named(json_object_get(spec, "volumes"), string_at(records[i], "volume"));
        if (has_pth(records[i]))
            strip_named(json_object_get(spec, "volumes"), RPW_PTH_VOLUME);
    }
    strip_containers(side, json_object_get(spec, "containers"));
    strip_containers(side, json_object_get(spec, "initContainers"));
    drop_if_empty(spec, "volumes");
    drop_if_empty(spec, "initContainers");
    strip_annotations(side);
}

void intended_strip(json_t *before, json_t *after, const struct rpw_policy *policy)
{
    json_t *old = read_record(before), *new_ = read_record(after);

    strip_pod(&(struct side){before, old, new_, policy});
    strip_pod(&(struct side){after, new_, old, policy});
    json_decref(old);
    json_decref(new_);
}
