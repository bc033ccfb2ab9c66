/* test_json_reader.c - every rule of RFC 8259, accepted and refused, on both ways through a text.
 *
 * A text can be read in two ways: skipped in one go, or walked (entered, read, gone through member by member). Each row
 * below goes both ways, which must agree in the verdict, the status and the offset. What the walk reads is tested in
 * test_json_values.c.
 */
#include "unit.h"

#include <jansson.h>

#include "json_text.h"
#include "rpw/bytes/limits.h"

/* Consumes one value with the functions that callers use, whatever it is. */
static bool walk(struct rpw_json_reader *reader)
{
    struct rpw_span ignored;
    bool ignored_bool;

    switch (rpw_json_peek(reader)) {
    case RPW_JSON_OBJECT:
        if (!rpw_json_enter_object(reader, "value"))
            return false;
        while (rpw_json_next_member(reader, &ignored))
            if (!walk(reader))
                return false;
        return reader->err.status == RPW_OK;
    case RPW_JSON_ARRAY:
        if (!rpw_json_enter_array(reader, "value"))
            return false;
        while (rpw_json_next_element(reader))
            if (!walk(reader))
                return false;
        return reader->err.status == RPW_OK;
    case RPW_JSON_STRING:
        return rpw_json_read_string(reader, "value", &ignored);
    case RPW_JSON_BOOL:
        return rpw_json_read_bool(reader, "value", &ignored_bool);
    case RPW_JSON_NULL:
        return rpw_json_take_null(reader);
    case RPW_JSON_NUMBER:
        return rpw_json_read_raw(reader, &ignored);
    case RPW_JSON_NOTHING:
        break;
    }
    return rpw_json_skip(reader);
}

/* Reads text both ways; they must agree. Returns the error, RPW_OK when the text was accepted. */
static struct rpw_err read_both_ways(struct rpw_span text)
{
    struct exact_copy copy = copy_exactly(text);
    struct rpw_json_reader skipper = reader_of(copy.text);
    bool is_skipped = rpw_json_skip(&skipper) && rpw_json_finish(&skipper);
    struct rpw_json_reader walker = reader_of(copy.text);
    bool is_walked = walk(&walker) && rpw_json_finish(&walker);

    assert_int_equal(is_skipped, skipper.err.status == RPW_OK);
    assert_int_equal(is_walked, walker.err.status == RPW_OK);
    assert_int_equal(skipper.err.status, walker.err.status);
    assert_int_equal(skipper.err.offset, walker.err.offset);
    assert_true(skipper.err.offset <= text.len);
    free(copy.block);
    return skipper.err;
}

/* --- accepted ----------------------------------------------------------------------------------------------------- */

struct accept_row {
    const char *name;
    struct rpw_span text;
};

