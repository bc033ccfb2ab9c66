/* stream.h - a file of Kubernetes objects, cut into its documents: YAML divided by `---`, or JSON values one after the other.
 *
 * A stream that begins with `{"` is JSON, anything else is YAML. The texts of its documents together are the whole text.
 * Memory: everything is borrowed. Errors: what is no JSON is the last document; its err says why.
 */
#ifndef RPW_MANIFEST_STREAM_H
#define RPW_MANIFEST_STREAM_H

#include <stdbool.h>

#include "rpw/bytes/status.h"
#include "rpw/bytes/text.h"

struct rpw_manifest_stream {
    const char *name; /* of the file, for messages */
    struct rpw_span text;
    struct rpw_span rest;
    bool is_json;
    size_t count; /* of documents that were not blank */
};

struct rpw_manifest_document {
    size_t
        number; /* in the stream, from 1; 0: blank, there is nothing but comments, directives and white space in it */
    struct rpw_span text;
    struct rpw_span json; /* the value in it; absent: the document is YAML */
    struct rpw_err err;   /* of JSON; the offset is one in json */
};

void rpw_manifest_stream_init(struct rpw_manifest_stream *stream, const char *name, struct rpw_span text);

/* Whether a line is a marker, `---` or `...` by its character (YAML 1.2, 9.1). */
bool rpw_manifest_is_marker(struct rpw_span line, char character);

/* False at the end. */
bool rpw_manifest_stream_next(struct rpw_manifest_stream *stream, struct rpw_manifest_document *ret_document);

#endif
