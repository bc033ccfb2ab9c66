/* test_json_values.c - what the JSON reader gives back: strings, words, raw text, members and elements; and its failures. */
#include "json_text.h"

/* --- strings that are read ---------------------------------------------------------------------------------------- */

struct decode_row {
    const char *name;
    struct rpw_span text; /* a JSON string */
    struct rpw_span expected;
};

static const struct decode_row decode_rows[] = {
    {"json_reads_an_empty_string", TEXT("\"\""), TEXT("")},
    {"json_reads_a_plain_string", TEXT("\"rucio\""), TEXT("rucio")},
    {"json_reads_every_short_escape", TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), TEXT("\"\\/\b\f\n\r\t")},
    {"json_reads_an_escape_between_plain_bytes", TEXT("\"a\\tb\""), TEXT("a\tb")},
    {"json_reads_an_escape_at_both_ends", TEXT("\"\\nb\\n\""), TEXT("\nb\n")},
    {"json_reads_an_escaped_backslash_before_a_letter", TEXT("\"\\\\n\""), TEXT("\\n")},
    {"json_reads_an_escaped_nul_as_a_byte", TEXT("\"a\\u0000b\""), TEXT("a\0b")},
    {"json_reads_an_escape_as_one_byte", TEXT("\"\\u0041\\u007f\""), TEXT("A\x7f")},
    {"json_reads_an_escape_as_two_bytes", TEXT("\"\\u0080\\u07FF\""), TEXT("\xC2\x80\xDF\xBF")},
    {"json_reads_an_escape_as_three_bytes", TEXT("\"\\u0800\\uffff\""), TEXT("\xE0\xA0\x80\xEF\xBF\xBF")},
    {"json_reads_the_escapes_around_the_surrogates", TEXT("\"\\uD7FF\\uE000\""), TEXT("\xED\x9F\xBF\xEE\x80\x80")},
    {"json_reads_the_lowest_pair_as_four_bytes", TEXT("\"\\uD800\\uDC00\""), TEXT("\xF0\x90\x80\x80")},
    {"json_reads_the_highest_pair_as_four_bytes", TEXT("\"\\uDBFF\\uDFFF\""), TEXT("\xF4\x8F\xBF\xBF")},
    {"json_reads_a_pair_in_lower_case", TEXT("\"\\ud83d\\ude00\""), TEXT("\xF0\x9F\x98\x80")},
    {"json_reads_utf8_as_it_stands", TEXT("\"caf\xC3\xA9 \xF0\x9F\x98\x80\""), TEXT("caf\xC3\xA9 \xF0\x9F\x98\x80")},
    {"json_reads_utf8_beside_an_escape", TEXT("\"\xC3\xA9\\n\xC3\xA9\""), TEXT("\xC3\xA9\n\xC3\xA9")},
    {"json_reads_delete", TEXT("\"\x7f\""), TEXT("\x7f")},
};

static void decode_row(void **state)
{
    const struct decode_row *row = *state;
    struct exact_copy copy = copy_exactly(row->text);
    struct rpw_json_reader reader = reader_of(copy.text);
    struct rpw_span string;

    assert_true(rpw_json_read_string(&reader, "name", &string));
    assert_int_equal(string.len, row->expected.len);
    assert_memory_equal(string.ptr, row->expected.ptr, row->expected.len);
    assert_true(rpw_json_finish(&reader));
    free(copy.block);
}

static void decoded_key_row(void **state)
{
    const struct decode_row *row = *state;
    char text[256];
    struct rpw_span key;

    int len = snprintf(text, sizeof(text), "{%.*s : 1}", (int)row->text.len, row->text.ptr);
    struct rpw_json_reader reader = reader_of((struct rpw_span){text, (size_t)len});

    assert_true(rpw_json_enter_object(&reader, "map"));
    assert_true(rpw_json_next_member(&reader, &key));
    assert_int_equal(key.len, row->expected.len);
    assert_memory_equal(key.ptr, row->expected.ptr, row->expected.len);
}

static const struct decode_row key_rows[] = {
    {"json_decodes_an_escape_in_a_key", TEXT("\"n\\u0061me\""), TEXT("name")},
    {"json_decodes_a_pair_in_a_key", TEXT("\"\\uD83D\\uDE00\""), TEXT("\xF0\x9F\x98\x80")},
    {"json_leaves_a_plain_key_as_it_is", TEXT("\"policy.rucio.cern.ch/inject\""), TEXT("policy.rucio.cern.ch/inject")},
    {"json_reads_an_empty_key", TEXT("\"\""), TEXT("")},
};

