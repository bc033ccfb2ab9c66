/* mutate_output.h - the forms in which `mutate` shows what would be done, one document after the other, and the few lines for
 * standard error that say what it has looked at: nobody should take silence for an answer. */
#ifndef RPW_CLI_MUTATE_OUTPUT_H
#define RPW_CLI_MUTATE_OUTPUT_H

#include <stdio.h>

#include "document.h"

enum rpw_mutate_format {
    RPW_MUTATE_YAML,
    RPW_MUTATE_JSON,
    RPW_MUTATE_PATCH,
    RPW_MUTATE_DIFF,
    RPW_MUTATE_EXPLAIN,
    RPW_MUTATE_AS_INPUT, /* not settled: YAML or JSON as the first file is */
};

struct rpw_mutate_output {
    FILE *out;
    enum rpw_mutate_format format;
    bool is_json_input; /* of the present stream */
    bool has_written;   /* -o yaml: a document stands before the next one */
    bool is_line_open;  /* the last stream ended without a line end */
    bool has_diff_failed;
    json_t *patches; /* -o patch: what was gathered so far */
    size_t explained_count;
};

/* Whether documents must be opened with their values read, even where nothing is to change. */
bool rpw_mutate_needs_values(const struct rpw_mutate_output *output);

/* A new stream begins. */
void rpw_mutate_begin(struct rpw_mutate_output *output, const struct rpw_manifest_stream *stream);

/* Shows a document. -o diff writes to standard output at once, all else to out. */
void rpw_mutate_show(struct rpw_mutate_output *output, const struct rpw_document *document,
                     const struct rpw_policy_set *policies);

/* A document without content. */
void rpw_mutate_show_blank(struct rpw_mutate_output *output, struct rpw_span text);

/* What stands behind the last document. */
void rpw_mutate_finish(struct rpw_mutate_output *output);

struct rpw_mutate_summary {
    size_t document_count, pod_count;
    json_t *groups; /* from words to how many pods they are said of, in the order in which they came up */
    json_t *hidden; /* the documents that make pods in a way that is not known here */
};

void rpw_mutate_summary_add(struct rpw_mutate_summary *summary, const struct rpw_document *document);

void rpw_mutate_summary_print(const struct rpw_mutate_summary *summary, FILE *out);
void rpw_mutate_summary_done(struct rpw_mutate_summary *summary);

#endif
