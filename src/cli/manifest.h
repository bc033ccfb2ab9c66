/* manifest.h - the documents of a YAML manifest, as `helm template` prints it, each as a tree that knows its place in the text.
 *
 * The text is cut at its `---` lines first, so that documents which are none of our business are never looked at closely.
 * A tree keeps what an edit of the text needs to know: where a node begins and ends, and how it is written. Values are read
 * as Kubernetes' own tools read them (sigs.k8s.io/yaml, which is YAML 1.1: `yes` is a boolean, 010 is 8).
 *
 * Errors go to the report, with their place. Memory: everything lives in the report's pool. Threads: re-entrant.
 * Limits: RPW_MANIFEST_MAX_DEPTH, RPW_MANIFEST_MAX_JSON_BYTES; the rest is the pool's.
 */
#ifndef RPW_CLI_MANIFEST_H
#define RPW_CLI_MANIFEST_H

#include <jansson.h>

#include "pool.h"
#include "report.h"

#define RPW_MANIFEST_MAX_DEPTH 128
#define RPW_MANIFEST_MAX_POOL_BYTES ((size_t)1024 * 1024 * 1024) /* to read one document with */
#define RPW_MANIFEST_MAX_JSON_BYTES ((size_t)64 * 1024 * 1024)   /* of one document, its aliases written out */

enum rpw_manifest_type { RPW_MANIFEST_SCALAR, RPW_MANIFEST_MAPPING, RPW_MANIFEST_LIST, RPW_MANIFEST_ALIAS };

enum rpw_manifest_style {
    RPW_MANIFEST_PLAIN,  /* a scalar without quotes, a collection in block style, an alias */
    RPW_MANIFEST_QUOTED, /* a scalar in quotes of either kind */
    RPW_MANIFEST_BLOCK,  /* a scalar behind | or > */
    RPW_MANIFEST_FLOW,   /* a collection in brackets */
};

struct rpw_manifest_node {
    enum rpw_manifest_type type;
    enum rpw_manifest_style style;
    size_t start, end;                      /* in the whole text, quotes and brackets included, anchor and tag not */
    bool is_absent;                         /* a value that is not there ("key:"): start and end mean nothing */
    struct rpw_span text;                   /* scalar: quotes and escapes undone */
    struct rpw_span tag;                    /* absent: none */
    const struct rpw_manifest_node *target; /* alias: what it stands for */
    struct rpw_manifest_child *children;
    size_t count;
    bool has_edits; /* manifest_patch.h: something in it, or in what is below it, is to change */
};

/* A pair of a mapping (key) or an element of a list (no key), and what a patch makes of it (manifest_patch.h). */
struct rpw_manifest_child {
    const struct rpw_manifest_node *key; /* NULL: of a list, or a new pair */
    struct rpw_manifest_node *value;     /* NULL: new */
    const char *new_key;                 /* of a new pair */
    json_t *new_value;                   /* instead of value; NULL: value holds */
    bool is_removed;
};

/* Cuts the next document off *rest, `---` included. False when nothing is left. */
bool rpw_manifest_next(struct rpw_span *rest, struct rpw_span *ret_document);

/* Whether there is nothing in it but comments, directives and blank lines. */
bool rpw_manifest_is_blank(struct rpw_span document);

/* Reads a document, a part of the report's text, and not a blank one. NULL after an error, or when the pool has failed. */
RPW_MUST_CHECK struct rpw_manifest_node *rpw_manifest_parse(struct rpw_report *report, struct rpw_span document);

/* The text of a scalar that is member key of a mapping; absent when there is none. Looks at no other member. */
struct rpw_span rpw_manifest_member(const struct rpw_manifest_node *mapping, const char *key);

/* Where a byte of the JSON text comes from. */
struct rpw_manifest_origin {
    size_t json_offset;
    const struct rpw_manifest_node *node;
};

struct rpw_manifest_json {
    struct rpw_buffer text;
    struct rpw_manifest_origin *origins; /* in ascending order */
    size_t origin_count;
    size_t origin_capacity;
};

/* The document as JSON text, aliases and merge keys (`<<`) written out. A key that comes twice is an error, and so is a
 * tag that asks for another type than a text. False after an error, or when the pool has failed. */
RPW_MUST_CHECK bool rpw_manifest_to_json(struct rpw_report *report, const struct rpw_manifest_node *root,
                                         struct rpw_manifest_json *ret_json);

/* The place of what stands at an offset of the JSON text. */
struct rpw_place rpw_manifest_place(const struct rpw_manifest_json *json, size_t json_offset);

/* A scalar without quotes as JSON: null, true, false, a number or a string. */
void rpw_manifest_put_plain(struct rpw_buffer *buffer, struct rpw_span text);

/* Whether a scalar without quotes is read as a text: by Kubernetes' tools, and by any reader of YAML 1.1 or 1.2. */
bool rpw_manifest_is_plain_text(struct rpw_span text);

#endif
