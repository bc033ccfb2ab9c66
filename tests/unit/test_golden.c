/* test_golden.c - every folder of tests/golden is a test of the same name.
 *
 *     policy.yaml          the configuration
 *     pod.json             the pod, created in namespace rucio-atlas; or review.json, a whole request as it is
 *     older.yaml           optional: a configuration that pod.json has gone through before, one that patches it
 *     meanwhile.json       optional: a JSON Patch, what others have done to the pod since
 *     expected.json        the answer: HTTP status, reason, and from the AdmissionReview all but the uid, patch decoded;
 *                          the scripts of our init containers, which have tests of their own, are left out
 *     expected.pod.json    the patched pod, when there is a patch
 *     defaulted.pod.json   optional: the patched pod as it may come again, after the apiserver's defaulting or another
 *                          webhook. It must get no patch.
 *
 * Besides, for each: the same bytes give the same answer; the patched pod sent again gets no patch; with an arena that
 * refuses the 1st, 2nd ... n-th allocation the answer is 500, and the same as before once all succeed.
 * RPW_GOLDEN_UPDATE=1 writes the expected files instead of comparing: read the difference before you believe it.
 */
#include <dirent.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config.h"
#include "json_patch.h"
#include "rpw/mutate.h"

#define MAX_CASES 512
#define MAX_PATH_BYTES 1024
#define ARENA_BYTES ((size_t)1024 * 1024)

/* What a pod of the usual size may cost: pages that a worker touches. Most of it is the scripts of our init containers, which
 * are in the patch and in its base64. */
#define ARENA_BUDGET_BYTES ((size_t)136 * 1024)

/* Longer than any other word of a command. */
#define MIN_SCRIPT_BYTES 256

struct golden {
    const char *folder;
    struct rpw_config *config;
    char *request; /* the AdmissionReview's text */
    size_t request_len;
    struct rpw_arena arena;
    void *region;
};

static void path_in(const char *folder, const char *file, char ret_path[MAX_PATH_BYTES])
{
    int len = snprintf(ret_path, MAX_PATH_BYTES, "%s/%s", folder, file);

    assert_true(len > 0 && len < MAX_PATH_BYTES);
}

static char *read_file(const char *folder, const char *file)
{
    char path[MAX_PATH_BYTES];
    char *text = NULL;
    size_t len = 0;

    path_in(folder, file, path);
    FILE *stream = fopen(path, "rb");
    if (stream == NULL)
        return NULL;
    FILE *copy = open_memstream(&text, &len);
    for (int byte; (byte = fgetc(stream)) != EOF;)
        fputc(byte, copy);
    fclose(copy);
    fclose(stream);
    return text;
}

static json_t *parse(const char *text, const char *what)
{
    json_error_t error;
    json_t *value = json_loads(text, JSON_ALLOW_NUL, &error);

    if (value == NULL)
        fail_msg("%s: %d:%d: %s", what, error.line, error.column, error.text);
    return value;
}

/* --- the request --------------------------------------------------------------------------------------------------- */

static char *review_of(json_t *pod)
{
    json_t *review =
        json_pack("{s:s, s:s, s:{s:s, s:{s:s, s:s, s:s}, s:s, s:s, s:O}}", "kind", "AdmissionReview", "apiVersion",
                  "admission.k8s.io/v1", "request", "uid", "golden", "kind", "group", "", "version", "v1", "kind",
                  "Pod", "namespace", "rucio-atlas", "operation", "CREATE", "object", pod);
    assert_non_null(review);
    char *text = json_dumps(review, JSON_COMPACT);
    json_decref(review);
    return text;
}

/* Answers text in an allocation of its exact length, so that AddressSanitizer sees a byte read too far. */
static void mutate(struct golden *golden, const char *text, size_t len, struct rpw_result *ret_result)
{
    char *exact = malloc(len > 0 ? len : 1);

    memcpy(exact, text, len);
    rpw_mutate(&golden->arena, rpw_config_policies(golden->config), (struct rpw_span){exact, len}, ret_result);
    /* What is compared lives in the arena; the log's fields point into the body and are not looked at. */
    free(exact);
}

/* Whether text is the program of an init container rather than a word of its command. */
static bool is_script(const json_t *text)
{
    return json_is_string(text) && json_string_length(text) >= MIN_SCRIPT_BYTES;
}

