/* test_config_volume.c - Kubernetes objects in the configuration: the JSON that is made of their YAML. */
#include <jansson.h>

#include "config_text.h"
#include "rpw/bytes/json_reader.h"

struct volume_row {
    const char *name;
    const char *yaml; /* of a hostPath, after its path */
    const char *json; /* likewise */
};

static const struct volume_row volume_rows[] = {
    {"volume_keeps_quoted_scalars_as_text", "a: \"0644\", b: 'true', c: \"null\", d: \"\"",
     "\"a\":\"0644\",\"b\":\"true\",\"c\":\"null\",\"d\":\"\""},
    {"volume_reads_null_in_every_spelling",
     "a: null, b: Null, c: NULL, d: ~, e: ", "\"a\":null,\"b\":null,\"c\":null,\"d\":null,\"e\":null"},
    {"volume_reads_booleans_in_every_spelling", "a: true, b: True, c: TRUE, d: false, e: False, f: FALSE",
     "\"a\":true,\"b\":true,\"c\":true,\"d\":false,\"e\":false,\"f\":false"},
    {"volume_leaves_other_words_text", "a: tRue, b: nil, c: Yesterday, d: 1st, e: 10.0.0.1, f: -x, g: 2026-11-22",
     "\"a\":\"tRue\",\"b\":\"nil\",\"c\":\"Yesterday\",\"d\":\"1st\",\"e\":\"10.0.0.1\",\"f\":\"-x\",\"g\":\"2026-11-"
     "22\""},
    {"volume_reads_octal_modes", "a: 0644, b: 0o644, c: 0O7, d: 00", "\"a\":420,\"b\":420,\"c\":7,\"d\":0"},
    {"volume_reads_other_bases", "a: 0x1F, b: 0Xff, c: 0b101, d: 0B1, e: -0x10",
     "\"a\":31,\"b\":255,\"c\":5,\"d\":1,\"e\":-16"},
    {"volume_reads_integers", "a: 0, b: -0, c: +5, d: -7, e: 1_000, f: 18446744073709551615, g: -9223372036854775808",
     "\"a\":0,\"b\":0,\"c\":5,\"d\":-7,\"e\":1000,\"f\":18446744073709551615,\"g\":-9223372036854775808"},
    {"volume_keeps_the_text_of_floats", "a: 0.1, b: 1.50, c: 1e3, d: -2.5E-7, e: 0.0",
     "\"a\":0.1,\"b\":1.50,\"c\":1e3,\"d\":-2.5E-7,\"e\":0.0"},
    {"volume_takes_what_is_no_number_for_text", "a: 0x, b: 0xg, c: 0b12, d: 1e, e: '1.', f: -a, g: 1.2.3, h: 1Gi",
     "\"a\":\"0x\",\"b\":\"0xg\",\"c\":\"0b12\",\"d\":\"1e\",\"e\":\"1.\",\"f\":\"-a\",\"g\":\"1.2.3\",\"h\":\"1Gi\""},
    {"volume_keeps_lists_in_order_and_sorts_keys", "z: [b, a, {w: 1, v: []}], b: {}, aa: 1, a: 2",
     "\"a\":2,\"aa\":1,\"b\":{},\"z\":[\"b\",\"a\",{\"v\":[],\"w\":1}]"},
    {"volume_escapes_what_json_escapes", "a: \"\\\"\\\\\\n\\t\\0\\x1f\\u00e9\\U0001F600\"",
     "\"a\":\"\\\"\\\\\\u000a\\u0009\\u0000\\u001f\xc3\xa9\xf0\x9f\x98\x80\""},
    {"volume_expands_aliases", "a: &x [1, &y {b: 2}], c: *x, d: *y",
     "\"a\":[1,{\"b\":2}],\"c\":[1,{\"b\":2}],\"d\":{\"b\":2}"},
};

static void assert_is_json(struct rpw_span text)
{
    static char region[65536] __attribute__((aligned(16)));
    struct rpw_arena arena;
    struct rpw_json_reader reader;
    json_error_t error;
    json_t *tree = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);

    /* jansson has no integers beyond 63 bits */
    if (!tree && json_error_code(&error) != json_error_numeric_overflow)
        fail_msg("%s: %.*s", error.text, (int)text.len, text.ptr);
    json_decref(tree);
    rpw_arena_init(&arena, region, sizeof(region));
    rpw_json_reader_init(&reader, &arena, text);
    assert_true(rpw_json_skip(&reader));
    assert_true(rpw_json_finish(&reader));
    rpw_arena_done(&arena);
}

static void volume_row(void **state)
{
    const struct volume_row *row = *state;
    char yaml[1024], expected[1024];
    struct rpw_config *config;

    snprintf(yaml, sizeof(yaml), POLICY(PACKAGE "    source: {volume: {hostPath: {%s, path: /p}}}\n"), row->yaml);
    config = parse(yaml);
    if (strstr(row->json, "\"z\"")) /* sorted behind path */
        snprintf(expected, sizeof(expected), "{\"hostPath\":{%.*s,\"path\":\"/p\",%s}}",
                 (int)(strstr(row->json, ",\"z\"") - row->json), row->json, strstr(row->json, "\"z\""));
    else
        snprintf(expected, sizeof(expected), "{\"hostPath\":{%s,\"path\":\"/p\"}}", row->json);
    assert_span(first_policy(config)->volume, expected);
    assert_is_json(first_policy(config)->volume);
    rpw_config_free(config);
}

static void volume_keeps_a_source_that_is_not_known_and_warns(void **state)
{
    struct rpw_config *config = parse(POLICY(PACKAGE "    match: {namespaces: [a]}\n"
                                                     "    source: {volume: {brandNewVolume: {size: 5}}}\n"));

    (void)state;
    assert_span(first_policy(config)->volume, "{\"brandNewVolume\":{\"size\":5}}");
    assert_non_null(strstr(rpw_config_warnings(config), "does not know the volume source 'brandNewVolume'"));
    rpw_config_free(config);
}

int main(void)
{
    UNIT_ADD_ROWS(volume_row, volume_rows);
    UNIT_ADD(volume_keeps_a_source_that_is_not_known_and_warns);
    return unit_run("config_volume");
}
