/* config_file.h - the configuration that a verb is given with --config. "-" is standard input. */
#ifndef RPW_CLI_CONFIG_FILE_H
#define RPW_CLI_CONFIG_FILE_H

#include "config.h"
#include "verb.h"

/* The row of --config, in a table for options of type. */
#define RPW_FLAG_ROW_CONFIG(type)                                                                                      \
    RPW_FLAG("config", FILE, type, config_file, "FILE", "the policies (YAML)", .is_required = true)

struct rpw_config_file {
    const char *name;          /* of the file, as messages show it */
    struct rpw_config *config; /* NULL: it is wrong */
    const char *report;        /* the errors, or else the warnings */
    char *errors;              /* what of report is malloc's */
};

/* Reads path. False after a message: it cannot be read. */
RPW_MUST_CHECK bool rpw_config_file_read(const char *path, struct rpw_config_file *ret_file);
void rpw_config_file_done(struct rpw_config_file *file);

/* Calls run with the policies of a file. Returns its exit code; RPW_EXIT_BLIND after a message: the file cannot be read, or is
 * wrong. */
int rpw_config_file_run(const char *path, int (*run)(const struct rpw_policy_set *policies, const void *options),
                        const void *options);

#endif
