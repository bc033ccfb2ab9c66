/* test_selection.c - condition.h and selection.h: would the cluster send these pods? */
#include "condition.h"
#include "selection.h"
#include "values.h"

#include "unit.h"

/* --- conditions ------------------------------------------------------------------------------------------------------- */

#define EXISTS(predicate) "object.spec.containers.exists(c, " predicate ")"
#define INIT_EXISTS(predicate) "object.spec.initContainers.exists(c, " predicate ")"

static const struct condition_row {
    const char *name;
    const char *expression;
    const char *container; /* NULL: another */
    bool is_init;
    enum rpw_condition_answer answer;
} condition_rows[] = {
    {"condition_in", EXISTS("c.name in ['a', 'b']"), "b", false, RPW_CONDITION_TRUE},
    {"condition_in_double_quotes", EXISTS("c.name in [\"b\"]"), "b", false, RPW_CONDITION_TRUE},
    {"condition_not_in", EXISTS("c.name in ['a', 'b']"), "c", false, RPW_CONDITION_FALSE},
    {"condition_equal", EXISTS("c.name == 'a' || c.name == 'b'"), "b", false, RPW_CONDITION_TRUE},
    {"condition_other_variable", "object.spec.containers.exists(x, x.name == 'a')", "a", false, RPW_CONDITION_TRUE},
    {"condition_starts_with", EXISTS("c.name.startsWith('rucio-')"), "rucio-ui", false, RPW_CONDITION_TRUE},
    {"condition_starts_otherwise", EXISTS("c.name.startsWith('rucio-')"), "atlas", false, RPW_CONDITION_FALSE},
    {"condition_glob_is_covered_by_its_beginning", EXISTS("c.name.startsWith('rucio-')"), "rucio-*", false,
     RPW_CONDITION_TRUE},
    {"condition_glob_is_wider", EXISTS("c.name.startsWith('rucio-s')"), "rucio-*", false, RPW_CONDITION_FALSE},
    {"condition_glob_is_in_no_list", EXISTS("c.name in ['rucio-*']"), "rucio-*", false, RPW_CONDITION_FALSE},
    {"condition_init_container_is_no_container", EXISTS("c.name == 'a'"), "a", true, RPW_CONDITION_FALSE},
    {"condition_init_container", INIT_EXISTS("c.name == 'a'"), "a", true, RPW_CONDITION_TRUE},
    {"condition_init_containers_are_absent", INIT_EXISTS("c.name == 'a'"), "a", false, RPW_CONDITION_ERROR},
    {"condition_error_is_settled_by_or", INIT_EXISTS("c.name == 'a'") " || " EXISTS("c.name == 'a'"), "a", false,
     RPW_CONDITION_TRUE},
    {"condition_error_is_settled_by_and", INIT_EXISTS("c.name == 'a'") " && " EXISTS("c.name == 'b'"), "a", false,
     RPW_CONDITION_FALSE},
    {"condition_error_is_not_settled_by_false", EXISTS("c.name == 'b'") " || " INIT_EXISTS("c.name == 'a'"), "a", false,
     RPW_CONDITION_ERROR},
    {"condition_has", "has(object.spec.initContainers) && " INIT_EXISTS("c.name == 'a'"), "a", false,
     RPW_CONDITION_FALSE},
    {"condition_has_in_brackets",
     EXISTS("c.name == 'a'") " || (has(object.spec.initContainers) && " INIT_EXISTS("c.name == 'a'") ")", "a", true,
     RPW_CONDITION_TRUE},
    {"condition_optional", "object.spec.?initContainers.orValue([]).exists(c, c.name == 'a')", "a", true,
     RPW_CONDITION_TRUE},
    {"condition_optional_and_absent", "object.spec.?initContainers.orValue([]).exists(c, c.name == 'a')", "a", false,
     RPW_CONDITION_FALSE},
    {"condition_spread_over_lines", "\n  object.spec.containers.exists(c,\n  c.name in ['a',\n'b'])\n", "a", false,
     RPW_CONDITION_TRUE},
    {"condition_of_another_pod", EXISTS("c.name.startsWith('')"), NULL, false, RPW_CONDITION_FALSE},
    {"condition_not", "!" EXISTS("c.name == 'a'"), "a", false, RPW_CONDITION_NOT_UNDERSTOOD},
    {"condition_labels", "object.metadata.labels['app'] == 'x'", "a", false, RPW_CONDITION_NOT_UNDERSTOOD},
    {"condition_other_field", EXISTS("c.image == 'a'"), "a", false, RPW_CONDITION_NOT_UNDERSTOOD},
    {"condition_foreign_variable", EXISTS("d.name == 'a'"), "a", false, RPW_CONDITION_NOT_UNDERSTOOD},
    {"condition_escape", EXISTS("c.name == '\\u0061'"), "a", false, RPW_CONDITION_NOT_UNDERSTOOD},
    {"condition_empty_list", EXISTS("c.name in []"), "a", false, RPW_CONDITION_NOT_UNDERSTOOD},
    {"condition_unfinished", "object.spec.containers.exists(c, c.name == 'a'", "a", false,
     RPW_CONDITION_NOT_UNDERSTOOD},
    {"condition_unfinished_text", "object.spec.containers.exists(c, c.name == 'a", "a", false,
     RPW_CONDITION_NOT_UNDERSTOOD},
    {"condition_with_more_behind_it", EXISTS("c.name == 'a'") " ? true : false", "a", false,
     RPW_CONDITION_NOT_UNDERSTOOD},
    {"condition_empty", "", "a", false, RPW_CONDITION_NOT_UNDERSTOOD},
    {"condition_of_brackets", "((((((((((((((((((((((((((((((((((((((((", "a", false, RPW_CONDITION_NOT_UNDERSTOOD},
};

