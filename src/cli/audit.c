/* audit.c - the verb `audit`: pods from a cluster or a file, judged by audit_pods.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit_pods.h"
#include "cli.h"
#include "cluster.h"
#include "config_file.h"
#include "documents.h"
#include "flags.h"
#include "values.h"

#define MAX_FILE_BYTES ((size_t)1024 * 1024 * 1024)
#define PODS_AT_ONCE 250
#define MAX_LISTS 4

struct options {
    const char *config_file;
    struct rpw_flag_list files; /* none: a cluster */
    const char *kubeconfig;
    const char *namespace_; /* NULL: all */
    unsigned output;        /* 1: json */
};

static const struct rpw_flag flags[] = {
    RPW_FLAG_ROW_CONFIG(struct options),
    RPW_FLAG("kubeconfig", FILE, struct options, kubeconfig, "FILE", RPW_CLUSTER_HELP, ),
    RPW_FLAG("file", FILES, struct options, files, "PODS",
             "no cluster: what `kubectl get pods -A -o json` prints; - is standard input", .letter = 'f'),
    RPW_FLAG("namespace", FORM, struct options, namespace_, "NS", "this namespace only; without it: all", .letter = 'n',
             .take = rpw_flag_take_namespace),
    RPW_FLAG("output", CHOICE, struct options, output, "table|json", "json has the names of the pods, too",
             .letter = 'o', .fallback = "table"),
};

/* --- pods from a file ----------------------------------------------------------------------------------------------- */

static bool add_items(struct rpw_audit *audit, const json_t *items, const char *namespace_)
{
    const json_t *item;
    size_t index;

    json_array_foreach(items, index, item)
    {
        const char *kind = json_string_value(json_object_get(item, "kind"));

        /* The items of a PodList have no kind; a List may hold others. */
        if ((kind == NULL || strcmp(kind, "Pod") == 0) && !rpw_audit_add(audit, item, namespace_))
            return false;
    }
    return true;
}

static bool add_document(struct rpw_audit *audit, const char *name, const json_t *document, const char *namespace_)
{
    const char *kind = json_string_value(json_object_get(document, "kind"));
    const json_t *items = json_object_get(document, "items");

    if (kind != NULL && strcmp(kind, "Pod") == 0)
        return rpw_audit_add(audit, document, namespace_);
    if (kind != NULL && (strcmp(kind, "List") == 0 || strcmp(kind, "PodList") == 0) && json_is_array(items))
        return add_items(audit, items, namespace_);
    fprintf(stderr, "%s: /kind: expected Pod, PodList or List, found %s\n", name, kind != NULL ? kind : "nothing");
    return false;
}

static bool add_file(struct rpw_audit *audit, const char *file, const char *namespace_)
{
    json_t *documents = rpw_documents_read(file, MAX_FILE_BYTES);
    bool is_ok = documents != NULL;
    const json_t *document;
    size_t index;

    json_array_foreach(documents, index, document)
    {
        is_ok = is_ok && add_document(audit, rpw_documents_shown_name(file), document, namespace_);
    }
    json_decref(documents);
    return is_ok;
}

/* --- pods from a cluster --------------------------------------------------------------------------------------------- */

/* Takes a page. *next, the continuation in and out, is malloc's; NULL: there is no more. */
static bool add_page(struct rpw_audit *audit, const json_t *page, const char *namespace_, char **next)
{
    const json_t *items = json_object_get(page, "items");
    const char *continuation = json_string_value(json_object_get(json_object_get(page, "metadata"), "continue"));

    free(*next);
    *next = NULL;
    if (continuation != NULL && continuation[0] != '\0') {
        *next = strdup(continuation);
        if (*next == NULL)
            return false; /* it would pass for the end of the list */
    }
    return items != NULL && add_items(audit, items, namespace_);
}