static const struct accept_row accept_rows[] = {
    {"json_accepts_an_empty_object", TEXT("{}")},
    {"json_accepts_an_empty_array", TEXT("[]")},
    {"json_accepts_an_empty_object_with_space_in_it", TEXT("{ }")},
    {"json_accepts_an_empty_array_with_space_in_it", TEXT("[ \n]")},
    {"json_accepts_members", TEXT("{\"a\":1,\"b\":2}")},
    {"json_accepts_elements", TEXT("[1,2,3]")},
    {"json_accepts_all_of_it_nested", TEXT("[[],{},[{}],{\"a\":[]},{\"a\":{\"b\":[1,{}]}}]")},
    {"json_accepts_values_after_nested_ones", TEXT("{\"a\":{\"b\":[[]]},\"c\":[{}],\"d\":1}")},
    {"json_accepts_a_key_twice", TEXT("{\"a\":1,\"a\":2}")},
    {"json_accepts_an_empty_key", TEXT("{\"\":1}")},
    {"json_accepts_true", TEXT("true")},
    {"json_accepts_false", TEXT("false")},
    {"json_accepts_null", TEXT("null")},
    {"json_accepts_words_in_an_array", TEXT("[true,false,null]")},

    {"json_accepts_every_white_space_around_every_token", TEXT(" \t\n\r{ \t\n\r\"a\" \t\n\r: \t\n\r[ \t\n\r1 \t\n\r, "
                                                               "\t\n\r2 \t\n\r] \t\n\r, \t\n\r\"b\" \t\n\r:2 \t\n\r} "
                                                               "\t\n\r")},
    {"json_accepts_space_after_a_scalar", TEXT("1 ")},
    {"json_accepts_space_before_a_scalar", TEXT("\r\n\"a\"")},

    {"json_accepts_zero", TEXT("0")},
    {"json_accepts_minus_zero", TEXT("-0")},
    {"json_accepts_one_digit", TEXT("7")},
    {"json_accepts_many_digits", TEXT("1234567890")},
    {"json_accepts_a_negative_number", TEXT("-12")},
    {"json_accepts_a_fraction", TEXT("0.5")},
    {"json_accepts_a_fraction_with_zeros", TEXT("10.0500")},
    {"json_accepts_a_negative_fraction", TEXT("-0.25")},
    {"json_accepts_an_exponent", TEXT("1e5")},
    {"json_accepts_an_upper_case_exponent", TEXT("1E5")},
    {"json_accepts_an_exponent_with_plus", TEXT("1e+5")},
    {"json_accepts_an_exponent_with_minus", TEXT("1e-5")},
    {"json_accepts_an_exponent_with_leading_zeros", TEXT("1e007")},
    {"json_accepts_zero_with_an_exponent", TEXT("0e0")},
    {"json_accepts_a_number_with_all_parts", TEXT("-120.034E-56")},
    {"json_accepts_a_number_too_large_for_any_type", TEXT("1e99999")},
    {"json_accepts_more_digits_than_any_type", TEXT("123456789012345678901234567890.123456789012345678901234567890")},

    {"json_accepts_an_empty_string", TEXT("\"\"")},
    {"json_accepts_a_string", TEXT("\"rucio\"")},
    {"json_accepts_a_string_of_exactly_eight_bytes", TEXT("\"12345678\"")},
    {"json_accepts_a_long_string", TEXT("\"a string that is much longer than one machine word, twice over\"")},
    {"json_accepts_every_short_escape", TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"")},
    {"json_accepts_an_escape_in_upper_case_hex", TEXT("\"\\u00E9\\uABCD\"")},
    {"json_accepts_an_escape_in_lower_case_hex", TEXT("\"\\u00e9\\uabcd\"")},
    {"json_accepts_an_escaped_nul", TEXT("\"\\u0000\"")},
    {"json_accepts_an_escaped_control_character", TEXT("\"\\u001f\"")},
    {"json_accepts_the_last_escape_below_the_surrogates", TEXT("\"\\uD7FF\"")},
    {"json_accepts_the_first_escape_above_the_surrogates", TEXT("\"\\uE000\"")},
    {"json_accepts_the_escaped_noncharacter", TEXT("\"\\uFFFF\"")},
    {"json_accepts_the_lowest_surrogate_pair", TEXT("\"\\uD800\\uDC00\"")},
    {"json_accepts_the_highest_surrogate_pair", TEXT("\"\\uDBFF\\uDFFF\"")},
    {"json_accepts_two_surrogate_pairs_in_a_row", TEXT("\"\\uD83D\\uDE00\\uD83D\\uDE00\"")},
    {"json_accepts_an_escape_in_a_key", TEXT("{\"\\u0061\":1}")},
    {"json_accepts_delete", TEXT("\"\x7f\"")},
    {"json_accepts_a_slash_without_escape", TEXT("\"a/b\"")},
    {"json_accepts_an_apostrophe_in_a_string", TEXT("\"'\"")},
    {"json_accepts_brackets_in_a_string", TEXT("[\"]}{[,:\"]")},

    {"json_accepts_the_first_two_byte_character", TEXT("\"\xC2\x80\"")},
    {"json_accepts_the_last_two_byte_character", TEXT("\"\xDF\xBF\"")},
    {"json_accepts_the_first_three_byte_character", TEXT("\"\xE0\xA0\x80\"")},
    {"json_accepts_the_last_character_below_the_surrogates", TEXT("\"\xED\x9F\xBF\"")},
    {"json_accepts_the_first_character_above_the_surrogates", TEXT("\"\xEE\x80\x80\"")},
    {"json_accepts_the_last_three_byte_character", TEXT("\"\xEF\xBF\xBF\"")},
    {"json_accepts_the_first_four_byte_character", TEXT("\"\xF0\x90\x80\x80\"")},
    {"json_accepts_the_last_character_of_unicode", TEXT("\"\xF4\x8F\xBF\xBF\"")},
    {"json_accepts_a_bom_inside_a_string", TEXT("\"\xEF\xBB\xBF\"")},
    {"json_accepts_utf8_after_seven_plain_bytes", TEXT("\"1234567\xC3\xA9 and so on\"")},
    {"json_accepts_utf8_in_a_key", TEXT("{\"\xC3\xA9\":1}")},
};

