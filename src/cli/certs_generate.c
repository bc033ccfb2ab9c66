/* certs_generate.c - the verb `certs generate`: an authority and a serving certificate, as four files, all of them or none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "cli.h"
#include "flags.h"
#include "issue.h"
#include "new_files.h"

#define PUBLIC_MODE 0644
#define PRIVATE_MODE 0600

struct options {
    struct rpw_certs_names names;
    const char *folder;
    time_t lifetime_s;
    bool may_replace;
};

static const char *take_dns(void *field, const char *value)
{
    return rpw_certs_names_add_dns(field, value);
}

static const char *take_ip(void *field, const char *value)
{
    return rpw_certs_names_add_ip(field, value);
}

static const struct rpw_flag flags[] = {
    RPW_FLAG("dns", FORMS, struct options, names, "NAME", "a name of the server, in a cluster SERVICE.NAMESPACE.svc",
             .take = take_dns, .is_required = true),
    RPW_FLAG("ip", FORMS, struct options, names, "ADDRESS", "an address of the server", .take = take_ip),
    RPW_FLAG("out", FOLDER, struct options, folder, "DIR", "where the files go; it is made", .fallback = "."),
    RPW_FLAG("valid-for", DURATION, struct options, lifetime_s, "TIME", "how long both are valid", .fallback = "365d",
             .min = RPW_CERTS_DAY_S, .max = 3650 * RPW_CERTS_DAY_S),
    RPW_FLAG("force", SWITCH, struct options, may_replace, NULL, "replace files that are there", ),
};

static bool make_pairs(const struct options *options, struct rpw_certs_pair *authority, struct rpw_certs_pair *serving,
                       char error[RPW_CERTS_ERROR_BYTES])
{
    time_t now = time(NULL);

    return rpw_certs_make_authority("rucio-policy-webhook authority", now, options->lifetime_s, authority, error) &&
           rpw_certs_make_serving(authority, &options->names, now, options->lifetime_s, serving, error);
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

static int generate(void *context)
{
    const struct options *options = context;
    struct rpw_certs_pair authority = {NULL, NULL}, serving = {NULL, NULL};
    char error[RPW_CERTS_ERROR_BYTES], *bundle;
    bool is_made =
        make_pairs(options, &authority, &serving, error) && write_pairs(options, &authority, &serving, error);

    if (is_made) {
        bundle = rpw_base64_encode(rpw_span_of(authority.certificate));
        puts(bundle);
        free(bundle);
    } else {
        rpw_verb_fail(&rpw_verb_certs_generate, RPW_EXIT_NO, "%s", error);
    }
    rpw_certs_pair_done(&authority);
    rpw_certs_pair_done(&serving);
    return is_made ? RPW_EXIT_OK : RPW_EXIT_NO;
}

const struct rpw_verb rpw_verb_certs_generate = {
    .name = "certs generate",
    .summary = "a certificate authority and a serving certificate, as files",
    .text =
        "Makes a certificate authority and a serving certificate that it signs (EC P-256), as files in DIR: ca.crt, "
        "ca.key, tls.crt and tls.key; keys are readable by their owner only. All of them are made, or none.",
    .ending = "Prints the authority as a MutatingWebhookConfiguration wants it in caBundle. Keep ca.key away from the "
              "servers: they need tls.crt and tls.key.\n"
              "Exit codes: 0 done, 1 nothing was written, 2 usage.",
    RPW_VERB_FLAGS(flags, struct options),
    .run = generate,
};
