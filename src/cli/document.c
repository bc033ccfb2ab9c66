/* document.c - YAML becomes JSON text first: the core reads nothing else, and its places are led back to the manifest. */
#include "document.h"

#include <stdio.h>
#include <stdlib.h>

#include "json_patch.h"
#include "rpw/bytes/limits.h"
#include "utf8.h"

/* --- words ----------------------------------------------------------------------------------------------------------- */

static void put_visible(FILE *out, struct rpw_span text)
{
    for (size_t at = 0, length; at < text.len; at += length) {
        struct rpw_span rest = {text.ptr + at, text.len - at};

        length = rpw_utf8_length(rest);
        if (length == 0 || rpw_utf8_control(rest) >= 0)
            fputc('?', out);
        else
            fwrite(rest.ptr, 1, length, out);
        length = length > 0 ? length : 1;
    }
}

static void write_label(char *label, const struct rpw_object_name *name, struct rpw_span namespace_)
{
    FILE *out = fmemopen(label, RPW_DOCUMENT_LABEL_BYTES - 1, "w");

    label[0] = label[RPW_DOCUMENT_LABEL_BYTES - 1] = '\0';
    if (!out)
        return;
    put_visible(out, name->kind);
    if (name->name.len > 0) {
        fputc('/', out);
        put_visible(out, namespace_);
        fputc('/', out);
        put_visible(out, name->name);
    }
    fclose(out);
}

static struct rpw_span namespace_of(const struct rpw_document_context *context, const struct rpw_object_name *name)
{
    if (name->namespace_.len > 0)
        return name->namespace_;
    return context->namespace_.len > 0 ? context->namespace_ : RPW_LIT("default");
}

/* --- errors ---------------------------------------------------------------------------------------------------------- */

/* offset: in the object's JSON text. */
static struct rpw_place place_of(const struct rpw_document *document, size_t offset)
{
    if (document->root)
        return rpw_manifest_place(&document->json, offset);
    return (struct rpw_place){(size_t)(document->object.ptr - document->report.text.ptr) + offset, 0};
}

static bool fail_at(struct rpw_document *document, size_t offset, struct rpw_span message)
{
    rpw_report_error(&document->report, place_of(document, offset), "%.*s", (int)message.len, message.ptr);
    return false;
}

static bool fail_reading(struct rpw_document *document, const struct rpw_err *err)
{
    struct rpw_place place = place_of(document, err->offset);
    char byte[] = "'?'";
    const char *found = err->found;

    if (err->status == RPW_E_NOMEM)
        return fail_at(document, 0, RPW_LIT("found more pods than there is memory for"));
    if (!found && err->offset >= document->object.len) {
        found = "the end of the text";
    } else if (!found) {
        if (rpw_utf8_control((struct rpw_span){document->object.ptr + err->offset, 1}) < 0)
            byte[1] = document->object.ptr[err->offset];
        found = byte;
    }
    rpw_report_error(&document->report, place, "%s%sexpected %s, found %s", err->field ? err->field : "",
                     err->field && err->field[0] != '\0' ? ": " : "", err->expected, found);
    return false;
}

/* --- pods ------------------------------------------------------------------------------------------------------------ */

/* The pod's patch, as one of the object. */
static bool add_patch(struct rpw_document *document, const struct rpw_document_pod *pod)
{
    const char *prefix = rpw_pool_copy(&document->pool, pod->place.pointer).ptr;
    json_t *operation;
    size_t index;

    json_array_foreach(pod->decision.patch, index, operation)
    {
        json_t *moved = json_copy(operation);
        json_t *path =
            prefix ? json_sprintf("%s%s", prefix, json_string_value(json_object_get(operation, "path"))) : NULL;

        if (!moved || !path || json_object_set_new(moved, "path", path) != 0 ||
            json_array_append_new(document->patch, moved) != 0) {
            document->pool.has_failed = true;
            return false;
        }
    }
    return true;
}

