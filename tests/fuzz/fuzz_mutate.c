/* fuzz_mutate.c - the core as a whole against its promises.
 *
 * The first byte picks the policies, the second what the rest is: a body as it is, a pod inside a good review, a container
 * inside a good pod, or the choices of random_pod.h. Whatever comes:
 *
 *   - the answer is a good one: status 200, 400 or 500; with 200 an AdmissionReview that echoes the uid;
 *   - all or nothing: no patch unless the pod is allowed, and no AdmissionReview at all on an error;
 *   - deterministic: the same bytes out, from another arena too; from one that is too small, the same bytes or a 500;
 *   - only intended edits: the patch applies, and without what is on record and what is overridden (intended.h) the pod is what
 *     it was; a pod that kube-apiserver would accept (acceptable.h) is so still;
 *   - idempotent: the patched pod sent again gives no patch, also after the apiserver's defaulting, its plugins and another
 *     webhook have acted.
 *
 * A pod that kube-apiserver would accept then meets two more configurations, and before each of them others work on it. The
 * last bytes of the input say what they do.
 *
 * A body that jansson cannot hold (numbers beyond its types, keys with NUL) is checked for the first three only.
 */
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <jansson.h>

#include "acceptable.h"
#include "check.h"
#include "config.h"
#include "intended.h"
#include "json_patch.h"
#include "random_pod.h"
#include "rpw/mutate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ARENA_BYTES (1U << 22)
#define SMALL_ARENA_BYTES (1U << 14)
#define MAX_BODY_BYTES (1U << 18)
#define SHORT_BODY_BYTES (1U << 13) /* of a pod that has a record with room for all of it */
#define SHORT_LIST 64
#define EDIT_BYTES 8 /* between two revisions */

/* --- policies ------------------------------------------------------------------------------------------------------- */

#define VOLUME_CLAIM "source: {volume: {persistentVolumeClaim: {claimName: atlas-policy}}}"

static const char *const configurations[] = {
    "policies: [{name: first, package: atlas_pkg, " VOLUME_CLAIM "}]",
    "policies: [{name: first, packages: {atl: atlas_pkg, ops: ops_pkg}, path: /opt/policies, pythonPath: append,"
    " onConflict: override, source: {volume: {configMap: {name: atlas-policy}}, subPath: current}}]",
    "policies: [{name: first, package: atlas_pkg, onConflict: reject, " VOLUME_CLAIM "},"
    " {name: second, package: other_pkg, source: {preinstalled: {}}}]",
    "policies: [{name: first, package: atlas_pkg, pythonPath: entrypoint, source: {preinstalled: {}}},"
    " {name: second, match: {namespaces: [elsewhere]}, package: other_pkg, source: {preinstalled: {}}}]",
    "policies: [{name: first, match: {containers: ['*']}, package: atlas_pkg, configEnv: false,"
    " imagePythonPath: /usr/lib/site, source: {volume: {hostPath: {path: /cvmfs/policy}}}}]",
    "policies: [{name: first, package: other_pkg, onConflict: override, path: /opt/policies,"
    " source: {volume: {ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: "
    "{storage: 1Gi}}}}}}}}]",
    "policies: [{name: first, match: {namespaces: [elsewhere]}, package: atlas_pkg, " VOLUME_CLAIM "}]\n"
    "unmatched: reject",
    "policies: [{name: first, package: atlas_pkg, verify: fail, source: {pip: {requirements: [atlas-policy==1.0]}}}]",
    "policies: [{name: first, match: {containers: ['*']}, package: atlas_pkg, path: /opt/policies, source: {pip:"
    " {requirements: [atlas-policy==1.1], image: python:3.9, position: last, sizeLimit: 1Gi, resources: {}}}}]",
    "policies: [{name: first, packages: {atl: atlas_pkg}, onConflict: override, verify: warn,"
    " source: {copy: {image: atlas-policy:1, path: /policy}}}]",
    "policies: [{name: first, package: atlas_pkg, verify: warn, " VOLUME_CLAIM "}]",
    "policies: [{name: first, match: {containers: ['*']}, package: atlas_pkg, verify: fail,"
    " source: {copy: {image: atlas-policy:2, path: /policy, position: last, medium: Memory}}}]",
    "policies: [{name: first, package: atlas_pkg, env: [{name: SITE, value: a}, {name: OPA_URL, valueFrom: "
    "{configMapKeyRef:"
    " {name: opa, key: url}}}, {name: QUERY, value: $(OPA_URL)}], verify: warn, " VOLUME_CLAIM "}]",
    "policies: [{name: first, match: {containers: ['*']}, package: atlas_pkg, onConflict: override, env: [{name: QUERY,"
    " value: b}, {name: SITE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}, {name: OPA_URL, value: $(SITE)}],"
    " pythonPath: pth, sitePackages: /usr/lib/python3/site-packages, " VOLUME_CLAIM "}]",
    "policies: [{name: first, package: atlas_pkg, pythonPath: pth, sitePackages: /opt/site-packages, verify: fail, "
    "source:"
    " {volume: {secret: {secretName: atlas-policy}}, holds: package, mountPropagation: HostToContainer}}]",
    "policies: [{name: first, package: other_pkg, env: [{name: SITE, value: a}], verify: {mode: warn, securityContext:"
    " {runAsUser: 5}}, source: {preinstalled: {sitePackages: true}}}]",
    "policies: [{name: first, package: other_pkg, onConflict: override, path: /opt/policies, source: {volume: "
    "{configMap:"
    " {name: atlas-policy}}, holds: package, recursiveReadOnly: IfPossible}}]",
};

