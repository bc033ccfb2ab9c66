/* report.c - collects findings by byte offset and draws them with their line and a caret.
 *
 * Findings arrive in the order in which the loader looks, which is not the order of the file; they are sorted when they
 * are rendered. A line is shown as a window of characters around the finding, so that one enormous line stays readable,
 * and a byte that a terminal should not get is shown as '?'.
 */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "utf8.h"

#define MAX_MESSAGE_BYTES 1024
#define WINDOW_CHARACTERS 100
#define WINDOW_LEAD 40 /* of them, what is shown in front of the finding when a line is too long */

struct rpw_finding {
    struct rpw_place place;
    bool is_error;
    const char *message;
};

void rpw_report_init(struct rpw_report *report, struct rpw_pool *pool, const char *name, struct rpw_span text)
{
    *report = (struct rpw_report){.pool = pool, .name = name, .text = text};
}

/* What stands behind an anchor is looked at once for every alias, and reported once. */
static bool is_known(const struct rpw_report *report, size_t offset, const char *message)
{
    for (size_t i = 0; i < report->finding_count; i++)
        if (report->findings[i].place.offset == offset && strcmp(report->findings[i].message, message) == 0)
            return true;
    return false;
}

static void add(struct rpw_report *report, struct rpw_finding finding)
{
    size_t end = report->text.len;

    if (finding.is_error)
        report->has_errors = true;
    finding.place.offset = finding.place.offset < end ? finding.place.offset : end;
    if (is_known(report, finding.place.offset, finding.message))
        return;
    if (report->finding_count == RPW_REPORT_MAX_SHOWN) {
        report->hidden_count++;
        return;
    }
    if (!report->findings)
        report->findings = rpw_pool_alloc(report->pool, RPW_REPORT_MAX_SHOWN * sizeof(*report->findings));
    finding.message = rpw_pool_copy(report->pool, rpw_span_of(finding.message)).ptr;
    if (report->findings && finding.message)
        report->findings[report->finding_count++] = finding;
}

/* The character at *at, which moves on; what a terminal should not get is '?'. A tab counts as visible. */
static struct rpw_span next_visible(struct rpw_span text, size_t *at)
{
    struct rpw_span rest = {text.ptr + *at, text.len - *at};
    size_t length = rpw_utf8_length(rest);

    *at += length > 0 ? length : 1;
    if (length == 0 || (rpw_utf8_control(rest) >= 0 && rest.ptr[0] != '\t'))
        return RPW_LIT("?");
    return (struct rpw_span){rest.ptr, length};
}

/* Libraries cut what they quote, in the middle of a character too. */
static void make_visible(char *message)
{
    struct rpw_span text = rpw_span_of(message);
    size_t at = 0, len = 0;

    while (at < text.len) {
        struct rpw_span character = next_visible(text, &at);

        memmove(message + len, character.ptr, character.len);
        len += character.len;
    }
    message[len] = '\0';
}

/* A finding whose message is yet to be written. */
__attribute__((format(printf, 3, 0))) static void add_formatted(struct rpw_report *report, struct rpw_finding finding,
                                                                const char *format, va_list arguments)
{
    char message[MAX_MESSAGE_BYTES];

    vsnprintf(message, sizeof(message), format, arguments);
    make_visible(message);
    finding.message = message;
    add(report, finding);
}

void rpw_report_error(struct rpw_report *report, struct rpw_place place, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add_formatted(report, (struct rpw_finding){.place = place, .is_error = true}, format, arguments);
    va_end(arguments);
}

void rpw_report_warning(struct rpw_report *report, struct rpw_place place, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add_formatted(report, (struct rpw_finding){.place = place}, format, arguments);
    va_end(arguments);
}

size_t rpw_report_line(const struct rpw_report *report, size_t offset)
{
    size_t line = 1;

    for (size_t i = 0; i < offset; i++)
        if (report->text.ptr[i] == '\n')
            line++;
    return line;
}

