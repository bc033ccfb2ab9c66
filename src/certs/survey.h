/* survey.h - what is there, judged: from the texts of the Secrets and caBundles to the state that plan.h decides on.
 *
 * A text may be anything: what cannot be read counts as damaged, and is never trusted.
 * Memory: a survey owns what it holds and is released with rpw_certs_survey_done(). Threads: re-entrant.
 */
#ifndef RPW_CERTS_SURVEY_H
#define RPW_CERTS_SURVEY_H

#include "certificate.h"
#include "plan.h"

/* PEM texts as they were found, malloc's; NULL: there is none. */
struct rpw_certs_texts {
    char *authority, *authority_key;
    char *previous; /* authorities that are kept beside it */
    char *serving, *serving_key;
    char *serving_authority; /* what is kept beside the serving certificate */
    char **bundles;          /* the caBundle of each webhook */
    size_t bundle_count;
};

/* Releases all of it, and wipes the keys. */
void rpw_certs_texts_done(struct rpw_certs_texts *texts);

struct rpw_certs_survey {
    struct rpw_certs_state state; /* but for webhooks.exists and .published_at, which no text says */
    struct rpw_certificate_list authority, previous, serving;
    char *
        signer; /* PEM of whom an apiserver trusts, or did, for the serving certificate; every certificate of every caBundle
                     when it is not known which one; NULL: there is none */
    char *wanted_bundle; /* PEM, for every caBundle; NULL: there is no authority */
};

/* names: those that the serving certificate is to be for. */
void rpw_certs_survey_make(const struct rpw_certs_texts *texts, const struct rpw_certs_names *names,
                           struct rpw_certs_survey *ret_survey);
void rpw_certs_survey_done(struct rpw_certs_survey *survey);

#endif
