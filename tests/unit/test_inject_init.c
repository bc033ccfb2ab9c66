/* test_inject_init.c - where our init containers come to stand, for policies made by hand. What they hold, and everything
 * else about a pod, is the golden cases'.
 *
 * Pods are written as lists of names: "a,rucio-server,b". A container that starts with '=' mounts a volume of its own at the
 * policy's path, which the policy leaves to it; one that starts with '+' is on record. The patched pod is sent again in every row and must get no patch.
 */
#include <jansson.h>

#include "json_patch.h"
#include "rpw/bytes/limits.h"
#include "rpw/mutate.h"

#include "unit.h"

#define ARENA_BYTES (1024 * 1024)
#define MAX_NAMES_BYTES 1024

static const struct rpw_span containers[] = {{"rucio-*", sizeof("rucio-*") - 1}};
static const struct rpw_package packages[] = {{.variable = {"RUCIO_POLICY_PACKAGE", sizeof("RUCIO_POLICY_PACKAGE") - 1},
                                               .value = {"atlas", sizeof("atlas") - 1}}};

#define NOT_OURS RPW_SOURCE_VOLUME
#define PIP RPW_SOURCE_PIP
#define COPY RPW_SOURCE_COPY
#define FIRST RPW_POSITION_FIRST
#define LAST RPW_POSITION_LAST
#define WARN RPW_VERIFY_WARN

static const struct row {
    const char *name;
    enum rpw_source source;
    enum rpw_position position;
    enum rpw_verify verify;
    const char *revision; /* the pod's annotation; NULL: none */
    const char *init;     /* NULL: the pod has no initContainers */
    const char *main;
    const char *expected; /* initContainers of the patched pod */
} rows[] = {
    {"installer_makes_the_array_when_there_is_none", PIP, FIRST, 0, NULL, NULL, "rucio-server", "rucio-policy-install"},
    {"installer_stands_first", PIP, FIRST, 0, NULL, "a,b", "rucio-server", "rucio-policy-install,a,b"},
    {"installer_stands_last_when_it_is_told_to", COPY, LAST, 0, NULL, "a,b", "rucio-server", "a,b,rucio-policy-copy"},
    {"installer_stands_before_what_mounts_the_package_when_first", PIP, FIRST, 0, NULL, "a,rucio-init,b",
     "rucio-server", "a,rucio-policy-install,rucio-init,b"},
    {"installer_stands_before_what_mounts_the_package_when_last", COPY, LAST, 0, NULL, "a,rucio-init,b,rucio-more",
     "rucio-server", "a,rucio-policy-copy,rucio-init,b,rucio-more"},
    {"installer_does_not_mind_what_has_a_mount_of_its_own", PIP, LAST, 0, NULL, "a,=rucio-init,b", "rucio-server",
     "a,rucio-init,b,rucio-policy-install"},
    {"installer_is_not_added_when_nothing_mounts_the_package", PIP, FIRST, 0, NULL, "a", "=rucio-server", "a"},
    {"installer_stands_before_verify_that_is_there", PIP, LAST, WARN, NULL, "a,rucio-policy-verify,b", "rucio-server",
     "a,rucio-policy-install,rucio-policy-verify,b"},
    {"installer_is_not_moved_when_it_is_there", PIP, FIRST, 0, NULL, "a,rucio-policy-install,b", "rucio-server",
     "a,rucio-policy-install,b"},
    {"installer_of_another_source_gives_way", PIP, FIRST, 0, "older", "a,+rucio-policy-copy,b", "rucio-server",
     "rucio-policy-install,a,b"},
    {"installer_of_another_source_gives_way_at_the_same_place", COPY, FIRST, 0, "older", "+rucio-policy-install,b",
     "rucio-server", "rucio-policy-copy,b"},
    {"installer_goes_when_the_volume_is_not_ours_to_fill", NOT_OURS, 0, 0, "older", "a,+rucio-policy-install",
     "rucio-server", "a"},
    {"installer_that_is_not_ours_stays_without_a_record", NOT_OURS, 0, 0, NULL, "rucio-policy-install,a",
     "rucio-server", "rucio-policy-install,a"},
    {"installer_that_is_not_on_record_stays", NOT_OURS, 0, 0, "current", "rucio-policy-install,a", "rucio-server",
     "rucio-policy-install,a"},
    {"verify_makes_the_array_when_there_is_none", NOT_OURS, 0, WARN, NULL, NULL, "rucio-server", "rucio-policy-verify"},
    {"verify_stands_at_the_end", NOT_OURS, 0, WARN, NULL, "a,rucio-init,b", "rucio-server",
     "a,rucio-init,b,rucio-policy-verify"},
    {"verify_stands_before_the_init_container_that_it_imitates", NOT_OURS, 0, WARN, NULL, "a,rucio-init,b", "main",
     "a,rucio-policy-verify,rucio-init,b"},
    {"verify_stands_behind_the_installer", PIP, FIRST, WARN, NULL, NULL, "rucio-server",
     "rucio-policy-install,rucio-policy-verify"},
    {"verify_stands_behind_the_installer_that_is_last", COPY, LAST, WARN, NULL, "a", "rucio-server",
     "a,rucio-policy-copy,rucio-policy-verify"},
    {"verify_stands_behind_the_installer_before_an_init_container", PIP, FIRST, WARN, NULL, "a,rucio-init,b", "main",
     "a,rucio-policy-install,rucio-policy-verify,rucio-init,b"},
    {"verify_stands_behind_the_installer_that_is_there", PIP, FIRST, WARN, NULL, "rucio-init,a,rucio-policy-install,b",
     "main", "rucio-init,a,rucio-policy-install,rucio-policy-verify,b"},
    {"verify_stands_behind_an_installer_that_only_a_later_container_needs", PIP, FIRST, WARN, NULL,
     "=rucio-init,a,rucio-more,b", "main", "rucio-init,a,rucio-policy-install,rucio-policy-verify,rucio-more,b"},
    {"verify_does_not_wait_for_packages_of_the_charts_that_no_target_has", PIP, FIRST, WARN, NULL,
     "rucio-init,install-policy-packages,b", "main",
     "rucio-policy-install,rucio-policy-verify,rucio-init,install-policy-packages,b"},
    {"verify_is_not_moved_when_it_is_there", NOT_OURS, 0, WARN, "older", "+rucio-policy-verify,a", "rucio-server",
     "rucio-policy-verify,a"},
    {"verify_goes_when_it_is_off", NOT_OURS, 0, RPW_VERIFY_OFF, "older", "+rucio-policy-verify,a", "rucio-server", "a"},
    {"verify_and_installer_go_together", NOT_OURS, 0, RPW_VERIFY_OFF, "older",
     "+rucio-policy-install,a,+rucio-policy-verify", "rucio-server", "a"},
    {"containers_of_our_names_are_no_targets", NOT_OURS, 0, 0, "current",
     "rucio-policy-install,rucio-policy-copy,rucio-policy-verify", "rucio-server",
     "rucio-policy-install,rucio-policy-copy,rucio-policy-verify"},
};

