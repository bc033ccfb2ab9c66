/* watch.c - inotify, a timer, and the patience to let a burst of changes pass. */
#include "watch.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "clock.h"

enum { EVENTS_BYTES = 4096 };

#define DIRECTORY_CHANGES                                                                                              \
    (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF |               \
     IN_MOVE_SELF | IN_ONLYDIR)

/* Watching a directory twice is watching it once, so this is also how a directory that was replaced is found again. */
static void watch_directories(const struct rpw_watch *watch)
{
    char directory[RPW_WATCH_PATH_BYTES];

    for (size_t i = 0; i < RPW_WATCH_MAX_PATHS; i++) {
        const char *path = watch->paths[i];
        const char *slash = path == NULL ? NULL : strrchr(path, '/');

        if (path == NULL)
            continue;
        if (slash == NULL)
            snprintf(directory, sizeof(directory), ".");
        else
            snprintf(directory, sizeof(directory), "%.*s/", (int)(slash - path), path);
        if (inotify_add_watch(watch->inotify_fd, directory, DIRECTORY_CHANGES) < 0)
            continue; /* not there, perhaps not yet: the time until the next look is the net */
    }
}

static bool forget_events(const struct rpw_watch *watch)
{
    char events[EVENTS_BYTES];

    return read(watch->inotify_fd, events, sizeof(events)) > 0;
}

/* Waits for a sign of change or of somebody who wants us, for at most timeout_ms. False when neither came. */
static bool wait_for_sign(const struct rpw_watch *watch, int timeout_ms, bool *ret_is_change)
{
    /* poll(2) ignores a negative descriptor: no inotify. */
    struct pollfd fds[2] = {{.fd = watch->inotify_fd, .events = POLLIN}, {.fd = watch->wake_fd, .events = POLLIN}};
    eventfd_t ignored;
    const int count = poll(fds, 2, timeout_ms);

    *ret_is_change = count > 0 && fds[0].revents != 0 && forget_events(watch);
    if (count > 0 && fds[1].revents != 0)
        eventfd_read(watch->wake_fd, &ignored);
    return count > 0;
}

static void wait_until_quiet(const struct rpw_watch *watch)
{
    const int64_t end_ms = rpw_clock_ms() + RPW_WATCH_BUSY_MS;
    bool is_change = true;

    while (is_change && rpw_clock_ms() < end_ms && !atomic_load(&watch->wants_end))
        wait_for_sign(watch, RPW_WATCH_QUIET_MS, &is_change);
}

static void *run_thread(void *context)
{
    struct rpw_watch *watch = context;
    bool is_change = false;

    while (!atomic_load(&watch->wants_end)) {
        unsigned timeout_ms;

        watch_directories(watch);
        timeout_ms = watch->on_check(watch->context, atomic_exchange(&watch->is_asked, false));
        wait_for_sign(watch, (int)timeout_ms, &is_change);
        if (is_change)
            wait_until_quiet(watch);
    }
    return NULL;
}

bool rpw_watch_start(struct rpw_watch *watch, bool *ret_has_inotify)
{
    int result;

    watch->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (watch->wake_fd < 0)
        return false;
    watch->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    result = pthread_create(&watch->thread, NULL, run_thread, watch);
    if (result != 0) {
        if (watch->inotify_fd >= 0)
            close(watch->inotify_fd);
        close(watch->wake_fd);
        errno = result;
        return false;
    }
    *ret_has_inotify = watch->inotify_fd >= 0;
    watch->is_started = true;
    return true;
}

static void wake(struct rpw_watch *watch)
{
    if (eventfd_write(watch->wake_fd, 1) != 0)
        return; /* the counter is full: the thread has been woken often enough */
}

void rpw_watch_ask(struct rpw_watch *watch)
{
    atomic_store(&watch->is_asked, true);
    wake(watch);
}

void rpw_watch_stop(struct rpw_watch *watch)
{
    if (!watch->is_started)
        return;
    atomic_store(&watch->wants_end, true);
    wake(watch);
    pthread_join(watch->thread, NULL);
    if (watch->inotify_fd >= 0)
        close(watch->inotify_fd);
    close(watch->wake_fd);
    watch->is_started = false;
}
