/* registration_object.h - the MutatingWebhookConfiguration that a configuration needs: the pods that its policies can select are
 * sent to the webhook, and as few others as can be told.
 *
 * What the cluster decides itself, as matchConditions: the pod is being created, in a namespace of a policy (of any where a
 * policy names none, or where `unmatched` is about pods without a policy), and has a container of a policy's name. A pattern
 * becomes what stands before its first wildcard: more is sent than is wanted, never less, and the webhook decides.
 * manifests/chart renders the same object. Every default of the apiserver is written out, so that it can be compared.
 */
#ifndef RPW_CLI_REGISTRATION_OBJECT_H
#define RPW_CLI_REGISTRATION_OBJECT_H

#include <jansson.h>

#include "rpw/bytes/status.h"
#include "rpw/review/policy.h"

#define RPW_REGISTRATION_ERROR_BYTES 256

/* The name of its one webhook. */
#define RPW_REGISTRATION_WEBHOOK "pods.policy.rucio.cern.ch"

/* name: of the object and of the Service; namespace_: of the Service, whose own pods are never sent. NULL with ret_error: a
 * pattern that begins with a wildcard, which would make every pod of the cluster depend on the webhook. */
RPW_MUST_CHECK json_t *rpw_registration_new(const struct rpw_policy_set *policies, const char *namespace_,
                                            const char *name, char ret_error[RPW_REGISTRATION_ERROR_BYTES]);

#endif