/* All pages from the first. RPW_KUBE_GONE: what came is of another time than what would follow. */
static enum rpw_kube_result add_pages(struct rpw_audit *audit, struct rpw_kube_client *client, const char *namespace_,
                                      char error[RPW_KUBE_ERROR_BYTES])
{
    enum rpw_kube_result result;
    char *next = NULL;

    do {
        const struct rpw_kube_request request = {.verb = RPW_KUBE_LIST,
                                                 .group = "",
                                                 .resource = "pods",
                                                 .namespace_ = namespace_,
                                                 .limit = PODS_AT_ONCE,
                                                 .next = next};
        json_t *page = NULL;

        result = rpw_kube_call(client, &request, &page, error);
        if (result == RPW_KUBE_OK && !add_page(audit, page, namespace_, &next)) {
            snprintf(error, RPW_KUBE_ERROR_BYTES, "the cluster's pods cannot be read");
            result = RPW_KUBE_FAILED;
        }
        json_decref(page);
    } while (result == RPW_KUBE_OK && next != NULL);
    free(next);
    return result;
}

/* An apiserver keeps a list for its pages for some minutes only. */
static bool add_cluster(struct rpw_audit *audit, struct rpw_kube_client *client, const char *namespace_)
{
    enum rpw_kube_result result = RPW_KUBE_GONE;
    char error[RPW_KUBE_ERROR_BYTES] = "out of memory";

    for (int i = 0; result == RPW_KUBE_GONE && i < MAX_LISTS && rpw_audit_reset(audit); i++)
        result = add_pages(audit, client, namespace_, error);
    if (result != RPW_KUBE_OK)
        fprintf(stderr, "rucio-policy-webhook audit: %s\n", error);
    return result == RPW_KUBE_OK;
}

static bool add_pods(struct rpw_audit *audit, const struct options *options)
{
    struct rpw_kube_client *client;
    bool is_ok = true;

    for (size_t i = 0; i < options->files.count && is_ok; i++)
        is_ok = add_file(audit, options->files.items[i], options->namespace_);
    if (options->files.count > 0)
        return is_ok;
    client = rpw_cluster_open(options->kubeconfig);
    is_ok = client != NULL && add_cluster(audit, client, options->namespace_);
    rpw_kube_client_free(client);
    return is_ok;
}

static int audit_pods(const struct options *options, const struct rpw_config *config)
{
    struct rpw_audit audit;
    bool is_ok, has_drift;

    if (!rpw_audit_init(&audit, rpw_config_policies(config))) {
        fputs("out of memory\n", stderr);
        return RPW_EXIT_BLIND;
    }
    is_ok = add_pods(&audit, options);
    if (is_ok && options->output == 1)
        is_ok = rpw_audit_print_json(&audit, stdout);
    else if (is_ok)
        rpw_audit_print_table(&audit, stdout);
    has_drift = rpw_audit_has_drift(&audit);
    rpw_audit_done(&audit);
    return !is_ok ? RPW_EXIT_BLIND : has_drift ? RPW_EXIT_NO : RPW_EXIT_OK;
}

static int audit(int argc, char **argv)
{
    struct options options = {.config_file = NULL};
    struct rpw_config *config;
    int exit_code;
    bool is_readable;

    if (!rpw_flags_read(&rpw_verb_audit, argc, argv, &options, &exit_code))
        return exit_code;
    if (options.files.count > 0 && options.kubeconfig != NULL)
        return rpw_flags_error(&rpw_verb_audit, "--file", "found --kubeconfig, too, expected one of them");
    config = rpw_config_file_load(options.config_file, &is_readable);
    exit_code = config != NULL ? audit_pods(&options, config) : RPW_EXIT_BLIND;
    rpw_config_free(config);
    return exit_code;
}

const struct rpw_verb rpw_verb_audit = {
    .name = "audit",
    .summary = "which running Rucio pods lack their policy, or carry an old revision of it?",
    .text = "Which running Rucio pods have the policy that the webhook would give them now, lack it, or carry an old "
            "revision?",
    .ending = "States: current; conflicts (current, but for what the pod sets itself and the policy keeps); old "
              "revision; lacking; refused (if it were created now); no policy (Rucio's by a container's name, and no "
              "policy selects it); opted out.\n"
              "Exit codes: 0 no drift, 1 drift (old revision, lacking, refused; no policy, unless `unmatched: allow`), "
              "2 usage, 3 the pods could not be read.",
    .flags = flags,
    .flag_count = sizeof(flags) / sizeof(flags[0]),
    .run = audit,
};
