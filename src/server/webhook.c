/* webhook.c - one request, from its headers to its log line.
 *
 * libmicrohttpd calls on_request once with the headers, then for each piece of the body, then once more when the body
 * is complete; on_completed follows when the answer is sent, or when the connection broke before. Between these calls
 * the request lives in its connection. The answer is copied into the buffer that held the body: nobody reads the body
 * any more.
 */
#include "webhook.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "endpoint.h"
#include "framing.h"
#include "refusal.h"

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static const char *header(struct MHD_Connection *mhd_connection, const char *name)
{
    return MHD_lookup_connection_value(mhd_connection, MHD_HEADER_KIND, name);
}

/* --- answering ---------------------------------------------------------------------------------------------------- */

struct answer {
    unsigned status;
    const char *content_type;
    struct rpw_span body;
    enum MHD_ResponseMemoryMode memory;
    bool has_allow;
    bool closes;
};

static enum MHD_Result send_answer(struct rpw_webhook *webhook, struct MHD_Connection *mhd_connection,
                                   struct rpw_connection *connection, const struct answer *answer)
{
    void *bytes = (void *)(uintptr_t)answer->body.ptr; /* only read, libmicrohttpd takes no const */
    struct MHD_Response *response = MHD_create_response_from_buffer(answer->body.len, bytes, answer->memory);
    enum MHD_Result result;

    if (response == NULL)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->content_type);
    if (answer->has_allow)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, MHD_HTTP_METHOD_POST);
    if (answer->closes || atomic_load_explicit(&webhook->is_draining, memory_order_relaxed))
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    connection->request.is_answered = true;
    rpw_connection_set_phase(connection, RPW_PHASE_ANSWER);
    result = MHD_queue_response(mhd_connection, answer->status, response);
    MHD_destroy_response(response);
    return result;
}

/* A request that says nothing of itself is told by where it came from. */
static void add_peer(struct rpw_log_line *line, const struct rpw_connection *connection)
{
    char peer[RPW_ADDRESS_TEXT_BYTES];

    rpw_address_format(&connection->peer, peer);
    rpw_log_line_text(line, "peer", rpw_span_of(peer));
}

static void log_refusal(const struct rpw_webhook *webhook, const struct rpw_connection *connection,
                        struct rpw_span text)
{
    const struct rpw_request *request = &connection->request;
    struct rpw_log_line line;

    if (!rpw_log_begin(webhook->log, &line, RPW_LOG_WARN, "request"))
        return;
    add_peer(&line, connection);
    rpw_log_line_text(&line, "outcome", rpw_span_of(rpw_outcome_name(RPW_OUTCOME_INVALID)));
    rpw_log_line_text(&line, "reason", rpw_span_of(rpw_refusal_reason(request->refusal)));
    rpw_log_line_number(&line, "status", rpw_refusal_status(request->refusal));
    rpw_log_line_text(&line, "detail", (struct rpw_span){text.ptr, text.len - 1});
    rpw_log_line_milliseconds(&line, "durationMs", now_ns() - request->started_ns);
    rpw_log_end(webhook->log, &line);
}

static enum MHD_Result send_refusal(struct rpw_webhook *webhook, struct MHD_Connection *mhd_connection,
                                    struct rpw_connection *connection, const char *found)
{
    struct rpw_request *request = &connection->request;
    char text[RPW_REFUSAL_TEXT_BYTES];
    const struct answer answer = {
        .status = rpw_refusal_status(request->refusal),
        .content_type = "text/plain; charset=utf-8",
        .body = {text, rpw_refusal_text(request->refusal, found, text)},
        .memory = MHD_RESPMEM_MUST_COPY,
        .has_allow = request->refusal == RPW_REFUSAL_METHOD,
        .closes = rpw_refusal_closes(request->refusal),
    };

    log_refusal(webhook, connection, answer.body);
    return send_answer(webhook, mhd_connection, connection, &answer);
}

static enum rpw_log_level level_of(const struct rpw_result *result)
{
    if (result->http_status >= 500)
        return RPW_LOG_ERROR;
    if (result->outcome == RPW_OUTCOME_REJECTED || result->outcome == RPW_OUTCOME_INVALID)
        return RPW_LOG_WARN;
    return RPW_LOG_INFO;
}

