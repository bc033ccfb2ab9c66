/* certs_ensure.c - the verb `certs ensure`: read, decide, do one step, and again, until there is nothing left to do.
 *
 * The decision is plan.h's and the objects are ensure_objects.h's; here is the loop. When somebody else has changed an object
 * since it was read, which may well be another `certs ensure`, nothing was written: everything is read again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs.h"
#include "cli.h"
#include "cluster.h"
#include "command_line.h"
#include "ensure_objects.h"
#include "values.h"

#define SERVING_DAYS 90
#define AUTHORITY_DAYS 1825
#define DEFAULT_OVERLAP "1h"
#define DEFAULT_OVERLAP_S ((time_t)60 * 60)
#define MAX_CONFLICTS 10
#define MAX_STEPS 30
#define CONFLICT_PAUSE_MS 100

struct options {
    struct rpw_ensure_target target;
    struct rpw_certs_names names;
    struct rpw_certs_options plan;
    const char *overlap_text;
    struct rpw_cluster_options cluster;
};

static const struct rpw_usage usage = {
    "certs ensure",
    "Usage: rucio-policy-webhook certs ensure --secret NS/NAME --ca-secret NS/NAME --webhook NAME --dns NAME...\n"
    "Makes and renews, in a cluster, the certificate authority and the serving certificate in their Secrets, and "
    "writes\n"
    "the authority into every caBundle of the MutatingWebhookConfiguration. To be run at installation and then "
    "regularly:\n"
    "it does what is due and nothing else. Running it twice, several at once, or ending it anywhere does no harm.\n"
    "\n"
    "  --secret NS/NAME      the serving certificate: tls.crt, tls.key, ca.crt\n"
    "  --ca-secret NS/NAME   the authority: ca.crt, ca.key; no server needs to read it\n"
    "  --webhook NAME        the MutatingWebhookConfiguration\n"
    "  --dns NAME            the server's name, SERVICE.NAMESPACE.svc; may be given again\n"
    "  --renew-before TIME   renew the serving certificate (90 days) when less is left, at most 60d; default: 30d\n"
    "  --overlap TIME        how long a new authority must have been published beside the old one before anything "
    "that\n"
    "                        it signed is served, and the old one stays trusted afterwards; less than\n"
    "                        --renew-before; default: " DEFAULT_OVERLAP "\n"
    "  --server URL          outside of a pod: the cluster's API, https://HOST:PORT\n"
    "  --token-file FILE     who we are there; `kubectl create token` makes one\n"
    "  --certificate-authority FILE\n"
    "                        what signed the API's certificate; default: the system's authorities\n"
    "  --help                this text\n"
    "\n"
    "Times are numbers with s, m, h or d. An authority is valid for 5 years, and is renewed while it can still sign.\n"
    "Exit codes: 0 in order, or nothing to be done before the time that it prints; 1 something is wrong, 2 usage.\n",
};

/* --- options -------------------------------------------------------------------------------------------------------- */

/* "NS/NAME", which is divided in place. */
static bool take_secret(const char *flag, char *value, struct rpw_object_name *ret_name)
{
    char *slash = strchr(value, '/');

    if (slash != NULL)
        *slash = '\0';
    if (slash == NULL || !rpw_is_namespace_name(value) || !rpw_is_object_name(slash + 1)) {
        if (slash != NULL)
            *slash = '/';
        return rpw_usage_error(&usage, "%s: found '%s', expected NAMESPACE/NAME", flag, value);
    }
    *ret_name = (struct rpw_object_name){value, slash + 1};
    return true;
}

static bool take_duration(const char *flag, const char *value, time_t highest, const char *expected, time_t *ret_s)
{
    time_t duration_s;

    if (!rpw_duration_parse(value, &duration_s) || duration_s > highest)
        return rpw_usage_error(&usage, "%s: found '%s', expected %s", flag, value, expected);
    *ret_s = duration_s;
    return true;
}

