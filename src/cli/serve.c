/* serve.c - the verb `serve`: flags become server options, the configuration is read for the first time, the server
 * runs, and the exit code says how it ended. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "config.h"
#include "flags.h"
#include "processors.h"
#include "rpw/mutate.h"
#include "server.h"

/* --- flags ---------------------------------------------------------------------------------------------------------- */

#define THREADS_MAX 256
#define MILLISECONDS 1000U

/* What the flags say; what the server takes in another form stands beside its options. */
struct options {
    struct rpw_server_options server;
    time_t drain_delay_s, idle_timeout_s, request_timeout_s;
    unsigned long max_connections, max_requests, body_budget_bytes;
    unsigned log_format, log_level;
};

static const char *take_address(void *field, const char *value)
{
    return rpw_address_parse(value, field) ? NULL : "a numeric address and a port, such as 0.0.0.0:8443 or [::1]:8443";
}

static const char *take_threads(void *field, const char *value)
{
    unsigned long threads = rpw_processors_allowed();
    char *end = NULL;

    if (strcmp(value, "auto") != 0) {
        threads = strtoul(value, &end, 10);
        if (value[0] < '0' || value[0] > '9' || *end != '\0' || threads < 1 || threads > THREADS_MAX)
            return "auto or a number from 1 to 256";
    }
    *(unsigned *)field = (unsigned)(threads < THREADS_MAX ? threads : THREADS_MAX);
    return NULL;
}

static const struct rpw_flag flags[] = {
    RPW_FLAG("config", FILE, struct options, server.config_path, "FILE", "the policies (YAML)", .is_required = true),
    RPW_FLAG("tls-cert", FILE, struct options, server.certificate_path, "FILE",
             "certificate in PEM form, then its intermediates", .is_required = true),
    RPW_FLAG("tls-key", FILE, struct options, server.key_path, "FILE", "its private key in PEM form",
             .is_required = true),
    RPW_FLAG("client-ca", FILE, struct options, server.client_ca_path, "FILE",
             "authorities in PEM form; only a client with a certificate for clients that one of them has signed gets "
             "through the TLS handshake. Without it clients need no certificate", ),
    RPW_FLAG("wait-for-certificate", SWITCH, struct options, server.may_wait_for_certificate, NULL,
             "start without a usable certificate, not ready, and serve as soon as there is one", .fallback = "false"),
    RPW_FLAG("listen", FORM, struct options, server.listen, "ADDR:PORT", "the webhook, HTTPS; port 0 takes a free one",
             .fallback = "0.0.0.0:8443", .take = take_address),
    RPW_FLAG("ops-listen", FORM, struct options, server.ops_listen, "ADDR:PORT",
             "/healthz, /readyz and /metrics, plain HTTP", .fallback = "0.0.0.0:8080", .take = take_address),
    RPW_FLAG("threads", FORM, struct options, server.threads, "N",
             "workers; auto: the processors that the cgroup allows", .fallback = "auto", .take = take_threads),
    RPW_FLAG("log-format", CHOICE, struct options, log_format, "json|text", "for machines, or for people",
             .fallback = "json"),
    RPW_FLAG("log-level", CHOICE, struct options, log_level, "debug|info|warn|error",
             "requests are info, refused ones warn", .fallback = "info"),
    RPW_FLAG("drain-delay", DURATION, struct options, drain_delay_s, "TIME",
             "how long to go on serving after SIGTERM, with /readyz at 503, until every kube-apiserver has stopped "
             "sending; then requests in flight get 10s more. Keep the sum below the pod's "
             "terminationGracePeriodSeconds",
             .fallback = "10s", .max = 3600),
    RPW_FLAG("idle-timeout", DURATION, struct options, idle_timeout_s, "TIME",
             "a connection without a request is closed after this; more than the 90s after which kube-apiserver closes "
             "it itself",
             .fallback = "120s", .min = 1, .max = 3600),
    RPW_FLAG("request-timeout", DURATION, struct options, request_timeout_s, "TIME",
             "how long a client may take for a TLS handshake, for sending a body, and for taking an answer: each",
             .fallback = "30s", .min = 1, .max = 3600),
    RPW_FLAG("max-connections", NUMBER, struct options, max_connections, "N",
             "more are refused; less if the limit of open files is lower", .fallback = "10000", .min = 1,
             .max = 1000000),
    RPW_FLAG("max-requests-per-connection", NUMBER, struct options, max_requests, "N",
             "the answer to the last one ends the connection, so that clients spread over the replicas; 0: no limit",
             .fallback = "1000", .max = 1000000000),
    RPW_FLAG("body-budget", SIZE, struct options, body_budget_bytes, "SIZE",
             "memory for the bodies of all requests together, large ones (over 64Ki) in at most three quarters of it; "
             "over it: 503",
             .fallback = "64Mi", .min = 10UL << 20, .max = 1UL << 40),
};

