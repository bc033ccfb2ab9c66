/* mutate.c - read, ask in order, inject, answer.
 *
 * Every way out ends in one of three functions: allow (with or without a patch), refuse, or fail. Only allow writes a
 * patch, and fail's answers are never an AdmissionReview: the apiserver then goes by the webhook's failurePolicy.
 */
#include "rpw/mutate.h"

#include "rpw/bytes/strbuf.h"
#include "rpw/inject/inject.h"
#include "rpw/inject/recognition.h"
#include "rpw/inject/selector.h"
#include "rpw/review/review.h"

struct mutation {
    struct rpw_arena *arena;
    const struct rpw_policy_set *policies;
    struct rpw_span body;
    struct rpw_review review;
    struct rpw_result *result;
};

static const char *const outcome_names[RPW_OUTCOME_COUNT] = {
    [RPW_OUTCOME_PATCHED] = "patched",   [RPW_OUTCOME_UNCHANGED] = "unchanged", [RPW_OUTCOME_SKIPPED] = "skipped",
    [RPW_OUTCOME_REJECTED] = "rejected", [RPW_OUTCOME_INVALID] = "invalid",
};

/* The reasons and the outcome that each of them belongs to. */
static const struct reason {
    const char *name;
    enum rpw_outcome outcome;
} reasons[RPW_REASON_COUNT] = {
    [RPW_REASON_INJECTED] = {"injected", RPW_OUTCOME_PATCHED},
    [RPW_REASON_UP_TO_DATE] = {"up_to_date", RPW_OUTCOME_UNCHANGED},
    [RPW_REASON_NOT_A_POD] = {"not_a_pod", RPW_OUTCOME_SKIPPED},
    [RPW_REASON_NOT_CREATE] = {"not_create", RPW_OUTCOME_SKIPPED},
    [RPW_REASON_SUBRESOURCE] = {"subresource", RPW_OUTCOME_SKIPPED},
    [RPW_REASON_OPTED_OUT] = {"opted_out", RPW_OUTCOME_SKIPPED},
    [RPW_REASON_MIRROR_POD] = {"mirror_pod", RPW_OUTCOME_SKIPPED},
    [RPW_REASON_WINDOWS] = {"windows", RPW_OUTCOME_SKIPPED},
    [RPW_REASON_NO_POLICY] = {"no_policy", RPW_OUTCOME_SKIPPED},
    [RPW_REASON_CONFLICT] = {"conflict", RPW_OUTCOME_REJECTED},
    [RPW_REASON_UNKNOWN_POLICY] = {"unknown_policy", RPW_OUTCOME_REJECTED},
    [RPW_REASON_POLICY_NOT_FOR_POD] = {"policy_not_for_pod", RPW_OUTCOME_REJECTED},
    [RPW_REASON_UNMATCHED] = {"unmatched", RPW_OUTCOME_REJECTED},
    [RPW_REASON_BAD_JSON] = {"bad_json", RPW_OUTCOME_INVALID},
    [RPW_REASON_TOO_DEEP] = {"too_deep", RPW_OUTCOME_INVALID},
    [RPW_REASON_BAD_REVIEW] = {"bad_review", RPW_OUTCOME_INVALID},
    [RPW_REASON_ARENA_FULL] = {"arena_full", RPW_OUTCOME_INVALID},
};

const char *rpw_outcome_name(enum rpw_outcome outcome)
{
    return outcome_names[outcome];
}

const char *rpw_reason_name(enum rpw_reason reason)
{
    return reasons[reason].name;
}

static void set_reason(struct mutation *mutation, enum rpw_reason reason)
{
    mutation->result->reason = reason;
    mutation->result->outcome = reasons[reason].outcome;
}

/* --- errors: plain text -------------------------------------------------------------------------------------------- */

static void answer_in_text(struct mutation *mutation, unsigned http_status, enum rpw_reason reason,
                           struct rpw_span text)
{
    set_reason(mutation, reason);
    mutation->result->http_status = http_status;
    mutation->result->content_type = RPW_LIT("text/plain; charset=utf-8");
    mutation->result->body = text;
    mutation->result->message = (struct rpw_span){text.ptr, text.len - 1}; /* without the line's end */
    mutation->result->operation_count = 0;
}

