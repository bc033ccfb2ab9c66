/* ensure_objects.c - reads the three objects, and writes them.
 *
 * A Secret that is there gets a JSON merge patch, which leaves alone what it does not name; one that is not is created. The
 * webhooks are a list, which a merge patch would replace, so they get a JSON Patch. Both carry the version that was read as
 * metadata.resourceVersion: the apiserver then answers 409 when that is no longer the present one.
 */
#include "ensure_objects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "memory.h"
#include "object.h"

/* "true" on a Secret that is ours to write: those that were made here, and those that were taken over. */
#define OWNED "policy.rucio.cern.ch/certs-ensure"

/* On the MutatingWebhookConfiguration: since when the authority is published, and the first digits of its fingerprint. */
#define PUBLISHED "policy.rucio.cern.ch/ca-published"
#define PUBLISHED_POINTER                                                                                              \
    "/metadata/annotations/policy.rucio.cern.ch~1ca-published" /* RFC 6901: '/' in a key is "~1" */
#define FINGERPRINT_DIGITS 16

/* --- reading -------------------------------------------------------------------------------------------------------- */

static const struct rpw_kube_request webhooks_request = {
    .verb = RPW_KUBE_GET, .group = "admissionregistration.k8s.io", .resource = "mutatingwebhookconfigurations"};

static struct rpw_kube_request secret_request(enum rpw_kube_verb verb, const struct rpw_object_name *name)
{
    return (struct rpw_kube_request){
        .verb = verb, .group = "", .resource = "secrets", .namespace_ = name->namespace_, .name = name->name};
}

/* NULL in *ret_object, and true, when it is not there. */
static bool get(struct rpw_ensure_objects *objects, struct rpw_kube_request request, json_t **ret_object)
{
    enum rpw_kube_result result = rpw_kube_call(objects->client, &request, ret_object, objects->error);

    return result == RPW_KUBE_OK || result == RPW_KUBE_NOT_FOUND;
}

/* To be freed. NULL: no text; "": no base64. */
static char *decode(const json_t *base64)
{
    size_t len = 0;
    char *text = json_is_string(base64) ? rpw_base64_decode(rpw_span_of(json_string_value(base64)), &len) : NULL;

    return text != NULL || base64 == NULL ? text : rpw_memory_print("%s", "");
}

static char *secret_text(const json_t *secret, const char *key)
{
    return decode(json_object_get(json_object_get(secret, "data"), key));
}

static const char *annotation_of(const json_t *object, const char *key)
{
    return rpw_manifest_text(json_object_get(json_object_get(object, "metadata"), "annotations"), key);
}

static time_t published_at(const struct rpw_ensure_objects *objects)
{
    const char *record = annotation_of(objects->webhooks, PUBLISHED), *fingerprint = strchr(record, ' ');

    if (fingerprint == NULL || objects->survey.authority.count == 0 ||
        strncmp(fingerprint + 1, objects->survey.authority.items[0].fingerprint, FINGERPRINT_DIGITS) != 0)
        return 0;
    return rpw_time_parse(record);
}

static void read_bundles(struct rpw_ensure_objects *objects)
{
    const json_t *webhooks = json_object_get(objects->webhooks, "webhooks"), *webhook;
    char **bundles = rpw_memory_need(calloc(json_array_size(webhooks) + 1, sizeof(*bundles)));
    size_t index;

    json_array_foreach(webhooks, index, webhook)
    {
        bundles[index] = decode(json_object_get(json_object_get(webhook, "clientConfig"), "caBundle"));
    }
    objects->texts.bundles = bundles;
    objects->texts.bundle_count = json_array_size(webhooks);
}

