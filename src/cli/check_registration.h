/* check_registration.h - `check --registration FILE`: is what a cluster has what the configuration needs? */
#ifndef RPW_CLI_CHECK_REGISTRATION_H
#define RPW_CLI_CHECK_REGISTRATION_H

#include "rpw/review/policy.h"
#include "verb.h"

/* Compares the MutatingWebhookConfiguration of ours in file ("-": standard input), field by field as JSON, with the one of
 * registration_object.h, and names on standard error what differs. Not compared: metadata, caBundle and the Service.
 * RPW_EXIT_OK: nothing differs; RPW_EXIT_NO; RPW_EXIT_BLIND: there is none in file. */
int rpw_check_registration(const char *path, const struct rpw_policy_set *policies);

#endif
