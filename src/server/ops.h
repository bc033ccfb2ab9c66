/* ops.h - the operations endpoint: plain HTTP for the kubelet, on a port of its own.
 *
 *     GET /healthz   200 "ok" while the process lives
 *     GET /readyz    200 "ok" when requests can be served, else 503 and the reason. Either may be followed by lines
 *                    that say which part on disk could not be loaded, so that an older one is in use
 *     GET /metrics   200 and the text that Prometheus scrapes
 *
 * HEAD is answered too; other methods get 405, other paths 404. Every answer ends its connection, and connections and
 * their time are bounded, so no client of this port can keep a probe or the end of the process waiting.
 * Threads: shared by all workers, and not changed after it was set up.
 */
#ifndef RPW_OPS_H
#define RPW_OPS_H

#include <microhttpd.h>
#include <stdatomic.h>

#include "log.h"
#include "metrics_text.h"

#define RPW_OPS_MAX_CONNECTIONS 256
#define RPW_OPS_HEADERS_TIMEOUT_MS 1000 /* a probe says what it wants as soon as it is connected */
#define RPW_OPS_TIMEOUT_MS 5000

/* The verdict, and a line for each part that could not be loaded. */
#define RPW_READINESS_TEXT_BYTES (128 + RPW_RELOAD_PART_COUNT * (RPW_RELOAD_TEXT_BYTES + 32))

struct rpw_ops {
    const struct rpw_log *log;
    struct rpw_metrics_sources sources;
    const _Atomic bool *is_draining;
};

/* Whether requests can be served at the time now; if not, the first line of text says why. Further lines are failures
 * to load. The last line has no end. */
bool rpw_ops_is_ready(const struct rpw_ops *ops, time_t now, char text[RPW_READINESS_TEXT_BYTES]);

/* For struct rpw_endpoint_options; context is the struct rpw_ops. */
enum MHD_Result rpw_ops_on_request(void *context, struct MHD_Connection *mhd_connection, const char *path,
                                   const char *method, const char *version, const char *bytes, size_t *len,
                                   void **request_context);
void rpw_ops_on_completed(void *context, struct MHD_Connection *mhd_connection, void **request_context,
                          enum MHD_RequestTerminationCode code);

#endif
