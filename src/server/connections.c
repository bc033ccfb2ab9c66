/* connections.c - the table of connections and their deadlines.
 *
 * A worker that begins a phase only stores one word: no lock is taken for a request. Who wants to strike a connection
 * takes the lock, so that close cannot give the file descriptor away meanwhile, and replaces the very word it has
 * judged: if the worker has begun another phase in between, the strike misses.
 */
#include "connections.h"

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
    atomic_fetch_sub(&table->count, 1);
}

bool rpw_connections_admit(struct rpw_connection_table *table, int fd, const union rpw_ip_address *peer)
{
    struct rpw_connection *connection;
    bool is_admitted = false;

    if ((size_t)fd >= table->slot_count)
        return false;
    connection = &table->slots[fd];
    pthread_mutex_lock(&table->lock);
    /* libmicrohttpd closes a connection that it fails to set up without a word. It did so if the number comes again. */
    if (connection->is_admitted)
        release(table, connection);
    if (atomic_load(&table->count) < table->max_connections) {
        atomic_fetch_add(&table->count, 1);
        connection->fd = fd;
        connection->accepted_ms = rpw_clock_ms();
        connection->peer = *peer;
        connection->is_admitted = true;
        is_admitted = true;
    }
    pthread_mutex_unlock(&table->lock);
    if (fd > atomic_load(&table->highest_fd))
        atomic_store(&table->highest_fd, fd);
    return is_admitted;
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

/* True when the strike has hit. */
static bool strike(struct rpw_connection_table *table, struct rpw_connection *connection, uint64_t judged)
{
    const enum rpw_phase phase = phase_of(judged);
    const bool is_reading = phase != RPW_PHASE_ANSWER && phase != RPW_PHASE_STRUCK;
    bool is_hit = false;

    pthread_mutex_lock(&table->lock);
    if (connection->is_open &&
        atomic_compare_exchange_strong(&connection->due, &judged,
                                       word_of(RPW_PHASE_STRUCK, rpw_clock_ms() + RPW_STRIKE_AGAIN_MS)))
        is_hit = shutdown(connection->fd, is_reading ? SHUT_RD : SHUT_RDWR) == 0;
    pthread_mutex_unlock(&table->lock);
    return is_hit;
}

void rpw_connections_reap(struct rpw_connection_table *table)
{
    const int64_t now = rpw_clock_ms();
    const int highest_fd = atomic_load(&table->highest_fd);

    for (int fd = 0; fd <= highest_fd; fd++) {
        const uint64_t word = atomic_load_explicit(&table->slots[fd].due, memory_order_acquire);

        if (word != 0 && deadline_of(word) <= now && strike(table, &table->slots[fd], word))
            atomic_fetch_add_explicit(&table->counters.deadlines[phase_of(word)], 1, memory_order_relaxed);
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