static void condition_is_evaluated(void **state)
{
    const struct condition_row *row = *state;
    const struct rpw_condition_pod pod = {row->container ? rpw_span_of(row->container) : (struct rpw_span){NULL, 0},
                                          row->is_init};
    struct rpw_span rest;

    assert_int_equal(rpw_condition_evaluate(rpw_span_of(row->expression), pod, &rest), row->answer);
}

/* --- webhooks --------------------------------------------------------------------------------------------------------- */

#define RULES                                                                                                          \
    "\"rules\":[{\"apiGroups\":[\"\"],\"apiVersions\":[\"v1\"],\"operations\":[\"CREATE\"],\"resources\":[\"pods\"]}]"
#define NAME_LABEL "kubernetes.io/metadata.name"
#define SELECTOR(name, key, op, values)                                                                                \
    "{" RULES ",\"" name "\":{\"matchExpressions\":[{\"key\":\"" key "\",\"operator\":\"" op "\",\"values\":" values   \
    "}]}}"

static const struct rpw_span requirement_values[] = {{"atlas", 5}, {"cms", 3}};
static const struct rpw_label_requirement requirements[] = {
    {{"release", 7}, RPW_LABEL_IN, {requirement_values, 2}},
    {{"tier", 4}, RPW_LABEL_NOT_IN, {requirement_values, 2}},
    {{"old", 3}, RPW_LABEL_DOES_NOT_EXIST, {NULL, 0}},
};

