/* test_certs_plan.c - plan.h: each state of the three objects, and the one step that follows; and that steps lead to an end. */
#include "plan.h"

#include "unit.h"

#define NOW ((time_t)1800000000)
#define HOUR ((time_t)3600)
#define DAY (24 * HOUR)

static const struct rpw_certs_options options = {
    .now = NOW, .renew_before_s = 30 * DAY, .overlap_s = HOUR, .serving_lifetime_s = 90 * DAY};

/* Everything in order, long ago. */
static struct rpw_certs_state good_state(void)
{
    return (struct rpw_certs_state){
        .authority = {.health = RPW_CERTS_SOUND, .not_before = NOW - DAY, .not_after = NOW + 1000 * DAY},
        .serving = {.health = RPW_CERTS_SOUND,
                    .signer = RPW_CERTS_SIGNED_BY_CURRENT,
                    .has_wanted_names = true,
                    .not_before = NOW - DAY,
                    .not_after = NOW + 80 * DAY,
                    .issued_at = NOW - DAY},
        .webhooks = {.exists = true, .is_published = true, .published_at = NOW - DAY},
    };
}

/* Adds the authority that signed what is served, kept beside the current one. */
static void keep_previous(struct rpw_certs_state *state)
{
    state->authority.has_previous = true;
    state->authority.has_readable_previous = true;
    state->authority.previous_not_after = NOW + 50 * DAY;
}

static void rotate(struct rpw_certs_state *state)
{
    keep_previous(state);
    state->serving.signer = RPW_CERTS_SIGNED_BY_PREVIOUS;
}

static void change_nothing(struct rpw_certs_state *state)
{
    (void)state;
}

static void authority_missing(struct rpw_certs_state *state)
{
    state->authority.health = RPW_CERTS_MISSING;
}

static void authority_damaged(struct rpw_certs_state *state)
{
    state->authority.health = RPW_CERTS_DAMAGED;
}

static void authority_expired(struct rpw_certs_state *state)
{
    state->authority.not_after = NOW;
}

static void authority_of_the_future(struct rpw_certs_state *state)
{
    state->authority.not_before = NOW + 1;
}

static void authority_short(struct rpw_certs_state *state)
{
    state->authority.not_after = NOW + 120 * DAY - 1;
}

static void authority_long_enough(struct rpw_certs_state *state)
{
    state->authority.not_after = NOW + 120 * DAY;
}

static void unpublished(struct rpw_certs_state *state)
{
    state->webhooks.is_published = false;
}

static void no_webhooks(struct rpw_certs_state *state)
{
    state->webhooks.exists = false;
    state->webhooks.is_published = false;
}

static void serving_missing(struct rpw_certs_state *state)
{
    state->serving.health = RPW_CERTS_MISSING;
}

static void serving_missing_and_unpublished(struct rpw_certs_state *state)
{
    serving_missing(state);
    unpublished(state);
}

static void serving_damaged(struct rpw_certs_state *state)
{
    state->serving.health = RPW_CERTS_DAMAGED;
}

static void serving_expired(struct rpw_certs_state *state)
{
    state->serving.not_after = NOW;
}

static void serving_of_the_future(struct rpw_certs_state *state)
{
    state->serving.not_before = NOW + 1;
}

static void serving_near_its_end(struct rpw_certs_state *state)
{
    state->serving.not_after = NOW + 30 * DAY - 1;
}

static void serving_not_near_its_end(struct rpw_certs_state *state)
{
    state->serving.not_after = NOW + 30 * DAY;
}

static void serving_for_other_names(struct rpw_certs_state *state)
{
    state->serving.has_wanted_names = false;
}

static void serving_of_nobody(struct rpw_certs_state *state)
{
    state->serving.signer = RPW_CERTS_SIGNED_BY_NOBODY_KNOWN;
}

static void serving_of_another(struct rpw_certs_state *state)
{
    state->serving.signer = RPW_CERTS_SIGNED_BY_OTHER;
}

static void serving_of_another_and_expired(struct rpw_certs_state *state)
{
    serving_of_another(state);
    serving_expired(state);
}

static void rotation_unpublished(struct rpw_certs_state *state)
{
    rotate(state);
    unpublished(state);
}

static void rotation_just_published(struct rpw_certs_state *state)
{
    rotate(state);
    state->webhooks.published_at = NOW - HOUR + 1;
}

static void rotation_published_long_ago(struct rpw_certs_state *state)
{
    rotate(state);
    state->webhooks.published_at = NOW - HOUR;
}

static void rotation_published_nobody_knows_when(struct rpw_certs_state *state)
{
    rotate(state);
    state->webhooks.published_at = 0;
}

