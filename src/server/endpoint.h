/* endpoint.h - an address that is served: the listening socket, the thread that accepts, libmicrohttpd's workers, and
 * the connections with their deadlines. The webhook is one endpoint, operations is another.
 *
 *     accept thread --accept4--> connections_admit --MHD_add_connection--> worker (file descriptor modulo threads)
 *           |                                                                |
 *           +-- every RPW_TICK_MS: connections_reap                          +-- on_request, on_completed
 *
 * libmicrohttpd does HTTP and TLS and nothing else: accepting, limits, deadlines and the order of a stop are ours,
 * because its own can abort, hang or cut requests off (docs/architecture.md has the list).
 * Threads: start, stop_accepting and stop belong to one thread.
 */
#ifndef RPW_ENDPOINT_H
#define RPW_ENDPOINT_H

#include <microhttpd.h>
#include <pthread.h>

#include "address.h"
#include "connections.h"
#include "credential.h"
#include "log.h"

#define RPW_TICK_MS 250                         /* how late a deadline may be noticed */
#define RPW_CONNECTION_MEMORY_BYTES (16 * 1024) /* libmicrohttpd's pool per connection: bounds the headers */
#define RPW_ACCEPT_PAUSE_MS 100                 /* after accept(2) ran out of file descriptors or memory */

struct rpw_endpoint_options {
    const char *name; /* "webhook", "operations": for the log */
    const struct rpw_log *log;
    int socket; /* listens already; the endpoint owns it from a successful start on */
    unsigned threads;
    unsigned max_connections;
    size_t slot_count;           /* file descriptors are below this: RLIMIT_NOFILE */
    unsigned idle_timeout_ms;    /* from a handshake or an answer to the next request's complete headers */
    unsigned request_timeout_ms; /* for a handshake, for a body, for taking an answer: each */
    struct rpw_current
        *credential; /* of struct rpw_credential; NULL: plain HTTP. Without a value nothing is accepted */
    MHD_AccessHandlerCallback on_request;
    MHD_RequestCompletedCallback on_completed;
    void *context;             /* for both callbacks */
    struct rpw_budget *budget; /* of its connections' bodies; NULL: they have none */
};

struct rpw_endpoint {
    struct rpw_endpoint_options options;
    struct rpw_connection_table connections;
    struct MHD_Daemon *daemon;
    pthread_t accept_thread;
    int wake_fd;                  /* eventfd: look at the flags below */
    _Atomic bool wants_no_accept; /* set by stop_accepting ... */
    _Atomic bool has_no_accept;   /* ... and this is the accept thread's reply */
    _Atomic bool wants_end;
    bool is_started;

    /* The accept thread's alone. */
    bool is_paused;
    int64_t last_complaint_ms;
    unsigned refused; /* connections over the limit, not logged yet */
};

/* Starts serving. False with a reason in reterr (the caller says of what) and nothing left behind but the socket, which
 * stays the caller's. Signals must be blocked already: the threads inherit the mask. */
RPW_MUST_CHECK bool rpw_endpoint_start(struct rpw_endpoint *endpoint, const struct rpw_endpoint_options *options,
                                       char *reterr, size_t reterr_size);

/* Logs where a started endpoint listens. */
void rpw_endpoint_log_listening(const struct rpw_endpoint *endpoint);

/* Takes up the connections that the kernel has already completed, RPW_ADDRESS_BACKLOG of them at most, then closes the
 * socket. Requests go on. */
void rpw_endpoint_stop_accepting(struct rpw_endpoint *endpoint);

/* Ends the threads. Connections must be gone (rpw_connections_count() == 0), or requests are cut off and
 * libmicrohttpd may crash; so stop_accepting comes first. An endpoint that was never started is fine. */
void rpw_endpoint_stop(struct rpw_endpoint *endpoint);

/* The connection that a request came in on. The path that on_request gets is as the client sent it, not unescaped. */
struct rpw_connection *rpw_endpoint_connection(struct MHD_Connection *mhd_connection);

#endif