static void fail_full(struct mutation *mutation)
{
    mutation->result->err = (struct rpw_err){0};
    answer_in_text(mutation, 500, RPW_REASON_ARENA_FULL,
                   RPW_LIT("the review needs more memory than a request may have\n"));
}

static void put_found(struct rpw_strbuf *buf, const struct rpw_err *err, struct rpw_span body)
{
    static const char hex[] = "0123456789abcdef";

    if (err->found != NULL || err->offset >= body.len) {
        rpw_strbuf_put(buf, err->found != NULL ? err->found : "the end of the text");
        return;
    }
    unsigned char byte = (unsigned char)body.ptr[err->offset];
    bool is_shown = byte > ' ' && byte <= '~';
    const char quoted[] = {'\'', (char)byte, '\''}, code[] = {'0', 'x', hex[byte >> 4], hex[byte & 15]};
    rpw_strbuf_put_parts(buf, RPW_PARTS(rpw_words(is_shown ? "" : "the byte "),
                                        rpw_plain(is_shown ? (struct rpw_span){quoted, sizeof(quoted)}
                                                           : (struct rpw_span){code, sizeof(code)})));
}

/* byte 17: request.uid: expected a string, found a number */
static void fail(struct mutation *mutation, const struct rpw_err *err)
{
    enum rpw_reason reason = err->status == RPW_E_SYNTAX  ? RPW_REASON_BAD_JSON
                             : err->status == RPW_E_DEPTH ? RPW_REASON_TOO_DEEP
                                                          : RPW_REASON_BAD_REVIEW;
    struct rpw_strbuf buf;
    struct rpw_span text;

    if (err->status == RPW_E_NOMEM) {
        fail_full(mutation);
        return;
    }
    mutation->result->err = *err;
    rpw_strbuf_init(&buf, mutation->arena);
    rpw_strbuf_put(&buf, "byte ");
    rpw_strbuf_put_number(&buf, err->offset);
    rpw_strbuf_put_parts(&buf, RPW_PARTS(rpw_words(": "), rpw_words(err->field != NULL ? err->field : ""),
                                         rpw_words(err->field != NULL ? ": expected " : "expected "),
                                         rpw_words(err->expected), rpw_words(", found ")));
    put_found(&buf, err, mutation->body);
    rpw_strbuf_put(&buf, "\n");
    if (rpw_strbuf_finish(&buf, &text))
        answer_in_text(mutation, 400, reason, text);
    else
        fail_full(mutation);
}

/* --- answers: an AdmissionReview ----------------------------------------------------------------------------------- */

static void answer_in_json(struct mutation *mutation, enum rpw_reason reason, struct rpw_answer *answer)
{
    enum rpw_outcome outcome = reasons[reason].outcome;
    const struct rpw_policy *policy = mutation->result->policy;
    struct rpw_span text;

    if (outcome == RPW_OUTCOME_PATCHED)
        answer->audit_outcome = rpw_span_of(rpw_outcome_name(outcome));
    if (outcome == RPW_OUTCOME_REJECTED)
        answer->audit_rejected = rpw_span_of(rpw_reason_name(reason));
    if (policy != NULL && (outcome == RPW_OUTCOME_PATCHED || outcome == RPW_OUTCOME_REJECTED))
        answer->audit_policy = policy->name;
    if (!rpw_review_answer(mutation->arena, &mutation->review, answer, &text)) {
        fail_full(mutation);
        return;
    }
    set_reason(mutation, reason);
    mutation->result->http_status = 200;
    mutation->result->content_type = RPW_LIT("application/json");
    mutation->result->body = text;
}

static void allow(struct mutation *mutation, enum rpw_reason reason)
{
    struct rpw_answer answer = {.is_allowed = true};

    answer_in_json(mutation, reason, &answer);
}

static void refuse(struct mutation *mutation, enum rpw_reason reason, struct rpw_span message)
{
    struct rpw_answer answer = {.is_allowed = false, .message = message};

    mutation->result->message = message;
    answer_in_json(mutation, reason, &answer);
}

