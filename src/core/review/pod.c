/* pod.c - tables of fields, from the Pod down to a volumeMount. */
#include "rpw/review/pod.h"

#include "rpw/bytes/json_fields.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- lists --------------------------------------------------------------------------------------------------------- */

#define NO_TEXT SIZE_MAX

/* The elements of an array: a struct for each. */
struct element_type {
    const char *name; /* for errors */
    const struct rpw_json_field *fields;
    size_t field_count;
    size_t size;
    size_t text_offset; /* of the struct's member that takes the element's own text; NO_TEXT: none does */
};

struct elements {
    size_t count;
    void *items;
};

#define ELEMENT_TYPE(name, fields, type, text_offset)                                                                  \
    {                                                                                                                  \
        (name), (fields), COUNT(fields), sizeof(type), (text_offset)                                                   \
    }

/* What has been read since start, which was the next byte then. */
static struct rpw_span text_since(const struct rpw_json_reader *reader, const char *start)
{
    return (struct rpw_span){start, (size_t)(reader->at - start)};
}

static bool read_element(struct rpw_json_reader *reader, const struct element_type *type, struct elements *elements)
{
    char *items = rpw_arena_append(reader->arena, elements->items, elements->count, type->size);

    if (items == NULL)
        return rpw_json_fail_no_memory(reader);
    char *item = items + elements->count++ * type->size;
    elements->items = items;
    if (rpw_json_take_null(reader))
        return true;
    const char *start = reader->start + rpw_json_offset(reader);
    if (!rpw_json_read_fields(reader, type->name, type->fields, type->field_count, item))
        return false;
    if (type->text_offset != NO_TEXT) {
        struct rpw_span text = text_since(reader, start);
        memcpy(item + type->text_offset, &text, sizeof(text));
    }
    return true;
}

static struct elements read_elements(struct rpw_json_reader *reader, const char *name, const struct element_type *type)
{
    struct elements elements = {0, NULL};

    rpw_json_enter_array(reader, name);
    while (rpw_json_next_element(reader))
        if (!read_element(reader, type, &elements))
            break;
    return elements;
}

/* Fills a list struct of pod.h. */
#define READ_LIST(reader, name, type, list)                                                                            \
    do {                                                                                                               \
        struct elements elements = read_elements((reader), (name), (type));                                            \
        (list)->is_present = true;                                                                                     \
        (list)->count = elements.count;                                                                                \
        (list)->items = elements.items;                                                                                \
    } while (false)

/* --- containers ---------------------------------------------------------------------------------------------------- */

#define ENV_FIELD(key, reader, member) RPW_JSON_FIELD("spec.containers[].env[].", key, reader, struct rpw_env, member)

static const struct rpw_json_field env_fields[] = {
    ENV_FIELD("name", rpw_json_field_string, name),
    ENV_FIELD("value", rpw_json_field_string, value),
    ENV_FIELD("valueFrom", rpw_json_field_raw, value_from),
};

static bool read_env(struct rpw_json_reader *reader, const char *name, void *member)
{
    static const struct element_type type =
        ELEMENT_TYPE("spec.containers[].env[]", env_fields, struct rpw_env, offsetof(struct rpw_env, text));
    struct rpw_env_list *list = member;

    READ_LIST(reader, name, &type, list);
    return reader->err.status == RPW_OK;
}

static const struct rpw_json_field env_from_fields[] = {
    RPW_JSON_FIELD("spec.containers[].envFrom[].", "prefix", rpw_json_field_string, struct rpw_env_from, prefix),
};

static bool read_env_from(struct rpw_json_reader *reader, const char *name, void *member)
{
    static const struct element_type type =
        ELEMENT_TYPE("spec.containers[].envFrom[]", env_from_fields, struct rpw_env_from, NO_TEXT);
    const char *start = reader->start + rpw_json_offset(reader);
    struct elements elements = read_elements(reader, name, &type);
    struct rpw_env_from_list *list = member;

    *list = (struct rpw_env_from_list){elements.count, elements.items, text_since(reader, start)};
    return reader->err.status == RPW_OK;
}

