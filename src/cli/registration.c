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

static int print_registration(const struct rpw_policy_set *policies, const void *context)
{
    const struct options *options = context;
    char error[RPW_REGISTRATION_ERROR_BYTES];
    json_t *object = rpw_registration_new(policies, options->service.namespace_, options->service.name, error);

    if (object == NULL)
        return rpw_verb_fail(&rpw_verb_registration, RPW_EXIT_NO, "%s", error);
    if (options->output == 0)
        rpw_manifest_write_yaml(stdout, object, 0);
    else
        rpw_manifest_write_json(stdout, object);
    json_decref(object);
    return RPW_EXIT_OK;
}

static int registration(void *context)
{
    const struct options *options = context;

    return rpw_config_file_run(options->config_file, print_registration, options);
}

const struct rpw_verb rpw_verb_registration = {
    .name = "registration",
    .summary = "the MutatingWebhookConfiguration that this configuration needs",
    .text =
        "Prints the MutatingWebhookConfiguration that this configuration needs: which pods the cluster sends to the "
        "webhook. The chart renders the same. It has no caBundle: `certs ensure` or cert-manager writes that.",
    .ending =
        "Exit codes: 0 printed, 1 a container pattern would send every pod, 2 usage, 3 there is no configuration.",
    RPW_VERB_FLAGS(flags, struct options),
    .run = registration,
};
