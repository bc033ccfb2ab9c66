/* config_file.h - the configuration that a verb is given with --config, loaded; what is wrong goes to standard error. */
#ifndef RPW_CLI_CONFIG_FILE_H
#define RPW_CLI_CONFIG_FILE_H

#include "config.h"
#include "verb.h"

/* The row of --config, in a table for options of type. */
#define RPW_FLAG_ROW_CONFIG(type)                                                                                      \
    RPW_FLAG("config", FILE, type, config_file, "FILE", "the policies (YAML)", .is_required = true)

/* "-" is standard input. NULL after a message; *ret_is_readable then says whether there was something to read. */
RPW_MUST_CHECK struct rpw_config *rpw_config_file_load(const char *path, bool *ret_is_readable);

#endif
