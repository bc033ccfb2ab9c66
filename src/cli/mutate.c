/* mutate.c - the verb `mutate`: what the webhook would do, without a webhook.
 *
 * An AdmissionReview is handed to the core as it is. Anything else is a Kubernetes object, or many: document.c finds the
 * pods in it and asks the core about each, mutate_output.c shows the answer. It is the server's own code that decides.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli.h"
#include "config_file.h"
#include "flags.h"
#include "mutate_output.h"
#include "rpw/limits.h"
#include "values.h"

/* A large cluster's pods as `kubectl get pods -A -o json` prints them. */
#define MAX_INPUT_BYTES ((size_t)64 * 1024 * 1024)

/* Enough to say where 80,000 pods of one document are. */
#define PODS_ARENA_BYTES ((size_t)16 * 1024 * 1024)

struct options {
    const char *config_file;
    struct rpw_flag_list files;
    const char *namespace_; /* NULL: each object's own, else "default" */
    unsigned format;        /* enum rpw_mutate_format; FORMAT_OF_INPUT */
};

#define FORMAT_OF_INPUT (~0U)

static const struct rpw_flag flags[] = {
    RPW_FLAG_ROW_CONFIG(struct options),
    RPW_FLAG("file", FILES, struct options, files, "FILE", "what to read; - or nothing: standard input", .letter = 'f'),
    RPW_FLAG("namespace", FORM, struct options, namespace_, "NS",
             "the namespace of objects that name none themselves; without it: default", .letter = 'n',
             .take = rpw_flag_take_namespace),
    RPW_FLAG("output", CHOICE, struct options, format, "yaml|json|patch|diff|explain",
             "yaml: the objects, patched: what is not touched keeps every byte, comments included\n"
             "json: the same as JSON\n"
             "patch: the JSON Patch of each object, in a list\n"
             "diff: what changes, line by line\n"
             "explain: in words: which policy and why, and what it does to each container\n"
             "Without it: yaml for YAML, json for JSON",
             .letter = 'o'),
};

/* --- input ----------------------------------------------------------------------------------------------------------- */

/* The whole file, to be freed by the caller; NULL after a message. */
static char *read_input(const char *file_name, const char *shown_name, size_t *ret_len)
{
    FILE *file = strcmp(file_name, "-") == 0 ? stdin : fopen(file_name, "rb");
    char *bytes = malloc(MAX_INPUT_BYTES + 1), *result = NULL;
    size_t len;

    if (file == NULL || bytes == NULL) {
        fprintf(stderr, "%s: cannot be opened: %s\n", shown_name, strerror(errno));
        goto out;
    }
    len = fread(bytes, 1, MAX_INPUT_BYTES + 1, file);
    if (ferror(file)) {
        fprintf(stderr, "%s: cannot be read: %s\n", shown_name, strerror(errno));
        goto out;
    }
    if (len > MAX_INPUT_BYTES) {
        fprintf(stderr, "%s: larger than 64 MiB, which is the most that is read\n", shown_name);
        goto out;
    }
    result = bytes;
    bytes = NULL;
    *ret_len = len;
out:
    free(bytes);
    if (file != NULL && file != stdin)
        fclose(file);
    return result;
}

/* By the first byte that is no white space, as kubectl tells the two apart. */
static bool is_json(struct rpw_span text)
{
    size_t at = 0;

    while (at < text.len && memchr(" \t\r\n", text.ptr[at], 4))
        at++;
    return at < text.len && text.ptr[at] == '{';
}

/* --- documents ------------------------------------------------------------------------------------------------------- */

static void print_report(const struct rpw_document *document)
{
    char *report = rpw_report_render(&document->report);

    if (report != NULL && report[0] != '\0')
        fputs(report, stderr);
    else
        fprintf(stderr, "%s: document %zu: it needs more memory than there is for it\n", document->report.name,
                document->number);
    free(report);
}

/* Warnings and refusals. Returns whether every pod may start. */
static bool print_messages(const struct rpw_document *document)
{
    bool is_allowed = true;

    for (size_t i = 0; i < document->pod_count; i++) {
        const struct rpw_document_pod *pod = &document->pods[i];
        const json_t *warning;
        size_t index;

        json_array_foreach(pod->decision.warnings, index, warning)
        {
            fprintf(stderr, "%s: warning: %s\n", pod->label, json_string_value(warning));
        }
        if (pod->decision.outcome != RPW_OUTCOME_REJECTED)
            continue;
        fprintf(stderr, "%s: document %zu: %s: refused: %s\n", document->report.name, document->number, pod->label,
                pod->decision.message);
        is_allowed = false;
    }
    return is_allowed;
}

