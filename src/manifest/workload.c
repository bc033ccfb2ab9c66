/* workload.c - one level of the object after the other, by tables; what lies between is skipped by the core's own reader. */
#include "workload.h"

#include <stdio.h>

#include "rpw/bytes/json_fields.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MAX_LISTS_IN_LISTS 4
#define INJECT "policy.rucio.cern.ch/inject"
#define POLICY "policy.rucio.cern.ch/policy"

/* The members of any object that matter here; parts as JSON text. */
struct outline {
    struct rpw_span api_version, kind, metadata, items;
    struct rpw_span namespace_, name, generate_name, annotations;
    struct rpw_span inject, policy; /* annotations that are read of pods alone */
};

static const struct rpw_json_field object_fields[] = {
    RPW_JSON_FIELD("", "apiVersion", rpw_json_field_string, struct outline, api_version),
    RPW_JSON_FIELD("", "kind", rpw_json_field_string, struct outline, kind),
    RPW_JSON_FIELD("", "metadata", rpw_json_field_raw, struct outline, metadata),
    RPW_JSON_FIELD("", "items", rpw_json_field_raw, struct outline, items),
};
static const struct rpw_json_field metadata_fields[] = {
    RPW_JSON_FIELD("metadata.", "namespace", rpw_json_field_string, struct outline, namespace_),
    RPW_JSON_FIELD("metadata.", "name", rpw_json_field_string, struct outline, name),
    RPW_JSON_FIELD("metadata.", "generateName", rpw_json_field_string, struct outline, generate_name),
    RPW_JSON_FIELD("metadata.", "annotations", rpw_json_field_raw, struct outline, annotations),
};
static const struct rpw_json_field annotation_fields[] = {
    RPW_JSON_FIELD("metadata.annotations.", INJECT, rpw_json_field_raw, struct outline, inject),
    RPW_JSON_FIELD("metadata.annotations.", POLICY, rpw_json_field_raw, struct outline, policy),
};

/* What makes pods, and the pointer to its template. */
static const struct kind {
    const char *kind;
    const char *groups[2]; /* "" is the core's */
    const char *pointer;
} kinds[] = {
    {"Pod", {""}, ""},
    {"ReplicationController", {""}, "/spec/template"},
    {"Deployment", {"apps", "extensions"}, "/spec/template"},
    {"ReplicaSet", {"apps", "extensions"}, "/spec/template"},
    {"DaemonSet", {"apps", "extensions"}, "/spec/template"},
    {"StatefulSet", {"apps"}, "/spec/template"},
    {"Job", {"batch"}, "/spec/template"},
    {"CronJob", {"batch"}, "/spec/jobTemplate/spec/template"},
};

struct finder {
    struct rpw_arena *arena;
    bool takes_misshapen;
    struct rpw_span document;
    struct rpw_workload workload;
    struct rpw_err err;
};

static bool is_in_group(struct rpw_span api_version, const char *group)
{
    struct rpw_span rest = api_version, first;

    if (api_version.len == 0)
        return true;
    rpw_span_next_element(&rest, '/', &first);
    return rest.ptr == NULL ? group[0] == '\0' : rpw_span_is(first, group);
}

static const struct kind *find_kind(struct rpw_span api_version, struct rpw_span kind)
{
    for (size_t i = 0; i < COUNT(kinds); i++)
        for (size_t k = 0; k < COUNT(kinds[i].groups) && kinds[i].groups[k] != NULL; k++)
            if (rpw_span_is(kind, kinds[i].kind) && is_in_group(api_version, kinds[i].groups[k]))
                return &kinds[i];
    return NULL;
}

/* "PodList" is a list of "Pod"; "List" one of anything, "". */
static bool is_list(struct rpw_span kind, struct rpw_span *ret_item_kind)
{
    static const size_t suffix = sizeof("List") - 1;

    if (kind.len < suffix || memcmp(kind.ptr + kind.len - suffix, "List", suffix) != 0)
        return false;
    *ret_item_kind = (struct rpw_span){kind.ptr, kind.len - suffix};
    return true;
}

bool rpw_workload_is_known(struct rpw_span api_version, struct rpw_span kind)
{
    struct rpw_span item_kind;

    if (is_list(kind, &item_kind))
        return item_kind.len == 0 || find_kind(api_version, item_kind) != NULL;
    return find_kind(api_version, kind) != NULL;
}

