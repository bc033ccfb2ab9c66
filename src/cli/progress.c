/* progress.c - the first line comes after half a second, so that short works show none. */
#include "progress.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define PAUSE_MS 500

static long long last_ms;
static bool is_shown;

static long long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

void rpw_progress_show(const char *format, ...)
{
    long long now = now_ms();
    va_list arguments;

    if (last_ms == 0)
        last_ms = now;
    if (now - last_ms < PAUSE_MS || !isatty(STDERR_FILENO))
        return;
    last_ms = now;
    is_shown = true;
    fputs("\r\033[K", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
}

void rpw_progress_clear(void)
{
    if (is_shown)
        fputs("\r\033[K", stderr);
    is_shown = false;
}
