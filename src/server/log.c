/* log.c - writes the lines that log_line.c builds, and sorts what libmicrohttpd says into levels. */
#include "log.h"

#include <stdio.h>
#include <unistd.h>

bool rpw_log_begin(const struct rpw_log *log, struct rpw_log_line *line, enum rpw_log_level level, const char *message)
{
    struct timespec now;

    if (level < log->level)
        return false;
    clock_gettime(CLOCK_REALTIME, &now);
    rpw_log_line_begin(line, log->format, now, level, message);
    return true;
}

void rpw_log_end(const struct rpw_log *log, struct rpw_log_line *line)
{
    rpw_log_line_end(line);
    if (write(log->fd, line->text, line->len) < 0)
        return; /* there is nobody left to tell */
}

void rpw_log_event(const struct rpw_log *log, enum rpw_log_level level, const char *message)
{
    struct rpw_log_line line;

    if (rpw_log_begin(log, &line, level, message))
        rpw_log_end(log, &line);
}

void rpw_log_detail(const struct rpw_log *log, enum rpw_log_level level, const char *message, const char *key,
                    const char *value)
{
    struct rpw_log_line line;

    if (rpw_log_begin(log, &line, level, message)) {
        rpw_log_line_text(&line, key, rpw_span_of(value));
        rpw_log_end(log, &line);
    }
}

/* By the start of the message's text, as in libmicrohttpd's daemon.c, connection.c and connection_https.c. */
static enum rpw_log_level microhttpd_level(const char *text)
{
    static const struct {
        const char *start;
        enum rpw_log_level level;
    } rows[] = {
        {"Error: received handshake message", RPW_LOG_DEBUG}, /* also every probe of the TCP port */
        {"Connection socket is closed", RPW_LOG_DEBUG},
        {"Connection was closed by remote side", RPW_LOG_DEBUG},
        {"Socket has been disconnected", RPW_LOG_DEBUG},
        {"Failed to send ", RPW_LOG_DEBUG},
        {"Application reported internal error", RPW_LOG_DEBUG}, /* we gave the request up, and have said so */
        {"Error processing request", RPW_LOG_INFO},             /* libmicrohttpd's own 400, 413, 431, 505 */
        {"Received HTTP/1.1 request without", RPW_LOG_INFO},
        {"Too large value of 'Content-Length'", RPW_LOG_INFO},
        {"Failed to parse `Content-Length'", RPW_LOG_INFO},
        {"Not enough memory in pool", RPW_LOG_INFO}, /* the client's headers are too long */
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strncmp(text, rows[i].start, strlen(rows[i].start)) == 0)
            return rows[i].level;
    return RPW_LOG_WARN;
}

void rpw_log_on_microhttpd(void *context, const char *format, va_list arguments)
{
    const struct rpw_log *log = context;
    char text[RPW_LOG_VALUE_BYTES];

    vsnprintf(text, sizeof(text), format, arguments);
    text[strcspn(text, "\n")] = '\0';
    rpw_log_detail(log, microhttpd_level(text), "libmicrohttpd", "detail", text);
}
