/* line_diff.c - Myers' greedy algorithm ("An O(ND) Difference Algorithm and Its Variations", 1986).
 *
 * Diagonal k = x - y; reach[k] is the furthest x that d edits lead to. Each d's row is kept, so that the way back from the
 * end can mark the lines that were removed and added; hunks are then read off the marks.
 */
#include "line_diff.h"

#include <stdlib.h>

#define CONTEXT 3

struct line {
    struct rpw_span text; /* its end included */
    bool is_changed;
};

struct lines {
    struct line *items;
    size_t count;
};

static bool split(struct rpw_span text, struct lines *ret_lines)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == '\n' || i + 1 == text.len;
    struct line *items = calloc(count + 1, sizeof(*items));
    if (!items)
        return false;
    for (size_t i = 0, at = 0; i < count; i++) {
        const char *end = memchr(text.ptr + at, '\n', text.len - at);
        size_t next = end ? (size_t)(end - text.ptr) + 1 : text.len;

        items[i].text = (struct rpw_span){text.ptr + at, next - at};
        at = next;
    }
    *ret_lines = (struct lines){items, count};
    return true;
}

/* --- which lines differ ---------------------------------------------------------------------------------------------- */

/* The lines between the common beginning and end. */
struct middle {
    struct line *old, *new_;
    int old_count, new_count;
};

static bool is_same(const struct middle *middle, int x, int y)
{
    return rpw_span_equal(middle->old[x].text, middle->new_[y].text);
}

static void mark_all(struct middle *middle)
{
    for (int x = 0; x < middle->old_count; x++)
        middle->old[x].is_changed = true;
    for (int y = 0; y < middle->new_count; y++)
        middle->new_[y].is_changed = true;
}

/* Whether the step to diagonal k comes from k + 1, an addition, and not from k - 1, a removal. row: of one edit less. */
static bool comes_from_above(const int *row, int k, int d)
{
    return k == -d || (k != d && row[k - 1] < row[k + 1]);
}

/* The rows of d = 0, 1 ...; rows[d] points to diagonal 0 of a row of 2d + 3. Returns the d that reaches the end, -1 without
 * memory, RPW_LINE_DIFF_MAX_EDITS when it is too far away. */
static int search(const struct middle *middle, int **rows)
{
    for (int d = 0; d < RPW_LINE_DIFF_MAX_EDITS; d++) {
        int *row = calloc(2 * (size_t)d + 3, sizeof(*row));

        if (!row)
            return -1;
        rows[d] = row + d + 1;
        for (int k = -d; k <= d; k += 2) {
            int x = d == 0 ? 0 : comes_from_above(rows[d - 1], k, d) ? rows[d - 1][k + 1] : rows[d - 1][k - 1] + 1;

            while (x < middle->old_count && x - k < middle->new_count && is_same(middle, x, x - k))
                x++;
            rows[d][k] = x;
            if (x >= middle->old_count && x - k >= middle->new_count)
                return d;
        }
    }
    return RPW_LINE_DIFF_MAX_EDITS;
}

static void mark_way_back(struct middle *middle, int **rows, int d)
{
    int k = middle->old_count - middle->new_count;

    for (; d > 0; d--) {
        const int *row = rows[d - 1];

        if (comes_from_above(row, k, d)) {
            k++;
            middle->new_[row[k] - k].is_changed = true;
        } else {
            k--;
            middle->old[row[k]].is_changed = true;
        }
    }
}

static bool mark_changes(struct lines *old, struct lines *new_)
{
    size_t start = 0, shorter = old->count < new_->count ? old->count : new_->count, end = 0;
    int *rows[RPW_LINE_DIFF_MAX_EDITS] = {NULL}, d;

    while (start < shorter && rpw_span_equal(old->items[start].text, new_->items[start].text))
        start++;
    while (end < shorter - start &&
           rpw_span_equal(old->items[old->count - 1 - end].text, new_->items[new_->count - 1 - end].text))
        end++;
    struct middle middle = {old->items + start, new_->items + start, (int)(old->count - start - end),
                            (int)(new_->count - start - end)};
    d = search(&middle, rows);
    if (d == RPW_LINE_DIFF_MAX_EDITS)
        mark_all(&middle);
    else if (d >= 0)
        mark_way_back(&middle, rows, d);
    for (int i = 0; i < RPW_LINE_DIFF_MAX_EDITS && rows[i]; i++)
        free(rows[i] - i - 1);
    return d >= 0;
}