static const struct selection_row {
    const char *name;
    const char *webhook;
    const char *namespace_; /* NULL: any */
    const char *container;
    bool is_sent;
    size_t remarks;
} selection_rows[] = {
    {"selection_rules_alone", "{" RULES "}", NULL, "rucio-server", true, 0},
    {"selection_without_rules", "{}", NULL, "rucio-server", false, 0},
    {"selection_rule_with_stars",
     "{\"rules\":[{\"apiGroups\":[\"*\"],\"apiVersions\":[\"*\"],\"operations\":[\"*\"],\"resources\":[\"*\"]}]}", NULL,
     "rucio-server", true, 0},
    {"selection_rule_for_updates",
     "{\"rules\":[{\"apiGroups\":[\"\"],\"apiVersions\":[\"v1\"],\"operations\":[\"UPDATE\"],\"resources\":[\"pods\"]}]"
     "}",
     NULL, "rucio-server", false, 0},
    {"selection_rule_for_subresources",
     "{\"rules\":[{\"apiGroups\":[\"\"],\"apiVersions\":[\"v1\"],\"operations\":[\"*\"],\"resources\":[\"pods/*\"]}]}",
     NULL, "rucio-server", false, 0},
    {"selection_rule_for_cluster_objects",
     "{\"rules\":[{\"apiGroups\":[\"\"],\"apiVersions\":[\"v1\"],\"operations\":[\"*\"],\"resources\":[\"*\"],"
     "\"scope\":\"Cluster\"}]}",
     NULL, "rucio-server", false, 0},
    {"selection_namespace_is_listed", SELECTOR("namespaceSelector", NAME_LABEL, "In", "[\"a\",\"b\"]"), "a", "x", true,
     0},
    {"selection_namespace_is_not_listed", SELECTOR("namespaceSelector", NAME_LABEL, "In", "[\"b\"]"), "a", "x", false,
     0},
    {"selection_namespaces_are_wider_than_the_list", SELECTOR("namespaceSelector", NAME_LABEL, "In", "[\"a\"]"), "a*",
     "x", false, 0},
    {"selection_any_namespace_is_wider_than_the_list", SELECTOR("namespaceSelector", NAME_LABEL, "In", "[\"a\"]"), NULL,
     "x", false, 0},
    {"selection_namespace_is_left_out", SELECTOR("namespaceSelector", NAME_LABEL, "NotIn", "[\"a\"]"), "a", "x", false,
     0},
    {"selection_another_namespace_is_left_out", SELECTOR("namespaceSelector", NAME_LABEL, "NotIn", "[\"b\"]"), "a", "x",
     true, 0},
    {"selection_of_any_namespace_one_is_left_out", SELECTOR("namespaceSelector", NAME_LABEL, "NotIn", "[\"b\"]"), NULL,
     "x", true, 1},
    {"selection_namespace_name_does_not_exist", SELECTOR("namespaceSelector", NAME_LABEL, "DoesNotExist", "[]"), "a",
     "x", false, 0},
    {"selection_namespace_has_an_unknown_label", "{" RULES ",\"namespaceSelector\":{\"matchLabels\":{\"a\":\"b\"}}}",
     "a", "x", true, 1},
    {"selection_namespace_by_its_label",
     "{" RULES ",\"namespaceSelector\":{\"matchLabels\":{\"" NAME_LABEL "\":\"a\"}}}", "a", "x", true, 0},
    {"selection_pod_label_the_policy_asks_for",
     SELECTOR("objectSelector", "release", "In", "[\"atlas\",\"cms\",\"x\"]"), NULL, "x", true, 0},
    {"selection_pod_label_narrower_than_the_policy", SELECTOR("objectSelector", "release", "In", "[\"atlas\"]"), NULL,
     "x", false, 0},
    {"selection_pod_label_exists", SELECTOR("objectSelector", "release", "Exists", "[]"), NULL, "x", true, 0},
    {"selection_pod_label_is_none_of_others", SELECTOR("objectSelector", "release", "NotIn", "[\"x\"]"), NULL, "x",
     true, 0},
    {"selection_pod_label_is_none_as_the_policy_says", SELECTOR("objectSelector", "tier", "NotIn", "[\"cms\"]"), NULL,
     "x", true, 0},
    {"selection_pod_label_does_not_exist", SELECTOR("objectSelector", "old", "DoesNotExist", "[]"), NULL, "x", true, 0},
    {"selection_pod_label_left_out", SELECTOR("objectSelector", "new", "DoesNotExist", "[]"), NULL, "x", true, 1},
    {"selection_pod_label_the_policy_does_not_ask_for", SELECTOR("objectSelector", "app", "In", "[\"x\"]"), NULL, "x",
     false, 0},
    {"selection_label_of_the_chart", SELECTOR("objectSelector", "app", "In", "[\"rucio-server\"]"), NULL,
     "rucio-server", true, 1},
    {"selection_label_of_another_chart", SELECTOR("objectSelector", "app", "In", "[\"rucio-server\"]"), NULL,
     "rucio-ui", false, 0},
    {"selection_label_of_the_daemons", SELECTOR("objectSelector", "rucio-daemon", "Exists", "[]"), NULL,
     "rucio-daemons", true, 1},
    {"selection_condition",
     "{" RULES
     ",\"matchConditions\":[{\"name\":\"n\",\"expression\":\"object.spec.containers.exists(c, c.name in ['x'])\"}]}",
     NULL, "x", true, 1},
    {"selection_condition_for_others",
     "{" RULES
     ",\"matchConditions\":[{\"name\":\"n\",\"expression\":\"object.spec.containers.exists(c, c.name in ['x'])\"}]}",
     NULL, "y", false, 0},
    {"selection_condition_that_is_not_understood",
     "{" RULES ",\"matchConditions\":[{\"name\":\"n\",\"expression\":\"request.userInfo.username == 'x'\"}]}", NULL,
     "x", false, 0},
};

