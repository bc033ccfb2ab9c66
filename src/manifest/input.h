/* input.h - the bytes of a file, and the files of a folder. Messages go to standard error. */
#ifndef RPW_MANIFEST_INPUT_H
#define RPW_MANIFEST_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "rpw/bytes/status.h"

/* The whole file, to be freed by the caller; "-" is standard input. NULL after a message, also for a file of more than
 * max_bytes. */
RPW_MUST_CHECK char *rpw_manifest_read_file(const char *path, size_t max_bytes, size_t *ret_len);

/* As above, from an open descriptor, which stays open; without a message: errno says why, EFBIG is the limit. */
RPW_MUST_CHECK char *rpw_manifest_read_descriptor(int fd, size_t max_bytes, size_t *ret_len);

/* The name of the file at path, as messages show it. */
const char *rpw_manifest_shown_name(const char *path);

/* Calls on_file with each path; of a folder with its files *.yaml, *.yml and *.json by name, without folders below it, as
 * kubectl does. False after a message, or as soon as on_file says so. */
RPW_MUST_CHECK bool rpw_manifest_each_file(const char *const *paths, size_t count,
                                           bool (*on_file)(const char *path, void *context), void *context);

#endif
