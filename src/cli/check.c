/* check.c - the verb `check`: the verdict, then what is wrong or perhaps not meant; the rest on demand. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "cli.h"
#include "config_file.h"
#include "flags.h"
#include "writer.h"

struct options {
    const char *config_file, *registration_file;
    bool is_verbose, is_strict;
    unsigned output; /* 1: json */
};

static const struct rpw_flag flags[] = {
    RPW_FLAG("config", FILE, struct options, config_file, "FILE", "the policies (YAML); - is standard input",
             .is_required = true, .is_argument = true),
    RPW_FLAG(
        "registration", FILE, struct options, registration_file, "FILE",
        "what `kubectl get mutatingwebhookconfiguration NAME -o yaml` prints: is it what this configuration needs?", ),
    RPW_FLAG("strict", SWITCH, struct options, is_strict, NULL, "warnings make the configuration wrong", ),
    RPW_FLAG("verbose", SWITCH, struct options, is_verbose, NULL, "tell what each policy does, and to which pods",
             .letter = 'v'),
    RPW_FLAG("output", CHOICE, struct options, output, "text|json", "for people, or for machines", .letter = 'o',
             .fallback = "text"),
};

/* What was found. */
struct finding_counts {
    size_t errors, warnings;
};

/* --- findings ----------------------------------------------------------------------------------------------------------- */

/* "NAME:LINE:COLUMN: error: TEXT" of a report (report.h) as JSON; NULL: it is one of the lines between. */
static json_t *read_finding(const char *line, const char *name, size_t len, bool *ret_is_error)
{
    const char *at = line + strlen(name) + 1, *text;
    char *end = NULL;
    unsigned long number, column;

    if (strncmp(line, name, strlen(name)) != 0 || line[strlen(name)] != ':')
        return NULL;
    number = strtoul(at, &end, 10);
    column = *end == ':' ? strtoul(end + 1, &end, 10) : 0;
    text = *end == ':' ? strchr(end + 2, ':') : NULL;
    if (text == NULL || text + 2 > line + len)
        return NULL;
    *ret_is_error = strncmp(end + 2, "error", strlen("error")) == 0;
    return json_pack("{s:i, s:i, s:s%}", "line", (int)number, "column", (int)column, "message", text + 2,
                     (size_t)(line + len - text - 2));
}

/* Adds the findings of a report to two arrays, and counts them. */
static struct finding_counts read_findings(const char *report, const char *name, json_t *errors, json_t *warnings)
{
    for (const char *line = report; *line != '\0';) {
        size_t len = strcspn(line, "\n");
        bool is_error = false;
        json_t *finding = read_finding(line, name, len, &is_error);

        if (finding != NULL)
            json_array_append_new(is_error ? errors : warnings, finding);
        line += len + (line[len] == '\n' ? 1 : 0);
    }
    return (struct finding_counts){json_array_size(errors), json_array_size(warnings)};
}

/* --- the verdict ---------------------------------------------------------------------------------------------------------- */

/* ", 1 warning"; nothing for none. */
static void print_count(FILE *out, const char *separator, size_t count, const char *word)
{
    if (count > 0)
        fprintf(out, "%s%zu %s%s", separator, count, word, count == 1 ? "" : "s");
}

static void print_summary(const struct rpw_policy_set *set)
{
    static const char *const unmatched[] = {"allow", "warn", "reject"};
    json_t *summary =
        json_pack("{s:o, s:s}", "policies", rpw_check_summary_new(set), "unmatched", unmatched[set->unmatched]);

    rpw_manifest_write_yaml(stdout, summary);
    json_decref(summary);
}

static void print_text(const struct options *options, const struct rpw_config_file *file, struct finding_counts counts,
                       bool is_right)
{
    FILE *out = is_right ? stdout : stderr;

    fprintf(out, "%s is %s:", file->name, is_right ? "right" : "wrong");
    if (file->config != NULL) {
        size_t policy_count = rpw_config_policies(file->config)->count;

        fprintf(out, " %zu polic%s", policy_count, policy_count == 1 ? "y" : "ies");
        print_count(out, ", ", counts.warnings, "warning");
    } else {
        print_count(out, " ", counts.errors, "error");
    }
    fprintf(out, "\n%s", file->report);
    if (is_right && options->is_verbose)
        print_summary(rpw_config_policies(file->config));
}

static void print_json(const struct rpw_config_file *file, json_t *errors, json_t *warnings, bool is_right)
{
    json_t *result = json_pack("{s:s, s:b, s:O, s:O}", "file", file->name, "right", is_right, "errors", errors,
                               "warnings", warnings);

    if (file->config != NULL)
        json_object_set_new(result, "policies", rpw_check_summary_new(rpw_config_policies(file->config)));
    rpw_manifest_write_json(stdout, result);
    json_decref(result);
}

static bool print_verdict(const struct options *options, const struct rpw_config_file *file)
{
    json_t *errors = json_array(), *warnings = json_array();
    struct finding_counts counts = read_findings(file->report, file->name, errors, warnings);
    bool is_right = file->config != NULL && !(options->is_strict && counts.warnings > 0);

    if (options->output == 1)
        print_json(file, errors, warnings, is_right);
    else
        print_text(options, file, counts, is_right);
    json_decref(errors);
    json_decref(warnings);
    return is_right;
}

static int check(int argc, char **argv)
{
    struct options options = {.config_file = NULL};
    struct rpw_config_file file;
    int exit_code;

    if (!rpw_flags_read(&rpw_verb_check, argc, argv, &options, &exit_code))
        return exit_code;
    if (!rpw_config_file_read(options.config_file, &file))
        return RPW_EXIT_BLIND;
    exit_code = print_verdict(&options, &file) ? RPW_EXIT_OK : RPW_EXIT_NO;
    if (exit_code == RPW_EXIT_OK && options.registration_file != NULL)
        exit_code = rpw_check_registration(options.registration_file, rpw_config_policies(file.config));
    rpw_config_file_done(&file);
    return exit_code;
}

const struct rpw_verb rpw_verb_check = {
    .name = "check",
    .summary = "is this configuration right, and what will it do?",
    .text =
        "Is this configuration right? Prints the verdict, and below it every error, or what is perhaps not meant, as "
        "FILE:LINE:COLUMN with the line in question.",
    .ending =
        "Exit codes: 0 the configuration is right, 1 it is wrong, or the registration is another, 2 usage, 3 a file "
        "could not be read.",
    RPW_VERB_FLAGS(flags),
    .run = check,
};
