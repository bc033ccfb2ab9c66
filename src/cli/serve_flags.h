/* serve_flags.h - the flags of `serve`, and the environment variables that stand for them.
 *
 * Strings of the options point into argv or the environment. Errors are one line on standard error that names the flag
 * or the variable, what was found and what was expected. Threads: none, the environment is read.
 */
#ifndef RPW_SERVE_FLAGS_H
#define RPW_SERVE_FLAGS_H

#include <stdbool.h>

#include "server.h"

/* argv[0] is the verb. False when something is wrong and has been said. */
bool rpw_serve_flags_read(int argc, char **argv, struct rpw_server_options *options);

void rpw_serve_flags_print_help(void);

#endif
