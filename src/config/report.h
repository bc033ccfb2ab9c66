/* report.h - what is wrong with a configuration file, collected and then shown the way a compiler does.
 *
 *     policy.yaml:7:11: error: path: found 'opt/policy', expected an absolute path
 *       7 |     path: opt/policy
 *         |           ^~~~~~~~~~
 *
 * Lines and columns count from 1, columns in characters. Memory: the report borrows name, text and pool; the rendered
 * text is malloc's. Limit: RPW_REPORT_MAX_SHOWN findings are shown, the rest is counted.
 */
#ifndef RPW_REPORT_H
#define RPW_REPORT_H

#include "pool.h"

#define RPW_REPORT_MAX_SHOWN 100

/* Bytes of the file. length 0 is a point, for what is missing. */
struct rpw_place {
    size_t offset;
    size_t length;
};

struct rpw_finding;

struct rpw_report {
    struct rpw_pool *pool;
    const char *name; /* of the file */
    struct rpw_span text;
    struct rpw_finding *findings; /* RPW_REPORT_MAX_SHOWN, allocated by the first */
    size_t finding_count;
    size_t hidden_count;
    bool has_errors;
};

void rpw_report_init(struct rpw_report *report, struct rpw_pool *pool, const char *name, struct rpw_span text);

void rpw_report_error(struct rpw_report *report, struct rpw_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void rpw_report_warning(struct rpw_report *report, struct rpw_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* All findings in the order of the file, lines ending in '\n'; "" when there are none. NULL when memory is short. */
RPW_MUST_CHECK char *rpw_report_render(const struct rpw_report *report);

/* The line that holds offset, counted from 1. */
size_t rpw_report_line(const struct rpw_report *report, size_t offset);

/* Shows at most max_bytes of text in single quotes, with what cannot be printed replaced; "..." stands for the rest. */
const char *rpw_report_quote(struct rpw_report *report, struct rpw_span text, size_t max_bytes);

#endif
