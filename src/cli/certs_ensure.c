/* certs_ensure.c - the verb `certs ensure`: read, decide, do one step, and again, until there is nothing left to do.
 *
 * The decision is plan.h's and the objects are ensure_objects.h's; here is the loop. When somebody else has changed an object
 * since it was read, which may well be another `certs ensure`, nothing was written: everything is read again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "cluster.h"
#include "ensure_objects.h"
#include "flags.h"
#include "progress.h"
#include "values.h"

#define SERVING_DAYS 90
#define AUTHORITY_DAYS 1825
#define MAX_CONFLICTS 10
#define MAX_STEPS 30
/* Until every apiserver has a new caBundle and every kubelet a new Secret. */
#define MIN_OVERLAP_S 300
#define CONFLICT_PAUSE_MS 100

struct options {
    struct rpw_ensure_target target;
    time_t renew_before_s, overlap_s;
    struct rpw_cluster_options cluster;
};

/* --- flags ---------------------------------------------------------------------------------------------------------- */

static const char *take_dns(void *field, const char *value)
{
    return rpw_certs_names_add_dns(field, value);
}

static const char *take_webhooks(void *field, const char *value)
{
    *(const char **)field = value;
    return rpw_is_object_name(value) ? NULL : "the name of a MutatingWebhookConfiguration";
}

static const struct rpw_flag flags[] = {
    RPW_FLAG("secret", FORM, struct options, target.serving_secret, "NS/NAME",
             "the serving certificate: tls.crt, tls.key, ca.crt", .take = rpw_flag_take_object, .is_required = true),
    RPW_FLAG("ca-secret", FORM, struct options, target.authority_secret, "NS/NAME",
             "the authority: ca.crt, ca.key; no server needs to read it", .take = rpw_flag_take_object,
             .is_required = true),
    RPW_FLAG("webhook", FORM, struct options, target.webhooks, "NAME", "the MutatingWebhookConfiguration",
             .take = take_webhooks, .is_required = true),
    RPW_FLAG("dns", FORMS, struct options, target.names, "NAME", "the server's name, SERVICE.NAMESPACE.svc",
             .take = take_dns, .is_required = true),
    RPW_FLAG("renew-before", DURATION, struct options, renew_before_s, "TIME",
             "renew the serving certificate (90d) when less is left", .fallback = "30d", .max = 60 * RPW_CERTS_DAY_S),
    RPW_FLAG("overlap", DURATION, struct options, overlap_s, "TIME",
             "how long a new authority is published beside the old one before a certificate that it signed is served; "
             "afterwards the old one stays trusted for as long. Less than --renew-before",
             .fallback = "1h", .min = MIN_OVERLAP_S, .max = 30 * RPW_CERTS_DAY_S),
    RPW_FLAG("server", TEXT, struct options, cluster.server, "URL",
             "outside of a pod: the cluster's API, https://HOST:PORT", ),
    RPW_FLAG("token-file", FILE, struct options, cluster.token_file, "FILE",
             "who we are there; `kubectl create token` makes one", ),
    RPW_FLAG("certificate-authority", FILE, struct options, cluster.authority_file, "FILE",
             "what signed the API's certificate; without it: the system's authorities", ),
};

/* What fits alone and not together. RPW_EXIT_OK: all fits. */
static int check_options(const struct options *options)
{
    const struct rpw_object_name *serving = &options->target.serving_secret;
    const struct rpw_object_name *authority = &options->target.authority_secret;

    if (strcmp(serving->name, authority->name) == 0 && strcmp(serving->namespace_, authority->namespace_) == 0)
        return rpw_flags_error(&rpw_verb_certs_ensure, "--ca-secret",
                               "found '%s/%s', expected another Secret than --secret: servers must not read the "
                               "authority's key",
                               authority->namespace_, authority->name);
    if (options->overlap_s >= options->renew_before_s)
        return rpw_flags_error(&rpw_verb_certs_ensure, "--overlap",
                               "found %lld seconds, expected less than --renew-before: else a certificate could expire "
                               "while a new authority waits",
                               (long long)options->overlap_s);
    if ((options->cluster.server == NULL) != (options->cluster.token_file == NULL))
        return rpw_flags_error(&rpw_verb_certs_ensure, "--server", "expected --server and --token-file, or neither");
    return RPW_EXIT_OK;
}

