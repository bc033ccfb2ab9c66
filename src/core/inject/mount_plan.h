/* mount_plan.h - the volumeMounts and volumeDevices of one container, and what is to become of them.
 *
 * Of ours there are up to two: the package, and with `pythonPath: pth` the file that names its path. At the place of each there is
 * to be one mount: ours, or the pod's own where the policy lets it stand (it is then taken to hold what ours would). The plan
 * is a value with three readers: edits, the mounts that verify gets, and the record.
 */
#ifndef RPW_MOUNT_PLAN_H
#define RPW_MOUNT_PLAN_H

#include "target.h"

enum mount_change { MOUNT_KEPT, MOUNT_REPLACED, MOUNT_REMOVED };

struct mount_slot {
    enum mount_change change;
    struct rpw_span text; /* MOUNT_REPLACED: of ours, as JSON */
};

/* A mount of ours. */
struct own_mount {
    struct rpw_volume_mount wanted; /* read-only; its text is what is written */
    bool has_place;                 /* something is, or will be, mounted where it belongs */
    bool has_ours;                  /* and it is our volume */
    bool is_added;                  /* by a mount of its own at the end */
    bool is_on_record;              /* ours is there because we wrote it, now or earlier */
};

enum own_mount_kind { OWN_PACKAGE, OWN_PTH, OWN_MOUNTS };

struct mount_plan {
    struct injector *injector;
    const struct target *target;
    struct mount_slot *slots; /* one for each mount of the container */
    bool *is_device_removed;
    struct own_mount own[OWN_MOUNTS];
};

/* Plans for a target whose package lies at path. older_volume: the one on record, which the target may have a mount of.
 * The injection has failed, and the plan must not be used, when slots or is_device_removed is NULL. */
struct mount_plan mount_plan_make(struct injector *injector, const struct target *target, struct rpw_span path,
                                  struct rpw_span older_volume);

/* Whether a mount of this volume will be there that is not a new one of ours. */
bool mount_plan_keeps(const struct mount_plan *plan, struct rpw_span volume);

/* Where ours is on record; empty: it is not. */
struct rpw_span mount_plan_record(const struct mount_plan *plan, enum own_mount_kind kind);

/* The mounts as they will be, as a JSON array for an init container: without those that propagate in both directions, which
 * only a privileged container may have. */
struct rpw_span mount_plan_text(const struct mount_plan *plan);

/* Turns the plan into edits. */
void mount_plan_emit(const struct mount_plan *plan);

#endif
