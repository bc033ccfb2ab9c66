/* connections.c - the table of connections and their deadlines.
 *
 * A worker that begins a phase only stores one word: no lock is taken for a request. Who wants to strike a connection
 * takes the lock, so that close cannot give the file descriptor away meanwhile, and replaces the very word it has
 * judged: if the worker has begun another phase in between, the strike misses.
 */
#include "connections.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "clock.h"

enum { PHASE_BITS = 3 };

static uint64_t word_of(enum rpw_phase phase, int64_t deadline_ms)
{
    return (uint64_t)deadline_ms << PHASE_BITS | (uint64_t)phase;
}

static enum rpw_phase phase_of(uint64_t word)
{
    return (enum rpw_phase)(word & ((1u << PHASE_BITS) - 1));
}

static int64_t deadline_of(uint64_t word)
{
    return (int64_t)(word >> PHASE_BITS);
}

bool rpw_connections_init(struct rpw_connection_table *table, size_t slot_count)
{
    /* Reserved, not used: pages come with the connections. */
    void *slots = mmap(NULL, slot_count * sizeof(*table->slots), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (slots == MAP_FAILED)
        return false;
    pthread_mutex_init(&table->lock, NULL);
    table->slots = slots;
    table->slot_count = slot_count;
    atomic_init(&table->highest_fd, -1);
    atomic_init(&table->count, 0);
    return true;
}

void rpw_connections_done(struct rpw_connection_table *table)
{
    if (table->slots == NULL)
        return;
    munmap(table->slots, table->slot_count * sizeof(*table->slots));
    table->slots = NULL;
    pthread_mutex_destroy(&table->lock);
}

/* With the lock held. */
static void release(struct rpw_connection_table *table, struct rpw_connection *connection)
{
    atomic_store(&connection->due, 0);
    connection->is_admitted = false;
    connection->is_open = false;
    if (connection->makes_room)
        table->struck_count--;
    connection->makes_room = false;
    atomic_fetch_sub(&table->count, 1);
}

/* True when the strike has hit. With the lock held. */
static bool strike_locked(struct rpw_connection *connection, uint64_t judged)
{
    const enum rpw_phase phase = phase_of(judged);
    const bool is_reading = phase != RPW_PHASE_ANSWER && phase != RPW_PHASE_STRUCK;

    return connection->is_open &&
           atomic_compare_exchange_strong(&connection->due, &judged,
                                          word_of(RPW_PHASE_STRUCK, rpw_clock_ms() + RPW_STRIKE_AGAIN_MS)) &&
           shutdown(connection->fd, is_reading ? SHUT_RD : SHUT_RDWR) == 0;
}

static bool strike(struct rpw_connection_table *table, struct rpw_connection *connection, uint64_t judged)
{
    bool is_hit;

    pthread_mutex_lock(&table->lock);
    is_hit = strike_locked(connection, judged);
    pthread_mutex_unlock(&table->lock);
    return is_hit;
}

/* --- room for a new connection ------------------------------------------------------------------------------------ */

enum room { ROOM, ROOM_BY_STRIKE, NO_ROOM, NO_ROOM_YET /* but when the workers have come so far */ };

/* Whether nothing of what the client sent is waiting to be read. */
static bool has_sent_nothing(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0;
}

/* Strikes the connection that has waited longest for its handshake to end or its first request to come. With the lock
 * held. */
static enum room strike_silent(struct rpw_connection_table *table)
{
    const int highest_fd = atomic_load(&table->highest_fd);
    struct rpw_connection *oldest = NULL;
    uint64_t oldest_word = 0;
    bool has_unopened = false;

    for (int fd = 0; fd <= highest_fd; fd++) {
        struct rpw_connection *connection = &table->slots[fd];
        const uint64_t word = atomic_load_explicit(&connection->due, memory_order_acquire);
        const enum rpw_phase phase = phase_of(word);

        has_unopened = has_unopened || (connection->is_admitted && !connection->is_open);
        if ((phase == RPW_PHASE_HANDSHAKE || phase == RPW_PHASE_FRESH) &&
            (oldest == NULL || connection->number < oldest->number) && has_sent_nothing(fd)) {
            oldest = connection;
            oldest_word = word;
        }
    }
    if (oldest == NULL)
        return has_unopened ? NO_ROOM_YET : NO_ROOM;
    if (!strike_locked(oldest, oldest_word))
        return NO_ROOM_YET; /* it has just spoken */
    oldest->makes_room = true;
    table->struck_count++;
    return ROOM_BY_STRIKE;
}

static enum room find_room(struct rpw_connection_table *table)
{
    const unsigned count = atomic_load(&table->count);
    enum room room = ROOM;

    pthread_mutex_lock(&table->lock);
    if (count >= table->max_connections + RPW_STRUCK_MARGIN)
        room = table->struck_count > 0 ? NO_ROOM_YET : NO_ROOM;
    else if (count - table->struck_count >= table->max_connections)
        room = strike_silent(table);
    pthread_mutex_unlock(&table->lock);
    return room;
}

static void forget_unopened(struct rpw_connection_table *table, struct rpw_connection *connection)
{
    pthread_mutex_lock(&table->lock);
    if (connection->is_admitted)
        release(table, connection);
    pthread_mutex_unlock(&table->lock);
}

bool rpw_connections_admit(struct rpw_connection_table *table, int fd, const union rpw_ip_address *peer,
                           bool *ret_has_struck)
{
    const struct timespec moment = {0, 1000000};
    struct rpw_connection *connection;
    enum room room;

    *ret_has_struck = false;
    if ((size_t)fd >= table->slot_count)
        return false;
    connection = &table->slots[fd];
    /* libmicrohttpd closes a connection that it fails to set up without a word. It did so if the number comes again. */
    forget_unopened(table, connection);
    room = find_room(table);
    for (int i = 0; room == NO_ROOM_YET && i < RPW_ROOM_WAIT_MS; i++) {
        nanosleep(&moment, NULL);
        room = find_room(table);
    }
    if (room == NO_ROOM || room == NO_ROOM_YET)
        return false;
    *ret_has_struck = room == ROOM_BY_STRIKE;
    pthread_mutex_lock(&table->lock);
    atomic_fetch_add(&table->count, 1);
    connection->fd = fd;
    connection->accepted_ms = rpw_clock_ms();
    connection->number = table->next_number++;
    connection->peer = *peer;
    connection->is_admitted = true;
    pthread_mutex_unlock(&table->lock);
    if (fd > atomic_load(&table->highest_fd))
        atomic_store(&table->highest_fd, fd);
    return true;
}

struct rpw_connection *rpw_connections_open(struct rpw_connection_table *table, int fd, enum rpw_phase phase)
{
    struct rpw_connection *connection = &table->slots[fd];

    pthread_mutex_lock(&table->lock);
    connection->is_open = true;
    pthread_mutex_unlock(&table->lock);
    atomic_fetch_add_explicit(&table->counters.opened, 1, memory_order_relaxed);
    connection->table = table;
    connection->credential = NULL;
    connection->request_count = 0;
    connection->has_said_hello = false;
    connection->is_established = false;
    rpw_connection_set_phase(connection, phase);
    return connection;
}

void rpw_connection_set_phase(struct rpw_connection *connection, enum rpw_phase phase)
{
    const struct rpw_connection_table *table = connection->table;
    const bool is_waiting = phase == RPW_PHASE_FRESH || phase == RPW_PHASE_IDLE;
    const unsigned timeout_ms = is_waiting ? table->idle_timeout_ms : table->request_timeout_ms;

    atomic_store_explicit(&connection->due, word_of(phase, rpw_clock_ms() + timeout_ms), memory_order_release);
}

void rpw_connections_close(struct rpw_connection_table *table, int fd)
{
    pthread_mutex_lock(&table->lock);
    if (table->slots[fd].is_admitted)
        release(table, &table->slots[fd]);
    pthread_mutex_unlock(&table->lock);
}

/* What the kernel has received on a connection since it was opened; 0 where it does not tell. */
static uint64_t received_bytes(int fd)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof(info);

    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 ? info.tcpi_bytes_received : 0;
}

