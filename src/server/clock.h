/* clock.h - the clocks of the server, both monotonic, and how a time of day is written.
 *
 * Threads: any.
 */
#ifndef RPW_CLOCK_H
#define RPW_CLOCK_H

#include <stdint.h>
#include <time.h>

#define RPW_CLOCK_TEXT_BYTES 32

/* Milliseconds for deadlines; cheap, and a few milliseconds coarse. */
int64_t rpw_clock_ms(void);

/* Nanoseconds for measuring. */
uint64_t rpw_clock_ns(void);

/* Writes time, in seconds since 1970, as 2026-11-22T12:00:00Z. */
void rpw_clock_format(time_t time, char text[RPW_CLOCK_TEXT_BYTES]);

#endif
