/* base64.h - base64 (RFC 4648, with padding), as Secrets and caBundles hold bytes.
 *
 * Memory: results are the caller's, to be freed with free(). Threads: re-entrant. Limit: 1 GiB of bytes.
 */
#ifndef RPW_MANIFEST_BASE64_H
#define RPW_MANIFEST_BASE64_H

#include "rpw/bytes/status.h"
#include "rpw/bytes/text.h"

RPW_MUST_CHECK char *rpw_base64_encode(struct rpw_span bytes);

/* The bytes, followed by NUL; NULL when text is no base64. Line ends in text are passed over. */
RPW_MUST_CHECK char *rpw_base64_decode(struct rpw_span text, size_t *ret_len);

#endif
