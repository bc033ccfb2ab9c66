/* visible.h - texts of others as a terminal may get them: control characters, and bytes that are no UTF-8, become '?'. */
#ifndef RPW_CLI_VISIBLE_H
#define RPW_CLI_VISIBLE_H

#include <jansson.h>
#include <stdio.h>

#include "rpw/bytes/status.h"
#include "rpw/bytes/text.h"

void rpw_visible_write(FILE *out, struct rpw_span text);

/* A copy, to be freed by the caller. */
RPW_MUST_CHECK char *rpw_visible_copy(struct rpw_span text);

/* The same as a value. */
RPW_MUST_CHECK json_t *rpw_visible_string(struct rpw_span text);

/* A copy of value whose keys and texts are visible. */
RPW_MUST_CHECK json_t *rpw_visible_json(json_t *value);

#endif
