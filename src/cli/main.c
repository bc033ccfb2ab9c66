/* main.c - picks the verb. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

static const struct verb {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} verbs[] = {
    {"serve", rpw_cli_serve, "the webhook: an HTTPS server that Kubernetes asks about every new pod"},
    {"mutate", rpw_cli_mutate, "the same code offline: what it does to a chart, a workload or a pod"},
    {"check", rpw_cli_check, "is this configuration right, and what will it do?"},
    {"certs", rpw_cli_certs, "certificate authority and serving certificate: generate, show, ensure (in a cluster)"},
    {"audit", rpw_cli_audit, "which running Rucio pods lack their policy, or carry an old revision of it?"},
};

static void print_usage(FILE *out)
{
    fputs("Usage: rucio-policy-webhook VERB [OPTION]...\n"
          "Deploys Rucio policy packages into pods, as a Kubernetes mutating admission webhook.\n\n",
          out);
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        fprintf(out, "  %-8s %s\n", verbs[i].name, verbs[i].summary);
    fputs("\n`rucio-policy-webhook VERB --help` explains a verb; `--version` prints the version.\n"
          "Exit codes: 0 fine, 1 the answer is \"no\", 2 usage.\n",
          out);
}

static int run_verb(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";

    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        print_usage(stdout);
        return RPW_EXIT_OK;
    }
    if (strcmp(name, "--version") == 0) {
        printf("rucio-policy-webhook %s\n", RPW_VERSION);
        return RPW_EXIT_OK;
    }
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (strcmp(name, verbs[i].name) == 0)
            return verbs[i].run(argc - 1, argv + 1);

    if (name[0] != '\0')
        fprintf(stderr, "rucio-policy-webhook: there is no verb '%s'\n\n", name);
    print_usage(stderr);
    return RPW_EXIT_USAGE;
}

/* A result that could not be written (a full disk, a closed pipe) is no result. */
int main(int argc, char **argv)
{
    int exit_code = run_verb(argc, argv);

    if ((fflush(stdout) != 0 || ferror(stdout)) && exit_code == RPW_EXIT_OK) {
        fprintf(stderr, "rucio-policy-webhook: the output could not be written: %s\n", strerror(errno));
        exit_code = RPW_EXIT_NO;
    }
    return exit_code;
}