/* --- hunks ----------------------------------------------------------------------------------------------------------- */

struct printer {
    FILE *out;
    bool is_coloured;
    const struct lines *old, *new_;
    size_t old_first, new_first; /* numbers of the first lines */
};

static void print_line(const struct printer *printer, const char *colour, char sign, struct rpw_span text)
{
    bool has_end = text.len > 0 && text.ptr[text.len - 1] == '\n';

    fprintf(printer->out, "%s%c", printer->is_coloured ? colour : "", sign);
    fwrite(text.ptr, 1, text.len - has_end, printer->out);
    fputs(printer->is_coloured && colour[0] != '\0' ? "\033[0m\n" : "\n", printer->out);
    if (!has_end)
        fputs("\\ No newline at end of file\n", printer->out);
}

/* "12,3": where a hunk begins and how many lines it has; an empty one stands behind a line. */
static void print_range(const struct printer *printer, char sign, size_t first, size_t count)
{
    fprintf(printer->out, " %c%zu", sign, count == 0 ? first - 1 : first);
    if (count != 1)
        fprintf(printer->out, ",%zu", count);
}

/* Lines x to x_end of the old text and y to y_end of the new one. */
static void print_hunk(const struct printer *printer, size_t x, size_t x_end, size_t y, size_t y_end)
{
    fputs(printer->is_coloured ? "\033[36m@@" : "@@", printer->out);
    print_range(printer, '-', printer->old_first + x, x_end - x);
    print_range(printer, '+', printer->new_first + y, y_end - y);
    fputs(printer->is_coloured ? " @@\033[0m\n" : " @@\n", printer->out);
    while (x < x_end || y < y_end) {
        if (x < x_end && printer->old->items[x].is_changed)
            print_line(printer, "\033[31m", '-', printer->old->items[x++].text);
        else if (y < y_end && printer->new_->items[y].is_changed)
            print_line(printer, "\033[32m", '+', printer->new_->items[y++].text);
        else
            print_line(printer, "", ' ', (y++, printer->old->items[x++].text));
    }
}

static bool is_changed_at(const struct lines *lines, size_t at)
{
    return at < lines->count && lines->items[at].is_changed;
}

/* Walks both texts together; a hunk ends where more than twice the context is alike. */
static void print_hunks(const struct printer *printer)
{
    size_t x = 0, y = 0;

    while (x < printer->old->count || y < printer->new_->count) {
        size_t lead, x_start, y_start, alike = 0;

        if (!is_changed_at(printer->old, x) && !is_changed_at(printer->new_, y)) {
            x++;
            y++;
            continue;
        }
        lead = x < CONTEXT ? x : CONTEXT;
        x_start = x - lead;
        y_start = y - lead;
        while (alike <= 2 * (size_t)CONTEXT && (x < printer->old->count || y < printer->new_->count)) {
            bool is_removed = is_changed_at(printer->old, x), is_added = is_changed_at(printer->new_, y);

            alike = is_removed || is_added ? 0 : alike + 1;
            x += is_removed || !is_added;
            y += !is_removed;
        }
        size_t surplus = alike > CONTEXT ? alike - CONTEXT : 0;
        print_hunk(printer, x_start, x - surplus, y_start, y - surplus);
    }
}

static bool has_changes(const struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        if (lines->items[i].is_changed)
            return true;
    return false;
}

bool rpw_line_diff_write(FILE *out, const struct rpw_diff_side *old, const struct rpw_diff_side *new_, bool is_coloured)
{
    struct lines old_lines = {NULL, 0}, new_lines = {NULL, 0};
    struct printer printer = {out, is_coloured, &old_lines, &new_lines, old->first_line, new_->first_line};
    bool is_done =
        split(old->text, &old_lines) && split(new_->text, &new_lines) && mark_changes(&old_lines, &new_lines);

    if (is_done && (has_changes(&old_lines) || has_changes(&new_lines))) {
        fprintf(out, is_coloured ? "\033[1m--- %s\n+++ %s\033[0m\n" : "--- %s\n+++ %s\n", old->label, new_->label);
        print_hunks(&printer);
    }
    free(old_lines.items);
    free(new_lines.items);
    return is_done;
}