bool rpw_ensure_read(struct rpw_ensure_objects *objects)
{
    const struct rpw_ensure_target *target = objects->target;
    struct rpw_kube_request webhooks = webhooks_request;

    webhooks.name = target->webhooks;
    if (!get(objects, secret_request(RPW_KUBE_GET, &target->authority_secret), &objects->authority_secret) ||
        !get(objects, secret_request(RPW_KUBE_GET, &target->serving_secret), &objects->serving_secret) ||
        !get(objects, webhooks, &objects->webhooks))
        return false;
    objects->texts = (struct rpw_certs_texts){
        .authority = secret_text(objects->authority_secret, "ca.crt"),
        .authority_key = secret_text(objects->authority_secret, "ca.key"),
        .previous = secret_text(objects->authority_secret, "ca-previous.crt"),
        .serving = secret_text(objects->serving_secret, "tls.crt"),
        .serving_key = secret_text(objects->serving_secret, "tls.key"),
        .serving_authority = secret_text(objects->serving_secret, "ca.crt"),
    };
    read_bundles(objects);
    rpw_certs_survey_make(&objects->texts, &target->names, &objects->survey);
    objects->survey.state.webhooks.exists = objects->webhooks != NULL;
    objects->survey.state.webhooks.published_at = published_at(objects);
    return true;
}

void rpw_ensure_done(struct rpw_ensure_objects *objects)
{
    json_decref(objects->authority_secret);
    json_decref(objects->serving_secret);
    json_decref(objects->webhooks);
    rpw_certs_texts_done(&objects->texts);
    rpw_certs_survey_done(&objects->survey);
}

/* --- whose it is ------------------------------------------------------------------------------------------------------ */

/* Whether a write would not take anything from anybody else: there is no Secret, it is ours, or nothing is in it. */
static bool is_free_to_write(const json_t *secret)
{
    const char *key;
    json_t *value;

    if (strcmp(annotation_of(secret, OWNED), "true") == 0)
        return true;
    json_object_foreach(json_object_get(secret, "data"), key, value)
    {
        const char *text = json_string_value(value);

        if (text == NULL || text[0] != '\0')
            return false;
    }
    return true;
}

static bool refuse_foreign(struct rpw_ensure_objects *objects, const struct rpw_object_name *name, const char *found)
{
    snprintf(
        objects->error, sizeof(objects->error),
        "Secret %s/%s: found %s, so it looks like somebody else's and was not changed; if it is to be overwritten, "
        "delete it or run: kubectl -n %s annotate secret %s " OWNED "=true",
        name->namespace_, name->name, found, name->namespace_, name->name);
    return false;
}

bool rpw_ensure_may_write(struct rpw_ensure_objects *objects)
{
    const struct rpw_ensure_target *target = objects->target;
    const struct rpw_certificate_list *serving = &objects->survey.serving;

    if (objects->webhooks != NULL && objects->texts.bundle_count == 0) {
        snprintf(objects->error, sizeof(objects->error),
                 "MutatingWebhookConfiguration %s: webhooks: found none, expected at least one", target->webhooks);
        return false;
    }
    if (!is_free_to_write(objects->authority_secret) && objects->texts.authority_key == NULL)
        return refuse_foreign(objects, &target->authority_secret, "something else than an authority");
    if (!is_free_to_write(objects->serving_secret) &&
        (serving->count == 0 || !rpw_certificate_shares_name(&serving->items[0], &target->names)))
        return refuse_foreign(objects, &target->serving_secret, "no certificate for any of the names");
    return true;
}

/* --- writing ---------------------------------------------------------------------------------------------------------- */

static const char *resource_version(const json_t *object)
{
    return rpw_manifest_text(json_object_get(object, "metadata"), "resourceVersion");
}

static json_t *base64_of(const char *text)
{
    char *encoded = rpw_base64_encode(rpw_span_of(text));
    json_t *value = json_string(encoded);

    rpw_kube_free_secret(encoded);
    return value;
}

/* Takes the body. */
static enum rpw_kube_result send(struct rpw_ensure_objects *objects, struct rpw_kube_request request, json_t *take_body)
{
    enum rpw_kube_result result;
    json_t *answer = NULL;

    request.body = take_body;
    result = rpw_kube_call(objects->client, &request, &answer, objects->error);
    json_decref(answer);
    json_decref(take_body);
    /* What was read and is gone has changed, like any other; a creation's 404 is about the namespace. */
    return result == RPW_KUBE_NOT_FOUND && request.verb == RPW_KUBE_PATCH ? RPW_KUBE_CONFLICT : result;
}

