/* pod_decision.c - the server's own code reads and decides; here is only the envelope. */
#include "pod_decision.h"

#include <stdio.h>
#include <stdlib.h>

#include "json_patch.h"

/* The review; ret_prefix_len: where the pod's own bytes begin. NULL: no memory. */
static char *wrap_pod(struct rpw_span pod, struct rpw_span namespace_, size_t *ret_prefix_len, size_t *ret_len)
{
    json_t *quoted = json_stringn(namespace_.ptr, namespace_.len);
    char *namespace_json = json_dumps(quoted, JSON_ENCODE_ANY);
    char *review = NULL;
    FILE *stream = namespace_json ? open_memstream(&review, ret_len) : NULL;

    if (!stream)
        goto out;
    fprintf(stream,
            "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"request\":{\"uid\":\"offline\","
            "\"kind\":{\"group\":\"\",\"version\":\"v1\",\"kind\":\"Pod\"},\"operation\":\"CREATE\",\"namespace\":%s,"
            "\"object\":",
            namespace_json);
    *ret_prefix_len = (size_t)ftello(stream);
    fwrite(pod.ptr, 1, pod.len, stream);
    fputs("}}", stream);
    if (fclose(stream) != 0) {
        free(review);
        review = NULL;
    }
out:
    free(namespace_json);
    json_decref(quoted);
    return review;
}

/* What the answer holds beside the outcome. */
static bool read_answer(const struct rpw_result *result, struct rpw_pod_decision *decision)
{
    json_t *review = json_loadb(result->body.ptr, result->body.len, JSON_ALLOW_NUL, NULL);
    json_t *response = json_object_get(review, "response"), *warnings = json_object_get(response, "warnings");
    const char *base64 = json_string_value(json_object_get(response, "patch"));

    decision->patch = base64 ? rpw_json_patch_decode(base64) : json_array();
    decision->warnings = warnings ? json_incref(warnings) : json_array();
    json_decref(review);
    return response && decision->patch && decision->warnings;
}

bool rpw_pod_decide(struct rpw_arena *arena, const struct rpw_policy_set *policies, struct rpw_span pod,
                    struct rpw_span namespace_, struct rpw_pod_decision *ret_decision)
{
    size_t prefix_len = 0, len = 0;
    char *review = wrap_pod(pod, namespace_, &prefix_len, &len);
    struct rpw_pod_decision decision = {.http_status = 0};
    struct rpw_result result;
    bool is_done = review != NULL;

    if (!is_done)
        return false;
    rpw_mutate(arena, policies, (struct rpw_span){review, len}, &result);
    decision.http_status = result.http_status;
    decision.outcome = result.outcome;
    decision.reason = result.reason;
    decision.policy = result.policy;
    decision.revision = result.revision;
    decision.err = result.err;
    decision.err.offset -= decision.err.offset > prefix_len ? prefix_len : decision.err.offset;
    if (result.message.ptr)
        decision.message = strndup(result.message.ptr, result.message.len);
    is_done =
        (decision.message || !result.message.ptr) && (result.http_status != 200 || read_answer(&result, &decision));
    free(review);
    if (!is_done)
        rpw_pod_decision_done(&decision);
    else
        *ret_decision = decision;
    return is_done;
}

void rpw_pod_decision_done(struct rpw_pod_decision *decision)
{
    free(decision->message);
    json_decref(decision->patch);
    json_decref(decision->warnings);
    *decision = (struct rpw_pod_decision){.http_status = 0};
}
