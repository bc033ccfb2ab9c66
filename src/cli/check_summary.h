/* check_summary.h - a configuration that is right, told back as what it will do: which pods get what. */
#ifndef RPW_CLI_CHECK_SUMMARY_H
#define RPW_CLI_CHECK_SUMMARY_H

#include <jansson.h>

#include "rpw/bytes/status.h"
#include "rpw/review/policy.h"

/* An array with an object for each policy. Of variables of the init container, which may be secrets, only the names are there. */
RPW_MUST_CHECK json_t *rpw_check_summary_new(const struct rpw_policy_set *set);

#endif
