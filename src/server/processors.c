/* processors.c - reads what the kernel says about processors and quotas.
 *
 * cgroup v2: /proc/self/cgroup holds "0::/a/b", and each of /sys/fs/cgroup/a/b/cpu.max, .../a/cpu.max and so on may
 * limit us (in a container the path is "/", which is the container's own). cgroup v1 in a container: the quota is in
 * the root of the mounted controller.
 */
#include "processors.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

enum { SMALL_FILE_BYTES = 4096, PATH_BYTES = 1024, NUMBER_DIGITS_MAX = 15 };

static bool take_number(struct rpw_span *text, unsigned long *ret_number)
{
    unsigned long number = 0;
    size_t digits = 0;

    while (text->len > 0 && text->ptr[0] == ' ') {
        text->ptr++;
        text->len--;
    }
    while (digits < text->len && text->ptr[digits] >= '0' && text->ptr[digits] <= '9') {
        number = number * 10 + (unsigned long)(text->ptr[digits] - '0');
        digits++;
    }
    text->ptr += digits;
    text->len -= digits;
    *ret_number = number;
    return digits > 0 && digits <= NUMBER_DIGITS_MAX;
}

unsigned rpw_processors_of_quota(struct rpw_span text)
{
    unsigned long quota;
    unsigned long period;

    if (!take_number(&text, &quota) || !take_number(&text, &period) || quota == 0 || period == 0)
        return 0;
    return (unsigned)((quota + period - 1) / period);
}

/* Reads a small file into text, absent when it cannot be read; the newline at its end is cut off. */
static struct rpw_span read_small(const char *path, char text[SMALL_FILE_BYTES])
{
    struct rpw_span span = {NULL, 0};
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len;

    if (fd < 0)
        return span;
    len = read(fd, text, SMALL_FILE_BYTES);
    close(fd);
    if (len <= 0)
        return span;
    span = (struct rpw_span){text, (size_t)len};
    if (text[len - 1] == '\n')
        span.len--;
    return span;
}

static unsigned lesser(unsigned count, unsigned limit)
{
    return limit != 0 && limit < count ? limit : count;
}

static unsigned limit_by_cgroup_v2(unsigned count)
{
    char table[SMALL_FILE_BYTES];
    char text[SMALL_FILE_BYTES];
    char path[PATH_BYTES];
    struct rpw_span rest = read_small("/proc/self/cgroup", table);
    struct rpw_span group;

    while (rpw_span_next_element(&rest, '\n', &group)) {
        if (!rpw_span_starts_with(group, RPW_LIT("0::/")))
            continue;
        group.ptr += 3;
        group.len -= 3;
        while (group.len > 0) {
            snprintf(path, sizeof(path), "/sys/fs/cgroup%.*s/cpu.max", (int)group.len, group.ptr);
            count = lesser(count, rpw_processors_of_quota(read_small(path, text)));
            while (group.len > 0 && group.ptr[group.len - 1] != '/')
                group.len--;
            if (group.len > 0)
                group.len--;
        }
        count = lesser(count, rpw_processors_of_quota(read_small("/sys/fs/cgroup/cpu.max", text)));
    }
    return count;
}

static unsigned limit_by_cgroup_v1(unsigned count)
{
    char quota[SMALL_FILE_BYTES];
    char period[SMALL_FILE_BYTES];
    char both[64];
    const struct rpw_span quota_text = read_small("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", quota);
    const struct rpw_span period_text = read_small("/sys/fs/cgroup/cpu/cpu.cfs_period_us", period);

    if (quota_text.len > 20 || period_text.len > 20)
        return count;
    snprintf(both, sizeof(both), "%.*s %.*s", (int)quota_text.len, quota_text.len > 0 ? quota_text.ptr : "",
             (int)period_text.len, period_text.len > 0 ? period_text.ptr : "");
    return lesser(count, rpw_processors_of_quota(rpw_span_of(both)));
}

unsigned rpw_processors_allowed(void)
{
    cpu_set_t set;
    unsigned count = 1;

    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        count = (unsigned)CPU_COUNT(&set);
    else if (sysconf(_SC_NPROCESSORS_ONLN) > 0)
        count = (unsigned)sysconf(_SC_NPROCESSORS_ONLN); /* more processors than the mask can hold */
    return limit_by_cgroup_v1(limit_by_cgroup_v2(count));
}
