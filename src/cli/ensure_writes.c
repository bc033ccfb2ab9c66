/* ensure_writes.c - the writes of ensure_objects.h.
 *
 * A Secret that is there gets a JSON merge patch, which leaves alone what it does not name; one that is not is created. The
 * webhooks are a list, which a merge patch would replace, so they get a JSON Patch. Both carry the version that was read as
 * metadata.resourceVersion: the apiserver then answers 409 when that is no longer the present one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "ensure_objects.h"
#include "values.h"

/* RFC 6901: '/' in a key is "~1". */
#define PUBLISHED_POINTER "/metadata/annotations/policy.rucio.cern.ch~1ca-published"

static const char *resource_version(const json_t *object)
{
    const char *version = json_string_value(json_object_get(json_object_get(object, "metadata"), "resourceVersion"));

    return version != NULL ? version : "";
}

/* NULL: no memory, as everywhere in this file. */
static json_t *base64_of(const char *text)
{
    char *encoded = rpw_base64_encode(rpw_span_of(text));
    json_t *value = encoded != NULL ? json_string(encoded) : NULL;

    rpw_kube_free_secret(encoded);
    return value;
}

static enum rpw_kube_result send(struct rpw_kube_client *client, const struct rpw_kube_request *request,
                                 char ret_error[RPW_KUBE_ERROR_BYTES])
{
    enum rpw_kube_result result = RPW_KUBE_FAILED;
    json_t *answer = NULL;

    if (request->body == NULL)
        snprintf(ret_error, RPW_KUBE_ERROR_BYTES, "out of memory");
    else
        result = rpw_kube_call(client, request, &answer, ret_error);
    json_decref(answer);
    /* What was read and is gone has changed, like any other; a creation's 404 is about the namespace. */
    return result == RPW_KUBE_NOT_FOUND && request->verb == RPW_KUBE_PATCH ? RPW_KUBE_CONFLICT : result;
}

/* Creates the Secret of that type, or changes the data of the one that was read; ours from then on. Takes data. */
static enum rpw_kube_result write_secret(struct rpw_kube_client *client, const struct rpw_object_name *name,
                                         const char *type, const json_t *present, json_t *take_data,
                                         char ret_error[RPW_KUBE_ERROR_BYTES])
{
    struct rpw_kube_request request = {
        .verb = RPW_KUBE_CREATE, .group = "", .resource = "secrets", .namespace_ = name->namespace_};
    enum rpw_kube_result result;
    json_t *body;

    if (present != NULL) {
        request.verb = RPW_KUBE_PATCH;
        request.name = name->name;
        body = json_pack("{s:{s:s, s:{s:s}}, s:o}", "metadata", "resourceVersion", resource_version(present),
                         "annotations", RPW_ENSURE_OWNED, "true", "data", take_data);
    } else {
        body = json_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s}}, s:s, s:o}", "apiVersion", "v1", "kind", "Secret",
                         "metadata", "name", name->name, "namespace", name->namespace_, "annotations", RPW_ENSURE_OWNED,
                         "true", "type", type, "data", take_data);
    }
    request.body = body;
    result = send(client, &request, ret_error);
    json_decref(body);
    return result;
}

enum rpw_kube_result rpw_ensure_write_authority(struct rpw_kube_client *client, const struct rpw_ensure_target *target,
                                                const struct rpw_ensure_objects *objects,
                                                const struct rpw_certs_pair *authority, const char *previous,
                                                char ret_error[RPW_KUBE_ERROR_BYTES])
{
    json_t *data =
        json_pack("{s:o, s:o}", "ca.crt", base64_of(authority->certificate), "ca.key", base64_of(authority->key));

    if (previous != NULL)
        json_object_set_new(data, "ca-previous.crt", base64_of(previous));
    else if (objects->authority_secret != NULL)
        json_object_set_new(data, "ca-previous.crt", json_null());
    return write_secret(client, &target->authority_secret, "Opaque", objects->authority_secret, data, ret_error);
}

enum rpw_kube_result rpw_ensure_write_previous(struct rpw_kube_client *client, const struct rpw_ensure_target *target,
                                               const struct rpw_ensure_objects *objects, const char *previous,
                                               char ret_error[RPW_KUBE_ERROR_BYTES])
{
    json_t *data = json_pack("{s:o}", "ca-previous.crt", previous != NULL ? base64_of(previous) : json_null());

    return write_secret(client, &target->authority_secret, "Opaque", objects->authority_secret, data, ret_error);
}

enum rpw_kube_result rpw_ensure_write_serving(struct rpw_kube_client *client, const struct rpw_ensure_target *target,
                                              const struct rpw_ensure_objects *objects,
                                              const struct rpw_certs_pair *serving,
                                              char ret_error[RPW_KUBE_ERROR_BYTES])
{
    json_t *data = json_pack("{s:o, s:o, s:o}", "tls.crt", base64_of(serving->certificate), "tls.key",
                             base64_of(serving->key), "ca.crt", base64_of(objects->authority.certificate));

    return write_secret(client, &target->serving_secret, "kubernetes.io/tls", objects->serving_secret, data, ret_error);
}

/* `add` of RFC 6902, which replaces what is there. */
static void append_add(json_t *patch, const char *path, json_t *take_value)
{
    json_array_append_new(patch, json_pack("{s:s, s:s, s:o}", "op", "add", "path", path, "value", take_value));
}

static json_t *new_publication(const struct rpw_ensure_objects *objects, time_t now)
{
    const json_t *annotations = json_object_get(json_object_get(objects->webhooks, "metadata"), "annotations");
    size_t count = json_array_size(json_object_get(objects->webhooks, "webhooks"));
    json_t *patch = json_array();
    char when[RPW_TIME_TEXT_BYTES], pointer[64];

    append_add(patch, "/metadata/resourceVersion", json_string(resource_version(objects->webhooks)));
    if (!json_is_object(annotations))
        append_add(patch, "/metadata/annotations", json_object());
    rpw_time_format(now, when);
    append_add(
        patch, PUBLISHED_POINTER,
        json_sprintf("%s %.*s", when, RPW_ENSURE_FINGERPRINT_DIGITS, objects->authority_list.items[0].fingerprint));
    for (size_t i = 0; i < count; i++) {
        snprintf(pointer, sizeof(pointer), "/webhooks/%zu/clientConfig/caBundle", i);
        append_add(patch, pointer, json_string(objects->wanted_bundle));
    }
    return patch;
}

enum rpw_kube_result rpw_ensure_publish(struct rpw_kube_client *client, const struct rpw_ensure_target *target,
                                        const struct rpw_ensure_objects *objects, time_t now,
                                        char ret_error[RPW_KUBE_ERROR_BYTES])
{
    json_t *patch = objects->wanted_bundle != NULL ? new_publication(objects, now) : NULL;
    const struct rpw_kube_request request = {.verb = RPW_KUBE_PATCH,
                                             .group = RPW_ENSURE_ADMISSION_GROUP,
                                             .resource = RPW_ENSURE_WEBHOOKS_RESOURCE,
                                             .name = target->webhooks,
                                             .body = patch};
    enum rpw_kube_result result = send(client, &request, ret_error);

    json_decref(patch);
    return result;
}
