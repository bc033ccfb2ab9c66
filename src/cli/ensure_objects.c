/* ensure_objects.c - reads the three objects and judges them.
 *
 * Keys of the Secrets: ca.crt, ca.key, ca-previous.crt of the authority's; tls.crt, tls.key, ca.crt (for people who want to
 * verify the server) of the serving one, whose type is kubernetes.io/tls.
 */
#include "ensure_objects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "values.h"

/* --- reading -------------------------------------------------------------------------------------------------------- */

/* NULL in *ret_object, and true, when it is not there. */
static bool get(struct rpw_kube_client *client, const struct rpw_kube_request *request, json_t **ret_object,
                char ret_error[RPW_KUBE_ERROR_BYTES])
{
    enum rpw_kube_result result = rpw_kube_call(client, request, ret_object, ret_error);

    return result == RPW_KUBE_OK || result == RPW_KUBE_NOT_FOUND;
}

static bool get_secret(struct rpw_kube_client *client, const struct rpw_object_name *name, json_t **ret_secret,
                       char ret_error[RPW_KUBE_ERROR_BYTES])
{
    const struct rpw_kube_request request = {
        .verb = RPW_KUBE_GET, .group = "", .resource = "secrets", .namespace_ = name->namespace_, .name = name->name};

    return get(client, &request, ret_secret, ret_error);
}

/* The value of a Secret's key; absent when it is not there or no base64. */
static char *secret_text(const json_t *secret, const char *key)
{
    const char *value = json_string_value(json_object_get(json_object_get(secret, "data"), key));
    size_t len = 0;

    return value != NULL ? rpw_base64_decode(rpw_span_of(value), &len) : NULL;
}

/* What cannot be read is an empty list. */
static void read_list(const char *pem, struct rpw_certificate_list *list)
{
    char ignored[RPW_CERTS_ERROR_BYTES];

    if (pem != NULL && !rpw_certificates_read(rpw_span_of(pem), list, ignored))
        *list = (struct rpw_certificate_list){NULL, 0, 0};
}

static void read_secret_list(const json_t *secret, const char *key, struct rpw_certificate_list *list)
{
    char *pem = secret_text(secret, key);

    read_list(pem, list);
    free(pem);
}

static bool has_key(const json_t *secret, const char *key)
{
    return json_object_get(json_object_get(secret, "data"), key) != NULL;
}

/* --- judging: the authority ------------------------------------------------------------------------------------------ */

static void judge_authority(struct rpw_ensure_objects *objects)
{
    const struct rpw_certificate *authority = objects->authority_list.items;
    struct rpw_certs_state *state = &objects->state;
    bool is_there = has_key(objects->authority_secret, "ca.crt") || has_key(objects->authority_secret, "ca.key");

    state->authority.health = is_there ? RPW_CERTS_DAMAGED : RPW_CERTS_MISSING;
    if (objects->authority_list.count > 0) {
        state->authority.not_before = authority->not_before;
        state->authority.not_after = authority->not_after;
        if (authority->is_authority && objects->authority.key != NULL &&
            rpw_certificate_has_key(authority, rpw_span_of(objects->authority.key)))
            state->authority.health = RPW_CERTS_SOUND;
    }
    state->authority.has_previous = has_key(objects->authority_secret, "ca-previous.crt");
    state->authority.has_readable_previous = objects->previous_list.count > 0;
    for (size_t i = 0; i < objects->previous_list.count; i++)
        if (state->authority.previous_not_after < objects->previous_list.items[i].not_after)
            state->authority.previous_not_after = objects->previous_list.items[i].not_after;
}

/* --- judging: the serving certificate --------------------------------------------------------------------------------- */

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
static bool note_signer(struct rpw_ensure_objects *objects, const struct rpw_certificate_list *list,
                        enum rpw_certs_signer kind)
{
    const struct rpw_certificate *link = objects->serving_list.items, *trust = NULL;
    time_t not_after = link->not_after;

