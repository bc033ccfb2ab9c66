/* new_files.h - writes several files that belong together: all of them, or none.
 *
 * Each is written whole under another name (created anew, with its final permissions) and gets its own name at the end, so
 * nobody ever sees half a file, and a key is never readable by others. Only a crash between two of the last steps can leave
 * some new and some old, or, when files are replaced, an error there that nobody could foresee.
 */
#ifndef RPW_CLI_NEW_FILES_H
#define RPW_CLI_NEW_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "rpw/bytes/status.h"

#define RPW_NEW_FILES_ERROR_BYTES 512

struct rpw_new_file {
    const char *name; /* in the folder */
    const char *text;
    mode_t mode;
};

/* Writes count files into folder, which is made if it is not there (its parent must be). A file that is there already is an
 * error unless may_replace. False with ret_error: then no file has changed. */
RPW_MUST_CHECK bool rpw_new_files_write(const char *folder, const struct rpw_new_file *files, size_t count,
                                        bool may_replace, char ret_error[RPW_NEW_FILES_ERROR_BYTES]);

#endif
