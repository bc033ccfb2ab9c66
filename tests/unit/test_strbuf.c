/* test_strbuf.c - strbuf.h: escapes, numbers, base64, growth and refusal. */
#include "rpw/bytes/strbuf.h"

#include "unit.h"

#define ARENA_BYTES 65536

_Alignas(16) static char region[ARENA_BYTES];

/* len counts, since a text may hold NUL. */
static const struct text_row {
    const char *name;
    const char *text;
    size_t len;
    const char *expected;
} string_rows[] = {
    {"string_is_quoted", "abc", 3, "\"abc\""},
    {"string_may_be_empty", "", 0, "\"\""},
    {"string_that_is_absent_is_written_as_empty", NULL, 0, "\"\""},
    {"string_quote_and_backslash_are_escaped", "a\"b\\c", 5, "\"a\\\"b\\\\c\""},
    {"string_line_ends_and_tabs_have_short_escapes", "\n\t", 2, "\"\\n\\t\""},
    {"string_other_control_characters_are_in_hex", "\r\x01\x1f", 3, "\"\\u000d\\u0001\\u001f\""},
    {"string_the_control_characters_from_80_to_9f_are_in_hex", "\xc2\x80\xc2\x9f", 4, "\"\\u0080\\u009f\""},
    {"string_what_follows_them_is_plain", "\xc2\xa0\xc3\x80", 4, "\"\xc2\xa0\xc3\x80\""},
    {"string_nul_is_in_hex", "a\0b", 3, "\"a\\u0000b\""},
    {"string_utf8_stays", "\xc3\xa9", 2, "\"\xc3\xa9\""},
    {"string_del_is_in_hex", "\x7f", 1, "\"\\u007f\""},
    {"string_slash_stays", "a/b", 3, "\"a/b\""},
};

/* RFC 4648 section 10. */
static const struct text_row base64_rows[] = {
    {"base64_of_nothing_is_nothing", "", 0, ""},          {"base64_of_one_byte_has_two_pads", "f", 1, "Zg=="},
    {"base64_of_two_bytes_has_one_pad", "fo", 2, "Zm8="}, {"base64_of_three_bytes_has_none", "foo", 3, "Zm9v"},
    {"base64_of_six_bytes", "foobar", 6, "Zm9vYmFy"},     {"base64_uses_plus_and_slash", "\xfb\xff\xbf", 3, "+/+/"},
};

static void assert_text(struct rpw_strbuf *writer, const char *expected)
{
    struct rpw_span text;

    assert_true(rpw_strbuf_finish(writer, &text));
    assert_int_equal(text.len, strlen(expected));
    assert_memory_equal(text.ptr, expected, text.len);
}

static void string_is_written(void **state)
{
    const struct text_row *row = *state;
    struct rpw_strbuf writer;
    struct rpw_arena arena;

    rpw_arena_init(&arena, region, sizeof(region));
    rpw_strbuf_init(&writer, &arena);
    rpw_strbuf_put_json(&writer, (struct rpw_span){row->text, row->len});
    assert_text(&writer, row->expected);
    rpw_arena_done(&arena);
}

static void base64_is_written(void **state)
{
    const struct text_row *row = *state;
    struct rpw_strbuf writer;
    struct rpw_arena arena;

    rpw_arena_init(&arena, region, sizeof(region));
    rpw_strbuf_init(&writer, &arena);
    rpw_strbuf_put_base64(&writer, (struct rpw_span){row->text, row->len});
    assert_text(&writer, row->expected);
    rpw_arena_done(&arena);
}

static void number_is_written_from_zero_to_the_largest(void **state)
{
    struct rpw_strbuf writer;
    struct rpw_arena arena;

    (void)state;
    rpw_arena_init(&arena, region, sizeof(region));
    rpw_strbuf_init(&writer, &arena);
    rpw_strbuf_put_number(&writer, 0);
    rpw_strbuf_put(&writer, ",");
    rpw_strbuf_put_number(&writer, 1234567890);
    rpw_strbuf_put(&writer, ",");
    rpw_strbuf_put_number(&writer, SIZE_MAX);
    assert_text(&writer, "0,1234567890,18446744073709551615");
    rpw_arena_done(&arena);
}

static void text_grows_beside_other_allocations(void **state)
{
    struct rpw_strbuf a, b;
    struct rpw_arena arena;
    struct rpw_span text_a, text_b;

    (void)state;
    rpw_arena_init(&arena, region, sizeof(region));
    rpw_strbuf_init(&a, &arena);
    rpw_strbuf_init(&b, &arena);
    for (int i = 0; i < 1000; i++) {
        rpw_strbuf_put(&a, "ab");
        rpw_strbuf_put(&b, "c");
    }
    assert_true(rpw_strbuf_finish(&a, &text_a));
    assert_true(rpw_strbuf_finish(&b, &text_b));
    assert_int_equal(text_a.len, 2000);
    assert_int_equal(text_b.len, 1000);
    for (size_t i = 0; i < 1000; i++) {
        assert_memory_equal(text_a.ptr + 2 * i, "ab", 2);
        assert_int_equal(text_b.ptr[i], 'c');
    }
    rpw_arena_done(&arena);
}

static void text_of_nothing_is_empty_and_not_absent(void **state)
{
    struct rpw_strbuf writer;
    struct rpw_arena arena;
    struct rpw_span text = {NULL, 7};

    (void)state;
    rpw_arena_init(&arena, region, sizeof(region));
    rpw_strbuf_init(&writer, &arena);
    assert_true(rpw_strbuf_finish(&writer, &text));
    assert_non_null(text.ptr);
    assert_int_equal(text.len, 0);
    rpw_arena_done(&arena);
}

static void refusal_is_kept_until_the_end(void **state)
{
    struct rpw_strbuf writer;
    struct rpw_arena arena;
    struct rpw_span untouched = {"x", 1};

    (void)state;
    rpw_arena_init(&arena, region, 300);
    rpw_strbuf_init(&writer, &arena);
    rpw_strbuf_put(&writer, "fits");
    for (int i = 0; i < 300; i++)
        rpw_strbuf_put(&writer, "0123456789");
    rpw_strbuf_put(&writer, "");
    assert_false(rpw_strbuf_finish(&writer, &untouched));
    assert_int_equal(untouched.len, 1);
    rpw_arena_done(&arena);
}

int main(void)
{
    UNIT_ADD_ROWS(string_is_written, string_rows);
    UNIT_ADD_ROWS(base64_is_written, base64_rows);
    UNIT_ADD(number_is_written_from_zero_to_the_largest);
    UNIT_ADD(text_grows_beside_other_allocations);
    UNIT_ADD(text_of_nothing_is_empty_and_not_absent);
    UNIT_ADD(refusal_is_kept_until_the_end);
    return unit_run("strbuf");
}