#define CONFIGURATION_COUNT (sizeof(configurations) / sizeof(configurations[0]))

/* Loaded once and kept until the program ends. */
static struct rpw_config *loaded[CONFIGURATION_COUNT];

static const struct rpw_policy_set *policies_of(size_t index)
{
    char *report = NULL;

    if (loaded[index] == NULL &&
        !rpw_config_parse("fuzz.yaml", rpw_span_of(configurations[index]), &loaded[index], &report)) {
        (void)fputs(report, stderr);
        abort();
    }
    return rpw_config_policies(loaded[index]);
}

/* --- one call and what must always hold of its answer --------------------------------------------------------------- */

static alignas(max_align_t) char region[ARENA_BYTES];
static alignas(max_align_t) char other_region[ARENA_BYTES];
static alignas(max_align_t) char small_region[SMALL_ARENA_BYTES];
static struct rpw_arena arena, other_arena, small_arena;

struct answer {
    struct rpw_result result;
    json_t *patch; /* an array; NULL without one */
};

/* A patch may repeat what the pod has, and a key that holds \u0000 is good JSON, but an error to jansson. */
static bool may_have_key_with_nul(struct rpw_span body)
{
    return memmem(body.ptr, body.len, "\\u0000", strlen("\\u0000")) != NULL;
}

static json_t *check_response(const struct rpw_result *result, struct rpw_span body, json_t *response)
{
    json_t *uid = json_object_get(response, "uid");
    json_t *allowed = json_object_get(response, "allowed");
    json_t *patch = json_object_get(response, "patch");
    bool is_patched = result->outcome == RPW_OUTCOME_PATCHED;

    CHECK(json_is_string(uid) && json_string_length(uid) == result->uid.len);
    CHECK(memcmp(json_string_value(uid), result->uid.ptr, result->uid.len) == 0);
    CHECK(json_is_boolean(allowed));
    CHECK(json_is_true(allowed) == (result->outcome != RPW_OUTCOME_REJECTED));
    CHECK((patch != NULL) == is_patched);
    CHECK((json_object_get(response, "patchType") != NULL) == is_patched);
    CHECK((result->operation_count > 0) == is_patched);
    if (result->outcome == RPW_OUTCOME_REJECTED)
        CHECK(json_integer_value(json_object_get(json_object_get(response, "status"), "code")) == 403);
    if (!is_patched)
        return NULL;
    json_t *operations = rpw_json_patch_decode(json_string_value(patch));
    if (operations == NULL && may_have_key_with_nul(body))
        return NULL;
    CHECK(json_is_array(operations) && json_array_size(operations) == result->operation_count);
    return operations;
}

