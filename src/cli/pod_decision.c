/* pod_decision.c - the server's own code reads and decides; here is only the envelope. */
#include "pod_decision.h"

#include <stdlib.h>

#include "json_patch.h"
#include "memory.h"
#include "visible.h"

#define REVIEW_BEGIN                                                                                                   \
    "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"request\":{\"uid\":\"offline\","           \
    "\"kind\":{\"group\":\"\",\"version\":\"v1\",\"kind\":\"Pod\"},\"operation\":\"CREATE\","

/* What the answer holds beside the outcome. */
static void read_answer(const struct rpw_result *result, struct rpw_pod_decision *decision)
{
    json_t *review = json_loadb(result->body.ptr, result->body.len, JSON_ALLOW_NUL, NULL);
    json_t *response = json_object_get(review, "response"), *warnings = json_object_get(response, "warnings");
    const char *base64 = json_string_value(json_object_get(response, "patch"));

    decision->patch = base64 ? rpw_json_patch_decode(base64) : json_array();
    decision->warnings = warnings ? rpw_visible_json(warnings) : json_array();
    json_decref(review);
}

void rpw_pod_decide(struct rpw_arena *arena, const struct rpw_policy_set *policies, struct rpw_span pod,
                    struct rpw_span namespace_, struct rpw_pod_decision *ret_decision)
{
    json_t *name = json_stringn(namespace_.ptr, namespace_.len);
    char *name_json = json_dumps(name, JSON_ENCODE_ANY);
    char *prefix = rpw_memory_print(REVIEW_BEGIN "\"namespace\":%s,\"object\":", name_json);
    char *review = rpw_memory_print("%s%.*s}}", prefix, (int)pod.len, pod.ptr);
    size_t prefix_len = strlen(prefix);
    struct rpw_result result;

    rpw_mutate(arena, policies, rpw_span_of(review), &result);
    *ret_decision = (struct rpw_pod_decision){.http_status = result.http_status,
                                              .outcome = result.outcome,
                                              .reason = result.reason,
                                              .policy = result.policy,
                                              .revision = result.revision,
                                              .rucio = result.rucio.kind,
                                              .err = result.err};
    ret_decision->err.offset -= result.err.offset > prefix_len ? prefix_len : result.err.offset;
    if (result.message.ptr)
        ret_decision->message = rpw_visible_copy(result.message);
    if (result.http_status == 200)
        read_answer(&result, ret_decision);
    free(review);
    free(prefix);
    free(name_json);
    json_decref(name);
}

char *rpw_pod_decision_words(const struct rpw_pod_decision *decision)
{
    struct rpw_span policy = decision->policy ? decision->policy->name : RPW_LIT("");

    if (decision->outcome == RPW_OUTCOME_PATCHED)
        return rpw_memory_print("patched by policy %.*s", (int)policy.len, policy.ptr);
    if (decision->outcome == RPW_OUTCOME_UNCHANGED)
        return rpw_memory_print("already as policy %.*s wants it", (int)policy.len, policy.ptr);
    if (decision->outcome == RPW_OUTCOME_REJECTED)
        return rpw_memory_print("refused");
    if (decision->reason == RPW_REASON_OPTED_OUT)
        return rpw_memory_print("left alone: its annotation policy.rucio.cern.ch/inject is \"false\"");
    if (decision->reason == RPW_REASON_MIRROR_POD)
        return rpw_memory_print("left alone: a mirror pod, which the kubelet runs already");
    if (decision->reason == RPW_REASON_WINDOWS)
        return rpw_memory_print("left alone: a pod for Windows");
    if (decision->rucio != RPW_BY_NOTHING)
        return rpw_memory_print("left alone: it looks like Rucio by its %s, but no policy selects it",
                                rpw_recognition_word(decision->rucio));
    return rpw_memory_print("left alone: no policy selects it");
}

void rpw_pod_decision_done(struct rpw_pod_decision *decision)
{
    free(decision->message);
    json_decref(decision->patch);
    json_decref(decision->warnings);
}
