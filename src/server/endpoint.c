/* endpoint.c - accepts connections and hands them to libmicrohttpd.
 *
 * The accept thread is also the housekeeper: four times a second it strikes the connections that are past their
 * deadline. TLS is set up per connection, before its handshake, so that the certificate can change between two
 * connections.
 */
#include "endpoint.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

enum { ACCEPTS_PER_ROUND = 64, COMPLAIN_EVERY_MS = 1000 };

#define HANDSHAKE_CAUSES                                                                                               \
    "the client broke off, or has no TLS 1.2 or later, or does not trust the certificate (caBundle, subject "          \
    "alternative name, validity)"

/* Forward secrecy and authenticated encryption only, which in TLS 1.2 NORMAL does not ask for. */
static const char tls_priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-SHA1"
                                     ":-AES-128-CBC:-AES-256-CBC:-CAMELLIA-128-CBC:-CAMELLIA-256-CBC";

struct rpw_connection *rpw_endpoint_connection(struct MHD_Connection *mhd_connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd_connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info == NULL ? NULL : info->socket_context;
}

static void count(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* --- one connection ----------------------------------------------------------------------------------------------- */

/* GnuTLS calls this before and after it looks at a handshake message; libmicrohttpd's connection is the session's
 * pointer. Before: a hello that it refuses, of TLS 1.1 say, has been said as well. After: only then has the client's
 * end been verified. */
static int on_handshake(gnutls_session_t session, unsigned type, unsigned when, unsigned is_incoming,
                        const gnutls_datum_t *message)
{
    struct rpw_connection *connection;

    (void)message;
    if (is_incoming == 0)
        return 0;
    connection = rpw_endpoint_connection(gnutls_session_get_ptr(session));
    if (connection != NULL && type == GNUTLS_HANDSHAKE_CLIENT_HELLO) {
        connection->has_said_hello = true;
    } else if (connection != NULL && type == GNUTLS_HANDSHAKE_FINISHED && when == GNUTLS_HOOK_POST) {
        connection->is_established = true;
        rpw_connection_set_phase(connection, RPW_PHASE_FRESH);
    }
    return 0;
}

static void begin_tls(struct rpw_endpoint *endpoint, struct MHD_Connection *mhd_connection,
                      struct rpw_connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd_connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    gnutls_session_t session = info->tls_session;

    /* There is one: nothing was accepted before. */
    connection->credential = (struct rpw_credential *)rpw_current_ref(endpoint->options.credential);
    if (!rpw_credential_use(connection->credential, session))
        rpw_log_event(endpoint->options.log, RPW_LOG_ERROR, "a connection could not be given the certificate");
    gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_ANY, GNUTLS_HOOK_BOTH, on_handshake);
}

static void on_open(struct rpw_endpoint *endpoint, struct MHD_Connection *mhd_connection, void **socket_context)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd_connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    const bool has_tls = endpoint->options.credential != NULL;

    *socket_context =
        rpw_connections_open(&endpoint->connections, info->connect_fd, has_tls ? RPW_PHASE_HANDSHAKE : RPW_PHASE_FRESH);
    if (has_tls)
        begin_tls(endpoint, mhd_connection, *socket_context);
}

static void log_failed_handshake(const struct rpw_log *log, const struct rpw_connection *connection)
{
    char peer[RPW_ADDRESS_TEXT_BYTES];
    struct rpw_log_line line;

    if (!connection->has_said_hello) {
        if (!rpw_log_begin_for_client(log, &line, RPW_LOG_DEBUG, "connection without a TLS handshake"))
            return;
    } else if (!rpw_log_begin_for_client(log, &line, RPW_LOG_WARN, "TLS handshake failed")) {
        return;
    }
    rpw_address_format(&connection->peer, peer);
    rpw_log_line_text(&line, "peer", rpw_span_of(peer));
    if (connection->has_said_hello && connection->credential->has_authorities)
        rpw_log_line_text(&line, "detail",
                          RPW_LIT("the client showed no certificate for clients that is signed by an authority of "
                                  "--client-ca and valid, or " HANDSHAKE_CAUSES));
    else if (connection->has_said_hello)
        rpw_log_line_text(&line, "detail", RPW_LIT(HANDSHAKE_CAUSES));
    rpw_log_end(log, &line);
}

