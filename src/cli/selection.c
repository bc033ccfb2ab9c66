/* selection.c - rules, namespaceSelector, objectSelector, matchConditions: a pod is sent when all four let it through. */
#include "selection.h"

#include <stdio.h>
#include <string.h>

#include "condition.h"

#define NAMESPACE_NAME_LABEL "kubernetes.io/metadata.name"
#define MAX_LIST_BYTES 512

/* Both fill result->reason as printf() does. REFUSE() is false. REMARK() makes a remark of it and is true. */
#define REFUSE(result, ...) (snprintf((result)->reason, sizeof((result)->reason), __VA_ARGS__), false)
#define REMARK(result, ...) (snprintf((result)->reason, sizeof((result)->reason), __VA_ARGS__), keep_remark(result))

static bool keep_remark(struct rpw_selection_result *result)
{
    if (result->remarks != NULL)
        json_object_set_new(result->remarks, result->reason, json_true());
    result->reason[0] = '\0';
    return true;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

static bool has_text(const json_t *list, struct rpw_span text)
{
    const json_t *item;
    size_t index;

    json_array_foreach(list, index, item)
    {
        if (json_is_string(item) && rpw_span_is(text, json_string_value(item)))
            return true;
    }
    return false;
}

/* "a, b": at most MAX_LIST_BYTES of it. */
static const char *join(const json_t *list, char text[MAX_LIST_BYTES])
{
    const json_t *item;
    size_t index, len = 0;

    text[0] = '\0';
    json_array_foreach(list, index, item)
    {
        int added = snprintf(text + len, MAX_LIST_BYTES - len, "%s%s", index > 0 ? ", " : "",
                             json_is_string(item) ? json_string_value(item) : "?");

        if (added < 0 || (size_t)added >= MAX_LIST_BYTES - len)
            break;
        len += (size_t)added;
    }
    return text;
}

/* --- rules ------------------------------------------------------------------------------------------------------------ */

static bool has_either(const json_t *rule, const char *key, const char *text)
{
    const json_t *list = json_object_get(rule, key);

    return has_text(list, RPW_LIT("*")) || has_text(list, rpw_span_of(text));
}

static bool is_rule_for_pods(const json_t *rule)
{
    const char *scope = text_of(rule, "scope");

    return has_either(rule, "operations", "CREATE") && has_either(rule, "apiGroups", "") &&
           has_either(rule, "apiVersions", "v1") &&
           (has_either(rule, "resources", "pods") || has_text(json_object_get(rule, "resources"), RPW_LIT("*/*"))) &&
           strcmp(scope, "Cluster") != 0;
}

static bool passes_rules(const json_t *webhook, struct rpw_selection_result *result)
{
    const json_t *rule, *rules = json_object_get(webhook, "rules");
    size_t index;

    json_array_foreach(rules, index, rule)
    {
        if (is_rule_for_pods(rule))
            return true;
    }
    return REFUSE(result, "no rule is for CREATE of pods (apiGroups [\"\"], apiVersions [\"v1\"], operations "
                          "[\"CREATE\"], resources [\"pods\"])");
}

/* --- selectors -------------------------------------------------------------------------------------------------------- */

/* A requirement of a LabelSelector. values is a new reference. */
struct requirement {
    const char *key;
    const char *op;
    json_t *values;
};

typedef bool passes_fn(const struct requirement *requirement, const struct rpw_selection_unit *unit,
                       struct rpw_selection_result *result);

static bool passes_labels(json_t *labels, const struct rpw_selection_unit *unit, struct rpw_selection_result *result,
                          passes_fn *passes)
{
    bool is_passed = true;
    const char *key;
    json_t *value;

    json_object_foreach(labels, key, value)
    {
        struct requirement requirement = {key, "In", json_pack("[O]", value)};

        is_passed = is_passed && passes(&requirement, unit, result);
        json_decref(requirement.values);
    }
    return is_passed;
}

/* All requirements of webhook's selector called name. An absent or empty selector lets everything through. */
static bool passes_selector(const json_t *webhook, const char *name, const struct rpw_selection_unit *unit,
                            struct rpw_selection_result *result, passes_fn *passes)
{
    const json_t *selector = json_object_get(webhook, name), *expression;
    size_t index;

    if (!passes_labels(json_object_get(selector, "matchLabels"), unit, result, passes))
        return false;
    json_array_foreach(json_object_get(selector, "matchExpressions"), index, expression)
    {
        const struct requirement requirement = {text_of(expression, "key"), text_of(expression, "operator"),
                                                json_object_get(expression, "values")};

        if (!passes(&requirement, unit, result))
            return false;
    }
    return true;
}

static bool is_pattern(struct rpw_span glob)
{
    return glob.ptr == NULL || memchr(glob.ptr, '*', glob.len) != NULL || memchr(glob.ptr, '?', glob.len) != NULL;
}

static bool passes_namespace_name(const struct requirement *requirement, const struct rpw_selection_unit *unit,
                                  struct rpw_selection_result *result)
{
    bool is_listed = !is_pattern(unit->namespace_) && has_text(requirement->values, unit->namespace_);
    char list[MAX_LIST_BYTES];

    join(requirement->values, list);
    if (strcmp(requirement->op, "Exists") == 0 || (strcmp(requirement->op, "In") == 0 && is_listed))
        return true;
    if (strcmp(requirement->op, "In") == 0)
        return REFUSE(result, "its namespaceSelector is for namespace %s only", list);
    if (strcmp(requirement->op, "NotIn") != 0 || is_listed)
        return REFUSE(result, "its namespaceSelector leaves the namespace out (%s %s %s)", requirement->key,
                      requirement->op, list);
    if (is_pattern(unit->namespace_))
        REMARK(result, "pods in namespace %s are not sent", list);
    return true;
}

/* Which labels a namespace has, these files do not say. */
static bool passes_namespace(const struct requirement *requirement, const struct rpw_selection_unit *unit,
                             struct rpw_selection_result *result)
{
    char list[MAX_LIST_BYTES];

    if (strcmp(requirement->key, NAMESPACE_NAME_LABEL) == 0)
        return passes_namespace_name(requirement, unit, result);
    return REMARK(result, "the namespace's label %s must be as namespaceSelector wants it: %s %s", requirement->key,
                  requirement->op, join(requirement->values, list));
}

static bool contains_all(const json_t *values, struct rpw_span_list wanted)
{
    for (size_t i = 0; i < wanted.count; i++)
        if (!has_text(values, wanted.items[i]))
            return false;
    return true;
}

static bool contains_any(const json_t *values, struct rpw_span_list list)
{
    for (size_t i = 0; i < list.count; i++)
        if (has_text(values, list.items[i]))
            return true;
    return false;
}

static bool contained_in(const json_t *values, struct rpw_span_list list)
{
    const json_t *value;
    size_t index;

    json_array_foreach(values, index, value)
    {
        struct rpw_span text = rpw_span_of(json_is_string(value) ? json_string_value(value) : "");
        bool is_listed = false;

        for (size_t i = 0; i < list.count; i++)
            is_listed = is_listed || rpw_span_equal(list.items[i], text);
        if (!is_listed)
            return false;
    }
    return true;
}

/* Whether every pod that meets ours, a requirement of the policy's podSelector, meets theirs. */
static bool is_implied_by(const struct requirement *theirs, const struct rpw_label_requirement *ours)
{
    if (!rpw_span_is(ours->key, theirs->key))
        return false;
    if (strcmp(theirs->op, "Exists") == 0)
        return ours->op == RPW_LABEL_EXISTS || ours->op == RPW_LABEL_IN;
    if (strcmp(theirs->op, "In") == 0)
        return ours->op == RPW_LABEL_IN && contains_all(theirs->values, ours->values);
    if (ours->op == RPW_LABEL_DOES_NOT_EXIST)
        return true;
    return strcmp(theirs->op, "NotIn") == 0 &&
           ((ours->op == RPW_LABEL_IN && !contains_any(theirs->values, ours->values)) ||
            (ours->op == RPW_LABEL_NOT_IN && contained_in(theirs->values, ours->values)));
}

/* The labels that Rucio's Helm charts write for the pods with these containers. value NULL: it differs. */
static const struct chart_label {
    const char *container;
    const char *key;
    const char *value;
} chart_labels[] = {
    {"rucio-server", "app", "rucio-server"},
    {"rucio-ui", "app", "rucio-ui"},
    {"rucio-daemons", "app-group", "rucio-daemons"},
    {"rucio-daemons", "rucio-daemon", NULL},
};

static bool is_written_by_chart(const struct requirement *requirement, struct rpw_span container)
{
    for (size_t i = 0; i < sizeof(chart_labels) / sizeof(chart_labels[0]); i++) {
        const struct chart_label *label = &chart_labels[i];

        if (!rpw_span_is(container, label->container) || strcmp(requirement->key, label->key) != 0)
            continue;
        if (strcmp(requirement->op, "Exists") == 0)
            return true;
        return strcmp(requirement->op, "In") == 0 && label->value != NULL &&
               has_text(requirement->values, rpw_span_of(label->value));
    }
    return false;
}

static bool passes_object(const struct requirement *requirement, const struct rpw_selection_unit *unit,
                          struct rpw_selection_result *result)
{
    char list[MAX_LIST_BYTES];

    join(requirement->values, list);
    for (size_t i = 0; i < unit->requirement_count; i++)
        if (is_implied_by(requirement, &unit->requirements[i]))
            return true;
    if (is_written_by_chart(requirement, unit->container))
        return REMARK(result, "pods with a container %.*s have the label %s as Rucio's Helm chart writes it",
                      (int)unit->container.len, unit->container.ptr, requirement->key);
    if (strcmp(requirement->op, "NotIn") == 0 || strcmp(requirement->op, "DoesNotExist") == 0)
        return REMARK(result, "pods that objectSelector leaves out are not sent: %s %s %s", requirement->key,
                      requirement->op, list);
    return REFUSE(result,
                  "its objectSelector wants the label %s (%s %s), which the policy's podSelector does not ask for",
                  requirement->key, requirement->op, list);
}

/* --- matchConditions -------------------------------------------------------------------------------------------------- */

static bool passes_condition(const json_t *condition, const struct rpw_selection_unit *unit,
                             struct rpw_selection_result *result)
{
    const char *name = text_of(condition, "name");
    struct rpw_span expression = rpw_span_of(text_of(condition, "expression")), rest = {"", 0};
    const struct rpw_condition_pod pod = {unit->container, false}, init_pod = {unit->container, true};

    switch (rpw_condition_evaluate(expression, pod, &rest)) {
    case RPW_CONDITION_TRUE:
        break;
    case RPW_CONDITION_NOT_UNDERSTOOD:
        return REFUSE(
            result,
            "it cannot be told: its match condition %s is not understood from '%.*s' on; understood is "
            "object.spec.containers.exists(c, c.name in ['NAME', ...]), the same for initContainers, && and ||",
            name, rest.len < 60 ? (int)rest.len : 60, rest.ptr);
    default:
        return REFUSE(result, "its match condition %s does not let them through", name);
    }
    if (rpw_condition_evaluate(expression, init_pod, &rest) != RPW_CONDITION_TRUE)
        REMARK(result, "pods whose only container %.*s is an init container are not sent (match condition %s)",
               (int)unit->container.len, unit->container.ptr, name);
    return true;
}

static bool passes_conditions(const json_t *webhook, const struct rpw_selection_unit *unit,
                              struct rpw_selection_result *result)
{
    const json_t *condition;
    size_t index;

    json_array_foreach(json_object_get(webhook, "matchConditions"), index, condition)
    {
        if (!passes_condition(condition, unit, result))
            return false;
    }
    return true;
}

bool rpw_selection_sends(const json_t *webhook, const struct rpw_selection_unit *unit,
                         struct rpw_selection_result *result)
{
    return passes_rules(webhook, result) &&
           passes_selector(webhook, "namespaceSelector", unit, result, passes_namespace) &&
           passes_selector(webhook, "objectSelector", unit, result, passes_object) &&
           passes_conditions(webhook, unit, result);
}

bool rpw_selection_fails_others(const json_t *webhook, char ret_problem[RPW_SELECTION_REASON_BYTES])
{
    const struct rpw_condition_pod other = {{NULL, 0}, false};
    const json_t *condition;
    struct rpw_span rest;
    size_t index;

    json_array_foreach(json_object_get(webhook, "matchConditions"), index, condition)
    {
        struct rpw_span expression = rpw_span_of(text_of(condition, "expression"));

        if (rpw_condition_evaluate(expression, other, &rest) == RPW_CONDITION_ERROR) {
            snprintf(ret_problem, RPW_SELECTION_REASON_BYTES,
                     "its match condition %s fails for pods without init containers, which are then refused; write "
                     "has(object.spec.initContainers) && in front of object.spec.initContainers",
                     text_of(condition, "name"));
            return true;
        }
    }
    return false;
}