/* --- the configuration ---------------------------------------------------------------------------------------------- */

static void free_config(void *owner)
{
    rpw_config_free(owner);
}

/* What the server calls whenever the file has changed. */
static bool parse_policies(const char *path, struct rpw_span text, struct rpw_parsed_policies *ret_parsed,
                           char **ret_report)
{
    struct rpw_config *config = NULL;

    if (!rpw_config_parse(path, text, &config, ret_report))
        return false;
    *ret_parsed = (struct rpw_parsed_policies){
        .set = rpw_config_policies(config),
        .warnings = rpw_config_warnings(config),
        .owner = config,
        .free_owner = free_config,
    };
    return true;
}

/* The first time there is somebody to read the whole report. */
static bool load_policies(const char *path, struct rpw_file *ret_file, struct rpw_parsed_policies *ret_parsed)
{
    char error[RPW_SERVER_ERROR_BYTES];
    char *report = NULL;

    if (!rpw_file_read(path, ret_file, error, sizeof(error))) {
        rpw_verb_fail(&rpw_verb_serve, RPW_EXIT_NO, "%s", error);
        return false;
    }
    if (parse_policies(path, (struct rpw_span){ret_file->bytes, ret_file->len}, ret_parsed, &report))
        return true;
    fputs(report != NULL ? report : "rucio-policy-webhook serve: out of memory\n", stderr);
    free(report);
    rpw_file_done(ret_file);
    return false;
}

static int run(const struct rpw_server_options *options)
{
    char error[RPW_SERVER_ERROR_BYTES];
    struct rpw_parsed_policies parsed;
    struct rpw_file file;
    enum rpw_server_end end;

    if (!load_policies(options->config_path, &file, &parsed))
        return RPW_EXIT_NO;
    end = rpw_server_run(options, &file, &parsed, error);
    if (end == RPW_SERVER_CUT_OFF)
        _exit(RPW_EXIT_NO); /* without cleaning up: other threads are still at work */
    if (end == RPW_SERVER_DID_NOT_START)
        rpw_verb_fail(&rpw_verb_serve, RPW_EXIT_NO, "%s", error);
    return end == RPW_SERVER_STOPPED ? RPW_EXIT_OK : RPW_EXIT_NO;
}

static int serve(void *context)
{
    struct options *options = context;
    struct rpw_server_options *server = &options->server;

    rpw_server_block_signals();
    server->drain_delay_ms = (unsigned)options->drain_delay_s * MILLISECONDS;
    server->idle_timeout_ms = (unsigned)options->idle_timeout_s * MILLISECONDS;
    server->request_timeout_ms = (unsigned)options->request_timeout_s * MILLISECONDS;
    server->max_connections = (unsigned)options->max_connections;
    server->max_requests_per_connection = (unsigned)options->max_requests;
    server->body_budget_bytes = options->body_budget_bytes;
    server->log_format = options->log_format == 0 ? RPW_LOG_JSON : RPW_LOG_TEXT;
    server->log_level = (enum rpw_log_level)(RPW_LOG_DEBUG + options->log_level);
    return run(server);
}

const struct rpw_verb rpw_verb_serve = {
    .name = "serve",
    .summary = "the webhook: an HTTPS server that Kubernetes asks about every new pod",
    .text = "Answers AdmissionReviews: POST /mutate over HTTPS, TLS 1.2 or later.",
    .ending =
        "Configuration, certificate, key and client authorities are loaded again when their files change. SIGTERM "
        "and SIGINT end the process in order, a second one at once. SIGHUP looks at the files at once. SIGUSR1 "
        "sets the log level to debug, and back the next time.\n"
        "Exit codes: 0 ended in order, 1 could not start or was cut off, 2 usage.",
    RPW_VERB_FLAGS(flags, struct options),
    .defaults =
        &(const struct options){
            .server = {.log_fd = STDERR_FILENO, .answer = rpw_mutate, .parse_policies = parse_policies}},
    .run = serve,
};
