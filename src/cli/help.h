/* help.h - the tables of the verbs in words: for people, for the manual page, and for shells that complete. */
#ifndef RPW_CLI_HELP_H
#define RPW_CLI_HELP_H

#include <stdio.h>

#include "verb.h"

/* How the program is called: "rucio-policy-webhook", or "kubectl rucio-policy" where kubectl calls it. */
const char *rpw_help_program_name(void);

/* What --help prints. */
void rpw_help_print_verb(const struct rpw_verb *verb, FILE *out);

/* The verbs, a line each. */
void rpw_help_print_verbs(const struct rpw_verb *const *verbs, size_t count, FILE *out);

/* The part of the manual page that describes the verbs (mdoc). */
void rpw_help_print_manual(const struct rpw_verb *const *verbs, size_t count, FILE *out);

/* What a shell needs to complete verbs, flags and their words. */
void rpw_help_complete_bash(const struct rpw_verb *const *verbs, size_t count, FILE *out);
void rpw_help_complete_zsh(const struct rpw_verb *const *verbs, size_t count, FILE *out);
void rpw_help_complete_fish(const struct rpw_verb *const *verbs, size_t count, FILE *out);

#endif
