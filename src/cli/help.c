/* help.c - prints verbs and their flags. */
#include "help.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

#define COLUMNS 100
#define FLAG_COLUMNS 28

const char *rpw_help_program_name(void)
{
    return strncmp(program_invocation_short_name, "kubectl-", 8) == 0 ? "kubectl rucio-policy" : "rucio-policy-webhook";
}

/* --- for people --------------------------------------------------------------------------------------------------------- */

/* Fills lines with the words of text; each but the first is indented. column: where the first begins. */
static void print_wrapped(const char *text, size_t column, size_t indent, FILE *out)
{
    size_t at = column;

    while (*text != '\0') {
        size_t len = strcspn(text, " \n");

        if (at > indent && at + 1 + len > COLUMNS) {
            fprintf(out, "\n%*s", (int)indent, "");
            at = indent;
        } else if (at > indent) {
            fputc(' ', out);
            at++;
        }
        at += (size_t)fprintf(out, "%.*s", (int)len, text);
        text += len;
        if (*text == '\n') {
            fprintf(out, "\n%*s", (int)indent, "");
            at = indent;
        }
        text += *text != '\0' ? 1 : 0;
    }
    fputc('\n', out);
}

/* " (required; may be given again)" and the like; empty when there is nothing to say. To be freed. */
static char *describe_default(const struct rpw_flag *flag)
{
    bool is_list = rpw_flag_is_list(flag) && flag->name != NULL;

    if (flag->is_required)
        return rpw_memory_print(" (required%s)", is_list ? "; may be given again" : "");
    if (flag->fallback != NULL && rpw_flag_has_value(flag))
        return rpw_memory_print(" (default: %s)", flag->fallback);
    return rpw_memory_print("%s", is_list ? " (may be given again)" : "");
}

static void print_flag(const struct rpw_flag *flag, FILE *out)
{
    const char letter[] = {'-', flag->letter, ',', ' ', '\0'};
    char *remark = describe_default(flag), *help = rpw_memory_print("%s%s", flag->help, remark);
    char *spelled = rpw_memory_print("%s%s%s%s%s", flag->letter != 0 ? letter : "", flag->name != NULL ? "--" : "",
                                     flag->name != NULL ? flag->name : "",
                                     flag->name != NULL && rpw_flag_has_value(flag) ? " " : "",
                                     rpw_flag_has_value(flag) ? flag->value : "");

    fprintf(out, "  %-*s", FLAG_COLUMNS - 2, spelled);
    if (strlen(spelled) + 3 > FLAG_COLUMNS)
        fprintf(out, "\n%*s", FLAG_COLUMNS, "");
    print_wrapped(help, FLAG_COLUMNS, FLAG_COLUMNS, out);
    free(spelled);
    free(help);
    free(remark);
}

/* What must be given, and that there is more. */
static void print_synopsis(const struct rpw_verb *verb, FILE *out)
{
    bool has_more = false;

    for (size_t i = 0; i < verb->flag_count; i++) {
        const struct rpw_flag *flag = &verb->flags[i];

        if (flag->is_required && flag->name != NULL && !flag->is_argument)
            fprintf(out, " --%s %s", flag->name, flag->value);
        has_more = has_more || (!flag->is_required && !flag->is_argument);
    }
    fputs(has_more ? " [FLAG]..." : "", out);
    for (size_t i = 0; i < verb->flag_count; i++)
        if (verb->flags[i].is_argument)
            fprintf(out, verb->flags[i].is_required ? " %s" : " [%s]", verb->flags[i].value);
}

void rpw_help_print_verb(const struct rpw_verb *verb, FILE *out)
{
    fprintf(out, "Usage: %s %s", rpw_help_program_name(), verb->name);
    print_synopsis(verb, out);
    fputc('\n', out);
    print_wrapped(verb->text, 0, 0, out);
    fputc('\n', out);
    for (size_t i = 0; i < verb->flag_count; i++)
        print_flag(&verb->flags[i], out);
    fputs("  -h, --help                this text\n", out);
    if (verb->ending != NULL) {
        fputc('\n', out);
        print_wrapped(verb->ending, 0, 0, out);
    }
    if (verb->flag_count > 0 && verb->flags[0].name != NULL)
        fputs("\nEach flag has an environment variable: --config is RPW_CONFIG. Flags win.\n", out);
}

void rpw_help_print_verbs(const struct rpw_verb *const *verbs, size_t count, FILE *out)
{
    fprintf(out,
            "Usage: %s VERB [FLAG]...\n"
            "Deploys Rucio policy packages into pods, as a Kubernetes mutating admission webhook.\n\n",
            rpw_help_program_name());
    for (size_t i = 0; i < count; i++)
        fprintf(out, "  %-15s %s\n", verbs[i]->name, verbs[i]->summary);
    fputs("\n`help VERB` and `VERB --help` explain a verb. Exit codes: 0 fine, 1 the answer is \"no\", 2 usage,\n"
          "3 it could not look.\n",
          out);
}

/* --- for the manual ------------------------------------------------------------------------------------------------------- */

/* Text as mdoc takes it: a backslash and what stands at the beginning of a line mean something there. */
static void print_roff(const char *text, const char *end, FILE *out)
{
    bool is_at_start = true;

    for (; *text != '\0'; text++) {
        if (is_at_start && (*text == '.' || *text == '\''))
            fputs("\\&", out);
        is_at_start = *text == '\n' || (*text == ' ' && text[-1] == '.');
        if (*text == '\\')
            fputs("\\e", out);
        else
            fputc(*text == ' ' && is_at_start ? '\n' : *text, out);
        if (*text == '\n')
            fputs(".br\n", out);
    }
    fprintf(out, "%s\n", end);
}

static void print_manual_flag(const struct rpw_flag *flag, FILE *out)
{
    char *remark = describe_default(flag), *help = rpw_memory_print("%s%s", flag->help, remark);

    fputs(".It", out);
    if (flag->letter != 0)
        fprintf(out, " Fl %c ,", flag->letter);
    if (flag->name != NULL)
        fprintf(out, " Fl -%s", flag->name);
    if (rpw_flag_has_value(flag))
        fprintf(out, flag->kind == RPW_FLAG_CHOICE ? " Cm %s" : " Ar %s", flag->value);
    fputc('\n', out);
    print_roff(help, ".", out);
    free(help);
    free(remark);
}

void rpw_help_print_manual(const struct rpw_verb *const *verbs, size_t count, FILE *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct rpw_verb *verb = verbs[i];

        fprintf(out, ".It Cm %s\n", verb->name);
        print_roff(verb->text, "", out);
        if (verb->flag_count > 0)
            fputs(".Bl -tag -width Ds\n", out);
        for (size_t k = 0; k < verb->flag_count; k++)
            print_manual_flag(&verb->flags[k], out);
        if (verb->flag_count > 0)
            fputs(".El\n", out);
        if (verb->ending != NULL) {
            fputs(".Pp\n", out);
            print_roff(verb->ending, "", out);
        }
    }
}
