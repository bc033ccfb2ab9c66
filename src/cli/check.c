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

/* --- findings ----------------------------------------------------------------------------------------------------------- */

/* Adds "NAME:LINE:COLUMN: error: TEXT" of a report (report.h) to errors, or to warnings; nothing else of it. */
static void read_line(struct rpw_span line, const char *name, json_t *errors, json_t *warnings)
{
    struct rpw_span prefix = rpw_span_of(name), number, column, level;

    if (!rpw_span_starts_with(line, prefix) || line.len == prefix.len || line.ptr[prefix.len] != ':')
        return;
    line = (struct rpw_span){line.ptr + prefix.len + 1, line.len - prefix.len - 1};
    if (rpw_span_next_element(&line, ':', &number) && rpw_span_next_element(&line, ':', &column) &&
        rpw_span_next_element(&line, ':', &level) && line.len > 0)
        json_array_append_new(rpw_span_is(level, " error") ? errors : warnings,
                              json_pack("{s:i, s:i, s:s%}", "line", (int)strtol(number.ptr, NULL, 10), "column",
                                        (int)strtol(column.ptr, NULL, 10), "message", line.ptr + 1, line.len - 1));
}

static void read_report(const struct rpw_config_file *file, json_t *errors, json_t *warnings)
{
    struct rpw_span rest = rpw_span_of(file->report), line;

    while (rpw_span_next_element(&rest, '\n', &line))
        read_line(line, file->name, errors, warnings);
}

/* --- the verdict ---------------------------------------------------------------------------------------------------------- */

static void print_summary(const struct rpw_policy_set *set)
{
    static const char *const unmatched[] = {"allow", "warn", "reject"};
    json_t *summary =
        json_pack("{s:o, s:s}", "policies", rpw_check_summary_new(set), "unmatched", unmatched[set->unmatched]);

    rpw_manifest_write_yaml(stdout, summary, 0);
    json_decref(summary);
}

static void print_text(const struct options *options, const struct rpw_config_file *file, size_t count, bool is_right)
{
    const struct rpw_policy_set *set = file->config != NULL ? rpw_config_policies(file->config) : NULL;
    FILE *out = is_right ? stdout : stderr;

    fprintf(out, "%s is %s:", file->name, is_right ? "right" : "wrong");
    if (set != NULL)
        fprintf(out, " %zu polic%s", set->count, set->count == 1 ? "y" : "ies");
    if (count > 0)
        fprintf(out, "%s %zu %s%s", set != NULL ? "," : "", count, set != NULL ? "warning" : "error",
                count == 1 ? "" : "s");
    fprintf(out, "\n%s", file->report);
    if (set != NULL && is_right && options->is_verbose)
        print_summary(set);
}

static void print_json(const struct rpw_config_file *file, json_t *errors, json_t *warnings, bool is_right)
{
    json_t *policies = file->config != NULL ? rpw_check_summary_new(rpw_config_policies(file->config)) : NULL;
    json_t *result = json_pack("{s:s, s:b, s:O, s:O, s:o*}", "file", file->name, "right", is_right, "errors", errors,
                               "warnings", warnings, "policies", policies);

    rpw_manifest_write_json(stdout, result);
    json_decref(result);
}

static bool print_verdict(const struct options *options, const struct rpw_config_file *file)
{
    json_t *errors = json_array(), *warnings = json_array();
    bool is_right;

    read_report(file, errors, warnings);
    is_right = file->config != NULL && !(options->is_strict && json_array_size(warnings) > 0);
    if (options->output == 1)
        print_json(file, errors, warnings, is_right);
    else
        print_text(options, file, json_array_size(file->config != NULL ? warnings : errors), is_right);
    json_decref(errors);
    json_decref(warnings);
    return is_right;
}

static int check(void *context)
{
    const struct options *options = context;
    struct rpw_config_file file;
    int exit_code;

    if (!rpw_config_file_read(options->config_file, &file))
        return RPW_EXIT_BLIND;
    exit_code = print_verdict(options, &file) ? RPW_EXIT_OK : RPW_EXIT_NO;
    if (exit_code == RPW_EXIT_OK && options->registration_file != NULL)
        exit_code = rpw_check_registration(options->registration_file, rpw_config_policies(file.config));
    rpw_config_file_done(&file);
    return exit_code;
}

const struct rpw_verb rpw_verb_check = {
    .name = "check",
    .summary = "is this configuration right, and what will it do?",
    .text = "Is this configuration right? Prints the verdict, and below it every error and warning as FILE:LINE:COLUMN "
            "with its line.",
    .ending = "Exit codes: 0 the configuration is right, 1 it is wrong, or the registration differs, 2 usage, 3 a file "
              "could not be read.",
    RPW_VERB_FLAGS(flags, struct options),
    .run = check,
};
