/* flags.c - reads the command line by a verb's table. */
#include "flags.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fields.h"
#include "help.h"

#define EXPECTED_BYTES 160
#define AMOUNT_BYTES 32
#define NAME_BYTES 64

/* --- numbers with units --------------------------------------------------------------------------------------------- */

struct unit {
    const char *suffix;
    unsigned long factor;
};

/* From the smallest to the largest. */
static const struct unit no_units[] = {{"", 1}, {NULL, 0}};
static const struct unit seconds[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {NULL, 0}};
static const struct unit bytes[] = {{"", 1}, {"Ki", 1UL << 10}, {"Mi", 1UL << 20}, {"Gi", 1UL << 30}, {NULL, 0}};

/* NULL: the flag's value is no number. */
static const struct unit *units_of(const struct rpw_flag *flag)
{
    switch (flag->kind) {
    case RPW_FLAG_NUMBER:
        return no_units;
    case RPW_FLAG_DURATION:
        return seconds;
    case RPW_FLAG_SIZE:
        return bytes;
    default:
        return NULL;
    }
}

/* Digits and a unit, without a sign. */
static bool parse_amount(const struct rpw_flag *flag, const char *text, unsigned long *ret_amount)
{
    const struct unit *unit = units_of(flag);
    unsigned long number;
    char *end = NULL;

    if (!isdigit((unsigned char)text[0]))
        return false;
    errno = 0;
    number = strtoul(text, &end, 10);
    while (unit->suffix != NULL && strcmp(unit->suffix, end) != 0)
        unit++;
    if (errno != 0 || unit->suffix == NULL || number > flag->max / unit->factor || number * unit->factor < flag->min)
        return false;
    *ret_amount = number * unit->factor;
    return true;
}

/* In the largest unit that leaves no fraction. */
static void format_amount(const struct unit *units, unsigned long amount, char ret_text[AMOUNT_BYTES])
{
    const struct unit *best = units;

    for (const struct unit *unit = units; unit->suffix != NULL; unit++)
        if (amount > 0 && amount % unit->factor == 0)
            best = unit;
    snprintf(ret_text, AMOUNT_BYTES, "%lu%s", amount / best->factor, best->suffix);
}

/* --- one value ------------------------------------------------------------------------------------------------------ */

static bool take_choice(const struct rpw_flag *flag, const char *value, unsigned *choice)
{
    struct rpw_span rest = rpw_span_of(flag->value), word;

    for (unsigned i = 0; rpw_span_next_element(&rest, '|', &word); i++)
        if (rpw_span_is(word, value)) {
            *choice = i;
            return true;
        }
    return false;
}

static bool take_switch(const char *value, bool *is_on)
{
    *is_on = strcmp(value, "true") == 0;
    return *is_on || strcmp(value, "false") == 0;
}

static bool take_element(struct rpw_flag_list *list, const char *value, const char **ret_form)
{
    if (list->count == RPW_FLAG_LIST_MAX)
        *ret_form = "at most 1024 of them";
    if (value[0] == '\0' || list->count == RPW_FLAG_LIST_MAX)
        return false;
    list->items[list->count++] = value;
    return true;
}

static bool take_amount(const struct rpw_flag *flag, const char *value, void *field)
{
    unsigned long amount;

    if (!parse_amount(flag, value, &amount))
        return false;
    if (flag->kind == RPW_FLAG_DURATION)
        *(time_t *)field = (time_t)amount;
    else
        *(unsigned long *)field = amount;
    return true;
}

/* Stores value; ret_form: what was expected, where the kind does not say it. */
static bool take(const struct rpw_flag *flag, const char *value, void *options, const char **ret_form)
{
    void *field = (char *)options + flag->offset;

    switch (flag->kind) {
    case RPW_FLAG_SWITCH:
        return take_switch(value, field);
    case RPW_FLAG_TEXTS:
    case RPW_FLAG_FILES:
        return take_element(field, value, ret_form);
    case RPW_FLAG_CHOICE:
        return take_choice(flag, value, field);
    case RPW_FLAG_FORM:
    case RPW_FLAG_FORMS:
        *ret_form = flag->take(field, value);
        return *ret_form == NULL;
    case RPW_FLAG_NUMBER:
    case RPW_FLAG_DURATION:
    case RPW_FLAG_SIZE:
        return take_amount(flag, value, field);
    default:
        *(const char **)field = value;
        return value[0] != '\0';
    }
}

/* --- errors --------------------------------------------------------------------------------------------------------- */

