/* survey.c - which certificate trusts which, and what follows for each of the three objects. */
#include "survey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What cannot be read is an empty list. */
static struct rpw_certificate_list read_list(const char *pem)
{
    struct rpw_certificate_list list = {NULL, 0, 0};
    char ignored[RPW_CERTS_ERROR_BYTES];

    if (pem == NULL || !rpw_certificates_read(rpw_span_of(pem), &list, ignored))
        return (struct rpw_certificate_list){NULL, 0, 0};
    return list;
}

/* --- the authority ---------------------------------------------------------------------------------------------------- */

static void judge_authority(const struct rpw_certs_texts *texts, struct rpw_certs_survey *survey)
{
    const struct rpw_certificate *authority = survey->authority.items;
    struct rpw_certs_state *state = &survey->state;
    bool is_there = texts->authority != NULL || texts->authority_key != NULL;

    state->authority.health = is_there ? RPW_CERTS_DAMAGED : RPW_CERTS_MISSING;
    if (survey->authority.count > 0) {
        state->authority.not_before = authority->not_before;
        state->authority.not_after = authority->not_after;
        if (authority->is_authority && texts->authority_key != NULL &&
            rpw_certificate_has_key(authority, rpw_span_of(texts->authority_key)))
            state->authority.health = RPW_CERTS_SOUND;
    }
    state->authority.has_previous = texts->previous != NULL;
    state->authority.has_readable_previous = survey->previous.count > 0;
    for (size_t i = 0; i < survey->previous.count; i++)
        if (state->authority.previous_not_after < survey->previous.items[i].not_after)
            state->authority.previous_not_after = survey->previous.items[i].not_after;
}

/* --- the serving certificate ------------------------------------------------------------------------------------------- */

static bool is_same(const struct rpw_certificate *one, const struct rpw_certificate *other)
{
    return strcmp(one->fingerprint, other->fingerprint) == 0;
}

static bool is_in(const struct rpw_certificate *certificate, const struct rpw_certificate_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (is_same(certificate, &list->items[i]))
            return true;
    return false;
}

/* The certificate of list that trusts certificate: an authority that signed it, or itself, as apiservers have it. */
static const struct rpw_certificate *find_trust(const struct rpw_certificate *certificate,
                                                const struct rpw_certificate_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (is_same(certificate, &list->items[i]) ||
            (list->items[i].is_authority && rpw_certificate_is_signed_by(certificate, &list->items[i])))
            return &list->items[i];
    return NULL;
}

/* The intermediate authority in tls.crt that signed certificate; NULL: none. */
static const struct rpw_certificate *find_intermediate(const struct rpw_certificate *certificate,
                                                       const struct rpw_certificate_list *serving)
{
    for (size_t i = 1; i < serving->count; i++)
        if (serving->items[i].is_authority && rpw_certificate_is_signed_by(certificate, &serving->items[i]))
            return &serving->items[i];
    return NULL;
}

/* Sets signer when one of list, certificates in order of preference, is trust for the serving certificate, be it through the
 * intermediate authorities that are served with it. The chain ends when the first of them does. */
static void note_signer(struct rpw_certs_survey *survey, const struct rpw_certificate_list *list,
                        enum rpw_certs_signer kind)
{
    const struct rpw_certificate *link = survey->serving.items, *trust = NULL;
    time_t not_after = link->not_after;

    if (survey->signer != NULL)
        return;
    /* Authorities may sign each other in a circle, so the links are counted. */
    for (size_t i = 0; i < survey->serving.count && link != NULL && trust == NULL; i++) {
        not_after = link->not_after < not_after ? link->not_after : not_after;
        trust = find_trust(link, list);
        link = find_intermediate(link, &survey->serving);
    }
    if (trust == NULL)
        return;
    survey->signer = rpw_certificate_pem(trust);
    survey->state.serving.signer = kind;
    survey->state.serving.not_after = not_after;
}

/* The same for one that no Secret of an authority has. */
static void note_other_signer(struct rpw_certs_survey *survey, const char *pem)
{
    struct rpw_certificate_list list = read_list(pem);

    note_signer(survey, &list, RPW_CERTS_SIGNED_BY_OTHER);
    rpw_certificates_done(&list);
}

/* Appends certificate's PEM text to *texts, unless it is there already. */
static void append_pem(char **texts, const struct rpw_certificate *certificate)
{
    char *pem = rpw_certificate_pem(certificate), *both = NULL;

    if (pem != NULL && (*texts == NULL || strstr(*texts, pem) == NULL) &&
        asprintf(&both, "%s%s", *texts != NULL ? *texts : "", pem) >= 0) {
        free(*texts);
        *texts = both;
    }
    free(pem);
}

