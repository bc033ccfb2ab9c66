/* child.c - posix_spawn(), and a pipe where the output is wanted. */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "input.h"

/* 0 or an error number. output: the descriptor that becomes standard output. */
static int start(const char *const *arguments, int output, pid_t *ret_child)
{
    /* posix_spawn() does not change them, and says so in words only. */
    union {
        const char *const *ours;
        char *const *theirs;
    } argv = {arguments};
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);

    if (error != 0)
        return error;
    error = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (error == 0)
        error = posix_spawnp(ret_child, arguments[0], &actions, NULL, argv.theirs, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static int wait_for(pid_t child)
{
    int status;

    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Reads what a child prints, and closes the pipe: one that goes on writing ends. Returns 0 or an error number. */
static int read_output(int fd, size_t max_bytes, char **ret_output, size_t *ret_len)
{
    *ret_output = rpw_manifest_read_descriptor(fd, max_bytes, ret_len);
    int error = *ret_output != NULL ? 0 : errno;

    close(fd);
    return error;
}

int rpw_child_run(const char *const *arguments, size_t max_bytes, char **ret_output, size_t *ret_len)
{
    int ends[2] = {-1, STDOUT_FILENO}, error = 0, status;
    pid_t child;

    if (ret_output && pipe2(ends, O_CLOEXEC) != 0)
        error = errno;
    if (error == 0)
        error = start(arguments, ends[1], &child);
    if (ret_output && ends[1] != STDOUT_FILENO)
        close(ends[1]);
    if (error != 0) {
        fprintf(stderr, "%s: cannot be run: %s\n", arguments[0], strerror(error));
        if (ends[0] >= 0)
            close(ends[0]);
        return -1;
    }
    if (ret_output)
        error = read_output(ends[0], max_bytes, ret_output, ret_len);
    status = wait_for(child);
    if (error != 0)
        fprintf(stderr, "%s: what it prints cannot be read: %s\n", arguments[0], strerror(error));
    return error == 0 ? status : -1;
}
