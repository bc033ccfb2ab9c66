/* pod.h - the part of a Pod (core/v1) that we look at, read from JSON with every array index kept.
 *
 * What is not here is skipped and so survives: a pod is never written again, only patched.
 * Absent, null and (for texts) empty mean the same to Kubernetes, but not to a JSON Patch: is_present says whether an array
 * or a map is really there to add to. A null element of an array is an element with nothing in it.
 * Memory: the arrays live in the reader's arena, texts in its text or arena.
 */
#ifndef RPW_POD_H
#define RPW_POD_H

#include "rpw/bytes/json_reader.h"
#include "rpw/bytes/text.h"

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
    bool is_read_only;
    struct rpw_span text; /* the whole element as JSON text; absent for a null element */
};

struct rpw_env_list {
    bool is_present;
    size_t count;
    struct rpw_env *items;
};

struct rpw_volume_mount_list {
    bool is_present;
    size_t count;
    struct rpw_volume_mount *items;
};

struct rpw_env_from {
    size_t count;
    struct rpw_span text; /* the whole array as JSON text; absent: none */
};

/* Of a container or of the pod: each value's own JSON text, absent where it is not given. */
struct rpw_security_context {
    struct rpw_span run_as_user;
    struct rpw_span run_as_group;
    struct rpw_span run_as_non_root;
    struct rpw_span se_linux_options;
};

struct rpw_container {
    struct rpw_span name;
    struct rpw_span image;
    struct rpw_span pull_policy;
    struct rpw_env_list env;
    struct rpw_env_from env_from;
    struct rpw_volume_mount_list volume_mounts;
    struct rpw_span resources; /* the object's own JSON text; absent: none */
    struct rpw_security_context security_context;
};

struct rpw_container_list {
    bool is_present;
    size_t count;
    struct rpw_container *items;
};

struct rpw_volume {
    struct rpw_span name;
    struct rpw_span text; /* the whole element, name included, as JSON text */
};

struct rpw_volume_list {
    bool is_present;
    size_t count;
    struct rpw_volume *items;
};

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
    struct rpw_span mirror;    /* kubernetes.io/config.mirror */
    struct rpw_span evictable; /* cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes */
};

struct rpw_metadata {
    bool is_present;
    struct rpw_span name;
    struct rpw_span generate_name;
    struct rpw_span owner_kind; /* of the controlling ownerReference, else of the first */
    struct rpw_span owner_name;
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
    struct rpw_span os_name;
};

/* Reads the next value as a Pod into ret_pod, which is zeroed first. False: the reader has failed. */
bool rpw_pod_read(struct rpw_json_reader *reader, struct rpw_pod *ret_pod);

/* The last entry called name, the one that counts, or NULL. Kubernetes lets a name appear several times. */
const struct rpw_env *rpw_container_last_env(const struct rpw_container *container, struct rpw_span name);

/* Whether an env entry holds nothing: no valueFrom and no value or an empty one. */
bool rpw_env_is_empty(const struct rpw_env *env);

#endif
