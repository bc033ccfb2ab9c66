/* log_line.h - one line of the log, built field by field into a buffer of fixed size.
 *
 * json: {"time":"2026-11-22T12:00:00.123Z","level":"info","message":"request","uid":"..."} text:
 * 2026-11-22T12:00:00.123Z info  request uid=... pod="with a space"
 *
 * Pure: no I/O, no clock. Values may be any bytes from the network: control characters and quotes are escaped, bytes
 * that are not UTF-8 become U+FFFD, so a line is always one line and, as JSON, always valid.
 * Limits: a value is cut after RPW_LOG_VALUE_BYTES and then ends in "..."; a field that no longer fits is left out
 * whole.
 */
#ifndef RPW_LOG_LINE_H
#define RPW_LOG_LINE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "rpw/bytes/text.h"

#define RPW_LOG_LINE_BYTES 4096
#define RPW_LOG_VALUE_BYTES 512

enum rpw_log_format { RPW_LOG_JSON, RPW_LOG_TEXT };

enum rpw_log_level { RPW_LOG_DEBUG, RPW_LOG_INFO, RPW_LOG_WARN, RPW_LOG_ERROR };

struct rpw_log_line {
    enum rpw_log_format format;
    size_t len;
    char text[RPW_LOG_LINE_BYTES]; /* not NUL-terminated */
};

/* Begins a line; message is a string constant that says what happened. */
void rpw_log_line_begin(struct rpw_log_line *line, enum rpw_log_format format, struct timespec now,
                        enum rpw_log_level level, const char *message);

/* Adds a field. key is a string constant of letters; an absent value adds nothing. */
void rpw_log_line_text(struct rpw_log_line *line, const char *key, struct rpw_span value);
void rpw_log_line_number(struct rpw_log_line *line, const char *key, uint64_t value);
void rpw_log_line_bool(struct rpw_log_line *line, const char *key, bool value);
void rpw_log_line_milliseconds(struct rpw_log_line *line, const char *key, uint64_t nanoseconds);

/* Ends the line with its newline; text and len are then ready to be written. */
void rpw_log_line_end(struct rpw_log_line *line);

const char *rpw_log_level_name(enum rpw_log_level level);

#endif
