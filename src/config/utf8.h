/* utf8.h - the little that the loader needs to know about UTF-8. Pure. */
#ifndef RPW_UTF8_H
#define RPW_UTF8_H

#include "rpw/bytes/text.h"

/* The bytes of the character that text begins with, 1 to 4; 0 when they are not well-formed (RFC 3629: neither overlong,
 * nor a surrogate, nor above U+10FFFF, nor cut off) or text is empty. */
size_t rpw_utf8_length(struct rpw_span text);

/* The code point of the control character (U+0000 to U+001F, U+007F to U+009F) that text begins with; -1 when it begins with
 * something else or is empty. */
int rpw_utf8_control(struct rpw_span text);

#endif