/* Whoever asks to be told of Rucio without a policy is told of a container beside those that get theirs. False: no memory. */
static bool warn_of_others(struct mutation *mutation, struct rpw_warning_list *warnings)
{
    const struct rpw_policy *policy = mutation->result->policy;
    struct rpw_span text;

    for (int kind = 0; kind < RPW_CONTAINER_KINDS; kind++) {
        const struct rpw_container_list *containers = &mutation->review.pod.containers[kind];
        for (size_t i = 0; i < containers->count; i++) {
            struct rpw_recognition rucio = rpw_recognise_rucio(&containers->items[i]);
            if (rucio.kind == RPW_BY_NOTHING || rpw_recognise_target(policy, rucio.container).kind != RPW_BY_NOTHING)
                continue;
            if (!rpw_strbuf_join(mutation->arena, &text,
                                 RPW_PARTS(rpw_words("container "), rpw_quoted(rucio.container->name),
                                           rpw_words(" gets no policy, and looks like Rucio ("),
                                           rpw_words(rpw_recognition_word(rucio.kind)), rpw_words(" "),
                                           rpw_quoted(rucio.evidence), rpw_words(")"))) ||
                !rpw_warnings_add(mutation->arena, warnings, text))
                return false;
        }
    }
    return true;
}

static void inject(struct mutation *mutation)
{
    struct rpw_injection injection;
    struct rpw_answer answer = {.is_allowed = true};

    if (rpw_inject(mutation->arena, mutation->result->policy, &mutation->review.pod, &injection) != RPW_OK) {
        fail_full(mutation);
        return;
    }
    if (injection.is_refused) {
        refuse(mutation, RPW_REASON_CONFLICT, injection.message);
        return;
    }
    mutation->result->revision = injection.revision;
    answer.warnings = injection.warnings;
    if (injection.edits.count == 0)
        answer_in_json(mutation, RPW_REASON_UP_TO_DATE, &answer);
    else if (rpw_jsonpatch_write(mutation->arena, &mutation->review.pod, &injection.edits, &answer.patch,
                                 &mutation->result->operation_count) &&
             (mutation->policies->unmatched == RPW_UNMATCHED_ALLOW || warn_of_others(mutation, &answer.warnings)))
        answer_in_json(mutation, RPW_REASON_INJECTED, &answer);
    else
        fail_full(mutation);
}

/* Refuses the pod with a text of parts. */
static void refuse_with(struct mutation *mutation, enum rpw_reason reason, const struct rpw_part *parts, size_t count)
{
    struct rpw_span message;

    if (rpw_strbuf_join(mutation->arena, &message, parts, count))
        refuse(mutation, reason, message);
    else
        fail_full(mutation);
}

static void refuse_unknown_policy(struct mutation *mutation)
{
    refuse_with(mutation, RPW_REASON_UNKNOWN_POLICY,
                RPW_PARTS(rpw_words("annotation policy.rucio.cern.ch/policy names "),
                          rpw_quoted(mutation->review.pod.metadata.annotations.policy),
                          rpw_words(", and there is no such policy. Correct it, or remove it to have the policy chosen "
                                    "by namespace and labels")));
}

static void refuse_policy_not_for_pod(struct mutation *mutation, const struct rpw_policy *policy)
{
    mutation->result->policy = policy;
    refuse_with(mutation, RPW_REASON_POLICY_NOT_FOR_POD,
                RPW_PARTS(rpw_words("annotation policy.rucio.cern.ch/policy names "), rpw_quoted(policy->name),
                          rpw_words(", whose namespaces or podSelector do not match this pod in namespace "),
                          rpw_quoted(mutation->review.namespace_),
                          rpw_words(". Remove the annotation, or have the policy's match changed")));
}

