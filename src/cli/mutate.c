/* mutate.c - the verb `mutate`: what the webhook would answer, without a webhook.
 *
 * An AdmissionReview is handed to the core as it is. A Pod is wrapped into one, and the patch that comes back is applied to
 * it. Either way it is the server's own code that decides.
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
#include "rpw/mutate.h"

/* Kubernetes objects are at most 3 MiB, and a review can hold two. */
#define MAX_INPUT_BYTES ((size_t)7 * 1024 * 1024)
#define ARENA_BYTES ((size_t)64 * 1024 * 1024)

struct options {
    const char *config_file;
    const char *input_file; /* "-": standard input */
    const char *namespace_; /* NULL: the pod's own, else "default" */
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
    "For an AdmissionReview it prints the AdmissionReview that answers it, for a Pod the patched Pod. Warnings go to\n"
    "standard error. Exit codes: 0 done, 1 the pod is refused or the input cannot be used, 2 usage.\n";

static int parse_options(int argc, char **argv, struct options *ret_options)
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
            return -1;
        default:
            fputs(usage, stderr);
            return RPW_EXIT_USAGE;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "mutate: unexpected argument '%s'; input files are given with -f\n\n%s", argv[optind], usage);
        return RPW_EXIT_USAGE;
    }
    if (ret_options->config_file == NULL) {
        fprintf(stderr, "mutate: --config FILE is missing\n\n%s", usage);
        return RPW_EXIT_USAGE;
    }
    return RPW_EXIT_OK;
}

