/* certs_generate.c - the verb `certs generate`: an authority and a serving certificate, as four files, all of them or none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "certs.h"
#include "cli.h"
#include "command_line.h"
#include "issue.h"
#include "new_files.h"
#include "values.h"

#define DEFAULT_DAYS 365
#define MAX_DAYS 3650

#define PUBLIC_MODE 0644
#define PRIVATE_MODE 0600

struct options {
    struct rpw_certs_names names;
    const char *folder;
    long days;
    bool may_replace;
};

static const struct rpw_usage usage = {
    "certs generate",
    "Usage: rucio-policy-webhook certs generate --dns NAME... [--ip ADDRESS...] [--out DIR] [--days N] [--force]\n"
    "Makes a certificate authority and a serving certificate that it signs (EC P-256), as files in DIR:\n"
    "ca.crt, ca.key, tls.crt and tls.key; keys are readable by their owner only.\n"
    "\n"
    "  --dns NAME     a name of the server, in a cluster SERVICE.NAMESPACE.svc; may be given again\n"
    "  --ip ADDRESS   an address of the server; may be given again\n"
    "  --out DIR      where the files go; default: the current folder\n"
    "  --days N       how long both are valid; default: 365, at most 3650\n"
    "  --force        replace files that are there\n"
    "  --help         this text\n"
    "\n"
    "Prints the authority as a MutatingWebhookConfiguration wants it in caBundle. Keep ca.key away from the servers: "
    "they\n"
    "need tls.crt and tls.key. Exit codes: 0 done, 1 nothing was written, 2 usage.\n",
};

static bool take_option(void *target, int option, char *value)
{
    struct options *options = target;
    const char *expected;

    switch (option) {
    case 'd':
        expected = rpw_certs_names_add_dns(&options->names, value);
        return expected == NULL || rpw_usage_error(&usage, "--dns: found '%s', expected %s", value, expected);
    case 'i':
        expected = rpw_certs_names_add_ip(&options->names, value);
        return expected == NULL || rpw_usage_error(&usage, "--ip: found '%s', expected %s", value, expected);
    case 'o':
        options->folder = value;
        return true;
    case 'n':
        return rpw_number_parse(value, 1, MAX_DAYS, &options->days) ||
               rpw_usage_error(&usage, "--days: found '%s', expected a whole number from 1 to 3650", value);
    case 'f':
        options->may_replace = true;
        return true;
    default:
        return rpw_usage_error(&usage, "argument: found '%s', expected options only; names are given with --dns",
                               value);
    }
}

static bool check_options(const void *target)
{
    const struct options *options = target;

    return options->names.dns_count > 0 || rpw_usage_error(&usage, "--dns: found '', expected at least one name");
}

static const struct option option_names[] = {
    {"dns", required_argument, NULL, 'd'},
    {"ip", required_argument, NULL, 'i'},
    {"out", required_argument, NULL, 'o'},
    {"days", required_argument, NULL, 'n'},
    {"force", no_argument, NULL, 'f'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};
static const struct rpw_command_line command_line = {&usage, "h", option_names, take_option, check_options};

static bool make_pairs(const struct options *options, struct rpw_certs_pair *authority, struct rpw_certs_pair *serving,
                       char error[RPW_CERTS_ERROR_BYTES])
{
    time_t now = time(NULL), lifetime_s = options->days * RPW_CERTS_DAY_S;

    return rpw_certs_make_authority("rucio-policy-webhook authority", now, lifetime_s, authority, error) &&
           rpw_certs_make_serving(authority, &options->names, now, lifetime_s, serving, error);
}

static bool write_pairs(const struct options *options, const struct rpw_certs_pair *authority,
                        const struct rpw_certs_pair *serving, char error[RPW_NEW_FILES_ERROR_BYTES])
{
    const struct rpw_new_file files[] = {
        {"ca.crt", authority->certificate, PUBLIC_MODE},
        {"ca.key", authority->key, PRIVATE_MODE},
        {"tls.crt", serving->certificate, PUBLIC_MODE},
        {"tls.key", serving->key, PRIVATE_MODE},
    };

    return rpw_new_files_write(options->folder, files, sizeof(files) / sizeof(files[0]), options->may_replace, error);
}

int rpw_cli_certs_generate(int argc, char **argv)
{
    struct options options = {.folder = ".", .days = DEFAULT_DAYS};
    struct rpw_certs_pair authority = {NULL, NULL}, serving = {NULL, NULL};
    char error[RPW_CERTS_ERROR_BYTES] = "out of memory", *bundle = NULL;
    int exit_code;

    if (!rpw_command_line_read(&command_line, argc, argv, &options, &exit_code))
        return exit_code;

    exit_code = RPW_EXIT_NO;
    if (make_pairs(&options, &authority, &serving, error) &&
        (bundle = rpw_base64_encode(rpw_span_of(authority.certificate))) != NULL &&
        write_pairs(&options, &authority, &serving, error)) {
        puts(bundle);
        exit_code = RPW_EXIT_OK;
    } else {
        fprintf(stderr, "rucio-policy-webhook certs generate: %s\n", error);
    }
    free(bundle);
    rpw_certs_pair_done(&authority);
    rpw_certs_pair_done(&serving);
    return exit_code;
}