/* --- steps ---------------------------------------------------------------------------------------------------------- */

/* Everything that a step needs. */
struct run {
    const struct options *options;
    struct rpw_ensure_objects objects;
    time_t now;
};

static enum rpw_kube_result make_authority(struct run *run)
{
    struct rpw_ensure_objects *objects = &run->objects;
    const char *previous = rpw_certs_serves(&objects->survey.state, run->now) ? objects->survey.signer : NULL;
    char name[128], when[RPW_TIME_TEXT_BYTES];
    struct rpw_certs_pair authority = {NULL, NULL};
    enum rpw_kube_result result = RPW_KUBE_FAILED;

    rpw_time_format(run->now, when);
    snprintf(name, sizeof(name), "rucio-policy-webhook authority %s", when);
    if (rpw_certs_make_authority(name, run->now, AUTHORITY_DAYS * RPW_CERTS_DAY_S, &authority, objects->error))
        result = rpw_ensure_write_authority(objects, &authority, previous);
    rpw_certs_pair_done(&authority);
    return result;
}

static enum rpw_kube_result make_serving(struct run *run)
{
    struct rpw_ensure_objects *objects = &run->objects;
    const struct rpw_certs_pair authority = {objects->texts.authority, objects->texts.authority_key};
    struct rpw_certs_pair serving = {NULL, NULL};
    enum rpw_kube_result result = RPW_KUBE_FAILED;

    if (rpw_certs_make_serving(&authority, &objects->target->names, run->now, SERVING_DAYS * RPW_CERTS_DAY_S, &serving,
                               objects->error))
        result = rpw_ensure_write_serving(objects, &serving);
    rpw_certs_pair_done(&serving);
    return result;
}

