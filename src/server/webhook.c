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

#include "clock.h"
#include "endpoint.h"
#include "framing.h"
#include "refusal.h"

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

static bool is_last_request(const struct rpw_webhook *webhook, const struct rpw_connection *connection)
{
    return webhook->max_requests > 0 && connection->request_count >= webhook->max_requests;
}

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
    if (answer->closes || is_last_request(webhook, connection) ||
        atomic_load_explicit(webhook->is_draining, memory_order_relaxed))
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

static void record_refusal(const struct rpw_webhook *webhook, const struct rpw_connection *connection,
                           struct rpw_span text)
{
    const struct rpw_request *request = &connection->request;
    const uint64_t duration_ns = rpw_clock_ns() - request->started_ns;
    struct rpw_log_line line;

    rpw_metrics_count_refusal(webhook->metrics, request->refusal, duration_ns);
    if (!rpw_log_begin_for_client(webhook->log, &line, RPW_LOG_WARN, "request"))
        return;
    add_peer(&line, connection);
    rpw_log_line_text(&line, "outcome", rpw_span_of(rpw_outcome_name(RPW_OUTCOME_INVALID)));
    rpw_log_line_text(&line, "reason", rpw_span_of(rpw_refusal_reason(request->refusal)));
    rpw_log_line_number(&line, "status", rpw_refusal_status(request->refusal));
    rpw_log_line_text(&line, "detail", (struct rpw_span){text.ptr, text.len - 1});
    rpw_log_line_milliseconds(&line, "durationMs", duration_ns);
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

    record_refusal(webhook, connection, answer.body);
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

static void log_result(const struct rpw_webhook *webhook, const struct rpw_result *result, uint64_t duration_ns)
{
    const bool is_nonsense = result->outcome == RPW_OUTCOME_INVALID; /* not from an apiserver */
    struct rpw_log_line line;

    if (!(is_nonsense ? rpw_log_begin_for_client : rpw_log_begin)(webhook->log, &line, level_of(result), "request"))
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
    rpw_log_line_milliseconds(&line, "durationMs", duration_ns);
    rpw_log_line_text(&line, "detail", result->message);
    rpw_log_end(webhook->log, &line);
}

static void record_result(const struct rpw_webhook *webhook, const struct rpw_request *request,
                          const struct rpw_result *result, const struct rpw_policies *policies)
{
    const uint64_t duration_ns = rpw_clock_ns() - request->started_ns;

    rpw_metrics_count_answer(webhook->metrics, result->reason, duration_ns);
    if (result->outcome == RPW_OUTCOME_PATCHED)
        rpw_metrics_count_injection(webhook->metrics,
                                    policies->counters[result->policy - policies->parsed.set->policies]);
    log_result(webhook, result, duration_ns);
}

/* Finds room for an answer: where the body is, which nobody reads any more, or, when that is too small or far too
 * large, in a copy of its own (so that who is slow to take an answer does not hold a huge body's share of the budget).
 * False when the budget has no room. */
static bool find_room(struct rpw_webhook *webhook, const struct rpw_body *body, struct rpw_span answer,
                      struct rpw_body *ret_copy)
{
    const bool has_room = answer.len <= body->capacity;
    const bool is_wasteful = body->capacity > RPW_BODY_KEPT_BYTES && answer.len <= body->capacity / 2;

    if (has_room && !is_wasteful)
        return true;
    return rpw_body_append(ret_copy, &webhook->budget, RPW_ARENA_BYTES, answer.ptr, answer.len) || has_room;
}

/* Puts the answer in the body's place. */
static void keep_answer(struct rpw_webhook *webhook, struct rpw_body *body, struct rpw_span answer,
                        const struct rpw_body *copy)
{
    if (copy->bytes != NULL) {
        rpw_body_done(body, &webhook->budget);
        *body = *copy;
        return;
    }
    memcpy(body->bytes, answer.ptr, answer.len);
    body->len = answer.len;
}

static enum MHD_Result send_result(struct rpw_webhook *webhook, struct MHD_Connection *mhd_connection,
                                   struct rpw_connection *connection)
{
    struct rpw_arena *arena = rpw_arena_pool_take(&webhook->arenas);
    const struct rpw_span body = {connection->body.len > 0 ? connection->body.bytes : "", connection->body.len};
    struct answer answer = {.memory = MHD_RESPMEM_PERSISTENT};
    struct rpw_body copy = {NULL, 0, 0};
    struct rpw_policies *policies;
    struct rpw_result result;
    char content_type[64];
    bool has_room;