static void append_list(char **texts, const struct rpw_certificate_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        append_pem(texts, &list->items[i]);
}

/* No chain leads to the serving certificate. An apiserver may know better: whatever is trusted is kept. */
static void keep_all(const struct rpw_certs_texts *texts, struct rpw_certs_survey *survey)
{
    append_list(&survey->signer, &survey->previous);
    for (size_t i = 0; i < texts->bundle_count; i++) {
        struct rpw_certificate_list bundle = read_list(texts->bundles[i]);

        for (size_t k = 0; k < bundle.count; k++)
            if (!is_in(&bundle.items[k], &survey->authority) && !is_in(&bundle.items[k], &survey->previous)) {
                append_pem(&survey->signer, &bundle.items[k]);
                survey->state.webhooks.has_others = true;
            }
        rpw_certificates_done(&bundle);
    }
}

static void find_signer(const struct rpw_certs_texts *texts, struct rpw_certs_survey *survey)
{
    note_signer(survey, &survey->authority, RPW_CERTS_SIGNED_BY_CURRENT);
    note_signer(survey, &survey->previous, RPW_CERTS_SIGNED_BY_PREVIOUS);
    note_other_signer(survey, texts->serving_authority);
    for (size_t i = 0; i < texts->bundle_count; i++)
        note_other_signer(survey, texts->bundles[i]);
    if (survey->signer == NULL)
        keep_all(texts, survey);
}

static void judge_serving(const struct rpw_certs_texts *texts, const struct rpw_certs_names *names,
                          struct rpw_certs_survey *survey)
{
    const struct rpw_certificate *serving = survey->serving.items;
    struct rpw_certs_state *state = &survey->state;
    bool is_there = texts->serving != NULL || texts->serving_key != NULL;

    state->serving.health = is_there ? RPW_CERTS_DAMAGED : RPW_CERTS_MISSING;
    if (survey->serving.count == 0 || texts->serving_key == NULL ||
        !rpw_certificate_has_key(serving, rpw_span_of(texts->serving_key)))
        return;
    state->serving.health = RPW_CERTS_SOUND;
    state->serving.not_before = serving->not_before;
    state->serving.not_after = serving->not_after;
    state->serving.issued_at = serving->not_before + RPW_CERTS_BACKDATE_S;
    state->serving.has_wanted_names = rpw_certificate_is_for(serving, names);
    find_signer(texts, survey);
}

/* --- the whole ------------------------------------------------------------------------------------------------------- */

/* The authorities to trust, the current one first. */
static void judge_webhooks(const struct rpw_certs_texts *texts, struct rpw_certs_survey *survey)
{
    if (survey->state.authority.health == RPW_CERTS_SOUND) {
        append_pem(&survey->wanted_bundle, &survey->authority.items[0]);
        append_list(&survey->wanted_bundle, &survey->previous);
    }
    survey->state.webhooks.is_published = survey->wanted_bundle != NULL;
    for (size_t i = 0; i < texts->bundle_count && survey->state.webhooks.is_published; i++)
        survey->state.webhooks.is_published =
            texts->bundles[i] != NULL && strcmp(texts->bundles[i], survey->wanted_bundle) == 0;
}

void rpw_certs_survey_make(const struct rpw_certs_texts *texts, const struct rpw_certs_names *names,
                           struct rpw_certs_survey *ret_survey)
{
    *ret_survey = (struct rpw_certs_survey){.authority = read_list(texts->authority),
                                            .previous = read_list(texts->previous),
                                            .serving = read_list(texts->serving)};
    judge_authority(texts, ret_survey);
    judge_serving(texts, names, ret_survey);
    judge_webhooks(texts, ret_survey);
}

void rpw_certs_survey_done(struct rpw_certs_survey *survey)
{
    rpw_certificates_done(&survey->authority);
    rpw_certificates_done(&survey->previous);
    rpw_certificates_done(&survey->serving);
    free(survey->signer);
    free(survey->wanted_bundle);
}

void rpw_certs_texts_done(struct rpw_certs_texts *texts)
{
    rpw_certs_pair_done(&(struct rpw_certs_pair){texts->authority, texts->authority_key});
    rpw_certs_pair_done(&(struct rpw_certs_pair){texts->serving, texts->serving_key});
    free(texts->previous);
    free(texts->serving_authority);
    for (size_t i = 0; i < texts->bundle_count; i++)
        free(texts->bundles[i]);
    free(texts->bundles);
}