#define MOUNT_FIELD(key, reader, member)                                                                               \
    RPW_JSON_FIELD("spec.containers[].volumeMounts[].", key, reader, struct rpw_volume_mount, member)

static const struct rpw_json_field volume_mount_fields[] = {
    MOUNT_FIELD("name", rpw_json_field_string, name),
    MOUNT_FIELD("mountPath", rpw_json_field_string, mount_path),
    MOUNT_FIELD("subPath", rpw_json_field_string, sub_path),
    MOUNT_FIELD("subPathExpr", rpw_json_field_string, sub_path_expr),
    MOUNT_FIELD("mountPropagation", rpw_json_field_string, propagation),
    MOUNT_FIELD("readOnly", rpw_json_field_bool, is_read_only),
};

static bool read_volume_mounts(struct rpw_json_reader *reader, const char *name, void *member)
{
    static const struct element_type type =
        ELEMENT_TYPE("spec.containers[].volumeMounts[]", volume_mount_fields, struct rpw_volume_mount,
                     offsetof(struct rpw_volume_mount, text));
    struct rpw_volume_mount_list *list = member;

    READ_LIST(reader, name, &type, list);
    return reader->err.status == RPW_OK;
}

#define DEVICE_FIELD(key, member)                                                                                      \
    RPW_JSON_FIELD("spec.containers[].volumeDevices[].", key, rpw_json_field_string, struct rpw_volume_device, member)

static const struct rpw_json_field volume_device_fields[] = {
    DEVICE_FIELD("name", name),
    DEVICE_FIELD("devicePath", device_path),
};

static bool read_volume_devices(struct rpw_json_reader *reader, const char *name, void *member)
{
    static const struct element_type type =
        ELEMENT_TYPE("spec.containers[].volumeDevices[]", volume_device_fields, struct rpw_volume_device, NO_TEXT);
    struct rpw_volume_device_list *list = member;

    READ_LIST(reader, name, &type, list);
    return reader->err.status == RPW_OK;
}

#define SECURITY_FIELD(key, member)                                                                                    \
    RPW_JSON_FIELD("securityContext.", key, rpw_json_field_raw, struct rpw_security_context, member)

static const struct rpw_json_field security_context_fields[] = {
    SECURITY_FIELD("runAsUser", run_as_user),
    SECURITY_FIELD("runAsGroup", run_as_group),
    SECURITY_FIELD("runAsNonRoot", run_as_non_root),
    SECURITY_FIELD("seLinuxOptions", se_linux_options),
};

static bool read_security_context(struct rpw_json_reader *reader, const char *name, void *member)
{
    return rpw_json_read_fields(reader, name, security_context_fields, COUNT(security_context_fields), member);
}

#define CONTAINER_FIELD(key, reader, member)                                                                           \
    RPW_JSON_FIELD("spec.containers[].", key, reader, struct rpw_container, member)

static const struct rpw_json_field container_fields[] = {
    CONTAINER_FIELD("name", rpw_json_field_string, name),
    CONTAINER_FIELD("env", read_env, env),
    CONTAINER_FIELD("envFrom", read_env_from, env_from),
    CONTAINER_FIELD("volumeMounts", read_volume_mounts, volume_mounts),
    CONTAINER_FIELD("volumeDevices", read_volume_devices, volume_devices),
    CONTAINER_FIELD("image", rpw_json_field_string, image),
    CONTAINER_FIELD("imagePullPolicy", rpw_json_field_string, pull_policy),
    CONTAINER_FIELD("resources", rpw_json_field_raw, resources),
    CONTAINER_FIELD("securityContext", read_security_context, security_context),
};