static struct rpw_policy policy_of(const struct row *row)
{
    bool is_ours = row->source == PIP || row->source == COPY;
    struct rpw_policy policy = {
        .name = RPW_LIT("atlas"),
        .containers = {containers, 1},
        .packages = packages,
        .package_count = 1,
        .path = RPW_LIT("/p"),
        .source = row->source,
        .volume = is_ours ? RPW_LIT("{\"emptyDir\":{}}") : RPW_LIT("{\"hostPath\":{\"path\":\"/cvmfs\"}}"),
        .sub_path = is_ours ? RPW_LIT(RPW_PACKAGE_DIRECTORY) : RPW_LIT(""),
        .installer = {.members = RPW_LIT("\"command\":[\"install\"]"), .position = row->position},
        .verify = row->verify,
        .verify_members = RPW_LIT("\"command\":[\"verify\"]"),
        .on_conflict = RPW_CONFLICT_KEEP,
        .revision = RPW_LIT("current"),
        .volume_name = RPW_LIT(RPW_VOLUME_PREFIX "current"),
    };
    return policy;
}

/* recorded: gets the names of those on record. */
static json_t *containers_of(const char *list, json_t *recorded)
{
    json_t *made = json_array();
    struct rpw_span rest = rpw_span_of(list), name;

    while (rpw_span_next_element(&rest, ',', &name)) {
        json_t *container = json_pack("{s:o}", "name", json_stringn(name.ptr, name.len));
        if (name.ptr[0] == '=') {
            json_object_set_new(container, "name", json_stringn(name.ptr + 1, name.len - 1));
            json_object_set_new(container, "volumeMounts",
                                json_pack("[{s:s, s:s}]", "name", "mine", "mountPath", "/p"));
        }
        if (name.ptr[0] == '+') {
            json_object_set_new(container, "name", json_stringn(name.ptr + 1, name.len - 1));
            json_array_append_new(recorded, json_stringn(name.ptr + 1, name.len - 1));
        }
        json_array_append_new(made, container);
    }
    return made;
}

