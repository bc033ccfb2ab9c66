/* mutate.c - the verb `mutate`: what the webhook would answer, without a webhook.
 *
 * An AdmissionReview is handed to the core as it is. A Pod is wrapped into one, and the patch that comes back is applied to
 * it. Either way it is the server's own code that reads and decides; jansson only shows the patched pod.
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "config.h"
#include "json_patch.h"
#include "rpw/json_reader.h"
#include "rpw/limits.h"
#include "rpw/mutate.h"

struct options {
    const char *config_file;
    const char *input_file; /* "-": standard input */
    const char *namespace_; /* NULL: the pod's own, else "default" */
};

/* What was read, and under which name errors speak of it. */
struct input {
    const char *name;
    struct rpw_span text;
};

static const char usage[] =
    "Usage: rucio-policy-webhook mutate --config FILE [-f FILE|-] [--namespace NS]\n"
    "Shows offline what the webhook does: reads JSON, an AdmissionReview or a Pod.\n"
    "\n"
    "  --config FILE      the policies\n"
    "  -f, --file FILE    what to read; - or nothing: standard input\n"
    "  --namespace NS     for a Pod: the namespace that it is created in; default: the Pod's own, else \"default\"\n"
    "  --help             this text\n"
    "\n"
    "For an AdmissionReview it prints the AdmissionReview that answers it, for a Pod the patched Pod (numbers with at\n"
    "most 15 digits). Warnings go to standard error. Exit codes: 0 done, 1 the pod is refused or the input cannot be\n"
    "used, 2 usage.\n";

static int usage_error(const char *what, const char *value)
{
    fprintf(stderr, "rucio-policy-webhook mutate: %s%s\n\n%s", what, value, usage);
    return RPW_EXIT_USAGE;
}

/* A DNS-1123 label, as Kubernetes wants the name of a namespace. */
static bool is_namespace(const char *name)
{
    size_t len = strlen(name);

    return len >= 1 && len <= 63 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len && name[0] != '-' &&
           name[len - 1] != '-';
}

