/* injector.h - what the parts of one injection share: inject.c, inject_volume.c and inject_init.c (the pod), inject_env.c
 * and inject_mounts.c (a container), inject_record.c (an earlier injection), inject_chart.c (the charts' own
 * policyPackages), init_container.c (an init container's text), env_plan.c.
 *
 * A refusal of the arena is sticky: has_failed is checked once, at the end.
 */
#ifndef RPW_INJECTOR_H
#define RPW_INJECTOR_H

#include "env_plan.h"
#include "rpw/bytes/limits.h"
#include "rpw/bytes/strbuf.h"
#include "rpw/inject/inject.h"

#define NO_INDEX SIZE_MAX

/* What can be done about a conflict depends on its kind. */
enum conflict_kind {
    CONFLICT_FIELD,
    CONFLICT_CHART,  /* the charts' own policyPackages */
    CONFLICT_IMAGES, /* pip can install for one image only */
    CONFLICT_NAME,   /* a container has the name of an init container of ours */
    CONFLICT_KINDS
};

/* Something of the pod's stands where the policy wants something else. Texts are ready to be shown. */
struct conflict {
    enum conflict_kind kind;
    struct rpw_span container;
    struct rpw_span field; /* a variable's name, or "volumeMounts" */
    struct rpw_span theirs;
    struct rpw_span ours;
    bool is_refused;
};

struct conflict_list {
    size_t count;
    struct conflict *items;
};

/* An entry of the annotation `conflicts`: what an earlier injection has left to the pod. */
struct record_entry {
    struct rpw_span container;
    struct rpw_span field;
};

enum record_state {
    RECORD_NONE,
    RECORD_CURRENT, /* the annotations speak of an injection of this revision */
    RECORD_OLDER,   /* ... of another one */
};

struct record {
    enum record_state state;
    size_t count;
    struct record_entry items[RPW_MAX_RECORD_ENTRIES];
};

enum volume_state {
    VOLUME_FOUND, /* the pod has it */
    VOLUME_STALE, /* the pod has an earlier revision's, which is replaced in place */
    VOLUME_NEW,
};

struct volume_choice {
    struct rpw_span name;
    enum volume_state state;
    size_t index; /* in the pod's volumes, unless it is new */
};

/* A container and where it stands in the pod. */
struct place {
    enum rpw_container_kind kind;
    size_t index;
    const struct rpw_container *container;
};

struct place_list {
    size_t count;
    struct place *items;
};

struct injector {
    struct rpw_arena *arena;
    const struct rpw_policy *policy;
    const struct rpw_pod *pod;
    struct rpw_injection result;
    struct conflict_list conflicts;
    struct rpw_span revision;    /* that the record is to have: the policy's, or "chart-managed" */
    struct record *record;       /* in the arena */
    struct volume_choice volume; /* unless the package is preinstalled */
    struct place_list receivers; /* the containers that mount it, init containers first */
    struct place model;          /* the container that verify imitates */
    bool is_verify_written;      /* verify is wanted and has to be written; then these are set: */
    struct rpw_span verify_env;  /* the model's, as the patch leaves it, a JSON array */
    struct rpw_span verify_mounts;
    size_t chart_init;               /* the charts' init container; NO_INDEX: their packages are not here */
    bool has_adopted;                /* a container whose package is the chart's */
    size_t own[RPW_OWN_CONTAINERS];  /* our init containers, as the pod has them; NO_INDEX: it has not */
    struct rpw_span recorded_volume; /* the name of the one that the recorded injection has mounted; absent: none */
    bool is_volume_shared;           /* it has mounts that are not ours */
    bool has_failed;
};

/* Adds an edit. */
void injector_edit(struct injector *injector, struct rpw_edit edit);

/* Adds a warning: begin, put the words, end. Longer ones than RPW_MAX_WARNING_BYTES are shortened. */
void injector_begin_warning(struct injector *injector, struct rpw_span container, struct rpw_strbuf *ret_writer);
void injector_end_warning(struct injector *injector, struct rpw_strbuf *writer);

/* Finishes a text; absent, and the injection failed, when the arena refused. */
struct rpw_span injector_text(struct injector *injector, struct rpw_strbuf *writer);

