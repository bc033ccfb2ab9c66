/* help.h - a verb's table in words: for people, and for the manual page. */
#ifndef RPW_CLI_HELP_H
#define RPW_CLI_HELP_H

#include <stdio.h>

struct rpw_verb;

/* How the program is called: "rucio-policy-webhook", or "kubectl rucio-policy" where kubectl calls it. */
const char *rpw_help_program_name(void);

/* What --help prints. */
void rpw_help_print_verb(const struct rpw_verb *verb, FILE *out);

/* The verbs, a line each. */
void rpw_help_print_verbs(const struct rpw_verb *const *verbs, size_t count, FILE *out);

/* The part of the manual page that describes the verbs (mdoc). */
void rpw_help_print_manual(const struct rpw_verb *const *verbs, size_t count, FILE *out);

#endif
