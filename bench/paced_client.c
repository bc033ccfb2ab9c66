/* paced_client.c - an open-loop client over TLS: requests become due at a constant rate, whether or not earlier answers
 * have come, and latency counts from the moment a request was due. A closed loop would wait for a slow server, and so not
 * see the requests that it kept waiting.
 *
 * Each connection has a thread of its own and an equal share of the schedule.
 *
 * Usage: paced_client PORT BODY-FILE REQUESTS-PER-SECOND SECONDS CONNECTIONS      (POST https://127.0.0.1:PORT/mutate)
 * Prints: answers a second, and the latencies' 50th and 99th percentile and maximum in microseconds.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define MAX_REQUEST_BYTES (1 << 20)
#define MAX_ANSWER_BYTES (64 * 1024)
#define MAX_CONNECTIONS 256
#define CONTENT_LENGTH "\r\nContent-Length:"
#define NS_PER_S 1000000000LL

struct connection {
    pthread_t thread;
    SSL *tls;
    long long first_due_ns;
    long long interval_ns;
    size_t count;
    long long *latencies_ns;
};

static char request[MAX_REQUEST_BYTES];
static size_t request_bytes;

static void die(const char *what)
{
    fprintf(stderr, "paced_client: %s\n", what);
    exit(1);
}

static long long now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void sleep_until(long long ns)
{
    struct timespec due = {.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) != 0)
        ;
}

static void make_request(const char *path)
{
    static char body[MAX_REQUEST_BYTES / 2];
    FILE *file = fopen(path, "rb");

    if (file == NULL)
        die("the body cannot be read");
    size_t len = fread(body, 1, sizeof(body), file);
    fclose(file);
    int head = snprintf(request, sizeof(request),
                        "POST /mutate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                        "Content-Length: %zu\r\n\r\n",
                        len);
    memcpy(request + head, body, len);
    request_bytes = (size_t)head + len;
}

static SSL *open_connection(SSL_CTX *context, unsigned short port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    SSL *tls = SSL_new(context);

    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        die("the server cannot be reached");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (tls == NULL || SSL_set_fd(tls, fd) != 1 || SSL_connect(tls) != 1)
        die("the TLS handshake failed");
    return tls;
}

static size_t receive(SSL *tls, char *room, size_t bytes)
{
    int got = SSL_read(tls, room, (int)bytes);

    if (got <= 0)
        die("the connection ended before the answer did");
    return (size_t)got;
}

/* Go answers in chunks, of which the last is empty; no JSON of ours ends as that does. */
static bool is_whole(const char *answer, size_t len, const char *body, const char *length)
{
    if (length == NULL)
        return memcmp(answer + len - 5, "0\r\n\r\n", 5) == 0;
    return len - (size_t)(body - answer) >= strtoul(length + strlen(CONTENT_LENGTH), NULL, 10);
}

static void read_answer(SSL *tls)
{
    char answer[MAX_ANSWER_BYTES];
    size_t len = 0;
    const char *body = NULL, *length = NULL;

    do {
        len += receive(tls, answer + len, sizeof(answer) - 1 - len);
        answer[len] = '\0';
        if (body == NULL && (body = strstr(answer, "\r\n\r\n")) != NULL) {
            body += 4;
            length = strcasestr(answer, CONTENT_LENGTH);
        }
    } while (body == NULL || !is_whole(answer, len, body, length));
    if (strncmp(answer, "HTTP/1.1 200", 12) != 0)
        die("an answer that is not 200");
}

static void *run(void *argument)
{
    struct connection *connection = argument;

    prctl(PR_SET_TIMERSLACK, 1UL);
    for (size_t i = 0; i < connection->count; i++) {
        long long due = connection->first_due_ns + (long long)i * connection->interval_ns;
        sleep_until(due);
        if (SSL_write(connection->tls, request, (int)request_bytes) <= 0)
            die("a request could not be sent");
        read_answer(connection->tls);
        connection->latencies_ns[i] = now_ns() - due;
    }
    return NULL;
}

static int compare(const void *a, const void *b)
{
    long long first = *(const long long *)a, second = *(const long long *)b;

    return (first > second) - (first < second);
}

int main(int argc, char **argv)
{
    static struct connection connections[MAX_CONNECTIONS];
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    if (argc != 6 || context == NULL || strtoul(argv[5], NULL, 10) - 1 >= MAX_CONNECTIONS) {
        fputs("Usage: paced_client PORT BODY-FILE REQUESTS-PER-SECOND SECONDS CONNECTIONS\n", stderr);
        return 2;
    }
    make_request(argv[2]);
    double rate = strtod(argv[3], NULL);
    size_t n = strtoul(argv[5], NULL, 10), each = (size_t)(rate * strtod(argv[4], NULL)) / n;
    long long *latencies = calloc(each * n + 1, sizeof(*latencies));
    if (latencies == NULL || each == 0)
        die("too few requests");
    for (size_t i = 0; i < n; i++)
        connections[i].tls = open_connection(context, (unsigned short)strtoul(argv[1], NULL, 10));
    long long start = now_ns() + NS_PER_S / 10;
    for (size_t i = 0; i < n; i++) {
        connections[i].interval_ns = (long long)((double)n * 1e9 / rate);
        connections[i].first_due_ns = start + (long long)((double)i * 1e9 / rate);
        connections[i].count = each;
        connections[i].latencies_ns = latencies + i * each;
        if (pthread_create(&connections[i].thread, NULL, run, &connections[i]) != 0)
            die("no thread");
    }
    for (size_t i = 0; i < n; i++)
        pthread_join(connections[i].thread, NULL);
    double seconds = (double)(now_ns() - start) / 1e9;
    size_t count = each * n;
    qsort(latencies, count, sizeof(*latencies), compare);
    printf("%.0f %.1f %.1f %.1f\n", (double)count / seconds, (double)latencies[count / 2] / 1e3,
           (double)latencies[count * 99 / 100] / 1e3, (double)latencies[count - 1] / 1e3);
    return 0;
}
