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

#define FIRST_READ_BYTES ((size_t)64 * 1024)

const char *rpw_manifest_shown_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "<stdin>" : path;
}

char *rpw_manifest_read_descriptor(int fd, size_t max_bytes, size_t *ret_len)
{
    size_t capacity = 0, len = 0;
    char *bytes = NULL;

    for (;;) {
        ssize_t got;

        if (len == capacity) {
            char *grown = realloc(bytes, capacity = capacity > 0 ? 2 * capacity : FIRST_READ_BYTES);

            if (grown == NULL)
                break;
            bytes = grown;
        }
        got = read(fd, bytes + len, capacity - len);
        if (got == 0) {
            *ret_len = len;
            return bytes;
        }
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            break;
        len += (size_t)got;
        if (len > max_bytes) {
            errno = EFBIG;
            break;
        }
    }
    free(bytes);
    return NULL;
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

static bool add_path(struct rpw_manifest_files *files, const char *folder, const char *name)
{
    char **grown = NULL, *path = NULL;

    if (files->count < RPW_MANIFEST_MAX_FILES)
        grown = realloc(files->paths, (files->count + 1) * sizeof(*grown));
    if (grown != NULL)
        files->paths = grown;
    if (asprintf(&path, "%s%s%s", folder, folder[0] != '\0' ? "/" : "", name) < 0)
        path = NULL;
    if (grown == NULL || path == NULL) {
        fprintf(stderr, "%s: found too many files, expected at most %d\n", folder, RPW_MANIFEST_MAX_FILES);
        free(path);
        return false;
    }
    files->paths[files->count++] = path;
    return true;
}

static int is_manifest_file(const struct dirent *entry)
{
    static const char *const endings[] = {".yaml", ".yml", ".json"};
    const char *dot = strrchr(entry->d_name, '.');

    for (size_t i = 0; dot != NULL && i < sizeof(endings) / sizeof(endings[0]); i++)
        if (strcmp(dot, endings[i]) == 0)
            return 1;
    return 0;
}

static bool add_folder(struct rpw_manifest_files *files, const char *path)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, is_manifest_file, alphasort);
    bool is_ok = count > 0;

    if (count < 0)
        fprintf(stderr, "%s: cannot be read: %s\n", path, strerror(errno));
    else if (count == 0)
        fprintf(stderr, "%s: found a folder without *.yaml, *.yml and *.json, expected some\n", path);
    for (int i = 0; i < count; i++) {
        is_ok = is_ok && add_path(files, path, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return is_ok;
}

bool rpw_manifest_files_add(struct rpw_manifest_files *files, const char *path)
{
    struct stat status;

    if (strcmp(path, "-") != 0 && stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return add_folder(files, path);
    return add_path(files, "", path);
}

void rpw_manifest_files_done(struct rpw_manifest_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->paths[i]);
    free(files->paths);
    *files = (struct rpw_manifest_files){NULL, 0};
}
