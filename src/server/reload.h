/* reload.h - configuration, certificate with key, and client authorities: loaded at start, and again when they change.
 *
 *     every RPW_RELOAD_INTERVAL_MS: read -> other bytes than last time? -> parse -> swap -> the next request or handshake
 *                                                                           |
 *                                                                           +-> bad: the old one stays; log, metric,
 *                                                                               /readyz
 *
 * Nothing is watched: four small files are read and compared, whatever links and folders they are reached through.
 * What counts is the content: a file that is written again with the same bytes is not parsed again. A key that does not
 * fit its certificate is taken for half of a pair that is being written: the pair is read again at once, and at every
 * look. A certificate that is not valid now does not replace one that is; it is tried again at every look. A failure is
 * logged once. Certificate and client authorities are renewed apart: a mistake in one
 * does not hold up the other. But where client authorities are wanted, no certificate is served before they are there.
 *
 * Threads: init, load_credential, start, stop and done belong to one thread; the others may be called from anywhere.
 */
#ifndef RPW_RELOAD_H
#define RPW_RELOAD_H

#include <pthread.h>
#include <stdint.h>

#include "credential.h"
#include "log.h"
#include "policies.h"

#define RPW_RELOAD_INTERVAL_MS 2000 /* between two looks at the files */

#define RPW_RELOAD_TEXT_BYTES 512

enum rpw_reload_part { RPW_RELOAD_CONFIG, RPW_RELOAD_CLIENT_CA, RPW_RELOAD_CERTIFICATE, RPW_RELOAD_PART_COUNT };

struct rpw_reload_options {
    const struct rpw_log *log;
    struct rpw_metrics *metrics;
    rpw_parse_policies_fn *parse_policies;
    const char *config_path;
    const char *certificate_path;
    const char *key_path;
    const char *client_ca_path; /* NULL: clients need no certificate */
};

/* What belongs together on disk. */
struct rpw_reload_state {
    struct rpw_file tried[2];    /* what was parsed last, good or bad */
    bool was_too_early;          /* it may be right later, as it is */
    _Atomic int64_t loaded_time; /* of the last success, in seconds since 1970; 0: never */
    _Atomic bool has_failed;
    char failure[RPW_RELOAD_TEXT_BYTES]; /* while has_failed; under the lock */
};

struct rpw_reload {
    struct rpw_reload_options options;
    struct rpw_current policies;         /* of struct rpw_policies; set from init on */
    struct rpw_current credential;       /* of struct rpw_credential */
    _Atomic int64_t client_ca_not_after; /* 0: unknown */
    pthread_mutex_t lock;                /* for the texts of failures */
    struct rpw_reload_state parts[RPW_RELOAD_PART_COUNT];
    struct rpw_key_pair pair; /* these two: the last good ones, to be combined with a new other one */
    struct rpw_authorities authorities;
    int wake_fd; /* eventfd: look at the flags below */
    _Atomic bool is_asked;
    _Atomic bool wants_end;
    pthread_t thread;
    bool is_started;
};

/* Prepares reload, with the first configuration: the file as it was read, and what was parsed from it. Both are taken
 * over, also on failure. False when memory is short; reload may then be given to done. */
RPW_MUST_CHECK bool rpw_reload_init(struct rpw_reload *reload, const struct rpw_reload_options *options,
                                    struct rpw_file *take_file, const struct rpw_parsed_policies *take_parsed);

/* Loads client authorities and certificate for the first time. False when that did not work, with a line in failure:
 * then there is no credential, until the thread finds one. */
RPW_MUST_CHECK bool rpw_reload_load_credential(struct rpw_reload *reload, char failure[RPW_RELOAD_TEXT_BYTES]);

/* Starts the thread that looks at the files. False with errno set when no thread can be started. Signals must be blocked already. */
RPW_MUST_CHECK bool rpw_reload_start(struct rpw_reload *reload);

/* Looks at the files soon, and logs so also when nothing has changed. */
void rpw_reload_ask(struct rpw_reload *reload);

void rpw_reload_stop(struct rpw_reload *reload); /* one that was never started is fine */
void rpw_reload_done(struct rpw_reload *reload); /* after stop */

/* "config", "client_ca", "certificate": the metrics' labels. */
const char *rpw_reload_part_name(enum rpw_reload_part part);

/* Whether there is such a part: all but the client authorities of a server that has none. */
bool rpw_reload_has_part(const struct rpw_reload *reload, enum rpw_reload_part part);

/* Writes the line of a part's standing failure to text. False when there is none. */
bool rpw_reload_failure(struct rpw_reload *reload, enum rpw_reload_part part, char text[RPW_RELOAD_TEXT_BYTES]);

#endif
