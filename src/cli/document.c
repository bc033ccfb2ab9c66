/* document.c - a manifest's document, its pods and what the core says of them. */
#include "document.h"

#include <stdlib.h>

#include "json_patch.h"
#include "memory.h"
#include "rpw/bytes/limits.h"
#include "visible.h"

static char *new_label(const struct rpw_workload_name *name, struct rpw_span namespace_)
{
    const char *slash = name->name.len > 0 ? "/" : "";
    char *text = rpw_memory_print("%.*s%s%.*s%s%.*s", (int)name->kind.len, name->kind.ptr, slash,
                                  name->name.len > 0 ? (int)namespace_.len : 0, namespace_.ptr, slash,
                                  (int)name->name.len, name->name.ptr);
    char *label = rpw_visible_copy(rpw_span_of(text));

    free(text);
    return label;
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
static void add_patch(struct rpw_document *document, const struct rpw_document_pod *pod)
{
    struct rpw_span prefix = pod->place.pointer;
    json_t *operation;
    size_t index;

    json_array_foreach(pod->decision.patch, index, operation)
    {
        json_t *moved = json_copy(operation);
        const char *path = json_string_value(json_object_get(operation, "path"));

        json_object_set_new(moved, "path", json_sprintf("%.*s%s", (int)prefix.len, prefix.ptr, path));
        json_array_append_new(document->patch, moved);
    }
}

static bool decide(const struct rpw_document_context *context, struct rpw_document *document,
                   const struct rpw_workload_pod *place)
{
    struct rpw_document_pod *pod = &document->pods[document->pod_count];
    size_t offset = (size_t)(place->text.ptr - document->object.json.ptr);
    struct rpw_span message, byte_number;

    if (place->text.len > RPW_MAX_BODY_BYTES)
        return fail_at(document, offset, RPW_LIT("found a pod of more than 7 MiB, which no review can hold"));
    document->pod_count++;
    pod->place = *place;
    pod->namespace_ = namespace_of(context, &place->owner);
    pod->is_namespace_assumed = place->owner.namespace_.len == 0 && context->namespace_.len == 0;
    pod->label = new_label(&place->owner, pod->namespace_);
    rpw_pod_decide(context->core, context->policies, place->text, pod->namespace_, &pod->decision);
    if (pod->decision.http_status == 200) {
        add_patch(document, pod);
        return true;
    }
    message = rpw_span_of(pod->decision.message);
    /* "byte 17: request.uid: ...": the place is told by the report. */
    if (pod->decision.http_status == 400 && rpw_span_next_element(&message, ' ', &byte_number))
        rpw_span_next_element(&message, ' ', &byte_number);
    return fail_at(document, offset + pod->decision.err.offset, message);
}

static bool decide_all(const struct rpw_document_context *context, struct rpw_document *document)
{
    const struct rpw_workload *workload = &document->workload;

    document->pods = rpw_memory_need(calloc(workload->pod_count + 1, sizeof(*document->pods)));
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

    *document = (struct rpw_document){
        .number = text->number, .text = text->text, .arena = context->core, .patch = json_array()};
    if (!rpw_manifest_object_open(stream, text, needs_values ? NULL : rpw_workload_is_known, &document->object))
        return false;
    document->workload.name.kind = document->object.kind;
    document->workload.api_version = document->object.api_version;
    if (document->object.json.ptr && !find_pods(context, document))
        return false;
    if (document->workload.name.kind.len == 0 && stream->is_json)
        return fail_at(document, 0, RPW_LIT("kind: expected the kind of a Kubernetes object, found nothing"));
    document->label = new_label(&document->workload.name, namespace_of(context, &document->workload.name));
    if (!decide_all(context, document))
        return false;
    return (!needs_values && json_array_size(document->patch) == 0) || read_values(document);
}

void rpw_document_close(struct rpw_document *document)
{
    for (size_t i = 0; i < document->pod_count; i++) {
        rpw_pod_decision_done(&document->pods[i].decision);
        free(document->pods[i].label);
    }
    free(document->pods);
    free(document->label);
    json_decref(document->patch);
    json_decref(document->before);
    json_decref(document->after);
    rpw_manifest_object_close(&document->object);
}
