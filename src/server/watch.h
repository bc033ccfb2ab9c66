/* watch.h - a thread that says when files may have changed.
 *
 * It watches the directories of the files (inotify), not the files: an editor renames a new file over the old one, and
 * Kubernetes renames the symbolic link `..data` that all files of a mounted ConfigMap or Secret go through. A burst of
 * changes is one: on_check is called when it has been quiet for RPW_WATCH_QUIET_MS, or after RPW_WATCH_BUSY_MS. As a
 * net on_check is also called after a time that it chooses itself: for directories that are not there yet, for links
 * into others, and where the kernel gives us no inotify (its number is limited for each user of a node).
 *
 * Threads: start and stop belong to one thread, ask to any. on_check is called by the watch's own thread, the first
 * time at once, and after that whenever the directories are watched again: so no change is ever missed in between.
 */
#ifndef RPW_WATCH_H
#define RPW_WATCH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "rpw/bytes/status.h"

#define RPW_WATCH_QUIET_MS 50
#define RPW_WATCH_BUSY_MS 1000
#define RPW_WATCH_MAX_PATHS 8
#define RPW_WATCH_PATH_BYTES 4096

/* Looks at the files. is_asked: because of rpw_watch_ask(). Returns after how many milliseconds to look again. */
typedef unsigned rpw_watch_check_fn(void *context, bool is_asked);

struct rpw_watch {
    const char *paths[RPW_WATCH_MAX_PATHS]; /* borrowed; NULL: none */
    rpw_watch_check_fn *on_check;
    void *context;
    int inotify_fd;
    int wake_fd; /* eventfd: look at the flags below */
    _Atomic bool is_asked;
    _Atomic bool wants_end;
    pthread_t thread;
    bool is_started;
};

/* Starts the thread; paths, on_check and context have been set, the rest is zero. False with errno set when it cannot
 * be started; has_inotify tells whether changes will be noticed at once. Signals must be blocked already. */
RPW_MUST_CHECK bool rpw_watch_start(struct rpw_watch *watch, bool *ret_has_inotify);

/* Has on_check called soon. */
void rpw_watch_ask(struct rpw_watch *watch);

void rpw_watch_stop(struct rpw_watch *watch); /* one that was never started is fine */

#endif