static void accept_row(void **state)
{
    const struct accept_row *row = *state;
    struct rpw_err err = read_both_ways(row->text);

    if (err.status != RPW_OK)
        fail_msg("refused at %zu: expected %s", err.offset, err.expected);
}

/* --- refused ------------------------------------------------------------------------------------------------------ */

struct reject_row {
    const char *name;
    struct rpw_span text;
    size_t offset; /* of the offending byte */
};

static const struct reject_row structure_rows[] = {
    {"json_refuses_an_empty_text", TEXT(""), 0},
    {"json_refuses_nothing_but_space", TEXT(" \n "), 3},
    {"json_refuses_an_open_object", TEXT("{"), 1},
    {"json_refuses_an_open_array", TEXT("["), 1},
    {"json_refuses_a_closing_brace", TEXT("}"), 0},
    {"json_refuses_a_closing_bracket", TEXT("]"), 0},
    {"json_refuses_a_comma", TEXT(","), 0},
    {"json_refuses_a_colon", TEXT(":"), 0},
    {"json_refuses_an_array_closed_as_object", TEXT("[1}"), 2},
    {"json_refuses_an_object_closed_as_array", TEXT("{\"a\":1]"), 6},
    {"json_refuses_an_empty_array_closed_as_object", TEXT("[}"), 1},
    {"json_refuses_an_empty_object_closed_as_array", TEXT("{]"), 1},
    {"json_refuses_a_nested_array_closed_as_object", TEXT("{\"a\":[1}}"), 7},
    {"json_refuses_a_comma_at_the_end_of_an_array", TEXT("[1,]"), 3},
    {"json_refuses_a_comma_at_the_end_of_an_object", TEXT("{\"a\":1,}"), 7},
    {"json_refuses_a_comma_at_the_start_of_an_array", TEXT("[,1]"), 1},
    {"json_refuses_a_comma_at_the_start_of_an_object", TEXT("{,\"a\":1}"), 1},
    {"json_refuses_two_commas_in_an_array", TEXT("[1,,2]"), 3},
    {"json_refuses_two_commas_in_an_object", TEXT("{\"a\":1,,\"b\":2}"), 7},
    {"json_refuses_elements_without_a_comma", TEXT("[1 2]"), 3},
    {"json_refuses_members_without_a_comma", TEXT("{\"a\":1 \"b\":2}"), 7},
    {"json_refuses_a_key_without_a_colon", TEXT("{\"a\" 1}"), 5},
    {"json_refuses_a_key_without_a_value", TEXT("{\"a\":}"), 5},
    {"json_refuses_a_key_alone", TEXT("{\"a\"}"), 4},
    {"json_refuses_two_colons", TEXT("{\"a\"::1}"), 5},
    {"json_refuses_a_colon_in_an_array", TEXT("[\"a\":1]"), 4},
    {"json_refuses_a_number_as_key", TEXT("{1:1}"), 1},
    {"json_refuses_a_word_as_key", TEXT("{null:1}"), 1},
    {"json_refuses_a_key_without_quotes", TEXT("{a:1}"), 1},
    {"json_refuses_a_key_in_apostrophes", TEXT("{'a':1}"), 1},
    {"json_refuses_a_value_as_member", TEXT("{[]:1}"), 1},
    {"json_refuses_a_second_value", TEXT("1 2"), 2},
    {"json_refuses_a_second_object", TEXT("{}{}"), 2},
    {"json_refuses_a_closing_brace_too_many", TEXT("{}}"), 2},
    {"json_refuses_a_closing_bracket_too_many", TEXT("[]]"), 2},
    {"json_refuses_a_comma_after_the_value", TEXT("{},"), 2},
    {"json_refuses_a_line_comment", TEXT("// no\n1"), 0},
    {"json_refuses_a_block_comment", TEXT("[/* no */]"), 1},
    {"json_refuses_a_hash_comment", TEXT("1 # no"), 2},
    {"json_refuses_a_nul_byte_alone", TEXT("\0"), 0},
    {"json_refuses_a_nul_byte_before_the_value", TEXT("\0{}"), 0},
    {"json_refuses_a_nul_byte_after_the_value", TEXT("{}\0"), 2},
    {"json_refuses_a_nul_byte_between_tokens", TEXT("[1\0]"), 2},
    {"json_refuses_a_bom", TEXT("\xEF\xBB\xBF{}"), 0},
    {"json_refuses_a_utf16_text", TEXT("\xFF\xFE{\0}\0"), 0},
    {"json_refuses_a_vertical_tab_as_space", TEXT("[\v1]"), 1},
    {"json_refuses_a_form_feed_as_space", TEXT("[\f1]"), 1},
    {"json_refuses_a_no_break_space_as_space", TEXT("[\xC2\xA0]"), 1},
    {"json_refuses_a_part_of_true", TEXT("tru"), 3},
    {"json_refuses_a_misspelt_true", TEXT("trve"), 2},
    {"json_refuses_true_in_upper_case", TEXT("TRUE"), 0},
    {"json_refuses_true_with_a_letter_too_many", TEXT("truee"), 4},
    {"json_refuses_a_part_of_false", TEXT("[fals]"), 5},
    {"json_refuses_a_misspelt_false", TEXT("falze"), 3},
    {"json_refuses_a_part_of_null", TEXT("nul"), 3},
    {"json_refuses_a_misspelt_null", TEXT("[nil]"), 2},
    {"json_refuses_nan", TEXT("NaN"), 0},
    {"json_refuses_infinity", TEXT("Infinity"), 0},
    {"json_refuses_undefined", TEXT("undefined"), 0},
};

