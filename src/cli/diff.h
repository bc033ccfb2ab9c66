/* diff.h - shows what changed between two values, as YAML, by `diff -u` or the program that $RPW_EXTERNAL_DIFF names. */
#ifndef RPW_CLI_DIFF_H
#define RPW_CLI_DIFF_H

#include <jansson.h>
#include <stdbool.h>

#include "rpw/bytes/status.h"

struct rpw_diff_side {
    const char *label; /* fit for a terminal */
    json_t *value;
};

/* Runs the program, which writes to standard output. False after a message on standard error, also when it has failed (its
 * exit status is above 1). */
RPW_MUST_CHECK bool rpw_diff_show(const struct rpw_diff_side *before, const struct rpw_diff_side *after);

#endif
