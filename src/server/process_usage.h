/* process_usage.h - what this process uses, as Prometheus' own client libraries report it.
 *
 * Threads: any.
 */
#ifndef RPW_PROCESS_USAGE_H
#define RPW_PROCESS_USAGE_H

#include <stdint.h>

struct rpw_process_usage {
    double cpu_seconds; /* user and system */
    uint64_t resident_bytes;
    uint64_t virtual_bytes;
    uint64_t open_fds;
    uint64_t max_fds;
};

/* What the kernel does not tell is 0. */
struct rpw_process_usage rpw_process_usage_read(void);

#endif
