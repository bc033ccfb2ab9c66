/* child.h - runs another program and waits for it. Its standard error is ours. */
#ifndef RPW_CLI_CHILD_H
#define RPW_CLI_CHILD_H

#include <stddef.h>

#include "rpw/bytes/status.h"

/* Runs arguments, whose first is the program, searched in PATH; the last is NULL. With ret_output its standard output is read,
 * to be freed by the caller; else it is ours. Returns its exit status, 128 and more after a signal; -1 after a message on
 * standard error, also for an output of more than max_bytes. */
RPW_MUST_CHECK int rpw_child_run(const char *const *arguments, size_t max_bytes, char **ret_output, size_t *ret_len);

#endif
