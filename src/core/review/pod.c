/* pod.c - tables of fields, from the Pod down to a volumeMount. */
#include "rpw/review/pod.h"

#include "rpw/bytes/json_fields.h"

/* --- containers ---------------------------------------------------------------------------------------------------- */

#define ENV "spec.containers[].env[]"
#define ENV_FROM "spec.containers[].envFrom[]"
#define MOUNT "spec.containers[].volumeMounts[]"
#define DEVICE "spec.containers[].volumeDevices[]"
#define CONTAINER "spec.containers[]"

static const struct rpw_json_field env_fields[] = {
    RPW_JSON_FIELD(ENV ".", "name", rpw_json_field_string, struct rpw_env, name),
    RPW_JSON_FIELD(ENV ".", "value", rpw_json_field_string, struct rpw_env, value),
    RPW_JSON_FIELD(ENV ".", "valueFrom", rpw_json_field_raw, struct rpw_env, value_from),
};
static const struct rpw_json_table env_table =
    RPW_JSON_TABLE(ENV, env_fields, struct rpw_env, offsetof(struct rpw_env, text));

static const struct rpw_json_field env_from_fields[] = {
    RPW_JSON_FIELD(ENV_FROM ".", "prefix", rpw_json_field_string, struct rpw_env_from, prefix),
};
static const struct rpw_json_table env_from_table =
    RPW_JSON_TABLE(ENV_FROM, env_from_fields, struct rpw_env_from, RPW_JSON_NO_TEXT);

static const struct rpw_json_field mount_fields[] = {
    RPW_JSON_FIELD(MOUNT ".", "name", rpw_json_field_string, struct rpw_volume_mount, name),
    RPW_JSON_FIELD(MOUNT ".", "mountPath", rpw_json_field_string, struct rpw_volume_mount, mount_path),
    RPW_JSON_FIELD(MOUNT ".", "subPath", rpw_json_field_string, struct rpw_volume_mount, sub_path),
    RPW_JSON_FIELD(MOUNT ".", "subPathExpr", rpw_json_field_string, struct rpw_volume_mount, sub_path_expr),
    RPW_JSON_FIELD(MOUNT ".", "mountPropagation", rpw_json_field_string, struct rpw_volume_mount, propagation),
    RPW_JSON_FIELD(MOUNT ".", "recursiveReadOnly", rpw_json_field_string, struct rpw_volume_mount, recursive_read_only),
    RPW_JSON_FIELD(MOUNT ".", "readOnly", rpw_json_field_bool, struct rpw_volume_mount, is_read_only),
};
static const struct rpw_json_table mount_table =
    RPW_JSON_TABLE(MOUNT, mount_fields, struct rpw_volume_mount, offsetof(struct rpw_volume_mount, text));

static const struct rpw_json_field device_fields[] = {
    RPW_JSON_FIELD(DEVICE ".", "name", rpw_json_field_string, struct rpw_volume_device, name),
    RPW_JSON_FIELD(DEVICE ".", "devicePath", rpw_json_field_string, struct rpw_volume_device, device_path),
};
static const struct rpw_json_table device_table =
    RPW_JSON_TABLE(DEVICE, device_fields, struct rpw_volume_device, RPW_JSON_NO_TEXT);

static const struct rpw_json_field profile_fields[] = {
    RPW_JSON_FIELD("securityContext profile.", "type", rpw_json_field_string, struct rpw_profile, type),
    RPW_JSON_FIELD("securityContext profile.", "localhostProfile", rpw_json_field_string, struct rpw_profile,
                   localhost_profile),
};
static const struct rpw_json_table profile_table =
    RPW_JSON_TABLE("securityContext profile", profile_fields, struct rpw_profile, RPW_JSON_NO_TEXT);

