/* check_registration.c - two JSON values side by side. Which of a file's objects is ours, its webhook's name says. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "flags.h"
#include "input.h"
#include "memory.h"
#include "object.h"
#include "registration_object.h"

#define MAX_FILE_BYTES ((size_t)4 * 1024 * 1024)
#define SHOWN_BYTES 400

/* --- which one -------------------------------------------------------------------------------------------------------- */

static bool is_kind(const json_t *object, const char *kind)
{
    return strcmp(rpw_manifest_text(object, "kind"), kind) == 0;
}

/* The place of our webhook among the configuration's; -1: it has none. */
static int find_webhook(const json_t *configuration)
{
    const json_t *webhook;
    size_t index;

    json_array_foreach(json_object_get(configuration, "webhooks"), index, webhook)
    {
        if (strcmp(rpw_manifest_text(webhook, "name"), RPW_REGISTRATION_WEBHOOK) == 0)
            return (int)index;
    }
    return -1;
}

/* Borrowed. Counts the configurations of objects and of the Lists among them; the last that is ours is *ours. */
static void find_ours(const json_t *objects, size_t *count, const json_t **ours, size_t *ours_count)
{
    const json_t *object;
    size_t index;

    json_array_foreach(objects, index, object)
    {
        if (is_kind(object, "List") || is_kind(object, "MutatingWebhookConfigurationList"))
            find_ours(json_object_get(object, "items"), count, ours, ours_count);
        /* The items of a list of a kind need not say it. */
        if (!json_is_array(json_object_get(object, "webhooks")) ||
            (json_object_get(object, "kind") != NULL && !is_kind(object, "MutatingWebhookConfiguration")))
            continue;
        ++*count;
        if (find_webhook(object) >= 0) {
            *ours = object;
            ++*ours_count;
        }
    }
}

/* --- comparing -------------------------------------------------------------------------------------------------------- */

/* Values as one line of JSON, cut when they are long. Returns 1. */
static size_t report(const char *pointer, const json_t *found, const json_t *expected)
{
    const size_t flags = JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII;
    char *found_text = found != NULL ? json_dumps(found, flags) : NULL;
    char *expected_text = expected != NULL ? json_dumps(expected, flags) : NULL;

    fprintf(stderr, "%s: found %.*s, expected %.*s\n", pointer, SHOWN_BYTES,
            found_text != NULL ? found_text : "nothing", SHOWN_BYTES,
            expected_text != NULL ? expected_text : "nothing");
    free(found_text);
    free(expected_text);
    return 1;
}

static size_t compare(const char *pointer, json_t *found, json_t *expected);

/* Takes pointer. */
static size_t compare_below(char *take_pointer, json_t *found, json_t *expected)
{
    size_t differences = compare(take_pointer, found, expected);

    free(take_pointer);
    return differences;
}

/* Prints what differs, and counts it. pointer: FILE and where it is there. */
static size_t compare(const char *pointer, json_t *found, json_t *expected)
{
    size_t index, differences = 0;
    const char *key;
    json_t *value;

    if (json_is_object(found) && json_is_object(expected)) {
        json_object_foreach(expected, key, value)
        {
            differences += compare_below(rpw_memory_print("%s/%s", pointer, key), json_object_get(found, key), value);
        }
        json_object_foreach(found, key, value)
        {
            if (json_object_get(expected, key) == NULL)
                differences += compare_below(rpw_memory_print("%s/%s", pointer, key), value, NULL);
        }
    } else if (json_is_array(found) && json_is_array(expected) && json_array_size(found) == json_array_size(expected)) {
        json_array_foreach(expected, index, value)
        {
            differences +=
                compare_below(rpw_memory_print("%s/%zu", pointer, index), json_array_get(found, index), value);
        }
    } else if (!json_equal(found, expected)) {
        differences = report(pointer, found, expected);
    }
    return differences;
}

/* What each installation has of its own: the names of the Service, and caBundle. */
static void drop_own(json_t *webhook)
{
    json_t *client = json_object_get(webhook, "clientConfig"), *service = json_object_get(client, "service");

    json_object_del(client, "caBundle");
    json_object_del(service, "name");
    json_object_del(service, "namespace");
}

static int compare_configuration(const char *file, const json_t *configuration, const struct rpw_policy_set *policies)
{
    json_t *webhooks = json_deep_copy(json_object_get(configuration, "webhooks"));
    size_t ours = (size_t)find_webhook(configuration), index, differences = 0;
    const char *namespace_ = "rucio-policy-webhook";
    char error[RPW_REGISTRATION_ERROR_BYTES];
    json_t *expected, *webhook;

    json_unpack(json_array_get(webhooks, ours), "{s:{s:{s:s}}}", "clientConfig", "service", "namespace", &namespace_);
    expected = rpw_registration_new(policies, namespace_, "rucio-policy-webhook", error);
    if (expected == NULL)
        rpw_verb_fail(&rpw_verb_check, RPW_EXIT_NO, "%s", error);
    json_array_foreach(webhooks, index, webhook)
    {
        json_t *wanted = index == ours ? json_array_get(json_object_get(expected, "webhooks"), 0) : NULL;

        drop_own(webhook);
        drop_own(wanted);
        if (expected != NULL)
            differences += compare_below(rpw_memory_print("%s: /webhooks/%zu", file, index), webhook, wanted);
    }
    if (expected != NULL && differences == 0)
        printf("%s is the registration that this configuration needs\n", file);
    json_decref(webhooks);
    json_decref(expected);
    return expected != NULL && differences == 0 ? RPW_EXIT_OK : RPW_EXIT_NO;
}

static bool add_object(struct rpw_manifest_object *object, void *objects)
{
    json_t *value = rpw_manifest_object_value(object);

    return value != NULL && json_array_append_new(objects, value) == 0;
}

int rpw_check_registration(const char *path, const struct rpw_policy_set *policies)
{
    const char *name = rpw_manifest_shown_name(path);
    json_t *objects = json_array();
    const json_t *ours = NULL;
    size_t count = 0, ours_count = 0;
    int exit_code = RPW_EXIT_BLIND;

    if (!rpw_manifest_visit_file(path, MAX_FILE_BYTES, add_object, objects))
        goto out;
    find_ours(objects, &count, &ours, &ours_count);
    if (ours_count == 1) {
        exit_code = compare_configuration(name, ours, policies);
    } else if (count == 0) {
        fprintf(stderr, "%s: found no MutatingWebhookConfiguration, expected one\n", name);
    } else {
        fprintf(stderr,
                "%s: found %zu MutatingWebhookConfigurations with a webhook " RPW_REGISTRATION_WEBHOOK
                ", expected one\n",
                name, ours_count);
        exit_code = RPW_EXIT_NO;
    }
out:
    json_decref(objects);
    return exit_code;
}
