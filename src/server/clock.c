/* clock.c - reads the clocks, and writes times. */
#include "clock.h"

int64_t rpw_clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

uint64_t rpw_clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void rpw_clock_format(time_t time, char text[RPW_CLOCK_TEXT_BYTES])
{
    struct tm utc;

    gmtime_r(&time, &utc);
    strftime(text, RPW_CLOCK_TEXT_BYTES, "%Y-%m-%dT%H:%M:%SZ", &utc);
}
