/* file.h - a small file, read whole: the configuration, a certificate, a key.
 *
 * Memory: the bytes are malloc's, and wiped before they are given back, since they may be a key. The path is borrowed.
 * Limits: RPW_FILE_MAX_BYTES; a pipe is refused. Nothing here waits for a writer.
 * Threads: re-entrant.
 */
#ifndef RPW_FILE_H
#define RPW_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "rpw/bytes/status.h"

#define RPW_FILE_MAX_BYTES ((size_t)1024 * 1024) /* a ConfigMap or Secret holds no more */

struct rpw_file {
    const char *path;
    char *bytes; /* NULL: nothing was read */
    size_t len;
};

/* Reads the file at path, all of it.
 *   ret_file  set on success only; the caller gives it back with rpw_file_done().
 *   reterr    on failure: one line that names the file and the reason. */
RPW_MUST_CHECK bool rpw_file_read(const char *path, struct rpw_file *ret_file, char *reterr, size_t reterr_size);

/* Whether both were read and hold the same bytes. */
bool rpw_file_is_same(const struct rpw_file *a, const struct rpw_file *b);

void rpw_file_done(struct rpw_file *file); /* a zeroed one is fine */

#endif
