/* processors.h - how many processors this process may use: the affinity mask and the cgroup's quota, whichever is less.
 *
 * A container limited to 500m on a 64-processor node should run one worker, not 64.
 */
#ifndef RPW_PROCESSORS_H
#define RPW_PROCESSORS_H

#include "rpw/bytes/text.h"

/* At least 1. Looks at sched_getaffinity(2), cgroup v2's cpu.max of this cgroup and those above it, and cgroup v1's
 * cpu.cfs_quota_us; what cannot be read sets no limit. */
unsigned rpw_processors_allowed(void);

/* The processors that a quota pays for, rounded up; 0 when text sets no limit or cannot be understood. Pure.
 * text is the content of cpu.max, "QUOTA PERIOD" in microseconds or "max PERIOD" (v1: quota -1 is no limit). */
unsigned rpw_processors_of_quota(struct rpw_span text);

#endif
