/* config.h - the administrator's YAML file, checked whole and turned into an immutable policy set.
 *
 * Every error of a file is reported in one go, each as FILE:LINE:COLUMN with the line, a caret, what was found and what
 * was expected. A file with any error gives no configuration at all. docs/configuration.md describes the keys.
 * Threads: a loaded configuration is immutable and may be shared; loading is re-entrant.
 */
#ifndef RPW_CONFIG_H
#define RPW_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "rpw/policy.h"
#include "rpw/status.h"

struct rpw_config; /* heap; owns the policy set and everything it points to */

/* Reads the file at path (errors: cannot be opened, read, is too large) and goes on as rpw_config_parse(). */
RPW_MUST_CHECK bool rpw_config_load(const char *path, struct rpw_config **ret_config, char **ret_report);

/* Parses text; name stands for the file in reports.
 *   ret_config  set on success only; the caller frees it with rpw_config_free().
 *   ret_report  set on failure only: all errors, lines ending in '\n', NUL-terminated; the caller frees it with free(). */
RPW_MUST_CHECK bool rpw_config_parse(const char *name, struct rpw_span text, struct rpw_config **ret_config,
                                     char **ret_report);

/* The policies; they live as long as config. */
const struct rpw_policy_set *rpw_config_policies(const struct rpw_config *config);

void rpw_config_free(struct rpw_config *config); /* NULL is fine */

#endif
