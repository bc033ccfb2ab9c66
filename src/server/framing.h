/* framing.h - is it certain where a request ends? libmicrohttpd lets much pass that another HTTP parser in front of
 * us could read differently (request smuggling, RFC 9112 section 11.2); what it shows us of that is refused here.
 *
 * Refused: a header's name that is no token, such as one with a space before the colon (libmicrohttpd passes it on
 * like that and does not know it as the header that it almost is); one that begins with Content-Length,
 * Transfer-Encoding or Host and is longer (to the name of a folded line libmicrohttpd appends what was folded); a
 * carriage return in any value, which can hide a header; Content-Length twice or not a number;
 * Content-Length together with Transfer-Encoding; a Transfer-Encoding other than exactly "chunked", or in any other
 * version than HTTP/1.1; Host missing or twice. Not refused, because libmicrohttpd has already tidied it away: bare LF
 * as line end, other folded header lines, and a line that begins with its colon, which it takes for the end of the headers.
 */
#ifndef RPW_FRAMING_H
#define RPW_FRAMING_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

#include "rpw/bytes/text.h"

#define RPW_FRAMING_TEXT_BYTES 192

struct rpw_framing {
    struct rpw_span bad_name;     /* a header's name that is no token; absent: all are */
    struct rpw_span folded_name;  /* a name that only begins like one that matters; absent: none does */
    struct rpw_span split_value;  /* the name of a header with a carriage return in its value; absent: none has */
    struct rpw_span bad_length;   /* a Content-Length that is not a decimal number; absent: none */
    struct rpw_span bad_encoding; /* a Transfer-Encoding that is not "chunked"; absent: none */
    const char *version;          /* of HTTP, as the client gave it */
    unsigned lengths;             /* Content-Length headers */
    unsigned encodings;
    unsigned hosts;
    uint64_t length; /* the announced length, UINT64_MAX when it is too large to hold; 0 when there is none */
};

/* Looks at the headers of a request that matter for its framing. The spans point into the request. */
void rpw_framing_read(struct MHD_Connection *mhd_connection, const char *version, struct rpw_framing *ret_framing);

/* Adds one header, as rpw_framing_read() does for each. Pure. */
void rpw_framing_add(struct rpw_framing *framing, struct rpw_span name, struct rpw_span value);

/* Whether the framing is certain; if not, text says what was found and what was expected. The text can hold any bytes
 * that the client sent. Pure. */
bool rpw_framing_is_certain(const struct rpw_framing *framing, char text[RPW_FRAMING_TEXT_BYTES]);

#endif
