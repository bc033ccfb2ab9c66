/* review.c - the envelope around a pod.
 *
 * kube-apiserver writes kind, subResource and operation before object, so the pod is read where it stands. A review written
 * by hand may have another order: then the object is skipped (and checked), and read once everything else is known.
 */
#include "rpw/review/review.h"

#include "rpw/bytes/json_fields.h"
#include "rpw/bytes/limits.h"
#include "rpw/bytes/strbuf.h"

/* What reading needs beside the result. */
struct reading {
    struct rpw_review review;
    struct rpw_span object; /* as skipped; absent when it was read in place, or not given */
    bool has_request;
};

static bool read_object(struct rpw_json_reader *reader, const char *name, void *member)
{
    struct reading *reading = member;

    (void)name;
    if (rpw_review_request_kind(&reading->review) != RPW_REQUEST_CREATE_POD)
        return rpw_json_read_raw(reader, &reading->object);
    reading->review.has_pod = true;
    return rpw_pod_read(reader, &reading->review.pod);
}

static const struct rpw_json_field kind_fields[] = {
    RPW_JSON_FIELD("request.kind.", "group", rpw_json_field_string, struct reading, review.object_group),
    RPW_JSON_FIELD("request.kind.", "kind", rpw_json_field_string, struct reading, review.object_kind),
};
static const struct rpw_json_table kind_table =
    RPW_JSON_TABLE("request.kind", kind_fields, struct reading, RPW_JSON_NO_TEXT);

static const struct rpw_json_field request_fields[] = {
    RPW_JSON_FIELD("request.", "uid", rpw_json_field_string, struct reading, review.uid),
    RPW_JSON_OBJECT("request.", "kind", kind_table, 0),
    RPW_JSON_FIELD("request.", "subResource", rpw_json_field_string, struct reading, review.sub_resource),
    RPW_JSON_FIELD("request.", "namespace", rpw_json_field_string, struct reading, review.namespace_),
    RPW_JSON_FIELD("request.", "operation", rpw_json_field_string, struct reading, review.operation),
    RPW_JSON_FIELD("request.", "object", read_object, struct reading, review),
    RPW_JSON_FIELD("request.", "dryRun", rpw_json_field_bool, struct reading, review.is_dry_run),
};
static const struct rpw_json_table request_table =
    RPW_JSON_TABLE("request", request_fields, struct reading, RPW_JSON_NO_TEXT);

static bool read_request(struct rpw_json_reader *reader, const char *name, void *member)
{
    struct reading *reading = member;

    (void)name;
    reading->has_request = true;
    return rpw_json_read_object(reader, &request_table, reading);
}

static const struct rpw_json_field review_fields[] = {
    RPW_JSON_FIELD("", "apiVersion", rpw_json_field_string, struct reading, review.api_version),
    RPW_JSON_FIELD("", "kind", rpw_json_field_string, struct reading, review.kind),
    RPW_JSON_FIELD("", "request", read_request, struct reading, review),
};
static const struct rpw_json_table review_table =
    RPW_JSON_TABLE("the AdmissionReview", review_fields, struct reading, RPW_JSON_NO_TEXT);

_Static_assert(offsetof(struct reading, review) == 0, "readers of a whole struct reading are given its first member");

static bool is_known_version(struct rpw_span api_version)
{
    return rpw_span_is(api_version, "admission.k8s.io/v1") || rpw_span_is(api_version, "admission.k8s.io/v1beta1");
}

/* What must be there beside valid JSON of the right types. offset: of the review's first byte. */
static bool check_required(struct rpw_json_reader *reader, size_t offset, const struct reading *reading)
{
    const struct rpw_review *review = &reading->review;

    if (!rpw_span_is(review->kind, "AdmissionReview"))
        return rpw_json_fail(reader, offset, "kind", "\"AdmissionReview\"", "another kind or none");
    if (!is_known_version(review->api_version))
        return rpw_json_fail(reader, offset, "apiVersion", "admission.k8s.io/v1 or admission.k8s.io/v1beta1",
                             "another version or none");
    if (!reading->has_request)
        return rpw_json_fail(reader, offset, "request", "an object", "nothing");
    if (review->uid.len == 0)
        return rpw_json_fail(reader, offset, "request.uid", "a string that is not empty", "nothing");
    if (review->object_kind.len == 0)
        return rpw_json_fail(reader, offset, "request.kind.kind", "a string that is not empty", "nothing");
    if (review->operation.len == 0)
        return rpw_json_fail(reader, offset, "request.operation", "CREATE, UPDATE, DELETE or CONNECT", "nothing");
    return true;
}

static bool read_skipped_object(struct rpw_json_reader *reader, size_t offset, struct reading *reading)
{
    if (rpw_review_request_kind(&reading->review) != RPW_REQUEST_CREATE_POD || reading->review.has_pod)
        return true;
    if (reading->object.ptr == NULL)
        return rpw_json_fail(reader, offset, "request.object", "the pod", "nothing");
    reader->at = reading->object.ptr;
    reading->review.has_pod = true;
    return rpw_pod_read(reader, &reading->review.pod);
}

