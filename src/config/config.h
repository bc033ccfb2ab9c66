/* config.h - the administrator's YAML file, checked whole and turned into an immutable policy set.
 *
 * Every error of a file is reported in one go, each as FILE:LINE:COLUMN with the line, a caret, what was found and what
 * was expected. A file with any error gives no configuration at all. docs/configuration.md describes the keys.
 *
 *     policy.yaml:7:11: error: path: found 'opt/policy', expected an absolute path, such as /opt/rucio/policy
 *         7 |     path: opt/policy
 *           |           ^~~~~~~~~~
 *
 * Errors: what is wrong with the file; that it cannot be read; that memory is short (one line, without a place).
 * Limits: RPW_CONFIG_MAX_BYTES of text; those of yaml.h and fields.h; at most 100 errors are shown, the rest is counted.
 * Threads: a loaded configuration is immutable and may be shared; loading is re-entrant.
 */
#ifndef RPW_CONFIG_H
#define RPW_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "rpw/bytes/status.h"
#include "rpw/review/policy.h"

/* A ConfigMap or Secret, where such a file lives in a cluster, holds no more. */
#define RPW_CONFIG_MAX_BYTES (1024 * 1024)

/* What one configuration may take from malloc, while it is loaded and afterwards. The largest file needs half of it. */
#define RPW_CONFIG_MAX_MEMORY_BYTES ((size_t)256 * 1024 * 1024)

struct rpw_config; /* heap; owns the policy set and everything it points to */

/* Reads the file at path, which stands for it in reports, and goes on as rpw_config_parse(). */
RPW_MUST_CHECK bool rpw_config_load(const char *path, struct rpw_config **ret_config, char **ret_report);

/* As rpw_config_load() for an open descriptor, read from where it stands to its end, and not closed. */
RPW_MUST_CHECK bool rpw_config_load_descriptor(int fd, const char *name, struct rpw_config **ret_config,
                                               char **ret_report);

/* Parses text; name stands for the file in reports.
 *   ret_config  set on success only; the caller frees it with rpw_config_free().
 *   ret_report  set on failure only: all errors, lines ending in '\n', NUL-terminated; the caller frees it with free().
 *               NULL when there was not even memory for that. */
RPW_MUST_CHECK bool rpw_config_parse(const char *name, struct rpw_span text, struct rpw_config **ret_config,
                                     char **ret_report);

/* As rpw_config_parse() with another limit than RPW_CONFIG_MAX_MEMORY_BYTES. */
RPW_MUST_CHECK bool rpw_config_parse_within(const char *name, struct rpw_span text, size_t memory_limit_bytes,
                                            struct rpw_config **ret_config, char **ret_report);

/* The policies; they live as long as config. */
const struct rpw_policy_set *rpw_config_policies(const struct rpw_config *config);

/* What is allowed and still hardly meant, in the form of a report with "warning" for "error"; "" when there is nothing. */
const char *rpw_config_warnings(const struct rpw_config *config);

void rpw_config_free(struct rpw_config *config); /* NULL is fine */

#endif
