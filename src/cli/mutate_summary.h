/* mutate_summary.h - what `mutate` has looked at, in a few lines for standard error: nobody should take silence for an answer. */
#ifndef RPW_CLI_MUTATE_SUMMARY_H
#define RPW_CLI_MUTATE_SUMMARY_H

#include <stdio.h>

#include "document.h"

struct rpw_mutate_summary {
    size_t document_count, pod_count;
    json_t *groups; /* from words to how many pods they are said of, in the order in which they came up */
    json_t *hidden; /* the documents that make pods in a way that is not known here */
};

void rpw_mutate_summary_add(struct rpw_mutate_summary *summary, const struct rpw_document *document);

void rpw_mutate_summary_print(const struct rpw_mutate_summary *summary, FILE *out);
void rpw_mutate_summary_done(struct rpw_mutate_summary *summary);

#endif