/* One document. *ret_is_allowed: set to false when a pod is refused. False: it cannot be used, and that was said. */
static bool mutate_document(const struct rpw_document_context *context, struct rpw_mutate_output *output,
                            struct rpw_span text, size_t number, bool *ret_is_allowed)
{
    struct rpw_document document;
    bool is_done =
        rpw_document_open(context, text, number, output->is_json_input, rpw_mutate_needs_values(output), &document);

    if (is_done) {
        *ret_is_allowed = print_messages(&document) && *ret_is_allowed;
        is_done = rpw_mutate_show(output, &document, context->policies);
    }
    if (!is_done)
        print_report(&document);
    rpw_document_close(&document);
    return is_done;
}

static bool mutate_documents(const struct rpw_document_context *context, struct rpw_mutate_output *output,
                             bool *ret_is_allowed)
{
    struct rpw_span rest = context->text, text;
    size_t number = 0;
    bool is_done = true;

    if (output->is_json_input)
        return mutate_document(context, output, context->text, 1, ret_is_allowed);
    while (rpw_manifest_next(&rest, &text)) {
        if (rpw_manifest_is_blank(text))
            rpw_mutate_show_blank(output, text);
        else
            is_done = mutate_document(context, output, text, ++number, ret_is_allowed) && is_done;
    }
    return is_done;
}

/* Nothing is printed before everything is known: half an answer could be taken for one. */
static int mutate_objects(const struct rpw_document_context *context, struct rpw_mutate_output *output)
{
    char *text = NULL;
    size_t len = 0;
    bool is_allowed = true, is_done;

    output->patches = json_array();
    output->out = open_memstream(&text, &len);
    if (output->patches == NULL || output->out == NULL) {
        fprintf(stderr, "rucio-policy-webhook mutate: out of memory\n");
        json_decref(output->patches);
        return RPW_EXIT_NO;
    }
    is_done = mutate_documents(context, output, &is_allowed);
    rpw_mutate_finish(output);
    fclose(output->out);
    if (is_done && (is_allowed || output->format == RPW_MUTATE_DIFF || output->format == RPW_MUTATE_EXPLAIN))
        fwrite(text, 1, len, stdout);
    free(text);
    json_decref(output->patches);
    return is_done && is_allowed ? RPW_EXIT_OK : RPW_EXIT_NO;
}

/* --- AdmissionReview ------------------------------------------------------------------------------------------------- */

/* What the core says when there is no answer; "byte 17: " in front of it becomes a line and a column. */
static void print_failure(const struct rpw_document_context *context, const struct rpw_result *result)
{
    struct rpw_span message = result->message, byte_number;
    struct rpw_report report;
    struct rpw_pool pool;
    char *text;

    if (result->http_status != 400) {
        fprintf(stderr, "%s: %.*s\n", context->file, (int)message.len, message.ptr);
        return;
    }
    rpw_span_next_element(&message, ' ', &byte_number);
    rpw_span_next_element(&message, ' ', &byte_number);
    rpw_pool_init(&pool, RPW_MANIFEST_MAX_POOL_BYTES);
    rpw_report_init(&report, &pool, context->file, context->text);
    rpw_report_error(&report, (struct rpw_place){result->err.offset, 0}, "%.*s", (int)message.len, message.ptr);
    text = rpw_report_render(&report);
    fputs(text != NULL ? text : "out of memory\n", stderr);
    free(text);
    rpw_pool_done(&pool);
}

static int answer_review(const struct rpw_document_context *context)
{
    struct rpw_result result;

    if (context->text.len > RPW_MAX_BODY_BYTES) {
        fprintf(stderr, "%s: larger than %zu bytes, which no review of a pod can be\n", context->file,
                RPW_MAX_BODY_BYTES);
        return RPW_EXIT_NO;
    }
    rpw_mutate(context->core, context->policies, context->text, &result);
    if (result.http_status != 200) {
        print_failure(context, &result);
        return RPW_EXIT_NO;
    }
    fwrite(result.body.ptr, 1, result.body.len, stdout);
    return result.outcome == RPW_OUTCOME_REJECTED ? RPW_EXIT_NO : RPW_EXIT_OK;
}

