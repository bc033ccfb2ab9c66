/* server.h - the running webhook: starts both endpoints, waits for a signal, drains, stops.
 *
 * SIGTERM or SIGINT begins the end: /readyz turns 503, and for drain_delay_ms requests are served as before, each
 * answer ending its connection, while Kubernetes takes this process out of its Service. Then nothing new is accepted,
 * requests in flight get RPW_STOP_DEADLINE_MS to finish, idle connections are closed, and the process ends. A second
 * signal ends it at once.
 *
 * SIGHUP looks at configuration and certificates at once (reload.h does so every two seconds); SIGUSR1 turns the log
 * to debug and back.
 */
#ifndef RPW_SERVER_H
#define RPW_SERVER_H

#include "address.h"
#include "log.h"
#include "reload.h"
#include "webhook.h"

#define RPW_STOP_DEADLINE_MS 10000 /* with the drain delay below Kubernetes' terminationGracePeriodSeconds of 30 */
#define RPW_FRESH_GRACE_MS 2000    /* for a connection accepted at the last moment to send its request */
#define RPW_RESERVED_FDS 64        /* what is not a client's connection, and besides ... */
#define RPW_FDS_PER_THREAD 4       /* ... for each worker */

#define RPW_SERVER_ERROR_BYTES 1024

struct rpw_server_options {
    const char *config_path;
    const char *certificate_path;
    const char *key_path;
    const char *client_ca_path;    /* NULL: clients need no certificate */
    bool may_wait_for_certificate; /* at start: if it cannot be loaded, serve as soon as it can */
    struct rpw_address listen;
    struct rpw_address ops_listen;
    unsigned threads;
    unsigned max_connections;
    unsigned max_requests_per_connection; /* 0: no limit */
    unsigned idle_timeout_ms;
    unsigned request_timeout_ms;
    unsigned drain_delay_ms;
    size_t body_budget_bytes;
    enum rpw_log_format log_format;
    enum rpw_log_level log_level;
    int log_fd;
    rpw_answer_fn *answer; /* rpw_mutate */
    rpw_parse_policies_fn *parse_policies;
};

enum rpw_server_end {
    RPW_SERVER_STOPPED, /* in order */

    /* By a second signal, or with connections left at the deadline. Threads still run: the process must end now. */
    RPW_SERVER_CUT_OFF,

    RPW_SERVER_DID_NOT_START, /* with a line in reterr */
};

/* Blocks the signals that rpw_server_run() takes, for the calling thread and all that it starts: those that come while the
 * configuration is read then wait for the server. rpw_server_run() does it as well. */
void rpw_server_block_signals(void);

/* Runs until the process is told to end; once in a process. The first configuration is taken over: the file as it was
 * read from config_path, and what was parsed from it. Blocks the signals named above and ignores SIGPIPE for the
 * calling thread and all that it starts. */
enum rpw_server_end rpw_server_run(const struct rpw_server_options *options, struct rpw_file *take_file,
                                   const struct rpw_parsed_policies *take_parsed, char reterr[RPW_SERVER_ERROR_BYTES]);

#endif
