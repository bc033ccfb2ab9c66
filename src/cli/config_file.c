/* config_file.c - opens the file, so that what cannot be read is told from what is wrong. */
#include "config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;

    if (fd >= 0 && fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
        close(fd);
        errno = EISDIR;
        return -1;
    }
    return fd;
}

struct rpw_config *rpw_config_file_load(const char *path, bool *ret_is_readable)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open_file(path);
    struct rpw_config *config = NULL;
    char *report = NULL;

    *ret_is_readable = fd >= 0;
    if (fd < 0) {
        fprintf(stderr, "%s: error: it cannot be read: %s\n", path, strerror(errno));
        return NULL;
    }
    if (!rpw_config_load_descriptor(fd, is_stdin ? "<stdin>" : path, &config, &report))
        fputs(report != NULL ? report : "out of memory\n", stderr);
    free(report);
    if (!is_stdin)
        close(fd);
    return config;
}