static void rotation_published_in_the_future(struct rpw_certs_state *state)
{
    rotate(state);
    state->webhooks.published_at = NOW + 1;
}

static void rotation_just_published_but_serving_expired(struct rpw_certs_state *state)
{
    rotation_just_published(state);
    serving_expired(state);
}

static void rotation_just_published_near_the_end(struct rpw_certs_state *state)
{
    rotation_just_published(state);
    state->serving.not_after = NOW + RPW_CERTS_EXPIRY_MARGIN_S;
}

static void rotation_just_published_not_quite_near_the_end(struct rpw_certs_state *state)
{
    rotation_just_published(state);
    state->serving.not_after = NOW + RPW_CERTS_EXPIRY_MARGIN_S + 1;
}

static void rotation_unpublished_near_the_end(struct rpw_certs_state *state)
{
    rotation_unpublished(state);
    state->serving.not_after = NOW + 20 * 60;
}

static void serving_of_nobody_among_others(struct rpw_certs_state *state)
{
    serving_of_nobody(state);
    state->webhooks.has_others = true;
}

static void serving_of_nobody_among_others_expired(struct rpw_certs_state *state)
{
    serving_of_nobody_among_others(state);
    serving_expired(state);
}

static void rotation_without_webhooks(struct rpw_certs_state *state)
{
    rotate(state);
    no_webhooks(state);
}

static void changed_just_now(struct rpw_certs_state *state)
{
    keep_previous(state);
    state->serving.issued_at = NOW - HOUR + 1;
}

static void changed_long_ago(struct rpw_certs_state *state)
{
    keep_previous(state);
    state->serving.issued_at = NOW - HOUR;
}

static void previous_expired(struct rpw_certs_state *state)
{
    changed_just_now(state);
    state->authority.previous_not_after = NOW;
}

static void previous_unreadable(struct rpw_certs_state *state)
{
    state->authority.has_previous = true;
}

static void changed_just_now_without_webhooks(struct rpw_certs_state *state)
{
    changed_just_now(state);
    no_webhooks(state);
}

