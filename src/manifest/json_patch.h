/* json_patch.h - applies a JSON Patch (RFC 6902) to a jansson document: `add`, `remove` and `replace`, which are the
 * operations that the core writes. The server never applies a patch; the `mutate` verb does, to show the pod. */
#ifndef RPW_MANIFEST_JSON_PATCH_H
#define RPW_MANIFEST_JSON_PATCH_H

#include <jansson.h>
#include <stdbool.h>

#include "rpw/bytes/status.h"

#define RPW_JSON_PATCH_ERROR_BYTES 256

/* Applies patch, an array of operations, to *document in place; replacing the whole document replaces *document.
 * False at the first operation that cannot be applied, with ret_error saying which and why; *document then holds what the
 * operations before it have done. */
RPW_MUST_CHECK bool rpw_json_patch_apply(json_t **document, const json_t *patch,
                                         char ret_error[RPW_JSON_PATCH_ERROR_BYTES]);

/* The patch of an AdmissionReview's answer, which travels as base64 of its JSON text. NULL when it is neither; otherwise
 * the caller owns it. */
RPW_MUST_CHECK json_t *rpw_json_patch_decode(const char *base64);

#endif
