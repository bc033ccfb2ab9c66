/* release.c - looks through the objects of a release for containers of Rucio, and for what gives them a policy package. */
#include "release.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "object.h"
#include "rpw/bytes/arena.h"
#include "rpw/review/policy.h"
#include "workload.h"

#define MAX_FILE_BYTES ((size_t)64 * 1024 * 1024)
#define ARENA_BYTES ((size_t)1024 * 1024)
#define TEXT_BYTES 1024

/* Where something was found. */
struct place {
    struct rpw_release *release;
    char *owner; /* "Deployment atlas/server" */
};

/* Adds "OWNER: WHAT" to texts. */
static void note(const struct place *place, json_t *texts, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void note(const struct place *place, json_t *texts, const char *format, ...)
{
    va_list arguments;
    char *what = NULL;

    va_start(arguments, format);
    if (vasprintf(&what, format, arguments) >= 0)
        json_array_append_new(texts, json_sprintf("%s: %s", place->owner, what));
    va_end(arguments);
    free(what);
}

static void note_key(json_t *keys, const char *key)
{
    json_object_set_new(keys, key, json_true());
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

/* --- packages --------------------------------------------------------------------------------------------------------- */

static void note_package(struct rpw_release *release, const char *vo, const char *package)
{
    char small[TEXT_BYTES];
    size_t len = 0;

    for (; vo[len] != '\0' && len + 1 < sizeof(small); len++)
        small[len] = (char)tolower((unsigned char)vo[len]);
    small[len] = '\0';
    if (package[0] != '\0' && json_object_get(release->packages, small) == NULL)
        json_object_set_new(release->packages, small, json_string(package));
}

/* The VO of a variable that names a package; "" for all, NULL: it names none. */
static const char *vo_of(const char *variable)
{
    static const char *const names[] = {"RUCIO_POLICY_PACKAGE", "RUCIO_CFG_POLICY_PACKAGE"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *rest = variable + strlen(names[i]);

        if (strncmp(variable, names[i], strlen(names[i])) != 0)
            continue;
        if (rest[0] == '\0')
            return rest;
        if (rest[0] == '_' || rest[0] == '-')
            return rest + 1;
    }
    return NULL;
}

static void note_directories(struct rpw_release *release, const char *python_path)
{
    struct rpw_span rest = rpw_span_of(python_path), element;
    char path[TEXT_BYTES];

    while (rpw_span_next_element(&rest, ':', &element)) {
        element = rpw_span_without_trailing_slashes(element);
        if (element.len == 0 || element.len >= sizeof(path) || element.ptr[0] != '/' ||
            memchr(element.ptr, '$', element.len) != NULL)
            continue;
        snprintf(path, sizeof(path), "%.*s", (int)element.len, element.ptr);
        note_key(release->paths, path);
    }
}

/* The charts' optional_config becomes variables in capitals. */
static void note_variable(const struct place *place, const char *container, const json_t *variable)
{
    const char *name = text_of(variable, "name"), *value = text_of(variable, "value"), *vo = vo_of(name);
    bool has_reference = json_object_get(variable, "valueFrom") != NULL;
    char key[TEXT_BYTES] = "optional_config.";

    if (strcmp(name, "PYTHONPATH") == 0)
        note_directories(place->release, value);
    else if (vo == NULL && strncmp(name, "RUCIO_CFG_POLICY_", strlen("RUCIO_CFG_POLICY_")) != 0 &&
             strcmp(name, "POLICY_PKG_PATH") != 0)
        return;
    note(place, place->release->settings, "container %s: %s=%s", container, name,
         has_reference ? "(a reference)" : value);
    if (vo == NULL)
        return;
    note_package(place->release, vo, value);
    for (size_t at = strlen(key), i = 0; name[i] != '\0' && at + 1 < sizeof(key); i++, at++) {
        key[at] = (char)tolower((unsigned char)name[i]);
        key[at + 1] = '\0';
    }
    note_key(place->release->values, key);
}

/* --- what the charts install ------------------------------------------------------------------------------------------- */

/* What stands between "pip install " and " --target" in the charts' script; without the version it names the package. */
static void note_installation(const struct place *place, const json_t *container)
{
    const json_t *word;
    size_t index;

    note_key(place->release->values, "policyPackages");
    json_array_foreach(json_object_get(container, "command"), index, word)
    {
        const char *script = json_string_value(word) != NULL ? json_string_value(word) : "";
        const char *begin = strstr(script, "pip install "), *end = begin != NULL ? strstr(begin, " --target") : NULL;
        char requirement[TEXT_BYTES];

        if (end == NULL || end - begin >= TEXT_BYTES)
            continue;
        begin += strlen("pip install ");
        snprintf(requirement, sizeof(requirement), "%.*s", (int)(end - begin), begin);
        note(place, place->release->settings, "init container install-policy-packages: pip install %s", requirement);
        note_key(place->release->requirements, requirement);
        requirement[strspn(requirement, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] = '\0';
        note_package(place->release, "", requirement);
    }
}

static void look_at_containers(const struct place *place, const json_t *pod, const char *list, const char *namespace_)
{
    const json_t *container, *variable;
    size_t index, variable_index;

    json_array_foreach(json_object_get(json_object_get(pod, "spec"), list), index, container)
    {
        const char *name = text_of(container, "name");
        bool is_rucio = false;

        if (strcmp(name, "install-policy-packages") == 0)
            note_installation(place, container);
        for (size_t i = 0; i < rpw_policy_default_containers.count; i++)
            is_rucio = is_rucio || rpw_span_is(rpw_policy_default_containers.items[i], name);
        if (!is_rucio)
            continue;
        note(place, place->release->containers, "container %s (%s)", name, text_of(container, "image"));
        if (namespace_[0] != '\0')
            note_key(place->release->namespaces, namespace_);
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
        char name[TEXT_BYTES];

        if (strncmp(key, "package", strlen("package")) != 0 || json_string_value(value) == NULL)
            continue;
        note(place, place->release->settings, "%s: [policy] %s = %s", file, key, json_string_value(value));
        note_package(place->release, key[strlen("package")] == '-' ? key + strlen("package-") : "",
                     json_string_value(value));
        snprintf(name, sizeof(name), "config.policy.%s", key);
        note_key(place->release->values, name);
    }
}

/* The values `config` of the charts is JSON in a Secret. */
static void look_at_secret(const struct place *place, const json_t *secret)
{
    const char *key;
    json_t *value;

    json_object_foreach(json_object_get(secret, "data"), key, value)
    {
        const char *base64 = json_string_value(value);
        size_t len = 0;
        char *text =
            base64 != NULL && strstr(key, ".json") != NULL ? rpw_base64_decode(rpw_span_of(base64), &len) : NULL;
        json_t *config = text != NULL ? json_loadb(text, len, 0, NULL) : NULL;

        note_section(place, key, json_object_get(config, "policy"));
        json_decref(config);
        free(text);
    }
}

/* --- objects ------------------------------------------------------------------------------------------------------------ */

static void look_at_pod(struct rpw_release *release, const struct rpw_workload_pod *found, const char *namespace_)
{
    const struct rpw_workload_name *owner = &found->owner;
    json_t *pod = json_loadb(found->text.ptr, found->text.len, 0, NULL);
    struct place place = {.release = release};
    char where[RPW_DNS_MAX_NAME_BYTES + 1] = "";

    if (owner->namespace_.len > 0)
        snprintf(where, sizeof(where), "%.*s", (int)owner->namespace_.len, owner->namespace_.ptr);
    else if (namespace_ != NULL)
        snprintf(where, sizeof(where), "%s", namespace_);
    if (asprintf(&place.owner, "%.*s %s%s%.*s", (int)owner->kind.len, owner->kind.ptr, where,
                 where[0] != '\0' ? "/" : "", (int)owner->name.len, owner->name.ptr) >= 0) {
        look_at_containers(&place, pod, "initContainers", where);
        look_at_containers(&place, pod, "containers", where);
        free(place.owner);
    }
    json_decref(pod);
}

/* object may be a list. */
static void look_at_pods(struct rpw_release *release, const json_t *object, const char *namespace_)
{
    char *text = json_dumps(object, JSON_COMPACT), *region = malloc(ARENA_BYTES);
    struct rpw_workload workload;
    struct rpw_arena arena;
    struct rpw_err err;

    if (text != NULL && region != NULL) {
        rpw_arena_init(&arena, region, ARENA_BYTES);
        if (rpw_workload_read(&arena, rpw_span_of(text), false, &workload, &err) == RPW_OK)
            for (size_t i = 0; i < workload.pod_count; i++)
                look_at_pod(release, &workload.pods[i], namespace_);
        rpw_arena_done(&arena);
    }
    free(region);
    free(text);
}

/* A Secret, or those of a list. */
static void look_at_secrets(struct rpw_release *release, const json_t *object)
{
    struct place place = {.release = release};
    const json_t *item;
    size_t index;

    if (strcmp(text_of(object, "kind"), "Secret") == 0 &&
        asprintf(&place.owner, "Secret %s", text_of(json_object_get(object, "metadata"), "name")) >= 0) {
        look_at_secret(&place, object);
        free(place.owner);
    }
    json_array_foreach(json_object_get(object, "items"), index, item)
    {
        look_at_secrets(release, item);
    }
}

bool rpw_release_init(struct rpw_release *release)
{
    *release = (struct rpw_release){json_array(),  json_array(),  json_object(), json_object(),
                                    json_object(), json_object(), json_object()};
    return release->containers && release->settings && release->values && release->namespaces && release->packages &&
           release->requirements && release->paths;
}

bool rpw_release_add(struct rpw_release *release, const char *file, const char *namespace_)
{
    json_t *objects = rpw_manifest_load(file, MAX_FILE_BYTES);
    const json_t *object;
    size_t index;

    json_array_foreach(objects, index, object)
    {
        look_at_pods(release, object, namespace_);
        look_at_secrets(release, object);
    }
    json_decref(objects);
    return objects != NULL;
}

void rpw_release_done(struct rpw_release *release)
{
    json_decref(release->containers);
    json_decref(release->settings);
    json_decref(release->values);
    json_decref(release->namespaces);
    json_decref(release->packages);
    json_decref(release->requirements);
    json_decref(release->paths);
}
