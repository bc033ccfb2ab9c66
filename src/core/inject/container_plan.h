/* container_plan.h - all that is to become of one container. */
#ifndef RPW_CONTAINER_PLAN_H
#define RPW_CONTAINER_PLAN_H

#include "env_plan.h"
#include "mount_plan.h"

struct container_plan {
    const struct target *target;
    struct env_plan env;
    struct mount_plan mounts;
};

struct container_plan_list {
    size_t count;
    struct container_plan *items; /* in the order of the targets */
};

#endif