/* Leaves scripts out of value: a container that is ours, or a list of containers. */
static void leave_scripts_out(json_t *value)
{
    json_t *command = json_object_get(value, "command");
    const char *name = json_string_value(json_object_get(value, "name"));

    for (size_t i = 0; i < json_array_size(value); i++)
        leave_scripts_out(json_array_get(value, i));
    for (size_t i = 0; name != NULL && strncmp(name, "rucio-policy-", 13) == 0 && i < json_array_size(command); i++)
        if (is_script(json_array_get(command, i)))
            json_array_set_new(command, i, json_string("(the script)"));
}

/* The answer as expected.json shows it. */
static json_t *summary_of(const struct rpw_result *result)
{
    json_t *summary = json_pack("{s:i, s:s, s:s}", "httpStatus", (int)result->http_status, "outcome",
                                rpw_outcome_name(result->outcome), "reason", rpw_reason_name(result->reason));

    if (result->http_status != 200) {
        json_object_set_new(summary, "text", json_stringn(result->body.ptr, result->body.len));
        return summary;
    }
    json_t *review = json_loadb(result->body.ptr, result->body.len, JSON_ALLOW_NUL, NULL);
    assert_non_null(review);
    json_object_set(summary, "apiVersion", json_object_get(review, "apiVersion"));
    json_t *response = json_object_get(review, "response");
    json_object_del(response, "uid");
    const char *patch = json_string_value(json_object_get(response, "patch"));
    if (patch != NULL)
        json_object_set_new(response, "patch", rpw_json_patch_decode(patch));
    for (size_t i = 0; i < json_array_size(json_object_get(response, "patch")); i++)
        leave_scripts_out(json_object_get(json_array_get(json_object_get(response, "patch"), i), "value"));
    json_object_update(summary, response);
    json_decref(review);
    return summary;
}

/* --- comparing ----------------------------------------------------------------------------------------------------- */

