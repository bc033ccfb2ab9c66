/* server.c - the life of the process, top to bottom. The delicate part is the order of its end: drain_and_stop(). */
#include "server.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "clock.h"
#include "endpoint.h"
#include "ops.h"

enum { STOP_TICK_MS = 20, LAST_CALL_MS = 1000, LARGE_BLOCK_BYTES = 128 * 1024 };

struct server {
    const struct rpw_server_options *options;
    struct rpw_log log;
    sigset_t signals;
    size_t file_limit;
    struct rpw_metrics metrics;
    struct rpw_reload reload;
    _Atomic bool is_draining;
    struct rpw_webhook webhook;
    struct rpw_ops ops;
    int sockets[2]; /* the endpoints', until they are started */
    struct rpw_endpoint webhook_endpoint;
    struct rpw_endpoint ops_endpoint;
};

/* --- the process -------------------------------------------------------------------------------------------------- */

/* File descriptors that are not connections of the webhook. */
static size_t reserved_fds(const struct rpw_server_options *options)
{
    return RPW_RESERVED_FDS + RPW_OPS_MAX_CONNECTIONS + 2 * RPW_STRUCK_MARGIN +
           (size_t)options->threads * RPW_FDS_PER_THREAD;
}

static void fill_signals(sigset_t *ret_signals)
{
    sigemptyset(ret_signals);
    sigaddset(ret_signals, SIGTERM);
    sigaddset(ret_signals, SIGINT);
    sigaddset(ret_signals, SIGHUP);
    sigaddset(ret_signals, SIGUSR1);
}

void rpw_server_block_signals(void)
{
    sigset_t signals;

    fill_signals(&signals);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

static void prepare_process(struct server *server)
{
    const rlim_t wanted = server->options->max_connections + reserved_fds(server->options);
    struct rlimit files = {.rlim_cur = 1024, .rlim_max = 1024};

    signal(SIGPIPE, SIG_IGN);
    fill_signals(&server->signals);
    rpw_server_block_signals();

    /* Otherwise glibc, having seen one large body, keeps the memory of all later ones. */
    mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES);

    getrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur < wanted) {
        files.rlim_cur = wanted < files.rlim_max ? wanted : files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    server->file_limit = (size_t)(files.rlim_cur < wanted ? files.rlim_cur : wanted);
}

static void toggle_debug(struct server *server)
{
    const bool is_debug = atomic_load(&server->log.level) == RPW_LOG_DEBUG;
    const enum rpw_log_level level = is_debug ? server->options->log_level : RPW_LOG_DEBUG;

    /* Told while the log is at its most talkative, so that it is told in any case. */
    if (is_debug)
        rpw_log_detail(&server->log, RPW_LOG_INFO, "log level", "logLevel", rpw_log_level_name(level));
    atomic_store(&server->log.level, level);
    if (!is_debug)
        rpw_log_detail(&server->log, RPW_LOG_INFO, "log level", "logLevel", rpw_log_level_name(level));
}

/* Takes the next signal, if one comes within timeout_ms (negative: however long it takes). True when it is one that
 * ends us; the others are obeyed. */
static bool take_signal(struct server *server, int64_t timeout_ms)
{
    const struct timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
    const int number =
        timeout_ms < 0 ? sigwaitinfo(&server->signals, NULL) : sigtimedwait(&server->signals, NULL, &timeout);

    if (number == SIGHUP)
        rpw_reload_ask(&server->reload);
    else if (number == SIGUSR1)
        toggle_debug(server);
    return number == SIGTERM || number == SIGINT;
}

static void wait_for_end_signal(struct server *server)
{
    while (!take_signal(server, -1))
        ; /* another signal, which was obeyed */
}

/* True when a signal that ends us came within timeout_ms. */
static bool is_ended_within(struct server *server, unsigned timeout_ms)
{
    const int64_t end_ms = rpw_clock_ms() + timeout_ms;
    int64_t left_ms = timeout_ms;

    do {
        if (take_signal(server, left_ms))
            return true;
        left_ms = end_ms - rpw_clock_ms();
    } while (left_ms > 0);
    return false;
}

/* --- start -------------------------------------------------------------------------------------------------------- */

static bool listen_on(const struct rpw_address *address, const char *flag, int *ret_socket, char *reterr)
{
    *ret_socket = rpw_address_listen(address);
    if (*ret_socket < 0)
        snprintf(reterr, RPW_SERVER_ERROR_BYTES, "%s: cannot listen on %s: %s", flag, address->text, strerror(errno));
    return *ret_socket >= 0;
}

static bool start_endpoint(struct rpw_endpoint *endpoint, int *socket, const struct rpw_endpoint_options *options,
                           char *reterr)
{
    char reason[256];

    if (!rpw_endpoint_start(endpoint, options, reason, sizeof(reason))) {
        snprintf(reterr, RPW_SERVER_ERROR_BYTES, "the %s endpoint cannot start: %s", options->name, reason);
        return false;
    }
    *socket = -1; /* the endpoint's now */
    return true;
}

