/* new_files.c - write aside, then link or rename into place.
 *
 * link(2) refuses a name that is taken, which rename(2) does not: it is what keeps a file that appeared meanwhile.
 */
#include "new_files.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_NAME_BYTES 64

struct batch {
    const char *folder;
    int folder_fd;
    const struct rpw_new_file *files;
    size_t count;
    char aside[RPW_NEW_FILES_MAX][MAX_NAME_BYTES]; /* "": not written */
    char *error;
};

static bool fail(const struct batch *batch, const char *name, const char *reason)
{
    snprintf(batch->error, RPW_NEW_FILES_ERROR_BYTES, "%s%s%s: %s", batch->folder, name[0] != '\0' ? "/" : "", name,
             reason);
    return false;
}

static bool write_all(int fd, const char *text)
{
    size_t len = strlen(text);

    while (len > 0) {
        ssize_t written = write(fd, text, len);

        if (written < 0 && errno != EINTR)
            return false;
        text += written > 0 ? written : 0;
        len -= written > 0 ? (size_t)written : 0;
    }
    return true;
}

static bool write_aside(struct batch *batch, size_t index)
{
    const struct rpw_new_file *file = &batch->files[index];
    uint32_t number = 0;
    int fd, error;
    bool is_ok;

    if (getrandom(&number, sizeof(number), 0) != sizeof(number))
        return fail(batch, file->name, strerror(errno));
    snprintf(batch->aside[index], MAX_NAME_BYTES, ".%.40s.%08x", file->name, (unsigned)number);
    fd = openat(batch->folder_fd, batch->aside[index], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                S_IRUSR | S_IWUSR);
    if (fd < 0) {
        batch->aside[index][0] = '\0';
        return fail(batch, file->name, strerror(errno));
    }
    is_ok = write_all(fd, file->text) && fchmod(fd, file->mode) == 0 && fsync(fd) == 0;
    error = errno;
    if (close(fd) != 0 && is_ok) {
        error = errno;
        is_ok = false;
    }
    return is_ok || fail(batch, file->name, strerror(error));
}

/* Takes back what has got its name. */
static void unlink_first(const struct batch *batch, size_t count)
{
    for (size_t i = 0; i < count; i++)
        unlinkat(batch->folder_fd, batch->files[i].name, 0);
}

static bool put_in_place(const struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        const char *name = batch->files[i].name;

        if (linkat(batch->folder_fd, batch->aside[i], batch->folder_fd, name, 0) != 0) {
            int error = errno;

            unlink_first(batch, i);
            return fail(batch, name, error == EEXIST ? "is there already; --force replaces it" : strerror(error));
        }
    }
    return true;
}

static bool replace(struct batch *batch)
{
    struct stat status;

    for (size_t i = 0; i < batch->count; i++)
        if (fstatat(batch->folder_fd, batch->files[i].name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISDIR(status.st_mode))
            return fail(batch, batch->files[i].name, "is a directory");
    for (size_t i = 0; i < batch->count; i++) {
        if (renameat(batch->folder_fd, batch->aside[i], batch->folder_fd, batch->files[i].name) != 0)
            return fail(batch, batch->files[i].name, strerror(errno));
        batch->aside[i][0] = '\0';
    }
    return true;
}

bool rpw_new_files_write(const char *folder, const struct rpw_new_file *files, size_t count, bool may_replace,
                         char ret_error[RPW_NEW_FILES_ERROR_BYTES])
{
    struct batch batch = {.folder = folder, .folder_fd = -1, .files = files, .count = count, .error = ret_error};
    bool is_ok = false;

    assert(count <= RPW_NEW_FILES_MAX);
    if (mkdir(folder, S_IRWXU | S_IRGRP | S_IXGRP | S_IROTH | S_IXOTH) != 0 && errno != EEXIST)
        return fail(&batch, "", strerror(errno));
    batch.folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (batch.folder_fd < 0)
        return fail(&batch, "", strerror(errno));
    for (size_t i = 0; i < count; i++)
        if (!write_aside(&batch, i))
            goto out;
    is_ok = may_replace ? replace(&batch) : put_in_place(&batch);
    if (is_ok && fsync(batch.folder_fd) != 0 && errno != EINVAL)
        is_ok = fail(&batch, "", strerror(errno));
out:
    for (size_t i = 0; i < count; i++)
        if (batch.aside[i][0] != '\0')
            unlinkat(batch.folder_fd, batch.aside[i], 0);
    close(batch.folder_fd);
    return is_ok;
}
