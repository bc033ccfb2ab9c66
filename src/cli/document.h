/* document.h - one document of `mutate`'s input on its way: read, decided upon by the core, patched.
 *
 * Memory: a document owns what it holds but the text and the policies; its pods live in the arena that was handed in for
 * them. Errors are in its object's report.
 */
#ifndef RPW_CLI_DOCUMENT_H
#define RPW_CLI_DOCUMENT_H

#include "object.h"
#include "pod_decision.h"
#include "workload.h"

/* What all documents share. */
struct rpw_document_context {
    const struct rpw_policy_set *policies;
    struct rpw_span namespace_; /* empty: each object's own, else "default" */
    struct rpw_arena *core;     /* for one decision at a time */
    struct rpw_arena *pods;     /* for one document at a time */
};

struct rpw_document_pod {
    struct rpw_workload_pod place;
    struct rpw_span namespace_; /* that of the request */
    bool is_namespace_assumed;  /* neither the object nor -n says it */
    struct rpw_pod_decision decision;
    char *label; /* "Deployment/rucio-atlas/rucio-server", fit for a terminal */
};

struct rpw_document {
    size_t number; /* in its stream */
    struct rpw_span text;
    struct rpw_arena *arena;           /* the context's for decisions, free now that these are made */
    struct rpw_manifest_object object; /* json absent: not of a kind that has pods, and not asked for */
    struct rpw_workload workload;
    struct rpw_document_pod *pods;
    size_t pod_count;
    json_t *patch;  /* of the whole object, an array */
    json_t *before; /* NULL: not read, there is nothing to change and it is not asked for */
    json_t *after;
    char *label;
};

/* Reads a document of stream that is not blank, and decides about its pods. needs_values: before and after are wanted in any
 * case. False: the report, or what memory there was, says why. In either case the document must be closed. */
RPW_MUST_CHECK bool rpw_document_open(const struct rpw_document_context *context,
                                      const struct rpw_manifest_stream *stream,
                                      const struct rpw_manifest_document *text, bool needs_values,
                                      struct rpw_document *ret_document);

void rpw_document_close(struct rpw_document *document);

#endif