static void log_result(const struct rpw_webhook *webhook, const struct rpw_request *request,
                       const struct rpw_result *result)
{
    struct rpw_log_line line;

    if (!rpw_log_begin(webhook->log, &line, level_of(result), "request"))
        return;
    rpw_log_line_text(&line, "uid", result->uid);
    rpw_log_line_text(&line, "namespace", result->namespace_);
    rpw_log_line_text(&line, "pod", result->pod_name);
    rpw_log_line_text(&line, "ownerKind", result->owner_kind);
    rpw_log_line_text(&line, "owner", result->owner_name);
    if (result->policy != NULL)
        rpw_log_line_text(&line, "policy", result->policy->name);
    rpw_log_line_text(&line, "outcome", rpw_span_of(rpw_outcome_name(result->outcome)));
    rpw_log_line_text(&line, "reason", rpw_span_of(rpw_reason_name(result->reason)));
    rpw_log_line_number(&line, "status", result->http_status);
    rpw_log_line_number(&line, "operations", result->operation_count);
    rpw_log_line_bool(&line, "dryRun", result->is_dry_run);
    rpw_log_line_milliseconds(&line, "durationMs", now_ns() - request->started_ns);
    rpw_log_line_text(&line, "detail", result->message);
    rpw_log_end(webhook->log, &line);
}

/* Takes the answer out of the arena into the connection's buffer, in place of the body; instead of a far too large
 * buffer it gets one of its own, so that who is slow to take an answer does not hold a huge body's share of the budget.
 * The result's spans may point into the body, so they are logged before. False when the budget has no room. */
static bool keep_answer(struct rpw_webhook *webhook, struct rpw_connection *connection, const struct rpw_result *result)
{
    const struct rpw_span answer = result->body;
    const size_t capacity = connection->body.capacity;
    const bool has_room = answer.len <= capacity;
    const bool is_wasteful = capacity > RPW_BODY_KEPT_BYTES && answer.len <= capacity / 2;
    struct rpw_body own = {NULL, 0, 0};

    if ((!has_room || is_wasteful) &&
        rpw_body_append(&own, &webhook->budget, RPW_ARENA_BYTES, answer.ptr, answer.len)) {
        log_result(webhook, &connection->request, result);
        rpw_body_done(&connection->body, &webhook->budget);
        connection->body = own;
        return true;
    }
    if (!has_room)
        return false;
    log_result(webhook, &connection->request, result);
    memcpy(connection->body.bytes, answer.ptr, answer.len);
    connection->body.len = answer.len;
    return true;
}

static enum MHD_Result send_result(struct rpw_webhook *webhook, struct MHD_Connection *mhd_connection,
                                   struct rpw_connection *connection)
{
    struct rpw_arena *arena = rpw_arena_pool_take(&webhook->arenas);
    const struct rpw_span body = {connection->body.len > 0 ? connection->body.bytes : "", connection->body.len};
    struct answer answer = {.memory = MHD_RESPMEM_PERSISTENT};
    struct rpw_result result;
    char content_type[64];
    bool is_kept;

    if (arena == NULL)
        return MHD_NO;
    webhook->answer(arena, webhook->policies, body, &result);
    answer.status = result.http_status;
    answer.content_type = content_type;
    snprintf(content_type, sizeof(content_type), "%.*s", (int)result.content_type.len, result.content_type.ptr);
    is_kept = keep_answer(webhook, connection, &result);
    rpw_arena_pool_give(&webhook->arenas, arena);
    if (!is_kept) {
        connection->request.refusal = RPW_REFUSAL_BUDGET;
        return send_refusal(webhook, mhd_connection, connection, NULL);
    }
    answer.body = (struct rpw_span){connection->body.bytes, connection->body.len};
    return send_answer(webhook, mhd_connection, connection, &answer);
}

/* --- receiving ---------------------------------------------------------------------------------------------------- */

/* "application/json", with or without parameters. */
static bool is_json(const char *content_type)
{
    static const char expected[] = "application/json";
    const size_t len = sizeof(expected) - 1;

    if (content_type == NULL || strncasecmp(content_type, expected, len) != 0)
        return false;
    content_type += len;
    content_type += strspn(content_type, " \t");
    return *content_type == '\0' || *content_type == ';';
}