static bool start_webhook(struct server *server, char *reterr)
{
    const struct rpw_server_options *options = server->options;
    const size_t most = server->file_limit - reserved_fds(options);
    const struct rpw_endpoint_options endpoint_options = {
        .name = "webhook",
        .log = &server->log,
        .socket = server->sockets[0],
        .threads = options->threads,
        .max_connections = (unsigned)(options->max_connections < most ? options->max_connections : most),
        .slot_count = server->file_limit,
        .idle_timeout_ms = options->idle_timeout_ms,
        .request_timeout_ms = options->request_timeout_ms,
        .credential = &server->reload.credential,
        .on_request = rpw_webhook_on_request,
        .on_completed = rpw_webhook_on_completed,
        .context = &server->webhook,
        .budget = &server->webhook.budget,
    };

    return start_endpoint(&server->webhook_endpoint, &server->sockets[0], &endpoint_options, reterr);
}

static bool start_ops(struct server *server, char *reterr)
{
    const struct rpw_endpoint_options endpoint_options = {
        .name = "operations",
        .log = &server->log,
        .socket = server->sockets[1],
        .threads = 1,
        .max_connections = RPW_OPS_MAX_CONNECTIONS,
        .slot_count = server->file_limit,
        .idle_timeout_ms = RPW_OPS_HEADERS_TIMEOUT_MS,
        .request_timeout_ms = RPW_OPS_TIMEOUT_MS,
        .on_request = rpw_ops_on_request,
        .on_completed = rpw_ops_on_completed,
        .context = &server->ops,
    };

    return start_endpoint(&server->ops_endpoint, &server->sockets[1], &endpoint_options, reterr);
}

static bool load_credential(struct server *server, char *reterr)
{
    char failure[RPW_RELOAD_TEXT_BYTES];

    if (rpw_reload_load_credential(&server->reload, failure))
        return true;
    snprintf(reterr, RPW_SERVER_ERROR_BYTES, "%s", failure);
    return server->options->may_wait_for_certificate;
}

static bool start(struct server *server, char *reterr)
{
    const struct rpw_server_options *options = server->options;

    if (server->file_limit <= reserved_fds(options)) {
        snprintf(reterr, RPW_SERVER_ERROR_BYTES,
                 "only %zu open files are allowed, expected more than %zu for %u threads (ulimit -n)",
                 server->file_limit, reserved_fds(options), options->threads);
        return false;
    }
    if (!load_credential(server, reterr))
        return false;
    if (!listen_on(&options->listen, "--listen", &server->sockets[0], reterr) ||
        !listen_on(&options->ops_listen, "--ops-listen", &server->sockets[1], reterr))
        return false;
    if (!rpw_arena_pool_init(&server->webhook.arenas, options->threads)) {
        snprintf(reterr, RPW_SERVER_ERROR_BYTES, "no address space for %u arenas of %zu bytes", options->threads,
                 RPW_ARENA_BYTES);
        return false;
    }
    if (!start_webhook(server, reterr) || !start_ops(server, reterr))
        return false;
    if (!rpw_reload_start(&server->reload)) {
        snprintf(reterr, RPW_SERVER_ERROR_BYTES, "no thread can be started: %s", strerror(errno));
        return false;
    }
    return true;
}

static void log_fewer_connections(const struct server *server)
{
    const unsigned most = server->webhook_endpoint.options.max_connections;
    struct rpw_log_line line;

    if (most >= server->options->max_connections ||
        !rpw_log_begin(&server->log, &line, RPW_LOG_WARN, "the limit of open files lowers max-connections"))
        return;
    rpw_log_line_number(&line, "wanted", server->options->max_connections);
    rpw_log_line_number(&line, "maxConnections", most);
    rpw_log_line_number(&line, "openFiles", server->file_limit);
    rpw_log_end(&server->log, &line);
}

static void log_started(const struct server *server)
{
    const struct rpw_log *log = &server->log;
    char text[RPW_READINESS_TEXT_BYTES];

    rpw_endpoint_log_listening(&server->webhook_endpoint);
    rpw_endpoint_log_listening(&server->ops_endpoint);
    log_fewer_connections(server);
    if (rpw_ops_is_ready(&server->ops, time(NULL), text))
        rpw_log_event(log, RPW_LOG_INFO, "ready");
    else
        rpw_log_detail(log, RPW_LOG_ERROR, "not ready", "detail", text);
}

/* --- end ---------------------------------------------------------------------------------------------------------- */

static unsigned connections_left(const struct server *server)
{
    return rpw_connections_count(&server->webhook_endpoint.connections) +
           rpw_connections_count(&server->ops_endpoint.connections);
}

