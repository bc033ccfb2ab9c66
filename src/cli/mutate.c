/* mutate.c - the verb `mutate`: what the webhook would do, without a webhook.
 *
 * An AdmissionReview is handed to the core as it is. Anything else is a Kubernetes object, or many: document.c finds the
 * pods in it and asks the core about each, mutate_output.c shows the answer. It is the server's own code that decides.
 */
#include <stdlib.h>

#include "cli.h"
#include "config_file.h"
#include "flags.h"
#include "input.h"
#include "memory.h"
#include "mutate_output.h"
#include "progress.h"
#include "rpw/bytes/limits.h"
#include "values.h"

/* A large cluster's pods as `kubectl get pods -A -o json` prints them. */
#define MAX_INPUT_BYTES ((size_t)64 * 1024 * 1024)

/* Enough to say where 80,000 pods of one document are. */
#define PODS_ARENA_BYTES ((size_t)16 * 1024 * 1024)

struct options {
    const char *config_file;
    struct rpw_flag_list files;
    const char *namespace_; /* NULL: each object's own, else "default" */
    unsigned format;        /* enum rpw_mutate_format */
};

static const struct rpw_flag flags[] = {
    RPW_FLAG_ROW_CONFIG(struct options),
    RPW_FLAG("file", FILES, struct options, files, "FILE",
             "what to read, or a folder's *.yaml, *.yml and *.json; - or nothing: standard input", .letter = 'f'),
    RPW_FLAG("namespace", FORM, struct options, namespace_, "NS",
             "the namespace of objects that name none themselves; without it: default", .letter = 'n',
             .take = rpw_flag_take_namespace),
    RPW_FLAG("output", CHOICE, struct options, format, "yaml|json|patch|diff|explain",
             "yaml: the objects, patched: what is not touched keeps every byte\n"
             "json: the same as JSON\n"
             "patch: the JSON Patch of each object, in a list\n"
             "diff: what changes, by `diff -u` or $RPW_EXTERNAL_DIFF\n"
             "explain: in words: which policy and why, and what it does to each container\n"
             "Without it: yaml for YAML, json for JSON",
             .letter = 'o'),
};

/* --- documents ------------------------------------------------------------------------------------------------------- */

/* What one run is about. */
struct run {
    struct rpw_document_context context;
    struct rpw_mutate_output output;
    struct rpw_mutate_summary summary;
    const struct options *options;
    bool is_usable; /* so far: every document could be read */
    bool is_allowed;
};

/* Warnings and refusals. */
static void print_messages(struct run *run, const struct rpw_document *document)
{
    rpw_progress_clear();
    for (size_t i = 0; i < document->pod_count; i++) {
        const struct rpw_document_pod *pod = &document->pods[i];
        const json_t *warning;
        size_t index;

        if (pod->place.stray_annotation)
            fprintf(
                stderr,
                "%s: warning: the annotation %s has no effect here; it belongs to the pod template: %.*s/metadata\n",
                pod->label, pod->place.stray_annotation, (int)pod->place.pointer.len, pod->place.pointer.ptr);
        json_array_foreach(pod->decision.warnings, index, warning)
        {
            fprintf(stderr, "%s: warning: %s\n", pod->label, json_string_value(warning));
        }
        if (pod->decision.outcome != RPW_OUTCOME_REJECTED)
            continue;
        fprintf(stderr, "%s: document %zu: %s: refused: %s\n", document->object.report.name, document->number,
                pod->label, pod->decision.message);
        run->is_allowed = false;
    }
}

static void mutate_document(struct run *run, const struct rpw_manifest_stream *stream,
                            const struct rpw_manifest_document *text)
{
    struct rpw_document document;

    if (rpw_document_open(&run->context, stream, text, rpw_mutate_needs_values(&run->output), &document)) {
        print_messages(run, &document);
        rpw_mutate_summary_add(&run->summary, &document);
        rpw_mutate_show(&run->output, &document, run->context.policies);
    } else {
        rpw_manifest_object_print_errors(&document.object);
        run->is_usable = false;
    }
    rpw_document_close(&document);
}

static void mutate_stream(struct run *run, struct rpw_manifest_stream *stream)
{
    struct rpw_manifest_document text;

    rpw_mutate_begin(&run->output, stream);
    while (rpw_manifest_stream_next(stream, &text)) {
        if (text.number == 0)
            rpw_mutate_show_blank(&run->output, text.text);
        else
            mutate_document(run, stream, &text);
        rpw_progress_show("%zu documents", run->summary.document_count);
    }
    rpw_progress_clear();
    if (stream->count > 0)
        return;
    fprintf(stderr, "%s: found no document, expected Kubernetes objects\n", stream->name);
    run->is_usable = false;
}

/* --- AdmissionReview ------------------------------------------------------------------------------------------------- */

/* What the core says when there is no answer, with its line and column. */
static void print_failure(const struct rpw_manifest_stream *stream, const struct rpw_result *result)
{
    const struct rpw_manifest_document document = {.text = stream->text, .json = stream->text};
    struct rpw_manifest_object object;

    if (rpw_manifest_object_open(stream, &document, NULL, &object) && result->http_status == 400) {
        rpw_manifest_object_fail(&object, &result->err);
        rpw_manifest_object_print_errors(&object);
    } else {
        fprintf(stderr, "%s: %.*s\n", stream->name, (int)result->message.len, result->message.ptr);
    }
    rpw_manifest_object_close(&object);
}