static void on_close(struct rpw_endpoint *endpoint, struct rpw_connection *connection)
{
    if (connection->credential != NULL && !connection->is_established) {
        if (connection->has_said_hello)
            count(&endpoint->connections.counters.handshake_errors);
        log_failed_handshake(endpoint->options.log, connection);
    }
    rpw_credential_unref(connection->credential);
    connection->credential = NULL;
    if (endpoint->options.budget != NULL)
        rpw_body_done(&connection->body, endpoint->options.budget);
    rpw_connections_close(&endpoint->connections, connection->fd);
}

static void on_connection(void *context, struct MHD_Connection *mhd_connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        on_open(context, mhd_connection, socket_context);
    else if (*socket_context != NULL)
        on_close(context, *socket_context);
}

/* --- accepting ---------------------------------------------------------------------------------------------------- */

/* Whether a complaint may be logged: at most one a second, however often there is a reason. */
static bool may_complain(struct rpw_endpoint *endpoint)
{
    const int64_t now = rpw_clock_ms();

    if (now - endpoint->last_complaint_ms < COMPLAIN_EVERY_MS)
        return false;
    endpoint->last_complaint_ms = now;
    return true;
}

static void log_refused(struct rpw_endpoint *endpoint)
{
    struct rpw_log_line line;

    endpoint->refused++;
    if (!may_complain(endpoint))
        return;
    if (rpw_log_begin(endpoint->options.log, &line, RPW_LOG_WARN, "connections refused: the limit is reached")) {
        rpw_log_line_text(&line, "endpoint", rpw_span_of(endpoint->options.name));
        rpw_log_line_number(&line, "limit", endpoint->options.max_connections);
        rpw_log_line_number(&line, "refused", endpoint->refused);
        rpw_log_end(endpoint->options.log, &line);
    }
    endpoint->refused = 0;
}

static void take_up(struct rpw_endpoint *endpoint, int fd, const union rpw_ip_address *peer, socklen_t peer_len)
{
    bool has_struck;
    const bool is_admitted = rpw_connections_admit(&endpoint->connections, fd, peer, &has_struck);

    if (!is_admitted || has_struck) {
        count(&endpoint->connections.counters.refused[RPW_CONNECTION_LIMIT]);
        log_refused(endpoint);
    }
    if (!is_admitted) {
        close(fd);
        return;
    }
    /* On failure libmicrohttpd has closed fd. */
    if (MHD_add_connection(endpoint->daemon, fd, &peer->any, peer_len) != MHD_YES) {
        count(&endpoint->connections.counters.refused[RPW_CONNECTION_SETUP]);
        rpw_connections_close(&endpoint->connections, fd);
    }
}

/* Accepts up to limit connections. False when none is left, or none can be had for now (is_paused). */
static bool accept_some(struct rpw_endpoint *endpoint, int limit)
{
    for (int i = 0; i < limit; i++) {
        union rpw_ip_address peer;
        socklen_t peer_len = sizeof(peer);
        const int fd = accept4(endpoint->options.socket, &peer.any, &peer_len, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            take_up(endpoint, fd, &peer, peer_len);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            endpoint->is_paused = true;
            if (may_complain(endpoint))
                rpw_log_detail(endpoint->options.log, RPW_LOG_WARN, "accepting pauses", "detail", strerror(errno));
            return false;
        } else if (errno == EAGAIN) {
            return false;
        } /* else: this connection was gone before we took it, the next may be fine */
    }
    return true;
}

/* Without a certificate there is nothing to say to a client: it waits in the backlog. */
static bool can_serve(const struct rpw_endpoint *endpoint)
{
    return endpoint->options.credential == NULL || rpw_current_is_set(endpoint->options.credential);
}

