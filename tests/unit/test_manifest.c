/* test_manifest.c - where a stream is cut, what a scalar is, base64. What kubectl thinks of it is asked in tests/integration. */
#include "base64.h"
#include "stream.h"
#include "yaml_scalar.h"

#include "unit.h"

/* --- streams ---------------------------------------------------------------------------------------------------------- */

static const struct stream_row {
    const char *name;
    const char *text;
    const char *documents[6]; /* a blank one begins with '!' here */
    bool is_json;
} stream_rows[] = {
    {"stream_of_nothing_has_no_document", "", {NULL}, false},
    {"stream_without_dashes_is_one_document", "a: 1\n", {"a: 1\n"}, false},
    {"stream_is_cut_in_front_of_dashes", "a\n---\nb\n--- c\n", {"a\n", "---\nb\n", "--- c\n"}, false},
    {"stream_is_not_cut_at_longer_dashes", "a\n----\nb\n ---\n", {"a\n----\nb\n ---\n"}, false},
    {"stream_is_cut_behind_dots", "a\n...\nb\n", {"a\n...\n", "b\n"}, false},
    {"stream_keeps_blank_documents", "# x\n---\n%A\n---\na", {"!# x\n", "!---\n%A\n", "---\na"}, false},
    {"stream_may_end_its_lines_with_a_carriage_return", "a\r\n---\r\nb\r\n", {"a\r\n", "---\r\nb\r\n"}, false},
    {"stream_of_json_is_cut_behind_each_value", " {\"a\":{}}\n{}{} ", {" {\"a\":{}}\n", "{}", "{} "}, true},
    {"stream_of_json_may_have_dashes", "{}\n---\n{}\n---\n", {"{}\n", "---\n{}\n", "!---\n"}, true},
    {"stream_of_json_ends_where_it_is_none", "{}\n{x}{}", {"{}\n", "{x}{}"}, true},
    {"stream_of_flow_mappings_is_yaml", "{a: b}\n", {"{a: b}\n"}, false},
    {"stream_of_half_an_object_is_json", "{", {"{"}, true},
};

static void stream_is_cut(void **state)
{
    const struct stream_row *row = *state;
    struct rpw_manifest_stream stream;
    struct rpw_manifest_document document;
    size_t numbered = 0, i;

    rpw_manifest_stream_init(&stream, "x", rpw_span_of(row->text));
    assert_int_equal(stream.is_json, row->is_json);
    for (i = 0; row->documents[i] != NULL; i++) {
        bool is_blank = row->documents[i][0] == '!';

        assert_true(rpw_manifest_stream_next(&stream, &document));
        assert_true(rpw_span_is(document.text, row->documents[i] + is_blank));
        numbered += !is_blank;
        assert_int_equal(document.number, is_blank ? 0 : numbered);
    }
    assert_false(rpw_manifest_stream_next(&stream, &document));
}

/* --- scalars ---------------------------------------------------------------------------------------------------------- */

static const struct scalar_row {
    const char *name; /* the text, too */
    enum rpw_manifest_scalar_type type;
    const char *json;
} scalar_rows[] = {
    {"", RPW_MANIFEST_NULL, "null"},
    {"~", RPW_MANIFEST_NULL, "null"},
    {"Yes", RPW_MANIFEST_BOOL, "true"},
    {"n", RPW_MANIFEST_BOOL, "false"},
    {"yEs", RPW_MANIFEST_TEXT, ""},
    {"010", RPW_MANIFEST_INTEGER, "8"},
    {"08", RPW_MANIFEST_FLOAT, "8"},
    {"-0x1_0", RPW_MANIFEST_INTEGER, "-16"},
    {"0b101", RPW_MANIFEST_INTEGER, "5"},
    {"0x", RPW_MANIFEST_TEXT, ""},
    {"-9223372036854775808", RPW_MANIFEST_INTEGER, "-9223372036854775808"},
    {"-9223372036854775809", RPW_MANIFEST_FLOAT, "-9.223372036854776e+18"},
    {"9223372036854775808", RPW_MANIFEST_FLOAT, "9.223372036854776e+18"},
    {"1e400", RPW_MANIFEST_TEXT, ""},
    {"0.1", RPW_MANIFEST_FLOAT, "0.1"},
    {"0.30000000000000004", RPW_MANIFEST_FLOAT, "0.30000000000000004"},
    {"+.5", RPW_MANIFEST_FLOAT, "0.5"},
    {"._5", RPW_MANIFEST_TEXT, ""},
    {".", RPW_MANIFEST_TEXT, ""},
    {"-", RPW_MANIFEST_TEXT, ""},
    {"1e", RPW_MANIFEST_TEXT, ""},
    {"-.inf", RPW_MANIFEST_NOT_JSON, ""},
    {"<<", RPW_MANIFEST_MERGE, ""},
    {"2001-01-01", RPW_MANIFEST_TIME, ""},
    {"2001-1-1t1:2:3.5Z", RPW_MANIFEST_TIME, ""},
    {"2001-13-01", RPW_MANIFEST_TEXT, ""},
    {"20010-01-01", RPW_MANIFEST_TEXT, ""},
};

static void scalar_is_resolved(void **state)
{
    const struct scalar_row *row = *state;
    struct rpw_manifest_scalar scalar = rpw_manifest_scalar_resolve(rpw_span_of(row->name));

    assert_int_equal(scalar.type, row->type);
    assert_string_equal(scalar.json, row->json);
}

/* --- base64 ----------------------------------------------------------------------------------------------------------- */

static const struct base64_row {
    const char *name;
    const char *text;
    const char *bytes; /* NULL: no base64 */
} base64_rows[] = {
    {"base64_of_nothing", "", ""},
    {"base64_with_two_signs_of_padding", "YQ==", "a"},
    {"base64_with_one_sign_of_padding", "YWI=", "ab"},
    {"base64_without_padding", "YWJj", "abc"},
    {"base64_in_lines", "YW\nJj\r\n", "abc"},
    {"base64_too_short", "YWJ", NULL},
    {"base64_with_a_foreign_sign", "YW*j", NULL},
};

static void base64_is_decoded(void **state)
{
    const struct base64_row *row = *state;
    size_t len = 99;
    char *bytes = rpw_base64_decode(rpw_span_of(row->text), &len);

    if (row->bytes == NULL) {
        assert_null(bytes);
        return;
    }
    assert_non_null(bytes);
    assert_string_equal(bytes, row->bytes);
    assert_int_equal(len, strlen(row->bytes));
    free(bytes);
}

static void base64_comes_back_as_it_was(void **unused)
{
    char *text = rpw_base64_encode(RPW_LIT("\0\xff\x80z")), *bytes;
    size_t len = 0;

    (void)unused;
    bytes = rpw_base64_decode(rpw_span_of(text), &len);
    assert_int_equal(len, 4);
    assert_memory_equal(bytes, "\0\xff\x80z", 4);
    free(bytes);
    free(text);
}

int main(void)
{
    UNIT_ADD_ROWS(stream_is_cut, stream_rows);
    UNIT_ADD_ROWS(scalar_is_resolved, scalar_rows);
    UNIT_ADD_ROWS(base64_is_decoded, base64_rows);
    UNIT_ADD(base64_comes_back_as_it_was);
    return unit_run("manifest");
}
