/* test_config_errors.c - configurations that are wrong, and files that cannot be read: the whole report of each.
 *
 * A golden case is a folder tests/config/<what is refused>/ with config.yaml and expected.txt, the report. What is too
 * large or too odd for a tracked file is made here.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "unit.h"

#define MAX_EXPECTED_BYTES 65536

static const char *tests_dir(void)
{
    const char *dir = getenv("RPW_TEST_DIR");

    return dir ? dir : RPW_SOURCE_DIR "/tests";
}

/* --- golden folders ----------------------------------------------------------------------------------------------- */

static void golden_case(void **state)
{
    const char *name = *state;
    static char expected[MAX_EXPECTED_BYTES];
    char path[4096];
    struct rpw_config *config = NULL;
    char *report = NULL;
    size_t length;
    FILE *file;
    int fd;

    snprintf(path, sizeof(path), "%s/config/%s/expected.txt", tests_dir(), name);
    file = fopen(path, "r");
    assert_non_null(file);
    length = fread(expected, 1, sizeof(expected) - 1, file);
    expected[length] = '\0';
    fclose(file);

    snprintf(path, sizeof(path), "%s/config/%s/config.yaml", tests_dir(), name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_false(rpw_config_load_descriptor(fd, "config.yaml", &config, &report));
    close(fd);
    assert_null(config);
    assert_string_equal(report, expected);
    free(report);
}

static int is_case(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void add_golden_cases(void)
{
    static struct dirent **entries;
    char path[4096];
    int count;

    snprintf(path, sizeof(path), "%s/config", tests_dir());
    count = scandir(path, &entries, is_case, alphasort);
    if (count < 0) {
        perror(path);
        exit(1);
    }
    for (int i = 0; i < count; i++)
        unit_add(entries[i]->d_name, golden_case, entries[i]->d_name);
}

/* --- UTF-8 -------------------------------------------------------------------------------------------------------- */

struct utf8_row {
    const char *name;
    const char *bytes;    /* behind "# x" */
    const char *expected; /* the beginning of the report */
};

#define NOT_UTF8(column, byte) "config.yaml:1:" column ": error: found the byte 0x" byte ", expected text in UTF-8\n"
#define IS_UTF8 "config.yaml:1:1: error: found an empty file"

static const struct utf8_row utf8_rows[] = {
    {"config_accepts_characters_of_every_length", "\x7e \xc2\xa0 \xdf\xbf \xe0\xa0\x80 \xef\xbf\xbd \xf0\x90\x80\x80",
     IS_UTF8},
    {"config_accepts_the_neighbours_of_the_surrogates", "\xed\x9f\xbf \xee\x80\x80", IS_UTF8},
    {"config_accepts_the_last_character", "\xf4\x8f\xbf\xbf", IS_UTF8},
    {"config_refuses_a_continuation_byte_alone", "\x80", NOT_UTF8("4", "80")},
    {"config_refuses_an_overlong_character_of_two_bytes", "\xc1\xbf", NOT_UTF8("4", "c1")},
    {"config_refuses_an_overlong_character_of_three_bytes", "\xe0\x9f\xbf", NOT_UTF8("4", "e0")},
    {"config_refuses_an_overlong_character_of_four_bytes", "\xf0\x8f\xbf\xbf", NOT_UTF8("4", "f0")},
    {"config_refuses_a_surrogate", "\xed\xa0\x80", NOT_UTF8("4", "ed")},
    {"config_refuses_a_character_beyond_the_last", "\xf4\x90\x80\x80", NOT_UTF8("4", "f4")},
    {"config_refuses_a_byte_that_begins_nothing", "\xff", NOT_UTF8("4", "ff")},
    {"config_refuses_a_character_cut_off_by_another", "\xe2\x82 x", NOT_UTF8("4", "e2")},
    {"config_refuses_a_character_cut_off_by_the_end", "\xc3\xa9\xf0\x9f\x98", NOT_UTF8("5", "f0")},
};

static void utf8_row(void **state)
{
    const struct utf8_row *row = *state;
    struct rpw_config *config = NULL;
    char text[64], *report = NULL;

    snprintf(text, sizeof(text), "# x%s", row->bytes);
    assert_false(rpw_config_parse("config.yaml", rpw_span_of(text), &config, &report));
    if (strncmp(report, row->expected, strlen(row->expected)) != 0)
        fail_msg("%s", report);
    free(report);
}

/* --- limits: files that are made ---------------------------------------------------------------------------------- */

struct made_file {
    char *text;
    size_t size;
    FILE *out;
};

static void open_made(struct made_file *file)
{
    *file = (struct made_file){NULL, 0, NULL};
    file->out = open_memstream(&file->text, &file->size);
    assert_non_null(file->out);
}

/* Parses what was written, expects a report that contains expected, and returns the report. */
static char *refuse(struct made_file *file, const char *expected)
{
    struct rpw_config *config = NULL;
    char *report = NULL;

    assert_int_equal(fclose(file->out), 0);
    assert_false(rpw_config_parse("config.yaml", (struct rpw_span){file->text, file->size}, &config, &report));
    assert_null(config);
    assert_non_null(report);
    if (!strstr(report, expected))
        fail_msg("found: %.2000s", report);
    free(file->text);
    return report;
}

static void config_refuses_more_than_1024_elements(void **state)
{
    struct made_file file;
    char *report;

    (void)state;
    open_made(&file);
    fputs("policies:\n", file.out);
    for (int i = 0; i < 1025; i++)
        fprintf(file.out, "- {name: p%d, package: p, source: {preinstalled: {}}}\n", i);
    report = refuse(&file, "config.yaml:1026:3: error: found more than 1024 elements in one list or mapping, expected "
                           "fewer\n");
    free(report);
}

static void config_refuses_more_than_1024_keys(void **state)
{
    struct made_file file;
    char *report;

    (void)state;
    open_made(&file);
    for (int i = 0; i < 1025; i++)
        fprintf(file.out, "k%d: v\n", i);
    report = refuse(&file, "config.yaml:1025:1: error: found more than 1024 elements");
    free(report);
}

static void config_refuses_more_than_1024_keys_when_they_come_by_merging(void **state)
{
    struct made_file file;
    char *report;

    (void)state;
    open_made(&file);
    fputs("a: &a\n", file.out);
    for (int i = 0; i < 1000; i++)
        fprintf(file.out, "  k%d: v\n", i);
    fputs("b:\n  <<: *a\n", file.out);
    for (int i = 0; i < 100; i++)
        fprintf(file.out, "  l%d: v\n", i);
    report = refuse(&file, "error: found more than 1024 elements");
    free(report);
}

static void config_refuses_more_than_1024_keys_when_they_come_by_merging_a_list(void **state)
{
    struct made_file file;
    char *report;

    (void)state;
    open_made(&file);
    for (int k = 0; k < 2; k++) {
        fprintf(file.out, "m%d: &m%d\n", k, k);
        for (int i = 0; i < 600; i++)
            fprintf(file.out, "  k%d_%d: v\n", k, i);
    }
    fputs("b:\n  <<: [*m0, *m1]\n", file.out);
    report = refuse(&file, "error: found more than 1024 elements");
    free(report);
}

static void config_refuses_more_than_256_anchors(void **state)
{
    struct made_file file;
    char *report;

    (void)state;
    open_made(&file);
    fputs("policies:\n", file.out);
    for (int i = 0; i < 257; i++)
        fprintf(file.out, "- &a%d x\n", i);
    report = refuse(&file, "config.yaml:258:9: error: found more than 256 anchors, expected fewer\n");
    free(report);
}

static void config_refuses_aliases_that_multiply(void **state)
{
    struct made_file file;
    char *report;

    (void)state;
    open_made(&file);
    fputs("a0: &a0 [x, x, x, x, x, x, x, x, x]\n", file.out);
    for (int i = 1; i <= 9; i++)
        fprintf(file.out, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1, i - 1,
                i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    report = refuse(&file, "error: found aliases that stand for more than 2 MiB in all, expected less\n");
    free(report);
}

static void config_shows_100_errors_and_counts_the_rest(void **state)
{
    struct made_file file;
    char *report;
    size_t shown = 0;

    (void)state;
    open_made(&file);
    fputs("policies:\n", file.out);
    for (int i = 0; i < 120; i++)
        fprintf(file.out, "- {name: P%d, package: p, source: {preinstalled: {}}}\n", i);
    report = refuse(&file, "\nconfig.yaml: and 20 more\n");
    for (const char *at = report; (at = strstr(at, ": error: ")) != NULL; at++)
        shown++;
    assert_int_equal(shown, 100);
    free(report);
}

static void config_reports_nothing_else_when_memory_runs_out(void **state)
{
    static const char yaml[] = "policies:\n"
                               "  - &p\n"
                               "    name: atlas\n"
                               "    match: {namespaces: [a, b], podSelector: {matchLabels: {a: b}, matchExpressions: "
                               "[{key: k, operator: In, values: [v]}]}}\n"
                               "    packages: {atl: atlas_policy, ops: ops_policy}\n"
                               "    source: {volume: {secret: {secretName: s}}, subPath: x}\n"
                               "  - {<<: *p, name: b}\n";
    static const char wrong[] = "policies:\n  - {nmae: 1, path: [], source: {volume: {hostpath: {}}}}\n";
    static const char installers[] =
        "policies:\n"
        "  - {name: a, package: p, verify: fail, source: {copy: {image: \"i:1\", path: /p, sizeLimit: 1Gi}}}\n"
        "  - name: b\n"
        "    package: p\n"
        "    source: {pip: {requirements: [a==1], args: [--pre], indexUrl: \"https://e\", env: [{name: A, value: b}],\n"
        "      resources: {limits: {cpu: 1}}, securityContext: {runAsUser: 1}, image: \"i:1\", medium: Memory}}\n";
    const char *const texts[] = {yaml, wrong, installers};
    const bool is_right[] = {true, false, true};
    const size_t steps[] = {16, 16, 512}; /* the scripts are long */

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        bool is_out_of_memory = true;

        for (size_t limit = 0; is_out_of_memory; limit += steps[i]) {
            struct rpw_config *config = NULL;
            char *report = NULL;
            bool is_ok = rpw_config_parse_within("config.yaml", rpw_span_of(texts[i]), limit, &config, &report);

            is_out_of_memory = report && strcmp(report, "config.yaml: error: out of memory\n") == 0;
            if (!is_out_of_memory)
                assert_int_equal(is_ok, is_right[i]);
            free(report);
            rpw_config_free(config);
        }
    }
}

/* --- files that cannot be read ------------------------------------------------------------------------------------ */

static void assert_not_loaded(const char *path, const char *expected)
{
    struct rpw_config *config = NULL;
    char *report = NULL;

    assert_false(rpw_config_load(path, &config, &report));
    assert_null(config);
    assert_string_equal(report, expected);
    free(report);
}

static void load_names_the_reason_when_the_file_cannot_be_opened(void **state)
{
    (void)state;
    assert_not_loaded("/nonexistent/policy.yaml",
                      "/nonexistent/policy.yaml: error: it cannot be opened: No such file or directory\n");
}

static void load_refuses_a_directory(void **state)
{
    (void)state;
    assert_not_loaded("/", "/: error: found a directory, expected a YAML file\n");
}

static void load_names_the_reason_when_reading_fails(void **state)
{
    (void)state;
    /* Nothing is mapped at address 0. */
    assert_not_loaded("/proc/self/mem", "/proc/self/mem: error: it cannot be read: Input/output error\n");
}

/* A temporary file of size bytes, all of them comment. */
static void make_comment(char *path, size_t size)
{
    int fd = mkstemp(path);
    FILE *file;

    assert_true(fd >= 0);
    file = fdopen(fd, "w");
    assert_non_null(file);
    for (size_t i = 0; i < size; i++)
        fputc('#', file);
    assert_int_equal(fclose(file), 0);
}

static void load_takes_files_up_to_1_mib(void **state)
{
    char path[] = "/tmp/rpw-test-config-XXXXXX", expected[512];
    struct rpw_config *config = NULL;
    char *report = NULL;

    (void)state;
    make_comment(path, RPW_CONFIG_MAX_BYTES);
    assert_false(rpw_config_load(path, &config, &report));
    unlink(path);
    assert_non_null(strstr(report, "found an empty file"));
    free(report);

    snprintf(path, sizeof(path), "/tmp/rpw-test-config-XXXXXX");
    make_comment(path, RPW_CONFIG_MAX_BYTES + 1);
    snprintf(expected, sizeof(expected), "%s: error: found more than 1 MiB, expected less: a ConfigMap holds no more\n",
             path);
    assert_false(rpw_config_load(path, &config, &report));
    unlink(path);
    assert_string_equal(report, expected);
    free(report);
}

static void load_reads_a_file_that_is_right(void **state)
{
    struct rpw_config *config = NULL;
    char *report = NULL;
    char path[4096];

    (void)state;
    snprintf(path, sizeof(path), "%s/../examples/policy.yaml", tests_dir());
    assert_true(rpw_config_load(path, &config, &report));
    assert_int_equal(rpw_config_policies(config)->count, 2);
    assert_string_equal(rpw_config_warnings(config), "");
    rpw_config_free(config);
}

int main(void)
{
    add_golden_cases();
    UNIT_ADD_ROWS(utf8_row, utf8_rows);
    UNIT_ADD(config_refuses_more_than_1024_elements);
    UNIT_ADD(config_refuses_more_than_1024_keys);
    UNIT_ADD(config_refuses_more_than_1024_keys_when_they_come_by_merging);
    UNIT_ADD(config_refuses_more_than_1024_keys_when_they_come_by_merging_a_list);
    UNIT_ADD(config_refuses_more_than_256_anchors);
    UNIT_ADD(config_refuses_aliases_that_multiply);
    UNIT_ADD(config_shows_100_errors_and_counts_the_rest);
    UNIT_ADD(config_reports_nothing_else_when_memory_runs_out);
    UNIT_ADD(load_names_the_reason_when_the_file_cannot_be_opened);
    UNIT_ADD(load_refuses_a_directory);
    UNIT_ADD(load_names_the_reason_when_reading_fails);
    UNIT_ADD(load_takes_files_up_to_1_mib);
    UNIT_ADD(load_reads_a_file_that_is_right);
    return unit_run("config_errors");
}
