/* pod.c - tables of fields, from the Pod down to a volumeMount. */
#include "rpw/review/pod.h"

#include "rpw/bytes/json_fields.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* One more element of one of the list structs above, in a reader's arena; NULL after the reader has failed. */
#define APPEND(reader, list) append((reader), (void **)&(list)->items, &(list)->count, sizeof((list)->items[0]))

static void *append(struct rpw_json_reader *reader, void **items, size_t *count, size_t item_size)
{
    void *grown = rpw_arena_append(reader->arena, *items, *count, item_size);

    if (grown == NULL) {
        rpw_json_fail_no_memory(reader);
        return NULL;
    }
    *items = grown;
    return (char *)grown + (*count)++ * item_size;
}

/* What has been read since start, which was the next byte then. */
static struct rpw_span text_since(const struct rpw_json_reader *reader, const char *start)
{
    return (struct rpw_span){start, (size_t)(reader->at - start)};
}

/* --- containers ---------------------------------------------------------------------------------------------------- */

static const struct rpw_json_field env_fields[] = {
    RPW_JSON_FIELD("spec.containers[].env[].", "name", rpw_json_field_string, struct rpw_env, name),
    RPW_JSON_FIELD("spec.containers[].env[].", "value", rpw_json_field_string, struct rpw_env, value),
    RPW_JSON_FIELD("spec.containers[].env[].", "valueFrom", rpw_json_field_raw, struct rpw_env, value_from),
};

static bool read_env(struct rpw_json_reader *reader, const char *name, void *member)
{
    struct rpw_env_list *list = member;

    list->is_present = true;
    if (!rpw_json_enter_array(reader, name))
        return false;
    while (rpw_json_next_element(reader)) {
        struct rpw_env *env = APPEND(reader, list);
        if (env == NULL || rpw_json_take_null(reader))
            continue;
        const char *start = reader->start + rpw_json_offset(reader);
        if (rpw_json_read_fields(reader, "spec.containers[].env[]", env_fields, COUNT(env_fields), env))
            env->text = text_since(reader, start);
    }
    return reader->err.status == RPW_OK;
}

static bool read_env_from(struct rpw_json_reader *reader, const char *name, void *member)
{
    struct rpw_env_from *env_from = member;
    const char *start = reader->start + rpw_json_offset(reader);

    if (!rpw_json_enter_array(reader, name))
        return false;
    while (rpw_json_next_element(reader)) {
        env_from->count++;
        rpw_json_skip(reader);
    }
    env_from->text = text_since(reader, start);
    return reader->err.status == RPW_OK;
}

static const struct rpw_json_field volume_mount_fields[] = {
    RPW_JSON_FIELD("spec.containers[].volumeMounts[].", "name", rpw_json_field_string, struct rpw_volume_mount, name),
    RPW_JSON_FIELD("spec.containers[].volumeMounts[].", "mountPath", rpw_json_field_string, struct rpw_volume_mount,
                   mount_path),
    RPW_JSON_FIELD("spec.containers[].volumeMounts[].", "subPath", rpw_json_field_string, struct rpw_volume_mount,
                   sub_path),
    RPW_JSON_FIELD("spec.containers[].volumeMounts[].", "subPathExpr", rpw_json_field_string, struct rpw_volume_mount,
                   sub_path_expr),
    RPW_JSON_FIELD("spec.containers[].volumeMounts[].", "mountPropagation", rpw_json_field_string,
                   struct rpw_volume_mount, propagation),
    RPW_JSON_FIELD("spec.containers[].volumeMounts[].", "readOnly", rpw_json_field_bool, struct rpw_volume_mount,
                   is_read_only),
};

static bool read_volume_mounts(struct rpw_json_reader *reader, const char *name, void *member)
{
    struct rpw_volume_mount_list *list = member;

    list->is_present = true;
    if (!rpw_json_enter_array(reader, name))
        return false;
    while (rpw_json_next_element(reader)) {
        struct rpw_volume_mount *mount = APPEND(reader, list);
        if (mount == NULL || rpw_json_take_null(reader))
            continue;
        const char *start = reader->start + rpw_json_offset(reader);
        if (rpw_json_read_fields(reader, "spec.containers[].volumeMounts[]", volume_mount_fields,
                                 COUNT(volume_mount_fields), mount))
            mount->text = text_since(reader, start);
    }
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

static const struct rpw_json_field container_fields[] = {
    RPW_JSON_FIELD("spec.containers[].", "name", rpw_json_field_string, struct rpw_container, name),
    RPW_JSON_FIELD("spec.containers[].", "env", read_env, struct rpw_container, env),
    RPW_JSON_FIELD("spec.containers[].", "envFrom", read_env_from, struct rpw_container, env_from),
    RPW_JSON_FIELD("spec.containers[].", "volumeMounts", read_volume_mounts, struct rpw_container, volume_mounts),
    RPW_JSON_FIELD("spec.containers[].", "image", rpw_json_field_string, struct rpw_container, image),
    RPW_JSON_FIELD("spec.containers[].", "imagePullPolicy", rpw_json_field_string, struct rpw_container, pull_policy),
    RPW_JSON_FIELD("spec.containers[].", "resources", rpw_json_field_raw, struct rpw_container, resources),
    RPW_JSON_FIELD("spec.containers[].", "securityContext", read_security_context, struct rpw_container,
                   security_context),
};

static bool read_containers(struct rpw_json_reader *reader, const char *name, void *member)
{
    struct rpw_container_list *list = member;

    list->is_present = true;
    if (!rpw_json_enter_array(reader, name))
        return false;
    while (rpw_json_next_element(reader)) {
        struct rpw_container *container = APPEND(reader, list);
        if (container != NULL && !rpw_json_take_null(reader))
            rpw_json_read_fields(reader, "spec.containers[]", container_fields, COUNT(container_fields), container);
    }
    return reader->err.status == RPW_OK;
}

/* --- volumes ------------------------------------------------------------------------------------------------------- */

static const struct rpw_json_field volume_fields[] = {
    RPW_JSON_FIELD("spec.volumes[].", "name", rpw_json_field_string, struct rpw_volume, name),
};

static bool read_volumes(struct rpw_json_reader *reader, const char *name, void *member)
{
    struct rpw_volume_list *list = member;

    list->is_present = true;
    if (!rpw_json_enter_array(reader, name))
        return false;
    while (rpw_json_next_element(reader)) {
        struct rpw_volume *volume = APPEND(reader, list);
        if (volume == NULL || rpw_json_take_null(reader))
            continue;
        const char *start = reader->start + rpw_json_offset(reader);
        if (rpw_json_read_fields(reader, "spec.volumes[]", volume_fields, COUNT(volume_fields), volume))
            volume->text = text_since(reader, start);
    }
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
        struct rpw_label *label = APPEND(reader, list);
        if (label == NULL)
            return false;
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

const struct rpw_env *rpw_container_last_env(const struct rpw_container *container, struct rpw_span name)
{
    for (size_t i = container->env.count; i > 0; i--)
        if (rpw_span_equal(container->env.items[i - 1].name, name))
            return &container->env.items[i - 1];
    return NULL;
}

bool rpw_env_is_empty(const struct rpw_env *env)
{
    return env->value_from.ptr == NULL && env->value.len == 0;
}