static enum rpw_refusal check_headers(struct MHD_Connection *mhd_connection, const char *path, const char *method,
                                      uint64_t announced)
{
    if (strcmp(path, RPW_WEBHOOK_PATH) != 0)
        return RPW_REFUSAL_NOT_FOUND;
    if (strcmp(method, MHD_HTTP_METHOD_POST) != 0)
        return RPW_REFUSAL_METHOD;
    if (!is_json(header(mhd_connection, MHD_HTTP_HEADER_CONTENT_TYPE)))
        return RPW_REFUSAL_CONTENT_TYPE;
    if (announced > RPW_MAX_BODY_BYTES)
        return RPW_REFUSAL_TOO_LARGE;
    return RPW_REFUSAL_NONE;
}

static enum MHD_Result begin_request(struct rpw_webhook *webhook, struct MHD_Connection *mhd_connection,
                                     struct rpw_connection *connection, const char *path, const char *method)
{
    struct rpw_framing framing;
    const char *error;

    connection->request = (struct rpw_request){.started_ns = now_ns()};
    rpw_connection_set_phase(connection, RPW_PHASE_BODY);
    rpw_framing_read(mhd_connection, &framing);
    error = rpw_framing_error(&framing);
    if (error != NULL) {
        connection->request.refusal = RPW_REFUSAL_FRAMING;
        return send_refusal(webhook, mhd_connection, connection, error);
    }
    connection->request.refusal = check_headers(mhd_connection, path, method, framing.length);
    return MHD_YES;
}

static enum MHD_Result receive(struct rpw_webhook *webhook, struct rpw_connection *connection, const char *bytes,
                               size_t len)
{
    struct rpw_request *request = &connection->request;

    request->received += len;
    if (request->received > RPW_SWALLOW_BYTES)
        return MHD_NO;
    if (request->refusal == RPW_REFUSAL_NONE && request->received > RPW_MAX_BODY_BYTES)
        request->refusal = RPW_REFUSAL_TOO_LARGE;
    else if (request->refusal == RPW_REFUSAL_NONE &&
             !rpw_body_append(&connection->body, &webhook->budget, RPW_MAX_BODY_BYTES, bytes, len))
        request->refusal = RPW_REFUSAL_BUDGET;
    if (request->refusal != RPW_REFUSAL_NONE)
        rpw_body_done(&connection->body, &webhook->budget); /* others can use it */
    return MHD_YES;
}

enum MHD_Result rpw_webhook_on_request(void *context, struct MHD_Connection *mhd_connection, const char *path,
                                       const char *method, const char *version, const char *bytes, size_t *len,
                                       void **request_context)
{
    struct rpw_webhook *webhook = context;
    struct rpw_connection *connection = *request_context;
    const char *found = NULL;

    (void)version;
    if (connection == NULL) {
        connection = rpw_endpoint_connection(mhd_connection);
        *request_context = connection;
        return begin_request(webhook, mhd_connection, connection, path, method);
    }
    if (*len > 0) {
        const size_t received = *len;

        *len = 0;
        return receive(webhook, connection, bytes, received);
    }
    if (connection->request.refusal == RPW_REFUSAL_NONE)
        return send_result(webhook, mhd_connection, connection);
    if (connection->request.refusal == RPW_REFUSAL_NOT_FOUND)
        found = path;
    else if (connection->request.refusal == RPW_REFUSAL_METHOD)
        found = method;
    else if (connection->request.refusal == RPW_REFUSAL_CONTENT_TYPE)
        found = header(mhd_connection, MHD_HTTP_HEADER_CONTENT_TYPE);
    return send_refusal(webhook, mhd_connection, connection, found);
}

void rpw_webhook_on_completed(void *context, struct MHD_Connection *mhd_connection, void **request_context,
                              enum MHD_RequestTerminationCode code)
{
    struct rpw_webhook *webhook = context;
    struct rpw_connection *connection = *request_context;
    struct rpw_log_line line;

    (void)mhd_connection;
    if (connection == NULL)
        return;
    if (code != MHD_REQUEST_TERMINATED_COMPLETED_OK &&
        rpw_log_begin(webhook->log, &line, RPW_LOG_WARN,
                      connection->request.is_answered ? "answer not taken" : "request broken off")) {
        add_peer(&line, connection);
        rpw_log_line_number(&line, "receivedBytes", connection->request.received);
        rpw_log_line_milliseconds(&line, "durationMs", now_ns() - connection->request.started_ns);
        rpw_log_end(webhook->log, &line);
    }
    rpw_body_reset(&connection->body, &webhook->budget);
    rpw_connection_set_phase(connection, RPW_PHASE_IDLE);
}
