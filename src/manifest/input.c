/* input.c - reads what comes, in pieces: a limit may be large, and standard input has no length. */
#include "input.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"

#define FIRST_READ_BYTES ((size_t)64 * 1024)

const char *rpw_manifest_shown_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "<stdin>" : path;
}

char *rpw_manifest_read_descriptor(int fd, size_t max_bytes, size_t *ret_len)
{
    size_t capacity = FIRST_READ_BYTES, len = 0;
    char *bytes = rpw_memory_need(malloc(capacity));
    ssize_t got;

    while ((got = read(fd, bytes + len, capacity - len)) != 0) {
        len += got > 0 ? (size_t)got : 0;
        if (len > max_bytes)
            errno = EFBIG;
        if (len > max_bytes || (got < 0 && errno != EINTR)) {
            free(bytes);
            return NULL;
        }
        if (len == capacity)
            bytes = rpw_memory_need(realloc(bytes, capacity *= 2));
    }
    *ret_len = len;
    return bytes;
}

char *rpw_manifest_read_file(const char *path, size_t max_bytes, size_t *ret_len)
{
    const char *name = rpw_manifest_shown_name(path);
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    char *bytes = fd >= 0 ? rpw_manifest_read_descriptor(fd, max_bytes, ret_len) : NULL;

    if (bytes == NULL && errno == EFBIG)
        fprintf(stderr, "%s: found more than %zu MiB, expected less\n", name, max_bytes / (1024 * 1024));
    else if (bytes == NULL)
        fprintf(stderr, "%s: cannot be read: %s\n", name, strerror(errno));
    if (fd >= 0 && !is_stdin)
        close(fd);
    return bytes;
}

/* --- folders --------------------------------------------------------------------------------------------------------- */

static int is_manifest_file(const struct dirent *entry)
{
    static const char *const endings[] = {".yaml", ".yml", ".json"};
    const char *dot = strrchr(entry->d_name, '.');

    for (size_t i = 0; dot != NULL && i < sizeof(endings) / sizeof(endings[0]); i++)
        if (strcmp(dot, endings[i]) == 0)
            return 1;
    return 0;
}

static bool each_file_of(const char *folder, bool (*on_file)(const char *path, void *context), void *context)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_manifest_file, alphasort);
    bool is_ok = count > 0;

    if (count < 0)
        fprintf(stderr, "%s: cannot be read: %s\n", folder, strerror(errno));
    else if (count == 0)
        fprintf(stderr, "%s: found a folder without *.yaml, *.yml and *.json, expected some\n", folder);
    for (int i = 0; i < count; i++) {
        char *path = rpw_memory_print("%s/%s", folder, entries[i]->d_name);

        is_ok = is_ok && on_file(path, context);
        free(path);
        free(entries[i]);
    }
    free(entries);
    return is_ok;
}

bool rpw_manifest_each_file(const char *const *paths, size_t count, bool (*on_file)(const char *path, void *context),
                            void *context)
{
    struct stat status;
    bool is_ok = true;

    for (size_t i = 0; i < count && is_ok; i++)
        is_ok = strcmp(paths[i], "-") != 0 && stat(paths[i], &status) == 0 && S_ISDIR(status.st_mode)
                    ? each_file_of(paths[i], on_file, context)
                    : on_file(paths[i], context);
    return is_ok;
}
