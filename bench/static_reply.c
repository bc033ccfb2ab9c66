/* static_reply.c - the floor of the benchmark: the webhook's own server, which answers every request with the bytes of one
 * file. What `serve` costs more than this is the price of the mutation.
 *
 * Usage: static_reply CERTIFICATE KEY ADDRESS:PORT OPERATIONS-ADDRESS:PORT THREADS ANSWER-FILE
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server.h"

enum { ANSWER_BYTES_MAX = 1024 * 1024 };

static char answer_text[ANSWER_BYTES_MAX];
static size_t answer_len;

static void answer(struct rpw_arena *arena, const struct rpw_policy_set *policies, struct rpw_span body,
                   struct rpw_result *ret_result)
{
    (void)policies;
    (void)body;
    rpw_arena_reset(arena);
    *ret_result = (struct rpw_result){
        .http_status = 200,
        .content_type = RPW_LIT("application/json"),
        .body = {answer_text, answer_len},
        .outcome = RPW_OUTCOME_PATCHED,
        .reason = RPW_REASON_INJECTED,
    };
}

int main(int argc, char **argv)
{
    const struct rpw_policy_set policies = {0};
    struct rpw_server_options options = {
        .max_connections = 1000,
        .idle_timeout_ms = 120000,
        .request_timeout_ms = 30000,
        .body_budget_bytes = (size_t)64 * 1024 * 1024,
        .log = {.format = RPW_LOG_JSON, .level = RPW_LOG_INFO, .fd = STDERR_FILENO},
        .answer = answer,
        .policies = &policies,
    };
    char error[RPW_SERVER_ERROR_BYTES] = "cut off";
    FILE *file;

    if (argc != 7 || !rpw_address_parse(argv[3], &options.listen) || !rpw_address_parse(argv[4], &options.ops_listen)) {
        fputs("Usage: static_reply CERTIFICATE KEY ADDRESS:PORT OPERATIONS-ADDRESS:PORT THREADS ANSWER-FILE\n", stderr);
        return 2;
    }
    options.certificate_path = argv[1];
    options.key_path = argv[2];
    options.threads = (unsigned)strtoul(argv[5], NULL, 10);
    file = fopen(argv[6], "rb");
    if (file == NULL) {
        perror(argv[6]);
        return 1;
    }
    answer_len = fread(answer_text, 1, sizeof(answer_text), file);
    fclose(file);
    if (rpw_server_run(&options, error) != RPW_SERVER_STOPPED) {
        fprintf(stderr, "static_reply: %s\n", error);
        return 1;
    }
    return 0;
}
