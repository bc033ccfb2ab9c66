/* command_line.h - how a verb reads its options: by getopt_long(), with one answer to --help and to wrong usage.
 *
 * Wrong usage is told on standard error, the verb's usage below it. Values are borrowed from argv.
 * Threads: none, and once in a process: getopt_long() keeps its place in globals.
 */
#ifndef RPW_CLI_COMMAND_LINE_H
#define RPW_CLI_COMMAND_LINE_H

#include <getopt.h>
#include <stdbool.h>

#include "rpw/bytes/status.h"

struct rpw_usage {
    const char *verb; /* as it is called, such as "certs generate" */
    const char *text; /* what --help prints */
};

struct rpw_command_line {
    const struct rpw_usage *usage;
    const char *letters;        /* the short options, as getopt() has them */
    const struct option *names; /* the long ones; --help is 'h' */

    /* Takes an option and its value into what the verb keeps them in. The first argument that belongs to no option
     * comes last, as option 0; further ones do not come. check sees the whole. Both are false after
     * rpw_usage_error(). */
    bool (*take)(void *target, int option, char *value);
    bool (*check)(const void *target);
};

/* True to go on; *ret_exit_code is then untouched. Otherwise everything has been said, and it is the verb's: RPW_EXIT_OK
 * after --help, else RPW_EXIT_USAGE. */
RPW_MUST_CHECK bool rpw_command_line_read(const struct rpw_command_line *command_line, int argc, char **argv,
                                          void *target, int *ret_exit_code);

/* Says what is wrong, and the usage. False, always. */
bool rpw_usage_error(const struct rpw_usage *usage, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
