/* explain.c - the heading, and the policies one by one. */
#include "explain.h"

#include "json_patch.h"
#include "policy_words.h"
#include "rpw/inject/selector.h"
#include "visible.h"

struct explanation {
    FILE *out;
    const struct rpw_document_pod *pod;
    const struct rpw_policy_set *policies;
    struct rpw_pod parsed;
};

static void write_heading(const struct explanation *explanation)
{
    const struct rpw_pod_decision *decision = &explanation->pod->decision;
    const struct rpw_span name = decision->policy ? decision->policy->name : RPW_LIT("");

    fprintf(explanation->out, "%s: ", explanation->pod->label);
    switch (decision->reason) {
    case RPW_REASON_INJECTED:
        fprintf(explanation->out, "patched by policy %.*s\n", (int)name.len, name.ptr);
        break;
    case RPW_REASON_UP_TO_DATE:
        fprintf(explanation->out, "already as policy %.*s wants it\n", (int)name.len, name.ptr);
        break;
    case RPW_REASON_OPTED_OUT:
        fputs("left alone: its annotation policy.rucio.cern.ch/inject is \"false\"\n", explanation->out);
        break;
    case RPW_REASON_MIRROR_POD:
        fputs("left alone: a mirror pod, which the kubelet runs already\n", explanation->out);
        break;
    case RPW_REASON_WINDOWS:
        fputs("left alone: a pod for Windows\n", explanation->out);
        break;
    case RPW_REASON_NO_POLICY:
        fputs("left alone: no policy selects it\n", explanation->out);
        break;
    default:
        fputs("refused\n    ", explanation->out);
        rpw_visible_write(explanation->out, rpw_span_of(decision->message));
        fputc('\n', explanation->out);
    }
}

/* --- why a policy applies, or does not -------------------------------------------------------------------------------- */

/* Asks the core about a policy that has one label requirement and nothing else. */
static bool requirement_holds(const struct explanation *explanation, const struct rpw_label_requirement *requirement)
{
    static const struct rpw_span any = {"*", 1};
    const struct rpw_policy policy = {
        .name = RPW_LIT("question"), .requirements = requirement, .requirement_count = 1, .containers = {&any, 1}};
    const struct rpw_policy_set question = {.policies = &policy, .count = 1};
    struct rpw_pod pod = explanation->parsed;
    struct rpw_selection selection;
    struct rpw_err err;

    pod.metadata.annotations.policy = (struct rpw_span){NULL, 0};
    return rpw_selector_choose(&question, explanation->pod->namespace_, &pod, &selection, &err) == RPW_OK &&
           selection.kind == RPW_SELECTION_POLICY;
}

static void write_label(FILE *out, const struct rpw_label_list *labels, struct rpw_span key)
{
    for (size_t i = 0; i < labels->count; i++) {
        if (!rpw_span_equal(labels->items[i].key, key))
            continue;
        fputs(": it is ", out);
        rpw_visible_write(out, labels->items[i].value);
        return;
    }
    fputs(": the pod has no such label", out);
}

static void begin_condition(const struct explanation *explanation, bool holds, const char *subject)
{
    fprintf(explanation->out, "    %s  %s ", holds ? "ok" : "no", subject);
}

static bool write_namespaces(const struct explanation *explanation, const struct rpw_policy *policy)
{
    struct rpw_span namespace_ = explanation->pod->namespace_;
    bool holds = policy->namespaces.count == 0 || rpw_selector_matches_any(policy->namespaces, namespace_);

    begin_condition(explanation, holds, "namespace");
    rpw_visible_write(explanation->out, namespace_);
    if (policy->namespaces.count == 0) {
        fputs(": any will do", explanation->out);
    } else {
        fputs(holds ? " matches " : " does not match ", explanation->out);
        rpw_policy_words_list(explanation->out, policy->namespaces, ", ", " or ");
    }
    fputc('\n', explanation->out);
    return holds;
}

static bool write_requirements(const struct explanation *explanation, const struct rpw_policy *policy)
{
    bool all_hold = true;

    for (size_t i = 0; i < policy->requirement_count; i++) {
        const struct rpw_label_requirement *requirement = &policy->requirements[i];
        bool holds = requirement_holds(explanation, requirement);

        begin_condition(explanation, holds, "label");
        rpw_policy_words_requirement(explanation->out, requirement);
        write_label(explanation->out, &explanation->parsed.metadata.labels, requirement->key);
        fputc('\n', explanation->out);
        all_hold = all_hold && holds;
    }
    return all_hold;
}

