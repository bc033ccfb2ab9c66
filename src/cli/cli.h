/* cli.h - one function per verb. Each gets its own arguments (argv[0] is the verb), writes results to standard output and
 * errors to standard error, and returns the exit code: 0 fine, 1 the answer is "no", 2 usage. */
#ifndef RPW_CLI_H
#define RPW_CLI_H

enum rpw_exit { RPW_EXIT_OK = 0, RPW_EXIT_NO = 1, RPW_EXIT_USAGE = 2, RPW_EXIT_BLIND = 3 };

int rpw_cli_serve(int argc, char **argv);
int rpw_cli_mutate(int argc, char **argv);
int rpw_cli_check(int argc, char **argv);
int rpw_cli_certs(int argc, char **argv);
int rpw_cli_audit(int argc, char **argv);

#endif