int rpw_flags_error(const struct rpw_verb *verb, const char *where, const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "rucio-policy-webhook %s: %s: ", verb->name, where);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputs(" (see --help)\n", stderr);
    return RPW_EXIT_USAGE;
}

/* "a, b or c" of "a|b|c" */
static void describe_choice(const char *words, char text[EXPECTED_BYTES])
{
    struct rpw_span rest = rpw_span_of(words), word;
    int len = 0;

    while (rpw_span_next_element(&rest, '|', &word) && len < EXPECTED_BYTES)
        len += snprintf(text + len, (size_t)(EXPECTED_BYTES - len), "%s%.*s",
                        len == 0           ? ""
                        : rest.ptr != NULL ? ", "
                                           : " or ",
                        (int)word.len, word.ptr);
}

static void describe_amount(const struct rpw_flag *flag, char text[EXPECTED_BYTES])
{
    static const char *const words[][2] = {
        [RPW_FLAG_NUMBER] = {"number", ""},
        [RPW_FLAG_DURATION] = {"duration", ", such as 90s, 10m, 12h or 30d"},
        [RPW_FLAG_SIZE] = {"size", ", such as 64Mi"},
    };
    char least[AMOUNT_BYTES], most[AMOUNT_BYTES];

    format_amount(units_of(flag), flag->min, least);
    format_amount(units_of(flag), flag->max, most);
    snprintf(text, EXPECTED_BYTES, "a %s from %s to %s%s", words[flag->kind][0], least, most, words[flag->kind][1]);
}

static const char *describe_expected(const struct rpw_flag *flag, char text[EXPECTED_BYTES])
{
    switch (flag->kind) {
    case RPW_FLAG_SWITCH:
        return "true or false";
    case RPW_FLAG_FILE:
    case RPW_FLAG_FILES:
        return "a file name";
    case RPW_FLAG_FOLDER:
        return "the name of a folder";
    case RPW_FLAG_CHOICE:
        describe_choice(flag->value, text);
        return text;
    case RPW_FLAG_NUMBER:
    case RPW_FLAG_DURATION:
    case RPW_FLAG_SIZE:
        describe_amount(flag, text);
        return text;
    default:
        return "text";
    }
}

/* --- reading ---------------------------------------------------------------------------------------------------------- */

struct reading {
    const struct rpw_verb *verb;
    void *options;
    const char *last[RPW_FLAGS_MAX]; /* the value that counts, by the flag's place; NULL: none on the command line */
    bool has_stored[RPW_FLAGS_MAX];  /* a flag that may be given again */
};

/* "tls-cert" -> "RPW_TLS_CERT" */
static void variable_of(const struct rpw_flag *flag, char name[NAME_BYTES])
{
    int len = flag->name != NULL ? snprintf(name, NAME_BYTES, "RPW_%s", flag->name) : 0;

    for (int i = 0; i < len; i++)
        name[i] = name[i] == '-' ? '_' : (char)toupper((unsigned char)name[i]);
    name[len] = '\0';
}

/* where is how the user spelled it: the flag or the environment variable. */
static bool store(struct reading *reading, const struct rpw_flag *flag, const char *where, const char *value)
{
    char expected[EXPECTED_BYTES] = "";
    const char *form = NULL;

    if (take(flag, value, reading->options, &form))
        return true;
    rpw_flags_error(reading->verb, where, "found '%.100s', expected %s", value,
                    form != NULL ? form : describe_expected(flag, expected));
    return false;
}

static bool note(struct reading *reading, const struct rpw_flag *flag, const char *where, const char *value)
{
    size_t index = (size_t)(flag - reading->verb->flags);

    reading->has_stored[index] = rpw_flag_is_list(flag);
    if (rpw_flag_is_list(flag))
        return store(reading, flag, where, value);
    if (reading->last[index] != NULL && where[0] != '-') {
        rpw_flags_error(reading->verb, where, "found '%.100s' and '%.100s', expected one", reading->last[index], value);
        return false;
    }
    reading->last[index] = value;
    return true;
}

static bool is_called(const struct rpw_flag *flag, const char *argument, size_t len)
{
    if (argument[1] != '-')
        return flag->letter != 0 && argument[1] == flag->letter;
    return flag->name != NULL && strlen(flag->name) == len - 2 && strncmp(argument + 2, flag->name, len - 2) == 0;
}