static bool write_containers(const struct explanation *explanation, const struct rpw_policy *policy)
{
    const struct rpw_container *container = rpw_selector_find_container(policy->containers, &explanation->parsed);

    begin_condition(explanation, container != NULL, "container");
    if (container)
        rpw_visible_write(explanation->out, container->name);
    fputs(container ? " matches " : "names: none matches ", explanation->out);
    rpw_policy_words_list(explanation->out, policy->containers, ", ", " or ");
    fputc('\n', explanation->out);
    return container != NULL;
}

static void write_policy(const struct explanation *explanation, const struct rpw_policy *policy, bool is_later)
{
    const struct rpw_policy *deciding = explanation->pod->decision.policy;

    fputs("  policy ", explanation->out);
    rpw_visible_write(explanation->out, policy->name);
    if (policy == deciding && explanation->pod->decision.reason != RPW_REASON_POLICY_NOT_FOR_POD) {
        fputs(" applies\n", explanation->out);
    } else if (is_later) {
        fputs(" is not asked: one before it applies\n", explanation->out);
        return;
    } else {
        fputs(" does not apply\n", explanation->out);
    }
    bool holds = write_namespaces(explanation, policy);
    holds = write_requirements(explanation, policy) && holds;
    holds = write_containers(explanation, policy) && holds;
    if (holds && policy != deciding) {
        fputs("    but the pod's annotation policy.rucio.cern.ch/policy names ", explanation->out);
        rpw_visible_write(explanation->out, explanation->parsed.metadata.annotations.policy);
        fputc('\n', explanation->out);
    }
}

/* A pod that chooses its policy by name is not asked about in order: the conditions of each are shown then. */
static void write_policies(const struct explanation *explanation)
{
    bool is_chosen = explanation->parsed.metadata.annotations.policy.len > 0, is_later = false;

    for (size_t i = 0; i < explanation->policies->count; i++) {
        const struct rpw_policy *policy = &explanation->policies->policies[i];

        write_policy(explanation, policy, is_later && !is_chosen);
        is_later = is_later || policy == explanation->pod->decision.policy;
    }
}

/* --- the whole ------------------------------------------------------------------------------------------------------- */

static void write_changes(const struct explanation *explanation)
{
    const struct rpw_pod_decision *decision = &explanation->pod->decision;
    struct rpw_span text = explanation->pod->place.text;
    char patch_error[RPW_JSON_PATCH_ERROR_BYTES];
    json_t *pod = json_loadb(text.ptr, text.len, JSON_ALLOW_NUL, NULL), *before = rpw_visible_json(pod);
    json_t *patch = rpw_visible_json(decision->patch), *after = json_deep_copy(before);

    if (rpw_json_patch_apply(&after, patch, patch_error))
        rpw_explain_changes(explanation->out, decision->policy, before, after);
    json_decref(pod);
    json_decref(before);
    json_decref(patch);
    json_decref(after);
}

static void write_warnings(const struct explanation *explanation)
{
    const json_t *warning;
    size_t index;

    json_array_foreach(explanation->pod->decision.warnings, index, warning)
    {
        fputs("  warning: ", explanation->out);
        rpw_visible_write(explanation->out, rpw_span_of(json_string_value(warning)));
        fputc('\n', explanation->out);
    }
}

void rpw_explain(FILE *out, const struct rpw_document *document, const struct rpw_document_pod *pod,
                 const struct rpw_policy_set *policies)
{
    struct explanation explanation = {.out = out, .pod = pod, .policies = policies};
    enum rpw_reason reason = pod->decision.reason;
    struct rpw_json_reader reader;

    rpw_arena_reset(document->arena);
    rpw_json_reader_init(&reader, document->arena, pod->place.text);
    write_heading(&explanation);
    if (rpw_pod_read(&reader, &explanation.parsed) && reason != RPW_REASON_OPTED_OUT &&
        reason != RPW_REASON_MIRROR_POD && reason != RPW_REASON_WINDOWS)
        write_policies(&explanation);
    if (pod->decision.outcome == RPW_OUTCOME_PATCHED || pod->decision.outcome == RPW_OUTCOME_UNCHANGED)
        write_changes(&explanation);
    write_warnings(&explanation);
}
