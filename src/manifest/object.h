/* object.h - a document as JSON text, which is what the core reads.
 *
 * YAML is read as kubectl and Helm read it (sigs.k8s.io/yaml, which is YAML 1.1: `yes` is a boolean, 010 is 8), aliases and
 * merge keys written out. What the core has to say about a byte of the JSON text becomes a line and a column of the file.
 * Errors are in the report, or pool.has_failed. Memory: an object owns all but the stream's text.
 * Limits: RPW_MANIFEST_MAX_DEPTH and RPW_MANIFEST_MAX_JSON_BYTES of one document.
 */
#ifndef RPW_MANIFEST_OBJECT_H
#define RPW_MANIFEST_OBJECT_H

#include <jansson.h>

#include "report.h"
#include "stream.h"
#include "yaml.h"

#define RPW_MANIFEST_MAX_DEPTH 128
#define RPW_MANIFEST_MAX_JSON_BYTES ((size_t)64 * 1024 * 1024)
#define RPW_MANIFEST_MAX_POOL_BYTES ((size_t)1024 * 1024 * 1024)

/* Where a byte of the JSON text comes from. */
struct rpw_manifest_origin {
    size_t json_offset;
    struct rpw_place place;
};

struct rpw_manifest_object {
    struct rpw_pool pool;
    struct rpw_report report;
    const struct rpw_yaml_node *root;    /* NULL: the document is JSON */
    struct rpw_span api_version, kind;   /* of YAML; absent where it does not say */
    struct rpw_span json;                /* absent: not wanted */
    struct rpw_manifest_origin *origins; /* in ascending order */
    size_t origin_count, origin_capacity;
};

/* Whether an object with this apiVersion and kind is to be converted; texts are empty where it does not say. */
typedef bool rpw_manifest_wants(struct rpw_span api_version, struct rpw_span kind);

/* Reads a document of stream that is not blank. wants NULL: all are wanted. What is not wanted needs to be YAML or JSON, and
 * may have keys that come twice and other things that are errors elsewhere. False after an error. The object must be closed
 * in either case. */
RPW_MUST_CHECK bool rpw_manifest_object_open(const struct rpw_manifest_stream *stream,
                                             const struct rpw_manifest_document *document, rpw_manifest_wants *wants,
                                             struct rpw_manifest_object *ret_object);
void rpw_manifest_object_close(struct rpw_manifest_object *object);

/* The place in the file of what stands at an offset of the JSON text. */
struct rpw_place rpw_manifest_object_place(const struct rpw_manifest_object *object, size_t json_offset);

/* Puts an error about the JSON text into the report. */
void rpw_manifest_object_fail(struct rpw_manifest_object *object, const struct rpw_err *err);

/* Prints the report to standard error. */
void rpw_manifest_object_print_errors(const struct rpw_manifest_object *object);

/* The JSON text as a value. NULL: the report says why. */
RPW_MUST_CHECK json_t *rpw_manifest_object_value(struct rpw_manifest_object *object);

/* The text at a key; "" where there is none. */
const char *rpw_manifest_text(const json_t *object, const char *key);

/* Takes an object; false: there is an error in its report. */
typedef bool rpw_manifest_visitor(struct rpw_manifest_object *object, void *context);

/* Opens the documents of text that are not blank, one after the other, for visit. name stands for it in messages. False after a
 * message on standard error. */
RPW_MUST_CHECK bool rpw_manifest_visit(const char *name, struct rpw_span text, rpw_manifest_wants *wants,
                                       rpw_manifest_visitor *visit, void *context);

/* The same for a file of at most max_bytes ("-": standard input), all of whose documents are wanted. */
RPW_MUST_CHECK bool rpw_manifest_visit_file(const char *path, size_t max_bytes, rpw_manifest_visitor *visit,
                                            void *context);

#endif