static const struct reject_row number_rows[] = {
    {"json_refuses_a_minus_alone", TEXT("-"), 1},
    {"json_refuses_a_minus_before_a_bracket", TEXT("[-]"), 2},
    {"json_refuses_two_minuses", TEXT("--1"), 1},
    {"json_refuses_a_plus", TEXT("+1"), 0},
    {"json_refuses_a_leading_zero", TEXT("01"), 1},
    {"json_refuses_a_leading_zero_after_a_minus", TEXT("-01"), 2},
    {"json_refuses_two_zeros", TEXT("00"), 1},
    {"json_refuses_a_leading_zero_in_an_array", TEXT("[012]"), 2},
    {"json_refuses_a_point_without_digits_before_it", TEXT(".5"), 0},
    {"json_refuses_a_point_after_a_minus", TEXT("-.5"), 1},
    {"json_refuses_a_point_without_digits_after_it", TEXT("1."), 2},
    {"json_refuses_a_point_without_digits_in_an_array", TEXT("[1.]"), 3},
    {"json_refuses_two_points", TEXT("1.2.3"), 3},
    {"json_refuses_a_point_then_an_exponent", TEXT("1.e5"), 2},
    {"json_refuses_an_exponent_without_digits", TEXT("1e"), 2},
    {"json_refuses_an_exponent_with_only_a_sign", TEXT("1e+"), 3},
    {"json_refuses_an_exponent_with_two_signs", TEXT("1e+-5"), 3},
    {"json_refuses_an_exponent_with_a_fraction", TEXT("1e5.5"), 3},
    {"json_refuses_an_exponent_alone", TEXT("e5"), 0},
    {"json_refuses_a_hexadecimal_number", TEXT("0x1F"), 1},
    {"json_refuses_a_thousands_separator", TEXT("1_000"), 1},
    {"json_refuses_a_decimal_comma", TEXT("1,5"), 1},
    {"json_refuses_a_letter_in_a_number", TEXT("1a"), 1},
    {"json_refuses_a_space_after_the_minus", TEXT("- 1"), 1},
    {"json_refuses_full_width_digits", TEXT("\xEF\xBC\x91"), 0},
};

