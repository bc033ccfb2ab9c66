/* log.c - writes the lines that log_line.c builds, and sorts what libmicrohttpd says into levels. */
#include "log.h"

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "clock.h"

static pthread_mutex_t write_lock = PTHREAD_MUTEX_INITIALIZER; /* for dropped_lines, and between poll and write */
static uint64_t dropped_lines;

/* Of the lines that clients cause. */
static _Atomic int64_t client_second;
static _Atomic unsigned client_lines;
static _Atomic uint64_t suppressed_lines;

bool rpw_log_begin(const struct rpw_log *log, struct rpw_log_line *line, enum rpw_log_level level, const char *message)
{
    struct timespec now;

    if (level < atomic_load_explicit(&log->level, memory_order_relaxed))
        return false;
    clock_gettime(CLOCK_REALTIME, &now);
    rpw_log_line_begin(line, log->format, now, level, message);
    return true;
}

bool rpw_log_begin_for_client(const struct rpw_log *log, struct rpw_log_line *line, enum rpw_log_level level,
                              const char *message)
{
    const int64_t second = rpw_clock_ms() / 1000;
    uint64_t suppressed;

    if (level < atomic_load_explicit(&log->level, memory_order_relaxed))
        return false;
    if (atomic_exchange(&client_second, second) != second)
        atomic_store(&client_lines, 0);
    if (atomic_fetch_add(&client_lines, 1) >= RPW_LOG_CLIENT_LINES) {
        atomic_fetch_add(&suppressed_lines, 1);
        return false;
    }
    if (!rpw_log_begin(log, line, level, message))
        return false;
    suppressed = atomic_exchange(&suppressed_lines, 0);
    if (suppressed > 0)
        rpw_log_line_number(line, "suppressedLines", suppressed);
    return true;
}

/* Whether a line can be written without waiting: a pipe that can be written to has room for PIPE_BUF bytes, and no line
 * is longer. Errors are for write to find. */
static bool has_room(int fd)
{
    struct pollfd wanted = {.fd = fd, .events = POLLOUT};

    _Static_assert(RPW_LOG_LINE_BYTES <= PIPE_BUF, "a line could be written in part, or wait");
    return poll(&wanted, 1, 0) != 0;
}

void rpw_log_end(const struct rpw_log *log, struct rpw_log_line *line)
{
    bool tells_dropped = false;

    pthread_mutex_lock(&write_lock);
    if (dropped_lines > 0) {
        const size_t len = line->len;

        rpw_log_line_number(line, "droppedLines", dropped_lines);
        tells_dropped = line->len > len;
    }
    rpw_log_line_end(line);
    if (!has_room(log->fd) || write(log->fd, line->text, line->len) < 0)
        dropped_lines++;
    else if (tells_dropped)
        dropped_lines = 0;
    pthread_mutex_unlock(&write_lock);
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
    struct rpw_log_line line;

    vsnprintf(text, sizeof(text), format, arguments);
    text[strcspn(text, "\n")] = '\0';
    if (rpw_log_begin_for_client(log, &line, microhttpd_level(text), "libmicrohttpd")) {
        rpw_log_line_text(&line, "detail", rpw_span_of(text));
        rpw_log_end(log, &line);
    }
}
