/* check_webhook.c - the cluster's side of a configuration.
 *
 * What policies select is divided into units: one policy, one of its namespace patterns, one of its container patterns. A unit
 * is sent when one of the webhooks sends all of it; selection.c knows about one webhook.
 * Only the webhooks of one configuration count: what somebody else's webhooks are sent does not reach ours.
 */
#include "check_webhook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "documents.h"
#include "selection.h"

#define MAX_FILE_BYTES ((size_t)4 * 1024 * 1024)
#define FILE_OPTION "--webhook-configuration"
#define NAME_OPTION "--webhook"

static const char *wanted_name; /* of a configuration; NULL: the only one */

/* --- the file --------------------------------------------------------------------------------------------------------- */

static const char *name_of(const json_t *object)
{
    const char *name = json_string_value(json_object_get(object, "name"));

    return name != NULL ? name : "(without a name)";
}

static const char *name_of_configuration(const json_t *configuration)
{
    return name_of(json_object_get(configuration, "metadata"));
}

/* Appends document when it is a configuration with webhooks, or those of a List's items. */
static void collect(json_t *document, json_t *configurations)
{
    const char *kind = json_string_value(json_object_get(document, "kind"));
    json_t *item;
    size_t index;

    if (kind != NULL && strcmp(kind, "MutatingWebhookConfiguration") == 0 &&
        json_array_size(json_object_get(document, "webhooks")) > 0)
        json_array_append(configurations, document);
    if (kind != NULL && strcmp(kind, "List") == 0)
        json_array_foreach(json_object_get(document, "items"), index, item)
        {
            collect(item, configurations);
        }
}

/* The one with the wanted name, or the only one. NULL: there is none, or several. */
static const json_t *choose(const json_t *configurations)
{
    const json_t *configuration, *chosen = NULL;
    size_t index, count = 0;

    json_array_foreach(configurations, index, configuration)
    {
        if (wanted_name == NULL || strcmp(name_of_configuration(configuration), wanted_name) == 0) {
            chosen = configuration;
            count++;
        }
    }
    return count == 1 ? chosen : NULL;
}

static void print_choice(const char *file, const json_t *configurations)
{
    const char *shown = rpw_documents_shown_name(file);
    const json_t *configuration;
    size_t index;

    if (json_array_size(configurations) == 0) {
        fprintf(stderr, "%s: found no MutatingWebhookConfiguration with webhooks, expected one\n", shown);
        return;
    }
    if (wanted_name != NULL)
        fprintf(stderr, "%s: expected one MutatingWebhookConfiguration called %s (" NAME_OPTION "), found:\n", shown,
                wanted_name);
    else
        fprintf(stderr, "%s: expected one MutatingWebhookConfiguration, or " NAME_OPTION " NAME, found:\n", shown);
    json_array_foreach(configurations, index, configuration)
    {
        fprintf(stderr, "    %s\n", name_of_configuration(configuration));
    }
}

/* A new reference, or NULL with a message. */
static json_t *read_webhooks(const char *file)
{
    json_t *documents = rpw_documents_read(file, MAX_FILE_BYTES), *configurations = json_array();
    json_t *document, *webhooks = NULL;
    const json_t *chosen;
    size_t index;

    json_array_foreach(documents, index, document)
    {
        collect(document, configurations);
    }
    chosen = choose(configurations);
    if (chosen != NULL)
        webhooks = json_incref(json_object_get(chosen, "webhooks"));
    else if (documents != NULL)
        print_choice(file, configurations);
    json_decref(configurations);
    json_decref(documents);
    return webhooks;
}

/* --- units ------------------------------------------------------------------------------------------------------------ */

struct check {
    const char *file;
    json_t *webhooks;
    json_t *remarks; /* an object: each text once, in order */
};

static void print_missing(const struct check *check, const struct rpw_selection_unit *unit)
{
    const json_t *webhook;
    size_t index;

    fprintf(stderr, "%s: error: policy %.*s: its pods with a container %.*s", rpw_documents_shown_name(check->file),
            (int)unit->policy.len, unit->policy.ptr, (int)unit->container.len, unit->container.ptr);
    if (unit->namespace_.ptr != NULL)
        fprintf(stderr, " in namespace %.*s", (int)unit->namespace_.len, unit->namespace_.ptr);
    fputs(" are not sent:\n", stderr);
    json_array_foreach(check->webhooks, index, webhook)
    {
        struct rpw_selection_result result = {.remarks = NULL};

        if (!rpw_selection_sends(webhook, unit, &result))
            fprintf(stderr, "    webhook %s: %s\n", name_of(webhook), result.reason);
    }
}

static bool check_unit(struct check *check, const struct rpw_selection_unit *unit)
{
    const json_t *webhook;
    size_t index;

    json_array_foreach(check->webhooks, index, webhook)
    {
        struct rpw_selection_result result = {.remarks = json_object()};
        bool is_sent = rpw_selection_sends(webhook, unit, &result);

        if (is_sent)
            json_object_update(check->remarks, result.remarks);
        json_decref(result.remarks);
        if (is_sent)
            return true;
    }
    print_missing(check, unit);
    return false;
}

static bool check_containers(struct check *check, const struct rpw_policy *policy, struct rpw_span namespace_)
{
    bool is_sent = true;

    for (size_t i = 0; i < policy->containers.count; i++) {
        const struct rpw_selection_unit unit = {policy->name, namespace_, policy->containers.items[i],
                                                policy->requirements, policy->requirement_count};

        is_sent = check_unit(check, &unit) && is_sent;
    }
    return is_sent;
}

static bool check_policy(struct check *check, const struct rpw_policy *policy)
{
    bool is_sent = true;

    if (policy->namespaces.count == 0)
        return check_containers(check, policy, (struct rpw_span){NULL, 0});
    for (size_t i = 0; i < policy->namespaces.count; i++)
        is_sent = check_containers(check, policy, policy->namespaces.items[i]) && is_sent;
    return is_sent;
}

static bool check_all(struct check *check, const struct rpw_policy_set *policies)
{
    const json_t *webhook;
    bool is_sent = true;
    char problem[RPW_SELECTION_REASON_BYTES];
    size_t index;

    json_array_foreach(check->webhooks, index, webhook)
    {
        if (rpw_selection_fails_others(webhook, problem)) {
            fprintf(stderr, "%s: error: webhook %s: %s\n", rpw_documents_shown_name(check->file), name_of(webhook),
                    problem);
            is_sent = false;
        }
    }
    for (size_t i = 0; i < policies->count; i++)
        is_sent = check_policy(check, &policies->policies[i]) && is_sent;
    return is_sent;
}

static void print_remarks(const struct check *check)
{
    const char *text;
    json_t *ignored;

    if (json_object_size(check->remarks) > 0)
        puts("This rests on what the two files do not say:");
    json_object_foreach(check->remarks, text, ignored)
    {
        printf("   - %s\n", text);
    }
}

bool rpw_check_webhook(const char *file, const char *name, const struct rpw_policy_set *policies)
{
    wanted_name = name;

    struct check check = {.file = file, .webhooks = read_webhooks(file), .remarks = json_object()};
    bool is_sent = false;

    if (check.webhooks != NULL) {
        is_sent = check_all(&check, policies);
        if (is_sent)
            printf("\n%s sends every pod that a policy selects.\n", rpw_documents_shown_name(file));
        if (is_sent)
            print_remarks(&check);
    }
    json_decref(check.remarks);
    json_decref(check.webhooks);
    return is_sent;
}
