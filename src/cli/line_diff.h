/* line_diff.h - two texts, line by line, as `diff -u` shows them.
 *
 * Pure but for the stream. Limits: texts that differ in more than RPW_LINE_DIFF_MAX_EDITS lines are shown as one replaced
 * by the other, between the lines that they begin and end with alike.
 */
#ifndef RPW_CLI_LINE_DIFF_H
#define RPW_CLI_LINE_DIFF_H

#include <stdbool.h>
#include <stdio.h>

#include "rpw/bytes/status.h"
#include "rpw/bytes/text.h"

#define RPW_LINE_DIFF_MAX_EDITS 2000

struct rpw_diff_side {
    const char *label; /* of the header */
    struct rpw_span text;
    size_t first_line; /* the number of the text's first line, from 1: where it is a part of something larger */
};

/* Writes nothing when the texts are equal. is_coloured: for a terminal. False: no memory. */
RPW_MUST_CHECK bool rpw_line_diff_write(FILE *out, const struct rpw_diff_side *old, const struct rpw_diff_side *new_,
                                        bool is_coloured);

#endif
