/* file.c - reads small files. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail(char *reterr, size_t reterr_size, const char *path, const char *reason)
{
    snprintf(reterr, reterr_size, "%s: %s", path, reason);
    return false;
}

/* A pipe gives its bytes once, and opening or reading it may wait for ever. */
static bool is_pipe(int fd)
{
    struct stat about;

    return fstat(fd, &about) == 0 && S_ISFIFO(about.st_mode);
}

/* Reads fd to its end, or one byte more than a file may have. The length, or -1 with errno set. */
static ssize_t read_all(int fd, char bytes[RPW_FILE_MAX_BYTES + 1])
{
    size_t len = 0;
    ssize_t got;

    do {
        got = read(fd, bytes + len, RPW_FILE_MAX_BYTES + 1 - len);
        len += got > 0 ? (size_t)got : 0;
    } while (got > 0 && len <= RPW_FILE_MAX_BYTES);
    return got < 0 ? -1 : (ssize_t)len;
}

bool rpw_file_read(const char *path, struct rpw_file *ret_file, char *reterr, size_t reterr_size)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char *bytes = NULL; /* mapped pages: only those that the file fills are ever touched */
    struct rpw_file file = {path, NULL, 0};
    ssize_t len = -1;

    if (fd < 0)
        return fail(reterr, reterr_size, path, strerror(errno));
    if (is_pipe(fd)) {
        close(fd);
        return fail(
            reterr, reterr_size, path,
            "is no regular file but a pipe (such as that of a shell's <(...)), expected a file that can be read "
            "again");
    }
    bytes = malloc(RPW_FILE_MAX_BYTES + 1);
    if (bytes != NULL)
        len = read_all(fd, bytes);
    if (len < 0) {
        fail(reterr, reterr_size, path, strerror(errno));
    } else if ((size_t)len > RPW_FILE_MAX_BYTES) {
        fail(reterr, reterr_size, path,
             "the file is longer than 1 MiB, expected less: a Secret or ConfigMap holds no more");
    } else {
        file.len = (size_t)len;
        file.bytes = malloc(file.len + 1);
        if (file.bytes == NULL)
            fail(reterr, reterr_size, path, strerror(ENOMEM));
        else
            memcpy(file.bytes, bytes, file.len);
        explicit_bzero(bytes, file.len);
    }
    free(bytes);
    close(fd);
    if (file.bytes == NULL)
        return false;
    *ret_file = file;
    return true;
}

bool rpw_file_is_same(const struct rpw_file *a, const struct rpw_file *b)
{
    return a->bytes != NULL && b->bytes != NULL && a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

void rpw_file_done(struct rpw_file *file)
{
    if (file->bytes != NULL)
        explicit_bzero(file->bytes, file->len);
    free(file->bytes);
    *file = (struct rpw_file){NULL, NULL, 0};
}