    if (objects->signer != NULL)
        return true;
    /* Authorities may sign each other in a circle, so the links are counted. */
    for (size_t i = 0; i < objects->serving_list.count && link != NULL && trust == NULL; i++) {
        not_after = link->not_after < not_after ? link->not_after : not_after;
        trust = find_trust(link, list);
        link = find_intermediate(link, &objects->serving_list);
    }
    if (trust == NULL)
        return false;
    objects->signer = rpw_certificate_pem(trust);
    objects->state.serving.signer = kind;
    objects->state.serving.not_after = not_after;
    return true;
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

/* Calls on_bundle with the certificates of each caBundle. */
static void for_each_bundle(struct rpw_ensure_objects *objects,
                            void (*on_bundle)(struct rpw_ensure_objects *objects,
                                              const struct rpw_certificate_list *bundle))
{
    const json_t *webhook;
    size_t index;

    json_array_foreach(json_object_get(objects->webhooks, "webhooks"), index, webhook)
    {
        const char *bundle = json_string_value(json_object_get(json_object_get(webhook, "clientConfig"), "caBundle"));
        struct rpw_certificate_list list = {NULL, 0, 0};
        size_t len = 0;
        char *pem = bundle != NULL ? rpw_base64_decode(rpw_span_of(bundle), &len) : NULL;

        read_list(pem, &list);
        on_bundle(objects, &list);
        rpw_certificates_done(&list);
        free(pem);
    }
}

static void note_other_signer(struct rpw_ensure_objects *objects, const struct rpw_certificate_list *bundle)
{
    note_signer(objects, bundle, RPW_CERTS_SIGNED_BY_OTHER);
}

/* Appends to signer what no Secret of an authority has. */
static void note_others(struct rpw_ensure_objects *objects, const struct rpw_certificate_list *bundle)
{
    for (size_t i = 0; i < bundle->count; i++)
        if (!is_in(&bundle->items[i], &objects->authority_list) && !is_in(&bundle->items[i], &objects->previous_list)) {
            append_pem(&objects->signer, &bundle->items[i]);
            objects->state.webhooks.has_others = true;
        }
}

/* An authority that no Secret of an authority has: the serving Secret's own ca.crt, or one that a caBundle trusts. When none
 * leads to the serving certificate, an apiserver may know better: whatever is trusted is then kept. */
static void find_other_signer(struct rpw_ensure_objects *objects)
{
    struct rpw_certificate_list list = {NULL, 0, 0};

    read_secret_list(objects->serving_secret, "ca.crt", &list);
    note_signer(objects, &list, RPW_CERTS_SIGNED_BY_OTHER);
    rpw_certificates_done(&list);
    for_each_bundle(objects, note_other_signer);
    if (objects->signer != NULL)
        return;
    for (size_t i = 0; i < objects->previous_list.count; i++)
        append_pem(&objects->signer, &objects->previous_list.items[i]);
    for_each_bundle(objects, note_others);
}

static void judge_serving(struct rpw_ensure_objects *objects, const struct rpw_certs_names *names)
{
    const struct rpw_certificate *serving = objects->serving_list.items;
    struct rpw_certs_state *state = &objects->state;
    bool is_there = has_key(objects->serving_secret, "tls.crt") || has_key(objects->serving_secret, "tls.key");
    char *key = secret_text(objects->serving_secret, "tls.key");

    state->serving.health = is_there ? RPW_CERTS_DAMAGED : RPW_CERTS_MISSING;
    if (objects->serving_list.count > 0 && key != NULL && rpw_certificate_has_key(serving, rpw_span_of(key))) {
        state->serving.health = RPW_CERTS_SOUND;
        state->serving.not_before = serving->not_before;
        state->serving.not_after = serving->not_after;
        state->serving.issued_at = serving->not_before + RPW_CERTS_BACKDATE_S;
        state->serving.has_wanted_names = rpw_certificate_is_for(serving, names);
        if (!note_signer(objects, &objects->authority_list, RPW_CERTS_SIGNED_BY_CURRENT) &&
            !note_signer(objects, &objects->previous_list, RPW_CERTS_SIGNED_BY_PREVIOUS))
            find_other_signer(objects);
    }
    rpw_kube_free_secret(key);
}

/* --- judging: the webhooks -------------------------------------------------------------------------------------------- */

/* Base64 of the PEM texts of the authorities to trust, the current one first. NULL: there is none, or no memory. */
static char *new_bundle(const struct rpw_ensure_objects *objects)
{
    char *texts = NULL, *bundle = NULL;

    if (objects->state.authority.health != RPW_CERTS_SOUND)
        return NULL;
    append_pem(&texts, &objects->authority_list.items[0]);
    for (size_t i = 0; i < objects->previous_list.count; i++)
        append_pem(&texts, &objects->previous_list.items[i]);
    bundle = texts != NULL ? rpw_base64_encode(rpw_span_of(texts)) : NULL;
    free(texts);
    return bundle;
}

static time_t published_at(const struct rpw_ensure_objects *objects)
{
    const json_t *annotations = json_object_get(json_object_get(objects->webhooks, "metadata"), "annotations");
    const char *record = json_string_value(json_object_get(annotations, RPW_ENSURE_PUBLISHED));
    const char *fingerprint = record != NULL ? strchr(record, ' ') : NULL;

    if (fingerprint == NULL || objects->authority_list.count == 0 ||
        strncmp(fingerprint + 1, objects->authority_list.items[0].fingerprint, RPW_ENSURE_FINGERPRINT_DIGITS) != 0)
        return 0;
    return rpw_time_parse(record);
}

static void judge_webhooks(struct rpw_ensure_objects *objects)
{
    const json_t *webhook;
    size_t index;

    objects->wanted_bundle = new_bundle(objects);
    objects->state.webhooks.exists = objects->webhooks != NULL;
    objects->state.webhooks.published_at = published_at(objects);
    objects->state.webhooks.is_published = objects->wanted_bundle != NULL;
    json_array_foreach(json_object_get(objects->webhooks, "webhooks"), index, webhook)
    {
        const char *bundle = json_string_value(json_object_get(json_object_get(webhook, "clientConfig"), "caBundle"));

        if (bundle == NULL || objects->wanted_bundle == NULL || strcmp(bundle, objects->wanted_bundle) != 0)
            objects->state.webhooks.is_published = false;
    }
}

/* --- whose it is ------------------------------------------------------------------------------------------------------ */

/* Whether a write would not take anything from anybody else: there is no Secret, it is ours, or nothing is in it. */
static bool is_free_to_write(const json_t *secret)
{
    const json_t *annotations = json_object_get(json_object_get(secret, "metadata"), "annotations");
    const char *owned = json_string_value(json_object_get(annotations, RPW_ENSURE_OWNED));
    const char *key;
    json_t *value;

    if (owned != NULL && strcmp(owned, "true") == 0)
        return true;
    json_object_foreach(json_object_get(secret, "data"), key, value)
    {
        const char *text = json_string_value(value);

        if (text == NULL || text[0] != '\0')
            return false;
    }
    return true;
}

static bool refuse_foreign(const struct rpw_object_name *name, const char *found, char ret_error[RPW_KUBE_ERROR_BYTES])
{
    snprintf(
        ret_error, RPW_KUBE_ERROR_BYTES,
        "Secret %s/%s: found %s, so it looks like somebody else's and was not changed; if it is to be overwritten, "
        "delete it or run: kubectl -n %s annotate secret %s %s=true",
        name->namespace_, name->name, found, name->namespace_, name->name, RPW_ENSURE_OWNED);
    return false;
}

bool rpw_ensure_may_write(const struct rpw_ensure_target *target, const struct rpw_ensure_objects *objects,
                          char ret_error[RPW_KUBE_ERROR_BYTES])
{
    const struct rpw_certificate_list *serving = &objects->serving_list;

    if (objects->webhooks != NULL && json_array_size(json_object_get(objects->webhooks, "webhooks")) == 0) {
        snprintf(ret_error, RPW_KUBE_ERROR_BYTES,
                 "MutatingWebhookConfiguration %s: webhooks: found none, expected at least one", target->webhooks);
        return false;
    }
    if (!is_free_to_write(objects->authority_secret) && !has_key(objects->authority_secret, "ca.key"))
        return refuse_foreign(&target->authority_secret, "something else than an authority", ret_error);
    if (!is_free_to_write(objects->serving_secret) &&
        (serving->count == 0 || !rpw_certificate_shares_name(&serving->items[0], target->names)))
        return refuse_foreign(&target->serving_secret, "no certificate for any of the names", ret_error);
    return true;
}

/* --- the module's face ------------------------------------------------------------------------------------------------ */

static bool get_all(struct rpw_kube_client *client, const struct rpw_ensure_target *target,
                    struct rpw_ensure_objects *objects, char ret_error[RPW_KUBE_ERROR_BYTES])
{
    const struct rpw_kube_request webhooks = {.verb = RPW_KUBE_GET,
                                              .group = RPW_ENSURE_ADMISSION_GROUP,
                                              .resource = RPW_ENSURE_WEBHOOKS_RESOURCE,
                                              .name = target->webhooks};

