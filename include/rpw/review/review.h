/* review.h - an AdmissionReview (admission.k8s.io/v1 and v1beta1) read, and its answer written. */
#ifndef RPW_REVIEW_H
#define RPW_REVIEW_H

#include "rpw/bytes/arena.h"
#include "rpw/bytes/status.h"
#include "rpw/bytes/text.h"
#include "rpw/review/pod.h"

/* What the request is about, in the order in which it is asked. */
enum rpw_request_kind {
    RPW_REQUEST_NOT_A_POD,
    RPW_REQUEST_SUBRESOURCE,
    RPW_REQUEST_NOT_CREATE,
    RPW_REQUEST_CREATE_POD,
};

struct rpw_review {
    struct rpw_span api_version;
    struct rpw_span kind;
    struct rpw_span uid;
    struct rpw_span object_group; /* request.kind: of the object as it is sent */
    struct rpw_span object_kind;
    struct rpw_span sub_resource;
    struct rpw_span namespace_;
    struct rpw_span operation;
    bool is_dry_run;
    bool has_pod; /* pod was read; always true for RPW_REQUEST_CREATE_POD */
    struct rpw_pod pod;
};

/* Reads body. Fields may come in any order; in the order that kube-apiserver writes them it is one pass.
 *   ret_review  zeroed first, then filled as far as reading got, also on failure (for the log).
 * Returns RPW_OK, or with ret_err filled: RPW_E_SYNTAX, RPW_E_DEPTH, RPW_E_SHAPE, RPW_E_NOMEM. */
RPW_MUST_CHECK enum rpw_status rpw_review_read(struct rpw_arena *arena, struct rpw_span body,
                                               struct rpw_review *ret_review, struct rpw_err *ret_err);

enum rpw_request_kind rpw_review_request_kind(const struct rpw_review *review);

struct rpw_warning_list {
    size_t count;
    struct rpw_span *items;
};

/* Adds text to list; one that is longer than RPW_MAX_WARNING_BYTES is cut between two characters and ends in "...".
 * False when the arena refused; list is then unchanged. */
RPW_MUST_CHECK bool rpw_warnings_add(struct rpw_arena *arena, struct rpw_warning_list *list, struct rpw_span text);

/* The `response` of an AdmissionReview. Absent texts are left out. */
struct rpw_answer {
    bool is_allowed;
    struct rpw_span message; /* of the status with code 403, when not allowed */
    struct rpw_span patch;   /* JSON Patch text */
    struct rpw_warning_list warnings;
    /* auditAnnotations: bare keys, the apiserver prepends the webhook's name. When it asks again about the same pod it keeps
     * the first value of a key and logs an error if the second is another: so what a second answer says has its own key. */
    struct rpw_span audit_policy;
    struct rpw_span audit_outcome;
    struct rpw_span audit_rejected;
};

/* The AdmissionReview that answers review, as JSON text in the arena. False when the arena refused. */
RPW_MUST_CHECK bool rpw_review_answer(struct rpw_arena *arena, const struct rpw_review *review,
                                      const struct rpw_answer *answer, struct rpw_span *ret_text);

#endif
