/* serve_flags.c - the flags of `serve` and their environment variables become server options.
 *
 * One table holds everything there is to know about a flag: how it is spelled (the environment variable follows from
 * that), its default, its help, and the function that takes its value. The value comes from the command line (where the
 * last one wins), or else from the environment, or else it is the default; one that loses is not even looked at.
 */
#include "serve_flags.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "processors.h"

enum {
    SECONDS_MAX = 3600,
    THREADS_MAX = 256,
    CONNECTIONS_MAX = 1000000,
    REQUESTS_MAX = 1000000000,
    NAME_BYTES = 64,
    SPELLED_COLUMNS = 26,
};

#define BODY_BUDGET_MIN ((size_t)10 * 1024 * 1024) /* three quarters of it hold the longest body */
#define BODY_BUDGET_MAX ((size_t)1 << 40)

/* --- values ------------------------------------------------------------------------------------------------------- */

/* A decimal number, digits only. */
static bool parse_number(const char *text, unsigned long min, unsigned long max, unsigned long *ret_number)
{
    unsigned long number = 0;
    char *end = NULL;

    if (!isdigit((unsigned char)text[0]))
        return false;
    errno = 0;
    number = strtoul(text, &end, 10);
    if (errno != 0 || *end != '\0' || number < min || number > max)
        return false;
    *ret_number = number;
    return true;
}

static bool parse_seconds(const char *text, unsigned long min, unsigned *ret_ms)
{
    unsigned long seconds;

    if (!parse_number(text, min, SECONDS_MAX, &seconds))
        return false;
    *ret_ms = (unsigned)seconds * 1000;
    return true;
}

static bool take_config(struct rpw_server_options *options, const char *value)
{
    options->config_path = value;
    return value[0] != '\0';
}

static bool take_certificate(struct rpw_server_options *options, const char *value)
{
    options->certificate_path = value;
    return value[0] != '\0';
}

static bool take_key(struct rpw_server_options *options, const char *value)
{
    options->key_path = value;
    return value[0] != '\0';
}

static bool take_client_ca(struct rpw_server_options *options, const char *value)
{
    options->client_ca_path = value;
    return value[0] != '\0';
}

static bool take_wait_for_certificate(struct rpw_server_options *options, const char *value)
{
    options->may_wait_for_certificate = strcmp(value, "true") == 0;
    return options->may_wait_for_certificate || strcmp(value, "false") == 0;
}

static bool take_listen(struct rpw_server_options *options, const char *value)
{
    return rpw_address_parse(value, &options->listen);
}

static bool take_ops_listen(struct rpw_server_options *options, const char *value)
{
    return rpw_address_parse(value, &options->ops_listen);
}

static bool take_threads(struct rpw_server_options *options, const char *value)
{
    unsigned long threads;

    if (strcmp(value, "auto") == 0) {
        threads = rpw_processors_allowed();
        threads = threads < THREADS_MAX ? threads : THREADS_MAX;
    } else if (!parse_number(value, 1, THREADS_MAX, &threads)) {
        return false;
    }
    options->threads = (unsigned)threads;
    return true;
}

static bool take_log_format(struct rpw_server_options *options, const char *value)
{
    const bool is_text = strcmp(value, "text") == 0;

    options->log_format = is_text ? RPW_LOG_TEXT : RPW_LOG_JSON;
    return is_text || strcmp(value, "json") == 0;
}

static bool take_log_level(struct rpw_server_options *options, const char *value)
{
    for (unsigned level = RPW_LOG_DEBUG; level <= RPW_LOG_ERROR; level++) {
        if (strcmp(value, rpw_log_level_name((enum rpw_log_level)level)) == 0) {
            options->log_level = (enum rpw_log_level)level;
            return true;
        }
    }
    return false;
}

static bool take_drain_delay(struct rpw_server_options *options, const char *value)
{
    return parse_seconds(value, 0, &options->drain_delay_ms);
}

static bool take_idle_timeout(struct rpw_server_options *options, const char *value)
{
    return parse_seconds(value, 1, &options->idle_timeout_ms);
}

static bool take_request_timeout(struct rpw_server_options *options, const char *value)
{
    return parse_seconds(value, 1, &options->request_timeout_ms);
}

static bool take_max_connections(struct rpw_server_options *options, const char *value)
{
    unsigned long connections;

    if (!parse_number(value, 1, CONNECTIONS_MAX, &connections))
        return false;
    options->max_connections = (unsigned)connections;
    return true;
}

