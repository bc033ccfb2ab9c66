/* certs.h - the three verbs below `certs`, each a verb as in cli.h: argv[0] is its own name. */
#ifndef RPW_CLI_CERTS_H
#define RPW_CLI_CERTS_H

int rpw_cli_certs_generate(int argc, char **argv);
int rpw_cli_certs_show(int argc, char **argv);
int rpw_cli_certs_ensure(int argc, char **argv);

#endif