enum rpw_status rpw_review_read(struct rpw_arena *arena, struct rpw_span body, struct rpw_review *ret_review,
                                struct rpw_err *ret_err)
{
    struct reading reading = {0};
    struct rpw_json_reader reader;

    rpw_json_reader_init(&reader, arena, body);
    size_t offset = rpw_json_offset(&reader);
    if (rpw_json_read_object(&reader, &review_table, &reading) && rpw_json_finish(&reader) &&
        check_required(&reader, offset, &reading))
        read_skipped_object(&reader, offset, &reading);
    *ret_review = reading.review;
    if (reader.err.status != RPW_OK)
        *ret_err = reader.err;
    return reader.err.status;
}

enum rpw_request_kind rpw_review_request_kind(const struct rpw_review *review)
{
    if (!rpw_span_is(review->object_kind, "Pod") || review->object_group.len > 0)
        return RPW_REQUEST_NOT_A_POD;
    if (review->sub_resource.len > 0)
        return RPW_REQUEST_SUBRESOURCE;
    return rpw_span_is(review->operation, "CREATE") ? RPW_REQUEST_CREATE_POD : RPW_REQUEST_NOT_CREATE;
}

/* --- the answer ---------------------------------------------------------------------------------------------------- */

static bool is_inside_character(char byte)
{
    return ((unsigned char)byte & 0xC0) == 0x80;
}

bool rpw_warnings_add(struct rpw_arena *arena, struct rpw_warning_list *list, struct rpw_span text)
{
    const struct rpw_span dots = RPW_LIT("...");
    struct rpw_span *items = rpw_arena_append(arena, list->items, list->count, sizeof(list->items[0]));

    if (items == NULL)
        return false;
    if (text.len > RPW_MAX_WARNING_BYTES) {
        struct rpw_span cut = {text.ptr, RPW_MAX_WARNING_BYTES - dots.len};
        while (cut.len > 0 && is_inside_character(text.ptr[cut.len]))
            cut.len--;
        if (!rpw_strbuf_join(arena, &text, RPW_PARTS(rpw_plain(cut), rpw_plain(dots))))
            return false;
    }
    list->items = items;
    items[list->count++] = text;
    return true;
}

static void put_warnings(struct rpw_strbuf *buf, const struct rpw_warning_list *warnings)
{
    for (size_t i = 0; i < warnings->count; i++)
        rpw_strbuf_put_parts(buf,
                             RPW_PARTS(rpw_words(i > 0 ? "," : ",\"warnings\":["), rpw_quoted(warnings->items[i])));
    rpw_strbuf_put(buf, warnings->count > 0 ? "]" : "");
}

static void put_audit_annotations(struct rpw_strbuf *buf, const struct rpw_answer *answer)
{
    const struct {
        const char *key;
        struct rpw_span value;
    } annotations[] = {
        {"\"outcome\":", answer->audit_outcome},
        {"\"policy\":", answer->audit_policy},
        {"\"rejected\":", answer->audit_rejected},
    };
    bool has_any = false;

    for (size_t i = 0; i < sizeof(annotations) / sizeof(annotations[0]); i++) {
        if (annotations[i].value.ptr == NULL)
            continue;
        rpw_strbuf_put_parts(buf, RPW_PARTS(rpw_words(has_any ? "," : ",\"auditAnnotations\":{"),
                                            rpw_words(annotations[i].key), rpw_quoted(annotations[i].value)));
        has_any = true;
    }
    rpw_strbuf_put(buf, has_any ? "}" : "");
}

bool rpw_review_answer(struct rpw_arena *arena, const struct rpw_review *review, const struct rpw_answer *answer,
                       struct rpw_span *ret_text)
{
    struct rpw_strbuf buf;

    rpw_strbuf_init(&buf, arena);
    rpw_strbuf_put_parts(&buf, RPW_PARTS(rpw_words("{\"apiVersion\":"), rpw_quoted(review->api_version),
                                         rpw_words(",\"kind\":\"AdmissionReview\",\"response\":{\"uid\":"),
                                         rpw_quoted(review->uid),
                                         rpw_words(answer->is_allowed ? ",\"allowed\":true" : ",\"allowed\":false")));
    if (answer->message.ptr != NULL)
        rpw_strbuf_put_parts(&buf,
                             RPW_PARTS(rpw_words(",\"status\":{\"code\":403,\"reason\":\"Forbidden\",\"message\":"),
                                       rpw_quoted(answer->message), rpw_words("}")));
    if (answer->patch.ptr != NULL) {
        rpw_strbuf_put(&buf, ",\"patchType\":\"JSONPatch\",\"patch\":\"");
        rpw_strbuf_put_base64(&buf, answer->patch);
        rpw_strbuf_put(&buf, "\"");
    }
    put_warnings(&buf, &answer->warnings);
    put_audit_annotations(&buf, answer);
    rpw_strbuf_put(&buf, "}}\n");
    return rpw_strbuf_finish(&buf, ret_text);
}
