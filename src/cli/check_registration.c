/* check_registration.c - two JSON values side by side. Which of a file's objects is ours, its webhook's name says. */
#include "check_registration.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "object.h"
#include "registration_object.h"

#define MAX_FILE_BYTES ((size_t)4 * 1024 * 1024)
#define POINTER_BYTES 256
#define SHOWN_BYTES 400

/* --- which one -------------------------------------------------------------------------------------------------------- */

static bool is_kind(const json_t *object, const char *kind)
{
    const char *found = json_string_value(json_object_get(object, "kind"));

    return found != NULL && strcmp(found, kind) == 0;
}

/* The place of our webhook among the configuration's; -1: it has none. */
static int find_webhook(const json_t *configuration)
{
    const json_t *webhook;
    size_t index;

    json_array_foreach(json_object_get(configuration, "webhooks"), index, webhook)
    {
        const char *name = json_string_value(json_object_get(webhook, "name"));

        if (name != NULL && strcmp(name, RPW_REGISTRATION_WEBHOOK) == 0)
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

struct comparison {
    const char *file;
    size_t difference_count;
};

/* A value as one line of JSON, cut when it is long. */
static void show(const json_t *value, char text[SHOWN_BYTES])
{
    char *json = value != NULL ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;

    snprintf(text, SHOWN_BYTES, "%s", json != NULL ? json : "nothing");
    free(json);
}

static void report(struct comparison *comparison, const char *pointer, const json_t *found, const json_t *expected)
{
    char found_text[SHOWN_BYTES], expected_text[SHOWN_BYTES];

    show(found, found_text);
    show(expected, expected_text);
    fprintf(stderr, "%s: %s: found %s, expected %s\n", comparison->file, pointer, found_text, expected_text);
    comparison->difference_count++;
}

static void compare(struct comparison *comparison, const char *pointer, json_t *found, json_t *expected)
{
    char below[POINTER_BYTES];
    json_t *value;
    const char *key;
    size_t index;

    if (json_is_object(found) && json_is_object(expected)) {
        json_object_foreach(expected, key, value)
        {
            snprintf(below, sizeof(below), "%s/%s", pointer, key);
            compare(comparison, below, json_object_get(found, key), value);
        }
        json_object_foreach(found, key, value)
        {
            snprintf(below, sizeof(below), "%s/%s", pointer, key);
            if (json_object_get(expected, key) == NULL)
                report(comparison, below, value, NULL);
        }
    } else if (json_is_array(found) && json_is_array(expected) && json_array_size(found) == json_array_size(expected)) {
        json_array_foreach(expected, index, value)
        {
            snprintf(below, sizeof(below), "%s/%zu", pointer, index);
            compare(comparison, below, json_array_get(found, index), value);
        }
    } else if (found == NULL || !json_equal(found, expected)) {
        report(comparison, pointer, found, expected);
    }
}

/* What each installation has of its own: the names of the Service, and caBundle. */
static void compare_webhook(struct comparison *comparison, const char *pointer, json_t *found, json_t *expected)
{
    json_t *service = json_object_get(json_object_get(found, "clientConfig"), "service");

    json_object_del(json_object_get(found, "clientConfig"), "caBundle");
    json_object_del(service, "name");
    json_object_del(service, "namespace");
    service = json_object_get(json_object_get(expected, "clientConfig"), "service");
    json_object_del(service, "name");
    json_object_del(service, "namespace");
    compare(comparison, pointer, found, expected);
}

static const char *namespace_of(const json_t *webhook)
{
    const json_t *service = json_object_get(json_object_get(webhook, "clientConfig"), "service");
    const char *name = json_string_value(json_object_get(service, "namespace"));

    return name != NULL ? name : "rucio-policy-webhook";
}

static int compare_configuration(const char *file, const json_t *configuration, const struct rpw_policy_set *policies)
{
    struct comparison comparison = {.file = rpw_manifest_shown_name(file)};
    const json_t *webhooks = json_object_get(configuration, "webhooks");
    size_t ours = (size_t)find_webhook(configuration), index;
    json_t *webhook = json_deep_copy(json_array_get(webhooks, ours));
    char error[RPW_REGISTRATION_ERROR_BYTES], pointer[POINTER_BYTES];
    json_t *expected = rpw_registration_new(policies, namespace_of(webhook), "rucio-policy-webhook", error);
    const json_t *other;

    if (webhook == NULL || expected == NULL) {
        fprintf(stderr, "rucio-policy-webhook check: %s\n", webhook == NULL ? "out of memory" : error);
        comparison.difference_count++;
    } else {
        snprintf(pointer, sizeof(pointer), "/webhooks/%zu", ours);
        compare_webhook(&comparison, pointer, webhook, json_array_get(json_object_get(expected, "webhooks"), 0));
    }
    json_array_foreach(webhooks, index, other)
    {
        snprintf(pointer, sizeof(pointer), "/webhooks/%zu", index);
        if (index != ours)
            report(&comparison, pointer, other, NULL);
    }
    json_decref(expected);
    json_decref(webhook);
    if (comparison.difference_count == 0)
        printf("%s is the registration that this configuration needs\n", comparison.file);
    return comparison.difference_count == 0 ? RPW_EXIT_OK : RPW_EXIT_NO;
}

int rpw_check_registration(const char *file, const struct rpw_policy_set *policies)
{
    json_t *objects = rpw_manifest_load(file, MAX_FILE_BYTES);
    const json_t *ours = NULL;
    size_t count = 0, ours_count = 0;
    int exit_code = RPW_EXIT_BLIND;

    if (objects == NULL)
        return RPW_EXIT_BLIND;
    find_ours(objects, &count, &ours, &ours_count);
    if (ours_count == 1) {
        exit_code = compare_configuration(file, ours, policies);
    } else {
        fprintf(stderr, "%s: found ", rpw_manifest_shown_name(file));
        if (count == 0)
            fputs("no MutatingWebhookConfiguration", stderr);
        else
            fprintf(stderr, "%zu MutatingWebhookConfigurations with a webhook " RPW_REGISTRATION_WEBHOOK, ours_count);
        fputs(", expected one\n", stderr);
        exit_code = count > 0 ? RPW_EXIT_NO : RPW_EXIT_BLIND;
    }
    json_decref(objects);
    return exit_code;
}
