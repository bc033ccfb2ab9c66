/* test_text.c - spans: comparison, elements, slashes, names, globs. */
#include "unit.h"

#include "rpw/bytes/text.h"

#define ABSENT ((struct rpw_span){NULL, 0})

/* --- comparison --------------------------------------------------------------------------------------------------- */

struct pair_row {
    const char *name;
    struct rpw_span a;
    struct rpw_span b;
    bool is_equal;
    bool a_starts_with_b;
    bool a_contains_b;
};

static const struct pair_row pair_rows[] = {
    {"text_pair_of_equal_texts", {"abc", 3}, {"abc", 3}, true, true, true},
    {"text_pair_of_different_case", {"abc", 3}, {"abC", 3}, false, false, false},
    {"text_pair_prefix", {"abc", 3}, {"ab", 2}, false, true, true},
    {"text_pair_longer_than_the_text", {"ab", 2}, {"abc", 3}, false, false, false},
    {"text_pair_suffix", {"abc", 3}, {"bc", 2}, false, false, true},
    {"text_pair_middle_after_a_false_start", {"aaab", 4}, {"aab", 3}, false, false, true},
    {"text_pair_of_two_empty_texts", {"", 0}, {"", 0}, true, true, true},
    {"text_pair_of_absent_and_empty", {NULL, 0}, {"", 0}, true, true, true},
    {"text_pair_of_two_absent_texts", {NULL, 0}, {NULL, 0}, true, true, true},
    {"text_pair_empty_in_something", {"abc", 3}, {"", 0}, false, true, true},
    {"text_pair_something_in_absent", {NULL, 0}, {"a", 1}, false, false, false},
    {"text_pair_differs_after_a_nul_byte", {"a\0b", 3}, {"a\0c", 3}, false, false, false},
    {"text_pair_equal_with_a_nul_byte", {"a\0b", 3}, {"a\0b", 3}, true, true, true},
    {"text_pair_ends_at_its_length_not_at_a_nul", {"abcd", 2}, {"ab", 2}, true, true, true},
};

static void pair_row(void **state)
{
    const struct pair_row *row = *state;

    assert_int_equal(rpw_span_equal(row->a, row->b), row->is_equal);
    assert_int_equal(rpw_span_equal(row->b, row->a), row->is_equal);
    assert_int_equal(rpw_span_starts_with(row->a, row->b), row->a_starts_with_b);
    assert_int_equal(rpw_span_contains(row->a, row->b), row->a_contains_b);
}

static void text_is_compares_with_a_c_string(void **state)
{
    (void)state;
    assert_true(rpw_span_is(RPW_LIT("abc"), "abc"));
    assert_false(rpw_span_is(RPW_LIT("abc"), "ab"));
    assert_false(rpw_span_is(RPW_LIT("a\0b"), "a"));
    assert_true(rpw_span_is(ABSENT, ""));
    assert_int_equal(rpw_span_of("abc").len, 3);
    assert_int_equal(RPW_LIT("a\0b").len, 3);
}

/* --- slashes ------------------------------------------------------------------------------------------------------ */

struct slash_row {
    const char *name;
    const char *text;
    const char *expected;
};

static const struct slash_row slash_rows[] = {
    {"text_keeps_a_path_without_trailing_slash", "/opt/rucio", "/opt/rucio"},
    {"text_drops_one_trailing_slash", "/opt/", "/opt"},
    {"text_drops_all_trailing_slashes", "/opt///", "/opt"},
    {"text_keeps_slashes_in_the_middle", "/opt//rucio", "/opt//rucio"},
    {"text_keeps_the_root", "/", "/"},
    {"text_keeps_one_slash_when_there_is_nothing_else", "///", "/"},
    {"text_keeps_the_empty_text", "", ""},
};

static void slash_row(void **state)
{
    const struct slash_row *row = *state;
    struct rpw_span result = rpw_span_without_trailing_slashes(rpw_span_of(row->text));

    assert_int_equal(result.len, strlen(row->expected));
    assert_memory_equal(result.ptr, row->expected, result.len);
}

/* --- elements ----------------------------------------------------------------------------------------------------- */

struct element_row {
    const char *name;
    struct rpw_span text;
    size_t count;
    const char *elements[4];
};