static bool take_max_requests(struct rpw_server_options *options, const char *value)
{
    unsigned long requests;

    if (!parse_number(value, 0, REQUESTS_MAX, &requests))
        return false;
    options->max_requests_per_connection = (unsigned)requests;
    return true;
}

static bool take_body_budget(struct rpw_server_options *options, const char *value)
{
    unsigned long bytes;

    if (!parse_number(value, BODY_BUDGET_MIN, BODY_BUDGET_MAX, &bytes))
        return false;
    options->body_budget_bytes = bytes;
    return true;
}

/* --- flags -------------------------------------------------------------------------------------------------------- */

static const struct flag {
    const char *name;     /* after "--"; the environment variable is RPW_ and this in capitals */
    const char *value;    /* NULL: a switch, "true" when it is given without a value */
    const char *fallback; /* NULL: there is none */
    bool is_required;
    bool (*take)(struct rpw_server_options *options, const char *value);
    const char *expected;
    const char *help;
} flags[] = {
    {"config", "FILE", NULL, true, take_config, "a file name", "the policies (YAML)"},
    {"tls-cert", "FILE", NULL, true, take_certificate, "a file name",
     "certificate in PEM form, then its intermediates"},
    {"tls-key", "FILE", NULL, true, take_key, "a file name", "its private key in PEM form"},
    {"client-ca", "FILE", NULL, false, take_client_ca, "a file name",
     "authorities in PEM form; only a client with a certificate for\n"
     "clients that one of them has signed gets through the handshake"},
    {"wait-for-certificate", NULL, "false", false, take_wait_for_certificate, "true or false",
     "start without a usable certificate, not ready, and serve as soon\n"
     "as there is one"},
    {"listen", "ADDR:PORT", "0.0.0.0:8443", false, take_listen,
     "a numeric address and a port, such as 0.0.0.0:8443 or [::1]:8443", "the webhook, HTTPS; port 0 takes a free one"},
    {"ops-listen", "ADDR:PORT", "0.0.0.0:8080", false, take_ops_listen,
     "a numeric address and a port, such as 0.0.0.0:8080 or [::1]:8080", "/healthz, /readyz and /metrics, plain HTTP"},
    {"threads", "N", "auto", false, take_threads, "auto or a number from 1 to 256",
     "workers; auto: the processors that the cgroup allows"},
    {"log-format", "FORMAT", "json", false, take_log_format, "json or text", "json, or text for people"},
    {"log-level", "LEVEL", "info", false, take_log_level, "debug, info, warn or error",
     "debug, info, warn or error; requests are info, refused ones warn"},
    {"drain-delay", "SECONDS", "10", false, take_drain_delay, "seconds from 0 to 3600",
     "how long to go on serving after SIGTERM, with /readyz at 503,\n"
     "until every kube-apiserver has stopped sending; then requests in\n"
     "flight get 10 s more. Keep the sum below the pod's\n"
     "terminationGracePeriodSeconds"},
    {"idle-timeout", "SECONDS", "120", false, take_idle_timeout, "seconds from 1 to 3600",
     "a connection without a request is closed after this; more than\n"
     "the 90 s after which kube-apiserver closes it itself"},
    {"request-timeout", "SECONDS", "30", false, take_request_timeout, "seconds from 1 to 3600",
     "how long a client may take for a TLS handshake, for sending a\n"
     "body, and for taking an answer: each"},
    {"max-connections", "N", "10000", false, take_max_connections, "a number from 1 to 1000000",
     "more are refused; less if the limit of open files is lower"},
    {"max-requests-per-connection", "N", "1000", false, take_max_requests, "a number from 0 to 1000000000",
     "the answer to the last one ends the connection, so that clients\n"
     "spread over the replicas; 0: no limit"},
    {"body-budget", "BYTES", "67108864", false, take_body_budget, "bytes, at least 10485760",
     "memory for the bodies of all requests together, large ones (over\n"
     "64 KiB) in at most three quarters of it; over it: 503"},
};

enum { FLAG_COUNT = sizeof(flags) / sizeof(flags[0]) };

/* "tls-cert" -> "RPW_TLS_CERT" */
static void environment_name(const struct flag *flag, char name[NAME_BYTES])
{
    int len = snprintf(name, NAME_BYTES, "RPW_%s", flag->name);

    for (int i = 0; i < len; i++)
        name[i] = name[i] == '-' ? '_' : (char)toupper((unsigned char)name[i]);
}

