/* serve.c - the verb `serve`: flags become server options, the configuration is read for the first time, the server
 * runs, and the exit code says how it ended. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "config.h"
#include "rpw/mutate.h"
#include "serve_flags.h"

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
        fprintf(stderr, "rucio-policy-webhook serve: %s\n", error);
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
        fprintf(stderr, "rucio-policy-webhook serve: %s\n", error);
    return end == RPW_SERVER_STOPPED ? RPW_EXIT_OK : RPW_EXIT_NO;
}

int rpw_cli_serve(int argc, char **argv)
{
    struct rpw_server_options options = {
        .log_fd = STDERR_FILENO, .answer = rpw_mutate, .parse_policies = parse_policies};

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            rpw_serve_flags_print_help();
            return RPW_EXIT_OK;
        }
    }
    rpw_server_block_signals();
    if (!rpw_serve_flags_read(argc, argv, &options))
        return RPW_EXIT_USAGE;
    return run(&options);
}