static enum rpw_kube_result execute(struct run *run, enum rpw_certs_step step)
{
    switch (step) {
    case RPW_CERTS_STEP_NEW_AUTHORITY:
        return make_authority(run);
    case RPW_CERTS_STEP_KEEP_OTHER:
        return rpw_ensure_write_previous(&run->objects, run->objects.survey.signer);
    case RPW_CERTS_STEP_PUBLISH:
        return rpw_ensure_publish(&run->objects, run->now);
    case RPW_CERTS_STEP_NEW_SERVING:
        return make_serving(run);
    default:
        return rpw_ensure_write_previous(&run->objects, NULL);
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

/* The last word of a run in which there was no step to do. */
static int print_end(const struct run *run, const struct rpw_certs_decision *decision)
{
    const struct rpw_certs_state *state = &run->objects.survey.state;
    char now[RPW_TIME_TEXT_BYTES], until[RPW_TIME_TEXT_BYTES], end[RPW_TIME_TEXT_BYTES];

    rpw_time_format(run->now, now);
    rpw_time_format(decision->until, until);
    if (decision->step == RPW_CERTS_STEP_NO_WEBHOOKS)
        return rpw_verb_fail(
            &rpw_verb_certs_ensure, RPW_EXIT_NO,
            "found no MutatingWebhookConfiguration '%s', so no apiserver can trust the authority yet; create it "
            "and run this again",
            run->options->target.webhooks);
    if (decision->step == RPW_CERTS_STEP_CLOCK_BEHIND)
        return rpw_verb_fail(
            &rpw_verb_certs_ensure, RPW_EXIT_NO,
            "the clock says %s, and %s is valid from %s: is the clock behind? Nothing was changed. If the clock "
            "is right, delete the Secret of that certificate and run this again",
            now, decision->reason, until);
    if (decision->step == RPW_CERTS_STEP_WAIT)
        printf("%s; run this again after %s\n", decision->reason, until);
    rpw_time_format(state->serving.not_after, until);
    rpw_time_format(state->authority.not_after, end);
    printf("in order: the serving certificate is valid until %s, the authority until %s\n", until, end);
    return RPW_EXIT_OK;
}

/* --- the loop ------------------------------------------------------------------------------------------------------- */

enum turn { TURN_AGAIN, TURN_CONFLICT, TURN_END };

/* Decides, and does one step. */
static enum turn take_turn(struct run *run, int *ret_exit_code)
{
    struct rpw_ensure_objects *objects = &run->objects;
    struct rpw_certs_options plan = {.renew_before_s = run->options->renew_before_s,
                                     .overlap_s = run->options->overlap_s,
                                     .serving_lifetime_s = SERVING_DAYS * RPW_CERTS_DAY_S};
    struct rpw_certs_decision decision;
    enum rpw_kube_result result;

    if (!rpw_ensure_read(objects) || !rpw_ensure_may_write(objects)) {
        *ret_exit_code =
            rpw_verb_fail(&rpw_verb_certs_ensure, objects->texts.bundles != NULL ? RPW_EXIT_NO : RPW_EXIT_BLIND, "%s",
                          objects->error);
        return TURN_END;
    }
    plan.now = run->now = time(NULL);
    decision = rpw_certs_decide(&objects->survey.state, &plan);
    if (decision.step == RPW_CERTS_STEP_DONE || decision.step == RPW_CERTS_STEP_WAIT ||
        decision.step == RPW_CERTS_STEP_NO_WEBHOOKS || decision.step == RPW_CERTS_STEP_CLOCK_BEHIND) {
        *ret_exit_code = print_end(run, &decision);
        return TURN_END;
    }
    result = execute(run, decision.step);
    if (result == RPW_KUBE_CONFLICT)
        return TURN_CONFLICT;
    if (result != RPW_KUBE_OK) {
        *ret_exit_code = rpw_verb_fail(&rpw_verb_certs_ensure, RPW_EXIT_BLIND, "%s", objects->error);
        return TURN_END;
    }
    print_step(run, &decision);
    return TURN_AGAIN;
}

static void pause_after_conflict(int conflicts)
{
    const struct timespec pause = {0, (long)conflicts * CONFLICT_PAUSE_MS * 1000000L % 1000000000L};

    rpw_progress_show("certs ensure: an object has changed meanwhile, all is read again (%d)", conflicts);
    nanosleep(&pause, NULL);
    rpw_progress_clear();
}

static int run_steps(struct rpw_kube_client *client, const struct options *options)
{
    int conflicts = 0, exit_code = RPW_EXIT_NO;

    for (int steps = 0; steps < MAX_STEPS && conflicts < MAX_CONFLICTS; steps++) {
        struct run run = {.options = options, .objects = {.client = client, .target = &options->target}};
        enum turn turn = take_turn(&run, &exit_code);

        rpw_ensure_done(&run.objects);
        if (turn == TURN_END)
            return exit_code;
        if (turn == TURN_CONFLICT)
            pause_after_conflict(++conflicts);
    }
    return rpw_verb_fail(
        &rpw_verb_certs_ensure, RPW_EXIT_NO,
        "the objects change again and again: is somebody else writing them? Nothing is broken; run this again");
}

static int ensure(void *context)
{
    const struct options *options = context;
    struct rpw_kube_client *client;
    int exit_code = check_options(options);

    if (exit_code != RPW_EXIT_OK)
        return exit_code;
    client = rpw_cluster_open(&options->cluster);
    if (client == NULL)
        return RPW_EXIT_BLIND;
    exit_code = run_steps(client, options);
    rpw_kube_client_free(client);
    return exit_code;
}

const struct rpw_verb rpw_verb_certs_ensure = {
    .name = "certs ensure",
    .summary = "makes and renews both in a cluster: two Secrets and every caBundle",
    .text =
        "Makes and renews, in a cluster, the certificate authority and the serving certificate in their Secrets, and "
        "writes the authority into every caBundle of the MutatingWebhookConfiguration. Run it at installation and then "
        "regularly: it does what is due and nothing else. It may run twice, several times at once, or be interrupted "
        "anywhere.",
    .ending = "An authority is valid for 5 years, and is renewed while it can still sign.\n"
              "Exit codes: 0 in order, or nothing to be done before the time that it prints; 1 something is wrong, 2 "
              "usage, 3 the cluster could not be asked.",
    RPW_VERB_FLAGS(flags, struct options),
    .run = ensure,
};