static const struct reject_row string_rows[] = {
    {"json_refuses_an_open_string", TEXT("\"abc"), 4},
    {"json_refuses_an_open_empty_string", TEXT("\""), 1},
    {"json_refuses_an_open_string_of_eight_bytes", TEXT("\"12345678"), 9},
    {"json_refuses_a_string_that_ends_in_an_escaped_quote", TEXT("\"abc\\\""), 6},
    {"json_refuses_a_string_that_ends_in_a_backslash", TEXT("\"abc\\"), 5},
    {"json_refuses_a_string_in_apostrophes", TEXT("'abc'"), 0},
    {"json_refuses_an_unknown_escape", TEXT("\"a\\x41\""), 3},
    {"json_refuses_an_escaped_apostrophe", TEXT("\"\\'\""), 2},
    {"json_refuses_an_escaped_digit", TEXT("\"\\0\""), 2},
    {"json_refuses_an_escaped_upper_case_u", TEXT("\"\\U0041\""), 2},
    {"json_refuses_an_escaped_a", TEXT("\"\\a\""), 2},
    {"json_refuses_an_escaped_nul_byte", TEXT("\"\\\0\""), 2},
    {"json_refuses_an_escaped_line_end", TEXT("\"\\\n\""), 2},
    {"json_refuses_an_unknown_escape_in_a_key", TEXT("{\"\\q\":1}"), 3},
    {"json_refuses_hex_of_no_digits", TEXT("\"\\u\""), 3},
    {"json_refuses_hex_of_three_digits", TEXT("\"\\u004\""), 6},
    {"json_refuses_hex_with_another_letter", TEXT("\"\\u00g1\""), 5},
    {"json_refuses_hex_with_a_sign", TEXT("\"\\u+041\""), 3},
    {"json_refuses_hex_with_a_space", TEXT("\"\\u 041\""), 3},
    {"json_refuses_hex_that_ends_with_the_text", TEXT("\"\\u00"), 5},
    {"json_refuses_a_high_surrogate_alone", TEXT("\"\\uD800\""), 1},
    {"json_refuses_a_low_surrogate_alone", TEXT("\"\\uDC00\""), 1},
    {"json_refuses_the_last_low_surrogate_alone", TEXT("\"ab\\uDFFF\""), 3},
    {"json_refuses_the_last_high_surrogate_alone", TEXT("\"\\uDBFF\""), 1},
    {"json_refuses_a_high_surrogate_before_a_letter", TEXT("\"\\uD83Da\""), 1},
    {"json_refuses_a_high_surrogate_before_another_escape", TEXT("\"\\uD83D\\n\""), 1},
    {"json_refuses_a_high_surrogate_before_a_character", TEXT("\"\\uD83D\\u0041\""), 1},
    {"json_refuses_two_high_surrogates", TEXT("\"\\uD83D\\uD83D\\uDE00\""), 1},
    {"json_refuses_a_high_surrogate_before_what_follows_the_low_ones", TEXT("\"\\uD83D\\uE000\""), 1},
    {"json_refuses_a_surrogate_pair_in_the_wrong_order", TEXT("\"\\uDE00\\uD83D\""), 1},
    {"json_refuses_a_high_surrogate_before_bad_hex", TEXT("\"\\uD83D\\uDEx0\""), 11},
    {"json_refuses_a_high_surrogate_at_the_end_of_the_text", TEXT("\"\\uD83D"), 1},
    {"json_refuses_a_high_surrogate_before_a_backslash_at_the_end", TEXT("\"\\uD83D\\"), 1},
    {"json_refuses_a_low_surrogate_cut_off", TEXT("\"\\uD83D\\uDE0"), 12},
    {"json_refuses_a_lone_surrogate_in_a_key", TEXT("{\"\\uD800\":1}"), 2},

    {"json_refuses_a_nul_byte_in_a_string", TEXT("\"a\0b\""), 2},
    {"json_refuses_a_line_feed_in_a_string", TEXT("\"a\nb\""), 2},
    {"json_refuses_a_carriage_return_in_a_string", TEXT("\"a\rb\""), 2},
    {"json_refuses_a_tab_in_a_string", TEXT("\"a\tb\""), 2},
    {"json_refuses_the_first_control_character", TEXT("\"\x01\""), 1},
    {"json_refuses_the_last_control_character", TEXT("\"\x1f\""), 1},
    {"json_refuses_a_control_character_behind_eight_plain_bytes", TEXT("\"12345678\x1f\""), 9},
    {"json_refuses_a_control_character_as_the_eighth_byte", TEXT("\"1234567\x01 and more\""), 8},
    {"json_refuses_a_control_character_in_a_key", TEXT("{\"a\tb\":1}"), 3},
};