static void json_copies_nothing_when_a_string_holds_no_escape(void **state)
{
    (void)state;
    struct rpw_span text = RPW_LIT("\"rucio-server\"");
    struct rpw_json_reader reader = reader_of(text);
    struct rpw_span string;

    assert_true(rpw_json_read_string(&reader, "name", &string));
    assert_ptr_equal(string.ptr, text.ptr + 1);
    assert_int_equal(arena.used, 0);
}

static void json_fails_without_memory_when_a_string_to_decode_finds_the_arena_full(void **state)
{
    (void)state;
    struct rpw_json_reader reader = reader_with_arena(RPW_LIT(" \"a\\nb\""), 0);
    struct rpw_span string = RPW_LIT("untouched");

    assert_false(rpw_json_read_string(&reader, "name", &string));
    assert_int_equal(reader.err.status, RPW_E_NOMEM);
    assert_true(rpw_span_is(string, "untouched"));
    assert_true(arena.wanted > 0);
}

static void json_fails_without_memory_when_a_key_to_decode_finds_the_arena_full(void **state)
{
    (void)state;
    struct rpw_json_reader reader = reader_with_arena(RPW_LIT("{\"\\n\":1}"), 0);
    struct rpw_span key = RPW_LIT("untouched");

    assert_true(rpw_json_enter_object(&reader, "map"));
    assert_false(rpw_json_next_member(&reader, &key));
    assert_int_equal(reader.err.status, RPW_E_NOMEM);
    assert_true(rpw_span_is(key, "untouched"));
}

static void json_needs_no_memory_when_it_skips(void **state)
{
    (void)state;
    struct rpw_json_reader reader = reader_with_arena(RPW_LIT("{\"\\n\":\"\\uD83D\\uDE00\"}"), 0);

    assert_true(rpw_json_skip(&reader));
    assert_true(rpw_json_finish(&reader));
}

/* --- values of another type --------------------------------------------------------------------------------------- */

static bool enter_object(struct rpw_json_reader *reader)
{
    return rpw_json_enter_object(reader, "spec.field");
}

static bool enter_array(struct rpw_json_reader *reader)
{
    return rpw_json_enter_array(reader, "spec.field");
}

static bool read_string(struct rpw_json_reader *reader)
{
    struct rpw_span string = RPW_LIT("untouched");
    bool is_read = rpw_json_read_string(reader, "spec.field", &string);

    assert_int_equal(rpw_span_is(string, "untouched"), !is_read);
    return is_read;
}

static bool read_bool(struct rpw_json_reader *reader)
{
    bool value;

    return rpw_json_read_bool(reader, "spec.field", &value);
}

struct type_row {
    const char *name;
    const char *text;
    enum rpw_json_type type;
    const char *found;
};

static const struct type_row type_rows[] = {
    {"json_tells_an_object_from_what_was_asked_for", "  {\"a\":1}", RPW_JSON_OBJECT, "an object"},
    {"json_tells_an_array_from_what_was_asked_for", "  [1]", RPW_JSON_ARRAY, "an array"},
    {"json_tells_a_string_from_what_was_asked_for", "  \"text\"", RPW_JSON_STRING, "a string"},
    {"json_tells_a_number_from_what_was_asked_for", "  12", RPW_JSON_NUMBER, "a number"},
    {"json_tells_a_negative_number_from_what_was_asked_for", "  -12", RPW_JSON_NUMBER, "a number"},
    {"json_tells_true_from_what_was_asked_for", "  true", RPW_JSON_BOOL, "true or false"},
    {"json_tells_false_from_what_was_asked_for", "  false", RPW_JSON_BOOL, "true or false"},
    {"json_tells_null_from_what_was_asked_for", "  null", RPW_JSON_NULL, "null"},
};

