/* framing.h - is it certain where a request ends? libmicrohttpd lets much pass that another HTTP parser in front of
 * us could read differently (request smuggling, RFC 9112 section 11.2); what it shows us of that is refused here.
 *
 * Refused: Content-Length twice or not a number, Content-Length together with Transfer-Encoding, a Transfer-Encoding
 * other than exactly "chunked", Host missing or twice. Not refused, because libmicrohttpd has already tidied it away:
 * bare LF as line end, folded header lines, a space before the colon.
 */
#ifndef RPW_FRAMING_H
#define RPW_FRAMING_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

struct rpw_framing {
    unsigned lengths; /* Content-Length headers */
    unsigned encodings;
    unsigned hosts;
    bool is_length_bad;   /* one was not a decimal number */
    bool is_encoding_bad; /* one was not "chunked" */
    uint64_t length;      /* the announced length; 0 when there is none */
};

/* Counts the headers of a request that matter for its framing. */
void rpw_framing_read(struct MHD_Connection *mhd_connection, struct rpw_framing *ret_framing);

/* NULL when the framing is certain, else what is wrong and what was expected. Pure. */
const char *rpw_framing_error(const struct rpw_framing *framing);

#endif
