/* audit.c - the verb `audit`: pods from a cluster or a file, judged by audit_pods.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit_pods.h"
#include "cli.h"
#include "cluster.h"
#include "command_line.h"
#include "config.h"
#include "documents.h"
#include "values.h"

#define MAX_FILE_BYTES ((size_t)1024 * 1024 * 1024)
#define PODS_AT_ONCE 250
#define MAX_LISTS 4

struct options {
    const char *config_file;
    const char *file; /* NULL: a cluster */
    const char *kubeconfig;
    const char *namespace_; /* NULL: all */
    bool is_json;
};

static const struct rpw_usage usage = {
    "audit",
    "Usage: rucio-policy-webhook audit --config FILE [--kubeconfig FILE] [-n NS] [-o table|json]\n"
    "       rucio-policy-webhook audit --config FILE -f PODS [-n NS] [-o table|json]\n"
    "Which running Rucio pods have the policy that the webhook would give them now, lack it, or carry an old "
    "revision?\n"
    "\n"
    "  --config FILE         the policies\n" RPW_CLUSTER_HELP
    "  -f, --file PODS       no cluster: what `kubectl get pods -A -o json` prints; - is standard input\n"
    "  -n, --namespace NS    this namespace only; default: all\n"
    "  -o, --output FORMAT   table, or json with the names of the pods; default: table\n"
    "  --help                this text\n"
    "\n"
    "States: current; conflicts (current, but for what the pod sets itself and the policy keeps); old revision; "
    "lacking;\n"
    "refused (if it were created now); no policy (Rucio's by a container's name, and no policy selects it); opted "
    "out.\n"
    "Exit codes: 0 no drift, 1 drift (old revision, lacking, refused; no policy, unless `unmatched: allow`) or an "
    "error,\n"
    "2 usage.\n",
};

static bool take_output(const char *value, struct options *options)
{
    options->is_json = strcmp(value, "json") == 0;
    return options->is_json || strcmp(value, "table") == 0 ||
           rpw_usage_error(&usage, "-o: expected table or json, found: %s", value);
}

static bool take_option(void *target, int option, char *value)
{
    struct options *options = target;

    switch (option) {
    case 'c':
        options->config_file = value;
        return true;
    case 'f':
        options->file = value;
        return true;
    case 'k':
        options->kubeconfig = value;
        return true;
    case 'n':
        options->namespace_ = value;
        return rpw_is_namespace_name(value) ||
               rpw_usage_error(&usage, "-n: expected the name of a namespace, found: %s", value);
    case 'o':
        return take_output(value, options);
    default:
        return rpw_usage_error(&usage, "files are given with -f; unexpected argument: %s", value);
    }
}

static bool check_options(const void *target)
{
    const struct options *options = target;

    if (options->config_file == NULL)
        return rpw_usage_error(&usage, "--config FILE is missing");
    if (options->file != NULL && options->kubeconfig != NULL)
        return rpw_usage_error(&usage, "found both -f and --kubeconfig, expected one of them");
    return true;
}

static const struct option option_names[] = {
    {"config", required_argument, NULL, 'c'},
    {"file", required_argument, NULL, 'f'},
    {"kubeconfig", required_argument, NULL, 'k'},
    {"namespace", required_argument, NULL, 'n'},
    {"output", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};
static const struct rpw_command_line command_line = {&usage, "f:n:o:h", option_names, take_option, check_options};

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

static bool add_file(struct rpw_audit *audit, const struct options *options)
{
    json_t *documents = rpw_documents_read(options->file, MAX_FILE_BYTES);
    bool is_ok = documents != NULL;
    const json_t *document;
    size_t index;

    json_array_foreach(documents, index, document)
    {
        is_ok = is_ok && add_document(audit, rpw_documents_shown_name(options->file), document, options->namespace_);
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
    bool is_ok;

    if (options->file != NULL)
        return add_file(audit, options);
    client = rpw_cluster_open(options->kubeconfig);
    is_ok = client != NULL && add_cluster(audit, client, options->namespace_);
    rpw_kube_client_free(client);
    return is_ok;
}

int rpw_cli_audit(int argc, char **argv)
{
    struct options options = {.config_file = NULL};
    struct rpw_config *config = NULL;
    struct rpw_audit audit;
    char *report = NULL;
    int exit_code;
    bool is_ok;

    if (!rpw_command_line_read(&command_line, argc, argv, &options, &exit_code))
        return exit_code;
    if (!rpw_config_load(options.config_file, &config, &report) ||
        !rpw_audit_init(&audit, rpw_config_policies(config))) {
        fputs(report != NULL ? report : "out of memory\n", stderr);
        rpw_config_free(config);
        free(report);
        return RPW_EXIT_NO;
    }
    is_ok = add_pods(&audit, &options);
    if (is_ok && options.is_json)
        is_ok = rpw_audit_print_json(&audit, stdout);
    else if (is_ok)
        rpw_audit_print_table(&audit, stdout);
    exit_code = is_ok && !rpw_audit_has_drift(&audit) ? RPW_EXIT_OK : RPW_EXIT_NO;
    rpw_audit_done(&audit);
    rpw_config_free(config);
    return exit_code;
}
