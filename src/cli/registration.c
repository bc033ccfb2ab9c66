/* registration.c - the verb `registration`: prints the MutatingWebhookConfiguration that a configuration needs. */
#include <stdio.h>

#include "cli.h"
#include "config_file.h"
#include "flags.h"
#include "registration_object.h"
#include "values.h"
#include "writer.h"

struct options {
    const char *config_file;
    struct rpw_object_name service;
    unsigned output; /* 1: json */
};

static const struct rpw_flag flags[] = {
    RPW_FLAG_ROW_CONFIG(struct options),
    RPW_FLAG("service", FORM, struct options, service, "NS/NAME",
             "the Service of the webhook; the name is that of the MutatingWebhookConfiguration, too",
             .take = rpw_flag_take_object, .fallback = "rucio-policy-webhook/rucio-policy-webhook"),
    RPW_FLAG("output", CHOICE, struct options, output, "yaml|json", "how it is written", .letter = 'o',
             .fallback = "yaml"),
};

static int registration(int argc, char **argv)
{
    struct options options;
    struct rpw_config *config;
    char error[RPW_REGISTRATION_ERROR_BYTES];
    json_t *object;
    int exit_code;

    if (!rpw_flags_read(&rpw_verb_registration, argc, argv, &options, &exit_code))
        return exit_code;
    config = rpw_config_file_load(options.config_file);
    if (config == NULL)
        return RPW_EXIT_BLIND;
    object = rpw_registration_new(rpw_config_policies(config), options.service.namespace_, options.service.name, error);
    if (object == NULL)
        fprintf(stderr, "rucio-policy-webhook registration: %s\n", error);
    else if (options.output == 0)
        rpw_manifest_write_yaml(stdout, object, 0);
    else
        rpw_manifest_write_json(stdout, object);
    exit_code = object != NULL ? RPW_EXIT_OK : RPW_EXIT_NO;
    json_decref(object);
    rpw_config_free(config);
    return exit_code;
}

const struct rpw_verb rpw_verb_registration = {
    .name = "registration",
    .summary = "the MutatingWebhookConfiguration that this configuration needs",
    .text =
        "Prints the MutatingWebhookConfiguration that this configuration needs: which pods the cluster sends to the "
        "webhook. The chart renders the same. caBundle is left to whoever makes the certificates, such as `certs "
        "ensure`.",
    .ending =
        "Exit codes: 0 printed, 1 a container pattern would send every pod, 2 usage, 3 there is no configuration.",
    RPW_VERB_FLAGS(flags),
    .run = registration,
};
