/* clock.h - the clocks of the server: both monotonic, neither the time of day.
 *
 * Threads: any.
 */
#ifndef RPW_CLOCK_H
#define RPW_CLOCK_H

#include <stdint.h>

/* Milliseconds for deadlines; cheap, and a few milliseconds coarse. */
int64_t rpw_clock_ms(void);

/* Nanoseconds for measuring. */
uint64_t rpw_clock_ns(void);

#endif
