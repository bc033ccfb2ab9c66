/* flags.h - reads a command line by a verb's table.
 *
 * A flag's value is that of the command line (where the last one wins), else that of the environment variable RPW_NAME
 * ("--tls-cert": RPW_TLS_CERT), else the default; one that loses is not even looked at. A flag that may be given again
 * adds each value. --help and -h are every verb's.
 *
 * Wrong usage is one line on standard error: the flag or variable, what was found, what was expected, and where to read
 * more. Values are borrowed from argv and the environment. Threads: none.
 */
#ifndef RPW_CLI_FLAGS_H
#define RPW_CLI_FLAGS_H

#include "rpw/bytes/status.h"
#include "verb.h"

/* Fills options, which hold what is not to be changed by a flag that is not given. True to go on. Otherwise all has been
 * said, and *ret_exit_code is the verb's: RPW_EXIT_OK after --help, else RPW_EXIT_USAGE. */
RPW_MUST_CHECK bool rpw_flags_read(const struct rpw_verb *verb, int argc, char **argv, void *options,
                                   int *ret_exit_code);

/* Says that what was read does not fit together; where is the flag. Returns RPW_EXIT_USAGE. */
int rpw_flags_error(const struct rpw_verb *verb, const char *where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Says what has gone wrong, behind the verb's name. Returns exit_code. */
int rpw_verb_fail(const struct rpw_verb *verb, int exit_code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
