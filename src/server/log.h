/* log.h - the log: one line for each request and for each event, on standard error.
 *
 * Each line goes out in one write(2), one after the other, so that lines of several threads never mix. A line that
 * cannot be written at once, because nobody reads the pipe, is lost: the log never stops a request. (A terminal does,
 * that somebody has stopped: it takes part of a line and waits.) The next line that can be written counts the lost
 * ones, "droppedLines":N.
 * Threads: any; of a struct rpw_log only the level changes after it was set up. The count and the lock are the
 * process's, as standard error is.
 *
 *     struct rpw_log_line line;
 *
 *     if (rpw_log_begin(log, &line, RPW_LOG_INFO, "listening")) {
 *         rpw_log_line_text(&line, "address", address);
 *         rpw_log_end(log, &line);
 *     }
 */
#ifndef RPW_LOG_H
#define RPW_LOG_H

#include <stdarg.h>
#include <stdatomic.h>

#include "log_line.h"

#define RPW_LOG_CLIENT_LINES 100

struct rpw_log {
    enum rpw_log_format format;
    _Atomic unsigned level; /* enum rpw_log_level: the lowest that is written */
    int fd;
};

/* Begins a line with the time of now. False, and then there is nothing to do, when the level is not written. */
bool rpw_log_begin(const struct rpw_log *log, struct rpw_log_line *line, enum rpw_log_level level, const char *message);

/* The same for what any client can cause at will: of all such lines RPW_LOG_CLIENT_LINES a second are written, and the
 * next one that is counts those that were not, "suppressedLines":N. */
bool rpw_log_begin_for_client(const struct rpw_log *log, struct rpw_log_line *line, enum rpw_log_level level,
                              const char *message);

/* Ends the line and writes it, or drops it. */
void rpw_log_end(const struct rpw_log *log, struct rpw_log_line *line);

/* A line without fields, and one with a single field. */
void rpw_log_event(const struct rpw_log *log, enum rpw_log_level level, const char *message);
void rpw_log_detail(const struct rpw_log *log, enum rpw_log_level level, const char *message, const char *key,
                    const char *value);

/* What libmicrohttpd has to say (its external logger; context is a struct rpw_log). What a client can cause at will
 * is debug or info, the rest a warning. */
void rpw_log_on_microhttpd(void *context, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));

#endif