/* Returns RPW_EXIT_OK to go on; *ret_is_done: there is nothing to go on with. */
static int parse_options(int argc, char **argv, struct options *ret_options, bool *ret_is_done)
{
    static const struct option long_options[] = {
        {"config", required_argument, NULL, 'c'},
        {"file", required_argument, NULL, 'f'},
        {"namespace", required_argument, NULL, 'n'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;

    *ret_options = (struct options){.input_file = "-"};
    while ((option = getopt_long(argc, argv, "f:h", long_options, NULL)) != -1) {
        switch (option) {
        case 'c':
            ret_options->config_file = optarg;
            break;
        case 'f':
            ret_options->input_file = optarg;
            break;
        case 'n':
            ret_options->namespace_ = optarg;
            break;
        case 'h':
            fputs(usage, stdout);
            *ret_is_done = true;
            return RPW_EXIT_OK;
        default:
            fputs(usage, stderr);
            return RPW_EXIT_USAGE;
        }
    }
    if (optind < argc)
        return usage_error("input files are given with -f; unexpected argument: ", argv[optind]);
    if (ret_options->config_file == NULL)
        return usage_error("--config FILE is missing", "");
    if (ret_options->namespace_ != NULL && !is_namespace(ret_options->namespace_))
        return usage_error("--namespace: expected the name of a namespace (a-z, 0-9, -; at most 63), found: ",
                           ret_options->namespace_);
    return RPW_EXIT_OK;
}

/* The whole file, to be freed by the caller; NULL after a message. */
static char *read_input(const char *file_name, const char *shown_name, size_t *ret_len)
{
    FILE *file = strcmp(file_name, "-") == 0 ? stdin : fopen(file_name, "rb");
    char *bytes = malloc(RPW_MAX_BODY_BYTES + 1), *result = NULL;
    size_t len;

    if (file == NULL || bytes == NULL) {
        fprintf(stderr, "%s: cannot be opened: %s\n", shown_name, strerror(errno));
        goto out;
    }
    len = fread(bytes, 1, RPW_MAX_BODY_BYTES + 1, file);
    if (ferror(file)) {
        fprintf(stderr, "%s: cannot be read: %s\n", shown_name, strerror(errno));
        goto out;
    }
    if (len > RPW_MAX_BODY_BYTES) {
        fprintf(stderr, "%s: larger than %zu bytes, which no review of a pod can be\n", shown_name, RPW_MAX_BODY_BYTES);
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

/* --- a look at the input ------------------------------------------------------------------------------------------- */

/* The value of a member, as JSON text; absent when it is not there. */
static void find_member(struct rpw_json_reader *reader, const char *name, struct rpw_span *ret_value)
{
    struct rpw_span key;

    while (rpw_json_next_member(reader, &key)) {
        if (rpw_span_is(key, name))
            rpw_json_read_raw(reader, ret_value);
        else
            rpw_json_skip(reader);
    }
}

/* kind, as JSON text. False when the text is no JSON object: the core says then what is wrong with it. */
static bool read_kind(struct rpw_arena *arena, struct rpw_span text, struct rpw_span *ret_kind)
{
    struct rpw_json_reader reader;

    rpw_json_reader_init(&reader, arena, text);
    if (rpw_json_enter_object(&reader, ""))
        find_member(&reader, "kind", ret_kind);
    return rpw_json_finish(&reader);
}

/* metadata.namespace of a pod, as JSON text. */
static struct rpw_span read_namespace(struct rpw_arena *arena, struct rpw_span pod)
{
    struct rpw_span metadata = {NULL, 0}, namespace_ = {NULL, 0};
    struct rpw_json_reader reader;

    rpw_json_reader_init(&reader, arena, pod);
    if (rpw_json_enter_object(&reader, ""))
        find_member(&reader, "metadata", &metadata);
    rpw_json_reader_init(&reader, arena, metadata);
    if (rpw_json_enter_object(&reader, ""))
        find_member(&reader, "namespace", &namespace_);
    return namespace_;
}

/* --- showing ------------------------------------------------------------------------------------------------------- */

/* "pod.json:3:17: spec.containers: expected an array, found an object": the core's message, with the byte's place for
 * people. offset: of the byte in the input. */
static void print_error(const struct input *input, size_t offset, struct rpw_span message)
{
    size_t line = 1, column = 1;
    struct rpw_span byte_number;

    for (size_t i = 0; i < offset && i < input->text.len; i++) {
        column = input->text.ptr[i] == '\n' ? 1 : column + 1;
        line += input->text.ptr[i] == '\n';
    }
    rpw_span_next_element(&message, ':', &byte_number);
    fprintf(stderr, "%s:%zu:%zu:%.*s\n", input->name, line, column, (int)message.len, message.ptr);
}

static void print_warnings(const json_t *response)
{
    const json_t *warning;
    size_t index;

    json_array_foreach(json_object_get(response, "warnings"), index, warning)
    {
        fprintf(stderr, "warning: %s\n", json_string_value(warning));
    }
}

/* Prints the pod as the answer wants it. */
static int show_pod(const struct input *input, const struct rpw_result *result)
{
    json_error_t error;
    json_t *pod = json_loadb(input->text.ptr, input->text.len, JSON_ALLOW_NUL, &error);
    json_t *review = json_loadb(result->body.ptr, result->body.len, JSON_ALLOW_NUL, NULL);
    const json_t *response = json_object_get(review, "response");
    const char *base64 = json_string_value(json_object_get(response, "patch"));
    json_t *patch = base64 != NULL ? rpw_json_patch_decode(base64) : json_array();
    char patch_error[RPW_JSON_PATCH_ERROR_BYTES];
    int exit_code = RPW_EXIT_NO;

    print_warnings(response);
    if (!json_is_true(json_object_get(response, "allowed"))) {
        fprintf(stderr, "refused: %.*s\n", (int)result->message.len, result->message.ptr);
    } else if (pod == NULL) {
        fprintf(stderr, "%s:%d:%d: the webhook takes this pod, but it cannot be shown here: %s\n", input->name,
                error.line, error.column, error.text);
    } else if (!rpw_json_patch_apply(&pod, patch, patch_error)) {
        fprintf(stderr, "the patch cannot be applied: %s\n", patch_error);
    } else {
        /* 15 digits: what jansson reads as 0.1 is written as 0.1. */
        json_dumpf(pod, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
        putchar('\n');
        exit_code = RPW_EXIT_OK;
    }
    json_decref(patch);
    json_decref(review);
    json_decref(pod);
    return exit_code;
}

/* --- the core ------------------------------------------------------------------------------------------------------ */

/* The pod in an AdmissionReview like kube-apiserver's. ret_prefix_len: where the pod's own bytes begin. NULL: no memory. */
static char *wrap_pod(struct rpw_span pod, struct rpw_span namespace_json, size_t *ret_prefix_len, size_t *ret_len)
{
    char *review = NULL;
    FILE *stream = open_memstream(&review, ret_len);

    if (stream == NULL)
        return NULL;
    fputs("{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"request\":{\"uid\":\"offline\","
          "\"kind\":{\"group\":\"\",\"version\":\"v1\",\"kind\":\"Pod\"},\"operation\":\"CREATE\",\"namespace\":",
          stream);
    fwrite(namespace_json.ptr, 1, namespace_json.len, stream);
    fputs(",\"object\":", stream);
    *ret_prefix_len = (size_t)ftello(stream);
    fwrite(pod.ptr, 1, pod.len, stream);
    fputs("}}", stream);
    if (fclose(stream) != 0) {
        free(review);
        return NULL;
    }
    return review;
}

/* What the core says when there is no answer. prefix_len: of what stands in front of the input in the review. */
static void print_failure(const struct input *input, const struct rpw_result *result, size_t prefix_len)
{
    size_t offset = result->err.offset > prefix_len ? result->err.offset - prefix_len : 0;

    if (result->http_status == 400)
        print_error(input, offset, result->message);
    else
        fprintf(stderr, "%s: %.*s\n", input->name, (int)result->message.len, result->message.ptr);
}

static int mutate_review(struct rpw_arena *arena, const struct rpw_policy_set *policies, const struct input *input)
{
    struct rpw_result result;

    rpw_mutate(arena, policies, input->text, &result);
    if (result.http_status != 200) {
        print_failure(input, &result, 0);
        return RPW_EXIT_NO;
    }
    fwrite(result.body.ptr, 1, result.body.len, stdout);
    return result.outcome == RPW_OUTCOME_REJECTED ? RPW_EXIT_NO : RPW_EXIT_OK;
}

static int mutate_pod(struct rpw_arena *arena, const struct rpw_policy_set *policies, const struct input *input,
                      const char *namespace_)
{
    char quoted[64 + sizeof("\"\"")];
    struct rpw_span namespace_json = read_namespace(arena, input->text);
    size_t prefix_len = 0, len = 0;
    struct rpw_result result;
    int exit_code = RPW_EXIT_NO;

    if (namespace_ == NULL && namespace_json.ptr != NULL && namespace_json.ptr[0] != '"') {
        fprintf(stderr, "%s: /metadata/namespace: expected a string, found %.*s\n", input->name,
                (int)namespace_json.len, namespace_json.ptr);
        return RPW_EXIT_NO;
    }
    if (namespace_ != NULL || namespace_json.ptr == NULL) {
        snprintf(quoted, sizeof(quoted), "\"%s\"", namespace_ != NULL ? namespace_ : "default");
        namespace_json = rpw_span_of(quoted);
    }
    char *review = wrap_pod(input->text, namespace_json, &prefix_len, &len);
    if (review == NULL) {
        fprintf(stderr, "%s: out of memory\n", input->name);
        return RPW_EXIT_NO;
    }
    rpw_mutate(arena, policies, (struct rpw_span){review, len}, &result);
    if (result.http_status == 200)
        exit_code = show_pod(input, &result);
    else
        print_failure(input, &result, prefix_len);
    free(review);
    return exit_code;
}

static int mutate_input(struct rpw_arena *arena, const struct rpw_policy_set *policies, const struct input *input,
                        const char *namespace_)
{
    struct rpw_span kind = {NULL, 0};

    if (!read_kind(arena, input->text, &kind) || rpw_span_is(kind, "\"AdmissionReview\""))
        return mutate_review(arena, policies, input);
    if (rpw_span_is(kind, "\"Pod\""))
        return mutate_pod(arena, policies, input, namespace_);
    if (kind.ptr == NULL)
        kind = RPW_LIT("nothing");
    fprintf(stderr, "%s: /kind: expected \"AdmissionReview\" or \"Pod\", found %.*s\n", input->name, (int)kind.len,
            kind.ptr);
    return RPW_EXIT_NO;
}

int rpw_cli_mutate(int argc, char **argv)
{
    struct options options;
    struct rpw_config *config = NULL;
    struct rpw_arena arena;
    struct input input;
    char *report = NULL, *bytes = NULL, *region = NULL;
    bool is_done = false;
    int exit_code = parse_options(argc, argv, &options, &is_done);

    if (exit_code != RPW_EXIT_OK || is_done)
        return exit_code;

    exit_code = RPW_EXIT_NO;
    if (!rpw_config_load(options.config_file, &config, &report)) {
        fputs(report != NULL ? report : "out of memory\n", stderr);
        goto out;
    }
    input.name = strcmp(options.input_file, "-") == 0 ? "<stdin>" : options.input_file;
    bytes = read_input(options.input_file, input.name, &input.text.len);
    if (bytes == NULL)
        goto out;
    input.text.ptr = bytes;
    region = malloc(RPW_ARENA_BYTES);
    if (region == NULL) {
        fprintf(stderr, "rucio-policy-webhook mutate: out of memory\n");
        goto out;
    }
    rpw_arena_init(&arena, region, RPW_ARENA_BYTES);
    exit_code = mutate_input(&arena, rpw_config_policies(config), &input, options.namespace_);
    rpw_arena_done(&arena);
out:
    free(region);
    free(bytes);
    free(report);
    rpw_config_free(config);
    return exit_code;
}