    if (arena == NULL)
        return MHD_NO;
    policies = (struct rpw_policies *)rpw_current_ref(webhook->policies);
    webhook->answer(arena, policies->parsed.set, body, &result);
    answer.status = result.http_status;
    answer.content_type = content_type;
    snprintf(content_type, sizeof(content_type), "%.*s", (int)result.content_type.len, result.content_type.ptr);
    has_room = find_room(webhook, &connection->body, result.body, &copy);
    if (has_room) {
        record_result(webhook, &connection->request, &result, policies); /* it may point into the body, so now */
        keep_answer(webhook, &connection->body, result.body, &copy);
    }
    rpw_policies_unref(policies);
    rpw_arena_pool_give(&webhook->arenas, arena);
    if (!has_room) {
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

struct request_line {
    const char *path;
    const char *method;
    const char *version;
};

static enum rpw_refusal check_headers(struct MHD_Connection *mhd_connection, const struct request_line *line,
                                      uint64_t announced)
{
    if (strcmp(line->path, RPW_WEBHOOK_PATH) != 0)
        return RPW_REFUSAL_NOT_FOUND;
    if (strcmp(line->method, MHD_HTTP_METHOD_POST) != 0)
        return RPW_REFUSAL_METHOD;
    if (!is_json(header(mhd_connection, MHD_HTTP_HEADER_CONTENT_TYPE)))
        return RPW_REFUSAL_CONTENT_TYPE;
    if (announced > RPW_MAX_BODY_BYTES)
        return RPW_REFUSAL_TOO_LARGE;
    return RPW_REFUSAL_NONE;
}

/* Refuses for what check_headers() or receive() found. */
static enum MHD_Result refuse(struct rpw_webhook *webhook, struct MHD_Connection *mhd_connection,
                              struct rpw_connection *connection, const struct request_line *line)
{
    const enum rpw_refusal refusal = connection->request.refusal;
    const char *found = NULL;

    if (refusal == RPW_REFUSAL_NOT_FOUND)
        found = line->path;
    else if (refusal == RPW_REFUSAL_METHOD)
        found = line->method;
    else if (refusal == RPW_REFUSAL_CONTENT_TYPE)
        found = header(mhd_connection, MHD_HTTP_HEADER_CONTENT_TYPE);
    return send_refusal(webhook, mhd_connection, connection, found);
}

static enum MHD_Result begin_request(struct rpw_webhook *webhook, struct MHD_Connection *mhd_connection,
                                     struct rpw_connection *connection, const struct request_line *line)
{
    struct rpw_framing framing;
    char problem[RPW_FRAMING_TEXT_BYTES];

    connection->request = (struct rpw_request){.started_ns = rpw_clock_ns()};
    connection->request_count++;
    rpw_metrics_begin_request(webhook->metrics);
    rpw_connection_set_phase(connection, RPW_PHASE_BODY);
    rpw_framing_read(mhd_connection, line->version, &framing);
    if (!rpw_framing_is_certain(&framing, problem)) {
        connection->request.refusal = RPW_REFUSAL_FRAMING;
        return send_refusal(webhook, mhd_connection, connection, problem);
    }
    connection->request.refusal = check_headers(mhd_connection, line, framing.length);
    if (framing.length > RPW_SWALLOW_BYTES) /* it would be cut off before its end, so better now than never */
        return refuse(webhook, mhd_connection, connection, line);
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
    const struct request_line line = {path, method, version};

    if (connection == NULL) {
        connection = rpw_endpoint_connection(mhd_connection);
        *request_context = connection;
        return begin_request(webhook, mhd_connection, connection, &line);
    }
    if (*len > 0) {
        const size_t received = *len;

        *len = 0;
        return receive(webhook, connection, bytes, received);
    }
    if (connection->request.refusal == RPW_REFUSAL_NONE)
        return send_result(webhook, mhd_connection, connection);
    return refuse(webhook, mhd_connection, connection, &line);
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
        rpw_log_begin_for_client(webhook->log, &line, RPW_LOG_WARN,
                                 connection->request.is_answered ? "answer not taken" : "request broken off")) {
        add_peer(&line, connection);
        rpw_log_line_number(&line, "receivedBytes", connection->request.received);
        rpw_log_line_milliseconds(&line, "durationMs", rpw_clock_ns() - connection->request.started_ns);
        rpw_log_end(webhook->log, &line);
    }
    rpw_metrics_end_request(webhook->metrics);
    rpw_body_reset(&connection->body, &webhook->budget);
    rpw_connection_set_phase(connection, RPW_PHASE_IDLE);
}
