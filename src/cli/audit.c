/* audit.c - the verb `audit`: where the pods come from; audit_pods.c judges them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit_pods.h"
#include "child.h"
#include "cli.h"
#include "cluster.h"
#include "config_file.h"
#include "flags.h"
#include "input.h"
#include "memory.h"
#include "progress.h"
#include "values.h"
#include "writer.h"

#define MAX_INPUT_BYTES ((size_t)1024 * 1024 * 1024)
#define PODS_AT_ONCE 250
#define MAX_LISTS 4

enum format { FORMAT_TABLE, FORMAT_JSON, FORMAT_YAML };

struct options {
    const char *config_file;
    struct rpw_flag_list files; /* none: a cluster */
    const char *context;        /* kubectl's */
    const char *namespace_;     /* NULL: all */
    unsigned format;            /* enum format */
};

static const struct rpw_flag flags[] = {
    RPW_FLAG_ROW_CONFIG(struct options),
    RPW_FLAG("context", TEXT, struct options, context, "NAME", "kubectl's; without it: the current one", ),
    RPW_FLAG(
        "file", FILES, struct options, files, "PODS",
        "no cluster: what `kubectl get pods -A -o json` prints; - is standard input, of a folder *.yaml, *.yml and "
        "*.json",
        .letter = 'f'),
    RPW_FLAG("namespace", FORM, struct options, namespace_, "NS", "this namespace only; without it: all", .letter = 'n',
             .take = rpw_flag_take_namespace),
    RPW_FLAG("output", CHOICE, struct options, format, "table|json|yaml",
             "json and yaml have the names of the pods, too", .letter = 'o', .fallback = "table"),
};

/* --- files and kubectl ---------------------------------------------------------------------------------------------- */

/* That there is no pod in it is an answer to nothing. */
static void complain_of_nothing(const struct rpw_audit *audit, const char *name, const char *expected)
{
    const char *namespace_ = audit->namespace_;

    fprintf(stderr, "%s: found no pod%s%s (other objects: %zu), expected %s\n", name,
            namespace_ != NULL ? " of namespace " : "", namespace_ != NULL ? namespace_ : "", audit->other_count,
            expected);
}

static bool add_text(struct rpw_audit *audit, const char *name, struct rpw_span text)
{
    size_t before = audit->pod_count;

    audit->other_count = 0;
    if (!rpw_audit_add_text(audit, name, text))
        return false;
    if (audit->pod_count == before)
        complain_of_nothing(audit, name, "what `kubectl get pods -A -o json` prints");
    else if (audit->other_count > 0)
        fprintf(stderr, "%s: objects that are no pods were passed over: %zu\n", name, audit->other_count);
    return audit->pod_count > before;
}

static bool add_file(const char *path, void *audit)
{
    size_t len = 0;
    char *bytes = rpw_manifest_read_file(path, MAX_INPUT_BYTES, &len);
    bool is_ok = bytes != NULL && add_text(audit, rpw_manifest_shown_name(path), (struct rpw_span){bytes, len});

    free(bytes);
    return is_ok;
}

static bool add_kubectl(struct rpw_audit *audit, const struct options *options)
{
    const char *arguments[10] = {"kubectl", "get", "pods", "-o", "json"}, **next = arguments + 5;
    char *output = NULL;
    size_t len = 0;
    int status;
    bool is_ok;

    if (options->context != NULL) {
        *next++ = "--context";
        *next++ = options->context;
    }
    *next++ = options->namespace_ != NULL ? "-n" : "-A";
    *next++ = options->namespace_;
    status = rpw_child_run(arguments, MAX_INPUT_BYTES, &output, &len);
    if (status > 0)
        fprintf(stderr, "kubectl get pods: ended with the exit status %d; -f reads pods from a file\n", status);
    is_ok = status == 0 && add_text(audit, "kubectl get pods", (struct rpw_span){output, len});
    free(output);
    return is_ok;
}

/* --- the API, from within a pod ------------------------------------------------------------------------------------- */