static const struct reject_row utf8_rows[] = {
    {"json_refuses_a_continuation_byte_alone", TEXT("\"\x80\""), 1},
    {"json_refuses_the_last_continuation_byte_alone", TEXT("\"\xBF\""), 1},
    {"json_refuses_an_overlong_slash_of_two_bytes", TEXT("\"\xC0\xAF\""), 1},
    {"json_refuses_an_overlong_nul_of_two_bytes", TEXT("\"\xC0\x80\""), 1},
    {"json_refuses_the_last_overlong_form_of_two_bytes", TEXT("\"\xC1\xBF\""), 1},
    {"json_refuses_an_overlong_form_of_three_bytes", TEXT("\"\xE0\x80\xAF\""), 1},
    {"json_refuses_the_last_overlong_form_of_three_bytes", TEXT("\"\xE0\x9F\xBF\""), 1},
    {"json_refuses_an_overlong_form_of_four_bytes", TEXT("\"\xF0\x80\x80\xAF\""), 1},
    {"json_refuses_the_last_overlong_form_of_four_bytes", TEXT("\"\xF0\x8F\xBF\xBF\""), 1},
    {"json_refuses_the_first_surrogate_in_utf8", TEXT("\"\xED\xA0\x80\""), 1},
    {"json_refuses_the_last_surrogate_in_utf8", TEXT("\"\xED\xBF\xBF\""), 1},
    {"json_refuses_a_surrogate_pair_in_utf8", TEXT("\"\xED\xA0\xBD\xED\xB8\x80\""), 1},
    {"json_refuses_the_first_character_beyond_unicode", TEXT("\"\xF4\x90\x80\x80\""), 1},
    {"json_refuses_a_lead_byte_beyond_unicode", TEXT("\"\xF5\x80\x80\x80\""), 1},
    {"json_refuses_a_five_byte_form", TEXT("\"\xF8\x88\x80\x80\x80\""), 1},
    {"json_refuses_a_six_byte_form", TEXT("\"\xFC\x84\x80\x80\x80\x80\""), 1},
    {"json_refuses_the_byte_fe", TEXT("\"\xFE\""), 1},
    {"json_refuses_the_byte_ff", TEXT("\"\xFF\""), 1},
    {"json_refuses_latin1", TEXT("\"caf\xE9\""), 4},
    {"json_refuses_two_bytes_cut_off_by_the_quote", TEXT("\"\xC3\""), 1},
    {"json_refuses_three_bytes_cut_off_after_one", TEXT("\"\xE2\""), 1},
    {"json_refuses_three_bytes_cut_off_after_two", TEXT("\"\xE2\x82\""), 1},
    {"json_refuses_four_bytes_cut_off_after_three", TEXT("\"\xF0\x9F\x98\""), 1},
    {"json_refuses_two_bytes_cut_off_by_the_end", TEXT("\"\xC3"), 1},
    {"json_refuses_three_bytes_cut_off_by_the_end", TEXT("\"\xE2\x82"), 1},
    {"json_refuses_four_bytes_cut_off_by_the_end", TEXT("\"\xF0\x9F\x98"), 1},
    {"json_refuses_a_second_byte_that_is_no_continuation", TEXT("\"\xC3(\""), 1},
    {"json_refuses_a_third_byte_that_is_no_continuation", TEXT("\"\xE2\x82(\""), 1},
    {"json_refuses_a_fourth_byte_that_is_no_continuation", TEXT("\"\xF0\x9F\x98(\""), 1},
    {"json_refuses_a_second_byte_that_is_a_lead_byte", TEXT("\"\xE2\xC3\xA9\""), 1},
    {"json_refuses_bad_utf8_behind_eight_plain_bytes", TEXT("\"12345678\xFF\""), 9},
    {"json_refuses_bad_utf8_in_a_key", TEXT("{\"\xFF\":1}"), 2},
    {"json_refuses_utf8_outside_a_string", TEXT("[\xC3\xA9]"), 1},
};

