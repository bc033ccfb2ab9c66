/* check_webhook.h - `check --webhook-configuration`: does the cluster send what the policies want to see?
 *
 * A policy can only do something about pods that the apiserver sends. Each policy's namespaces and container names are held
 * against the rules, selectors and match conditions of a MutatingWebhookConfiguration. What rests on something that the two
 * files do not say (the labels of namespaces, the labels that Rucio's charts write) is told as a remark.
 */
#ifndef RPW_CLI_CHECK_WEBHOOK_H
#define RPW_CLI_CHECK_WEBHOOK_H

#include <stdbool.h>

#include "rpw/review/policy.h"

/* Looks at one configuration of the file: the one with the remembered name, else the only one; without either, an error lists
 * the names. Prints what is not sent, or that everything is, and remarks. Whether everything is. */
bool rpw_check_webhook(const char *file, const char *name, const struct rpw_policy_set *policies);

#endif
