/* document.c - a manifest's document, its pods and what the core says of them. */
#include "document.h"

#include <stdio.h>

#include "json_patch.h"
#include "rpw/bytes/limits.h"
#include "visible.h"

/* --- words ----------------------------------------------------------------------------------------------------------- */

static void write_label(char *label, const struct rpw_workload_name *name, struct rpw_span namespace_)
{
    FILE *out = fmemopen(label, RPW_DOCUMENT_LABEL_BYTES - 1, "w");

    label[0] = label[RPW_DOCUMENT_LABEL_BYTES - 1] = '\0';
    if (!out)
        return;
    rpw_visible_write(out, name->kind);
    if (name->name.len > 0) {
        fputc('/', out);
        rpw_visible_write(out, namespace_);
        fputc('/', out);
        rpw_visible_write(out, name->name);
    }
    fclose(out);
}

static struct rpw_span namespace_of(const struct rpw_document_context *context, const struct rpw_workload_name *name)
{
    if (name->namespace_.len > 0)
        return name->namespace_;
    return context->namespace_.len > 0 ? context->namespace_ : RPW_LIT("default");
}

static bool fail_at(struct rpw_document *document, size_t offset, struct rpw_span message)
{
    rpw_report_error(&document->object.report, rpw_manifest_object_place(&document->object, offset), "%.*s",
                     (int)message.len, message.ptr);
    return false;
}

/* --- pods ------------------------------------------------------------------------------------------------------------ */

/* The pod's patch, as one of the object. */
static bool add_patch(struct rpw_document *document, const struct rpw_document_pod *pod)
{
    const char *prefix = rpw_pool_copy(&document->object.pool, pod->place.pointer).ptr;
    json_t *operation;
    size_t index;

    json_array_foreach(pod->decision.patch, index, operation)
    {
        json_t *moved = json_copy(operation);
        json_t *path =
            prefix ? json_sprintf("%s%s", prefix, json_string_value(json_object_get(operation, "path"))) : NULL;

        if (!moved || !path || json_object_set_new(moved, "path", path) != 0 ||
            json_array_append_new(document->patch, moved) != 0) {
            document->object.pool.has_failed = true;
            return false;
        }
    }
    return true;
}

static bool decide(const struct rpw_document_context *context, struct rpw_document *document,
                   const struct rpw_workload_pod *place)
{
    struct rpw_document_pod *pod = &document->pods[document->pod_count];
    size_t offset = (size_t)(place->text.ptr - document->object.json.ptr);
    struct rpw_span message, byte_number;

    *pod = (struct rpw_document_pod){
        .place = *place,
        .namespace_ = namespace_of(context, &place->owner),
        .is_namespace_assumed = place->owner.namespace_.len == 0 && context->namespace_.len == 0,
    };
    write_label(pod->label, &place->owner, pod->namespace_);
    if (place->text.len > RPW_MAX_BODY_BYTES)
        return fail_at(document, offset, RPW_LIT("found a pod of more than 7 MiB, which no review can hold"));
    if (!rpw_pod_decide(context->core, context->policies, place->text, pod->namespace_, &pod->decision)) {
        document->object.pool.has_failed = true;
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
    document->pods = rpw_pool_alloc(&document->object.pool, workload->pod_count * sizeof(*document->pods));
    if (!document->pods || !document->patch)
        return false;
    for (size_t i = 0; i < workload->pod_count; i++)
        if (!decide(context, document, &workload->pods[i]))
            return false;
    return true;
}

/* --- the whole ------------------------------------------------------------------------------------------------------- */

static bool read_values(struct rpw_document *document)
{
    char patch_error[RPW_JSON_PATCH_ERROR_BYTES];

    document->before = rpw_manifest_object_value(&document->object);
    if (!document->before)
        return false;
    document->after = json_deep_copy(document->before);
    return rpw_json_patch_apply(&document->after, document->patch, patch_error) ||
           fail_at(document, 0, rpw_span_of(patch_error));
}

static bool find_pods(const struct rpw_document_context *context, struct rpw_document *document)
{
    struct rpw_err err;

    rpw_arena_reset(context->pods);
    if (rpw_workload_read(context->pods, document->object.json, false, &document->workload, &err) == RPW_OK)
        return true;
    rpw_manifest_object_fail(&document->object, &err);
    return false;
}

bool rpw_document_open(const struct rpw_document_context *context, const struct rpw_manifest_stream *stream,
                       const struct rpw_manifest_document *text, bool needs_values, struct rpw_document *ret_document)
{
    struct rpw_document *document = ret_document;

    *document = (struct rpw_document){.number = text->number, .text = text->text, .arena = context->core};
    if (!rpw_manifest_object_open(stream, text, needs_values ? NULL : rpw_workload_is_known, &document->object))
        return false;
    document->workload.name.kind = document->object.kind;
    document->workload.api_version = document->object.api_version;
    if (document->object.json.ptr && !find_pods(context, document))
        return false;
    if (document->workload.name.kind.len == 0 && stream->is_json)
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
    rpw_manifest_object_close(&document->object);
}