static bool read_containers(struct rpw_json_reader *reader, const char *name, void *member)
{
    static const struct element_type type =
        ELEMENT_TYPE("spec.containers[]", container_fields, struct rpw_container, NO_TEXT);
    struct rpw_container_list *list = member;

    READ_LIST(reader, name, &type, list);
    return reader->err.status == RPW_OK;
}

/* --- volumes ------------------------------------------------------------------------------------------------------- */

static const struct rpw_json_field volume_fields[] = {
    RPW_JSON_FIELD("spec.volumes[].", "name", rpw_json_field_string, struct rpw_volume, name),
};

static bool read_volumes(struct rpw_json_reader *reader, const char *name, void *member)
{
    static const struct element_type type = ELEMENT_TYPE("spec.volumes[]", volume_fields, struct rpw_volume, NO_TEXT);
    struct rpw_volume_list *list = member;

    READ_LIST(reader, name, &type, list);
    return reader->err.status == RPW_OK;
}

/* --- metadata ------------------------------------------------------------------------------------------------------ */

static bool read_labels(struct rpw_json_reader *reader, const char *name, void *member)
{
    struct rpw_label_list *list = member;
    struct rpw_span key;

    if (!rpw_json_enter_object(reader, name))
        return false;
    while (rpw_json_next_member(reader, &key)) {
        struct rpw_label *items = rpw_arena_append(reader->arena, list->items, list->count, sizeof(list->items[0]));
        if (items == NULL)
            return rpw_json_fail_no_memory(reader);
        struct rpw_label *label = &items[list->count++];
        list->items = items;
        label->key = key;
        label->offset = rpw_json_offset(reader);
        if (!rpw_json_take_null(reader))
            rpw_json_read_string(reader, "a label's value", &label->value);
    }
    return reader->err.status == RPW_OK;
}

#define ANNOTATION(key, member)                                                                                        \
    RPW_JSON_FIELD("annotation ", key, rpw_json_field_string, struct rpw_annotations, member)

static const struct rpw_json_field annotation_fields[] = {
    ANNOTATION("policy.rucio.cern.ch/inject", inject),
    ANNOTATION("policy.rucio.cern.ch/policy", policy),
    ANNOTATION("policy.rucio.cern.ch/status", status),
    ANNOTATION("policy.rucio.cern.ch/conflicts", conflicts),
    ANNOTATION("policy.rucio.cern.ch/revision", revision),
    ANNOTATION("policy.rucio.cern.ch/injected", injected),
    ANNOTATION("kubernetes.io/config.mirror", mirror),
    ANNOTATION("cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes", evictable),
};

static bool read_annotations(struct rpw_json_reader *reader, const char *name, void *member)
{
    struct rpw_annotations *annotations = member;

    annotations->is_present = true;
    return rpw_json_read_fields(reader, name, annotation_fields, COUNT(annotation_fields), annotations);
}

struct owner {
    struct rpw_span kind;
    struct rpw_span name;
    bool is_controller;
};

static const struct rpw_json_field owner_fields[] = {
    RPW_JSON_FIELD("metadata.ownerReferences[].", "kind", rpw_json_field_string, struct owner, kind),
    RPW_JSON_FIELD("metadata.ownerReferences[].", "name", rpw_json_field_string, struct owner, name),
    RPW_JSON_FIELD("metadata.ownerReferences[].", "controller", rpw_json_field_bool, struct owner, is_controller),
};

static bool read_owners(struct rpw_json_reader *reader, const char *name, void *member)
{
    struct rpw_metadata *metadata = member;

    if (!rpw_json_enter_array(reader, name))
        return false;
    while (rpw_json_next_element(reader)) {
        struct owner owner = {0};
        if (rpw_json_take_null(reader) ||
            !rpw_json_read_fields(reader, "metadata.ownerReferences[]", owner_fields, COUNT(owner_fields), &owner))
            continue;
        if (owner.is_controller || metadata->owner_kind.ptr == NULL) {
            metadata->owner_kind = owner.kind;
            metadata->owner_name = owner.name;
        }
    }
    return reader->err.status == RPW_OK;
}