static struct answer mutate(size_t configuration, struct rpw_span body)
{
    struct answer answer = {.patch = NULL};
    const struct rpw_result *result = &answer.result;

    rpw_mutate(&arena, policies_of(configuration), body, &answer.result);
    CHECK(result->http_status == 200 || result->http_status == 400 || result->http_status == 500);
    CHECK(result->body.len > 0);
    CHECK((result->http_status == 200) == (result->outcome != RPW_OUTCOME_INVALID));
    CHECK((result->http_status == 500) == (result->reason == RPW_REASON_ARENA_FULL));
    if (result->http_status != 200)
        return answer;
    json_t *review = json_loadb(result->body.ptr, result->body.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    CHECK(json_is_object(review));
    answer.patch = check_response(result, body, json_object_get(review, "response"));
    json_decref(review);
    return answer;
}

static bool is_same_answer(const struct rpw_result *a, const struct rpw_result *b)
{
    return a->http_status == b->http_status && a->reason == b->reason && rpw_span_equal(a->body, b->body);
}

/* The first answer lives in arena; the calls here use others. */
static void check_determinism(size_t configuration, struct rpw_span body, const struct rpw_result *first)
{
    struct rpw_result second;

    rpw_mutate(&other_arena, policies_of(configuration), body, &second);
    CHECK(is_same_answer(first, &second));

    rpw_arena_init(&small_arena, small_region, body.len * 7 % SMALL_ARENA_BYTES);
    rpw_mutate(&small_arena, policies_of(configuration), body, &second);
    CHECK(is_same_answer(first, &second) ||
          (second.http_status == 500 && second.outcome == RPW_OUTCOME_INVALID && second.operation_count == 0));
    rpw_arena_done(&small_arena);
}

/* --- what the patch does -------------------------------------------------------------------------------------------- */

static char body_buffer[MAX_BODY_BYTES];

static struct rpw_span dump(json_t *value)
{
    size_t len = json_dumpb(value, body_buffer, sizeof(body_buffer), JSON_COMPACT | JSON_ENCODE_ANY);

