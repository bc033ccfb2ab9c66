/* metrics_text.c - one function per family of metrics, in the order of the page.
 *
 * Every series that can be is there from the start, with 0: a counter that appears with its first error would have no
 * rate to alert on.
 */
#include "metrics_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "process_usage.h"
#include "refusal.h"

static uint64_t value_of(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void begin(FILE *page, const char *name, const char *type, const char *help)
{
    fprintf(page, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A family of one series without labels. */
static void put_single(FILE *page, const char *name, const char *type, const char *help, double value)
{
    begin(page, name, type, help);
    fprintf(page, "%s %.17g\n", name, value);
}

/* --- requests ----------------------------------------------------------------------------------------------------- */

static void put_request(FILE *page, enum rpw_outcome outcome, const char *reason, uint64_t value)
{
    fprintf(page, "rpw_requests_total{outcome=\"%s\",reason=\"%s\"} %" PRIu64 "\n", rpw_outcome_name(outcome), reason,
            value);
}

static void put_requests(FILE *page, const struct rpw_metrics *metrics)
{
    begin(page, "rpw_requests_total", "counter", "Requests answered, by outcome and reason.");
    for (unsigned i = 0; i < RPW_REASON_COUNT; i++) {
        const enum rpw_reason reason = (enum rpw_reason)i;

        put_request(page, rpw_metrics_outcome_of(reason), rpw_reason_name(reason), value_of(&metrics->answers[i]));
    }
    for (unsigned i = RPW_REFUSAL_NONE + 1; i < RPW_REFUSAL_COUNT; i++)
        put_request(page, RPW_OUTCOME_INVALID, rpw_refusal_reason((enum rpw_refusal)i),
                    value_of(&metrics->refusals[i]));
}

static void put_injections(FILE *page, const struct rpw_metrics *metrics)
{
    const unsigned count = atomic_load_explicit(&metrics->policy_count, memory_order_acquire);

    begin(page, "rpw_policy_injections_total", "counter", "Pods patched, by policy.");
    for (unsigned i = 0; i < count; i++)
        fprintf(page, "rpw_policy_injections_total{policy=\"%s\"} %" PRIu64 "\n", metrics->policies[i].name,
                value_of(&metrics->policies[i].injections));
}

static void put_durations(FILE *page, const struct rpw_metrics *metrics)
{
    uint64_t count = 0;

    begin(page, "rpw_request_duration_seconds", "histogram",
          "From a request's complete headers to its answer, the arrival of the body included.");
    for (unsigned i = 0; i < RPW_METRICS_BUCKETS; i++) {
        count += value_of(&metrics->durations[i]);
        fprintf(page, "rpw_request_duration_seconds_bucket{le=\"%.7g\"} %" PRIu64 "\n",
                (double)rpw_metrics_bounds_ns[i] / 1e9, count);
    }
    count += value_of(&metrics->durations[RPW_METRICS_BUCKETS]);
    fprintf(page,
            "rpw_request_duration_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n"
            "rpw_request_duration_seconds_sum %.9f\n"
            "rpw_request_duration_seconds_count %" PRIu64 "\n",
            count, (double)value_of(&metrics->duration_sum_ns) / 1e9, count);
}

/* --- connections -------------------------------------------------------------------------------------------------- */

static const char *const refusal_names[RPW_CONNECTION_REFUSAL_COUNT] = {"limit", "setup"};

/* The phases that have a deadline. A connection without its first request is idle, too. */
static const struct phase {
    const char *name;
    enum rpw_phase phases[2];
} phases[] = {
    {"handshake", {RPW_PHASE_HANDSHAKE, RPW_PHASE_HANDSHAKE}},
    {"idle", {RPW_PHASE_FRESH, RPW_PHASE_IDLE}},
    {"body", {RPW_PHASE_BODY, RPW_PHASE_BODY}},
    {"answer", {RPW_PHASE_ANSWER, RPW_PHASE_ANSWER}},
};

static uint64_t deadlines_of(const struct rpw_connection_counters *counters, const struct phase *phase)
{
    const uint64_t first = value_of(&counters->deadlines[phase->phases[0]]);

    return phase->phases[1] == phase->phases[0] ? first : first + value_of(&counters->deadlines[phase->phases[1]]);
}

static void put_connection_counts(FILE *page, const struct rpw_endpoint *const endpoints[2])
{
    begin(page, "rpw_connections_open", "gauge", "Connections open now.");
    for (size_t i = 0; i < 2; i++)
        fprintf(page, "rpw_connections_open{endpoint=\"%s\"} %u\n", endpoints[i]->options.name,
                rpw_connections_count(&endpoints[i]->connections));
    begin(page, "rpw_connections_limit", "gauge", "Connections that may be open at once.");
    for (size_t i = 0; i < 2; i++)
        fprintf(page, "rpw_connections_limit{endpoint=\"%s\"} %u\n", endpoints[i]->options.name,
                endpoints[i]->options.max_connections);
    begin(page, "rpw_connections_total", "counter", "Connections taken up; a refused one is not among them.");
    for (size_t i = 0; i < 2; i++)
        fprintf(page, "rpw_connections_total{endpoint=\"%s\"} %" PRIu64 "\n", endpoints[i]->options.name,
                value_of(&endpoints[i]->connections.counters.opened));
}

static void put_connection_ends(FILE *page, const struct rpw_endpoint *const endpoints[2])
{
    begin(page, "rpw_connections_refused_total", "counter",
          "Connections refused: the limit is reached, or libmicrohttpd could not set them up.");
    for (size_t i = 0; i < 2; i++)
        for (size_t reason = 0; reason < RPW_CONNECTION_REFUSAL_COUNT; reason++)
            fprintf(page, "rpw_connections_refused_total{endpoint=\"%s\",reason=\"%s\"} %" PRIu64 "\n",
                    endpoints[i]->options.name, refusal_names[reason],
                    value_of(&endpoints[i]->connections.counters.refused[reason]));
    begin(page, "rpw_connections_timed_out_total", "counter",
          "Connections closed at a deadline, by what took too long; idle ones are closed in the normal course of "
          "things.");
    for (size_t i = 0; i < 2; i++)
        for (size_t phase = 0; phase < sizeof(phases) / sizeof(phases[0]); phase++)
            fprintf(page, "rpw_connections_timed_out_total{endpoint=\"%s\",phase=\"%s\"} %" PRIu64 "\n",
                    endpoints[i]->options.name, phases[phase].name,
                    deadlines_of(&endpoints[i]->connections.counters, &phases[phase]));
}

/* --- configuration and certificates ------------------------------------------------------------------------------- */

static void put_reloads(FILE *page, struct rpw_reload *reload)
{
    begin(page, "rpw_config_last_reload_success", "gauge",
          "Whether what is on disk now could be loaded, by part; if not, the older one stays in use.");
    for (unsigned i = 0; i < RPW_RELOAD_PART_COUNT; i++)
        if (rpw_reload_has_part(reload, (enum rpw_reload_part)i))
            fprintf(page, "rpw_config_last_reload_success{part=\"%s\"} %d\n",
                    rpw_reload_part_name((enum rpw_reload_part)i), atomic_load(&reload->parts[i].has_failed) ? 0 : 1);
    begin(page, "rpw_config_last_reload_timestamp_seconds", "gauge",
          "When what is in use was loaded, by part; 0: not yet.");
    for (unsigned i = 0; i < RPW_RELOAD_PART_COUNT; i++)
        if (rpw_reload_has_part(reload, (enum rpw_reload_part)i))
            fprintf(page, "rpw_config_last_reload_timestamp_seconds{part=\"%s\"} %" PRId64 "\n",
                    rpw_reload_part_name((enum rpw_reload_part)i), atomic_load(&reload->parts[i].loaded_time));
}

static void put_validity(FILE *page, struct rpw_reload *reload)
{
    struct rpw_credential *credential = (struct rpw_credential *)rpw_current_ref(&reload->credential);
    const int64_t client_ca = atomic_load(&reload->client_ca_not_after);

    begin(page, "rpw_certificate_not_after_timestamp_seconds", "gauge",
          "When the certificate in use expires, and the last of the authorities of clients.");
    if (credential != NULL)
        fprintf(page, "rpw_certificate_not_after_timestamp_seconds{part=\"certificate\"} %" PRId64 "\n",
                (int64_t)credential->not_after);
    if (client_ca != 0)
        fprintf(page, "rpw_certificate_not_after_timestamp_seconds{part=\"client_ca\"} %" PRId64 "\n", client_ca);
    rpw_credential_unref(credential);
}

/* --- the process -------------------------------------------------------------------------------------------------- */

static void put_process(FILE *page, double start_time)
{
    const struct rpw_process_usage usage = rpw_process_usage_read();

    begin(page, "rpw_build_info", "gauge", "The program's version and those of the libraries that it has met.");
    fprintf(page, "rpw_build_info{version=\"%s\",libmicrohttpd=\"%s\",gnutls=\"%s\"} 1\n", RPW_VERSION,
            MHD_get_version(), gnutls_check_version(NULL));
    put_single(page, "process_cpu_seconds_total", "counter", "User and system CPU time, in seconds.",
               usage.cpu_seconds);
    put_single(page, "process_resident_memory_bytes", "gauge", "Resident memory, in bytes.",
               (double)usage.resident_bytes);
    put_single(page, "process_virtual_memory_bytes", "gauge",
               "Virtual memory, in bytes; most of it is reserved and never used.", (double)usage.virtual_bytes);
    put_single(page, "process_open_fds", "gauge", "Open file descriptors.", (double)usage.open_fds);
    put_single(page, "process_max_fds", "gauge", "File descriptors that may be open.", (double)usage.max_fds);
    put_single(page, "process_start_time_seconds", "gauge", "When the process started, in seconds since 1970.",
               start_time);
}

char *rpw_metrics_text(const struct rpw_metrics_sources *sources, size_t *ret_len)
{
    const struct rpw_metrics *metrics = sources->metrics;
    char *text = NULL;
    FILE *page = open_memstream(&text, ret_len);

    if (page == NULL)
        return NULL;
    put_requests(page, metrics);
    put_injections(page, metrics);
    put_durations(page, metrics);
    put_single(page, "rpw_requests_in_flight", "gauge", "Requests of which the answer is not yet sent.",
               (double)value_of(&metrics->in_flight));
    put_single(page, "rpw_tls_handshake_errors_total", "counter",
               "TLS handshakes that were begun and failed; a mere TCP probe is none.",
               (double)value_of(&sources->endpoints[0]->connections.counters.handshake_errors));
    put_connection_counts(page, sources->endpoints);
    put_connection_ends(page, sources->endpoints);
    put_reloads(page, sources->reload);
    put_validity(page, sources->reload);
    put_process(page, metrics->start_time);
    if (fclose(page) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
