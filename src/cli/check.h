/* check.h - the parts of the verb `check`. */
#ifndef RPW_CLI_CHECK_H
#define RPW_CLI_CHECK_H

#include <jansson.h>

#include "rpw/bytes/status.h"
#include "rpw/review/policy.h"

/* What policies will do, told back: an array with an object for each. Of variables of the init container, which may be secrets,
 * only the names are there. */
RPW_MUST_CHECK json_t *rpw_check_summary_new(const struct rpw_policy_set *set);

/* Compares our webhook among the objects of a file ("-": standard input), field by field as JSON, with what policies need, and
 * names on standard error what differs. Not compared: metadata, caBundle and the Service. RPW_EXIT_OK: nothing differs;
 * RPW_EXIT_NO; RPW_EXIT_BLIND: there is none in the file. */
int rpw_check_registration(const char *path, const struct rpw_policy_set *policies);

#endif