static bool take_dns(const char *value, struct rpw_certs_names *names)
{
    const char *expected = rpw_certs_names_add_dns(names, value);

    return expected == NULL || rpw_usage_error(&usage, "--dns: found '%s', expected %s", value, expected);
}

static bool take_webhooks(const char *value, struct rpw_ensure_target *target)
{
    target->webhooks = value;
    return rpw_is_object_name(value) ||
           rpw_usage_error(&usage, "--webhook: found '%s', expected the name of a MutatingWebhookConfiguration", value);
}

static bool take_option(void *target, int option, char *value)
{
    struct options *options = target;

    switch (option) {
    case 's':
        return take_secret("--secret", value, &options->target.serving_secret);
    case 'a':
        return take_secret("--ca-secret", value, &options->target.authority_secret);
    case 'w':
        return take_webhooks(value, &options->target);
    case 'd':
        return take_dns(value, &options->names);
    case 'r':
        return take_duration("--renew-before", value, 60 * RPW_CERTS_DAY_S, "a time such as 30d, at most 60d",
                             &options->plan.renew_before_s);
    case 'o':
        options->overlap_text = value;
        return take_duration("--overlap", value, 30 * RPW_CERTS_DAY_S, "a time such as 1h, at most 30d",
                             &options->plan.overlap_s);
    case 'u':
        options->cluster.server = value;
        return true;
    case 't':
        options->cluster.token_file = value;
        return true;
    case 'c':
        options->cluster.authority_file = value;
        return true;
    default:
        return rpw_usage_error(&usage, "argument: found '%s', expected options only", value);
    }
}

static bool check_options(const void *target)
{
    const struct options *options = target;
    const struct rpw_object_name *serving = &options->target.serving_secret;
    const struct rpw_object_name *authority = &options->target.authority_secret;

    if (serving->name == NULL)
        return rpw_usage_error(&usage, "--secret: found '', expected NAMESPACE/NAME");
    if (authority->name == NULL)
        return rpw_usage_error(&usage, "--ca-secret: found '', expected NAMESPACE/NAME");
    if (strcmp(serving->name, authority->name) == 0 && strcmp(serving->namespace_, authority->namespace_) == 0)
        return rpw_usage_error(&usage,
                               "--ca-secret: found '%s', expected another Secret than --secret: servers must not read "
                               "the authority's key",
                               authority->name);
    if (options->target.webhooks == NULL)
        return rpw_usage_error(&usage, "--webhook: found '', expected the name of a MutatingWebhookConfiguration");
    if (options->names.dns_count == 0)
        return rpw_usage_error(&usage, "--dns: found '', expected at least one name");
    if ((options->cluster.server == NULL) != (options->cluster.token_file == NULL))
        return rpw_usage_error(&usage, "found --server or --token-file, expected both or neither");
    if (options->plan.overlap_s >= options->plan.renew_before_s)
        return rpw_usage_error(&usage,
                               "--overlap: found '%s', expected less than --renew-before: else a certificate could "
                               "expire while a new authority waits",
                               options->overlap_text);
    return true;
}