static const struct rpw_json_field security_fields[] = {
    RPW_JSON_FIELD("securityContext.", "runAsUser", rpw_json_field_raw, struct rpw_security_context, run_as_user),
    RPW_JSON_FIELD("securityContext.", "runAsGroup", rpw_json_field_raw, struct rpw_security_context, run_as_group),
    RPW_JSON_FIELD("securityContext.", "runAsNonRoot", rpw_json_field_raw, struct rpw_security_context,
                   run_as_non_root),
    RPW_JSON_FIELD("securityContext.", "seLinuxOptions", rpw_json_field_raw, struct rpw_security_context,
                   se_linux_options),
    RPW_JSON_FIELD("securityContext.", "readOnlyRootFilesystem", rpw_json_field_raw, struct rpw_security_context,
                   read_only_root),
    RPW_JSON_OBJECT("securityContext.", "seccompProfile", profile_table,
                    offsetof(struct rpw_security_context, seccomp)),
    RPW_JSON_OBJECT("securityContext.", "appArmorProfile", profile_table,
                    offsetof(struct rpw_security_context, app_armor)),
};
static const struct rpw_json_table security_table =
    RPW_JSON_TABLE("securityContext", security_fields, struct rpw_security_context, RPW_JSON_NO_TEXT);

static const struct rpw_json_field container_fields[] = {
    RPW_JSON_FIELD(CONTAINER ".", "name", rpw_json_field_string, struct rpw_container, name),
    RPW_JSON_LIST(CONTAINER ".", "env", env_table, struct rpw_container, env),
    RPW_JSON_LIST(CONTAINER ".", "envFrom", env_from_table, struct rpw_container, env_from),
    RPW_JSON_LIST(CONTAINER ".", "volumeMounts", mount_table, struct rpw_container, volume_mounts),
    RPW_JSON_LIST(CONTAINER ".", "volumeDevices", device_table, struct rpw_container, volume_devices),
    RPW_JSON_FIELD(CONTAINER ".", "image", rpw_json_field_string, struct rpw_container, image),
    RPW_JSON_FIELD(CONTAINER ".", "imagePullPolicy", rpw_json_field_string, struct rpw_container, pull_policy),
    RPW_JSON_FIELD(CONTAINER ".", "command", rpw_json_field_raw, struct rpw_container, command),
    RPW_JSON_FIELD(CONTAINER ".", "args", rpw_json_field_raw, struct rpw_container, args),
    RPW_JSON_FIELD(CONTAINER ".", "resources", rpw_json_field_raw, struct rpw_container, resources),
    RPW_JSON_OBJECT(CONTAINER ".", "securityContext", security_table, offsetof(struct rpw_container, security_context)),
};
static const struct rpw_json_table container_table =
    RPW_JSON_TABLE(CONTAINER, container_fields, struct rpw_container, RPW_JSON_NO_TEXT);

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
    ANNOTATION("policy.rucio.cern.ch/path", path),
    ANNOTATION("kubernetes.io/config.mirror", mirror),
    ANNOTATION("cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes", evictable),
};
static const struct rpw_json_table annotation_table =
    RPW_JSON_TABLE("metadata.annotations", annotation_fields, struct rpw_annotations, RPW_JSON_NO_TEXT);

static bool read_annotations(struct rpw_json_reader *reader, const char *name, void *member)
{
    struct rpw_annotations *annotations = member;

    (void)name;
    annotations->is_present = true;
    return rpw_json_read_object(reader, &annotation_table, annotations);
}

#define OWNER "metadata.ownerReferences[]"

static const struct rpw_json_field owner_fields[] = {
    RPW_JSON_FIELD(OWNER ".", "kind", rpw_json_field_string, struct rpw_owner, kind),
    RPW_JSON_FIELD(OWNER ".", "name", rpw_json_field_string, struct rpw_owner, name),
    RPW_JSON_FIELD(OWNER ".", "controller", rpw_json_field_bool, struct rpw_owner, is_controller),
};
static const struct rpw_json_table owner_table =
    RPW_JSON_TABLE(OWNER, owner_fields, struct rpw_owner, RPW_JSON_NO_TEXT);

