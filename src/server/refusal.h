/* refusal.h - the requests that never reach the policies, and what each of them is told.
 *
 * | refusal      | status | connection | reason in the log |
 * |--------------|--------|------------|-------------------|
 * | FRAMING      | 400    | closed     | bad_framing       |
 * | NOT_FOUND    | 404    | kept       | not_found         |
 * | METHOD       | 405    | kept       | method            |
 * | CONTENT_TYPE | 415    | kept       | content_type      |
 * | TOO_LARGE    | 413    | closed     | too_large         |
 * | BUDGET       | 503    | kept       | body_budget       |
 *
 * The first three of a request are asked in the order 404, 405, 415. Pure: texts go into the caller's buffer.
 */
#ifndef RPW_REFUSAL_H
#define RPW_REFUSAL_H

#include "connections.h"

#define RPW_REFUSAL_TEXT_BYTES 256

unsigned rpw_refusal_status(enum rpw_refusal refusal);
const char *rpw_refusal_reason(enum rpw_refusal refusal);
bool rpw_refusal_closes(enum rpw_refusal refusal);

/* Writes the line that the client gets into text: what was found and what was expected. found is the path, the
 * method, the Content-Type (NULL: there was none) or what is wrong with the framing; only its printable characters
 * are shown. Returns the text's length. */
size_t rpw_refusal_text(enum rpw_refusal refusal, const char *found, char text[RPW_REFUSAL_TEXT_BYTES]);

#endif
