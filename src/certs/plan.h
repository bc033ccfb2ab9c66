/* plan.h - the one decision of `certs ensure`: given what is there, what is the next step?
 *
 * Three objects are kept in order: the authority's Secret, the serving certificate's Secret, and the
 * MutatingWebhookConfiguration whose caBundle says which authorities the apiserver trusts. A new authority must be trusted
 * everywhere before anything is served that it has signed, and the old one must stay trusted until nobody serves what that
 * one has signed:
 *
 *     new authority, old one kept beside it -> both published -> (overlap) -> new serving certificate
 *         -> (overlap) -> old one dropped -> the new one published alone
 *
 * Every step is one write to one object. Whoever runs it reads the objects again and asks for the next, so it does not
 * matter how often, by how many at once, or how far it is run.
 * No overlap outlasts the serving certificate: near its end it is changed without the rest of the wait, since one that has
 * expired is certain to be refused.
 * Pure: no I/O, no clock; times are seconds since 1970.
 */
#ifndef RPW_CERTS_PLAN_H
#define RPW_CERTS_PLAN_H

#include <stdbool.h>
#include <time.h>

/* This long before its end a serving certificate is changed whatever the overlap: who runs this once a day gets to it, even
 * when one run fails. */
#define RPW_CERTS_EXPIRY_MARGIN_S ((time_t)2 * 24 * 60 * 60)

enum rpw_certs_health {
    RPW_CERTS_MISSING, /* no Secret, or nothing in it */
    RPW_CERTS_DAMAGED, /* it cannot be read, or certificate and key do not belong together */
    RPW_CERTS_SOUND,
};

/* Who signed the serving certificate. */
enum rpw_certs_signer {
    RPW_CERTS_SIGNED_BY_NOBODY_KNOWN, /* no chain was found; an apiserver may still find one */
    RPW_CERTS_SIGNED_BY_CURRENT,      /* the authority in its Secret */
    RPW_CERTS_SIGNED_BY_PREVIOUS,     /* the one that the Secret keeps beside it */
    RPW_CERTS_SIGNED_BY_OTHER,        /* one that is trusted or was, and that no Secret of an authority has */
};

struct rpw_certs_state {
    struct {
        enum rpw_certs_health health;
        time_t not_before;
        time_t not_after;
        bool has_previous;          /* something is kept beside it */
        bool has_readable_previous; /* and these are certificates */
        time_t previous_not_after;  /* of the one that lasts longest */
    } authority;
    struct {
        enum rpw_certs_health health;
        enum rpw_certs_signer signer;
        bool has_wanted_names;
        time_t not_before;
        time_t not_after;
        time_t issued_at;
    } serving;
    struct {
        bool exists;
        bool is_published;   /* every caBundle is the current authority, and the previous one if it can be read */
        bool has_others;     /* a caBundle trusts certificates that the authority's Secret does not have */
        time_t published_at; /* since when; 0: not known */
    } webhooks;
};

struct rpw_certs_options {
    time_t now;
    time_t renew_before_s;     /* of the serving certificate */
    time_t overlap_s;          /* less than renew_before_s */
    time_t serving_lifetime_s; /* an authority is renewed while it can still sign one of these, and renew_before_s */
};

enum rpw_certs_step {
    RPW_CERTS_STEP_DONE,
    RPW_CERTS_STEP_WAIT,          /* until `until`: nothing is to be done before */
    RPW_CERTS_STEP_NEW_AUTHORITY, /* keeping the one that signed what is served, if that is worth anything */
    RPW_CERTS_STEP_KEEP_OTHER,    /* put the one that signed what is served beside the current authority; when it is not
                                     known which one did, all that are trusted */
    RPW_CERTS_STEP_PUBLISH,       /* write every caBundle, and note the time */
    RPW_CERTS_STEP_NEW_SERVING,   /* signed by the current authority */
    RPW_CERTS_STEP_DROP_PREVIOUS, /* out of the authority's Secret */
    RPW_CERTS_STEP_NO_WEBHOOKS,   /* nothing can be done: the MutatingWebhookConfiguration is not there */
    RPW_CERTS_STEP_CLOCK_BEHIND, /* nothing should be done: a certificate is valid from `until` on. A clock that is behind is
                                     likelier than a certificate from the future, and what others trust by their clocks
                                     would be replaced. reason says which one it is */
};

struct rpw_certs_decision {
    enum rpw_certs_step step;
    const char *reason; /* for people, to follow "because "; "" when there is nothing to say */
    time_t until;       /* RPW_CERTS_STEP_WAIT; before what is served expires, by RPW_CERTS_EXPIRY_MARGIN_S or more.
                           RPW_CERTS_STEP_CLOCK_BEHIND too */
};

struct rpw_certs_decision rpw_certs_decide(const struct rpw_certs_state *state,
                                           const struct rpw_certs_options *options);

/* Whether what is served may work now, and would stop working if whom an apiserver trusts for it were no longer trusted:
 * that authority, or all of them when it is not known which, is kept when a new one is made. */
bool rpw_certs_serves(const struct rpw_certs_state *state, time_t now);

#endif
