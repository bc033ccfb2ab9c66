/* test_flags.c - flags.h: a table, a command line and the environment give values, or one line that says what is wrong. */
#include "cli.h"
#include "flags.h"
#include "values.h"

#include <time.h>
#include <unistd.h>

#include "unit.h"

struct options {
    bool is_loud;
    const char *file;
    struct rpw_flag_list files;
    unsigned long count, bytes;
    time_t delay_s;
    unsigned colour;
    const char *namespace_;
};

static const struct rpw_flag flags[] = {
    RPW_FLAG("loud", SWITCH, struct options, is_loud, NULL, "noise", .fallback = "false"),
    RPW_FLAG("out", FILE, struct options, file, "FILE", "a file", .is_argument = true),
    RPW_FLAG("file", FILES, struct options, files, "FILE", "files", .letter = 'f'),
    RPW_FLAG("count", NUMBER, struct options, count, "N", "a number", .fallback = "7", .min = 1, .max = 100),
    RPW_FLAG("size", SIZE, struct options, bytes, "SIZE", "a size", .min = 1024, .max = 1UL << 40),
    RPW_FLAG("delay", DURATION, struct options, delay_s, "TIME", "a time", .max = 864000000),
    RPW_FLAG("colour", CHOICE, struct options, colour, "red|green|blue", "a colour", .letter = 'c',
             .fallback = "green"),
    RPW_FLAG("namespace", FORM, struct options, namespace_, "NS", "a namespace", .letter = 'n',
             .take = rpw_flag_take_namespace),
};

static const struct rpw_verb verb = {
    .name = "try", .text = "Tries.", .flags = flags, .flag_count = sizeof(flags) / sizeof(flags[0])};

#define MAX_WORDS 8

/* Reads the words, which are divided by spaces. ret_error: what standard error got. */
static bool read_words(const char *words, struct options *options, char *ret_error, size_t error_bytes)
{
    static char buffer[4096];
    char *argv[MAX_WORDS] = {buffer}, *rest = buffer;
    int argc = 0, exit_code = -1, saved = dup(STDERR_FILENO);
    FILE *errors = tmpfile();
    bool is_right;
    size_t len;

    snprintf(buffer, sizeof(buffer), "try %s", words);
    while (argc < MAX_WORDS && (argv[argc] = strsep(&rest, " ")) != NULL)
        argc += argv[argc][0] != '\0' ? 1 : 0;
    fflush(stderr);
    assert_non_null(errors);
    dup2(fileno(errors), STDERR_FILENO);
    is_right = rpw_flags_read(&verb, argc, argv, options, &exit_code);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(errors);
    len = fread(ret_error, 1, error_bytes - 1, errors);
    ret_error[len] = '\0';
    fclose(errors);
    if (!is_right)
        assert_int_equal(exit_code, RPW_EXIT_USAGE);
    return is_right;
}

/* --- values --------------------------------------------------------------------------------------------------------- */

static const struct duration_row {
    const char *name;
    const char *words;
    time_t seconds; /* -1: an error */
} duration_rows[] = {
    {"duration_seconds", "--delay 90s", 90},
    {"duration_minutes", "--delay=2m", 120},
    {"duration_hours", "--delay 12h", 43200},
    {"duration_days", "--delay 30d", 2592000},
    {"duration_zero", "--delay 0s", 0},
    {"duration_longest", "--delay 10000d", 864000000},
    {"duration_too_long", "--delay 10001d", -1},
    {"duration_far_too_long", "--delay 999999999999999999999d", -1},
    {"duration_that_overflows_with_its_unit", "--delay 300000000000000000d", -1},
    {"duration_without_unit", "--delay 90", -1},
    {"duration_with_foreign_unit", "--delay 1w", -1},
    {"duration_negative", "--delay -1s", -1},
    {"duration_with_a_fraction", "--delay 1.5h", -1},
    {"duration_of_two_units", "--delay 1h5m", -1},
    {"duration_empty", "--delay=", -1},
    {"duration_unit_alone", "--delay d", -1},
};