/* Lets what is in flight finish, and closes what is idle as it becomes so. True when no connection is left. */
static bool finish_connections(struct server *server)
{
    struct rpw_connection_table *webhook = &server->webhook_endpoint.connections;
    struct rpw_connection_table *ops = &server->ops_endpoint.connections;
    int left_ms = RPW_STOP_DEADLINE_MS;

    for (; left_ms > 0 && connections_left(server) > 0; left_ms -= STOP_TICK_MS) {
        rpw_connections_strike_idle(webhook, RPW_FRESH_GRACE_MS);
        rpw_connections_strike_idle(ops, RPW_FRESH_GRACE_MS);
        if (is_ended_within(server, STOP_TICK_MS))
            return false;
    }
    if (left_ms > 0)
        return true;
    rpw_log_event(&server->log, RPW_LOG_WARN, "requests in flight are cut off: the deadline has passed");
    rpw_connections_strike_all(webhook);
    rpw_connections_strike_all(ops);
    for (left_ms = LAST_CALL_MS; left_ms > 0 && connections_left(server) > 0; left_ms -= STOP_TICK_MS)
        if (is_ended_within(server, STOP_TICK_MS))
            return false;
    return connections_left(server) == 0;
}

/* libmicrohttpd may only be stopped when it has no connection left: it would cut requests off, and can crash on a
 * malformed one that comes at that moment. */
static enum rpw_server_end drain_and_stop(struct server *server)
{
    const struct rpw_log *log = &server->log;

    rpw_log_event(log, RPW_LOG_INFO, "draining");
    atomic_store(&server->is_draining, true);
    if (is_ended_within(server, server->options->drain_delay_ms)) {
        rpw_log_event(log, RPW_LOG_WARN, "ended at once: a second signal came");
        return RPW_SERVER_CUT_OFF;
    }
    rpw_log_event(log, RPW_LOG_INFO, "stopping");
    rpw_endpoint_stop_accepting(&server->webhook_endpoint);
    rpw_endpoint_stop_accepting(&server->ops_endpoint);
    if (!finish_connections(server)) {
        rpw_log_event(log, RPW_LOG_WARN, "ended with connections open");
        return RPW_SERVER_CUT_OFF;
    }
    rpw_log_event(log, RPW_LOG_INFO, "stopped");
    return RPW_SERVER_STOPPED;
}

static void release(struct server *server)
{
    rpw_reload_stop(&server->reload);
    rpw_endpoint_stop(&server->webhook_endpoint);
    rpw_endpoint_stop(&server->ops_endpoint);
    for (size_t i = 0; i < 2; i++)
        if (server->sockets[i] >= 0)
            close(server->sockets[i]);
    rpw_arena_pool_done(&server->webhook.arenas);
    rpw_reload_done(&server->reload);
}

static void connect_parts(struct server *server)
{
    const struct rpw_server_options *options = server->options;

    server->webhook.log = &server->log;
    server->webhook.answer = options->answer;
    server->webhook.policies = &server->reload.policies;
    server->webhook.metrics = &server->metrics;
    server->webhook.max_requests = options->max_requests_per_connection;
    server->webhook.is_draining = &server->is_draining;
    rpw_budget_init(&server->webhook.budget, options->body_budget_bytes);
    server->ops.log = &server->log;
    server->ops.is_draining = &server->is_draining;
    server->ops.sources = (struct rpw_metrics_sources){
        .metrics = &server->metrics,
        .endpoints = {&server->webhook_endpoint, &server->ops_endpoint},
        .reload = &server->reload,
    };
}

static bool init_reload(struct server *server, struct rpw_file *take_file,
                        const struct rpw_parsed_policies *take_parsed, char *reterr)
{
    const struct rpw_server_options *options = server->options;
    const struct rpw_reload_options reload_options = {
        .log = &server->log,
        .metrics = &server->metrics,
        .parse_policies = options->parse_policies,
        .config_path = options->config_path,
        .certificate_path = options->certificate_path,
        .key_path = options->key_path,
        .client_ca_path = options->client_ca_path,
    };

    if (rpw_reload_init(&server->reload, &reload_options, take_file, take_parsed))
        return true;
    snprintf(reterr, RPW_SERVER_ERROR_BYTES, "out of memory");
    return false;
}

enum rpw_server_end rpw_server_run(const struct rpw_server_options *options, struct rpw_file *take_file,
                                   const struct rpw_parsed_policies *take_parsed, char reterr[RPW_SERVER_ERROR_BYTES])
{
    static struct server server; /* static: its threads may outlive this call, see RPW_SERVER_CUT_OFF */
    enum rpw_server_end end = RPW_SERVER_DID_NOT_START;

    server.options = options;
    server.log.format = options->log_format;
    server.log.level = options->log_level;
    server.log.fd = options->log_fd;
    server.sockets[0] = server.sockets[1] = -1;
    rpw_metrics_init(&server.metrics);
    connect_parts(&server);
    prepare_process(&server);
    if (init_reload(&server, take_file, take_parsed, reterr) && start(&server, reterr)) {
        log_started(&server);
        wait_for_end_signal(&server);
        end = drain_and_stop(&server);
    }
    if (end != RPW_SERVER_CUT_OFF)
        release(&server);
    return end;
}