static const struct step_row {
    const char *name;
    void (*change)(struct rpw_certs_state *state);
    enum rpw_certs_step step;
} step_rows[] = {
    {"plan_does_nothing_when_all_is_in_order", change_nothing, RPW_CERTS_STEP_DONE},
    {"plan_makes_an_authority_when_there_is_none", authority_missing, RPW_CERTS_STEP_NEW_AUTHORITY},
    {"plan_makes_an_authority_when_it_is_damaged", authority_damaged, RPW_CERTS_STEP_NEW_AUTHORITY},
    {"plan_makes_an_authority_when_it_has_expired", authority_expired, RPW_CERTS_STEP_NEW_AUTHORITY},
    {"plan_changes_nothing_when_the_authority_is_not_valid_yet", authority_of_the_future, RPW_CERTS_STEP_CLOCK_BEHIND},
    {"plan_makes_an_authority_when_it_is_shorter_than_what_it_signs", authority_short, RPW_CERTS_STEP_NEW_AUTHORITY},
    {"plan_keeps_an_authority_that_is_long_enough", authority_long_enough, RPW_CERTS_STEP_DONE},
    {"plan_publishes_when_a_bundle_differs", unpublished, RPW_CERTS_STEP_PUBLISH},
    {"plan_publishes_before_it_makes_a_serving_certificate", serving_missing_and_unpublished, RPW_CERTS_STEP_PUBLISH},
    {"plan_ends_without_webhooks_when_all_else_is_in_order", no_webhooks, RPW_CERTS_STEP_NO_WEBHOOKS},
    {"plan_makes_a_serving_certificate_when_there_is_none", serving_missing, RPW_CERTS_STEP_NEW_SERVING},
    {"plan_makes_a_serving_certificate_when_it_is_damaged", serving_damaged, RPW_CERTS_STEP_NEW_SERVING},
    {"plan_makes_a_serving_certificate_when_it_has_expired", serving_expired, RPW_CERTS_STEP_NEW_SERVING},
    {"plan_changes_nothing_when_the_serving_certificate_is_not_valid_yet", serving_of_the_future,
     RPW_CERTS_STEP_CLOCK_BEHIND},
    {"plan_makes_a_serving_certificate_when_it_is_near_its_end", serving_near_its_end, RPW_CERTS_STEP_NEW_SERVING},
    {"plan_keeps_a_serving_certificate_that_is_not_near_its_end", serving_not_near_its_end, RPW_CERTS_STEP_DONE},
    {"plan_makes_a_serving_certificate_when_it_is_for_other_names", serving_for_other_names,
     RPW_CERTS_STEP_NEW_SERVING},
    {"plan_makes_a_serving_certificate_when_nobody_known_signed_it", serving_of_nobody, RPW_CERTS_STEP_NEW_SERVING},
    {"plan_keeps_another_authority_when_it_signed_what_is_served", serving_of_another, RPW_CERTS_STEP_KEEP_OTHER},
    {"plan_keeps_no_authority_for_an_expired_certificate", serving_of_another_and_expired, RPW_CERTS_STEP_NEW_SERVING},
    {"plan_publishes_both_authorities_first", rotation_unpublished, RPW_CERTS_STEP_PUBLISH},
    {"plan_waits_when_both_were_just_published", rotation_just_published, RPW_CERTS_STEP_WAIT},
    {"plan_changes_the_serving_certificate_after_the_overlap", rotation_published_long_ago, RPW_CERTS_STEP_NEW_SERVING},
    {"plan_publishes_again_when_nobody_knows_since_when", rotation_published_nobody_knows_when, RPW_CERTS_STEP_PUBLISH},
    {"plan_publishes_again_when_the_time_is_in_the_future", rotation_published_in_the_future, RPW_CERTS_STEP_PUBLISH},
    {"plan_does_not_wait_when_what_is_served_has_expired", rotation_just_published_but_serving_expired,
     RPW_CERTS_STEP_NEW_SERVING},
    {"plan_does_not_wait_when_what_is_served_is_near_its_end", rotation_just_published_near_the_end,
     RPW_CERTS_STEP_NEW_SERVING},
    {"plan_waits_no_longer_than_what_is_served_lasts", rotation_just_published_not_quite_near_the_end,
     RPW_CERTS_STEP_WAIT},
    {"plan_publishes_first_even_near_the_end", rotation_unpublished_near_the_end, RPW_CERTS_STEP_PUBLISH},
    {"plan_keeps_all_that_is_trusted_when_nobody_known_signed_it", serving_of_nobody_among_others,
     RPW_CERTS_STEP_KEEP_OTHER},
    {"plan_keeps_nothing_for_an_expired_certificate_of_nobody", serving_of_nobody_among_others_expired,
     RPW_CERTS_STEP_NEW_SERVING},
    {"plan_changes_nothing_without_webhooks_in_a_rotation", rotation_without_webhooks, RPW_CERTS_STEP_NO_WEBHOOKS},
    {"plan_waits_before_it_drops_the_previous_authority", changed_just_now, RPW_CERTS_STEP_WAIT},
    {"plan_drops_the_previous_authority_after_the_overlap", changed_long_ago, RPW_CERTS_STEP_DROP_PREVIOUS},
    {"plan_drops_the_previous_authority_when_it_has_expired", previous_expired, RPW_CERTS_STEP_DROP_PREVIOUS},
    {"plan_drops_the_previous_authority_when_it_cannot_be_read", previous_unreadable, RPW_CERTS_STEP_DROP_PREVIOUS},
    {"plan_waits_for_nobody_without_webhooks", changed_just_now_without_webhooks, RPW_CERTS_STEP_NO_WEBHOOKS},
};

static void plan_decides(void **state)
{
    const struct step_row *row = *state;
    struct rpw_certs_state found = good_state();
    struct rpw_certs_decision decision;

    row->change(&found);
    decision = rpw_certs_decide(&found, &options);
    assert_int_equal(decision.step, row->step);
    assert_non_null(decision.reason);
    assert_int_equal(decision.until > NOW,
                     row->step == RPW_CERTS_STEP_WAIT || row->step == RPW_CERTS_STEP_CLOCK_BEHIND);
    if (row->step == RPW_CERTS_STEP_WAIT)
        assert_true(decision.until <= found.serving.not_after - RPW_CERTS_EXPIRY_MARGIN_S);
}

/* --- what steps lead to ----------------------------------------------------------------------------------------------- */

