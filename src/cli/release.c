/* release.c - looks through the objects of a release for containers of Rucio, and for what gives them a policy package. */
#include "release.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "memory.h"
#include "object.h"
#include "rpw/inject/recognition.h"
#include "workload.h"

#define MAX_FILE_BYTES ((size_t)64 * 1024 * 1024)
#define ARENA_BYTES ((size_t)16 * 1024 * 1024)

/* Where something was found. */
struct place {
    struct rpw_release *release;
    char *owner; /* "Deployment atlas/server" */
};

/* Adds "OWNER: TEXT" to texts; takes text. */
static void note(const struct place *place, json_t *texts, char *take_text)
{
    json_array_append_new(texts, json_sprintf("%s: %s", place->owner, take_text));
    free(take_text);
}

/* Adds a key, which it takes. */
static void note_key(json_t *keys, char *take_key)
{
    json_object_set_new(keys, take_key, json_true());
    free(take_key);
}

static char *in_small_letters(const char *prefix, const char *text)
{
    char *copy = rpw_memory_print("%s%s", prefix, text);

    for (char *c = copy + strlen(prefix); *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    return copy;
}

/* What follows prefix in text; NULL: something else. */
static const char *behind(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0 ? text + strlen(prefix) : NULL;
}

/* --- packages --------------------------------------------------------------------------------------------------------- */

static void note_package(struct rpw_release *release, const char *vo, const char *package)
{
    char *key = in_small_letters("", vo);

    if (package[0] != '\0' && json_object_get(release->packages, key) == NULL)
        json_object_set_new(release->packages, key, json_string(package));
    free(key);
}

/* The VO of a variable that names a package; "" for all, NULL: it names none. */
static const char *vo_of(const char *variable)
{
    const char *rest = behind(variable, "RUCIO_POLICY_PACKAGE");

    if (rest == NULL)
        rest = behind(variable, "RUCIO_CFG_POLICY_PACKAGE");
    if (rest == NULL || rest[0] == '\0')
        return rest;
    return rest[0] == '_' || rest[0] == '-' ? rest + 1 : NULL;
}

static void note_directories(struct rpw_release *release, const char *python_path)
{
    struct rpw_span rest = rpw_span_of(python_path), path;

    while (rpw_span_next_element(&rest, ':', &path)) {
        path = rpw_span_without_trailing_slashes(path);
        if (path.len > 0 && path.ptr[0] == '/' && memchr(path.ptr, '$', path.len) == NULL)
            note_key(release->paths, rpw_memory_print("%.*s", (int)path.len, path.ptr));
    }
}

static void note_variable(const struct place *place, const char *container, const json_t *variable)
{
    const char *name = rpw_manifest_text(variable, "name"), *value = rpw_manifest_text(variable, "value"),
               *vo = vo_of(name);
    const char *shown = json_object_get(variable, "valueFrom") != NULL ? "(a reference)" : value;

    if (strcmp(name, "PYTHONPATH") == 0)
        note_directories(place->release, value);
    else if (vo == NULL && behind(name, "RUCIO_CFG_POLICY_") == NULL && strcmp(name, "POLICY_PKG_PATH") != 0)
        return;
    note(place, place->release->settings, rpw_memory_print("container %s: %s=%s", container, name, shown));
    if (vo == NULL)
        return;
    note_package(place->release, vo, value);
    /* The charts turn optional_config into variables in capitals. */
    note_key(place->release->values, in_small_letters("optional_config.", name));
}

/* --- what the charts install ------------------------------------------------------------------------------------------- */

/* What stands between "pip install " and " --target" in the charts' script; without the version it names the package. */
static void note_installation(const struct place *place, const json_t *container)
{
    static const char *const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    const json_t *word;
    size_t index;

    note_key(place->release->values, rpw_memory_print("policyPackages"));
    json_array_foreach(json_object_get(container, "command"), index, word)
    {
        const char *script = json_string_value(word) != NULL ? json_string_value(word) : "";
        const char *begin = strstr(script, "pip install "), *end = begin != NULL ? strstr(begin, " --target") : NULL;
        char *requirement;

        if (end == NULL)
            continue;
        begin += strlen("pip install ");
        requirement = rpw_memory_print("%.*s", (int)(end - begin), begin);
        note(place, place->release->settings,
             rpw_memory_print("init container install-policy-packages: pip install %s", requirement));
        json_object_set_new(place->release->requirements, requirement, json_true());
        requirement[strspn(requirement, letters)] = '\0';
        note_package(place->release, "", requirement);
        free(requirement);
    }
}

static void look_at_containers(const struct place *place, const json_t *containers, const char *namespace_)
{
    const json_t *container, *variable;
    size_t index, variable_index;

    json_array_foreach(containers, index, container)
    {
        const char *name = rpw_manifest_text(container, "name");
        const struct rpw_container known = {.name = rpw_span_of(name),
                                            .image = rpw_span_of(rpw_manifest_text(container, "image"))};

        if (strcmp(name, "install-policy-packages") == 0)
            note_installation(place, container);
        if (rpw_recognise_rucio(&known).kind == RPW_BY_NOTHING)
            continue;
        note(place, place->release->containers,
             rpw_memory_print("container %s (%s)", name, rpw_manifest_text(container, "image")));
        if (namespace_[0] != '\0')
            json_object_set_new(place->release->namespaces, namespace_, json_true());
        json_array_foreach(json_object_get(container, "env"), variable_index, variable)
        {
            note_variable(place, name, variable);
        }
    }
}

/* --- the charts' configuration ------------------------------------------------------------------------------------------ */

static void note_section(const struct place *place, const char *file, json_t *section)
{
    const char *key;
    json_t *value;

    json_object_foreach(section, key, value)
    {
        const char *vo = behind(key, "package"), *package = json_string_value(value);

        if (vo == NULL || package == NULL)
            continue;
        note(place, place->release->settings, rpw_memory_print("%s: [policy] %s = %s", file, key, package));
        note_package(place->release, vo[0] == '-' ? vo + 1 : "", package);
        note_key(place->release->values, rpw_memory_print("config.policy.%s", key));
    }
}

/* The values `config` of the charts is JSON in a Secret. object: a Secret, or a list with some. */
static void look_at_secrets(struct rpw_release *release, const json_t *object)
{
    struct place place = {release, NULL};
    const json_t *item;
    size_t index, len = 0;
    const char *key;
    json_t *value;

    json_array_foreach(json_object_get(object, "items"), index, item)
    {
        look_at_secrets(release, item);
    }
    if (strcmp(rpw_manifest_text(object, "kind"), "Secret") != 0)
        return;
    place.owner = rpw_memory_print("Secret %s", rpw_manifest_text(json_object_get(object, "metadata"), "name"));
    json_object_foreach(json_object_get(object, "data"), key, value)
    {
        const char *base64 = strstr(key, ".json") != NULL ? json_string_value(value) : NULL;
        char *text = base64 != NULL ? rpw_base64_decode(rpw_span_of(base64), &len) : NULL;
        json_t *config = text != NULL ? json_loadb(text, len, 0, NULL) : NULL;

        note_section(&place, key, json_object_get(config, "policy"));
        json_decref(config);
        free(text);
    }
    free(place.owner);
}

/* --- objects ------------------------------------------------------------------------------------------------------------ */

static void look_at_pod(struct rpw_release *release, const struct rpw_workload_pod *found)
{
    const struct rpw_workload_name *owner = &found->owner;
    json_t *pod = json_loadb(found->text.ptr, found->text.len, 0, NULL), *spec = json_object_get(pod, "spec");
    char *namespace_ = owner->namespace_.len > 0
                           ? rpw_memory_print("%.*s", (int)owner->namespace_.len, owner->namespace_.ptr)
                           : rpw_memory_print("%s", release->namespace_);
    struct place place = {release,
                          rpw_memory_print("%.*s %s%s%.*s", (int)owner->kind.len, owner->kind.ptr, namespace_,
                                           namespace_[0] != '\0' ? "/" : "", (int)owner->name.len, owner->name.ptr)};

    look_at_containers(&place, json_object_get(spec, "initContainers"), namespace_);
    look_at_containers(&place, json_object_get(spec, "containers"), namespace_);
    free(place.owner);
    free(namespace_);
    json_decref(pod);
}

static bool look_at_object(struct rpw_manifest_object *object, void *release)
{
    json_t *value = rpw_manifest_object_value(object);
    struct rpw_arena *arena = rpw_memory_arena(ARENA_BYTES);
    struct rpw_workload workload = {.pod_count = 0};
    struct rpw_err err;
    bool is_ok = rpw_workload_read(arena, object->json, false, &workload, &err) == RPW_OK;

    if (!is_ok)
        rpw_manifest_object_fail(object, &err);
    for (size_t i = 0; i < workload.pod_count; i++)
        look_at_pod(release, &workload.pods[i]);
    look_at_secrets(release, value);
    rpw_memory_free_arena(arena);
    json_decref(value);
    return is_ok && value != NULL;
}

bool rpw_release_add(const char *path, void *release)
{
    return rpw_manifest_visit_file(path, MAX_FILE_BYTES, look_at_object, release);
}