/* No policy selects the pod: it would run Rucio's generic policy, if it is Rucio's at all. */
static void handle_unmatched(struct mutation *mutation)
{
    struct rpw_recognition rucio = rpw_recognise_rucio_in(&mutation->review.pod);
    bool is_refused = mutation->policies->unmatched == RPW_UNMATCHED_REJECT;
    struct rpw_answer answer = {.is_allowed = true};
    struct rpw_span text;

    mutation->result->rucio = rucio;
    if (rucio.kind == RPW_BY_NOTHING || mutation->policies->unmatched == RPW_UNMATCHED_ALLOW) {
        allow(mutation, RPW_REASON_NO_POLICY);
        return;
    }
    bool has_text = rpw_strbuf_join(
        mutation->arena, &text,
        RPW_PARTS(rpw_words("no policy selects this pod: container "), rpw_quoted(rucio.container->name),
                  rpw_words(" would run Rucio's generic policy ("), rpw_words(rpw_recognition_word(rucio.kind)),
                  rpw_words(" "), rpw_quoted(rucio.evidence), rpw_words(")"),
                  rpw_words(is_refused ? ". Have a policy match it, " RPW_POLICY_OPT_OUT : "")));
    if (has_text && is_refused)
        refuse(mutation, RPW_REASON_UNMATCHED, text);
    else if (has_text && rpw_warnings_add(mutation->arena, &answer.warnings, text))
        answer_in_json(mutation, RPW_REASON_NO_POLICY, &answer);
    else
        fail_full(mutation);
}

static void choose_policy(struct mutation *mutation)
{
    struct rpw_selection selection;
    struct rpw_err err;

    if (rpw_selector_choose(mutation->policies, mutation->review.namespace_, &mutation->review.pod, &selection, &err) !=
        RPW_OK) {
        fail(mutation, &err);
        return;
    }
    switch (selection.kind) {
    case RPW_SELECTION_NONE:
        handle_unmatched(mutation);
        break;
    case RPW_SELECTION_POLICY:
        mutation->result->policy = selection.policy;
        inject(mutation);
        break;
    case RPW_SELECTION_UNKNOWN_POLICY:
        refuse_unknown_policy(mutation);
        break;
    case RPW_SELECTION_NOT_FOR_POD:
        refuse_policy_not_for_pod(mutation, selection.policy);
    }
}

/* The decision table of the reference, from top to bottom. */
static void decide(struct mutation *mutation)
{
    static const enum rpw_reason reasons_of_kinds[] = {
        [RPW_REQUEST_NOT_A_POD] = RPW_REASON_NOT_A_POD,
        [RPW_REQUEST_SUBRESOURCE] = RPW_REASON_SUBRESOURCE,
        [RPW_REQUEST_NOT_CREATE] = RPW_REASON_NOT_CREATE,
    };
    enum rpw_request_kind kind = rpw_review_request_kind(&mutation->review);
    const struct rpw_pod *pod = &mutation->review.pod;

    if (kind != RPW_REQUEST_CREATE_POD)
        allow(mutation, reasons_of_kinds[kind]);
    else if (rpw_span_is(pod->metadata.annotations.inject, "false"))
        allow(mutation, RPW_REASON_OPTED_OUT);
    else if (pod->metadata.annotations.mirror.ptr != NULL)
        allow(mutation, RPW_REASON_MIRROR_POD);
    else if (rpw_span_is(pod->os_name, "windows"))
        allow(mutation, RPW_REASON_WINDOWS);
    else
        choose_policy(mutation);
}

static void fill_log_fields(struct mutation *mutation)
{
    const struct rpw_metadata *metadata = &mutation->review.pod.metadata;
    struct rpw_result *result = mutation->result;

    result->uid = mutation->review.uid;
    result->namespace_ = mutation->review.namespace_;
    result->is_dry_run = mutation->review.is_dry_run;
    result->pod_name = metadata->name.len > 0 ? metadata->name : metadata->generate_name;
    result->owner_kind = rpw_pod_owner(&mutation->review.pod).kind;
    result->owner_name = rpw_pod_owner(&mutation->review.pod).name;
}

void rpw_mutate(struct rpw_arena *arena, const struct rpw_policy_set *policies, struct rpw_span body,
                struct rpw_result *ret_result)
{
    struct mutation mutation = {.arena = arena, .policies = policies, .body = body, .result = ret_result};
    struct rpw_err err;

    *ret_result = (struct rpw_result){0};
    rpw_arena_reset(arena);
    enum rpw_status status = rpw_review_read(arena, body, &mutation.review, &err);
    fill_log_fields(&mutation);
    if (status != RPW_OK)
        fail(&mutation, &err);
    else
        decide(&mutation);
}