bool rpw_workload_makes_pods(struct rpw_span api_version, struct rpw_span kind)
{
    static const char *const others[][2] = {
        {"argoproj.io", "Rollout"},
        {"argoproj.io", "Application"},
        {"argoproj.io", "Workflow"},
        {"argoproj.io", "CronWorkflow"},
        {"argoproj.io", "WorkflowTemplate"},
        {"apps.openshift.io", "DeploymentConfig"},
        {"apps.kruise.io", "CloneSet"},
        {"apps.kruise.io", "DaemonSet"},
        {"apps.kruise.io", "StatefulSet"},
        {"batch.volcano.sh", "Job"},
        {"helm.cattle.io", "HelmChart"},
        {"helm.toolkit.fluxcd.io", "HelmRelease"},
        {"keda.sh", "ScaledJob"},
        {"kustomize.toolkit.fluxcd.io", "Kustomization"},
        {"serving.knative.dev", "Service"},
        {"", "PodTemplate"},
    };

    for (size_t i = 0; i < COUNT(others); i++)
        if (api_version.len > 0 && rpw_span_is(kind, others[i][1]) && is_in_group(api_version, others[i][0]))
            return true;
    return false;
}

/* Reads the members of text that a table names. A text that is absent, or no object, has none: what is wrong with it is the
 * apiserver's to say. */
static bool read_members(struct finder *finder, struct rpw_span text, const struct rpw_json_field *fields, size_t count,
                         void *target, size_t size)
{
    const struct rpw_json_table table = {
        .name = "", .fields = fields, .count = count, .size = size, .text_offset = RPW_JSON_NO_TEXT};
    struct rpw_json_reader reader;

    if (text.ptr == NULL || (text.ptr != finder->document.ptr && text.ptr[0] != '{'))
        return true;
    rpw_json_reader_init(&reader, finder->arena, text);
    if (rpw_json_read_object(&reader, &table, target) && rpw_json_finish(&reader))
        return true;
    finder->err = reader.err;
    finder->err.offset += (size_t)(text.ptr - finder->document.ptr);
    return false;
}

/* Walks from object to the part that pointer names; absent: there is none. */
static bool find_part(struct finder *finder, struct rpw_span object, const char *pointer, struct rpw_span *ret_part)
{
    struct rpw_span rest = rpw_span_of(pointer + 1), key;

    while (rpw_span_next_element(&rest, '/', &key)) {
        const struct rpw_json_field field = {.key = key, .name = pointer, .read = rpw_json_field_raw};
        struct rpw_span part = {NULL, 0};

        if (!read_members(finder, object, &field, 1, &part, sizeof(part)))
            return false;
        object = part;
    }
    *ret_part = object;
    return true;
}

static bool fail_no_memory(struct finder *finder)
{
    finder->err = (struct rpw_err){.status = RPW_E_NOMEM};
    return false;
}

static bool join(struct finder *finder, struct rpw_span first, const char *second, struct rpw_span *ret_joined)
{
    size_t len = strlen(second);
    char *joined = rpw_arena_alloc(finder->arena, first.len + len);

    if (joined == NULL)
        return fail_no_memory(finder);
    memcpy(joined, first.ptr, first.len);
    memcpy(joined + first.len, second, len);
    *ret_joined = (struct rpw_span){joined, first.len + len};
    return true;
}

static bool add_pod(struct finder *finder, struct rpw_workload_pod pod)
{
    struct rpw_workload *workload = &finder->workload;
    struct rpw_workload_pod *pods =
        rpw_arena_append(finder->arena, workload->pods, workload->pod_count, sizeof(pods[0]));

    if (pods == NULL)
        return fail_no_memory(finder);
    pods[workload->pod_count++] = pod;
    workload->pods = pods;
    return true;
}

/* The object's own pod, or the one of its template. */
static bool find_pod(struct finder *finder, const struct kind *kind, struct rpw_span object,
                     struct rpw_workload_pod pod)
{
    pod.text = object;
    if (kind->pointer[0] == '\0')
        return add_pod(finder, pod);
    if (!find_part(finder, object, kind->pointer, &pod.text))
        return false;
    if (pod.text.ptr == NULL || pod.text.ptr[0] != '{')
        return true;
    return join(finder, pod.pointer, kind->pointer, &pod.pointer) && add_pod(finder, pod);
}

