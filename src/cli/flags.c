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
#define NAME_BYTES 64

/* --- kinds of values ------------------------------------------------------------------------------------------------ */

struct unit {
    const char *suffix;
    unsigned long factor;
};

/* From the smallest to the largest. */
static const struct unit no_units[] = {{"", 1}, {NULL, 0}};
static const struct unit seconds[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {NULL, 0}};
static const struct unit bytes[] = {{"", 1}, {"Ki", 1UL << 10}, {"Mi", 1UL << 20}, {"Gi", 1UL << 30}, {NULL, 0}};

/* Stores value at field; ret_form: what was expected, where the kind does not say it. */
typedef bool taker(const struct rpw_flag *flag, const char *value, void *field, const char **ret_form);

static taker take_switch, take_text, take_element, take_amount, take_choice, take_form;

static const struct kind {
    taker *take;
    const char *expected, *example;
    const struct unit *units;
} kinds[] = {
    [RPW_FLAG_SWITCH] = {take_switch, "true or false"},
    [RPW_FLAG_TEXT] = {take_text, "text"},
    [RPW_FLAG_FILE] = {take_text, "a file name"},
    [RPW_FLAG_FOLDER] = {take_text, "the name of a folder"},
    [RPW_FLAG_TEXTS] = {take_element, "text"},
    [RPW_FLAG_FILES] = {take_element, "a file name"},
    [RPW_FLAG_NUMBER] = {take_amount, "a number", "", no_units},
    [RPW_FLAG_DURATION] = {take_amount, "a duration", ", such as 90s, 10m, 12h or 30d", seconds},
    [RPW_FLAG_SIZE] = {take_amount, "a size", ", such as 64Mi", bytes},
    [RPW_FLAG_CHOICE] = {take_choice, ""},
    [RPW_FLAG_FORM] = {take_form, ""},
    [RPW_FLAG_FORMS] = {take_form, ""},
};

static bool take_switch(const struct rpw_flag *flag, const char *value, void *field, const char **ret_form)
{
    bool *is_on = field;

    (void)flag, (void)ret_form;
    *is_on = strcmp(value, "true") == 0;
    return *is_on || strcmp(value, "false") == 0;
}

static bool take_text(const struct rpw_flag *flag, const char *value, void *field, const char **ret_form)
{
    (void)flag, (void)ret_form;
    *(const char **)field = value;
    return value[0] != '\0';
}

static bool take_element(const struct rpw_flag *flag, const char *value, void *field, const char **ret_form)
{
    struct rpw_flag_list *list = field;

    (void)flag;
    if (list->count == RPW_FLAG_LIST_MAX)
        *ret_form = "at most 1024 of them";
    if (value[0] == '\0' || list->count == RPW_FLAG_LIST_MAX)
        return false;
    list->items[list->count++] = value;
    return true;
}

static bool take_choice(const struct rpw_flag *flag, const char *value, void *field, const char **ret_form)
{
    struct rpw_span rest = rpw_span_of(flag->value), word;
    unsigned *choice = field;

    (void)ret_form;
    for (*choice = 0; rpw_span_next_element(&rest, '|', &word); ++*choice)
        if (rpw_span_is(word, value))
            return true;
    return false;
}

/* Digits and a unit, without a sign. */
static bool take_amount(const struct rpw_flag *flag, const char *value, void *field, const char **ret_form)
{
    const struct unit *unit = kinds[flag->kind].units;
    unsigned long number;
    char *end = NULL;

    (void)ret_form;
    errno = 0;
    number = strtoul(value, &end, 10);
    while (unit->suffix != NULL && strcmp(unit->suffix, end) != 0)
        unit++;
    if (!isdigit((unsigned char)value[0]) || errno != 0 || unit->suffix == NULL || number > flag->max / unit->factor ||
        number * unit->factor < flag->min)
        return false;
    if (flag->kind == RPW_FLAG_DURATION)
        *(time_t *)field = (time_t)(number * unit->factor);
    else
        *(unsigned long *)field = number * unit->factor;
    return true;
}

static bool take_form(const struct rpw_flag *flag, const char *value, void *field, const char **ret_form)
{
    *ret_form = flag->take(field, value);
    return *ret_form == NULL;
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

int rpw_verb_fail(const struct rpw_verb *verb, int exit_code, const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "rucio-policy-webhook %s: ", verb->name);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return exit_code;
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

/* The largest unit that leaves no fraction. */
static const struct unit *unit_for(const struct unit *units, unsigned long amount)
{
    const struct unit *best = units;

    for (const struct unit *unit = units; unit->suffix != NULL; unit++)
        if (amount > 0 && amount % unit->factor == 0)
            best = unit;
    return best;
}

static void describe_expected(const struct rpw_flag *flag, char text[EXPECTED_BYTES])
{
    const struct kind *kind = &kinds[flag->kind];

    snprintf(text, EXPECTED_BYTES, "%s", kind->expected);
    if (kind->units != NULL) {
        const struct unit *least = unit_for(kind->units, flag->min), *most = unit_for(kind->units, flag->max);

        snprintf(text, EXPECTED_BYTES, "%s from %lu%s to %lu%s%s", kind->expected, flag->min / least->factor,
                 least->suffix, flag->max / most->factor, most->suffix, kind->example);
    } else if (flag->kind == RPW_FLAG_CHOICE) {
        describe_choice(flag->value, text);
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
    char expected[EXPECTED_BYTES];
    const char *form = NULL;

    if (kinds[flag->kind].take(flag, value, (char *)reading->options + flag->offset, &form))
        return true;
    describe_expected(flag, expected);
    rpw_flags_error(reading->verb, where, "found '%.100s', expected %s", value, form != NULL ? form : expected);
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
