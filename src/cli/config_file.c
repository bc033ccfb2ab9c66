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

bool rpw_config_file_read(const char *path, struct rpw_config_file *ret_file)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open_file(path);

    *ret_file = (struct rpw_config_file){.name = is_stdin ? "<stdin>" : path};
    if (fd < 0) {
        fprintf(stderr, "%s: error: it cannot be read: %s\n", path, strerror(errno));
        return false;
    }
    if (rpw_config_load_descriptor(fd, ret_file->name, &ret_file->config, &ret_file->errors))
        ret_file->report = rpw_config_warnings(ret_file->config);
    else
        ret_file->report = ret_file->errors != NULL ? ret_file->errors : "out of memory\n";
    if (!is_stdin)
        close(fd);
    return true;
}

void rpw_config_file_done(struct rpw_config_file *file)
{
    rpw_config_free(file->config);
    free(file->errors);
}

int rpw_config_file_run(const char *path, int (*run)(const struct rpw_policy_set *policies, const void *options),
                        const void *options)
{
    struct rpw_config_file file;
    int exit_code = RPW_EXIT_BLIND;

    if (!rpw_config_file_read(path, &file))
        return RPW_EXIT_BLIND;
    if (file.config == NULL)
        fputs(file.report, stderr);
    else
        exit_code = run(rpw_config_policies(file.config), options);
    rpw_config_file_done(&file);
    return exit_code;
}
