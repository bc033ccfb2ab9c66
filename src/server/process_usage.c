/* process_usage.c - asks the kernel. */
#include "process_usage.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { LINE_BYTES = 256 };

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static void read_memory(struct rpw_process_usage *usage)
{
    const uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    FILE *file = fopen("/proc/self/statm", "re");
    char line[LINE_BYTES];
    char *rest;

    if (file == NULL)
        return;
    if (fgets(line, sizeof(line), file) != NULL) {
        usage->virtual_bytes = strtoull(line, &rest, 10) * page_bytes;
        usage->resident_bytes = strtoull(rest, NULL, 10) * page_bytes;
    }
    fclose(file);
}

static uint64_t count_open_fds(void)
{
    DIR *directory = opendir("/proc/self/fd");
    const struct dirent *entry;
    uint64_t count = 0;

    if (directory == NULL)
        return 0;
    while ((entry = readdir(directory)) != NULL)
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count - 1; /* without the one that we have just counted with */
}

struct rpw_process_usage rpw_process_usage_read(void)
{
    struct rpw_process_usage usage = {.cpu_seconds = 0};
    struct rlimit files = {0, 0};
    struct rusage times;

    if (getrusage(RUSAGE_SELF, &times) == 0)
        usage.cpu_seconds = seconds_of(times.ru_utime) + seconds_of(times.ru_stime);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        usage.max_fds = files.rlim_cur;
    usage.open_fds = count_open_fds();
    read_memory(&usage);
    return usage;
}
