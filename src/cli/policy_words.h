/* policy_words.h - parts of a policy in words. */
#ifndef RPW_CLI_POLICY_WORDS_H
#define RPW_CLI_POLICY_WORDS_H

#include <stdio.h>

#include "rpw/review/policy.h"

/* "a, b or c", with last " or ". */
void rpw_policy_words_list(FILE *out, struct rpw_span_list list, const char *separator, const char *last);

/* "none named a or b, none with the image c", with no "none": which containers the policy means. The defaults are told as
 * such. */
void rpw_policy_words_containers(FILE *out, const struct rpw_policy *policy, const char *no);

/* In the notation of `kubectl get --selector`. */
void rpw_policy_words_requirement(FILE *out, const struct rpw_label_requirement *requirement);

#endif