static json_t *pod_of(const struct row *row)
{
    json_t *pod = json_pack("{s:{}, s:{s:[{s:s}, {s:s}]}}", "metadata", "spec", "volumes", "name", "mine", "name",
                            "policy-package-volume");
    json_t *spec = json_object_get(pod, "spec");

    json_t *record = json_pack("{s:[]}", "initContainers"), *recorded = json_object_get(record, "initContainers");

    if (row->init != NULL)
        json_object_set_new(spec, "initContainers", containers_of(row->init, recorded));
    json_object_set_new(spec, "containers", containers_of(row->main, recorded));
    if (row->revision != NULL) {
        char *text = json_dumps(record, JSON_COMPACT);
        json_object_set_new(json_object_get(pod, "metadata"), "annotations",
                            json_pack("{s:s, s:s}", "policy.rucio.cern.ch/revision", row->revision,
                                      "policy.rucio.cern.ch/injected", text));
        free(text);
    }
    json_decref(record);
    return pod;
}

static _Alignas(16) char region[ARENA_BYTES];

/* Applies what the policy wants to pod; false when it wants nothing. */
static bool mutate(const struct rpw_policy *policy, json_t **pod)
{
    const struct rpw_policy_set set = {.policies = policy, .count = 1};
    char error[RPW_JSON_PATCH_ERROR_BYTES];
    struct rpw_arena arena;
    struct rpw_result result;

    rpw_arena_init(&arena, region, sizeof(region));
    char *object = json_dumps(*pod, JSON_COMPACT), *body = NULL;
    assert_true(asprintf(&body,
                         "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":"
                         "\"1\",\"kind\":{\"kind\":\"Pod\"},\"operation\":\"CREATE\",\"object\":%s}}",
                         object) > 0);
    rpw_mutate(&arena, &set, rpw_span_of(body), &result);
    assert_int_equal(result.http_status, 200);
    json_t *review = json_loadb(result.body.ptr, result.body.len, 0, NULL);
    json_t *response = json_object_get(review, "response");
    assert_true(json_is_true(json_object_get(response, "allowed")));
    const char *patch = json_string_value(json_object_get(response, "patch"));
    if (patch != NULL) {
        json_t *operations = rpw_json_patch_decode(patch);
        assert_true(rpw_json_patch_apply(pod, operations, error));
        json_decref(operations);
    }
    json_decref(review);
    rpw_arena_done(&arena);
    free(object);
    free(body);
    return result.outcome == RPW_OUTCOME_PATCHED;
}

static void init_containers_are_in_order(void **state)
{
    const struct row *row = *state;
    const struct rpw_policy policy = policy_of(row);
    json_t *pod = pod_of(row), *list;
    char found[MAX_NAMES_BYTES] = "";
    size_t len = 0;

    mutate(&policy, &pod);
    list = json_object_get(json_object_get(pod, "spec"), "initContainers");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *container = json_array_get(list, i);
        len += (size_t)snprintf(found + len, sizeof(found) - len, "%s%s", i > 0 ? "," : "",
                                json_string_value(json_object_get(container, "name")));
        assert_true(len < sizeof(found));
    }
    assert_string_equal(found, row->expected);
    assert_false(mutate(&policy, &pod));
    json_decref(pod);
}

/* What does not fit on the record is not on it, and then the pod's own: the next call finds nothing to do, either. */
static void pods_with_more_containers_than_a_record_holds_are_left_alone_the_second_time(void **state)
{
    static const struct row row = {.verify = WARN, .main = "rucio-server"};
    const struct rpw_policy policy = policy_of(&row);
    json_t *pod = pod_of(&row), *list = json_object_get(json_object_get(pod, "spec"), "containers");

    (void)state;
    for (size_t i = 0; i <= RPW_MAX_RECORD_CONTAINERS; i++)
        json_array_append_new(list, json_pack("{s:o}", "name", json_sprintf("rucio-%zu", i)));
    assert_true(mutate(&policy, &pod));
    assert_false(mutate(&policy, &pod));
    json_decref(pod);
}

int main(void)
{
    UNIT_ADD(pods_with_more_containers_than_a_record_holds_are_left_alone_the_second_time);
    UNIT_ADD_ROWS(init_containers_are_in_order, rows);
    return unit_run("inject_init");
}
