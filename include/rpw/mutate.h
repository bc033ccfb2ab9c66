/* mutate.h - the core's one entry: an AdmissionReview in, the answer out.
 *
 * Pure: the same policies and bytes give the same answer, byte for byte. No I/O, clock, global state or malloc; work is
 * linear in the body's length. Follows admission.k8s.io/v1 (v1beta1 is understood and echoed) and RFC 6902.
 *
 * | what came                                           | HTTP | allowed | outcome   | patch |
 * |-----------------------------------------------------|------|---------|-----------|-------|
 * | a pod that a policy selects                         | 200  | true    | patched   | yes   |
 * | the same pod, already as the policy wants it        | 200  | true    | unchanged | no    |
 * | nothing of ours: see the reasons                    | 200  | true    | skipped   | no    |
 * | a pod that must not start as it is                  | 200  | false   | rejected  | no    |
 * | not JSON, not an AdmissionReview, no uid, too deep  | 400  | -       | invalid   | no    |
 * | the arena is full                                   | 500  | -       | invalid   | no    |
 */
#ifndef RPW_MUTATE_H
#define RPW_MUTATE_H

#include <stdbool.h>
#include <stddef.h>

#include "rpw/bytes/arena.h"
#include "rpw/bytes/text.h"
#include "rpw/inject/recognition.h"
#include "rpw/review/policy.h"

enum rpw_outcome {
    RPW_OUTCOME_PATCHED,
    RPW_OUTCOME_UNCHANGED,
    RPW_OUTCOME_SKIPPED,
    RPW_OUTCOME_REJECTED,
    RPW_OUTCOME_INVALID,
    RPW_OUTCOME_COUNT
};

enum rpw_reason {
    RPW_REASON_INJECTED,   /* patched */
    RPW_REASON_UP_TO_DATE, /* unchanged */
    RPW_REASON_NOT_A_POD,  /* skipped, down to no_policy */
    RPW_REASON_NOT_CREATE,
    RPW_REASON_SUBRESOURCE,
    RPW_REASON_OPTED_OUT,  /* annotation policy.rucio.cern.ch/inject: "false" */
    RPW_REASON_MIRROR_POD, /* the kubelet's image of a static pod: it runs already */
    RPW_REASON_WINDOWS,
    RPW_REASON_NO_POLICY,          /* no policy selects the pod (`unmatched: warn` adds a warning) */
    RPW_REASON_CONFLICT,           /* rejected, down to unmatched */
    RPW_REASON_UNKNOWN_POLICY,     /* annotation policy.rucio.cern.ch/policy names none of ours */
    RPW_REASON_POLICY_NOT_FOR_POD, /* it names one whose namespaces or podSelector exclude the pod */
    RPW_REASON_UNMATCHED,          /* `unmatched: reject` */
    RPW_REASON_BAD_JSON,           /* invalid, down to the end */
    RPW_REASON_TOO_DEEP,
    RPW_REASON_BAD_REVIEW,
    RPW_REASON_ARENA_FULL,
    RPW_REASON_COUNT
};

/* Spans point into the body, the policies or the arena; absent where the review did not say. */
struct rpw_result {
    unsigned http_status;
    struct rpw_span content_type; /* application/json, or text/plain; charset=utf-8 for 400 and 500 */
    struct rpw_span body;         /* the answer */
    enum rpw_outcome outcome;
    enum rpw_reason reason;

    /* For the log: what the request was about. */
    struct rpw_span uid;
    struct rpw_span namespace_;
    struct rpw_span pod_name; /* name, else generateName */
    struct rpw_span owner_kind;
    struct rpw_span owner_name;
    bool is_dry_run;
    struct rpw_span message;         /* rejected or invalid: what is said to the caller */
    struct rpw_err err;              /* 400: the same as data; status is RPW_OK otherwise */
    const struct rpw_policy *policy; /* the one that decided; NULL when none did */
    struct rpw_span revision;        /* patched or unchanged: the one that is on record then */
    size_t operation_count;          /* of the patch */
    struct rpw_recognition rucio; /* RPW_REASON_NO_POLICY, RPW_REASON_UNMATCHED: what looks like Rucio all the same */
};

/* Answers body, one AdmissionReview. Always fills ret_result: an error is an answer too, and on any error there is no patch
 * and the pod is not allowed. The arena is reset first; the result lives in it until the next call. */
void rpw_mutate(struct rpw_arena *arena, const struct rpw_policy_set *policies, struct rpw_span body,
                struct rpw_result *ret_result);

/* The words of the log and of the metrics' labels: "patched", "up_to_date" ... */
const char *rpw_outcome_name(enum rpw_outcome outcome);
const char *rpw_reason_name(enum rpw_reason reason);

#endif
