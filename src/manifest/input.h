/* input.h - the bytes of a file, and the files of a folder. Messages go to standard error. */
#ifndef RPW_MANIFEST_INPUT_H
#define RPW_MANIFEST_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "rpw/bytes/status.h"

#define RPW_MANIFEST_MAX_FILES 10000

/* The whole file, to be freed by the caller; "-" is standard input. NULL after a message, also for a file of more than
 * max_bytes. */
RPW_MUST_CHECK char *rpw_manifest_read_file(const char *path, size_t max_bytes, size_t *ret_len);

/* As above, from an open descriptor, which stays open; without a message: errno says why, EFBIG is the limit. */
RPW_MUST_CHECK char *rpw_manifest_read_descriptor(int fd, size_t max_bytes, size_t *ret_len);

/* The name of the file at path, as messages show it. */
const char *rpw_manifest_shown_name(const char *path);

struct rpw_manifest_files {
    char **paths;
    size_t count;
};

/* Adds path; of a folder its files *.yaml, *.yml and *.json by name, without folders below it, as kubectl does. False after a
 * message; files must be released in either case. */
RPW_MUST_CHECK bool rpw_manifest_files_add(struct rpw_manifest_files *files, const char *path);
void rpw_manifest_files_done(struct rpw_manifest_files *files);

#endif
