/* completion.c - one script for each shell. A verb of two words ("certs ensure") is found by both.
 *
 * What is completed: verbs, flags, the words of a choice, and files everywhere else. zsh runs bash's script.
 */
#include "completion.h"

#include <string.h>

#define PROGRAM "rucio-policy-webhook"

/* text with " " for every character of from. */
static void print_mapped(const char *text, char from, char to, FILE *out)
{
    for (; *text != '\0'; text++)
        fputc(*text == from ? to : *text, out);
}

static bool has_two_words(const struct rpw_verb *verb)
{
    return strchr(verb->name, ' ') != NULL;
}

/* --- bash ----------------------------------------------------------------------------------------------------------- */

static void print_bash_flag(const struct rpw_verb *verb, const struct rpw_flag *flag, FILE *out)
{
    if (flag->kind != RPW_FLAG_CHOICE)
        return;
    if (flag->name == NULL)
        return;
    fprintf(out, "        '%s --%s'", verb->name, flag->name);
    if (flag->letter != 0)
        fprintf(out, " | '%s -%c'", verb->name, flag->letter);
    fputs(") offered='", out);
    print_mapped(flag->value, '|', ' ', out);
    fputs("' ;;\n", out);
}

/* The flags of a verb, and the words of an argument. */
static void print_bash_verb(const struct rpw_verb *verb, FILE *out)
{
    fprintf(out, "        '%s '*) [[ $current == -* ]] && offered='--help", verb->name);
    for (size_t i = 0; i < verb->flag_count; i++)
        if (verb->flags[i].name != NULL)
            fprintf(out, " --%s", verb->flags[i].name);
    fputs("'", out);
    for (size_t i = 0; i < verb->flag_count; i++)
        if (verb->flags[i].name == NULL && verb->flags[i].kind == RPW_FLAG_CHOICE) {
            fputs(" || offered='", out);
            print_mapped(verb->flags[i].value, '|', ' ', out);
            fputs("'", out);
        }
    fputs(" ;;\n", out);
}

void rpw_completion_print_bash(const struct rpw_verb *const *verbs, size_t count, FILE *out)
{
    fputs("_rucio_policy_webhook() {\n"
          "    local current=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]} offered=\n"
          "    [[ $COMP_CWORD -gt 2 && $verb == certs ]] && verb+=\" ${COMP_WORDS[2]}\"\n"
          "    [[ $COMP_CWORD -gt 1 ]] && case \"$verb ${COMP_WORDS[COMP_CWORD-1]}\" in\n",
          out);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < verbs[i]->flag_count; k++)
            print_bash_flag(verbs[i], &verbs[i]->flags[k], out);
    fputs("        'certs certs') offered='", out);
    for (size_t i = 0; i < count; i++)
        if (has_two_words(verbs[i]))
            fprintf(out, "%s ", strchr(verbs[i]->name, ' ') + 1);
    fputs("' ;;\n", out);
    for (size_t i = 0; i < count; i++)
        print_bash_verb(verbs[i], out);
    fputs("    esac\n    [[ $COMP_CWORD -eq 1 ]] && offered='certs ", out);
    for (size_t i = 0; i < count; i++)
        if (!has_two_words(verbs[i]))
            fprintf(out, "%s ", verbs[i]->name);
    fputs("'\n    [[ -n $offered ]] && COMPREPLY=($(compgen -W \"$offered\" -- \"$current\"))\n"
          "}\n"
          "complete -o default -F _rucio_policy_webhook " PROGRAM "\n",
          out);
}

void rpw_completion_print_zsh(const struct rpw_verb *const *verbs, size_t count, FILE *out)
{
    fputs("autoload -U +X bashcompinit && bashcompinit\n", out);
    rpw_completion_print_bash(verbs, count, out);
}

/* --- fish ------------------------------------------------------------------------------------------------------------ */

/* Up to the end of the first sentence, without what these shells give a meaning to. */
static void print_short(const char *text, FILE *out)
{
    for (; *text != '\0' && strchr(".;\n", *text) == NULL; text++)
        if (strchr("'[]:`\\$", *text) == NULL)
            fputc(*text, out);
}

/* The condition that verb has been given. */
static void print_fish_condition(const struct rpw_verb *verb, FILE *out)
{
    fputs("complete -c " PROGRAM " -n '__fish_seen_subcommand_from ", out);
    for (const char *at = verb->name; *at != '\0'; at++)
        if (*at == ' ')
            fputs("; and __fish_seen_subcommand_from ", out);
        else
            fputc(*at, out);
    fputc('\'', out);
}

static void print_fish_flag(const struct rpw_verb *verb, const struct rpw_flag *flag, FILE *out)
{
    print_fish_condition(verb, out);
    if (flag->name != NULL)
        fprintf(out, " -l %s", flag->name);
    if (flag->letter != 0)
        fprintf(out, " -s %c", flag->letter);
    if (flag->name != NULL && rpw_flag_has_value(flag))
        fputs(" -r", out);
    if (flag->kind == RPW_FLAG_CHOICE) {
        fputs(" -f -a '", out);
        print_mapped(flag->value, '|', ' ', out);
        fputc('\'', out);
    }
    fputs(" -d '", out);
    print_short(flag->help, out);
    fputs("'\n", out);
}

void rpw_completion_print_fish(const struct rpw_verb *const *verbs, size_t count, FILE *out)
{
    fputs("complete -c " PROGRAM " -f -n __fish_use_subcommand -a certs -d 'certificates'\n", out);
    for (size_t i = 0; i < count; i++) {
        const char *second = strchr(verbs[i]->name, ' ');

        fprintf(out, "complete -c " PROGRAM " -f -n %s -a %s -d '",
                second != NULL ? "'__fish_seen_subcommand_from certs'" : "__fish_use_subcommand",
                second != NULL ? second + 1 : verbs[i]->name);
        print_short(verbs[i]->summary, out);
        fputs("'\n", out);
        for (size_t k = 0; k < verbs[i]->flag_count; k++)
            print_fish_flag(verbs[i], &verbs[i]->flags[k], out);
    }
}
