/* check_summary.h - what `check -v` says of a configuration that is right: which pods, and what they get. */
#ifndef RPW_CLI_CHECK_SUMMARY_H
#define RPW_CLI_CHECK_SUMMARY_H

#include "rpw/review/policy.h"

/* To standard output. Values of variables, which may be secrets, are not shown. */
void rpw_check_print_summary(const struct rpw_policy_set *set);

#endif
