/* test_json_patch.c - the applier of src/cli/json_patch.h (RFC 6902, RFC 6901), and what it refuses. */
#include "json_patch.h"

#include "unit.h"

static const struct apply_row {
    const char *name;
    const char *document;
    const char *patch;
    const char *expected; /* NULL: refused */
} apply_rows[] = {
    {"add_makes_a_member", "{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/b\",\"value\":2}]", "{\"a\":1,\"b\":2}"},
    {"add_replaces_a_member", "{\"a\":null}", "[{\"op\":\"add\",\"path\":\"/a\",\"value\":[1]}]", "{\"a\":[1]}"},
    {"add_inserts_into_an_array", "[1,3]", "[{\"op\":\"add\",\"path\":\"/1\",\"value\":2}]", "[1,2,3]"},
    {"add_appends_at_the_length", "[1]", "[{\"op\":\"add\",\"path\":\"/1\",\"value\":2}]", "[1,2]"},
    {"add_appends_at_the_dash", "[1]", "[{\"op\":\"add\",\"path\":\"/-\",\"value\":2}]", "[1,2]"},
    {"add_replaces_the_document", "[1]", "[{\"op\":\"add\",\"path\":\"\",\"value\":{}}]", "{}"},
    {"replace_changes_a_member", "{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"/a\",\"value\":2}]", "{\"a\":2}"},
    {"replace_changes_an_element", "[1,2]", "[{\"op\":\"replace\",\"path\":\"/1\",\"value\":3}]", "[1,3]"},
    {"replace_changes_the_document", "[1]", "[{\"op\":\"replace\",\"path\":\"\",\"value\":2}]", "2"},
    {"remove_drops_a_member", "{\"a\":1,\"b\":2}", "[{\"op\":\"remove\",\"path\":\"/a\"}]", "{\"b\":2}"},
    {"remove_drops_an_element", "[1,2]", "[{\"op\":\"remove\",\"path\":\"/0\"}]", "[2]"},
    {"pointer_escapes_are_undone", "{\"a/b\":{\"~\":1}}", "[{\"op\":\"remove\",\"path\":\"/a~1b/~0\"}]",
     "{\"a/b\":{}}"},
    {"pointer_may_name_the_empty_key", "{\"\":1}", "[{\"op\":\"remove\",\"path\":\"/\"}]", "{}"},
    {"operations_apply_in_order", "[]",
     "[{\"op\":\"add\",\"path\":\"/0\",\"value\":{}},{\"op\":\"add\",\"path\":\"/0/a\",\"value\":1}]", "[{\"a\":1}]"},

    {"add_behind_the_end_is_refused", "[1]", "[{\"op\":\"add\",\"path\":\"/2\",\"value\":2}]", NULL},
    {"add_without_a_value_is_refused", "{}", "[{\"op\":\"add\",\"path\":\"/a\"}]", NULL},
    {"add_into_a_scalar_is_refused", "{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/a/b\",\"value\":2}]", NULL},
    {"add_below_nothing_is_refused", "{}", "[{\"op\":\"add\",\"path\":\"/a/b\",\"value\":2}]", NULL},
    {"replace_of_nothing_is_refused", "{}", "[{\"op\":\"replace\",\"path\":\"/a\",\"value\":2}]", NULL},
    {"remove_of_nothing_is_refused", "{}", "[{\"op\":\"remove\",\"path\":\"/a\"}]", NULL},
    {"remove_of_the_document_is_refused", "{}", "[{\"op\":\"remove\",\"path\":\"\"}]", NULL},
    {"index_with_a_leading_zero_is_refused", "[1,2]", "[{\"op\":\"remove\",\"path\":\"/01\"}]", NULL},
    {"index_that_is_no_number_is_refused", "[1,2]", "[{\"op\":\"remove\",\"path\":\"/1x\"}]", NULL},
    {"pointer_without_a_slash_is_refused", "{\"a\":1}", "[{\"op\":\"remove\",\"path\":\"a\"}]", NULL},
    {"pointer_with_a_bad_escape_is_refused", "{\"a\":1}", "[{\"op\":\"remove\",\"path\":\"/~2\"}]", NULL},
    {"operation_of_another_kind_is_refused", "{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":1}]", NULL},
    {"operation_without_a_path_is_refused", "{}", "[{\"op\":\"remove\"}]", NULL},
    {"operation_that_is_no_object_is_refused", "{}", "[1]", NULL},
    {"patch_that_is_no_array_is_refused", "{}", "{}", NULL},
};

static void patch_is_applied(void **state)
{
    const struct apply_row *row = *state;
    json_t *document = json_loads(row->document, JSON_DECODE_ANY, NULL);
    json_t *patch = json_loads(row->patch, 0, NULL);
    char error[RPW_JSON_PATCH_ERROR_BYTES] = "";
    bool is_applied = rpw_json_patch_apply(&document, patch, error);

    assert_int_equal(is_applied, row->expected != NULL);
    if (row->expected != NULL) {
        char *text = json_dumps(document, JSON_COMPACT | JSON_ENCODE_ANY);
        assert_string_equal(text, row->expected);
        free(text);
    } else {
        assert_true(strlen(error) > 0);
    }
    json_decref(patch);
    json_decref(document);
}

static void token_longer_than_any_key_of_ours_is_refused(void **state)
{
    json_t *document = json_object();
    char error[RPW_JSON_PATCH_ERROR_BYTES];
    char path[2 * RPW_JSON_PATCH_ERROR_BYTES];

    (void)state;
    memset(path, 'a', sizeof(path) - 1);
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    json_t *patch = json_pack("[{s:s, s:s, s:i}]", "op", "add", "path", path, "value", 1);
    assert_false(rpw_json_patch_apply(&document, patch, error));
    json_decref(patch);
    json_decref(document);
}

static const struct decode_row {
    const char *name;
    const char *base64;
    bool is_patch;
} decode_rows[] = {
    {"decode_refuses_what_is_not_json", "W3t9XQo9", false}, {"decode_reads_json_with_one_pad", "W3t9LHt9XQ==", true},
    {"decode_reads_json_with_two_pads", "W3t9IF0=", true},  {"decode_reads_json_of_whole_groups", "W3t9ICAgXSAg", true},
    {"decode_refuses_what_is_not_base64", "W3!9", false},   {"decode_refuses_an_empty_text", "", false},
};

static void patch_is_decoded(void **state)
{
    const struct decode_row *row = *state;
    json_t *patch = rpw_json_patch_decode(row->base64);

    assert_int_equal(patch != NULL, row->is_patch);
    json_decref(patch);
}

int main(void)
{
    UNIT_ADD_ROWS(patch_is_applied, apply_rows);
    UNIT_ADD(token_longer_than_any_key_of_ours_is_refused);
    UNIT_ADD_ROWS(patch_is_decoded, decode_rows);
    return unit_run("json_patch");
}