/* Who has connected before the end is in the backlog; who connects meanwhile, without end perhaps, is too late. */
static void finish_accepting(struct rpw_endpoint *endpoint)
{
    if (can_serve(endpoint))
        accept_some(endpoint, RPW_ADDRESS_BACKLOG);
    close(endpoint->options.socket);
    endpoint->options.socket = -1;
    atomic_store(&endpoint->has_no_accept, true);
}

static void *run_accept_thread(void *context)
{
    struct rpw_endpoint *endpoint = context;
    int64_t last_reap_ms = rpw_clock_ms();

    while (!atomic_load(&endpoint->wants_end)) {
        const bool is_waiting = endpoint->is_paused || !can_serve(endpoint);
        /* poll(2) ignores negative file descriptors: a pause, and after the end of accepting, there is only wake_fd. */
        struct pollfd fds[2] = {{.fd = is_waiting ? -1 : endpoint->options.socket, .events = POLLIN},
                                {.fd = endpoint->wake_fd, .events = POLLIN}};
        eventfd_t ignored;

        if (poll(fds, 2, endpoint->is_paused ? RPW_ACCEPT_PAUSE_MS : RPW_TICK_MS) < 0 && errno != EINTR)
            rpw_log_detail(endpoint->options.log, RPW_LOG_ERROR, "poll failed", "detail", strerror(errno));
        if (fds[1].revents != 0)
            eventfd_read(endpoint->wake_fd, &ignored);
        endpoint->is_paused = false;
        if (fds[0].revents != 0)
            accept_some(endpoint, ACCEPTS_PER_ROUND);
        if (atomic_load(&endpoint->wants_no_accept) && !atomic_load(&endpoint->has_no_accept))
            finish_accepting(endpoint);
        if (rpw_clock_ms() - last_reap_ms >= RPW_TICK_MS) {
            rpw_connections_reap(&endpoint->connections);
            last_reap_ms = rpw_clock_ms();
        }
    }
    return NULL;
}

/* --- start and stop ----------------------------------------------------------------------------------------------- */

/* Never called: on_open gives every session its certificate. But libmicrohttpd starts TLS only with a certificate, a
 * key, or this. */
static int refuse_certificate(gnutls_session_t session, const gnutls_datum_t *authorities, int authority_count,
                              const gnutls_pk_algorithm_t *algorithms, int algorithm_count, gnutls_pcert_st **chain,
                              unsigned *chain_length, gnutls_privkey_t *key)
{
    (void)session;
    (void)authorities;
    (void)authority_count;
    (void)algorithms;
    (void)algorithm_count;
    (void)chain;
    (void)chain_length;
    (void)key;
    return -1;
}

/* Leaves a path as the client sent it: unescaped, it would end at a %00, and another path would pass for ours. */
static size_t keep_escapes(void *context, struct MHD_Connection *mhd_connection, char *text)
{
    (void)context;
    (void)mhd_connection;
    return strlen(text);
}

static struct MHD_Daemon *start_daemon(struct rpw_endpoint *endpoint)
{
    const struct rpw_endpoint_options *options = &endpoint->options;
    const bool has_tls = options->credential != NULL;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG;
    const struct MHD_OptionItem tls_items[] = {
        {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(uintptr_t)refuse_certificate},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)tls_priorities},
        {MHD_OPTION_END, 0, NULL},
    };
    /* One worker means no pool. The limit is ours to keep: libmicrohttpd divides its own among the workers and
     * deadlocks when one of them reaches its share. */
    const struct MHD_OptionItem plain_items[] = {
        {MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)keep_escapes, NULL},
        {options->threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, options->threads, NULL},
        {MHD_OPTION_END, 0, NULL},
    };

    if (has_tls)
        flags |= MHD_USE_TLS;
    return MHD_start_daemon(flags, 0, NULL, NULL, options->on_request, options->context, MHD_OPTION_EXTERNAL_LOGGER,
                            rpw_log_on_microhttpd, (void *)(uintptr_t)options->log, MHD_OPTION_CONNECTION_LIMIT,
                            (options->max_connections + 2 * RPW_STRUCK_MARGIN) * options->threads,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)RPW_CONNECTION_MEMORY_BYTES,
                            MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_CONNECTION, on_connection, endpoint,
                            MHD_OPTION_NOTIFY_COMPLETED, options->on_completed, options->context, MHD_OPTION_ARRAY,
                            plain_items, has_tls ? MHD_OPTION_ARRAY : MHD_OPTION_END, tls_items, MHD_OPTION_END);
}