static void type_row(void **state)
{
    static const struct {
        enum rpw_json_type type;
        const char *expected;
        bool (*read)(struct rpw_json_reader *reader);
    } readers[] = {
        {RPW_JSON_OBJECT, "an object", enter_object},
        {RPW_JSON_ARRAY, "an array", enter_array},
        {RPW_JSON_STRING, "a string", read_string},
        {RPW_JSON_BOOL, "true or false", read_bool},
    };
    const struct type_row *row = *state;

    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
        struct rpw_json_reader reader = reader_of(rpw_span_of(row->text));
        assert_int_equal(rpw_json_peek(&reader), row->type);
        assert_int_equal(rpw_json_offset(&reader), 2);
        assert_int_equal(readers[i].read(&reader), readers[i].type == row->type);
        if (readers[i].type == row->type)
            continue;
        assert_int_equal(reader.err.status, RPW_E_SHAPE);
        assert_int_equal(reader.err.offset, 2);
        assert_string_equal(reader.err.field, "spec.field");
        assert_string_equal(reader.err.expected, readers[i].expected);
        assert_string_equal(reader.err.found, row->found);
    }
}

static void json_calls_it_a_syntax_error_when_no_value_comes_at_all(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "  ", "?", "}", "+1"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct rpw_json_reader reader = reader_of(rpw_span_of(texts[i]));
        assert_int_equal(rpw_json_peek(&reader), RPW_JSON_NOTHING);
        assert_false(rpw_json_enter_object(&reader, "review"));
        assert_int_equal(reader.err.status, RPW_E_SYNTAX);
        assert_int_equal(reader.err.offset, strspn(texts[i], " "));
    }
}

static void json_reads_true_and_false(void **state)
{
    (void)state;
    struct rpw_json_reader reader = reader_of(RPW_LIT("[true, false]"));
    bool value = false;

    assert_true(rpw_json_enter_array(&reader, "list"));
    assert_true(rpw_json_next_element(&reader));
    assert_true(rpw_json_read_bool(&reader, "element", &value));
    assert_true(value);
    assert_true(rpw_json_next_element(&reader));
    assert_true(rpw_json_read_bool(&reader, "element", &value));
    assert_false(value);
    assert_false(rpw_json_next_element(&reader));
    assert_true(rpw_json_finish(&reader));
}

static void json_leaves_the_bool_untouched_when_the_word_is_misspelt(void **state)
{
    (void)state;
    struct rpw_json_reader reader = reader_of(RPW_LIT("trve"));
    bool value = false;

    assert_false(rpw_json_read_bool(&reader, "flag", &value));
    assert_int_equal(reader.err.status, RPW_E_SYNTAX);
    assert_false(value);
}

/* --- going through members and elements --------------------------------------------------------------------------- */

static void json_reports_a_key_as_often_as_it_occurs(void **state)
{
    (void)state;
    struct rpw_json_reader reader = reader_of(RPW_LIT("{\"a\":1,\"\\u0061\":2,\"b\":3}"));
    struct rpw_span key;
    int count = 0;

    assert_true(rpw_json_enter_object(&reader, "map"));
    while (rpw_json_next_member(&reader, &key)) {
        count += rpw_span_is(key, "a");
        assert_true(rpw_json_skip(&reader));
    }
    assert_int_equal(count, 2);
    assert_true(rpw_json_finish(&reader));
}

static void json_goes_on_behind_a_container_that_was_entered_and_left(void **state)
{
    (void)state;
    struct rpw_json_reader reader = reader_of(RPW_LIT("[ {\"a\" : []} , [ ] , {} , 4 ]"));
    struct rpw_span key, text;

    assert_true(rpw_json_enter_array(&reader, "list"));
    assert_true(rpw_json_next_element(&reader));
    assert_true(rpw_json_enter_object(&reader, "first"));
    assert_true(rpw_json_next_member(&reader, &key));
    assert_true(rpw_json_enter_array(&reader, "first.a"));
    assert_false(rpw_json_next_element(&reader));
    assert_false(rpw_json_next_member(&reader, &key));
    assert_true(rpw_json_next_element(&reader));
    assert_true(rpw_json_enter_array(&reader, "second"));
    assert_false(rpw_json_next_element(&reader));
    assert_true(rpw_json_next_element(&reader));
    assert_true(rpw_json_enter_object(&reader, "third"));
    assert_false(rpw_json_next_member(&reader, &key));
    assert_true(rpw_json_next_element(&reader));
    assert_true(rpw_json_read_raw(&reader, &text));
    assert_true(rpw_span_is(text, "4"));
    assert_false(rpw_json_next_element(&reader));
    assert_true(rpw_json_finish(&reader));
    assert_int_equal(reader.depth, 0);
}

