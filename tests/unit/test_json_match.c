/* test_json_match.c - json_match.h: what the apiserver may do to an object without making it another one. */
#include "rpw/inject/json_match.h"

#include "unit.h"

#define ARENA_BYTES 65536

static const struct match_row {
    const char *name;
    const char *ours;
    const char *theirs;
    bool matches;
} match_rows[] = {
    {"match_same_text", "{\"a\":{\"b\":[1,\"x\",true]}}", "{\"a\":{\"b\":[1,\"x\",true]}}", true},
    {"match_keys_in_another_order", "{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", true},
    {"match_white_space_aside", "{\"a\":[1,2]}", " { \"a\" : [ 1 , 2 ] } ", true},
    {"match_defaults_that_only_theirs_has", "{\"a\":{\"b\":1}}", "{\"name\":\"n\",\"a\":{\"b\":1,\"defaultMode\":420}}",
     true},
    {"match_empty_fields_that_only_theirs_has", "{\"a\":{\"b\":1}}",
     "{\"a\":{\"b\":1,\"c\":\"\",\"d\":{\"creationTimestamp\":null},\"e\":[],\"f\":false}}", true},
    {"match_escapes_aside", "{\"a\":\"x/y\"}", "{\"\\u0061\":\"x\\/y\"}", true},
    {"match_ours_null_with_a_default", "{\"a\":{\"defaultMode\":null}}", "{\"a\":{\"defaultMode\":420}}", true},
    {"match_ours_null_with_nothing", "{\"a\":{\"b\":null}}", "{\"a\":{}}", true},
    {"match_ours_empty_string_with_a_default", "{\"a\":{\"pullPolicy\":\"\"}}", "{\"a\":{\"pullPolicy\":\"Always\"}}",
     true},
    {"differ_in_what_is_no_default_for_our_empty_string", "{\"a\":{\"type\":\"\"}}", "{\"a\":{\"type\":\"File\"}}",
     false},
    {"match_ours_false_with_nothing", "{\"a\":{\"b\":false}}", "{\"a\":{}}", true},
    {"match_ours_zero_with_nothing", "{\"a\":{\"b\":0.0}}", "{\"a\":{}}", true},
    {"match_ours_empty_array_with_nothing", "{\"a\":{\"b\":[]}}", "{\"a\":{}}", true},
    {"match_ours_empty_object_with_nothing_below_the_top", "{\"a\":{\"b\":{}}}", "{\"a\":{}}", true},
    {"match_numbers_by_value", "{\"a\":420}", "{\"a\":4.2e2}", true},
    {"match_quantities_by_value", "{\"a\":{\"sizeLimit\":\"1024Mi\"}}", "{\"a\":{\"sizeLimit\":\"1Gi\"}}", true},
    {"match_quantity_number_with_its_string", "{\"a\":{\"divisor\":1}}", "{\"a\":{\"divisor\":\"1\"}}", true},
    {"match_quantities_of_resources", "{\"a\":{\"limits\":{\"cpu\":\"0.5\"}}}",
     "{\"a\":{\"limits\":{\"cpu\":\"500m\"}}}", true},
    {"match_defaults_inside_array_elements", "{\"a\":[{\"b\":1}]}", "{\"a\":[{\"b\":1,\"expirationSeconds\":3600}]}",
     true},

    {"differ_in_a_key_that_only_theirs_has", "{\"a\":{\"b\":1}}", "{\"a\":{\"b\":1,\"c\":2}}", false},
    {"differ_in_a_default_of_another_value", "{\"a\":{\"b\":1}}", "{\"a\":{\"b\":1,\"defaultMode\":256}}", false},
    {"differ_in_a_second_source", "{\"a\":{}}", "{\"a\":{},\"emptyDir\":{}}", false},
    {"differ_in_a_key_that_comes_twice", "{\"a\":{\"b\":1}}", "{\"a\":{\"b\":1,\"b\":1}}", false},
    {"differ_in_a_missing_key", "{\"a\":{\"b\":1}}", "{\"a\":{}}", false},
    {"differ_in_a_missing_key_at_the_top", "{\"emptyDir\":{}}", "{\"name\":\"x\"}", false},
    {"differ_in_ours_true_with_nothing", "{\"a\":{\"b\":true}}", "{\"a\":{}}", false},
    {"differ_in_an_object_that_is_not_empty", "{\"a\":{\"b\":{\"c\":1}}}", "{\"a\":{}}", false},
    {"differ_in_an_array_that_is_not_empty", "{\"a\":{\"b\":[0]}}", "{\"a\":{}}", false},
    {"differ_in_a_string", "{\"a\":\"x\"}", "{\"a\":\"y\"}", false},
    {"differ_in_a_number", "{\"a\":1}", "{\"a\":2}", false},
    {"differ_in_a_boolean", "{\"a\":false}", "{\"a\":true}", false},
    {"differ_in_type", "{\"a\":1}", "{\"a\":\"1\"}", false},
    {"differ_in_object_and_array", "{\"a\":{\"b\":1}}", "{\"a\":[1]}", false},
    {"differ_in_array_and_object", "{\"a\":[1]}", "{\"a\":{\"b\":1}}", false},
    {"differ_in_a_shorter_array", "{\"a\":[1,2]}", "{\"a\":[1]}", false},
    {"differ_in_a_longer_array", "{\"a\":[1]}", "{\"a\":[1,2]}", false},
    {"differ_in_names_that_look_like_quantities", "{\"a\":\"1000m\"}", "{\"a\":\"1\"}", false},
    {"differ_in_quantities", "{\"a\":{\"sizeLimit\":\"1Gi\"}}", "{\"a\":{\"sizeLimit\":\"1G\"}}", false},
    {"differ_in_theirs_null", "{\"a\":{\"b\":1}}", "{\"a\":{\"b\":null}}", false},
};