/* The continuation in *next, in and out, to be freed; NULL: there is no more. False: page is no JSON. */
static bool find_continuation(struct rpw_kube_text page, char **next)
{
    json_t *head = json_loadb(page.bytes, page.len, JSON_ALLOW_NUL, NULL);
    const char *continuation = "";

    json_unpack(head, "{s:{s:s}}", "metadata", "continue", &continuation);
    free(*next);
    *next = continuation[0] != '\0' ? rpw_memory_print("%s", continuation) : NULL;
    json_decref(head);
    return head != NULL;
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
        struct rpw_kube_text page = {NULL, 0};

        result = rpw_kube_fetch(client, &request, &page, error);
        if (result == RPW_KUBE_OK && (!rpw_audit_add_text(audit, "the API", (struct rpw_span){page.bytes, page.len}) ||
                                      !find_continuation(page, &next))) {
            snprintf(error, RPW_KUBE_ERROR_BYTES, "the cluster's pods cannot be read");
            result = RPW_KUBE_FAILED;
        }
        free(page.bytes);
    } while (result == RPW_KUBE_OK && next != NULL);
    free(next);
    return result;
}

/* An apiserver keeps a list for its pages for some minutes only. */
static bool add_api(struct rpw_audit *audit, const char *namespace_)
{
    struct rpw_kube_client *client = rpw_cluster_open(NULL);
    enum rpw_kube_result result = RPW_KUBE_GONE;
    char error[RPW_KUBE_ERROR_BYTES] = "";

    for (int i = 0; client != NULL && result == RPW_KUBE_GONE && i < MAX_LISTS; i++) {
        rpw_audit_reset(audit);
        result = add_pages(audit, client, namespace_, error);
    }
    rpw_kube_client_free(client);
    if (result == RPW_KUBE_OK && audit->pod_count == 0)
        complain_of_nothing(audit, "the API", "some");
    if (error[0] != '\0')
        rpw_verb_fail(&rpw_verb_audit, RPW_EXIT_NO, "%s", error);
    return result == RPW_KUBE_OK && audit->pod_count > 0;
}

/* --- the whole ------------------------------------------------------------------------------------------------------ */

static bool add_pods(struct rpw_audit *audit, const struct options *options)
{
    if (options->files.count > 0)
        return rpw_manifest_each_file(options->files.items, options->files.count, add_file, audit);
    if (options->context == NULL && rpw_cluster_is_around())
        return add_api(audit, options->namespace_);
    return add_kubectl(audit, options);
}

static void print(const struct rpw_audit *audit, unsigned format)
{
    json_t *report = rpw_audit_report(audit);

    if (format == FORMAT_TABLE)
        rpw_audit_print_table(audit, stdout);
    else if (format == FORMAT_YAML)
        rpw_manifest_write_yaml(stdout, report, 0);
    else
        rpw_manifest_write_json(stdout, report);
    json_decref(report);
}

static int audit_pods(const struct rpw_policy_set *policies, const void *context)
{
    const struct options *options = context;
    int exit_code = RPW_EXIT_BLIND;
    struct rpw_audit audit;

    rpw_audit_init(&audit, policies, options->namespace_);
    if (add_pods(&audit, options)) {
        print(&audit, options->format);
        exit_code = rpw_audit_has_drift(&audit) ? RPW_EXIT_NO : RPW_EXIT_OK;
    }
    rpw_progress_clear();
    rpw_audit_done(&audit);
    return exit_code;
}

static int audit(void *context)
{
    const struct options *options = context;

    if (options->files.count > 0 && options->context != NULL)
        return rpw_flags_error(&rpw_verb_audit, "--file", "found --context, too, expected one of them");
    return rpw_config_file_run(options->config_file, audit_pods, options);
}

const struct rpw_verb rpw_verb_audit = {
    .name = "audit",
    .summary = "which running Rucio pods lack their policy, or carry an old revision of it?",
    .text =
        "Which running Rucio pods have the policy that the webhook would give them now, lack it, or carry an old "
        "revision? Pods come from `kubectl get pods -o json`, with its ways to log in; in a pod, from the API by the "
        "pod's ServiceAccount.",
    .ending = "States: current; conflicts (current, but for what the pod sets itself and the policy keeps); old "
              "revision; lacking; refused (if it were created now); no policy (a Rucio pod that no policy selects); "
              "opted out.\n"
              "Exit codes: 0 no drift, 1 drift (old revision, lacking, refused; no policy, unless `unmatched: allow`), "
              "2 usage, 3 no pod was seen: there is none in the input, or the cluster could not be asked.",
    RPW_VERB_FLAGS(flags, struct options),
    .run = audit,
};