struct raw_row {
    const char *name;
    const char *text;
    const char *raw;
};

static const struct raw_row raw_rows[] = {
    {"json_gives_the_text_of_an_object", " \n{ \"a\" : [ 1 ] } ", "{ \"a\" : [ 1 ] }"},
    {"json_gives_the_text_of_an_array", "\t[ ]\r\n", "[ ]"},
    {"json_gives_the_text_of_a_string_with_its_escapes", " \"a\\n\" ", "\"a\\n\""},
    {"json_gives_the_text_of_a_number_as_it_was_written", " -0.10E+2 ", "-0.10E+2"},
    {"json_gives_the_text_of_a_word", " null ", "null"},
};

static void raw_row(void **state)
{
    const struct raw_row *row = *state;
    struct rpw_json_reader reader = reader_of(rpw_span_of(row->text));
    struct rpw_span raw;

    assert_true(rpw_json_read_raw(&reader, &raw));
    assert_int_equal(raw.len, strlen(row->raw));
    assert_memory_equal(raw.ptr, row->raw, raw.len);
    assert_true(rpw_json_finish(&reader));
}

static void json_takes_null_and_nothing_else(void **state)
{
    (void)state;
    struct rpw_json_reader reader = reader_of(RPW_LIT("[ null , 1, \"null\"]"));

    assert_true(rpw_json_enter_array(&reader, "list"));
    assert_true(rpw_json_next_element(&reader));
    assert_true(rpw_json_take_null(&reader));
    assert_true(rpw_json_next_element(&reader));
    assert_false(rpw_json_take_null(&reader));
    assert_true(rpw_json_skip(&reader));
    assert_true(rpw_json_next_element(&reader));
    assert_false(rpw_json_take_null(&reader));
    assert_true(rpw_json_skip(&reader));
    assert_false(rpw_json_next_element(&reader));
    assert_true(rpw_json_finish(&reader));
}

static void json_peek_consumes_nothing(void **state)
{
    (void)state;
    struct rpw_json_reader reader = reader_of(RPW_LIT("  [1]"));

    for (int i = 0; i < 3; i++)
        assert_int_equal(rpw_json_peek(&reader), RPW_JSON_ARRAY);
    assert_int_equal(rpw_json_offset(&reader), 2);
    assert_true(rpw_json_skip(&reader));
    assert_int_equal(rpw_json_peek(&reader), RPW_JSON_NOTHING);
    assert_int_equal(reader.err.status, RPW_OK);
}

static void json_treats_an_absent_text_as_empty(void **state)
{
    (void)state;
    struct rpw_json_reader reader = reader_of((struct rpw_span){NULL, 0});

    assert_int_equal(rpw_json_peek(&reader), RPW_JSON_NOTHING);
    assert_false(rpw_json_skip(&reader));
    assert_int_equal(reader.err.status, RPW_E_SYNTAX);
    assert_int_equal(reader.err.offset, 0);
}

/* --- failures ----------------------------------------------------------------------------------------------------- */

/* Every function on a reader that has failed: false, nothing consumed, the first error stays. */
static void assert_is_stuck(struct rpw_json_reader *reader)
{
    const struct rpw_json_reader before = *reader;
    struct rpw_span string = RPW_LIT("untouched");
    bool value = true;

    assert_int_equal(rpw_json_peek(reader), RPW_JSON_NOTHING);
    assert_false(rpw_json_enter_object(reader, "x"));
    assert_false(rpw_json_enter_array(reader, "x"));
    assert_false(rpw_json_read_string(reader, "x", &string));
    assert_false(rpw_json_read_bool(reader, "x", &value));
    assert_false(rpw_json_next_member(reader, &string));
    assert_false(rpw_json_next_element(reader));
    assert_false(rpw_json_take_null(reader));
    assert_false(rpw_json_skip(reader));
    assert_false(rpw_json_read_raw(reader, &string));
    assert_false(rpw_json_finish(reader));
    assert_false(rpw_json_fail(reader, 99, "x", "y", "z"));
    assert_true(rpw_span_is(string, "untouched"));
    assert_true(value);
    assert_ptr_equal(reader->at, before.at);
    assert_int_equal(reader->depth, before.depth);
    assert_memory_equal(&reader->err, &before.err, sizeof(before.err));
}

