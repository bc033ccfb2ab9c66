/* test_mutate.c - mutate.h: what a result tells the log. The answers themselves are the golden cases'. */
#include "rpw/mutate.h"

#include "unit.h"

#define ARENA_BYTES 65536

static const struct rpw_span containers[] = {{"rucio-server", sizeof("rucio-server") - 1}};
static const struct rpw_package packages[] = {{.variable = {"RUCIO_POLICY_PACKAGE", sizeof("RUCIO_POLICY_PACKAGE") - 1},
                                               .value = {"atlas", sizeof("atlas") - 1}}};
static const struct rpw_policy policy = {
    .name = {"atlas", sizeof("atlas") - 1},
    .containers = {containers, 1},
    .packages = packages,
    .package_count = 1,
    .path = {"/p", sizeof("/p") - 1},
    .source = RPW_SOURCE_PREINSTALLED,
    .revision = {"0123456789ab", 12},
};
static const struct rpw_policy_set policies = {.policies = &policy, .count = 1};

#define REVIEW(more, metadata)                                                                                         \
    "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"request\":{\"uid\":\"u-1\",\"kind\":{"     \
    "\"kind\":\"Pod\"},\"namespace\":\"ns\",\"operation\":\"CREATE\"," more "\"object\":{\"metadata\":{" metadata      \
    "},\"spec\":{\"containers\":[{\"name\":\"rucio-server\"}]}}}}"

static const struct log_row {
    const char *name;
    const char *review;
    const char *pod_name;
    const char *owner_kind;
    const char *owner_name;
    bool is_dry_run;
} log_rows[] = {
    {"log_has_the_name_of_the_pod", REVIEW("", "\"generateName\":\"a-\",\"name\":\"a-1\""), "a-1", "", "", false},
    {"log_has_generate_name_when_the_pod_has_no_name_yet", REVIEW("", "\"name\":\"\",\"generateName\":\"a-\""), "a-",
     "", "", false},
    {"log_has_no_name_when_the_pod_has_none", REVIEW("", ""), "", "", "", false},
    {"log_has_the_controller_among_the_owners",
     REVIEW("", "\"ownerReferences\":[{\"kind\":\"Node\",\"name\":\"n\"},{\"kind\":\"ReplicaSet\",\"name\":\"r\","
                "\"controller\":true},null]"),
     "", "ReplicaSet", "r", false},
    {"log_has_the_first_owner_when_none_is_the_controller",
     REVIEW("", "\"ownerReferences\":[{\"kind\":\"Node\",\"name\":\"n\"},{\"kind\":\"Job\",\"name\":\"j\","
                "\"controller\":false}]"),
     "", "Node", "n", false},
    {"log_has_no_owner_when_there_is_none", REVIEW("", "\"ownerReferences\":[]"), "", "", "", false},
    {"log_says_dry_run", REVIEW("\"dryRun\":true,", ""), "", "", "", true},
};

static void assert_span(struct rpw_span span, const char *expected)
{
    assert_int_equal(span.len, strlen(expected));
    if (span.len > 0)
        assert_memory_equal(span.ptr, expected, span.len);
}

_Alignas(16) static char region[ARENA_BYTES];

static void result_tells_the_log(void **state)
{
    const struct log_row *row = *state;
    struct rpw_result result;
    struct rpw_arena arena;

    rpw_arena_init(&arena, region, sizeof(region));
    rpw_mutate(&arena, &policies, rpw_span_of(row->review), &result);
    assert_int_equal(result.outcome, RPW_OUTCOME_PATCHED);
    assert_span(result.uid, "u-1");
    assert_span(result.namespace_, "ns");
    assert_span(result.pod_name, row->pod_name);
    assert_span(result.owner_kind, row->owner_kind);
    assert_span(result.owner_name, row->owner_name);
    assert_int_equal(result.is_dry_run, row->is_dry_run);
    assert_ptr_equal(result.policy, &policy);
    assert_int_equal(result.operation_count, 2);
    rpw_arena_done(&arena);
}

static void result_of_a_broken_review_tells_what_was_read_and_what_is_wrong(void **state)
{
    struct rpw_result result;
    struct rpw_arena arena;

    (void)state;
    rpw_arena_init(&arena, region, sizeof(region));
    rpw_mutate(&arena, &policies, RPW_LIT("{\"request\":{\"uid\":\"u-1\",\"namespace\":7}}"), &result);
    assert_int_equal(result.http_status, 400);
    assert_span(result.uid, "u-1");
    assert_int_equal(result.err.status, RPW_E_SHAPE);
    assert_int_equal(result.err.offset, 36);
    assert_string_equal(result.err.field, "request.namespace");
    assert_span(result.message, "byte 36: request.namespace: expected a string, found a number");
    rpw_arena_done(&arena);
}

static void every_outcome_and_reason_has_a_name(void **state)
{
    (void)state;
    for (int i = 0; i < RPW_OUTCOME_COUNT; i++)
        assert_true(strlen(rpw_outcome_name((enum rpw_outcome)i)) > 0);
    for (int i = 0; i < RPW_REASON_COUNT; i++)
        assert_true(strlen(rpw_reason_name((enum rpw_reason)i)) > 0);
}

int main(void)
{
    UNIT_ADD_ROWS(result_tells_the_log, log_rows);
    UNIT_ADD(result_of_a_broken_review_tells_what_was_read_and_what_is_wrong);
    UNIT_ADD(every_outcome_and_reason_has_a_name);
    return unit_run("mutate");
}
