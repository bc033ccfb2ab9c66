/* static_reply.c - the floor of the benchmark: the webhook's own server, which answers every request with the bytes of one
 * file, its configuration. What `serve` costs more than this is the price of the mutation.
 *
 * Usage: static_reply CERTIFICATE KEY ADDRESS:PORT OPERATIONS-ADDRESS:PORT THREADS ANSWER-FILE
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server.h"

static struct rpw_span answer_text;

static void answer(struct rpw_arena *arena, const struct rpw_policy_set *policies, struct rpw_span body,
                   struct rpw_result *ret_result)
{
    (void)policies;
    (void)body;
    rpw_arena_reset(arena);
    *ret_result = (struct rpw_result){
        .http_status = 200,
        .content_type = RPW_LIT("application/json"),
        .body = answer_text,
        .outcome = RPW_OUTCOME_PATCHED,
        .reason = RPW_REASON_INJECTED,
    };
}

static void keep(void *owner)
{
    (void)owner;
}

/* The answer is read once, before the server starts; a benchmark changes no files. */
static bool parse_nothing(const char *path, struct rpw_span text, struct rpw_parsed_policies *ret_parsed,
                          char **ret_report)
{
    static const struct rpw_policy_set no_policies;

    (void)path;
    (void)text;
    (void)ret_report;
    *ret_parsed = (struct rpw_parsed_policies){.set = &no_policies, .warnings = "", .free_owner = keep};
    return true;
}

int main(int argc, char **argv)
{
    struct rpw_server_options options = {
        .max_connections = 1000,
        .idle_timeout_ms = 120000,
        .request_timeout_ms = 30000,
        .body_budget_bytes = (size_t)64 * 1024 * 1024,
        .log_format = RPW_LOG_JSON,
        .log_level = RPW_LOG_INFO,
        .log_fd = STDERR_FILENO,
        .answer = answer,
        .parse_policies = parse_nothing,
    };
    char error[RPW_SERVER_ERROR_BYTES] = "cut off";
    struct rpw_parsed_policies parsed;
    struct rpw_file kept, file;
    char *report = NULL;

    if (argc != 7 || !rpw_address_parse(argv[3], &options.listen) || !rpw_address_parse(argv[4], &options.ops_listen)) {
        fputs("Usage: static_reply CERTIFICATE KEY ADDRESS:PORT OPERATIONS-ADDRESS:PORT THREADS ANSWER-FILE\n", stderr);
        return 2;
    }
    options.certificate_path = argv[1];
    options.key_path = argv[2];
    options.threads = (unsigned)strtoul(argv[5], NULL, 10);
    options.config_path = argv[6];
    rpw_server_block_signals();
    if (!rpw_file_read(argv[6], &kept, error, sizeof(error)) || !rpw_file_read(argv[6], &file, error, sizeof(error)) ||
        !parse_nothing(argv[6], (struct rpw_span){file.bytes, file.len}, &parsed, &report)) {
        fprintf(stderr, "static_reply: %s\n", error);
        return 1;
    }
    answer_text = (struct rpw_span){kept.bytes, kept.len};
    if (rpw_server_run(&options, &file, &parsed, error) != RPW_SERVER_STOPPED) {
        fprintf(stderr, "static_reply: %s\n", error);
        return 1;
    }
    return 0;
}