/* The server's answer, whatever it is. False after a message. */
static bool answer_review(struct run *run, const struct rpw_manifest_stream *stream)
{
    struct rpw_result result;

    if (run->options->format != RPW_MUTATE_AS_INPUT && run->options->format != RPW_MUTATE_JSON) {
        fprintf(stderr,
                "%s: an AdmissionReview is answered with an AdmissionReview: this --output is for other objects\n",
                stream->name);
        return false;
    }
    if (stream->text.len > RPW_MAX_BODY_BYTES) {
        fprintf(stderr, "%s: larger than %zu bytes, which no review of a pod can be\n", stream->name,
                RPW_MAX_BODY_BYTES);
        return false;
    }
    rpw_mutate(run->context.core, run->context.policies, stream->text, &result);
    if (result.http_status != 200) {
        print_failure(stream, &result);
        return false;
    }
    fwrite(result.body.ptr, 1, result.body.len, stdout);
    run->is_allowed = run->is_allowed && result.outcome != RPW_OUTCOME_REJECTED;
    return true;
}

static bool is_review(const struct run *run, const struct rpw_manifest_stream *stream)
{
    struct rpw_workload workload;
    struct rpw_err err;

    return stream->is_json && rpw_workload_read(run->context.pods, stream->text, false, &workload, &err) == RPW_OK &&
           rpw_span_is(workload.name.kind, "AdmissionReview");
}

/* --- the whole ------------------------------------------------------------------------------------------------------- */

static bool mutate_file(const char *path, void *context)
{
    struct run *run = context;
    struct rpw_manifest_stream stream;
    size_t len = 0;
    char *bytes = rpw_manifest_read_file(path, MAX_INPUT_BYTES, &len);

    if (!bytes) {
        run->is_usable = false;
        return true;
    }
    rpw_manifest_stream_init(&stream, rpw_manifest_shown_name(path), (struct rpw_span){bytes, len});
    if (run->output.format == RPW_MUTATE_AS_INPUT)
        run->output.format = stream.is_json ? RPW_MUTATE_JSON : RPW_MUTATE_YAML;
    if (is_review(run, &stream))
        run->is_usable = answer_review(run, &stream) && run->is_usable;
    else
        mutate_stream(run, &stream);
    free(bytes);
    return true;
}

static void mutate_files(struct run *run)
{
    static const char *const standard_input = "-";
    const struct rpw_flag_list *files = &run->options->files;
    bool is_read = rpw_manifest_each_file(files->count > 0 ? files->items : &standard_input,
                                          files->count > 0 ? files->count : 1, mutate_file, run);

    run->is_usable = run->is_usable && is_read;
}

/* Nothing is printed before everything is known, but for -o diff: half an answer could be taken for one. */
static int mutate_all(const struct rpw_policy_set *policies, const void *context)
{
    const struct options *options = context;
    bool is_for_reading = options->format == RPW_MUTATE_DIFF || options->format == RPW_MUTATE_EXPLAIN;
    char *text = NULL;
    size_t len = 0;
    struct run run = {
        .options = options,
        .is_usable = true,
        .is_allowed = true,
        .context = {.policies = policies,
                    .namespace_ = rpw_span_of(options->namespace_ != NULL ? options->namespace_ : ""),
                    .core = rpw_memory_arena(RPW_ARENA_BYTES),
                    .pods = rpw_memory_arena(PODS_ARENA_BYTES)},
        .output = {.format = (enum rpw_mutate_format)options->format,
                   .patches = json_array(),
                   .out = rpw_memory_open(&text, &len)},
    };

    mutate_files(&run);
    if (run.summary.document_count > 0) {
        rpw_mutate_finish(&run.output);
        rpw_mutate_summary_print(&run.summary, stderr);
    }
    rpw_memory_close(run.output.out);
    run.is_usable = run.is_usable && !run.output.has_diff_failed;
    if (run.is_usable && (run.is_allowed || is_for_reading))
        fwrite(text, 1, len, stdout);
    free(text);
    json_decref(run.output.patches);
    rpw_mutate_summary_done(&run.summary);
    rpw_memory_free_arena(run.context.core);
    rpw_memory_free_arena(run.context.pods);
    return !run.is_usable ? RPW_EXIT_BLIND : run.is_allowed ? RPW_EXIT_OK : RPW_EXIT_NO;
}

static int mutate(void *context)
{
    const struct options *options = context;

    return rpw_config_file_run(options->config_file, mutate_all, options);
}

const struct rpw_verb rpw_verb_mutate = {
    .name = "mutate",
    .summary = "the same code offline: what it does to a chart, a workload or a pod",
    .text = "Shows offline what the webhook does. Reads Kubernetes objects, YAML as `helm template` prints it or JSON: "
            "Pod, Deployment, StatefulSet, DaemonSet, ReplicaSet, ReplicationController, Job, CronJob, and lists of "
            "these; other kinds are passed on untouched. An AdmissionReview (JSON) is answered with an "
            "AdmissionReview.",
    .ending = "Warnings and a summary go to standard error. When a pod is refused, only diff and explain print "
              "anything.\n"
              "Exit codes: 0 done, 1 a pod is refused, 2 usage, 3 the input cannot be used, or is empty.",
    RPW_VERB_FLAGS(flags, struct options),
    .defaults = &(const struct options){.format = RPW_MUTATE_AS_INPUT},
    .run = mutate,
};
