/* explain_changes.c - the pod before and after, part by part. What is ours is told whether it changed or not. */
#include <stdarg.h>
#include <stdlib.h>

#include "explain.h"
#include "memory.h"
#include "policy_words.h"
#include "rpw/inject/recognition.h"

#define SUBJECT_WIDTH 30
#define OWN_PREFIX "rucio-policy"

struct changes {
    FILE *out;
    const struct rpw_policy *policy;
    json_t *before, *after; /* the pod */
};

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* The last one whose key says name. */
static json_t *find(json_t *list, const char *key, const char *name)
{
    json_t *item, *found = NULL;
    size_t index;

    json_array_foreach(list, index, item)
    {
        if (strcmp(rpw_manifest_text(item, key), name) == 0)
            found = item;
    }
    return found;
}

/* One line: a subject in a column of its own, and what is said about it. */
static void say(const struct changes *changes, const char *subject, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void say(const struct changes *changes, const char *subject, const char *format, ...)
{
    va_list arguments;

    fprintf(changes->out, "    %-*s ", SUBJECT_WIDTH, subject);
    va_start(arguments, format);
    vfprintf(changes->out, format, arguments);
    va_end(arguments);
    fputc('\n', changes->out);
}

/* Tells of what is called name in a list: old is NULL when it was not there, new_ when it is not there any more. */
typedef void teller(const struct changes *changes, const char *name, json_t *old, json_t *new_);

/* key: of the names. */
static void tell_each(const struct changes *changes, const char *key, json_t *before, json_t *after, teller *tell)
{
    json_t *item;
    size_t index;

    json_array_foreach(after, index, item)
    {
        const char *name = rpw_manifest_text(item, key);

        tell(changes, name, find(before, key, name), find(after, key, name));
    }
    json_array_foreach(before, index, item)
    {
        const char *name = rpw_manifest_text(item, key);

        if (!find(after, key, name))
            tell(changes, name, item, NULL);
    }
}

/* An object as a list of objects with a name and a value. */
static json_t *new_list(json_t *object)
{
    json_t *list = json_array(), *value;
    const char *key;

    json_object_foreach(object, key, value)
    {
        json_array_append_new(list, json_pack("{s:s, s:O}", "name", key, "value", value));
    }
    return list;
}

/* A heading, and what tell says below it. False, and no heading: it says nothing. */
static bool tell_section(const struct changes *changes, const char *heading, const char *key, json_t *before,
                         json_t *after, teller *tell)
{
    struct changes section = *changes;
    char *text = NULL;
    size_t len = 0;

    section.out = rpw_memory_open(&text, &len);
    tell_each(&section, key, before, after, tell);
    rpw_memory_close(section.out);
    if (len > 0)
        fprintf(changes->out, "%s%s", heading, text);
    free(text);
    return len > 0;
}

/* --- volumes and annotations ------------------------------------------------------------------------------------------ */

static void tell_volume(const struct changes *changes, const char *name, json_t *old, json_t *new_)
{
    json_t *source = json_copy(new_ ? new_ : old);
    char *text;

    json_object_del(source, "name");
    text = json_dumps(source, JSON_COMPACT | JSON_SORT_KEYS);
    if (!new_)
        say(changes, name, "removed");
    else if (!json_equal(old, new_))
        say(changes, name, "%s: %s", old ? "becomes" : "added", text);
    else if (begins_with(name, OWN_PREFIX))
        say(changes, name, "is there already: %s", text);
    free(text);
    json_decref(source);
}

static void tell_annotation(const struct changes *changes, const char *name, json_t *old, json_t *new_)
{
    if (!new_)
        fprintf(changes->out, "    %s: removed\n", name);
    else if (json_equal(old, new_))
        return;
    else if (strcmp(name, "policy.rucio.cern.ch/injected") == 0)
        fprintf(changes->out, "    %s: the record of what is written\n", name);
    else
        fprintf(changes->out, "    %s: \"%s\"\n", name, rpw_manifest_text(new_, "value"));
}

/* --- variables ------------------------------------------------------------------------------------------------------- */

/* What an entry of env gives: its literal value in quotes, or where it comes from. To be freed; NULL: there is none. */
static char *value_text(json_t *entry)
{
    json_t *from = json_object_get(entry, "valueFrom"), *value = json_object_get(entry, "value");

    if (!entry || json_is_object(from) || value)
        return json_dumps(json_is_object(from) ? from : value, JSON_COMPACT | JSON_ENCODE_ANY);
    return rpw_memory_print("\"\"");
}

/* wanted: what the policy would have it be; absent: nothing in particular. */
static void tell_variable(const struct changes *changes, const char *name, json_t *old, json_t *new_,
                          struct rpw_span wanted)
{
    char *before = value_text(old), *after = value_text(new_);

    if (!old && !new_)
        say(changes, name, "not set");
    else if (!new_)
        say(changes, name, "removed; it was %s", before);
    else if (!old)
        say(changes, name, "set to %s", after);
    else if (!json_equal(old, new_))
        say(changes, name, "%s becomes %s", before, after);
    else if (!wanted.ptr || rpw_span_is(wanted, rpw_manifest_text(new_, "value")))
        say(changes, name, "stays %s", after);
    else
        say(changes, name, "stays %s, which is the pod's own; the policy has \"%.*s\"", after, (int)wanted.len,
            wanted.ptr);
    free(before);
    free(after);
}

static void tell_own_variable(const struct changes *changes, struct rpw_span variable, struct rpw_span wanted,
                              json_t *before, json_t *after)
{
    char *name = rpw_memory_print("%.*s", (int)variable.len, variable.ptr);

    if (variable.ptr)
        tell_variable(changes, name, find(before, "name", name), find(after, "name", name), wanted);
    free(name);
}

static bool is_of_policy(const struct rpw_policy *policy, const char *name)
{
    for (size_t i = 0; i < policy->package_count; i++)
        if (rpw_span_is(policy->packages[i].variable, name) || rpw_span_is(policy->packages[i].cfg_variable, name))
            return true;
    return strcmp(name, "POLICY_PKG_PATH") == 0 || strcmp(name, "PYTHONPATH") == 0;
}

static void tell_other_variable(const struct changes *changes, const char *name, json_t *old, json_t *new_)
{
    if (!is_of_policy(changes->policy, name) && !json_equal(old, new_))
        tell_variable(changes, name, old, new_, (struct rpw_span){NULL, 0});
}

/* The policy's own variables in its order, then what else has changed. */
static void tell_variables(const struct changes *changes, json_t *before, json_t *after)
{
    const struct rpw_policy *policy = changes->policy;

    tell_own_variable(changes, RPW_LIT("POLICY_PKG_PATH"), policy->path, before, after);
    for (size_t i = 0; i < policy->package_count; i++)
        tell_own_variable(changes, policy->packages[i].variable, policy->packages[i].value, before, after);
    for (size_t i = 0; i < policy->package_count; i++)
        tell_own_variable(changes, policy->packages[i].cfg_variable, policy->packages[i].value, before, after);
    tell_own_variable(changes, RPW_LIT("PYTHONPATH"), (struct rpw_span){NULL, 0}, before, after);
    tell_each(changes, "name", before, after, tell_other_variable);
}

/* --- mounts ---------------------------------------------------------------------------------------------------------- */

static void say_mount(const struct changes *changes, json_t *mount, const char *what)
{
    const char *sub_path = rpw_manifest_text(mount, "subPath");

    say(changes, "mount", "%s %s%s: %s%svolume %s", rpw_manifest_text(mount, "mountPath"), what,
        json_is_true(json_object_get(mount, "readOnly")) ? ", read-only" : "", sub_path,
        sub_path[0] != '\0' ? " of " : "", rpw_manifest_text(mount, "name"));
}

/* The package comes from the chart's own policyPackages. */
static bool is_by_chart(const struct changes *changes)
{
    json_t *annotations = json_object_get(json_object_get(changes->after, "metadata"), "annotations");

    return begins_with(rpw_manifest_text(annotations, "policy.rucio.cern.ch/revision"), RPW_CHART_REVISION_PREFIX);
}

static void tell_mount(const struct changes *changes, const char *path, json_t *old, json_t *new_)
{
    bool is_changed = !json_equal(old, new_);

    if (old && is_changed)
        say_mount(changes, old, "removed");
    if (new_ && is_changed)
        say_mount(changes, new_, "added");
    if (!is_changed && rpw_span_equal(rpw_span_without_trailing_slashes(rpw_span_of(path)), changes->policy->path))
        say_mount(changes, new_,
                  begins_with(rpw_manifest_text(new_, "name"), OWN_PREFIX) || is_by_chart(changes)
                      ? "is there already"
                      : "is the pod's own and stays, in conflict with the policy");
}

static void tell_mounts(const struct changes *changes, json_t *before, json_t *after)
{
    if (!tell_section(changes, "", "mountPath", before, after, tell_mount))
        say(changes, "mount",
            changes->policy->source == RPW_SOURCE_PREINSTALLED ? "none: the code is in the image" : "none added");
}

/* --- containers ------------------------------------------------------------------------------------------------------ */

/* An init container that was not there: where it stands. */
static void tell_added(const struct changes *changes, const char *name, json_t *container)
{
    json_t *list = json_object_get(json_object_get(changes->after, "spec"), "initContainers");
    size_t index = 0;

    while (json_array_get(list, index) != container)
        index++;
    fprintf(changes->out, "  init container %s: added ", name);
    if (index == 0)
        fputs("in front of all\n", changes->out);
    else if (index + 1 == json_array_size(list))
        fputs("behind all\n", changes->out);
    else
        fprintf(changes->out, "in front of %s\n", rpw_manifest_text(json_array_get(list, index + 1), "name"));
    say(changes, "image", "%s", rpw_manifest_text(container, "image"));
}

static void tell_container_of(const struct changes *changes, const char *kind, const char *name, json_t *old,
                              json_t *new_)
{
    const struct rpw_container container = {.name = rpw_span_of(name),
                                            .image = rpw_span_of(rpw_manifest_text(new_, "image"))};

    fprintf(changes->out, "  %s %s", kind, name);
    if (!new_) {
        fputs(": removed\n", changes->out);
    } else if (rpw_recognition_is_own(rpw_span_of(name)) && json_equal(old, new_)) {
        fputs(": is there already\n", changes->out);
    } else if (rpw_recognise_target(changes->policy, &container).kind != RPW_BY_NOTHING) {
        fputc('\n', changes->out);
        tell_mounts(changes, json_object_get(old, "volumeMounts"), json_object_get(new_, "volumeMounts"));
        tell_variables(changes, json_object_get(old, "env"), json_object_get(new_, "env"));
    } else if (json_equal(old, new_)) {
        fputs(": left alone, ", changes->out);
        rpw_policy_words_containers(changes->out, changes->policy, "not");
        fputc('\n', changes->out);
    } else {
        fputs(": brought up to date\n", changes->out);
    }
}

static void tell_container(const struct changes *changes, const char *name, json_t *old, json_t *new_)
{
    tell_container_of(changes, "container", name, old, new_);
}

static void tell_init_container(const struct changes *changes, const char *name, json_t *old, json_t *new_)
{
    if (!old)
        tell_added(changes, name, new_);
    else
        tell_container_of(changes, "init container", name, old, new_);
}

void rpw_explain_changes(FILE *out, const struct rpw_policy *policy, json_t *before, json_t *after)
{
    const struct changes changes = {out, policy, before, after};
    json_t *old = json_object_get(before, "spec"), *new_ = json_object_get(after, "spec");
    json_t *old_annotations = new_list(json_object_get(json_object_get(before, "metadata"), "annotations"));
    json_t *new_annotations = new_list(json_object_get(json_object_get(after, "metadata"), "annotations"));

    if (is_by_chart(&changes))
        fputs("  the chart's own policyPackages bring the package: its volume and path are used, not the policy's "
              "source\n",
              out);
    tell_section(&changes, "  volumes\n", "name", json_object_get(old, "volumes"), json_object_get(new_, "volumes"),
                 tell_volume);
    tell_each(&changes, "name", json_object_get(old, "initContainers"), json_object_get(new_, "initContainers"),
              tell_init_container);
    tell_each(&changes, "name", json_object_get(old, "containers"), json_object_get(new_, "containers"),
              tell_container);
    tell_section(&changes, "  annotations\n", "name", old_annotations, new_annotations, tell_annotation);
    json_decref(old_annotations);
    json_decref(new_annotations);
}