static void json_stays_failed_after_a_syntax_error(void **state)
{
    (void)state;
    struct rpw_json_reader reader = reader_of(RPW_LIT("[ 01, true, {}, \"a\" ]"));

    assert_true(rpw_json_enter_array(&reader, "list"));
    assert_true(rpw_json_next_element(&reader));
    assert_true(rpw_json_skip(&reader));
    assert_false(rpw_json_next_element(&reader));
    assert_int_equal(reader.err.offset, 3);
    assert_is_stuck(&reader);
}

static void json_stays_failed_after_a_wrong_type(void **state)
{
    (void)state;
    struct rpw_json_reader reader = reader_of(RPW_LIT("{\"name\": 1}"));
    struct rpw_span key;

    assert_true(rpw_json_enter_object(&reader, "metadata"));
    assert_true(rpw_json_next_member(&reader, &key));
    assert_false(rpw_json_read_string(&reader, "metadata.name", &key));
    assert_is_stuck(&reader);
}

static void json_stays_failed_after_trailing_bytes(void **state)
{
    (void)state;
    struct rpw_json_reader reader = reader_of(RPW_LIT("{} {}"));

    assert_true(rpw_json_skip(&reader));
    assert_false(rpw_json_finish(&reader));
    assert_int_equal(reader.err.offset, 3);
    assert_is_stuck(&reader);
}

static void json_stays_failed_when_the_caller_finds_a_value_unfit(void **state)
{
    (void)state;
    struct rpw_json_reader reader = reader_of(RPW_LIT("\"v2\""));

    assert_false(rpw_json_fail(&reader, 1, "apiVersion", "v1", "another version"));
    assert_int_equal(reader.err.status, RPW_E_SHAPE);
    assert_int_equal(reader.err.offset, 1);
    assert_string_equal(reader.err.field, "apiVersion");
    assert_string_equal(reader.err.expected, "v1");
    assert_string_equal(reader.err.found, "another version");
    assert_is_stuck(&reader);
}

static void json_stays_failed_when_the_caller_has_no_memory(void **state)
{
    (void)state;
    struct rpw_json_reader reader = reader_of(RPW_LIT("[1]"));

    assert_true(rpw_json_enter_array(&reader, "list"));
    assert_false(rpw_json_fail_no_memory(&reader));
    assert_int_equal(reader.err.status, RPW_E_NOMEM);
    assert_is_stuck(&reader);
}

int main(void)
{
    UNIT_ADD_ROWS(decode_row, decode_rows);
    UNIT_ADD_ROWS(decoded_key_row, key_rows);
    UNIT_ADD(json_copies_nothing_when_a_string_holds_no_escape);
    UNIT_ADD(json_needs_no_memory_when_it_skips);
    UNIT_ADD_ROWS(type_row, type_rows);
    UNIT_ADD(json_calls_it_a_syntax_error_when_no_value_comes_at_all);
    UNIT_ADD(json_reads_true_and_false);
    UNIT_ADD(json_leaves_the_bool_untouched_when_the_word_is_misspelt);
    UNIT_ADD(json_reports_a_key_as_often_as_it_occurs);
    UNIT_ADD(json_goes_on_behind_a_container_that_was_entered_and_left);
    UNIT_ADD_ROWS(raw_row, raw_rows);
    UNIT_ADD(json_takes_null_and_nothing_else);
    UNIT_ADD(json_peek_consumes_nothing);
    UNIT_ADD(json_treats_an_absent_text_as_empty);
    UNIT_ADD(json_stays_failed_after_a_syntax_error);
    UNIT_ADD(json_stays_failed_after_a_wrong_type);
    UNIT_ADD(json_stays_failed_after_trailing_bytes);
    UNIT_ADD(json_stays_failed_when_the_caller_finds_a_value_unfit);
    UNIT_ADD(json_stays_failed_when_the_caller_has_no_memory);
    UNIT_ADD(json_fails_without_memory_when_a_string_to_decode_finds_the_arena_full);
    UNIT_ADD(json_fails_without_memory_when_a_key_to_decode_finds_the_arena_full);
    return unit_run("json_values");
}