static void objects_match(void **state)
{
    const struct match_row *row = *state;
    _Alignas(16) static char region[ARENA_BYTES];
    struct rpw_arena arena;
    bool matches = !row->matches;

    rpw_arena_init(&arena, region, sizeof(region));
    assert_int_equal(rpw_json_match(&arena, rpw_span_of(row->ours), rpw_span_of(row->theirs), false, &matches), RPW_OK);
    assert_int_equal(matches, row->matches);
    rpw_arena_done(&arena);
}

/* With a record of the injection. */
static const struct match_row recorded_rows[] = {
    {"recorded_more_below_the_top_is_a_default", "{\"a\":{}}", "{\"a\":{\"later\":1}}", true},
    {"recorded_less_below_the_top_was_dropped", "{\"a\":{\"b\":1,\"unheardOf\":2}}", "{\"a\":{\"b\":1}}", true},
    {"recorded_another_value_is_another_volume", "{\"a\":{\"b\":1}}", "{\"a\":{\"b\":2}}", false},
    {"recorded_another_source_is_another_volume", "{\"a\":{}}", "{\"b\":{}}", false},
};

static void recorded_objects_match(void **state)
{
    const struct match_row *row = *state;
    _Alignas(16) static char region[ARENA_BYTES];
    struct rpw_arena arena;
    bool matches = !row->matches;

    rpw_arena_init(&arena, region, sizeof(region));
    assert_int_equal(rpw_json_match(&arena, rpw_span_of(row->ours), rpw_span_of(row->theirs), true, &matches), RPW_OK);
    assert_int_equal(matches, row->matches);
    rpw_arena_done(&arena);
}

static void match_says_so_when_the_arena_is_full(void **state)
{
    _Alignas(16) static char region[16];
    struct rpw_arena arena;
    bool untouched = true;

    (void)state;
    rpw_arena_init(&arena, region, 0);
    assert_int_equal(rpw_json_match(&arena, RPW_LIT("{\"a\":\"\\n\"}"), RPW_LIT("{\"a\":\"x\"}"), false, &untouched),
                     RPW_E_NOMEM);
    assert_true(untouched);
    rpw_arena_done(&arena);
}

int main(void)
{
    UNIT_ADD_ROWS(objects_match, match_rows);
    UNIT_ADD_ROWS(recorded_objects_match, recorded_rows);
    UNIT_ADD(match_says_so_when_the_arena_is_full);
    return unit_run("json_match");
}