static void compare(const char *folder, const char *file, json_t *found)
{
    char *expected_text = read_file(folder, file);

    if (getenv("RPW_GOLDEN_UPDATE") != NULL) {
        char path[MAX_PATH_BYTES];
        path_in(folder, file, path);
        if (found == NULL) {
            unlink(path);
        } else {
            FILE *stream = fopen(path, "wb");
            assert_non_null(stream);
            json_dumpf(found, stream, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
            fputc('\n', stream);
            fclose(stream);
        }
        free(expected_text);
        return;
    }
    if (found == NULL && expected_text != NULL)
        fail_msg("%s is there, but there was no patch", file);
    if (found != NULL) {
        if (expected_text == NULL)
            fail_msg("%s is missing", file);
        json_t *expected = parse(expected_text, file);
        if (!json_equal(expected, found)) {
            char *shown = json_dumps(found, JSON_INDENT(2));
            fail_msg("%s differs; found:\n%s", file, shown);
        }
        json_decref(expected);
    }
    free(expected_text);
}

static void expect_no_patch(struct golden *golden, json_t *pod, const char *what)
{
    char *text = review_of(pod);
    struct rpw_result result;

    mutate(golden, text, strlen(text), &result);
    if (result.outcome != RPW_OUTCOME_UNCHANGED) {
        json_t *summary = summary_of(&result);
        fail_msg("%s is not left alone: %s", what, json_dumps(summary, JSON_INDENT(2)));
    }
    free(text);
}

static void apply(json_t **pod, const json_t *patch)
{
    char error[RPW_JSON_PATCH_ERROR_BYTES];

    if (!rpw_json_patch_apply(pod, patch, error))
        fail_msg("%s", error);
}

/* Applies the patch, compares the pod, and sends it again. */
static void check_pod(struct golden *golden, const json_t *summary)
{
    json_t *request = json_loadb(golden->request, golden->request_len, JSON_ALLOW_NUL, NULL);
    json_t *pod = json_deep_copy(json_object_get(json_object_get(request, "request"), "object"));
    const json_t *patch = json_object_get(summary, "patch");

    if (patch != NULL) {
        apply(&pod, patch);
        compare(golden->folder, "expected.pod.json", pod);
        expect_no_patch(golden, pod, "the patched pod");
    } else {
        compare(golden->folder, "expected.pod.json", NULL);
    }
    json_decref(pod);
    json_decref(request);

    char *defaulted = read_file(golden->folder, "defaulted.pod.json");
    if (defaulted != NULL) {
        json_t *again = parse(defaulted, "defaulted.pod.json");
        expect_no_patch(golden, again, "defaulted.pod.json");
        json_decref(again);
        free(defaulted);
    }
}

/* Each round gives the arena exactly what the refused allocation of the round before wanted. */
static void sweep_allocations(struct golden *golden, struct rpw_span expected)
{
    struct rpw_result result;
    struct rpw_arena arena;
    size_t capacity = 0;

    do {
        void *region = NULL;
        assert_int_equal(posix_memalign(&region, 64, capacity > 0 ? capacity : 1), 0);
        rpw_arena_init(&arena, region, capacity);
        rpw_mutate(&arena, rpw_config_policies(golden->config), (struct rpw_span){golden->request, golden->request_len},
                   &result);
        size_t wanted = arena.wanted;
        if (result.http_status != 500) {
            assert_int_equal(result.body.len, expected.len);
            assert_memory_equal(result.body.ptr, expected.ptr, expected.len);
        } else {
            assert_int_equal(result.reason, RPW_REASON_ARENA_FULL);
            assert_true(wanted > capacity);
        }
        rpw_arena_done(&arena);
        free(region);
        capacity = wanted;
    } while (result.http_status == 500);
}

static void load_config(struct golden *golden, const char *file)
{
    char *yaml = read_file(golden->folder, file), *report = NULL;

    assert_non_null(yaml);
    if (!rpw_config_parse(file, rpw_span_of(yaml), &golden->config, &report))
        fail_msg("%s", report);
    free(yaml);
}

/* What older.yaml makes of the pod. */
static void apply_older(struct golden *golden, json_t **pod)
{
    char *request = review_of(*pod);
    struct rpw_result result;

    load_config(golden, "older.yaml");
    mutate(golden, request, strlen(request), &result);
    json_t *summary = summary_of(&result);
    if (result.outcome != RPW_OUTCOME_PATCHED)
        fail_msg("older.yaml does not patch the pod: %s", json_dumps(summary, JSON_INDENT(2)));
    apply(pod, json_object_get(summary, "patch"));
    json_decref(summary);
    rpw_config_free(golden->config);
    free(request);
}

static void make_request(struct golden *golden)
{
    char *pod_text = read_file(golden->folder, "pod.json"), *older = read_file(golden->folder, "older.yaml");
    char *meanwhile = read_file(golden->folder, "meanwhile.json");

    if (pod_text != NULL) {
        json_t *pod = parse(pod_text, "pod.json");
        if (older != NULL)
            apply_older(golden, &pod);
        if (meanwhile != NULL) {
            json_t *patch = parse(meanwhile, "meanwhile.json");
            apply(&pod, patch);
            json_decref(patch);
        }
        golden->request = review_of(pod);
        json_decref(pod);
    } else {
        golden->request = read_file(golden->folder, "review.json");
    }
    assert_non_null(golden->request);
    golden->request_len = strlen(golden->request);
    free(pod_text);
    free(older);
    free(meanwhile);
}

static void check_folder(void **state)
{
    struct golden golden = {.folder = *state, .region = malloc(ARENA_BYTES)};
    struct rpw_result result;

    rpw_arena_init(&golden.arena, golden.region, ARENA_BYTES);
    make_request(&golden);
    load_config(&golden, "policy.yaml");
    golden.arena.high_water = 0;
    mutate(&golden, golden.request, golden.request_len, &result);
    char *first_answer = strndup(result.body.ptr, result.body.len);
    json_t *summary = summary_of(&result);
    compare(golden.folder, "expected.json", summary);
    assert_true(golden.arena.high_water <= ARENA_BUDGET_BYTES);
    mutate(&golden, golden.request, golden.request_len, &result);
    assert_int_equal(result.body.len, strlen(first_answer));
    assert_memory_equal(result.body.ptr, first_answer, result.body.len);
    sweep_allocations(&golden, rpw_span_of(first_answer));
    check_pod(&golden, summary);

    json_decref(summary);
    rpw_arena_done(&golden.arena);
    rpw_config_free(golden.config);
    free(golden.region);
    free(first_answer);
    free(golden.request);
}

static int is_case(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int main(void)
{
    const char *root = RPW_SOURCE_DIR "/tests/golden";
    struct dirent **entries = NULL;
    struct CMUnitTest tests[MAX_CASES];
    int count = scandir(root, &entries, is_case, alphasort);

    if (count <= 0 || count > MAX_CASES) {
        fprintf(stderr, "%s: expected 1 to %d folders, found %d\n", root, MAX_CASES, count);
        return 1;
    }
    for (int i = 0; i < count; i++) {
        char path[MAX_PATH_BYTES];
        path_in(root, entries[i]->d_name, path);
        tests[i] =
            (struct CMUnitTest){.name = entries[i]->d_name, .test_func = check_folder, .initial_state = strdup(path)};
    }
    int failed = _cmocka_run_group_tests("golden", tests, (size_t)count, NULL, NULL);
    for (int i = 0; i < count; i++) {
        free(tests[i].initial_state);
        free(entries[i]);
    }
    free(entries);
    return failed;
}
