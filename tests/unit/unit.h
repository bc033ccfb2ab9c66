/* unit.h - table-driven tests: every row of a table is a cmocka test of its own name.
 *
 * A row is a struct whose first member is `const char *name`; the test gets the row as its state:
 *
 *     static void glob_row(void **state)
 *     {
 *         const struct glob_row *row = *state;
 *         assert_int_equal(rpw_glob_matches(row->pattern, row->text), row->is_match);
 *     }
 *
 *     int main(void)
 *     {
 *         UNIT_ADD_ROWS(glob_row, glob_rows);
 *         UNIT_ADD(text_has_three_elements_when_one_is_empty);
 *         return unit_run("text");
 *     }
 *
 * Each test program includes this header once. Threads: none. Limit: UNIT_MAX_TESTS in one program.
 */
#ifndef RPW_TESTS_UNIT_H
#define RPW_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define UNIT_MAX_TESTS 4096

static struct CMUnitTest unit_tests[UNIT_MAX_TESTS];
static size_t unit_count;

/* Adds one test. state is handed to it as *state and must outlive unit_run(). */
static inline void unit_add(const char *name, CMUnitTestFunction test, const void *state)
{
    if (unit_count == UNIT_MAX_TESTS) {
        fputs("unit.h: more tests than UNIT_MAX_TESTS\n", stderr);
        exit(1);
    }
    /* cmocka's member is a plain pointer; the tests read it as const again. */
    unit_tests[unit_count++] =
        (struct CMUnitTest){.name = name, .test_func = test, .initial_state = (void *)(uintptr_t)state};
}

static inline void unit_add_rows(CMUnitTestFunction test, const void *rows, size_t row_size, size_t row_count)
{
    for (size_t i = 0; i < row_count; i++) {
        const char *row = (const char *)rows + i * row_size;
        const char *name;

        memcpy(&name, row, sizeof(name));
        unit_add(name, test, row);
    }
}

/* One test, named as its function. */
#define UNIT_ADD(test) unit_add(#test, (test), NULL)

/* One test for each row of the array rows. */
#define UNIT_ADD_ROWS(test, rows) unit_add_rows((test), (rows), sizeof((rows)[0]), sizeof(rows) / sizeof((rows)[0]))

/* Runs all that was added; the number of failed tests, for main() to return. */
static inline int unit_run(const char *group)
{
    return _cmocka_run_group_tests(group, unit_tests, unit_count, NULL, NULL);
}

#endif