static void reject_row(void **state)
{
    const struct reject_row *row = *state;
    struct rpw_err err = read_both_ways(row->text);

    assert_int_equal(err.status, RPW_E_SYNTAX);
    assert_int_equal(err.offset, row->offset);
    assert_non_null(err.expected);
}

/* --- a rich document, cut and changed ----------------------------------------------------------------------------- */

static const struct rpw_span rich_document = TEXT(
    "{\"request\":{\"uid\":\"705ab4f5-6393\",\"dryRun\":false,\"n\":[12,0,-0.5e+7],\"key \\u00e9\\n\":null},"
    "\"caf\xC3\xA9\":[\"\\uD83D\\uDE00 \xF0\x9F\x98\x80\",[],{},[[true]]],\"last\":\"a longer text \\\\ to the end\"}");

static void json_refuses_every_text_that_is_cut_off(void **state)
{
    (void)state;
    assert_int_equal(read_both_ways(rich_document).status, RPW_OK);
    for (size_t len = 0; len < rich_document.len; len++) {
        struct rpw_err err = read_both_ways((struct rpw_span){rich_document.ptr, len});
        if (err.status != RPW_E_SYNTAX)
            fail_msg("the first %zu bytes were accepted", len);
    }
}

static bool jansson_accepts(struct rpw_span text)
{
    json_t *value = json_loadb(text.ptr, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    bool is_accepted = value != NULL;

    json_decref(value);
    return is_accepted;
}

/* No change of one byte makes a number here too large for jansson, so it and we must agree on each: except on a NUL byte,
 * which no JSON text may hold, and which jansson loses when it stands directly behind a number. */
static void json_agrees_with_jansson_when_any_one_byte_is_changed(void **state)
{
    (void)state;
    char text[512];

    assert_true(rich_document.len <= sizeof(text));
    for (size_t at = 0; at < rich_document.len; at++) {
        memcpy(text, rich_document.ptr, rich_document.len);
        for (int byte = 0; byte <= 0xFF; byte++) {
            text[at] = (char)byte;
            struct rpw_span changed = {text, rich_document.len};
            bool is_ours = read_both_ways(changed).status == RPW_OK;
            if (is_ours != (byte != 0 && jansson_accepts(changed)))
                fail_msg("byte %zu changed to 0x%02x: we %s it", at, (unsigned)byte, is_ours ? "accept" : "refuse");
        }
    }
}

/* --- depth -------------------------------------------------------------------------------------------------------- */

enum nesting { ARRAYS, OBJECTS, BOTH_IN_TURN };

struct depth_row {
    const char *name;
    enum nesting nesting;
    unsigned depth;
    bool is_accepted;
};

static const struct depth_row depth_rows[] = {
    {"json_accepts_arrays_as_deep_as_the_limit", ARRAYS, RPW_MAX_JSON_DEPTH, true},
    {"json_refuses_arrays_one_deeper_than_the_limit", ARRAYS, RPW_MAX_JSON_DEPTH + 1, false},
    {"json_accepts_objects_as_deep_as_the_limit", OBJECTS, RPW_MAX_JSON_DEPTH, true},
    {"json_refuses_objects_one_deeper_than_the_limit", OBJECTS, RPW_MAX_JSON_DEPTH + 1, false},
    {"json_accepts_both_in_turn_as_deep_as_the_limit", BOTH_IN_TURN, RPW_MAX_JSON_DEPTH, true},
    {"json_refuses_both_in_turn_one_deeper_than_the_limit", BOTH_IN_TURN, RPW_MAX_JSON_DEPTH + 1, false},
    {"json_refuses_a_million_arrays", ARRAYS, 1000000, false},
    {"json_refuses_a_million_objects", OBJECTS, 1000000, false},
};

static bool is_object_level(enum nesting nesting, unsigned level)
{
    return nesting == OBJECTS || (nesting == BOTH_IN_TURN && level % 2 == 1);
}

/* The innermost value is 1; ret_limit is the offset of the bracket that is one too deep. */
static struct rpw_span nested_text(const struct depth_row *row, size_t *ret_limit)
{
    char *text = malloc((size_t)row->depth * 6 + 1);
    char *out = text;

    assert_non_null(text);
    for (unsigned level = 0; level < row->depth; level++) {
        if (level == RPW_MAX_JSON_DEPTH)
            *ret_limit = (size_t)(out - text);
        const char *opening = is_object_level(row->nesting, level) ? "{\"a\":" : "[";
        memcpy(out, opening, strlen(opening));
        out += strlen(opening);
    }
    *out++ = '1';
    for (unsigned level = row->depth; level-- > 0;)
        *out++ = is_object_level(row->nesting, level) ? '}' : ']';
    return (struct rpw_span){text, (size_t)(out - text)};
}

static void depth_row(void **state)
{
    const struct depth_row *row = *state;
    size_t limit = 0;
    struct rpw_span text = nested_text(row, &limit);
    struct rpw_err err = read_both_ways(text);

    assert_int_equal(err.status, row->is_accepted ? RPW_OK : RPW_E_DEPTH);
    assert_int_equal(err.offset, limit);
    free((void *)(uintptr_t)text.ptr);
}

static void json_counts_the_entered_levels_when_it_skips(void **state)
{
    (void)state;
    const unsigned entered = RPW_MAX_JSON_DEPTH - 2;
    struct depth_row fits = {.nesting = ARRAYS, .depth = RPW_MAX_JSON_DEPTH};
    struct depth_row too_deep = {.nesting = ARRAYS, .depth = RPW_MAX_JSON_DEPTH + 1};
    const struct depth_row *rows[] = {&fits, &too_deep};
    size_t limit;

    for (size_t i = 0; i < 2; i++) {
        struct rpw_span text = nested_text(rows[i], &limit);
        struct rpw_json_reader reader = reader_of(text);
        for (unsigned level = 0; level < entered; level++) {
            assert_true(rpw_json_enter_array(&reader, "list"));
            assert_true(rpw_json_next_element(&reader));
        }
        assert_int_equal(rpw_json_skip(&reader), rows[i] == &fits);
        assert_int_equal(reader.err.status, rows[i] == &fits ? RPW_OK : RPW_E_DEPTH);
        free((void *)(uintptr_t)text.ptr);
    }
}

static void json_may_go_deep_again_when_it_has_come_up(void **state)
{
    (void)state;
    struct depth_row deepest = {.nesting = BOTH_IN_TURN, .depth = RPW_MAX_JSON_DEPTH - 1};
    size_t limit;
    struct rpw_span inner = nested_text(&deepest, &limit);
    char *text = malloc(2 * inner.len + 3);

    assert_non_null(text);
    text[0] = '[';
    memcpy(text + 1, inner.ptr, inner.len);
    text[inner.len + 1] = ',';
    memcpy(text + inner.len + 2, inner.ptr, inner.len);
    text[2 * inner.len + 2] = ']';
    assert_int_equal(read_both_ways((struct rpw_span){text, 2 * inner.len + 3}).status, RPW_OK);
    free(text);
    free((void *)(uintptr_t)inner.ptr);
}

int main(void)
{
    UNIT_ADD_ROWS(accept_row, accept_rows);
    UNIT_ADD_ROWS(reject_row, structure_rows);
    UNIT_ADD_ROWS(reject_row, number_rows);
    UNIT_ADD_ROWS(reject_row, string_rows);
    UNIT_ADD_ROWS(reject_row, utf8_rows);
    UNIT_ADD(json_refuses_every_text_that_is_cut_off);
    UNIT_ADD(json_agrees_with_jansson_when_any_one_byte_is_changed);
    UNIT_ADD_ROWS(depth_row, depth_rows);
    UNIT_ADD(json_counts_the_entered_levels_when_it_skips);
    UNIT_ADD(json_may_go_deep_again_when_it_has_come_up);
    return unit_run("json_reader");
}
