/* new_files.c - write aside, then link or rename into place.
 *
 * link(2) refuses a name that is taken, which rename(2) does not: it is what keeps a file that appeared meanwhile.
 */
#include "new_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_NAME_BYTES 64

struct batch {
    const char *folder;
    int folder_fd;
    const struct rpw_new_file *files;
    size_t count;
    char *error;
};

static bool fail(const struct batch *batch, const char *name, const char *reason)
{
    snprintf(batch->error, RPW_NEW_FILES_ERROR_BYTES, "%s%s%s: %s", batch->folder, name[0] != '\0' ? "/" : "", name,
             reason);
    return false;
}

static void name_aside(const struct batch *batch, size_t index, char name[MAX_NAME_BYTES])
{
    snprintf(name, MAX_NAME_BYTES, ".%.40s.%ld", batch->files[index].name, (long)getpid());
}

static bool write_aside(const struct batch *batch, size_t index)
{
    const struct rpw_new_file *file = &batch->files[index];
    char name[MAX_NAME_BYTES];
    FILE *out;
    bool is_ok;
    int fd;

    name_aside(batch, index, name);
    fd = openat(batch->folder_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    out = fd >= 0 ? fdopen(fd, "w") : NULL;
    is_ok =
        out != NULL && fputs(file->text, out) >= 0 && fflush(out) == 0 && fchmod(fd, file->mode) == 0 && fsync(fd) == 0;
    if (!is_ok)
        fail(batch, file->name, strerror(errno));
    if (out != NULL)
        fclose(out);
    return is_ok;
}

static bool put_in_place(const struct batch *batch)
{
    char aside[MAX_NAME_BYTES];

    for (size_t i = 0; i < batch->count; i++) {
        name_aside(batch, i, aside);
        if (linkat(batch->folder_fd, aside, batch->folder_fd, batch->files[i].name, 0) == 0)
            continue;
        fail(batch, batch->files[i].name, errno == EEXIST ? "is there already; --force replaces it" : strerror(errno));
        while (i-- > 0)
            unlinkat(batch->folder_fd, batch->files[i].name, 0);
        return false;
    }
    return true;
}

static bool replace(const struct batch *batch)
{
    char aside[MAX_NAME_BYTES];
    struct stat status;

    for (size_t i = 0; i < batch->count; i++)
        if (fstatat(batch->folder_fd, batch->files[i].name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISDIR(status.st_mode))
            return fail(batch, batch->files[i].name, "is a directory");
    for (size_t i = 0; i < batch->count; i++) {
        name_aside(batch, i, aside);
        if (renameat(batch->folder_fd, aside, batch->folder_fd, batch->files[i].name) != 0)
            return fail(batch, batch->files[i].name, strerror(errno));
    }
    return true;
}

bool rpw_new_files_write(const char *folder, const struct rpw_new_file *files, size_t count, bool may_replace,
                         char ret_error[RPW_NEW_FILES_ERROR_BYTES])
{
    struct batch batch = {.folder = folder, .files = files, .count = count, .error = ret_error};
    char aside[MAX_NAME_BYTES];
    bool is_ok = true;

    if (mkdir(folder, S_IRWXU | S_IRGRP | S_IXGRP | S_IROTH | S_IXOTH) != 0 && errno != EEXIST)
        return fail(&batch, "", strerror(errno));
    batch.folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (batch.folder_fd < 0)
        return fail(&batch, "", strerror(errno));
    for (size_t i = 0; i < count && is_ok; i++)
        is_ok = write_aside(&batch, i);
    is_ok = is_ok && (may_replace ? replace(&batch) : put_in_place(&batch));
    if (is_ok && fsync(batch.folder_fd) != 0 && errno != EINVAL)
        is_ok = fail(&batch, "", strerror(errno));
    for (size_t i = 0; i < count; i++) {
        name_aside(&batch, i, aside);
        unlinkat(batch.folder_fd, aside, 0);
    }
    close(batch.folder_fd);
    return is_ok;
}
