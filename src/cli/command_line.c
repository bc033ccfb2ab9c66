/* command_line.c - the loop around getopt_long(), which itself says which option it does not know, or finds no value
 * for. */
#include "command_line.h"

#include <stdarg.h>
#include <stdio.h>

#include "cli.h"

bool rpw_command_line_read(const struct rpw_command_line *command_line, int argc, char **argv, void *target,
                           int *ret_exit_code)
{
    int option;

    while ((option = getopt_long(argc, argv, command_line->letters, command_line->names, NULL)) != -1) {
        if (option == 'h' || option == '?') {
            fputs(command_line->usage->text, option == 'h' ? stdout : stderr);
            *ret_exit_code = option == 'h' ? RPW_EXIT_OK : RPW_EXIT_USAGE;
            return false;
        }
        if (!command_line->take(target, option, optarg)) {
            *ret_exit_code = RPW_EXIT_USAGE;
            return false;
        }
    }
    if ((optind == argc || command_line->take(target, 0, argv[optind])) && command_line->check(target))
        return true;
    *ret_exit_code = RPW_EXIT_USAGE;
    return false;
}

bool rpw_usage_error(const struct rpw_usage *usage, const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "rucio-policy-webhook %s: ", usage->verb);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\n\n%s", usage->text);
    return false;
}
