/* policies.h - the policies in use: an immutable, counted snapshot of a parsed configuration.
 *
 * The server does not know how a configuration is written: whoever starts it gives it the function that parses one.
 * Threads: a snapshot may be shared.
 */
#ifndef RPW_POLICIES_H
#define RPW_POLICIES_H

#include "current.h"
#include "rpw/bytes/status.h"
#include "rpw/review/policy.h"

struct rpw_metrics;

/* A parsed configuration, and how to give it back. */
struct rpw_parsed_policies {
    const struct rpw_policy_set *set;
    const char *warnings; /* lines: each finding's first line, and its excerpt indented below it; "" for none */
    void *owner;
    void (*free_owner)(void *owner);
};

/* Parses text, the content of the file at path.
 *   ret_parsed  set on success only.
 *   ret_report  set on failure only: malloc'd lines of the same form as the warnings, or NULL when memory is short. */
typedef bool rpw_parse_policies_fn(const char *path, struct rpw_span text, struct rpw_parsed_policies *ret_parsed,
                                   char **ret_report);

struct rpw_policies {
    struct rpw_shared shared;
    struct rpw_parsed_policies parsed;
    unsigned *counters; /* the place of each policy's counter in the metrics, by its index in the set */
};

/* Takes parsed over, also on failure, and finds the policies' counters. NULL when memory is short. */
RPW_MUST_CHECK struct rpw_policies *rpw_policies_new(const struct rpw_parsed_policies *take_parsed,
                                                     struct rpw_metrics *metrics);

void rpw_policies_unref(struct rpw_policies *policies); /* NULL is fine */

#endif