static void duration_is_read(void **state)
{
    const struct duration_row *row = *state;
    struct options options = {.delay_s = -1};
    char error[512];

    assert_int_equal(read_words(row->words, &options, error, sizeof(error)), row->seconds >= 0);
    assert_int_equal(options.delay_s, row->seconds);
    if (row->seconds < 0)
        assert_non_null(strstr(error, "expected a duration from 0s to 10000d, such as 90s, 10m, 12h or 30d"));
}

static const struct value_row {
    const char *name;
    const char *words;
    struct options options;
} value_rows[] = {
    {"defaults_count_when_nothing_is_given", "", {.count = 7, .colour = 1}},
    {"switch_is_on_when_it_is_given", "--loud", {.is_loud = true, .count = 7, .colour = 1}},
    {"switch_can_be_switched_off", "--loud=false", {.count = 7, .colour = 1}},
    {"last_value_wins", "--count 1 --count=2", {.count = 2, .colour = 1}},
    {"value_that_loses_is_not_looked_at", "--count x --count=2", {.count = 2, .colour = 1}},
    {"letter_takes_the_next_word", "-c blue", {.count = 7, .colour = 2}},
    {"letter_takes_what_follows", "-cblue", {.count = 7, .colour = 2}},
    {"letter_takes_an_equals_sign", "-c=blue", {.count = 7, .colour = 2}},
    {"size_in_mebibytes", "--size 64Mi", {.count = 7, .colour = 1, .bytes = 64UL << 20}},
    {"size_in_bytes", "--size 2000", {.count = 7, .colour = 1, .bytes = 2000}},
    {"list_has_all_values", "-f a --file b -f=-", {.count = 7, .colour = 1, .files = {{"a", "b", "-"}, 3}}},
    {"argument_is_the_value_of_its_flag", "-c red a.txt", {.count = 7, .file = "a.txt"}},
    {"hyphen_is_an_argument", "-", {.count = 7, .colour = 1, .file = "-"}},
    {"value_may_begin_with_a_hyphen", "--out -x", {.count = 7, .colour = 1, .file = "-x"}},
};

static void value_is_stored(void **state)
{
    const struct value_row *row = *state;
    struct options options = {.is_loud = false};
    char error[512];

    assert_true(read_words(row->words, &options, error, sizeof(error)));
    assert_string_equal(error, "");
    assert_int_equal(options.is_loud, row->options.is_loud);
    assert_int_equal(options.count, row->options.count);
    assert_int_equal(options.bytes, row->options.bytes);
    assert_int_equal(options.colour, row->options.colour);
    assert_int_equal(options.files.count, row->options.files.count);
    for (size_t i = 0; i < options.files.count; i++)
        assert_string_equal(options.files.items[i], row->options.files.items[i]);
    assert_string_equal(options.file != NULL ? options.file : "", row->options.file != NULL ? row->options.file : "");
}

/* --- errors --------------------------------------------------------------------------------------------------------- */

static const struct error_row {
    const char *name;
    const char *words;
    const char *error; /* behind "rucio-policy-webhook try: " */
} error_rows[] = {
    {"unknown_flag", "--nonsense", "--nonsense: there is no such flag (see --help)\n"},
    {"unknown_flag_that_is_nearly_one", "--cuont 3",
     "--cuont: there is no such flag; did you mean --count? (see --help)\n"},
    {"unknown_flag_with_a_value", "--cuont=3",
     "--cuont=3: there is no such flag; did you mean --count? (see --help)\n"},
    {"unknown_letter", "-x", "-x: there is no such flag (see --help)\n"},
    {"missing_value", "--count", "--count: a value is missing: N (see --help)\n"},
    {"number_out_of_bounds", "--count 101", "--count: found '101', expected a number from 1 to 100 (see --help)\n"},
    {"number_with_a_unit", "--count 1k", "--count: found '1k', expected a number from 1 to 100 (see --help)\n"},
    {"size_too_small", "--size 1",
     "--size: found '1', expected a size from 1Ki to 1024Gi, such as 64Mi (see --help)\n"},
    {"size_with_a_decimal_unit", "--size 64M",
     "--size: found '64M', expected a size from 1Ki to 1024Gi, such as 64Mi (see --help)\n"},
    {"choice_of_none", "-c pink", "--colour: found 'pink', expected red, green or blue (see --help)\n"},
    {"switch_with_another_word", "--loud=yes", "--loud: found 'yes', expected true or false (see --help)\n"},
    {"empty_file_name", "--out=", "--out: found '', expected a file name (see --help)\n"},
    {"two_arguments_where_one_is_wanted", "a b", "argument: found 'a' and 'b', expected one (see --help)\n"},
    {"form_says_what_it_expects", "-n A",
     "--namespace: found 'A', expected the name of a namespace (a-z, 0-9, -; at most 63) (see --help)\n"},
};