static bool is_review(const struct rpw_document_context *context)
{
    struct rpw_workload workload;
    struct rpw_err err;

    return rpw_workload_read(context->pods, context->text, &workload, &err) == RPW_OK &&
           rpw_span_is(workload.name.kind, "AdmissionReview");
}

static int mutate_input(const struct rpw_document_context *context, const struct options *options)
{
    struct rpw_mutate_output output = {.is_json_input = is_json(context->text), .is_coloured = isatty(STDOUT_FILENO)};

    output.format = options->format != FORMAT_OF_INPUT ? (enum rpw_mutate_format)options->format
                    : output.is_json_input             ? RPW_MUTATE_JSON
                                                       : RPW_MUTATE_YAML;
    if (!output.is_json_input || !is_review(context))
        return mutate_objects(context, &output);
    if (output.format == RPW_MUTATE_JSON)
        return answer_review(context);
    fprintf(stderr, "%s: an AdmissionReview is answered with an AdmissionReview: this --output is for other objects\n",
            context->file);
    return RPW_EXIT_NO;
}

/* The context has all but the arenas. */
static int mutate_in_arenas(struct rpw_document_context context, const struct options *options)
{
    char *region = malloc(RPW_ARENA_BYTES + PODS_ARENA_BYTES);
    struct rpw_arena core, pods;
    int exit_code;

    if (region == NULL) {
        fprintf(stderr, "rucio-policy-webhook mutate: out of memory\n");
        return RPW_EXIT_NO;
    }
    rpw_arena_init(&core, region, RPW_ARENA_BYTES);
    rpw_arena_init(&pods, region + RPW_ARENA_BYTES, PODS_ARENA_BYTES);
    context.core = &core;
    context.pods = &pods;
    exit_code = mutate_input(&context, options);
    rpw_arena_done(&core);
    rpw_arena_done(&pods);
    free(region);
    return exit_code;
}

static int mutate(int argc, char **argv)
{
    struct options options = {.format = FORMAT_OF_INPUT};
    struct rpw_document_context context = {.policies = NULL};
    struct rpw_config *config = NULL;
    char *bytes = NULL;
    int exit_code;
    bool is_readable;

    if (!rpw_flags_read(&rpw_verb_mutate, argc, argv, &options, &exit_code))
        return exit_code;
    if (options.files.count > 1)
        return rpw_flags_error(&rpw_verb_mutate, "--file", "found %zu files, expected one", options.files.count);
    if (options.files.count == 0)
        options.files.items[0] = "-";

    exit_code = RPW_EXIT_BLIND;
    config = rpw_config_file_load(options.config_file, &is_readable);
    if (config == NULL)
        goto out;
    context.file = strcmp(options.files.items[0], "-") == 0 ? "<stdin>" : options.files.items[0];
    bytes = read_input(options.files.items[0], context.file, &context.text.len);
    if (bytes == NULL)
        goto out;
    context.text.ptr = bytes;
    context.policies = rpw_config_policies(config);
    context.namespace_ = options.namespace_ != NULL ? rpw_span_of(options.namespace_) : RPW_LIT("");
    exit_code = mutate_in_arenas(context, &options);
out:
    free(bytes);
    rpw_config_free(config);
    return exit_code;
}

const struct rpw_verb rpw_verb_mutate = {
    .name = "mutate",
    .summary = "the same code offline: what it does to a chart, a workload or a pod",
    .text = "Shows offline what the webhook does. Reads Kubernetes objects, YAML as `helm template` prints it or JSON: "
            "Pod, Deployment, StatefulSet, DaemonSet, ReplicaSet, ReplicationController, Job, CronJob, and lists of "
            "these; other kinds are passed on untouched. An AdmissionReview (JSON) is answered with an "
            "AdmissionReview.",
    .ending = "Warnings go to standard error. When a pod is refused, only diff and explain print anything.\n"
              "Exit codes: 0 done, 1 a pod is refused or the input cannot be used, 2 usage, 3 nothing could be read.",
    .flags = flags,
    .flag_count = sizeof(flags) / sizeof(flags[0]),
    .run = mutate,
};