/* Creates the Secret of that type, or changes the data of the one that was read; ours from then on. Takes data. */
static enum rpw_kube_result write_secret(struct rpw_ensure_objects *objects, const struct rpw_object_name *name,
                                         const char *type, const json_t *present, json_t *take_data)
{
    struct rpw_kube_request request = secret_request(present != NULL ? RPW_KUBE_PATCH : RPW_KUBE_CREATE, name);

    if (present != NULL)
        return send(objects, request,
                    json_pack("{s:{s:s, s:{s:s}}, s:o}", "metadata", "resourceVersion", resource_version(present),
                              "annotations", OWNED, "true", "data", take_data));
    request.name = NULL;
    return send(objects, request,
                json_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s}}, s:s, s:o}", "apiVersion", "v1", "kind", "Secret",
                          "metadata", "name", name->name, "namespace", name->namespace_, "annotations", OWNED, "true",
                          "type", type, "data", take_data));
}

enum rpw_kube_result rpw_ensure_write_authority(struct rpw_ensure_objects *objects,
                                                const struct rpw_certs_pair *authority, const char *previous)
{
    json_t *data =
        json_pack("{s:o, s:o}", "ca.crt", base64_of(authority->certificate), "ca.key", base64_of(authority->key));

    if (previous != NULL || objects->authority_secret != NULL)
        json_object_set_new(data, "ca-previous.crt", previous != NULL ? base64_of(previous) : json_null());
    return write_secret(objects, &objects->target->authority_secret, "Opaque", objects->authority_secret, data);
}

enum rpw_kube_result rpw_ensure_write_previous(struct rpw_ensure_objects *objects, const char *previous)
{
    return write_secret(objects, &objects->target->authority_secret, "Opaque", objects->authority_secret,
                        json_pack("{s:o}", "ca-previous.crt", previous != NULL ? base64_of(previous) : json_null()));
}

enum rpw_kube_result rpw_ensure_write_serving(struct rpw_ensure_objects *objects, const struct rpw_certs_pair *serving)
{
    json_t *data = json_pack("{s:o, s:o, s:o}", "tls.crt", base64_of(serving->certificate), "tls.key",
                             base64_of(serving->key), "ca.crt", base64_of(objects->texts.authority));

    return write_secret(objects, &objects->target->serving_secret, "kubernetes.io/tls", objects->serving_secret, data);
}

/* `add` of RFC 6902, which replaces what is there. */
static void append_add(json_t *patch, const char *path, json_t *take_value)
{
    json_array_append_new(patch, json_pack("{s:s, s:s, s:o}", "op", "add", "path", path, "value", take_value));
}

enum rpw_kube_result rpw_ensure_publish(struct rpw_ensure_objects *objects, time_t now)
{
    const json_t *annotations = json_object_get(json_object_get(objects->webhooks, "metadata"), "annotations");
    struct rpw_kube_request request = webhooks_request;
    char when[RPW_TIME_TEXT_BYTES], pointer[64];
    json_t *patch = json_array();

    request.verb = RPW_KUBE_PATCH;
    request.name = objects->target->webhooks;
    append_add(patch, "/metadata/resourceVersion", json_string(resource_version(objects->webhooks)));
    if (!json_is_object(annotations))
        append_add(patch, "/metadata/annotations", json_object());
    rpw_time_format(now, when);
    append_add(patch, PUBLISHED_POINTER,
               json_sprintf("%s %.*s", when, FINGERPRINT_DIGITS, objects->survey.authority.items[0].fingerprint));
    for (size_t i = 0; i < objects->texts.bundle_count; i++) {
        snprintf(pointer, sizeof(pointer), "/webhooks/%zu/clientConfig/caBundle", i);
        append_add(patch, pointer, base64_of(objects->survey.wanted_bundle));
    }
    return send(objects, request, patch);
}