/* The whole file, to be freed by the caller; NULL after a message. */
static char *read_input(const char *name, size_t *ret_len)
{
    FILE *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "rb");
    char *bytes = malloc(MAX_INPUT_BYTES + 1), *result = NULL;
    size_t len;

    if (file == NULL || bytes == NULL) {
        fprintf(stderr, "%s: cannot be opened: %s\n", name, strerror(errno));
        goto out;
    }
    len = fread(bytes, 1, MAX_INPUT_BYTES + 1, file);
    if (ferror(file)) {
        fprintf(stderr, "%s: cannot be read: %s\n", name, strerror(errno));
        goto out;
    }
    if (len > MAX_INPUT_BYTES) {
        fprintf(stderr, "%s: larger than %zu bytes, which no review of a pod can be\n", name, MAX_INPUT_BYTES);
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

/* The pod in an AdmissionReview like kube-apiserver's; the pod's own bytes come last. ret_prefix_len: where they begin. */
static char *wrap_pod(const char *pod, size_t pod_len, const char *namespace_, size_t *ret_prefix_len, size_t *ret_len)
{
    static const char head[] =
        "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"request\":{\"uid\":\"offline\","
        "\"kind\":{\"group\":\"\",\"version\":\"v1\",\"kind\":\"Pod\"},\"operation\":\"CREATE\",\"namespace\":";
    static const char middle[] = ",\"object\":", tail[] = "}}";
    json_t *name = json_string(namespace_);
    char *quoted = name != NULL ? json_dumps(name, JSON_ENCODE_ANY) : NULL, *review = NULL;
    FILE *stream = quoted != NULL ? open_memstream(&review, ret_len) : NULL;

    if (stream != NULL) {
        fprintf(stream, "%s%s%s", head, quoted, middle);
        *ret_prefix_len = strlen(head) + strlen(quoted) + strlen(middle);
        fwrite(pod, 1, pod_len, stream);
        fputs(tail, stream);
        if (fclose(stream) != 0) {
            free(review);
            review = NULL;
        }
    }
    free(quoted);
    json_decref(name);
    return review;
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
static int show_pod(json_t **pod, const struct rpw_result *result)
{
    json_t *review = json_loadb(result->body.ptr, result->body.len, 0, NULL);
    const json_t *response = json_object_get(review, "response");
    const char *base64 = json_string_value(json_object_get(response, "patch"));
    json_t *patch = base64 != NULL ? rpw_json_patch_decode(base64) : json_array();
    char error[RPW_JSON_PATCH_ERROR_BYTES];
    int exit_code = RPW_EXIT_NO;

    print_warnings(response);
    if (!json_is_true(json_object_get(response, "allowed"))) {
        fprintf(stderr, "refused: %.*s\n", (int)result->message.len, result->message.ptr);
    } else if (!rpw_json_patch_apply(pod, patch, error)) {
        fprintf(stderr, "the patch cannot be applied: %s\n", error);
    } else {
        /* 15 digits: what jansson reads as 0.1 is written as 0.1. */
        json_dumpf(*pod, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
        putchar('\n');
        exit_code = RPW_EXIT_OK;
    }
    json_decref(patch);
    json_decref(review);
    return exit_code;
}

static int mutate_review(struct rpw_arena *arena, const struct rpw_policy_set *policies, struct rpw_span text,
                         const char *name)
{
    struct rpw_result result;

    rpw_mutate(arena, policies, text, &result);
    if (result.http_status != 200) {
        fprintf(stderr, "%s: %.*s\n", name, (int)result.message.len, result.message.ptr);
        return RPW_EXIT_NO;
    }
    fwrite(result.body.ptr, 1, result.body.len, stdout);
    return result.outcome == RPW_OUTCOME_REJECTED ? RPW_EXIT_NO : RPW_EXIT_OK;
}

static int mutate_pod(struct rpw_arena *arena, const struct rpw_policy_set *policies, struct rpw_span text,
                      const struct options *options, json_t **pod)
{
    const char *own = json_string_value(json_object_get(json_object_get(*pod, "metadata"), "namespace"));
    const char *namespace_ = options->namespace_ != NULL ? options->namespace_ : own != NULL ? own : "default";
    size_t prefix_len = 0, len;
    char *review = wrap_pod(text.ptr, text.len, namespace_, &prefix_len, &len);
    struct rpw_result result;
    int exit_code = RPW_EXIT_NO;

    if (review == NULL) {
        fprintf(stderr, "%s: out of memory\n", options->input_file);
        return RPW_EXIT_NO;
    }
    rpw_mutate(arena, policies, (struct rpw_span){review, len}, &result);
    if (result.http_status == 200)
        exit_code = show_pod(pod, &result);
    else if (result.err.field != NULL && result.err.found != NULL)
        fprintf(stderr, "%s: byte %zu: %s: expected %s, found %s\n", options->input_file,
                result.err.offset - prefix_len, result.err.field, result.err.expected, result.err.found);
    else
        fprintf(stderr, "%s: %.*s\n", options->input_file, (int)result.message.len, result.message.ptr);
    free(review);
    return exit_code;
}

static int mutate_text(struct rpw_arena *arena, const struct rpw_policy_set *policies, struct rpw_span text,
                       const struct options *options)
{
    json_error_t error;
    json_t *document = json_loadb(text.ptr, text.len, JSON_ALLOW_NUL, &error);
    const char *kind = json_string_value(json_object_get(document, "kind"));
    int exit_code = RPW_EXIT_NO;

    if (document == NULL)
        fprintf(stderr, "%s:%d:%d: not JSON: %s\n", options->input_file, error.line, error.column, error.text);
    else if (kind != NULL && strcmp(kind, "AdmissionReview") == 0)
        exit_code = mutate_review(arena, policies, text, options->input_file);
    else if (kind != NULL && strcmp(kind, "Pod") == 0)
        exit_code = mutate_pod(arena, policies, text, options, &document);
    else
        fprintf(stderr, "%s: /kind: expected \"AdmissionReview\" or \"Pod\", found %s%s%s\n", options->input_file,
                kind != NULL ? "\"" : "", kind != NULL ? kind : "nothing", kind != NULL ? "\"" : "");
    json_decref(document);
    return exit_code;
}

int rpw_cli_mutate(int argc, char **argv)
{
    struct options options;
    struct rpw_config *config = NULL;
    struct rpw_arena arena;
    char *report = NULL, *input = NULL, *region = NULL;
    size_t input_len = 0;
    int exit_code = parse_options(argc, argv, &options);

    if (exit_code != RPW_EXIT_OK)
        return exit_code < 0 ? RPW_EXIT_OK : exit_code;

    exit_code = RPW_EXIT_NO;
    if (!rpw_config_load(options.config_file, &config, &report)) {
        fputs(report != NULL ? report : "out of memory\n", stderr);
        goto out;
    }
    input = read_input(options.input_file, &input_len);
    if (input == NULL)
        goto out;
    region = malloc(ARENA_BYTES);
    if (region == NULL) {
        fprintf(stderr, "mutate: out of memory\n");
        goto out;
    }
    rpw_arena_init(&arena, region, ARENA_BYTES);
    exit_code = mutate_text(&arena, rpw_config_policies(config), (struct rpw_span){input, input_len}, &options);
    rpw_arena_done(&arena);
out:
    free(region);
    free(input);
    free(report);
    rpw_config_free(config);
    return exit_code;
}
