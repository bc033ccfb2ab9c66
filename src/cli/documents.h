/* documents.h - files that hold Kubernetes objects or a kubeconfig, JSON or YAML, as jansson trees.
 *
 * YAML is read by the configuration's own reader, with its limits on aliases and depth. Documents of a file are divided by
 * `---`; empty ones are passed over.
 */
#ifndef RPW_CLI_DOCUMENTS_H
#define RPW_CLI_DOCUMENTS_H

#include <jansson.h>
#include <stddef.h>

#include "rpw/bytes/status.h"
#include "rpw/bytes/text.h"

#define RPW_DOCUMENTS_MAX_YAML_BYTES ((size_t)4 * 1024 * 1024)
#define RPW_DOCUMENTS_MAX 1000

/* The whole file ("-": standard input), to be freed by the caller; NULL after a message on standard error. A longer one than
 * max_bytes is refused. */
RPW_MUST_CHECK char *rpw_documents_read_bytes(const char *path, size_t max_bytes, size_t *ret_len);

/* The name of the file at path, as messages show it. */
const char *rpw_documents_shown_name(const char *path);

/* An array of the documents of text; name stands for the file in messages. NULL after a message on standard error. */
RPW_MUST_CHECK json_t *rpw_documents_parse(const char *name, struct rpw_span text);

/* Both of the above. */
RPW_MUST_CHECK json_t *rpw_documents_read(const char *path, size_t max_bytes);

#endif