/* text as a JSON string. */
struct rpw_span injector_quoted(struct injector *injector, struct rpw_span text);

/* Notes a conflict and warns of it. can_be_kept: theirs can stay under `keep`; otherwise `keep` refuses the pod.
 * Returns whether ours is to be written over theirs. */
bool injector_resolve(struct injector *injector, struct conflict conflict, bool can_be_kept);

/* Notes a conflict that refuses the pod, whatever the policy says of conflicts. */
void injector_refuse(struct injector *injector, struct conflict conflict);

/* Whether the policy names this container. */
bool injector_is_target(const struct injector *injector, const struct rpw_container *container);

/* Whether the policy brings a volume. */
bool injector_has_volume(const struct injector *injector);

/* Whether an init container of ours fills that volume. */
bool injector_fills_volume(const struct injector *injector);

/* Reads the annotations into injector->record. */
void injector_read_record(struct injector *injector);

/* Whether the record speaks of the revision that is wanted, however much else it says. */
bool injector_is_record_current(const struct injector *injector);

/* 1 for "rucio-policy", N for "rucio-policy-N", 0 for a name that we do not give to volumes. */
size_t injector_volume_number(struct rpw_span name);

/* Whether the record of an earlier injection lists CONTAINER/FIELD as left to the pod. */
bool injector_record_lists(const struct injector *injector, struct rpw_span container, struct rpw_span field);

/* The path at which the recorded injection has brought its package into container; absent when it does not look so. */
struct rpw_span injector_recorded_path(const struct injector *injector, const struct rpw_container *container);

/* Whether mount is at path, a slash at its end aside; path has none. */
bool injector_is_mount_at(const struct rpw_volume_mount *mount, struct rpw_span path);

/* The mount that the recorded injection has made at path: read-only, of a volume with a name of ours, and not recorded as
 * left to the pod. NULL when there is none. */
const struct rpw_volume_mount *injector_find_our_mount(const struct injector *injector,
                                                       const struct rpw_container *container, struct rpw_span path);

/* Whether path can carry a package: absolute, not "/", nothing that PYTHONPATH or the kubelet would take apart. */
bool injector_is_usable_path(struct rpw_span path);

/* One container that the policy names. */
struct target {
    struct injector *injector;
    enum rpw_container_kind kind;
    size_t index;
    const struct rpw_container *container;
    struct env_plan env;
    struct rpw_span older_path; /* absent unless an earlier revision of ours is recognised in this container */
    size_t run_start;           /* with an older_path: our variables behind POLICY_PKG_PATH, as an earlier */
    size_t run_end;             /* revision of ours has written them */
    bool is_adopted;            /* the charts bring the package; path is theirs, and nothing is mounted */
    bool is_verified;           /* what becomes of it goes to injector->verify_... too */
    struct rpw_span path;       /* of the package, without a slash at its end */
};

/* Finds the volume of the recorded injection, before anything is changed; chooses the one to mount; and, when the containers
 * are done, edits the pod's volumes accordingly (inject_volume.c). */
void inject_find_recorded_volume(struct injector *injector);
void inject_choose_volume(struct injector *injector);
void inject_volumes(struct injector *injector);

/* Finds out whether Rucio's charts have brought packages into the pod, and which revision the record is to have; then, for
 * one container, whether theirs are adopted (inject_chart.c). */
void inject_find_chart(struct injector *injector);
void inject_chart(struct target *target);

/* Decides the path, sets the variables that name it and the package, and PYTHONPATH (inject_env.c). */
void inject_env(struct target *target);

/* Mounts the volume at the path that inject_env() has decided (inject_mounts.c). */
void inject_mounts(struct target *target);

/* Finds our init containers; and, when the containers are done, edits the pod's init containers (inject_init.c). */
void inject_find_init_containers(struct injector *injector);
void inject_init_containers(struct injector *injector);

/* The text of one of our init containers. model: the container whose image, resources and user it has, as far as the policy
 * does not say otherwise (init_container.c). */
struct rpw_span init_container_text(struct injector *injector, enum rpw_own_container own,
                                    const struct rpw_container *model);

#endif
