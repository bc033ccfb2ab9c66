/* certs.c - the verb `certs`: picks the verb below it. */
#include "certs.h"

#include <stdio.h>
#include <string.h>

#include "cli.h"

static const struct verb {
    const char *name;
    int (*run)(int argc, char **argv);
} verbs[] = {
    {"generate", rpw_cli_certs_generate},
    {"show", rpw_cli_certs_show},
    {"ensure", rpw_cli_certs_ensure},
};

static const char usage[] = "Usage: rucio-policy-webhook certs VERB [OPTION]...\n"
                            "The certificate authority and the serving certificate.\n"
                            "\n"
                            "  generate  makes both, as files\n"
                            "  show      says what is in a file of certificates, and whether it is valid\n"
                            "  ensure    makes and renews both in a cluster: two Secrets and every caBundle\n"
                            "\n"
                            "`rucio-policy-webhook certs VERB --help` explains each.\n"
                            "Exit codes: 0 fine, 1 the answer is \"no\", 2 usage.\n";

int rpw_cli_certs(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";

    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        fputs(usage, stdout);
        return RPW_EXIT_OK;
    }
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (strcmp(name, verbs[i].name) == 0)
            return verbs[i].run(argc - 1, argv + 1);
    if (name[0] != '\0')
        fprintf(stderr, "rucio-policy-webhook certs: there is no verb '%s'\n\n", name);
    fputs(usage, stderr);
    return RPW_EXIT_USAGE;
}
