/* ops.c - answers the probes. */
#include "ops.h"

#include <stdio.h>
#include <string.h>

#include "endpoint.h"

enum { BODY_BYTES_MAX = 4096 /* nothing here takes a body; who sends a long one is cut off */ };

static void format_time(time_t time, char text[32])
{
    struct tm utc;

    gmtime_r(&time, &utc);
    strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

bool rpw_ops_is_ready(const struct rpw_ops *ops, time_t now, char text[RPW_READINESS_TEXT_BYTES])
{
    char when[32];

    if (atomic_load(ops->is_draining)) {
        snprintf(text, RPW_READINESS_TEXT_BYTES, "draining: this process is about to end");
        return false;
    }
    if (now > rpw_credential_not_after(ops->credential)) {
        format_time(rpw_credential_not_after(ops->credential), when);
        snprintf(text, RPW_READINESS_TEXT_BYTES, "the serving certificate expired at %s", when);
        return false;
    }
    if (now < rpw_credential_not_before(ops->credential)) {
        format_time(rpw_credential_not_before(ops->credential), when);
        snprintf(text, RPW_READINESS_TEXT_BYTES, "the serving certificate is valid only from %s", when);
        return false;
    }
    snprintf(text, RPW_READINESS_TEXT_BYTES, "ok");
    return true;
}

/* Writes the answer's text and returns its status. */
static unsigned answer_of(const struct rpw_ops *ops, const char *path, const char *method,
                          char text[RPW_READINESS_TEXT_BYTES])
{
    const bool is_health = strcmp(path, "/healthz") == 0;

    if (!is_health && strcmp(path, "/readyz") != 0) {
        snprintf(text, RPW_READINESS_TEXT_BYTES, "not found: expected /healthz or /readyz");
        return MHD_HTTP_NOT_FOUND;
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        snprintf(text, RPW_READINESS_TEXT_BYTES, "method not allowed: expected GET");
        return MHD_HTTP_METHOD_NOT_ALLOWED;
    }
    if (is_health) {
        snprintf(text, RPW_READINESS_TEXT_BYTES, "ok");
        return MHD_HTTP_OK;
    }
    return rpw_ops_is_ready(ops, time(NULL), text) ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
}

static enum MHD_Result send_text(struct MHD_Connection *mhd_connection, unsigned status,
                                 char text[RPW_READINESS_TEXT_BYTES])
{
    char line[RPW_READINESS_TEXT_BYTES + 1];
    const int len = snprintf(line, sizeof(line), "%s\n", text);
    struct MHD_Response *response = MHD_create_response_from_buffer((size_t)len, line, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result result;

    if (response == NULL)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; charset=utf-8");
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    result = MHD_queue_response(mhd_connection, status, response);
    MHD_destroy_response(response);
    return result;
}

enum MHD_Result rpw_ops_on_request(void *context, struct MHD_Connection *mhd_connection, const char *path,
                                   const char *method, const char *version, const char *bytes, size_t *len,
                                   void **request_context)
{
    const struct rpw_ops *ops = context;
    struct rpw_connection *connection = *request_context;
    char text[RPW_READINESS_TEXT_BYTES];
    struct rpw_log_line line;
    unsigned status;

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
    status = answer_of(ops, path, method, text);
    if (rpw_log_begin(ops->log, &line, RPW_LOG_DEBUG, "operations request")) {
        rpw_log_line_text(&line, "path", rpw_span_of(path));
        rpw_log_line_number(&line, "status", status);
        rpw_log_line_text(&line, "detail", rpw_span_of(text));
        rpw_log_end(ops->log, &line);
    }
    rpw_connection_set_phase(connection, RPW_PHASE_ANSWER);
    return send_text(mhd_connection, status, text);
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
