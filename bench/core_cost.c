/* core_cost.c - what the mutation alone costs: rpw_mutate() over the same review again and again, without a server.
 *
 * Usage: core_cost CONFIG MILLISECONDS REVIEW...
 * Prints a line per review: its bytes, and the nanoseconds of CPU that a call took on average.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "config.h"
#include "rpw/bytes/limits.h"
#include "rpw/mutate.h"

#define NS_PER_MS 1e6

static double cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static struct rpw_span read_file(const char *path)
{
    char *bytes = malloc(RPW_MAX_BODY_BYTES);
    FILE *file = fopen(path, "rb");

    if (bytes == NULL || file == NULL) {
        perror(path);
        exit(1);
    }
    size_t len = fread(bytes, 1, RPW_MAX_BODY_BYTES, file);
    fclose(file);
    return (struct rpw_span){bytes, len};
}

static double measure(struct rpw_arena *arena, const struct rpw_policy_set *policies, struct rpw_span body,
                      double milliseconds)
{
    struct rpw_result result;
    double start, elapsed;
    unsigned calls = 0, batch = 1; /* reading the clock is not free */

    rpw_mutate(arena, policies, body, &result); /* touches the memory that it will use */
    if (result.outcome != RPW_OUTCOME_PATCHED) {
        fprintf(stderr, "core_cost: expected a patched pod, found: %s\n", rpw_outcome_name(result.outcome));
        exit(1);
    }
    start = cpu_ns();
    do {
        for (unsigned i = 0; i < batch; i++)
            rpw_mutate(arena, policies, body, &result);
        calls += batch;
        batch *= 2;
        elapsed = cpu_ns() - start;
    } while (elapsed < milliseconds * NS_PER_MS);
    return elapsed / calls;
}

int main(int argc, char **argv)
{
    struct rpw_config *config;
    struct rpw_arena arena;
    char *report;

    if (argc < 4) {
        fputs("Usage: core_cost CONFIG MILLISECONDS REVIEW...\n", stderr);
        return 2;
    }
    if (!rpw_config_load(argv[1], &config, &report)) {
        fputs(report, stderr);
        return 1;
    }
    void *region = malloc(RPW_ARENA_BYTES);
    if (region == NULL) {
        perror("core_cost");
        return 1;
    }
    rpw_arena_init(&arena, region, RPW_ARENA_BYTES);
    for (int i = 3; i < argc; i++) {
        struct rpw_span body = read_file(argv[i]);
        double ns = measure(&arena, rpw_config_policies(config), body, strtod(argv[2], NULL));
        printf("%zu %.0f\n", body.len, ns);
    }
    return 0;
}