/* What the write of a step makes of a state; the certificates themselves do not matter here. */
static void carry_out(struct rpw_certs_state *state, enum rpw_certs_step step, time_t now)
{
    bool keeps_signer = rpw_certs_serves(state, now) &&
                        (state->serving.signer != RPW_CERTS_SIGNED_BY_NOBODY_KNOWN || state->webhooks.has_others);

    switch (step) {
    case RPW_CERTS_STEP_NEW_AUTHORITY:
        state->authority.health = RPW_CERTS_SOUND;
        state->authority.not_before = now - 300;
        state->authority.not_after = now + 1825 * DAY;
        state->authority.has_previous = state->authority.has_readable_previous = keeps_signer;
        state->authority.previous_not_after = now + 50 * DAY;
        if (state->serving.signer != RPW_CERTS_SIGNED_BY_NOBODY_KNOWN)
            state->serving.signer = keeps_signer ? RPW_CERTS_SIGNED_BY_PREVIOUS : RPW_CERTS_SIGNED_BY_NOBODY_KNOWN;
        state->webhooks.has_others = false;
        state->webhooks.is_published = false;
        state->webhooks.published_at = 0;
        break;
    case RPW_CERTS_STEP_KEEP_OTHER:
        state->authority.has_previous = state->authority.has_readable_previous = true;
        state->authority.previous_not_after = now + 50 * DAY;
        if (state->serving.signer != RPW_CERTS_SIGNED_BY_NOBODY_KNOWN)
            state->serving.signer = RPW_CERTS_SIGNED_BY_PREVIOUS;
        state->webhooks.has_others = false;
        state->webhooks.is_published = false;
        break;
    case RPW_CERTS_STEP_PUBLISH:
        state->webhooks.is_published = true;
        state->webhooks.published_at = now;
        break;
    case RPW_CERTS_STEP_NEW_SERVING:
        state->serving = good_state().serving;
        state->serving.not_before = now - 300;
        state->serving.issued_at = now;
        state->serving.not_after = now + 90 * DAY;
        break;
    case RPW_CERTS_STEP_DROP_PREVIOUS:
        state->authority.has_previous = state->authority.has_readable_previous = false;
        state->webhooks.is_published = false;
        break;
    default:
        fail_msg("step %d writes nothing", step);
    }
}

/* Bits of a number choose a state; odd ones too. */
static struct rpw_certs_state state_of(unsigned bits)
{
    struct rpw_certs_state state = good_state();

    state.authority.health = (enum rpw_certs_health)(bits % 3);
    bits /= 3;
    state.serving.health = (enum rpw_certs_health)(bits % 3);
    bits /= 3;
    state.serving.signer = (enum rpw_certs_signer)(bits % 4);
    bits /= 4;
    state.authority.not_after = NOW + ((bits & 1) != 0 ? 1000 : 100) * DAY;
    state.authority.has_previous = (bits & 2) != 0;
    state.authority.has_readable_previous = (bits & 6) == 6;
    state.authority.previous_not_after = NOW + ((bits & 8) != 0 ? 50 : -1) * DAY;
    state.serving.has_wanted_names = (bits & 16) != 0;
    state.serving.not_after = NOW + ((bits & 32) != 0 ? 80 : 5) * DAY;
    state.webhooks.is_published = (bits & 64) != 0;
    state.webhooks.published_at = (bits & 128) != 0 ? NOW - 2 * HOUR : 0;
    state.webhooks.has_others = (bits & 256) != 0;
    return state;
}

#define STATE_COUNT (3U * 3 * 4 * 512)

/* From every state, running now and again after each wait ends with everything in order; and the serving certificate never
 * changes from one that works to one whose authority was not published for the overlap. */
static void plan_ends_in_order_from_every_state(void **unused)
{
    (void)unused;
    for (unsigned bits = 0; bits < STATE_COUNT; bits++) {
        struct rpw_certs_state state = state_of(bits);
        struct rpw_certs_options at = options;
        unsigned steps = 0;

        for (;;) {
            struct rpw_certs_decision decision = rpw_certs_decide(&state, &at);

            if (decision.step == RPW_CERTS_STEP_DONE)
                break;
            if (++steps > 12)
                fail_msg("state %u comes to no end", bits);
            if (decision.step == RPW_CERTS_STEP_WAIT) {
                assert_true(decision.until < state.serving.not_after);
                at.now = decision.until;
                continue;
            }
            if (decision.step == RPW_CERTS_STEP_NEW_SERVING && state.serving.signer == RPW_CERTS_SIGNED_BY_PREVIOUS &&
                state.serving.health == RPW_CERTS_SOUND && at.now < state.serving.not_after)
                assert_true(state.webhooks.is_published && state.webhooks.published_at + HOUR <= at.now);
            carry_out(&state, decision.step, at.now);
        }
        assert_int_equal(state.authority.has_previous, false);
        assert_int_equal(state.serving.signer, RPW_CERTS_SIGNED_BY_CURRENT);
        assert_true(state.webhooks.is_published);
    }
}

int main(void)
{
    UNIT_ADD_ROWS(plan_decides, step_rows);
    UNIT_ADD(plan_ends_in_order_from_every_state);
    return unit_run("certs_plan");
}