static bool refuse_unknown(const struct rpw_verb *verb, const char *argument)
{
    const char *names[RPW_FLAGS_MAX + 1] = {NULL}, *nearest;
    int len = (int)strcspn(argument, "=");
    size_t count = 0;

    for (size_t i = 0; i < verb->flag_count; i++)
        if (verb->flags[i].name != NULL)
            names[count++] = verb->flags[i].name;
    nearest = len > 2 ? rpw_fields_suggest((struct rpw_span){argument + 2, (size_t)len - 2}, names) : NULL;
    if (nearest != NULL)
        rpw_flags_error(verb, argument, "there is no such flag; did you mean --%s?", nearest);
    else
        rpw_flags_error(verb, argument, "there is no such flag");
    return false;
}

/* The value of the flag in argv[*index], which moves on to it when it is the next argument. NULL: there is none. */
static const char *value_of(const struct rpw_flag *flag, int argc, char **argv, int *index)
{
    const char *argument = argv[*index], *equals = strchr(argument, '=');

    if (argument[1] == '-' && equals != NULL)
        return equals + 1;
    if (!rpw_flag_has_value(flag))
        return "true";
    if (argument[1] != '-' && argument[2] != '\0')
        return argument[2] == '=' ? argument + 3 : argument + 2;
    return ++*index < argc ? argv[*index] : NULL;
}

/* argv[*index] begins with a hyphen. */
static bool read_flag(struct reading *reading, int argc, char **argv, int *index)
{
    const struct rpw_verb *verb = reading->verb;
    const char *argument = argv[*index];
    char where[NAME_BYTES];
    size_t len = strcspn(argument, "=");

    for (size_t i = 0; i < verb->flag_count; i++) {
        const struct rpw_flag *flag = &verb->flags[i];
        const char *value;

        if (!is_called(flag, argument, len) || (!rpw_flag_has_value(flag) && argument[1] != '-' && argument[2] != '\0'))
            continue;
        value = value_of(flag, argc, argv, index);
        snprintf(where, sizeof(where), "--%s", flag->name);
        if (value != NULL)
            return note(reading, flag, where, value);
        rpw_flags_error(verb, where, "a value is missing: %s", flag->value);
        return false;
    }
    return refuse_unknown(verb, argument);
}

static bool read_argument(struct reading *reading, const char *argument)
{
    const struct rpw_verb *verb = reading->verb;
    const char *hint = "";

    for (size_t i = 0; i < verb->flag_count; i++) {
        if (verb->flags[i].is_argument)
            return note(reading, &verb->flags[i], "argument", argument);
        if (verb->flags[i].kind == RPW_FLAG_FILES)
            hint = "; files are given with -f";
    }
    rpw_flags_error(verb, "argument", "found '%.100s', expected flags only%s", argument, hint);
    return false;
}

/* What the command line does not say. */
static bool take_from_anywhere(struct reading *reading, size_t index)
{
    const struct rpw_flag *flag = &reading->verb->flags[index];
    char name[NAME_BYTES], variable_name[NAME_BYTES];
    const char *variable;

    if (reading->has_stored[index])
        return true;
    snprintf(name, sizeof(name), "%s%s", flag->name != NULL ? "--" : "", flag->name != NULL ? flag->name : "argument");
    if (reading->last[index] != NULL)
        return store(reading, flag, name, reading->last[index]);
    variable_of(flag, variable_name);
    variable = flag->name != NULL ? getenv(variable_name) : NULL;
    if (variable != NULL)
        return store(reading, flag, variable_name, variable);
    if (flag->fallback != NULL)
        return store(reading, flag, name, flag->fallback);
    if (flag->is_required)
        rpw_flags_error(reading->verb, name, "%s is required", flag->value);
    return !flag->is_required;
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

bool rpw_flags_read(const struct rpw_verb *verb, int argc, char **argv, void *options, int *ret_exit_code)
{
    struct reading reading = {.verb = verb, .options = options};
    bool is_right = true;

    *ret_exit_code = RPW_EXIT_OK;
    if (asks_for_help(argc, argv)) {
        rpw_help_print_verb(verb, stdout);
        return false;
    }
    *ret_exit_code = RPW_EXIT_USAGE;
    for (int i = 1; i < argc && is_right; i++)
        is_right = argv[i][0] == '-' && argv[i][1] != '\0' ? read_flag(&reading, argc, argv, &i)
                                                           : read_argument(&reading, argv[i]);
    for (size_t i = 0; i < verb->flag_count && is_right; i++)
        is_right = take_from_anywhere(&reading, i);
    return is_right;
}
