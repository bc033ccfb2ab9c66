/* connections.h - every open connection of an endpoint, found by its file descriptor, and the deadline each of them
 * has.
 *
 * libmicrohttpd's own timeout restarts with every byte, so a client of one byte a second would stay for ever. Here
 * each phase of a connection has one deadline, set when the phase begins:
 *
 *     accept -> HANDSHAKE -> FRESH -> BODY -> ANSWER -> IDLE -> BODY -> ANSWER -> IDLE ...
 *               request      idle     request request   idle                              (which timeout bounds it)
 *
 * A connection that misses its deadline is struck: shutdown(2) for reading, upon which libmicrohttpd closes it; if it
 * is still there RPW_STRIKE_AGAIN_MS later, or was not taking its answer, in both directions.
 *
 * A full table lets nobody be locked out by clients that say nothing: for a new connection the one that has been silent
 * longest is struck. It has RPW_STRUCK_MARGIN places over the limit to go in.
 *
 * libmicrohttpd has no bound, and no hook, for the extensions of chunks: so the kernel's count of received bytes bounds
 * a connection while its body comes.
 *
 * Threads: admit and reap belong to the accept thread; open, set_phase and close to the worker that serves the
 * connection; the rest may be called from anywhere. Memory: a slot per file descriptor, reserved at once, used as
 * connections come.
 */
#ifndef RPW_CONNECTIONS_H
#define RPW_CONNECTIONS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "body.h"
#include "rpw/bytes/limits.h"

#define RPW_SWALLOW_BYTES (4 * RPW_MAX_BODY_BYTES) /* of a refused request; beyond it the connection is cut */

struct rpw_credential;

#define RPW_STRIKE_AGAIN_MS 1000
#define RPW_STRUCK_MARGIN 64 /* connections over the limit, while as many that were struck go */
#define RPW_ROOM_WAIT_MS 50  /* for workers that have yet to take up, or to close, what a burst brought */

/* Of one body with all that surrounds it, TLS and chunk sizes too; noticed when the body is reaped. */
#define RPW_WIRE_BYTES (2 * (uint64_t)RPW_SWALLOW_BYTES)

enum rpw_phase {
    RPW_PHASE_NONE,      /* the slot is free, or the connection has not been taken up by its worker yet */
    RPW_PHASE_HANDSHAKE, /* TLS */
    RPW_PHASE_FRESH,     /* no request yet */
    RPW_PHASE_IDLE,      /* after an answer, or while the next request's headers come */
    RPW_PHASE_BODY,      /* a request's headers are here, its body is coming */
    RPW_PHASE_ANSWER,    /* the answer is being sent */
    RPW_PHASE_STRUCK,    /* told to end */
    RPW_PHASE_COUNT
};

/* Why a client that the kernel had connected got nothing. */
enum rpw_connection_refusal {
    RPW_CONNECTION_LIMIT, /* the table is full: it was new, or silent for longest */
    RPW_CONNECTION_SETUP, /* libmicrohttpd could not take it up */
    RPW_CONNECTION_REFUSAL_COUNT
};

/* For the metrics; all since the start. */
struct rpw_connection_counters {
    _Atomic uint64_t opened; /* libmicrohttpd has them; one that it could not set up is among refused */
    _Atomic uint64_t refused[RPW_CONNECTION_REFUSAL_COUNT];
    _Atomic uint64_t deadlines[RPW_PHASE_COUNT]; /* closed because of them, by the phase that took too long */
    _Atomic uint64_t handshake_errors;
};

/* Why a request will not be given to the policies; the answers are in refusal.c. */
enum rpw_refusal {
    RPW_REFUSAL_NONE,
    RPW_REFUSAL_FRAMING,
    RPW_REFUSAL_NOT_FOUND,
    RPW_REFUSAL_METHOD,
    RPW_REFUSAL_CONTENT_TYPE,
    RPW_REFUSAL_TOO_LARGE,
    RPW_REFUSAL_BUDGET,
    RPW_REFUSAL_COUNT
};

/* The request that a connection is receiving or answering. */
struct rpw_request {
    uint64_t started_ns; /* CLOCK_MONOTONIC, when its headers were complete */
    size_t received;     /* bytes of body, kept or not */
    enum rpw_refusal refusal;
    bool is_answered;
};

struct rpw_connection {
    struct rpw_connection_table *table;
    int fd;
    bool is_admitted; /* these four under the table's lock */
    bool is_open;
    bool makes_room; /* struck for a new one */
    uint64_t number; /* in the order of admission */
    int64_t accepted_ms;
    union rpw_ip_address peer;
    uint64_t watched_due;   /* the accept thread's: the body that reap has seen coming ... */
    uint64_t watched_bytes; /* ... and what the kernel had received then */
    _Atomic uint64_t due;   /* phase and deadline in one word, so that a strike and a new phase cannot mix */

    /* Its worker's alone. */
    struct rpw_credential *credential; /* NULL without TLS; holds a reference */
    unsigned request_count;
    bool has_said_hello;
    bool is_established;  /* the handshake is complete */
    struct rpw_body body; /* then the answer */
    struct rpw_request request;
};

struct rpw_connection_table {
    pthread_mutex_t lock;
    struct rpw_connection *slots; /* by file descriptor */
    size_t slot_count;
    _Atomic int highest_fd;
    unsigned max_connections;
    _Atomic unsigned count;
    unsigned struck_count; /* under the lock, of those counted: struck for a new one, and not closed yet */
    uint64_t next_number;
    struct rpw_connection_counters counters;
    unsigned idle_timeout_ms;
    unsigned request_timeout_ms;
};

/* Sets table up for file descriptors below slot_count. False when memory is short. */
RPW_MUST_CHECK bool rpw_connections_init(struct rpw_connection_table *table, size_t slot_count);
void rpw_connections_done(struct rpw_connection_table *table);

/* Counts a connection that was just accepted, in the place of a silent one when the table is full (ret_has_struck).
 * False when there is none: the caller closes fd. */
RPW_MUST_CHECK bool rpw_connections_admit(struct rpw_connection_table *table, int fd, const union rpw_ip_address *peer,
                                          bool *ret_has_struck);

/* The slot of an admitted connection, in its first phase. */
struct rpw_connection *rpw_connections_open(struct rpw_connection_table *table, int fd, enum rpw_phase phase);

/* Begins a phase; its deadline counts from now. */
void rpw_connection_set_phase(struct rpw_connection *connection, enum rpw_phase phase);

/* Forgets a connection, before its file descriptor is closed (or after an admitted one could not be opened). */
void rpw_connections_close(struct rpw_connection_table *table, int fd);

/* Strikes every connection that is past its deadline, and counts it, or whose body takes over RPW_WIRE_BYTES. */
void rpw_connections_reap(struct rpw_connection_table *table);

/* Strikes those that have nothing in flight; one that is new, and may be about to send its first request, is left alone
 * for its first fresh_ms. */
void rpw_connections_strike_idle(struct rpw_connection_table *table, unsigned fresh_ms);

/* Shuts every connection down in both directions, whatever it is doing. */
void rpw_connections_strike_all(struct rpw_connection_table *table);

unsigned rpw_connections_count(const struct rpw_connection_table *table);

#endif