static const struct rpw_json_field metadata_fields[] = {
    RPW_JSON_FIELD("metadata.", "name", rpw_json_field_string, struct rpw_metadata, name),
    RPW_JSON_FIELD("metadata.", "generateName", rpw_json_field_string, struct rpw_metadata, generate_name),
    RPW_JSON_FIELD("metadata.", "labels", read_labels, struct rpw_metadata, labels),
    RPW_JSON_FIELD("metadata.", "annotations", read_annotations, struct rpw_metadata, annotations),
    RPW_JSON_LIST("metadata.", "ownerReferences", owner_table, struct rpw_metadata, owners),
};
static const struct rpw_json_table metadata_table =
    RPW_JSON_TABLE("metadata", metadata_fields, struct rpw_metadata, RPW_JSON_NO_TEXT);

static bool read_metadata(struct rpw_json_reader *reader, const char *name, void *member)
{
    struct rpw_metadata *metadata = member;

    (void)name;
    metadata->is_present = true;
    return rpw_json_read_object(reader, &metadata_table, metadata);
}

/* --- the pod ------------------------------------------------------------------------------------------------------- */

static const struct rpw_json_field os_fields[] = {
    RPW_JSON_FIELD("spec.os.", "name", rpw_json_field_string, struct rpw_pod, os_name),
};
static const struct rpw_json_table os_table = RPW_JSON_TABLE("spec.os", os_fields, struct rpw_pod, RPW_JSON_NO_TEXT);

static const struct rpw_json_field volume_fields[] = {
    RPW_JSON_FIELD("spec.volumes[].", "name", rpw_json_field_string, struct rpw_volume, name),
};
static const struct rpw_json_table volume_table =
    RPW_JSON_TABLE("spec.volumes[]", volume_fields, struct rpw_volume, RPW_JSON_NO_TEXT);

static const struct rpw_json_field spec_fields[] = {
    RPW_JSON_LIST("spec.", "volumes", volume_table, struct rpw_pod, volumes),
    RPW_JSON_LIST("spec.", "initContainers", container_table, struct rpw_pod, containers[RPW_INIT_CONTAINERS]),
    RPW_JSON_LIST("spec.", "containers", container_table, struct rpw_pod, containers[RPW_CONTAINERS]),
    RPW_JSON_OBJECT("spec.", "securityContext", security_table, offsetof(struct rpw_pod, security_context)),
    RPW_JSON_FIELD("spec.", "resources", rpw_json_field_raw, struct rpw_pod, resources),
    RPW_JSON_OBJECT("spec.", "os", os_table, 0),
};
static const struct rpw_json_table spec_table = RPW_JSON_TABLE("spec", spec_fields, struct rpw_pod, RPW_JSON_NO_TEXT);

static const struct rpw_json_field pod_fields[] = {
    RPW_JSON_FIELD("", "metadata", read_metadata, struct rpw_pod, metadata),
    RPW_JSON_OBJECT("", "spec", spec_table, 0),
};
static const struct rpw_json_table pod_table = RPW_JSON_TABLE("the pod", pod_fields, struct rpw_pod, RPW_JSON_NO_TEXT);

bool rpw_pod_read(struct rpw_json_reader *reader, struct rpw_pod *ret_pod)
{
    *ret_pod = (struct rpw_pod){0};
    return rpw_json_read_object(reader, &pod_table, ret_pod);
}

struct rpw_owner rpw_pod_owner(const struct rpw_pod *pod)
{
    const struct rpw_owner_list *owners = &pod->metadata.owners;

    for (size_t i = 0; i < owners->count; i++)
        if (owners->items[i].is_controller)
            return owners->items[i];
    return owners->count > 0 ? owners->items[0] : (struct rpw_owner){.is_controller = false};
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