static bool find_pods(struct finder *finder, struct rpw_span object, struct rpw_span pointer,
                      struct rpw_span default_kind, unsigned depth);

/* One item of a list. What is no object of Kubernetes' is a pod named by its place, if that is wanted: who looks at it will see. */
static bool find_pods_of_item(struct finder *finder, struct rpw_span item, struct rpw_span pointer,
                              struct rpw_span item_kind, unsigned depth)
{
    bool is_object = item.ptr[0] == '{' || !finder->takes_misshapen;

    if (is_object && find_pods(finder, item, pointer, item_kind, depth))
        return true;
    if (is_object && (!finder->takes_misshapen || finder->err.status != RPW_E_SHAPE))
        return false;
    finder->err = (struct rpw_err){.status = RPW_OK};
    return add_pod(finder, (struct rpw_workload_pod){
                               .owner = {RPW_LIT("Pod"), RPW_LIT(""), pointer}, .pointer = pointer, .text = item});
}

static bool find_pods_of_items(struct finder *finder, struct rpw_span items, struct rpw_span pointer,
                               struct rpw_span item_kind, unsigned depth)
{
    struct rpw_json_reader reader;
    char index_text[32];
    size_t index = 0;
    bool is_fine = true;

    if (items.ptr == NULL || items.ptr[0] != '[')
        return true;
    rpw_json_reader_init(&reader, finder->arena, items);
    rpw_json_enter_array(&reader, "items");
    while (is_fine && rpw_json_next_element(&reader)) {
        struct rpw_span item = {NULL, 0}, item_pointer;

        snprintf(index_text, sizeof(index_text), "/items/%zu", index++);
        is_fine = rpw_json_read_raw(&reader, &item) && join(finder, pointer, index_text, &item_pointer) &&
                  find_pods_of_item(finder, item, item_pointer, item_kind, depth + 1);
    }
    if (reader.err.status != RPW_OK)
        finder->err = reader.err;
    return finder->err.status == RPW_OK;
}

static bool find_pods(struct finder *finder, struct rpw_span object, struct rpw_span pointer,
                      struct rpw_span default_kind, unsigned depth)
{
    struct outline outline = {.kind = {NULL, 0}};
    struct rpw_span item_kind;

    if (!read_members(finder, object, object_fields, COUNT(object_fields), &outline, sizeof(outline)) ||
        !read_members(finder, outline.metadata, metadata_fields, COUNT(metadata_fields), &outline, sizeof(outline)) ||
        !read_members(finder, outline.annotations, annotation_fields, COUNT(annotation_fields), &outline,
                      sizeof(outline)))
        return false;
    if (outline.kind.len == 0)
        outline.kind = default_kind;
    struct rpw_workload_name name = {outline.kind, outline.namespace_,
                                     outline.name.len > 0 ? outline.name : outline.generate_name};
    if (depth == 0) {
        finder->workload.name = name;
        finder->workload.api_version = outline.api_version;
    }
    if (is_list(outline.kind, &item_kind))
        return depth >= MAX_LISTS_IN_LISTS || find_pods_of_items(finder, outline.items, pointer, item_kind, depth);
    const struct kind *kind = find_kind(outline.api_version, outline.kind);
    struct rpw_workload_pod pod = {.owner = name, .pointer = pointer};

    if (kind != NULL && kind->pointer[0] != '\0')
        pod.stray_annotation = outline.inject.ptr != NULL ? INJECT : outline.policy.ptr != NULL ? POLICY : NULL;
    return kind == NULL || find_pod(finder, kind, object, pod);
}

enum rpw_status rpw_workload_read(struct rpw_arena *arena, struct rpw_span object, bool takes_misshapen,
                                  struct rpw_workload *ret_workload, struct rpw_err *ret_err)
{
    struct finder finder = {.arena = arena, .takes_misshapen = takes_misshapen, .document = object};

    if (!find_pods(&finder, object, RPW_LIT(""), RPW_LIT(""), 0)) {
        *ret_err = finder.err;
        return finder.err.status;
    }
    *ret_workload = finder.workload;
    return RPW_OK;
}