static const struct element_row element_rows[] = {
    {"text_has_one_element_when_there_is_no_separator", {"abc", 3}, 1, {"abc"}},
    {"text_has_two_elements", {"a:bc", 4}, 2, {"a", "bc"}},
    {"text_has_three_elements_when_one_is_empty", {"a::b", 4}, 3, {"a", "", "b"}},
    {"text_has_one_empty_element_when_empty", {"", 0}, 1, {""}},
    {"text_has_two_empty_elements_when_it_is_a_separator", {":", 1}, 2, {"", ""}},
    {"text_has_an_empty_first_element", {":a", 2}, 2, {"", "a"}},
    {"text_has_an_empty_last_element", {"a:", 2}, 2, {"a", ""}},
    {"text_has_no_elements_when_absent", {NULL, 0}, 0, {NULL}},
    {"text_elements_stop_at_the_length", {"a:b:c", 3}, 2, {"a", "b"}},
};

static void element_row(void **state)
{
    const struct element_row *row = *state;
    struct rpw_span rest = row->text;
    struct rpw_span element = RPW_LIT("untouched");

    for (size_t i = 0; i < row->count; i++) {
        assert_true(rpw_span_next_element(&rest, ':', &element));
        assert_non_null(element.ptr);
        assert_int_equal(element.len, strlen(row->elements[i]));
        assert_memory_equal(element.ptr, row->elements[i], element.len);
    }
    assert_false(rpw_span_next_element(&rest, ':', &element));
    assert_false(rpw_span_next_element(&rest, ':', &element));
}

/* --- globs -------------------------------------------------------------------------------------------------------- */

struct glob_row {
    const char *name;
    const char *pattern;
    const char *text;
    bool is_match;
};

static const struct glob_row glob_rows[] = {
    {"glob_literal_matches_itself", "rucio-server", "rucio-server", true},
    {"glob_literal_must_match_the_whole_text", "rucio", "rucio-server", false},
    {"glob_literal_is_longer_than_the_text", "rucio-server", "rucio", false},
    {"glob_is_case_sensitive", "rucio", "Rucio", false},
    {"glob_empty_matches_empty", "", "", true},
    {"glob_empty_matches_nothing_else", "", "a", false},
    {"glob_star_matches_empty", "*", "", true},
    {"glob_star_matches_anything", "*", "rucio-atlas", true},
    {"glob_star_matches_a_slash_and_a_dot", "*", "/.a", true},
    {"glob_two_stars_are_one", "**", "abc", true},
    {"glob_star_at_the_end", "atlas-*", "atlas-prod", true},
    {"glob_star_at_the_end_matches_empty", "atlas-*", "atlas-", true},
    {"glob_star_at_the_end_needs_its_prefix", "atlas-*", "atlas", false},
    {"glob_star_at_the_start", "*-prod", "atlas-prod", true},
    {"glob_star_at_the_start_needs_its_suffix", "*-prod", "atlas-prod2", false},
    {"glob_star_in_the_middle", "a*c", "abbbc", true},
    {"glob_star_in_the_middle_needs_both_ends", "a*c", "abbb", false},
    {"glob_star_does_not_use_a_byte_twice", "ab*ba", "aba", false},
    {"glob_star_goes_back_for_a_later_match", "*abc", "ababc", true},
    {"glob_several_stars", "a*b*c", "a-b-b-c", true},
    {"glob_several_stars_in_the_wrong_order", "a*b*c", "a-c-b", false},
    {"glob_stars_in_overlapping_text", "*aab*aab*", "aaabaab", true},
    {"glob_question_mark_matches_one", "vo?", "vo1", true},
    {"glob_question_mark_needs_one", "vo?", "vo", false},
    {"glob_question_mark_takes_only_one", "vo?", "vo12", false},
    {"glob_question_mark_after_a_star", "*?", "a", true},
    {"glob_question_mark_after_a_star_needs_a_byte", "*?", "", false},
    {"glob_question_marks_set_a_least_length", "???*", "ab", false},
    {"glob_brackets_are_literal", "[ab]", "a", false},
    {"glob_brackets_match_themselves", "[ab]", "[ab]", true},
    {"glob_backslash_is_literal", "\\*", "\\x", true},
    {"glob_star_in_the_text_is_only_a_byte", "a", "*", false},
};

static void glob_row(void **state)
{
    const struct glob_row *row = *state;

    assert_int_equal(rpw_glob_matches(rpw_span_of(row->pattern), rpw_span_of(row->text)), row->is_match);
}

