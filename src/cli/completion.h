/* completion.h - what a shell needs to complete this program's verbs, flags and their words, made from the tables. */
#ifndef RPW_CLI_COMPLETION_H
#define RPW_CLI_COMPLETION_H

#include <stdio.h>

#include "verb.h"

void rpw_completion_print_bash(const struct rpw_verb *const *verbs, size_t count, FILE *out);
void rpw_completion_print_zsh(const struct rpw_verb *const *verbs, size_t count, FILE *out);
void rpw_completion_print_fish(const struct rpw_verb *const *verbs, size_t count, FILE *out);

#endif