/* Whether the body that is coming takes far more bytes than a body may have. The word changes with each request. */
static bool is_body_endless(struct rpw_connection *connection, uint64_t word)
{
    const uint64_t received = received_bytes(connection->fd);

    if (connection->watched_due != word) {
        connection->watched_due = word;
        connection->watched_bytes = received;
    }
    return received > connection->watched_bytes && received - connection->watched_bytes > RPW_WIRE_BYTES;
}

void rpw_connections_reap(struct rpw_connection_table *table)
{
    const int64_t now = rpw_clock_ms();
    const int highest_fd = atomic_load(&table->highest_fd);

    for (int fd = 0; fd <= highest_fd; fd++) {
        struct rpw_connection *connection = &table->slots[fd];
        const uint64_t word = atomic_load_explicit(&connection->due, memory_order_acquire);

        if (word == 0)
            continue;
        if (deadline_of(word) <= now) {
            if (strike(table, connection, word))
                atomic_fetch_add_explicit(&table->counters.deadlines[phase_of(word)], 1, memory_order_relaxed);
        } else if (phase_of(word) == RPW_PHASE_BODY && is_body_endless(connection, word)) {
            strike(table, connection, word);
        }
    }
}

void rpw_connections_strike_idle(struct rpw_connection_table *table, unsigned fresh_ms)
{
    const int64_t now = rpw_clock_ms();
    const int highest_fd = atomic_load(&table->highest_fd);

    for (int fd = 0; fd <= highest_fd; fd++) {
        struct rpw_connection *connection = &table->slots[fd];
        const uint64_t word = atomic_load_explicit(&connection->due, memory_order_acquire);
        const enum rpw_phase phase = phase_of(word);

        if (phase == RPW_PHASE_IDLE ||
            ((phase == RPW_PHASE_HANDSHAKE || phase == RPW_PHASE_FRESH) && connection->accepted_ms + fresh_ms <= now))
            strike(table, connection, word);
    }
}

void rpw_connections_strike_all(struct rpw_connection_table *table)
{
    const int highest_fd = atomic_load(&table->highest_fd);

    pthread_mutex_lock(&table->lock);
    for (int fd = 0; fd <= highest_fd; fd++)
        if (table->slots[fd].is_open)
            shutdown(fd, SHUT_RDWR);
    pthread_mutex_unlock(&table->lock);
}

unsigned rpw_connections_count(const struct rpw_connection_table *table)
{
    return atomic_load(&table->count);
}