    return get_secret(client, &target->authority_secret, &objects->authority_secret, ret_error) &&
           get_secret(client, &target->serving_secret, &objects->serving_secret, ret_error) &&
           get(client, &webhooks, &objects->webhooks, ret_error);
}

bool rpw_ensure_read(struct rpw_kube_client *client, const struct rpw_ensure_target *target,
                     struct rpw_ensure_objects *ret_objects, char ret_error[RPW_KUBE_ERROR_BYTES])
{
    struct rpw_ensure_objects objects = {.authority_secret = NULL};

    if (!get_all(client, target, &objects, ret_error)) {
        rpw_ensure_done(&objects);
        return false;
    }
    objects.authority.certificate = secret_text(objects.authority_secret, "ca.crt");
    objects.authority.key = secret_text(objects.authority_secret, "ca.key");
    read_list(objects.authority.certificate, &objects.authority_list);
    read_secret_list(objects.authority_secret, "ca-previous.crt", &objects.previous_list);
    read_secret_list(objects.serving_secret, "tls.crt", &objects.serving_list);
    judge_authority(&objects);
    judge_serving(&objects, target->names);
    judge_webhooks(&objects);
    ret_error[0] = '\0'; /* a 404 is none */
    *ret_objects = objects;
    return true;
}

void rpw_ensure_done(struct rpw_ensure_objects *objects)
{
    json_decref(objects->authority_secret);
    json_decref(objects->serving_secret);
    json_decref(objects->webhooks);
    rpw_certs_pair_done(&objects->authority);
    rpw_certificates_done(&objects->authority_list);
    rpw_certificates_done(&objects->previous_list);
    rpw_certificates_done(&objects->serving_list);
    free(objects->signer);
    free(objects->wanted_bundle);
    *objects = (struct rpw_ensure_objects){.authority_secret = NULL};
}