void rpw_serve_flags_print_help(void)
{
    puts("Usage: rucio-policy-webhook serve --config FILE --tls-cert FILE --tls-key FILE [OPTION]...\n"
         "Answers AdmissionReviews: POST /mutate over HTTPS (TLS 1.2 or later).\n");
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        const struct flag *flag = &flags[i];
        const char *help = flag->help;
        char spelled[NAME_BYTES];

        snprintf(spelled, sizeof(spelled), "--%s %s", flag->name, flag->value != NULL ? flag->value : "");
        if (strlen(spelled) > SPELLED_COLUMNS)
            printf("  %s\n%29s", spelled, "");
        else
            printf("  %-*s ", SPELLED_COLUMNS, spelled);
        for (const char *end; (end = strchr(help, '\n')) != NULL; help = end + 1)
            printf("%.*s\n%29s", (int)(end - help), help, "");
        printf("%s (%s%s)\n", help, flag->is_required ? "required" : "default ",
               flag->is_required        ? ""
               : flag->fallback == NULL ? "none"
                                        : flag->fallback);
    }
    puts("  --help                     this text\n\n"
         "Each can also be given as an environment variable: --tls-cert as RPW_TLS_CERT, and so on; flags win.\n"
         "Configuration, certificate, key and client authorities are loaded again when their files change.\n"
         "SIGTERM and SIGINT end the process in order, a second one at once. SIGHUP looks at the files at once.\n"
         "SIGUSR1 sets the log level to debug, and back the next time.\n"
         "Exit codes: 0 ended in order, 1 could not start or was cut off, 2 usage.");
}

static bool usage_error(const char *name, const char *problem)
{
    fprintf(stderr, "rucio-policy-webhook serve: %s: %s (see --help)\n", name, problem);
    return false;
}

/* name is how the user spelled it: the flag or the environment variable. */
static bool take(const struct flag *flag, const char *name, const char *value, struct rpw_server_options *options)
{
    char problem[256];

    if (flag->take(options, value))
        return true;
    snprintf(problem, sizeof(problem), "found '%.100s', expected %s", value, flag->expected);
    return usage_error(name, problem);
}

/* The flag that argument names; *ret_value is what follows '=', or NULL. */
static const struct flag *find_flag(const char *argument, const char **ret_value)
{
    const size_t len = strcspn(argument, "=");

    if (strncmp(argument, "--", 2) != 0)
        return NULL;
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        if (strlen(flags[i].name) == len - 2 && strncmp(argument + 2, flags[i].name, len - 2) == 0) {
            *ret_value = argument[len] == '=' ? argument + len + 1 : NULL;
            return &flags[i];
        }
    }
    return NULL;
}

/* Where each flag's value comes from, by its place in the table; NULL: not given there. */
static bool read_arguments(int argc, char **argv, const char *values[FLAG_COUNT])
{
    for (int i = 1; i < argc; i++) {
        const char *value = NULL;
        const struct flag *flag = find_flag(argv[i], &value);

        if (flag == NULL)
            return usage_error(argv[i], "there is no such option");
        if (value == NULL)
            value = flag->value == NULL ? "true" : argv[++i]; /* argv ends in NULL */
        if (value == NULL)
            return usage_error(argv[i - 1], "a value is missing");
        values[flag - flags] = value;
    }
    return true;
}

/* Takes the flag's value from where it comes from; argument is that of the command line, or NULL. */
static bool take_from_anywhere(const struct flag *flag, const char *argument, struct rpw_server_options *options)
{
    char flag_name[NAME_BYTES];
    char variable_name[NAME_BYTES];
    const char *variable;

    snprintf(flag_name, sizeof(flag_name), "--%s", flag->name);
    if (argument != NULL)
        return take(flag, flag_name, argument, options);
    environment_name(flag, variable_name);
    variable = getenv(variable_name);
    if (variable != NULL)
        return take(flag, variable_name, variable, options);
    if (flag->fallback != NULL)
        return take(flag, flag_name, flag->fallback, options);
    return !flag->is_required || usage_error(flag_name, "it is required");
}

bool rpw_serve_flags_read(int argc, char **argv, struct rpw_server_options *options)
{
    const char *values[FLAG_COUNT] = {NULL};

    if (!read_arguments(argc, argv, values))
        return false;
    for (size_t i = 0; i < FLAG_COUNT; i++)
        if (!take_from_anywhere(&flags[i], values[i], options))
            return false;
    return true;
}