    CHECK(len > 0 && len <= sizeof(body_buffer));
    return (struct rpw_span){body_buffer, len};
}

static void check_only_intended_edits(json_t *before, json_t *after, const struct rpw_policy *policy)
{
    json_t *stripped_before = json_deep_copy(before);
    json_t *stripped_after = json_deep_copy(after);

    intended_strip(stripped_before, stripped_after, policy);
    if (!json_equal(stripped_before, stripped_after)) {
        json_dumpf(stripped_before, stderr, JSON_SORT_KEYS | JSON_INDENT(1));
        json_dumpf(stripped_after, stderr, JSON_SORT_KEYS | JSON_INDENT(1));
        abort();
    }
    json_decref(stripped_before);
    json_decref(stripped_after);
}

/* Mutates the review; if there is a patch, applies it to the pod in the review. Returns whether there was one. */
static bool mutate_in_place(size_t configuration, json_t *review, bool is_clear)
{
    json_t *request = json_object_get(review, "request");
    json_t *pod = json_object_get(request, "object");
    char error[RPW_JSON_PATCH_ERROR_BYTES];
    struct answer answer = mutate(configuration, dump(review));

    if (answer.patch == NULL)
        return false;
    json_t *patched = json_deep_copy(pod);
    if (!rpw_json_patch_apply(&patched, answer.patch, error)) {
        (void)fprintf(stderr, "the patch cannot be applied: %s\n", error);
        abort();
    }
    /* Where there are two policies, neither overrides. is_clear: what is on record can be told here. */
    if (is_clear && has_distinct_containers(pod))
        check_only_intended_edits(pod, patched, &policies_of(configuration)->policies[0]);
    CHECK(!is_acceptable_pod(pod) || is_acceptable_pod(patched));
    json_object_set_new(request, "object", patched);
    json_decref(answer.patch);
    return true;
}

/* Appends item to the list called key, which may be missing or null. */
static void append(json_t *object, const char *key, json_t *item)
{
    if (!json_is_array(json_object_get(object, key)))
        json_object_set_new(object, key, json_array());
    json_array_append_new(json_object_get(object, key), item);
}

/* Defaulting, the ServiceAccount plugin, LimitRanger, and a webhook that has images come from a mirror, where they keep their
 * names: by these containers are recognised. */
static void act_on_containers(json_t *containers)
{
    for (size_t i = 0; i < json_array_size(containers); i++) {
        json_t *container = json_array_get(containers, i);
        const char *image = json_string_value(json_object_get(container, "image"));
        if (!json_is_object(container))
            continue;
        append(container, "volumeMounts",
               json_pack("{s:s,s:b,s:s}", "name", "kube-api-access", "readOnly", 1, "mountPath",
                         "/var/run/secrets/kubernetes.io/serviceaccount"));
        json_object_set_new(container, "terminationMessagePath", json_string("/dev/termination-log"));
        json_object_set_new(container, "image", json_sprintf("mirror.example/%s", image != NULL ? image : "image"));
        if (!json_is_object(json_object_get(container, "resources")))
            json_object_set_new(container, "resources", json_pack("{s:{s:s}}", "limits", "memory", "1Gi"));
    }
}

/* What happens to a patched pod before it is seen again. */
static void act_as_the_apiserver(json_t *pod)
{
    json_t *spec = json_object_get(pod, "spec");
    json_t *volumes = json_object_get(spec, "volumes");

    for (size_t i = 0; i < json_array_size(volumes); i++) {
        json_t *volume = json_array_get(volumes, i);
        json_t *config_map = json_object_get(volume, "configMap");
        json_t *host_path = json_object_get(volume, "hostPath");
        if (json_is_object(config_map) && json_object_get(config_map, "defaultMode") == NULL)
            json_object_set_new(config_map, "defaultMode", json_integer(420));
        if (json_is_object(host_path) && json_object_get(host_path, "type") == NULL)
            json_object_set_new(host_path, "type", json_string(""));
    }
    act_on_containers(json_object_get(spec, "containers"));
    act_on_containers(json_object_get(spec, "initContainers"));
    append(spec, "volumes", json_pack("{s:s,s:{}}", "name", "kube-api-access", "projected"));
}

/* Whether the record that the pod came with is none, or one of random_pod.h, and jansson can read a new one: there will be
 * room for it, and no key of it holds \u0000. */
static bool has_clear_record(json_t *pod, struct rpw_span body, bool is_random_pod)
{
    json_t *spec = json_object_get(pod, "spec");
    json_t *annotations = json_object_get(json_object_get(pod, "metadata"), "annotations");

    return (is_random_pod || json_object_get(annotations, "policy.rucio.cern.ch/injected") == NULL) &&
           body.len <= SHORT_BODY_BYTES && !may_have_key_with_nul(body) &&
           json_array_size(json_object_get(spec, "containers")) <= SHORT_LIST &&
           json_array_size(json_object_get(spec, "initContainers")) <= SHORT_LIST;
}

static void check_chain(size_t configuration, json_t *review, bool is_clear, const uint8_t *edits)
{
    json_t *request = json_object_get(review, "request");

    /* Of two containers of one name an image may mean one and not the other, and the record has one entry for both: no
     * apiserver takes such a pod. */
    if (!mutate_in_place(configuration, review, is_clear) ||
        !has_distinct_containers(json_object_get(request, "object")))
        return;
    CHECK(!mutate_in_place(configuration, review, is_clear));
    act_as_the_apiserver(json_object_get(request, "object"));
    CHECK(!mutate_in_place(configuration, review, is_clear));
    for (int revision = 2; revision <= 3 && is_acceptable_pod(json_object_get(request, "object")); revision++) {
        random_pod_edit(json_object_get(request, "object"), edits + 1, EDIT_BYTES - 1);
        configuration = (configuration + 1 + edits[0]) % CONFIGURATION_COUNT;
        if (mutate_in_place(configuration, review, is_clear))
            CHECK(!mutate_in_place(configuration, review, is_clear));
        edits += EDIT_BYTES;
    }
}

static void check_patches(size_t configuration, struct rpw_span body, bool is_random_pod, const uint8_t *data,
                          size_t size)
{
    json_t *review = json_loadb(body.ptr, body.len, JSON_ALLOW_NUL, NULL);
    uint8_t edits[2 * EDIT_BYTES] = {0};

    for (size_t i = 0; i < sizeof(edits) && i < size; i++)
        edits[i] = data[size - 1 - i];
    if (review != NULL)
        check_chain(
            configuration, review,
            has_clear_record(json_object_get(json_object_get(review, "request"), "object"), body, is_random_pod),
            edits);
    json_decref(review);
}

/* --- the input ------------------------------------------------------------------------------------------------------ */

#define REVIEW_START                                                                                                   \
    "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"705ab4f5\","          \
    "\"kind\":{\"group\":\"\",\"version\":\"v1\",\"kind\":\"Pod\"},"                                                   \
    "\"resource\":{\"group\":\"\",\"version\":\"v1\",\"resource\":\"pods\"},"                                          \
    "\"namespace\":\"rucio-atlas\",\"operation\":\"CREATE\",\"object\":"
#define REVIEW_END "}}"
#define CONTAINER_START                                                                                                \
    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\"},\"spec\":{\"containers\":"                  \
    "[{\"name\":\"rucio-server\","
#define CONTAINER_END "}]}}"

struct body {
    char *text; /* a block of its own and exact, so that reading behind it is seen */
    size_t len;
};

static struct body make_body(const char *start, struct rpw_span middle, const char *end)
{
    size_t start_len = strlen(start), end_len = strlen(end);
    struct body body = {.len = start_len + middle.len + end_len};

