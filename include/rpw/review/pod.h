/* pod.h - the part of a Pod (core/v1) that we look at, read from JSON with every array index kept.
 *
 * What is not here is skipped and so survives: a pod is never written again, only patched.
 * Absent, null and (for texts) empty mean the same to Kubernetes, but not to a JSON Patch: is_present says whether an array
 * or a map is really there to add to. A null element of an array is an element with nothing in it.
 * Memory: the arrays live in the reader's arena, texts in its text or arena.
 */
#ifndef RPW_POD_H
#define RPW_POD_H

#include <stdint.h>

#include "rpw/bytes/json_reader.h"
#include "rpw/bytes/text.h"

/* The lists of a pod; text is the whole array's own JSON text, absent where there is none (json_fields.h). */
#define RPW_POD_LIST(list, element)                                                                                    \
    struct list {                                                                                                      \
        bool is_present;                                                                                               \
        size_t count;                                                                                                  \
        struct element *items;                                                                                         \
        struct rpw_span text;                                                                                          \
    }

struct rpw_env {
    struct rpw_span name;
    struct rpw_span value;      /* absent: not given; Kubernetes reads it as "" unless there is a valueFrom */
    struct rpw_span value_from; /* the object's own JSON text; absent: none */
    struct rpw_span text;       /* the whole element as JSON text; absent for a null element */
};

struct rpw_volume_mount {
    struct rpw_span name;
    struct rpw_span mount_path;
    struct rpw_span sub_path;
    struct rpw_span sub_path_expr;
    struct rpw_span propagation; /* mountPropagation */
    struct rpw_span recursive_read_only;
    bool is_read_only;
    struct rpw_span text; /* the whole element as JSON text; absent for a null element */
};

RPW_POD_LIST(rpw_env_list, rpw_env);

RPW_POD_LIST(rpw_volume_mount_list, rpw_volume_mount);

/* An entry of envFrom: what stands in front of each name that it brings. */
struct rpw_env_from {
    struct rpw_span prefix;
};

RPW_POD_LIST(rpw_env_from_list, rpw_env_from);

struct rpw_volume_device {
    struct rpw_span name;
    struct rpw_span device_path;
};

RPW_POD_LIST(rpw_volume_device_list, rpw_volume_device);

/* A seccompProfile or an appArmorProfile. */
struct rpw_profile {
    struct rpw_span type;
    struct rpw_span localhost_profile;
};

/* Of a container or of the pod: each value's own JSON text, absent where it is not given. */
struct rpw_security_context {
    struct rpw_span run_as_user;
    struct rpw_span run_as_group;
    struct rpw_span run_as_non_root;
    struct rpw_span se_linux_options;
    struct rpw_span read_only_root; /* readOnlyRootFilesystem */
    struct rpw_profile seccomp;
    struct rpw_profile app_armor;
};

struct rpw_container {
    struct rpw_span name;
    struct rpw_span image;
    struct rpw_span pull_policy;
    struct rpw_span command; /* the arrays' own JSON text; absent: none */
    struct rpw_span args;
    struct rpw_env_list env;
    struct rpw_env_from_list env_from;
    struct rpw_volume_mount_list volume_mounts;
    struct rpw_volume_device_list volume_devices;
    struct rpw_span resources; /* the object's own JSON text; absent: none */
    struct rpw_security_context security_context;
};

RPW_POD_LIST(rpw_container_list, rpw_container);

struct rpw_volume {
    struct rpw_span name;
};

RPW_POD_LIST(rpw_volume_list, rpw_volume);

struct rpw_label {
    struct rpw_span key;
    struct rpw_span value;
    size_t offset; /* of the value, for an error */
};

struct rpw_label_list {
    size_t count;
    struct rpw_label *items;
};

/* The annotations that mean something to us; absent where the pod has none. */
struct rpw_annotations {
    bool is_present;
    struct rpw_span inject;    /* policy.rucio.cern.ch/inject */
    struct rpw_span policy;    /* policy.rucio.cern.ch/policy */
    struct rpw_span status;    /* policy.rucio.cern.ch/status */
    struct rpw_span conflicts; /* policy.rucio.cern.ch/conflicts */
    struct rpw_span revision;  /* policy.rucio.cern.ch/revision */
    struct rpw_span injected;  /* policy.rucio.cern.ch/injected: the record of an injection */
    struct rpw_span path;      /* policy.rucio.cern.ch/path: what the .pth file holds */
    struct rpw_span mirror;    /* kubernetes.io/config.mirror */
    struct rpw_span evictable; /* cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes */
};

struct rpw_owner {
    struct rpw_span kind;
    struct rpw_span name;
    bool is_controller;
};

RPW_POD_LIST(rpw_owner_list, rpw_owner);

struct rpw_metadata {
    bool is_present;
    struct rpw_span name;
    struct rpw_span generate_name;
    struct rpw_owner_list owners;
    struct rpw_label_list labels;
    struct rpw_annotations annotations;
};

/* The two arrays of containers, treated alike; init containers include native sidecars. */
enum rpw_container_kind { RPW_INIT_CONTAINERS, RPW_CONTAINERS, RPW_CONTAINER_KINDS };

struct rpw_pod {
    struct rpw_metadata metadata;
    struct rpw_volume_list volumes;
    struct rpw_container_list containers[RPW_CONTAINER_KINDS];
    struct rpw_security_context security_context;
    struct rpw_span resources; /* of the pod as a whole; the object's own JSON text; absent: none */
    struct rpw_span os_name;
};

/* Reads the next value as a Pod into ret_pod, which is zeroed first. False: the reader has failed. */
bool rpw_pod_read(struct rpw_json_reader *reader, struct rpw_pod *ret_pod);

/* The controlling ownerReference, else the first; texts are absent when there is none. */
struct rpw_owner rpw_pod_owner(const struct rpw_pod *pod);

/* What stands for "no index" where an index is returned. */
#define RPW_NO_INDEX SIZE_MAX

/* The index of the last entry called name, the one that counts: Kubernetes lets a name appear several times. before: the
 * entries from there on are not looked at; env->count looks at all. RPW_NO_INDEX when there is none. */
size_t rpw_env_find(const struct rpw_env_list *env, struct rpw_span name, size_t before);

/* The index of the first container called name; RPW_NO_INDEX when there is none. */
size_t rpw_container_find(const struct rpw_container_list *containers, struct rpw_span name);

/* Whether an env entry holds nothing: no valueFrom and no value or an empty one. */
bool rpw_env_is_empty(const struct rpw_env *env);

/* Whether an entry of envFrom may bring a variable called name: its prefix, if any, is one of name. */
bool rpw_env_from_may_bring(const struct rpw_env_from_list *env_from, struct rpw_span name);

#endif