static void selection_is_told(void **state)
{
    const struct selection_row *row = *state;
    const struct rpw_selection_unit unit = {
        RPW_LIT("p"), row->namespace_ ? rpw_span_of(row->namespace_) : (struct rpw_span){NULL, 0},
        rpw_span_of(row->container), requirements, sizeof(requirements) / sizeof(requirements[0])};
    struct rpw_selection_result result = {.remarks = json_object()};
    json_t *webhook = json_loads(row->webhook, 0, NULL);

    assert_non_null(webhook);
    assert_int_equal(rpw_selection_sends(webhook, &unit, &result), row->is_sent);
    assert_int_equal(result.reason[0] == '\0', row->is_sent);
    if (row->is_sent)
        assert_int_equal(json_object_size(result.remarks), row->remarks);
    json_decref(result.remarks);
    json_decref(webhook);
}

static void selection_finds_a_condition_that_fails_for_other_pods(void **unused)
{
    char problem[RPW_SELECTION_REASON_BYTES] = "";
    json_t *webhook =
        json_pack("{s:[{s:s, s:s}]}", "matchConditions", "name", "n", "expression", INIT_EXISTS("c.name == 'a'"));

    (void)unused;
    assert_true(rpw_selection_fails_others(webhook, problem));
    assert_non_null(strstr(problem, "has(object.spec.initContainers)"));
    json_decref(webhook);
}

/* --- values ------------------------------------------------------------------------------------------------------------ */

static void time_comes_back_as_it_was(void **unused)
{
    char text[RPW_TIME_TEXT_BYTES];

    (void)unused;
    rpw_time_format(1800000000, text);
    assert_string_equal(text, "2027-01-15T08:00:00Z");
    assert_int_equal(rpw_time_parse(text), 1800000000);
    assert_int_equal(rpw_time_parse("yesterday"), 0);
}

static void names_of_objects_are_told_apart(void **unused)
{
    (void)unused;
    assert_true(rpw_is_namespace_name("rucio-1"));
    assert_false(rpw_is_namespace_name("a.b"));
    assert_false(rpw_is_namespace_name(""));
    assert_true(rpw_is_object_name("policy.rucio.cern.ch"));
    assert_false(rpw_is_object_name("a..b"));
    assert_false(rpw_is_object_name("../a"));
    assert_false(rpw_is_object_name("a?b"));
}

int main(void)
{
    UNIT_ADD_ROWS(condition_is_evaluated, condition_rows);
    UNIT_ADD_ROWS(selection_is_told, selection_rows);
    UNIT_ADD(selection_finds_a_condition_that_fails_for_other_pods);
    UNIT_ADD(time_comes_back_as_it_was);
    UNIT_ADD(names_of_objects_are_told_apart);
    return unit_run("selection");
}
