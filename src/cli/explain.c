/* explain.c - the heading, and the policies one by one. */
#include "explain.h"

#include <stdlib.h>

#include "json_patch.h"
#include "policy_words.h"
#include "rpw/inject/recognition.h"
#include "rpw/inject/selector.h"
#include "visible.h"

struct explanation {
    FILE *out;
    const struct rpw_document_pod *pod;
    const struct rpw_policy_set *policies;
    struct rpw_pod parsed;
};

/* Of others, fit for a terminal. */
static void put(const struct explanation *explanation, const char *before, struct rpw_span text, const char *after)
{
    fputs(before, explanation->out);
    rpw_visible_write(explanation->out, text);
    fputs(after, explanation->out);
}

static void write_heading(const struct explanation *explanation)
{
    char *words = rpw_pod_decision_words(&explanation->pod->decision);

    fprintf(explanation->out, "%s: %s\n", explanation->pod->label, words);
    if (explanation->pod->decision.outcome == RPW_OUTCOME_REJECTED)
        fprintf(explanation->out, "    %s\n", explanation->pod->decision.message);
    free(words);
}

/* --- why a policy applies, or does not -------------------------------------------------------------------------------- */

static const char *mark_of(bool holds)
{
    return holds ? "    ok  " : "    no  ";
}

static bool write_namespaces(const struct explanation *explanation, const struct rpw_policy *policy)
{
    struct rpw_span namespace_ = explanation->pod->namespace_;
    bool is_any = policy->namespaces.count == 0;
    bool holds = is_any || rpw_glob_matches_any(policy->namespaces, namespace_);

    fprintf(explanation->out, "%snamespace ", mark_of(holds));
    put(explanation, "", namespace_, is_any ? ": any will do" : holds ? " matches " : " does not match ");
    rpw_policy_words_list(explanation->out, policy->namespaces, ", ", " or ");
    fputc('\n', explanation->out);
    return holds;
}

static bool write_requirement(const struct explanation *explanation, const struct rpw_label_requirement *requirement)
{
    const struct rpw_label *label = rpw_selector_find_label(&explanation->parsed, requirement->key);
    bool holds = rpw_selector_requirement_holds(requirement, label);

    fprintf(explanation->out, "%slabel ", mark_of(holds));
    rpw_policy_words_requirement(explanation->out, requirement);
    if (label)
        put(explanation, ": it is ", label->value, "\n");
    else
        fputs(": the pod has no such label\n", explanation->out);
    return holds;
}

static bool write_containers(const struct explanation *explanation, const struct rpw_policy *policy)
{
    struct rpw_recognition found = rpw_recognise_target_in(policy, &explanation->parsed);

    fprintf(explanation->out, "%scontainer", mark_of(found.kind != RPW_BY_NOTHING));
    if (found.kind == RPW_BY_NOTHING) {
        fputs("s: ", explanation->out);
        rpw_policy_words_containers(explanation->out, policy, "none");
    } else {
        put(explanation, " ", found.container->name, found.kind == RPW_BY_NAME ? " matches " : ": its image matches ");
        rpw_policy_words_list(explanation->out, found.kind == RPW_BY_NAME ? policy->containers : policy->images, ", ",
                              " or ");
    }
    fputc('\n', explanation->out);
    return found.kind != RPW_BY_NOTHING;
}

static void write_policy(const struct explanation *explanation, const struct rpw_policy *policy, bool is_later)
{
    const struct rpw_pod_decision *decision = &explanation->pod->decision;
    bool applies = policy == decision->policy && decision->reason != RPW_REASON_POLICY_NOT_FOR_POD, holds;

    put(explanation, "  policy ", policy->name,
        applies    ? " applies\n"
        : is_later ? " is not asked: one before it applies\n"
                   : " does not apply\n");
    if (!applies && is_later)
        return;
    holds = write_namespaces(explanation, policy);
    for (size_t i = 0; i < policy->requirement_count; i++)
        holds = write_requirement(explanation, &policy->requirements[i]) && holds;
    holds = write_containers(explanation, policy) && holds;
    if (holds && policy != decision->policy)
        put(explanation, "    but the pod's annotation policy.rucio.cern.ch/policy names ",
            explanation->parsed.metadata.annotations.policy, "\n");
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
        fprintf(explanation->out, "  warning: %s\n", json_string_value(warning));
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
