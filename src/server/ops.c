/* ops.c - answers the probes and the scrapes. */
#include "ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "endpoint.h"

enum { BODY_BYTES_MAX = 4096 /* nothing here takes a body; who sends a long one is cut off */ };

/* Whether requests can be served; text gets the one line that says so. */
static bool judge(const struct rpw_ops *ops, const struct rpw_credential *credential, time_t now, char *text,
                  size_t size)
{
    char when[RPW_CLOCK_TEXT_BYTES];

    if (atomic_load(ops->is_draining)) {
        snprintf(text, size, "draining: this process is about to end");
        return false;
    }
    if (credential == NULL) {
        snprintf(text, size, "waiting for the serving certificate");
        return false;
    }
    if (now > credential->not_after) {
        rpw_clock_format(credential->not_after, when);
        snprintf(text, size, "the serving certificate expired at %s", when);
        return false;
    }
    if (now < credential->not_before) {
        rpw_clock_format(credential->not_before, when);
        snprintf(text, size, "the serving certificate is valid only from %s", when);
        return false;
    }
    snprintf(text, size, "ok");
    return true;
}

bool rpw_ops_is_ready(const struct rpw_ops *ops, time_t now, char text[RPW_READINESS_TEXT_BYTES])
{
    struct rpw_reload *reload = ops->sources.reload;
    struct rpw_credential *credential = (struct rpw_credential *)rpw_current_ref(&reload->credential);
    const bool is_ready = judge(ops, credential, now, text, RPW_READINESS_TEXT_BYTES);
    char failure[RPW_RELOAD_TEXT_BYTES];
    size_t len = strlen(text);

    for (unsigned i = 0; i < RPW_RELOAD_PART_COUNT; i++) {
        const enum rpw_reload_part part = (enum rpw_reload_part)i;

        if (rpw_reload_failure(reload, part, failure))
            len += (size_t)snprintf(text + len, RPW_READINESS_TEXT_BYTES - len, "\n%s: %s", rpw_reload_part_name(part),
                                    failure);
    }
    rpw_credential_unref(credential);
    return is_ready;
}

struct answer {
    unsigned status;
    char text[RPW_READINESS_TEXT_BYTES]; /* without the newline at its end */
    char *metrics;                       /* malloc'd: then this is sent */
    size_t metrics_len;
};

static void fill_answer(const struct rpw_ops *ops, const char *path, const char *method, struct answer *answer)
{
    const bool is_health = strcmp(path, "/healthz") == 0;
    const bool is_ready = strcmp(path, "/readyz") == 0;

    if (!is_health && !is_ready && strcmp(path, "/metrics") != 0) {
        answer->status = MHD_HTTP_NOT_FOUND;
        snprintf(answer->text, sizeof(answer->text), "not found: expected /healthz, /readyz or /metrics");
    } else if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        answer->status = MHD_HTTP_METHOD_NOT_ALLOWED;
        snprintf(answer->text, sizeof(answer->text), "method not allowed: expected GET");
    } else if (is_ready) {
        answer->status = rpw_ops_is_ready(ops, time(NULL), answer->text) ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
    } else if (is_health) {
        answer->status = MHD_HTTP_OK;
        snprintf(answer->text, sizeof(answer->text), "ok");
    } else {
        answer->metrics = rpw_metrics_text(&ops->sources, &answer->metrics_len);
        answer->status = answer->metrics != NULL ? MHD_HTTP_OK : MHD_HTTP_INTERNAL_SERVER_ERROR;
        snprintf(answer->text, sizeof(answer->text), "out of memory");
    }
}

static enum MHD_Result send_answer(struct MHD_Connection *mhd_connection, struct answer *answer)
{
    char lines[RPW_READINESS_TEXT_BYTES + 1];
    const int len = snprintf(lines, sizeof(lines), "%s\n", answer->text);
    struct MHD_Response *response =
        answer->metrics != NULL
            ? MHD_create_response_from_buffer(answer->metrics_len, answer->metrics, MHD_RESPMEM_MUST_FREE)
            : MHD_create_response_from_buffer((size_t)len, lines, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result result;

    if (response == NULL) {
        free(answer->metrics);
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                            answer->metrics != NULL ? RPW_METRICS_CONTENT_TYPE : "text/plain; charset=utf-8");
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    if (answer->status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    result = MHD_queue_response(mhd_connection, answer->status, response);
    MHD_destroy_response(response);
    return result;
}

enum MHD_Result rpw_ops_on_request(void *context, struct MHD_Connection *mhd_connection, const char *path,
                                   const char *method, const char *version, const char *bytes, size_t *len,
                                   void **request_context)
{
    const struct rpw_ops *ops = context;
    struct rpw_connection *connection = *request_context;
    struct answer answer = {.status = 0};
    struct rpw_log_line line;

    (void)version;
    (void)bytes;
    if (connection == NULL) {
        connection = rpw_endpoint_connection(mhd_connection);
        connection->request = (struct rpw_request){0};
        *request_context = connection;
        rpw_connection_set_phase(connection, RPW_PHASE_BODY);
        return MHD_YES;
    }
    if (*len > 0) {
        connection->request.received += *len;
        *len = 0;
        return connection->request.received > BODY_BYTES_MAX ? MHD_NO : MHD_YES;
    }
    fill_answer(ops, path, method, &answer);
    if (rpw_log_begin(ops->log, &line, RPW_LOG_DEBUG, "operations request")) {
        rpw_log_line_text(&line, "path", rpw_span_of(path));
        rpw_log_line_number(&line, "status", answer.status);
        if (answer.metrics == NULL)
            rpw_log_line_text(&line, "detail", rpw_span_of(answer.text));
        rpw_log_end(ops->log, &line);
    }
    rpw_connection_set_phase(connection, RPW_PHASE_ANSWER);
    return send_answer(mhd_connection, &answer);
}

void rpw_ops_on_completed(void *context, struct MHD_Connection *mhd_connection, void **request_context,
                          enum MHD_RequestTerminationCode code)
{
    struct rpw_connection *connection = *request_context;

    (void)context;
    (void)mhd_connection;
    (void)code;
    if (connection != NULL)
        rpw_connection_set_phase(connection, RPW_PHASE_IDLE);
}
