/* metrics_text.h - all metrics of the process as Prometheus reads them: text format 0.0.4.
 *
 * docs/operations.md explains each metric and names the alert that it serves. No label takes values from outside but
 * `policy`, whose names are bounded (metrics.h).
 * Threads: any.
 */
#ifndef RPW_METRICS_TEXT_H
#define RPW_METRICS_TEXT_H

#include "endpoint.h"
#include "metrics.h"
#include "reload.h"

#define RPW_METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct rpw_metrics_sources {
    const struct rpw_metrics *metrics;
    const struct rpw_endpoint *endpoints[2];
    struct rpw_reload *reload;
};

/* The text, malloc'd for the caller to free; NULL when memory is short. */
RPW_MUST_CHECK char *rpw_metrics_text(const struct rpw_metrics_sources *sources, size_t *ret_len);

#endif