static const struct option option_names[] = {
    {"secret", required_argument, NULL, 's'},
    {"ca-secret", required_argument, NULL, 'a'},
    {"webhook", required_argument, NULL, 'w'},
    {"dns", required_argument, NULL, 'd'},
    {"renew-before", required_argument, NULL, 'r'},
    {"overlap", required_argument, NULL, 'o'},
    {"server", required_argument, NULL, 'u'},
    {"token-file", required_argument, NULL, 't'},
    {"certificate-authority", required_argument, NULL, 'c'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};
static const struct rpw_command_line command_line = {&usage, "h", option_names, take_option, check_options};

/* --- steps ---------------------------------------------------------------------------------------------------------- */

/* Everything that a step needs. */
struct run {
    struct rpw_kube_client *client;
    const struct options *options;
    struct rpw_ensure_objects *objects;
    time_t now;
    char error[RPW_KUBE_ERROR_BYTES];
};

static enum rpw_kube_result make_authority(struct run *run)
{
    bool keeps_signer = rpw_certs_serves(&run->objects->state, run->now);
    char name[128], when[RPW_TIME_TEXT_BYTES], error[RPW_CERTS_ERROR_BYTES];
    struct rpw_certs_pair authority = {NULL, NULL};
    enum rpw_kube_result result = RPW_KUBE_FAILED;

    rpw_time_format(run->now, when);
    snprintf(name, sizeof(name), "rucio-policy-webhook authority %s", when);
    if (rpw_certs_make_authority(name, run->now, AUTHORITY_DAYS * RPW_CERTS_DAY_S, &authority, error))
        result = rpw_ensure_write_authority(run->client, &run->options->target, run->objects, &authority,
                                            keeps_signer ? run->objects->signer : NULL, run->error);
    else
        snprintf(run->error, sizeof(run->error), "%s", error);
    rpw_certs_pair_done(&authority);
    return result;
}

static enum rpw_kube_result make_serving(struct run *run)
{
    struct rpw_certs_pair serving = {NULL, NULL};
    enum rpw_kube_result result = RPW_KUBE_FAILED;
    char error[RPW_CERTS_ERROR_BYTES];

    if (rpw_certs_make_serving(&run->objects->authority, &run->options->names, run->now,
                               run->options->plan.serving_lifetime_s, &serving, error))
        result = rpw_ensure_write_serving(run->client, &run->options->target, run->objects, &serving, run->error);
    else
        snprintf(run->error, sizeof(run->error), "%s", error);
    rpw_certs_pair_done(&serving);
    return result;
}

static enum rpw_kube_result execute(struct run *run, enum rpw_certs_step step)
{
    const struct rpw_ensure_target *target = &run->options->target;

    switch (step) {
    case RPW_CERTS_STEP_NEW_AUTHORITY:
        return make_authority(run);
    case RPW_CERTS_STEP_KEEP_OTHER:
        return rpw_ensure_write_previous(run->client, target, run->objects, run->objects->signer, run->error);
    case RPW_CERTS_STEP_PUBLISH:
        return rpw_ensure_publish(run->client, target, run->objects, run->now, run->error);
    case RPW_CERTS_STEP_NEW_SERVING:
        return make_serving(run);
    default:
        return rpw_ensure_write_previous(run->client, target, run->objects, NULL, run->error);
    }
}

static void print_step(const struct run *run, const struct rpw_certs_decision *decision)
{
    static const char *const words[] = {
        [RPW_CERTS_STEP_NEW_AUTHORITY] = "made a new authority",
        [RPW_CERTS_STEP_KEEP_OTHER] = "kept another authority beside ours",
        [RPW_CERTS_STEP_PUBLISH] = "published the authority in every caBundle",
        [RPW_CERTS_STEP_NEW_SERVING] = "made a new serving certificate",
        [RPW_CERTS_STEP_DROP_PREVIOUS] = "dropped the previous authority",
    };
    const struct rpw_ensure_target *target = &run->options->target;
    const struct rpw_object_name *secret =
        decision->step == RPW_CERTS_STEP_NEW_SERVING ? &target->serving_secret : &target->authority_secret;

    if (decision->step == RPW_CERTS_STEP_PUBLISH)
        printf("MutatingWebhookConfiguration %s: ", target->webhooks);
    else
        printf("Secret %s/%s: ", secret->namespace_, secret->name);
    printf("%s, because %s\n", words[decision->step], decision->reason);
    fflush(stdout);
}

/* The last word of a run. */
static int print_end(const struct run *run, const struct rpw_certs_decision *decision)
{
    const struct rpw_certs_state *state = &run->objects->state;
    char text[RPW_TIME_TEXT_BYTES];

    if (decision->step == RPW_CERTS_STEP_NO_WEBHOOKS) {
        fprintf(
            stderr,
            "rucio-policy-webhook certs ensure: found no MutatingWebhookConfiguration '%s', so no apiserver can trust "
            "the authority yet; create it and run this again\n",
            run->options->target.webhooks);
        return RPW_EXIT_NO;
    }
    if (decision->step == RPW_CERTS_STEP_WAIT) {
        rpw_time_format(decision->until, text);
        printf("%s; run this again after %s\n", decision->reason, text);
    }
    rpw_time_format(state->serving.not_after, text);
    printf("in order: the serving certificate is valid until %s", text);
    rpw_time_format(state->authority.not_after, text);
    printf(", the authority until %s\n", text);
    return RPW_EXIT_OK;
}

/* --- the loop ------------------------------------------------------------------------------------------------------- */

enum turn { TURN_AGAIN, TURN_CONFLICT, TURN_END };

static int fail(const char *what)
{
    fprintf(stderr, "rucio-policy-webhook certs ensure: %s\n", what);
    return RPW_EXIT_NO;
}

/* Reads, decides, and does one step. */
static enum turn take_turn(struct run *run, int *ret_exit_code)
{
    struct rpw_certs_options plan = run->options->plan;
    struct rpw_certs_decision decision;
    enum rpw_kube_result result;

    plan.now = run->now = time(NULL);
    decision = rpw_certs_decide(&run->objects->state, &plan);
    if (decision.step == RPW_CERTS_STEP_DONE || decision.step == RPW_CERTS_STEP_WAIT ||
        decision.step == RPW_CERTS_STEP_NO_WEBHOOKS) {
        *ret_exit_code = print_end(run, &decision);
        return TURN_END;
    }
    result = execute(run, decision.step);
    if (result == RPW_KUBE_OK) {
        print_step(run, &decision);
        return TURN_AGAIN;
    }
    *ret_exit_code = RPW_EXIT_NO;
    return result == RPW_KUBE_CONFLICT ? TURN_CONFLICT : TURN_END;
}

static void pause_after_conflict(int conflicts)
{
    const struct timespec pause = {0, (long)conflicts * CONFLICT_PAUSE_MS * 1000000L % 1000000000L};

    nanosleep(&pause, NULL);
}

static int run_steps(struct rpw_kube_client *client, const struct options *options)
{
    int conflicts = 0, exit_code = RPW_EXIT_NO;

    for (int steps = 0; steps < MAX_STEPS && conflicts < MAX_CONFLICTS; steps++) {
        struct rpw_ensure_objects objects;
        struct run run = {.client = client, .options = options, .objects = &objects};
        enum turn turn;

        if (!rpw_ensure_read(client, &options->target, &objects, run.error))
            return fail(run.error);
        turn = take_turn(&run, &exit_code);
        rpw_ensure_done(&objects);
        if (turn == TURN_END)
            return run.error[0] != '\0' ? fail(run.error) : exit_code;
        if (turn == TURN_CONFLICT)
            pause_after_conflict(++conflicts);
    }
    return fail("the objects change again and again: is somebody else writing them? Nothing is broken; run this again");
}

int rpw_cli_certs_ensure(int argc, char **argv)
{
    struct options options = {.overlap_text = DEFAULT_OVERLAP,
                              .plan = {.renew_before_s = 30 * RPW_CERTS_DAY_S,
                                       .overlap_s = DEFAULT_OVERLAP_S,
                                       .serving_lifetime_s = SERVING_DAYS * RPW_CERTS_DAY_S}};
    struct rpw_kube_client *client;
    int exit_code;

    if (!rpw_command_line_read(&command_line, argc, argv, &options, &exit_code))
        return exit_code;
    options.target.names = &options.names;
    client = rpw_cluster_open(&options.cluster);
    if (client == NULL)
        return RPW_EXIT_NO;
    exit_code = run_steps(client, &options);
    rpw_kube_client_free(client);
    return exit_code;
}