    body.text = malloc(body.len + 1);
    CHECK(body.text != NULL);
    body.text++; /* the block ends where the body ends, also when that is empty */
    memcpy(body.text, start, start_len);
    if (middle.len > 0)
        memcpy(body.text + start_len, middle.ptr, middle.len);
    memcpy(body.text + start_len + middle.len, end, end_len);
    return body;
}

static struct body body_of(uint8_t kind, const uint8_t *data, size_t size)
{
    struct rpw_span text = {(const char *)data, size};

    switch (kind % 4) {
    case 0:
        return make_body("", text, "");
    case 1:
        return make_body(REVIEW_START, text, REVIEW_END);
    case 2:
        return make_body(REVIEW_START CONTAINER_START, text, CONTAINER_END REVIEW_END);
    default:
        break;
    }
    json_t *pod = random_pod_new(data, size);
    struct body body = make_body(REVIEW_START, dump(pod), REVIEW_END);
    json_decref(pod);
    return body;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (arena.base == NULL) {
        rpw_arena_init(&arena, region, sizeof(region));
        rpw_arena_init(&other_arena, other_region, sizeof(other_region));
    }
    if (size < 2)
        return 0;

    const size_t configuration = data[0] % CONFIGURATION_COUNT;
    struct body body = body_of(data[1], data + 2, size - 2);
    struct rpw_span text = {body.text, body.len};
    struct answer answer = mutate(configuration, text);

    check_determinism(configuration, text, &answer.result);
    if (answer.patch != NULL)
        check_patches(configuration, text, data[1] % 4 == 3, data, size);
    json_decref(answer.patch);
    free(body.text - 1);
    return 0;
}