static bool decide(const struct rpw_document_context *context, struct rpw_document *document,
                   const struct rpw_workload_pod *place)
{
    struct rpw_document_pod *pod = &document->pods[document->pod_count];
    size_t offset = (size_t)(place->text.ptr - document->object.ptr);
    struct rpw_span message, byte_number;

    *pod = (struct rpw_document_pod){.place = *place, .namespace_ = namespace_of(context, &place->owner)};
    write_label(pod->label, &place->owner, pod->namespace_);
    if (place->text.len > RPW_MAX_BODY_BYTES)
        return fail_at(document, offset, RPW_LIT("found a pod of more than 7 MiB, which no review can hold"));
    if (!rpw_pod_decide(context->core, context->policies, place->text, pod->namespace_, &pod->decision)) {
        document->pool.has_failed = true;
        return false;
    }
    document->pod_count++;
    if (pod->decision.http_status == 200)
        return add_patch(document, pod);
    message = rpw_span_of(pod->decision.message);
    /* "byte 17: request.uid: ...": the place is told by the report. */
    if (pod->decision.http_status == 400 && rpw_span_next_element(&message, ' ', &byte_number))
        rpw_span_next_element(&message, ' ', &byte_number);
    return fail_at(document, offset + pod->decision.err.offset, message);
}

static bool decide_all(const struct rpw_document_context *context, struct rpw_document *document)
{
    const struct rpw_workload *workload = &document->workload;

    document->patch = json_array();
    document->pods = rpw_pool_alloc(&document->pool, workload->pod_count * sizeof(*document->pods));
    if (!document->pods || !document->patch)
        return false;
    for (size_t i = 0; i < workload->pod_count; i++)
        if (!decide(context, document, &workload->pods[i]))
            return false;
    return true;
}

/* --- values ---------------------------------------------------------------------------------------------------------- */

static bool read_values(struct rpw_document *document)
{
    char patch_error[RPW_JSON_PATCH_ERROR_BYTES];
    json_error_t error;

    document->before = json_loadb(document->object.ptr, document->object.len, JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);
    if (!document->before) {
        rpw_report_error(&document->report, place_of(document, (size_t)error.position),
                         "the webhook takes this, but it cannot be shown here: %s", error.text);
        return false;
    }
    document->after = json_deep_copy(document->before);
    if (document->after && rpw_json_patch_apply(&document->after, document->patch, patch_error))
        return true;
    return fail_at(document, 0, rpw_span_of(document->after ? patch_error : "out of memory"));
}

static bool read_object(struct rpw_document *document, bool needs_values)
{
    if (!document->root) {
        document->object = document->text;
        return true;
    }
    if (!needs_values && !rpw_workload_is_known(rpw_manifest_member(document->root, "apiVersion"),
                                                rpw_manifest_member(document->root, "kind")))
        return true;
    if (!rpw_manifest_to_json(&document->report, document->root, &document->json))
        return false;
    document->object = (struct rpw_span){document->json.text.ptr, document->json.text.len};
    return true;
}

bool rpw_document_open(const struct rpw_document_context *context, struct rpw_span text, size_t number, bool is_json,
                       bool needs_values, struct rpw_document *ret_document)
{
    struct rpw_document *document = ret_document;
    struct rpw_err err;

    *document = (struct rpw_document){.number = number, .text = text, .arena = context->core};
    rpw_pool_init(&document->pool, RPW_MANIFEST_MAX_POOL_BYTES);
    rpw_report_init(&document->report, &document->pool, context->file, context->text);
    if (!is_json) {
        document->root = rpw_manifest_parse(&document->report, text);
        if (!document->root)
            return false;
    }
    if (!read_object(document, needs_values))
        return false;
    if (!document->object.ptr)
        return true;
    rpw_arena_reset(context->pods);
    if (rpw_workload_read(context->pods, document->object, &document->workload, &err) != RPW_OK)
        return fail_reading(document, &err);
    if (document->workload.name.kind.len == 0 && is_json)
        return fail_at(document, 0, RPW_LIT("kind: expected the kind of a Kubernetes object, found nothing"));
    write_label(document->label, &document->workload.name, namespace_of(context, &document->workload.name));
    if (!decide_all(context, document))
        return false;
    return (!needs_values && json_array_size(document->patch) == 0) || read_values(document);
}

void rpw_document_close(struct rpw_document *document)
{
    for (size_t i = 0; i < document->pod_count; i++)
        rpw_pod_decision_done(&document->pods[i].decision);
    json_decref(document->patch);
    json_decref(document->before);
    json_decref(document->after);
    rpw_pool_done(&document->pool);
}