const char *rpw_report_quote(struct rpw_report *report, struct rpw_span text, size_t max_bytes)
{
    struct rpw_buffer quoted = {.pool = report->pool};
    size_t at = 0;

    rpw_buffer_append_char(&quoted, '\'');
    while (at < text.len && at < max_bytes)
        rpw_buffer_append(&quoted, next_visible(text, &at));
    rpw_buffer_append(&quoted, at < text.len ? rpw_span_of("...'") : rpw_span_of("'"));
    rpw_buffer_append(&quoted, (struct rpw_span){"", 1}); /* the NUL */
    return report->pool->has_failed ? "" : quoted.ptr;
}

/* A finding's line, and where in it the finding is, in characters. */
struct view {
    struct rpw_span line;
    size_t number;
    size_t column; /* from 0 */
    size_t width;  /* of the finding, at least 1 */
};

static size_t count_characters(struct rpw_span text)
{
    size_t count = 0;

    for (size_t at = 0; at < text.len; count++)
        next_visible(text, &at);
    return count;
}

static struct view view_of(const struct rpw_report *report, struct rpw_place place)
{
    const char *text = report->text.ptr;
    size_t start = place.offset, end = place.offset, last;
    struct view view;

    while (start > 0 && text[start - 1] != '\n')
        start--;
    while (end < report->text.len && text[end] != '\n' && text[end] != '\r')
        end++;
    last = place.length < end - place.offset ? place.offset + place.length : end;
    view.line = (struct rpw_span){text + start, end - start};
    view.number = rpw_report_line(report, place.offset);
    view.column = count_characters((struct rpw_span){text + start, place.offset - start});
    view.width = count_characters((struct rpw_span){text + place.offset, last - place.offset});
    if (view.width == 0)
        view.width = 1;
    return view;
}

static void draw_line(FILE *out, const struct view *view)
{
    size_t first =
        view->column + view->width > WINDOW_CHARACTERS && view->column > WINDOW_LEAD ? view->column - WINDOW_LEAD : 0;
    size_t character = 0, shown_end = first + WINDOW_CHARACTERS;

    fprintf(out, "%5zu | %s", view->number, first > 0 ? "..." : "");
    for (size_t at = 0; at < view->line.len && character < shown_end; character++) {
        struct rpw_span c = next_visible(view->line, &at);

        if (character >= first)
            fwrite(c.ptr, 1, c.len, out);
    }
    fprintf(out, "%s\n      | %s", count_characters(view->line) > shown_end ? "..." : "", first > 0 ? "   " : "");

    character = 0;
    for (size_t at = 0; at < view->line.len && character < view->column; character++) {
        struct rpw_span c = next_visible(view->line, &at);

        if (character >= first)
            fputc(c.ptr[0] == '\t' ? '\t' : ' ', out);
    }
    fputc('^', out);
    for (size_t i = 1; i < view->width && view->column + i < shown_end; i++)
        fputc('~', out);
    fputc('\n', out);
}

static int by_place(const void *left, const void *right)
{
    const struct rpw_finding *a = left, *b = right;

    if (a->place.offset != b->place.offset)
        return a->place.offset < b->place.offset ? -1 : 1;
    return strcmp(a->message, b->message);
}

char *rpw_report_render(const struct rpw_report *report)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    if (report->finding_count > 0)
        qsort(report->findings, report->finding_count, sizeof(*report->findings), by_place);
    for (size_t i = 0; i < report->finding_count; i++) {
        const struct rpw_finding *finding = &report->findings[i];
        struct view view = view_of(report, finding->place);

        fprintf(out, "%s:%zu:%zu: %s: %s\n", report->name, view.number, view.column + 1,
                finding->is_error ? "error" : "warning", finding->message);
        draw_line(out, &view);
    }
    if (report->hidden_count > 0)
        fprintf(out, "%s: and %zu more\n", report->name, report->hidden_count);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