static const struct rpw_json_field metadata_fields[] = {
    RPW_JSON_FIELD("metadata.", "name", rpw_json_field_string, struct rpw_metadata, name),
    RPW_JSON_FIELD("metadata.", "generateName", rpw_json_field_string, struct rpw_metadata, generate_name),
    RPW_JSON_FIELD("metadata.", "labels", read_labels, struct rpw_metadata, labels),
    RPW_JSON_FIELD("metadata.", "annotations", read_annotations, struct rpw_metadata, annotations),
    {.key = {"ownerReferences", sizeof("ownerReferences") - 1},
     .name = "metadata.ownerReferences",
     .read = read_owners,
     .offset = 0},
};

static bool read_metadata(struct rpw_json_reader *reader, const char *name, void *member)
{
    struct rpw_metadata *metadata = member;

    metadata->is_present = true;
    return rpw_json_read_fields(reader, name, metadata_fields, COUNT(metadata_fields), metadata);
}

/* --- the pod ------------------------------------------------------------------------------------------------------- */

static const struct rpw_json_field os_fields[] = {
    {.key = {"name", sizeof("name") - 1}, .name = "spec.os.name", .read = rpw_json_field_string, .offset = 0},
};

static bool read_os(struct rpw_json_reader *reader, const char *name, void *member)
{
    return rpw_json_read_fields(reader, name, os_fields, COUNT(os_fields), member);
}

static const struct rpw_json_field spec_fields[] = {
    RPW_JSON_FIELD("spec.", "volumes", read_volumes, struct rpw_pod, volumes),
    RPW_JSON_FIELD("spec.", "initContainers", read_containers, struct rpw_pod, containers[RPW_INIT_CONTAINERS]),
    RPW_JSON_FIELD("spec.", "containers", read_containers, struct rpw_pod, containers[RPW_CONTAINERS]),
    RPW_JSON_FIELD("spec.", "securityContext", read_security_context, struct rpw_pod, security_context),
    RPW_JSON_FIELD("spec.", "resources", rpw_json_field_raw, struct rpw_pod, resources),
    RPW_JSON_FIELD("spec.", "os", read_os, struct rpw_pod, os_name),
};

static bool read_spec(struct rpw_json_reader *reader, const char *name, void *member)
{
    return rpw_json_read_fields(reader, name, spec_fields, COUNT(spec_fields), member);
}

static const struct rpw_json_field pod_fields[] = {
    RPW_JSON_FIELD("", "metadata", read_metadata, struct rpw_pod, metadata),
    {.key = {"spec", sizeof("spec") - 1}, .name = "spec", .read = read_spec, .offset = 0},
};

bool rpw_pod_read(struct rpw_json_reader *reader, struct rpw_pod *ret_pod)
{
    *ret_pod = (struct rpw_pod){0};
    return rpw_json_read_fields(reader, "the pod", pod_fields, COUNT(pod_fields), ret_pod);
}

size_t rpw_env_find(const struct rpw_env_list *env, struct rpw_span name, size_t before)
{
    for (size_t i = before; i > 0; i--)
        if (rpw_span_equal(env->items[i - 1].name, name))
            return i - 1;
    return RPW_NO_INDEX;
}

size_t rpw_container_find(const struct rpw_container_list *containers, struct rpw_span name)
{
    for (size_t i = 0; i < containers->count; i++)
        if (rpw_span_equal(containers->items[i].name, name))
            return i;
    return RPW_NO_INDEX;
}

bool rpw_env_is_empty(const struct rpw_env *env)
{
    return env->value_from.ptr == NULL && env->value.len == 0;
}

bool rpw_env_from_may_bring(const struct rpw_env_from_list *env_from, struct rpw_span name)
{
    for (size_t i = 0; i < env_from->count; i++)
        if (rpw_span_starts_with(name, env_from->items[i].prefix))
            return true;
    return false;
}
