/* plan.c - asked in this order: is the clock good, is the authority good, is it published, is the serving certificate good, is
 * the old authority still needed? The first "no" is the next step.
 */
#include "plan.h"

#include <stddef.h>

static struct rpw_certs_decision decide(enum rpw_certs_step step, const char *reason)
{
    return (struct rpw_certs_decision){step, reason, 0};
}

static struct rpw_certs_decision wait_until(time_t until, const char *reason)
{
    return (struct rpw_certs_decision){RPW_CERTS_STEP_WAIT, reason, until};
}

static struct rpw_certs_decision wait_for_clock(time_t until, const char *what)
{
    return (struct rpw_certs_decision){RPW_CERTS_STEP_CLOCK_BEHIND, what, until};
}

bool rpw_certs_serves(const struct rpw_certs_state *state, time_t now)
{
    return state->serving.health == RPW_CERTS_SOUND && state->serving.not_before <= now &&
           now < state->serving.not_after;
}

/* NULL: the authority is good. */
static const char *why_new_authority(const struct rpw_certs_state *state, const struct rpw_certs_options *options)
{
    time_t margin = options->serving_lifetime_s + options->renew_before_s;

    if (state->authority.health == RPW_CERTS_MISSING)
        return "there is none";
    if (state->authority.health == RPW_CERTS_DAMAGED)
        return "what the Secret holds is no authority with its key";
    if (state->authority.not_after <= options->now)
        return "the one in the Secret has expired";
    if (state->authority.not_after - options->now < margin)
        return "the one in the Secret would end before the certificates that it signs";
    return NULL;
}

/* NULL: the serving certificate is good. */
static const char *why_new_serving(const struct rpw_certs_state *state, const struct rpw_certs_options *options)
{
    if (state->serving.health == RPW_CERTS_MISSING)
        return "there is none";
    if (state->serving.health == RPW_CERTS_DAMAGED)
        return "what the Secret holds is no certificate with its key";
    if (state->serving.not_after <= options->now)
        return "the one in the Secret has expired";
    if (state->serving.signer != RPW_CERTS_SIGNED_BY_CURRENT)
        return "the one in the Secret is not signed by the authority";
    if (!state->serving.has_wanted_names)
        return "the one in the Secret is for other names";
    if (state->serving.not_after - options->now < options->renew_before_s)
        return "the one in the Secret is near its end";
    return NULL;
}

/* Whether changing the serving certificate now could break what works: it is signed by an authority that some apiserver may
 * not yet know. */
static bool must_wait_for_trust(const struct rpw_certs_state *state, time_t now)
{
    return rpw_certs_serves(state, now) && state->serving.signer != RPW_CERTS_SIGNED_BY_CURRENT &&
           state->serving.signer != RPW_CERTS_SIGNED_BY_NOBODY_KNOWN;
}

/* Whether what is served works because of something that is trusted and that the authority's Secret does not have. */
static bool must_keep_others(const struct rpw_certs_state *state, time_t now)
{
    if (!rpw_certs_serves(state, now))
        return false;
    return state->serving.signer == RPW_CERTS_SIGNED_BY_OTHER ||
           (state->serving.signer == RPW_CERTS_SIGNED_BY_NOBODY_KNOWN && state->webhooks.has_others);
}

static struct rpw_certs_decision decide_serving(const struct rpw_certs_state *state,
                                                const struct rpw_certs_options *options, const char *reason)
{
    time_t until = state->webhooks.published_at + options->overlap_s;
    time_t latest = state->serving.not_after - RPW_CERTS_EXPIRY_MARGIN_S;

    if (!must_wait_for_trust(state, options->now))
        return decide(RPW_CERTS_STEP_NEW_SERVING, reason);
    if (!state->webhooks.exists)
        return decide(RPW_CERTS_STEP_NO_WEBHOOKS, "");
    if (state->webhooks.published_at == 0 || state->webhooks.published_at > options->now)
        return decide(RPW_CERTS_STEP_PUBLISH, "it is not known since when the authority is published");
    if (options->now < until && options->now < latest)
        return wait_until(until < latest ? until : latest, "the new authority has only just been published");
    return decide(RPW_CERTS_STEP_NEW_SERVING, reason);
}

static struct rpw_certs_decision decide_previous(const struct rpw_certs_state *state,
                                                 const struct rpw_certs_options *options)
{
    time_t until = state->serving.issued_at + options->overlap_s;

    if (!state->authority.has_readable_previous)
        return decide(RPW_CERTS_STEP_DROP_PREVIOUS, "it cannot be read");
    if (state->authority.previous_not_after <= options->now)
        return decide(RPW_CERTS_STEP_DROP_PREVIOUS, "it has expired");
    if (options->now >= until)
        return decide(RPW_CERTS_STEP_DROP_PREVIOUS, "nothing is served any more that it has signed");
    return wait_until(until,
                      "the new serving certificate has only just been made, and the old authority stays trusted");
}

struct rpw_certs_decision rpw_certs_decide(const struct rpw_certs_state *state, const struct rpw_certs_options *options)
{
    const char *reason;

    if (state->authority.health == RPW_CERTS_SOUND && state->authority.not_before > options->now)
        return wait_for_clock(state->authority.not_before, "the authority");
    if (state->serving.health == RPW_CERTS_SOUND && state->serving.not_before > options->now)
        return wait_for_clock(state->serving.not_before, "the serving certificate");
    reason = why_new_authority(state, options);
    if (reason != NULL)
        return decide(RPW_CERTS_STEP_NEW_AUTHORITY, reason);
    if (must_keep_others(state, options->now))
        return decide(RPW_CERTS_STEP_KEEP_OTHER, "what is served may need it");
    if (state->webhooks.exists && !state->webhooks.is_published)
        return decide(RPW_CERTS_STEP_PUBLISH, "a caBundle is not the authority that is to be trusted");
    reason = why_new_serving(state, options);
    if (reason != NULL)
        return decide_serving(state, options, reason);
    if (state->authority.has_previous) {
        struct rpw_certs_decision previous = decide_previous(state, options);

        /* Without a configuration there is nobody to wait for. */
        if (previous.step != RPW_CERTS_STEP_WAIT || state->webhooks.exists)
            return previous;
    }
    return decide(state->webhooks.exists ? RPW_CERTS_STEP_DONE : RPW_CERTS_STEP_NO_WEBHOOKS, "");
}
