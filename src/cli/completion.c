/* completion.c - one table for all shells, in the notation of each: which words are offered behind which.
 *
 * Offered are verbs, flags where a hyphen has been typed, the words of a choice, and files everywhere else. A verb of two words
 * ("certs ensure") is found by both. zsh runs bash's script.
 */
#include "help.h"

#include <string.h>

/* How a shell writes a row of the table: what stands around the context, and behind the words. */
struct notation {
    const char *begin, *middle, *end;
    FILE *out;
};

/* The line so far is a verb, if any, and ends in last. */
static void begin_row(const struct notation *notation, const char *context, const char *last)
{
    fprintf(notation->out, "%s%s %s%s", notation->begin, context, last, notation->middle);
}

static void print_words(const char *choice, FILE *out)
{
    for (; *choice != '\0'; choice++)
        fputc(*choice == '|' ? ' ' : *choice, out);
}

static void print_choice(const struct notation *notation, const struct rpw_verb *verb, const char *last,
                         const struct rpw_flag *flag)
{
    begin_row(notation, verb->name, last);
    print_words(flag->value, notation->out);
    fputs(notation->end, notation->out);
}

/* The words of its choices, and its flags. */
static void print_verb(const struct notation *notation, const struct rpw_verb *verb)
{
    const char *last_word = strrchr(verb->name, ' ');
    char name[64];

    for (size_t i = 0; i < verb->flag_count; i++) {
        const struct rpw_flag *flag = &verb->flags[i];

        if (flag->kind != RPW_FLAG_CHOICE)
            continue;
        snprintf(name, sizeof(name), "--%s", flag->name != NULL ? flag->name : "");
        print_choice(notation, verb, flag->name == NULL ? last_word ? last_word + 1 : verb->name : name, flag);
        snprintf(name, sizeof(name), "-%c", flag->letter);
        if (flag->letter != 0)
            print_choice(notation, verb, name, flag);
    }
    begin_row(notation, verb->name, "-");
    fputs("--help", notation->out);
    for (size_t i = 0; i < verb->flag_count; i++)
        if (verb->flags[i].name != NULL)
            fprintf(notation->out, " --%s", verb->flags[i].name);
    fputs(notation->end, notation->out);
}

static void print_table(const struct notation *notation, const struct rpw_verb *const *verbs, size_t count)
{
    begin_row(notation, "", "");
    fputs("certs", notation->out);
    for (size_t i = 0; i < count; i++)
        if (strchr(verbs[i]->name, ' ') == NULL)
            fprintf(notation->out, " %s", verbs[i]->name);
    fputs(notation->end, notation->out);
    begin_row(notation, "certs", "certs");
    for (size_t i = 0; i < count; i++)
        if (strchr(verbs[i]->name, ' ') != NULL)
            fprintf(notation->out, "%s ", strchr(verbs[i]->name, ' ') + 1);
    fputs(notation->end, notation->out);
    for (size_t i = 0; i < count; i++)
        print_verb(notation, verbs[i]);
}

void rpw_help_complete_bash(const struct rpw_verb *const *verbs, size_t count, FILE *out)
{
    fputs(
        "_rucio_policy_webhook() {\n"
        "    local current=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]} last=${COMP_WORDS[COMP_CWORD-1]} offered=\n"
        "    [[ $COMP_CWORD -gt 2 && $verb == certs ]] && verb+=\" ${COMP_WORDS[2]}\"\n"
        "    [[ $COMP_CWORD -eq 1 ]] && verb= last=\n"
        "    [[ $current == -* ]] && last=-\n"
        "    case \"$verb $last\" in\n",
        out);
    print_table(&(const struct notation){"        '", "') offered='", "' ;;\n", out}, verbs, count);
    fputs("    esac\n"
          "    [[ -n $offered ]] && COMPREPLY=($(compgen -W \"$offered\" -- \"$current\"))\n"
          "}\n"
          "complete -o default -F _rucio_policy_webhook rucio-policy-webhook\n",
          out);
}

void rpw_help_complete_zsh(const struct rpw_verb *const *verbs, size_t count, FILE *out)
{
    fputs("autoload -U +X bashcompinit && bashcompinit\n", out);
    rpw_help_complete_bash(verbs, count, out);
}

void rpw_help_complete_fish(const struct rpw_verb *const *verbs, size_t count, FILE *out)
{
    fputs("function __rucio_policy_webhook\n"
          "    set -l words (commandline -opc)\n"
          "    set -l verb $words[2]\n"
          "    set -l last $words[-1]\n"
          "    test (count $words) -gt 2 -a \"$verb\" = certs; and set verb \"certs $words[3]\"\n"
          "    test (count $words) -eq 1; and set verb ''; and set last ''\n"
          "    string match -q -- '-*' (commandline -ct); and set last -\n"
          "    switch \"$verb $last\"\n",
          out);
    print_table(&(const struct notation){"        case '", "'\n            string split ' ' -- '", "'\n", out}, verbs,
                count);
    fputs("    end\n"
          "end\n"
          "complete -c rucio-policy-webhook -f -n 'count (__rucio_policy_webhook) >/dev/null' -a "
          "'(__rucio_policy_webhook)'\n",
          out);
}
