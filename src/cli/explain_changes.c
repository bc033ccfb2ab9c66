/* explain_changes.c - the pod before and after, part by part. What is ours is told whether it changed or not. */
#include <stdlib.h>

#include "explain.h"
#include "rpw/inject/selector.h"

struct changes {
    FILE *out;
    const struct rpw_policy *policy;
    json_t *before, *after;
};

static const char *text_of(json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

static json_t *find_named(json_t *list, const char *name)
{
    json_t *item, *found = NULL;
    size_t index;

    json_array_foreach(list, index, item)
    {
        if (strcmp(text_of(item, "name"), name) == 0)
            found = item;
    }
    return found;
}

static bool has_equal(json_t *list, json_t *wanted)
{
    json_t *item;
    size_t index;

    json_array_foreach(list, index, item)
    {
        if (json_equal(item, wanted))
            return true;
    }
    return false;
}

/* --- volumes and annotations ------------------------------------------------------------------------------------------ */

/* What a volume is, without its name. malloc's. */
static char *source_text(json_t *volume)
{
    json_t *source = json_copy(volume);
    char *text;

    json_object_del(source, "name");
    text = json_dumps(source, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(source);
    return text;
}

/* The heading of a section, before its first line. */
static void begin_section(const struct changes *changes, const char *heading, bool *is_begun)
{
    if (!*is_begun)
        fprintf(changes->out, "  %s\n", heading);
    *is_begun = true;
}

static void explain_volumes(const struct changes *changes)
{
    json_t *before = json_object_get(json_object_get(changes->before, "spec"), "volumes");
    json_t *after = json_object_get(json_object_get(changes->after, "spec"), "volumes"), *volume;
    bool is_begun = false;
    size_t index;

    json_array_foreach(after, index, volume)
    {
        const char *name = text_of(volume, "name");
        bool is_ours = strncmp(name, "rucio-policy", strlen("rucio-policy")) == 0, is_old = has_equal(before, volume);
        char *source = source_text(volume);

        if (is_ours || !is_old) {
            begin_section(changes, "volumes", &is_begun);
            rpw_explain_line(changes->out, name, "%s: %s",
                             is_old                     ? "is there already"
                             : find_named(before, name) ? "becomes"
                                                        : "added",
                             source ? source : "");
        }
        free(source);
    }
    json_array_foreach(before, index, volume)
    {
        if (find_named(after, text_of(volume, "name")))
            continue;
        begin_section(changes, "volumes", &is_begun);
        rpw_explain_line(changes->out, text_of(volume, "name"), "removed");
    }
}

static void explain_annotations(const struct changes *changes)
{
    json_t *before = json_object_get(json_object_get(changes->before, "metadata"), "annotations");
    json_t *after = json_object_get(json_object_get(changes->after, "metadata"), "annotations"), *value;
    bool is_begun = false;
    const char *key;

    json_object_foreach(after, key, value)
    {
        if (json_equal(json_object_get(before, key), value))
            continue;
        begin_section(changes, "annotations", &is_begun);
        if (strcmp(key, "policy.rucio.cern.ch/injected") == 0)
            fprintf(changes->out, "    %s: the record of what is written\n", key);
        else
            fprintf(changes->out, "    %s: \"%s\"\n", key, json_string_value(value));
    }
    json_object_foreach(before, key, value)
    {
        if (json_object_get(after, key))
            continue;
        begin_section(changes, "annotations", &is_begun);
        fprintf(changes->out, "    %s: removed\n", key);
    }
}

/* --- variables ------------------------------------------------------------------------------------------------------- */

/* What an entry of env gives: its literal value in quotes, or where it comes from. malloc's. */
static char *value_text(json_t *entry)
{
    json_t *from = json_object_get(entry, "valueFrom"), *value = json_object_get(entry, "value");

    if (json_is_object(from))
        return json_dumps(from, JSON_COMPACT);
    return value ? json_dumps(value, JSON_ENCODE_ANY) : strdup("\"\"");
}

/* wanted: what the policy would have it be; absent: nothing in particular. */
static void explain_variable(const struct changes *changes, const char *name, json_t *before, json_t *after,
                             struct rpw_span wanted)
{
    char *old = value_text(before), *new_ = value_text(after);
    bool is_wanted = !wanted.ptr || (rpw_span_is(wanted, text_of(after, "value")));

    if (!before && !after)
        rpw_explain_line(changes->out, name, "not set");
    else if (!after)
        rpw_explain_line(changes->out, name, "removed; it was %s", old);
    else if (!before)
        rpw_explain_line(changes->out, name, "set to %s", new_);
    else if (!json_equal(before, after))
        rpw_explain_line(changes->out, name, "%s becomes %s", old, new_);
    else if (is_wanted)
        rpw_explain_line(changes->out, name, "stays %s", new_);
    else
        rpw_explain_line(changes->out, name, "stays %s, which is the pod's own; the policy has \"%.*s\"", new_,
                         (int)wanted.len, wanted.ptr);
    free(old);
    free(new_);
}

static bool is_of_policy(const struct rpw_policy *policy, const char *name)
{
    for (size_t i = 0; i < policy->package_count; i++)
        if (rpw_span_is(policy->packages[i].variable, name) || rpw_span_is(policy->packages[i].cfg_variable, name))
            return true;
    return strcmp(name, "POLICY_PKG_PATH") == 0 || strcmp(name, "PYTHONPATH") == 0;
}

/* A variable that names a package; absent with configEnv: false. */
static void explain_name(const struct changes *changes, struct rpw_span variable, struct rpw_span package,
                         json_t *before, json_t *after)
{
    char *name = variable.ptr ? strndup(variable.ptr, variable.len) : NULL;

    if (name)
        explain_variable(changes, name, find_named(before, name), find_named(after, name), package);
    free(name);
}

/* The policy's own variables, in its order. */
static void explain_own_variables(const struct changes *changes, json_t *before, json_t *after)
{
    const struct rpw_policy *policy = changes->policy;

    if (policy->source != RPW_SOURCE_SITE_PACKAGES)
        explain_variable(changes, "POLICY_PKG_PATH", find_named(before, "POLICY_PKG_PATH"),
                         find_named(after, "POLICY_PKG_PATH"), policy->path);
    for (size_t i = 0; i < policy->package_count; i++)
        explain_name(changes, policy->packages[i].variable, policy->packages[i].value, before, after);
    for (size_t i = 0; i < policy->package_count; i++)
        explain_name(changes, policy->packages[i].cfg_variable, policy->packages[i].value, before, after);
    explain_variable(changes, "PYTHONPATH", find_named(before, "PYTHONPATH"), find_named(after, "PYTHONPATH"),
                     (struct rpw_span){NULL, 0});
}

static void explain_variables(const struct changes *changes, json_t *before, json_t *after)
{
    json_t *entry;
    size_t index;

    explain_own_variables(changes, before, after);
    json_array_foreach(after, index, entry)
    {
        const char *name = text_of(entry, "name");
        json_t *old = find_named(before, name);

        if (!is_of_policy(changes->policy, name) && !(old && json_equal(old, find_named(after, name))))
            explain_variable(changes, name, old, entry, (struct rpw_span){NULL, 0});
    }
    json_array_foreach(before, index, entry)
    {
        const char *name = text_of(entry, "name");

        if (!is_of_policy(changes->policy, name) && !find_named(after, name))
            explain_variable(changes, name, entry, NULL, (struct rpw_span){NULL, 0});
    }
}

/* --- mounts ---------------------------------------------------------------------------------------------------------- */

static void explain_mount(const struct changes *changes, json_t *mount, const char *what)
{
    const char *sub_path = text_of(mount, "subPath");
    bool is_part = sub_path[0] != '\0';

    rpw_explain_line(changes->out, "mount", "%s %s%s: %s%svolume %s", text_of(mount, "mountPath"), what,
                     json_is_true(json_object_get(mount, "readOnly")) ? ", read-only" : "", is_part ? sub_path : "",
                     is_part ? " of " : "", text_of(mount, "name"));
}

/* The package comes from the chart's own policyPackages. */
static bool is_by_chart(const struct changes *changes)
{
    json_t *annotations = json_object_get(json_object_get(changes->after, "metadata"), "annotations");

    return strncmp(text_of(annotations, "policy.rucio.cern.ch/revision"), RPW_CHART_REVISION_PREFIX,
                   sizeof(RPW_CHART_REVISION_PREFIX) - 1) == 0;
}

static bool is_ours(const struct changes *changes, json_t *mount)
{
    return strncmp(text_of(mount, "name"), "rucio-policy", strlen("rucio-policy")) == 0 || is_by_chart(changes);
}

/* Whether it stands where the policy's own is to be. */
static bool is_in_place(json_t *mount, const struct rpw_policy *policy)
{
    struct rpw_span path = rpw_span_without_trailing_slashes(rpw_span_of(text_of(mount, "mountPath")));
    size_t end = policy->path.len;

    return path.len == end + policy->mount_suffix.len && rpw_span_starts_with(path, policy->path) &&
           rpw_span_equal((struct rpw_span){path.ptr + end, path.len - end}, policy->mount_suffix);
}

static void explain_mounts(const struct changes *changes, json_t *before, json_t *after)
{
    json_t *mount;
    size_t index;
    bool is_told = false;

    json_array_foreach(before, index, mount)
    {
        if (!has_equal(after, mount))
            explain_mount(changes, mount, "removed");
    }
    json_array_foreach(after, index, mount)
    {
        bool is_old = has_equal(before, mount);

        if (is_old && !is_in_place(mount, changes->policy))
            continue;
        explain_mount(changes, mount,
                      !is_old                   ? "added"
                      : is_ours(changes, mount) ? "is there already"
                                                : "is the pod's own and stays, in conflict with the policy");
        is_told = true;
    }
    if (!is_told)
        rpw_explain_line(changes->out, "mount",
                         !changes->policy->volume.ptr ? "none: the code is in the image" : "none added");
}

/* --- containers ------------------------------------------------------------------------------------------------------ */

/* An init container that was not there: where it stands. */
static void explain_added(const struct changes *changes, json_t *list, size_t index)
{
    const char *before = text_of(json_array_get(list, index + 1), "name");
    json_t *container = json_array_get(list, index);

    fprintf(changes->out, "  init container %s: added ", text_of(container, "name"));
    if (index == 0)
        fputs("in front of all\n", changes->out);
    else if (index + 1 == json_array_size(list))
        fputs("behind all\n", changes->out);
    else
        fprintf(changes->out, "in front of %s\n", before);
    rpw_explain_line(changes->out, "image", "%s", text_of(container, "image"));
}

static void explain_container(const struct changes *changes, const char *kind, json_t *before, json_t *after)
{
    const char *name = text_of(after, "name");

    fprintf(changes->out, "  %s %s", kind, name);
    if (rpw_selector_is_target(changes->policy->containers, rpw_span_of(name))) {
        fputc('\n', changes->out);
        explain_mounts(changes, json_object_get(before, "volumeMounts"), json_object_get(after, "volumeMounts"));
        explain_variables(changes, json_object_get(before, "env"), json_object_get(after, "env"));
    } else if (json_equal(before, after)) {
        fputs(": left alone, its name does not match ", changes->out);
        rpw_explain_list(changes->out, changes->policy->containers);
        fputc('\n', changes->out);
    } else {
        fputs(": brought up to date\n", changes->out);
    }
}

static bool is_own(const char *name)
{
    for (size_t i = 0; i < RPW_OWN_CONTAINERS; i++)
        if (rpw_span_is(rpw_policy_own_containers[i], name))
            return true;
    return false;
}

static void explain_containers(const struct changes *changes, const char *key, const char *kind)
{
    json_t *before = json_object_get(json_object_get(changes->before, "spec"), key);
    json_t *after = json_object_get(json_object_get(changes->after, "spec"), key), *container;
    size_t index;

    json_array_foreach(after, index, container)
    {
        const char *name = text_of(container, "name");
        json_t *old = find_named(before, name);

        if (!old)
            explain_added(changes, after, index);
        else if (is_own(name) && json_equal(old, container))
            fprintf(changes->out, "  %s %s: is there already\n", kind, name);
        else
            explain_container(changes, kind, old, container);
    }
    json_array_foreach(before, index, container)
    {
        if (!find_named(after, text_of(container, "name")))
            fprintf(changes->out, "  %s %s: removed\n", kind, text_of(container, "name"));
    }
}

void rpw_explain_changes(FILE *out, const struct rpw_policy *policy, json_t *before, json_t *after)
{
    const struct changes changes = {out, policy, before, after};

    if (is_by_chart(&changes))
        fputs("  the chart's own policyPackages bring the package: its volume and path are used, not the policy's "
              "source\n",
              out);
    explain_volumes(&changes);
    explain_containers(&changes, "initContainers", "init container");
    explain_containers(&changes, "containers", "container");
    explain_annotations(&changes);
}