static void error_is_one_line(void **state)
{
    const struct error_row *row = *state;
    struct options options = {.is_loud = false};
    char error[512], expected[512];

    snprintf(expected, sizeof(expected), "rucio-policy-webhook try: %s", row->error);
    assert_false(read_words(row->words, &options, error, sizeof(error)));
    assert_string_equal(error, expected);
}

static void variable_counts_where_no_flag_is_given(void **unused)
{
    struct options options = {.is_loud = false};
    char error[512];

    (void)unused;
    setenv("RPW_COUNT", "9", 1);
    assert_true(read_words("", &options, error, sizeof(error)));
    assert_int_equal(options.count, 9);
    assert_true(read_words("--count 3", &options, error, sizeof(error)));
    assert_int_equal(options.count, 3);
    setenv("RPW_COUNT", "many", 1);
    assert_false(read_words("", &options, error, sizeof(error)));
    assert_non_null(strstr(error, "RPW_COUNT: found 'many'"));
    unsetenv("RPW_COUNT");
}

/* --- the program's own tables --------------------------------------------------------------------------------------- */

static const struct rpw_verb *const verbs[] = {
    &rpw_verb_serve, &rpw_verb_mutate, &rpw_verb_check,          &rpw_verb_registration,
    &rpw_verb_init,  &rpw_verb_audit,  &rpw_verb_certs_generate, &rpw_verb_certs_ensure,
};

static void every_flag_is_described_and_called_as_no_other(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        assert_in_range(verbs[i]->flag_count, 1, RPW_FLAGS_MAX);
        for (size_t k = 0; k < verbs[i]->flag_count; k++) {
            const struct rpw_flag *flag = &verbs[i]->flags[k];

            assert_non_null(flag->help);
            assert_int_equal(flag->value == NULL, flag->kind == RPW_FLAG_SWITCH);
            assert_int_equal(flag->take != NULL, flag->kind == RPW_FLAG_FORM || flag->kind == RPW_FLAG_FORMS);
            for (size_t other = 0; other < k; other++) {
                assert_string_not_equal(flag->name, verbs[i]->flags[other].name);
                assert_true(flag->letter == 0 || flag->letter != verbs[i]->flags[other].letter);
            }
        }
    }
}

static void time_comes_back_as_it_was(void **unused)
{
    char text[RPW_TIME_TEXT_BYTES];

    (void)unused;
    rpw_time_format(1800000000, text);
    assert_string_equal(text, "2027-01-15T08:00:00Z");
    assert_int_equal(rpw_time_parse(text), 1800000000);
    assert_int_equal(rpw_time_parse("yesterday"), 0);
}

static void names_of_objects_are_told_apart(void **unused)
{
    (void)unused;
    assert_true(rpw_is_namespace_name("rucio-1"));
    assert_false(rpw_is_namespace_name("a.b"));
    assert_false(rpw_is_namespace_name(""));
    assert_true(rpw_is_object_name("policy.rucio.cern.ch"));
    assert_false(rpw_is_object_name("a..b"));
    assert_false(rpw_is_object_name("../a"));
    assert_false(rpw_is_object_name("a?b"));
}

int main(void)
{
    UNIT_ADD_ROWS(duration_is_read, duration_rows);
    UNIT_ADD_ROWS(value_is_stored, value_rows);
    UNIT_ADD_ROWS(error_is_one_line, error_rows);
    UNIT_ADD(variable_counts_where_no_flag_is_given);
    UNIT_ADD(every_flag_is_described_and_called_as_no_other);
    UNIT_ADD(time_comes_back_as_it_was);
    UNIT_ADD(names_of_objects_are_told_apart);
    return unit_run("flags");
}
