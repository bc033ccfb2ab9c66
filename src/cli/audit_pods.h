/* audit_pods.h - do pods that run have the policy that the webhook would give them now?
 *
 * Each pod is put to the core as if it were created anew: what it would patch is what is missing. So the selection, and what
 * counts as complete, are the webhook's own. Pods are gathered by workload: the Deployment behind a ReplicaSet and the CronJob
 * behind a Job are read off their names, as Kubernetes' controllers make them.
 */
#ifndef RPW_CLI_AUDIT_PODS_H
#define RPW_CLI_AUDIT_PODS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "rpw/bytes/arena.h"
#include "rpw/review/policy.h"

enum rpw_audit_state {
    RPW_AUDIT_CURRENT,   /* has its policy, in the present revision */
    RPW_AUDIT_CONFLICTS, /* so, but for what the pod sets itself and the policy keeps */
    RPW_AUDIT_OLD,       /* carries another revision than its policy has now */
    RPW_AUDIT_LACKING,   /* would get its policy, and does not have it */
    RPW_AUDIT_REFUSED,   /* would be refused if it were created now */
    RPW_AUDIT_NO_POLICY, /* a container looks like Rucio, and no policy selects it */
    RPW_AUDIT_OPTED_OUT, /* is Rucio's, and its annotation says that it is to be left alone */
    RPW_AUDIT_STATE_COUNT
};

struct rpw_audit {
    const struct rpw_policy_set *policies;
    const char *namespace_;                  /* NULL: all */
    struct rpw_arena *core, *subject, *pods; /* for a decision, the pod it is about, the list it is from */
    json_t *rows; /* an object: a row for each workload, policy, state and detail, in the order in which they came */
    size_t counts[RPW_AUDIT_STATE_COUNT]; /* of pods */
    size_t finished_count;                /* pods that have ended or are being deleted: not looked at */
    size_t pod_count;                     /* pods of the namespace, whatever they are */
    size_t other_count;                   /* things in lists and documents that are no pods */
};

/* policies and namespace_ must outlive the audit. */
void rpw_audit_init(struct rpw_audit *audit, const struct rpw_policy_set *policies, const char *namespace_);
void rpw_audit_done(struct rpw_audit *audit);

/* Forgets all pods. */
void rpw_audit_reset(struct rpw_audit *audit);

/* Judges every pod in text: JSON or YAML, Pods and lists of them; name stands for the text in messages. False with a message on
 * standard error when it is neither. */
RPW_MUST_CHECK bool rpw_audit_add_text(struct rpw_audit *audit, const char *name, struct rpw_span text);

/* Whether a pod is not as the policies want it: old, lacking, refused, or without a policy where `unmatched` is not allow. */
bool rpw_audit_has_drift(const struct rpw_audit *audit);

/* As people read it, and as programs do. */
void rpw_audit_print_table(const struct rpw_audit *audit, FILE *out);
RPW_MUST_CHECK json_t *rpw_audit_report(const struct rpw_audit *audit);

#endif