static bool fail(char *reterr, size_t reterr_size, const char *what)
{
    snprintf(reterr, reterr_size, "%s: %s", what, strerror(errno));
    return false;
}

bool rpw_endpoint_start(struct rpw_endpoint *endpoint, const struct rpw_endpoint_options *options, char *reterr,
                        size_t reterr_size)
{
    int result;

    *endpoint = (struct rpw_endpoint){.options = *options, .wake_fd = -1};
    endpoint->connections.max_connections = options->max_connections;
    endpoint->connections.idle_timeout_ms = options->idle_timeout_ms;
    endpoint->connections.request_timeout_ms = options->request_timeout_ms;
    if (!rpw_connections_init(&endpoint->connections, options->slot_count))
        return fail(reterr, reterr_size, "no memory for the table of connections");
    endpoint->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (endpoint->wake_fd < 0) {
        fail(reterr, reterr_size, "eventfd");
        goto out;
    }
    endpoint->daemon = start_daemon(endpoint);
    if (endpoint->daemon == NULL) {
        snprintf(reterr, reterr_size, "libmicrohttpd does not start; its own line above says why");
        goto out;
    }
    result = pthread_create(&endpoint->accept_thread, NULL, run_accept_thread, endpoint);
    if (result != 0) {
        errno = result;
        fail(reterr, reterr_size, "no thread can be started");
        goto out;
    }
    endpoint->is_started = true;
    return true;

out:
    if (endpoint->daemon != NULL)
        MHD_stop_daemon(endpoint->daemon);
    if (endpoint->wake_fd >= 0)
        close(endpoint->wake_fd);
    rpw_connections_done(&endpoint->connections);
    return false;
}

void rpw_endpoint_log_listening(const struct rpw_endpoint *endpoint)
{
    const struct rpw_endpoint_options *options = &endpoint->options;
    char address[RPW_ADDRESS_TEXT_BYTES];
    struct rpw_log_line line;

    if (!rpw_log_begin(options->log, &line, RPW_LOG_INFO, "listening"))
        return;
    rpw_address_format_own(options->socket, address);
    rpw_log_line_text(&line, "endpoint", rpw_span_of(options->name));
    rpw_log_line_text(&line, "address", rpw_span_of(address));
    rpw_log_line_number(&line, "maxConnections", options->max_connections);
    rpw_log_line_number(&line, "threads", options->threads);
    rpw_log_end(options->log, &line);
}

static void wake(struct rpw_endpoint *endpoint)
{
    if (eventfd_write(endpoint->wake_fd, 1) != 0)
        return; /* the counter is full: the thread has been woken often enough */
}

void rpw_endpoint_stop_accepting(struct rpw_endpoint *endpoint)
{
    const struct timespec moment = {0, 1000000};

    atomic_store(&endpoint->wants_no_accept, true);
    wake(endpoint);
    while (!atomic_load(&endpoint->has_no_accept))
        nanosleep(&moment, NULL);
}

void rpw_endpoint_stop(struct rpw_endpoint *endpoint)
{
    if (!endpoint->is_started)
        return;
    atomic_store(&endpoint->wants_end, true);
    wake(endpoint);
    pthread_join(endpoint->accept_thread, NULL);
    MHD_stop_daemon(endpoint->daemon);
    if (endpoint->options.socket >= 0)
        close(endpoint->options.socket);
    close(endpoint->wake_fd);
    rpw_connections_done(&endpoint->connections);
    endpoint->is_started = false;
}
