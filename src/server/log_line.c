/* log_line.c - builds a line of the log.
 *
 * Every field is added in three steps: remember where it starts, append its pieces, and go back to the start if they
 * did not all fit. Two bytes are always kept free for the end of the line, so a line can be ended at any moment.
 */
#include "log_line.h"

#include <stdio.h>

enum { ROOM_FOR_END = 2 };

const char *rpw_log_level_name(enum rpw_log_level level)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};

    return names[level];
}

static bool put(struct rpw_log_line *line, const char *bytes, size_t len)
{
    if (len > sizeof(line->text) - ROOM_FOR_END - line->len)
        return false;
    memcpy(line->text + line->len, bytes, len);
    line->len += len;
    return true;
}

static bool put_string(struct rpw_log_line *line, const char *string)
{
    return put(line, string, strlen(string));
}

/* The length of the UTF-8 sequence at text, 0 when there is none (RFC 3629: no overlong forms, no surrogates). */
static size_t utf8_length(const unsigned char *text, size_t room)
{
    unsigned char lowest = 0x80;
    unsigned char highest = 0xBF;
    size_t len = 0;

    if (text[0] < 0x80)
        return 1;
    if (text[0] >= 0xC2 && text[0] <= 0xDF)
        len = 2;
    else if (text[0] >= 0xE0 && text[0] <= 0xEF)
        len = 3;
    else if (text[0] >= 0xF0 && text[0] <= 0xF4)
        len = 4;
    if (len == 0 || len > room)
        return 0;

    if (text[0] == 0xE0)
        lowest = 0xA0;
    else if (text[0] == 0xED)
        highest = 0x9F;
    else if (text[0] == 0xF0)
        lowest = 0x90;
    else if (text[0] == 0xF4)
        highest = 0x8F;
    if (text[1] < lowest || text[1] > highest)
        return 0;
    for (size_t i = 2; i < len; i++)
        if (text[i] < 0x80 || text[i] > 0xBF)
            return 0;
    return len;
}

/* Appends the character at text as it stands inside a JSON string; *ret_len is what it took of text. */
static bool put_character(struct rpw_log_line *line, const char *text, size_t room, size_t *ret_len)
{
    const unsigned char byte = (unsigned char)text[0];
    const size_t len = utf8_length((const unsigned char *)text, room);
    char escape[8];

    *ret_len = len > 0 ? len : 1;
    if (len == 0)
        return put_string(line, "\\ufffd");
    if (byte == '"' || byte == '\\')
        return put(line, "\\", 1) && put(line, text, 1);
    if (byte == '\n')
        return put(line, "\\n", 2);
    /* C0, DEL, and C1, which UTF-8 writes as C2 80 to C2 9F: a terminal may obey any of them. */
    if (byte < 0x20 || byte == 0x7F || (byte == 0xC2 && (unsigned char)text[1] < 0xA0)) {
        snprintf(escape, sizeof(escape), "\\u%04x", len == 2 ? (unsigned char)text[1] : byte);
        return put_string(line, escape);
    }
    return put(line, text, len);
}

static bool put_quoted(struct rpw_log_line *line, struct rpw_span value)
{
    bool fits = put(line, "\"", 1);
    size_t at = 0;

    while (fits && at < value.len && at < RPW_LOG_VALUE_BYTES) {
        size_t len = 0;

        fits = put_character(line, value.ptr + at, value.len - at, &len);
        at += len;
    }
    if (at < value.len)
        fits = fits && put_string(line, "...");
    return fits && put(line, "\"", 1);
}

/* Whether the text format can show value without quotes: printable, and nothing that would split the field. */
static bool is_plain(struct rpw_span value)
{
    for (size_t i = 0; i < value.len; i++) {
        const char byte = value.ptr[i];

        if (byte <= ' ' || byte > '~' || byte == '"' || byte == '\\' || byte == '=')
            return false;
    }
    return value.len > 0 && value.len <= RPW_LOG_VALUE_BYTES;
}

static bool put_key(struct rpw_log_line *line, const char *key)
{
    if (line->format == RPW_LOG_TEXT)
        return put(line, " ", 1) && put_string(line, key) && put(line, "=", 1);
    return put(line, ",\"", 2) && put_string(line, key) && put(line, "\":", 2);
}

/* Adds a field whose value is written the same in both formats: a number, a boolean. */
static void add_word(struct rpw_log_line *line, const char *key, const char *word)
{
    const size_t start = line->len;

    if (!put_key(line, key) || !put_string(line, word))
        line->len = start;
}

void rpw_log_line_begin(struct rpw_log_line *line, enum rpw_log_format format, struct timespec now,
                        enum rpw_log_level level, const char *message)
{
    struct tm utc;
    int len;

    gmtime_r(&now.tv_sec, &utc);
    line->format = format;
    len = snprintf(line->text, sizeof(line->text) - ROOM_FOR_END,
                   format == RPW_LOG_TEXT
                       ? "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ %-5s %s"
                       : "{\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ\",\"level\":\"%s\",\"message\":\"%s\"",
                   utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                   now.tv_nsec / 1000000, rpw_log_level_name(level), message);
    line->len = (size_t)len;
}

void rpw_log_line_text(struct rpw_log_line *line, const char *key, struct rpw_span value)
{
    const size_t start = line->len;
    bool fits;

    if (value.ptr == NULL)
        return;
    fits = put_key(line, key);
    if (line->format == RPW_LOG_TEXT && is_plain(value))
        fits = fits && put(line, value.ptr, value.len);
    else
        fits = fits && put_quoted(line, value);
    if (!fits)
        line->len = start;
}

void rpw_log_line_number(struct rpw_log_line *line, const char *key, uint64_t value)
{
    char word[24];

    snprintf(word, sizeof(word), "%llu", (unsigned long long)value);
    add_word(line, key, word);
}

void rpw_log_line_bool(struct rpw_log_line *line, const char *key, bool value)
{
    add_word(line, key, value ? "true" : "false");
}

void rpw_log_line_milliseconds(struct rpw_log_line *line, const char *key, uint64_t nanoseconds)
{
    const unsigned long long microseconds = nanoseconds / 1000;
    char word[32];

    snprintf(word, sizeof(word), "%llu.%03llu", microseconds / 1000, microseconds % 1000);
    add_word(line, key, word);
}

void rpw_log_line_end(struct rpw_log_line *line)
{
    if (line->format == RPW_LOG_JSON)
        line->text[line->len++] = '}';
    line->text[line->len++] = '\n';
}