static void glob_counts_a_nul_byte_as_any_other(void **state)
{
    (void)state;
    assert_true(rpw_glob_matches(RPW_LIT("a?b"), RPW_LIT("a\0b")));
    assert_true(rpw_glob_matches(RPW_LIT("a\0*"), RPW_LIT("a\0b")));
    assert_false(rpw_glob_matches(RPW_LIT("a"), RPW_LIT("a\0b")));
}

/* With an exponential matcher this test would not end within the age of the universe. */
static void glob_stays_quadratic_when_the_pattern_is_hostile(void **state)
{
    (void)state;
    static char pattern[2 * 500 + 1];
    static char text[4000];

    for (size_t i = 0; i < 500; i++)
        memcpy(pattern + 2 * i, "*a", 2);
    pattern[2 * 500] = 'b';
    memset(text, 'a', sizeof(text));
    struct rpw_span glob = {pattern, sizeof(pattern)};

    assert_false(rpw_glob_matches(glob, (struct rpw_span){text, sizeof(text)}));
    text[sizeof(text) - 1] = 'b';
    assert_true(rpw_glob_matches(glob, (struct rpw_span){text, sizeof(text)}));
}

/* --- names -------------------------------------------------------------------------------------------------------- */

#define A_61 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A_63 A_61 "aa"

struct name_row {
    const char *name;
    struct rpw_span text;
    bool is_label; /* of at most 63 bytes */
    bool is_name;  /* with labels of any length */
    bool is_host;  /* with labels of at most 63 bytes */
};

static const struct name_row name_rows[] = {
    {"name_of_letters_digits_and_hyphens", {"rucio-1", 7}, true, true, true},
    {"name_of_one_digit", {"0", 1}, true, true, true},
    {"name_of_two_labels", {"a.b", 3}, false, true, true},
    {"name_that_is_empty", {"", 0}, false, false, false},
    {"name_that_is_absent", {NULL, 0}, false, false, false},
    {"name_with_an_upper_case_letter", {"rucIo", 5}, false, false, false},
    {"name_with_an_underscore", {"a_b", 3}, false, false, false},
    {"name_with_a_nul_byte", {"a\0b", 3}, false, false, false},
    {"name_with_a_letter_beyond_ascii", {"\xc3\xa9", 2}, false, false, false},
    {"name_with_a_hyphen_in_front", {"-a", 2}, false, false, false},
    {"name_with_a_hyphen_at_its_end", {"a-", 2}, false, false, false},
    {"name_with_a_hyphen_at_the_end_of_a_label", {"a-.b", 4}, false, false, false},
    {"name_with_an_empty_label", {"a..b", 4}, false, false, false},
    {"name_with_a_dot_in_front", {".a", 2}, false, false, false},
    {"name_with_a_dot_at_its_end", {"a.", 2}, false, false, false},
    {"name_of_63_bytes", {A_63, 63}, true, true, true},
    {"name_of_64_bytes", {A_63 "a", 64}, false, true, false},
    {"name_of_253_bytes", {A_63 "." A_63 "." A_63 "." A_61, 253}, false, true, true},
    {"name_of_254_bytes", {A_63 "." A_63 "." A_63 "." A_61 "a", 254}, false, false, false},
};

static void name_row(void **state)
{
    const struct name_row *row = *state;

    assert_int_equal(rpw_span_is_dns_label(row->text, RPW_DNS_MAX_LABEL_BYTES), row->is_label);
    assert_int_equal(rpw_span_is_dns_name(row->text, RPW_DNS_MAX_NAME_BYTES), row->is_name);
    assert_int_equal(rpw_span_is_dns_name(row->text, RPW_DNS_MAX_LABEL_BYTES), row->is_host);
}

int main(void)
{
    UNIT_ADD_ROWS(pair_row, pair_rows);
    UNIT_ADD(text_is_compares_with_a_c_string);
    UNIT_ADD_ROWS(slash_row, slash_rows);
    UNIT_ADD_ROWS(element_row, element_rows);
    UNIT_ADD_ROWS(name_row, name_rows);
    UNIT_ADD_ROWS(glob_row, glob_rows);
    UNIT_ADD(glob_counts_a_nul_byte_as_any_other);
    UNIT_ADD(glob_stays_quadratic_when_the_pattern_is_hostile);
    return unit_run("text");
}
