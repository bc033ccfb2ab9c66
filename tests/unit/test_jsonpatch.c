/* test_jsonpatch.c - jsonpatch.h: indices that shift, arrays that are missing, pointers that need escapes. */
#include "rpw/patch/jsonpatch.h"

#include "unit.h"

#define ARENA_BYTES 65536
#define MAX_EDITS 8

_Alignas(16) static char region[ARENA_BYTES];

/* A pod with one container of three env entries and no volumeMounts, no volumes, and annotations. */
static struct rpw_env three[3];
static struct rpw_container container = {.env = {.is_present = true, .count = 3, .items = three}};
static const struct rpw_pod pod = {
    .metadata = {.is_present = true, .annotations = {.is_present = true}},
    .containers = {[RPW_CONTAINERS] = {.is_present = true, .count = 1, .items = &container},
                   [RPW_INIT_CONTAINERS] = {.is_present = true, .count = 1, .items = &container}},
};
static struct rpw_container three_containers[] = {
    {.env = {.is_present = true, .count = 3, .items = three}},
    {.env = {.is_present = true, .count = 3, .items = three}},
    {.env = {.is_present = true, .count = 3, .items = three}},
};
static const struct rpw_pod three_init_pod = {
    .containers = {[RPW_CONTAINERS] = {.is_present = true, .count = 3, .items = three_containers},
                   [RPW_INIT_CONTAINERS] = {.is_present = true, .count = 3, .items = three_containers}},
};
static const struct rpw_pod bare_pod = {
    .metadata = {.is_present = true},
    .containers = {[RPW_CONTAINERS] = {.is_present = true, .count = 1, .items = &container}},
};

#define ENV(edit_action, edit_index, json)                                                                             \
    {                                                                                                                  \
        .place = RPW_EDIT_ENV, .kind = RPW_CONTAINERS, .action = edit_action, .index = edit_index, .value = {          \
            json,                                                                                                      \
            sizeof(json) - 1                                                                                           \
        }                                                                                                              \
    }
#define INIT(edit_action, edit_index, json)                                                                            \
    {                                                                                                                  \
        .place = RPW_EDIT_INIT_CONTAINERS, .action = edit_action, .index = edit_index, .value = {                      \
            sizeof(json) > 1 ? json : NULL,                                                                            \
            sizeof(json) - 1                                                                                           \
        }                                                                                                              \
    }
#define REMOVE(edit_index)                                                                                             \
    {                                                                                                                  \
        .place = RPW_EDIT_ENV, .kind = RPW_CONTAINERS, .action = RPW_EDIT_REMOVE, .index = edit_index                  \
    }
#define ANNOTATION(edit_action, name, json)                                                                            \
    {                                                                                                                  \
        .place = RPW_EDIT_ANNOTATIONS, .action = edit_action, .key = {name, sizeof(name) - 1}, .value = {              \
            json,                                                                                                      \
            sizeof(json) - 1                                                                                           \
        }                                                                                                              \
    }

static const struct patch_row {
    const char *name;
    const struct rpw_pod *pod;
    struct rpw_edit edits[MAX_EDITS];
    size_t edit_count;
    const char *patch;
    size_t operation_count;
} patch_rows[] = {
    {"patch_of_no_edits_is_an_empty_array", &pod, {{0}}, 0, "[]", 0},
    {"patch_inserts_in_front_in_order",
     &pod,
     {ENV(RPW_EDIT_INSERT, 0, "1"), ENV(RPW_EDIT_INSERT, 0, "2")},
     2,
     "[{\"op\":\"add\",\"path\":\"/spec/containers/0/env/0\",\"value\":1},"
     "{\"op\":\"add\",\"path\":\"/spec/containers/0/env/1\",\"value\":2}]",
     2},
    {"patch_shifts_what_follows_an_insertion",
     &pod,
     {ENV(RPW_EDIT_INSERT, 0, "1"), ENV(RPW_EDIT_REPLACE, 2, "2"), ENV(RPW_EDIT_INSERT, 3, "3")},
     3,
     "[{\"op\":\"add\",\"path\":\"/spec/containers/0/env/0\",\"value\":1},"
     "{\"op\":\"replace\",\"path\":\"/spec/containers/0/env/3\",\"value\":2},"
     "{\"op\":\"add\",\"path\":\"/spec/containers/0/env/4\",\"value\":3}]",
     3},
    {"patch_shifts_what_follows_a_removal",
     &pod,
     {REMOVE(0), REMOVE(1), ENV(RPW_EDIT_INSERT, 3, "3")},
     3,
     "[{\"op\":\"remove\",\"path\":\"/spec/containers/0/env/0\"},"
     "{\"op\":\"remove\",\"path\":\"/spec/containers/0/env/0\"},"
     "{\"op\":\"add\",\"path\":\"/spec/containers/0/env/1\",\"value\":3}]",
     3},
    {"patch_sets_a_member",
     &pod,
     {{.place = RPW_EDIT_ENV,
       .kind = RPW_INIT_CONTAINERS,
       .action = RPW_EDIT_SET_MEMBER,
       .index = 1,
       .key = {"value", 5},
       .value = {"\"x\"", 3}}},
     1,
     "[{\"op\":\"add\",\"path\":\"/spec/initContainers/0/env/1/value\",\"value\":\"x\"}]",
     1},
    {"patch_makes_a_missing_array_once",
     &bare_pod,
     {{.place = RPW_EDIT_VOLUMES, .action = RPW_EDIT_INSERT, .value = {"1", 1}},
      {.place = RPW_EDIT_VOLUMES, .action = RPW_EDIT_INSERT, .value = {"2", 1}}},
     2,
     "[{\"op\":\"add\",\"path\":\"/spec/volumes\",\"value\":[1,2]}]",
     1},
    {"patch_starts_anew_for_another_array",
     &pod,
     {ENV(RPW_EDIT_INSERT, 0, "1"),
      {.place = RPW_EDIT_ENV, .kind = RPW_INIT_CONTAINERS, .action = RPW_EDIT_REMOVE, .index = 2}},
     2,
     "[{\"op\":\"add\",\"path\":\"/spec/containers/0/env/0\",\"value\":1},"
     "{\"op\":\"remove\",\"path\":\"/spec/initContainers/0/env/2\"}]",
     2},
    {"patch_edits_init_containers_and_what_is_in_them",
     &pod,
     {{.place = RPW_EDIT_VOLUME_MOUNTS, .kind = RPW_INIT_CONTAINERS, .action = RPW_EDIT_INSERT, .value = {"1", 1}},
      INIT(RPW_EDIT_INSERT, 0, "2"),
      INIT(RPW_EDIT_REPLACE, 0, "3"),
      INIT(RPW_EDIT_INSERT, 1, "4")},
     4,
     "[{\"op\":\"add\",\"path\":\"/spec/initContainers/0/volumeMounts\",\"value\":[1]},"
     "{\"op\":\"add\",\"path\":\"/spec/initContainers/0\",\"value\":2},"
     "{\"op\":\"replace\",\"path\":\"/spec/initContainers/1\",\"value\":3},"
     "{\"op\":\"add\",\"path\":\"/spec/initContainers/2\",\"value\":4}]",
     4},
    {"patch_finds_init_containers_that_have_moved",
     &three_init_pod,
     {INIT(RPW_EDIT_REMOVE, 0, ""),
      INIT(RPW_EDIT_INSERT, 2, "1"),
      INIT(RPW_EDIT_INSERT, 2, "2"),
      INIT(RPW_EDIT_INSERT, 3, "3"),
      {.place = RPW_EDIT_ENV, .kind = RPW_INIT_CONTAINERS, .container = 1, .action = RPW_EDIT_REMOVE},
      {.place = RPW_EDIT_ENV, .kind = RPW_INIT_CONTAINERS, .container = 2, .action = RPW_EDIT_REMOVE},
      {.place = RPW_EDIT_ENV, .kind = RPW_CONTAINERS, .container = 0, .action = RPW_EDIT_REMOVE}},
     7,
     "[{\"op\":\"remove\",\"path\":\"/spec/initContainers/0\"},"
     "{\"op\":\"add\",\"path\":\"/spec/initContainers/1\",\"value\":1},"
     "{\"op\":\"add\",\"path\":\"/spec/initContainers/2\",\"value\":2},"
     "{\"op\":\"add\",\"path\":\"/spec/initContainers/4\",\"value\":3},"
     "{\"op\":\"remove\",\"path\":\"/spec/initContainers/0/env/0\"},"
     "{\"op\":\"remove\",\"path\":\"/spec/initContainers/3/env/0\"},"
     "{\"op\":\"remove\",\"path\":\"/spec/containers/0/env/0\"}]",
     7},
    {"patch_makes_missing_init_containers_once",
     &bare_pod,
     {INIT(RPW_EDIT_INSERT, 0, "1"), INIT(RPW_EDIT_INSERT, 0, "2")},
     2,
     "[{\"op\":\"add\",\"path\":\"/spec/initContainers\",\"value\":[1,2]}]",
     1},
    {"patch_escapes_annotation_keys",
     &pod,
     {ANNOTATION(RPW_EDIT_SET_MEMBER, "a/b~c", "\"1\""),
      {.place = RPW_EDIT_ANNOTATIONS, .action = RPW_EDIT_REMOVE, .key = {"~/", 2}}},
     2,
     "[{\"op\":\"add\",\"path\":\"/metadata/annotations/a~1b~0c\",\"value\":\"1\"},"
     "{\"op\":\"remove\",\"path\":\"/metadata/annotations/~0~1\"}]",
     2},
    {"patch_makes_missing_annotations_once",
     &bare_pod,
     {ANNOTATION(RPW_EDIT_SET_MEMBER, "a/b", "\"1\""), ANNOTATION(RPW_EDIT_SET_MEMBER, "c", "\"2\"")},
     2,
     "[{\"op\":\"add\",\"path\":\"/metadata/annotations\",\"value\":{\"a/b\":\"1\",\"c\":\"2\"}}]",
     1},
};

static void patch_is_written(void **state)
{
    const struct patch_row *row = *state;
    struct rpw_edit edits[MAX_EDITS];
    struct rpw_edit_list list = {row->edit_count, edits};
    struct rpw_arena arena;
    struct rpw_span patch;
    size_t operation_count;

    memcpy(edits, row->edits, sizeof(edits));
    rpw_arena_init(&arena, region, sizeof(region));
    assert_true(rpw_jsonpatch_write(&arena, row->pod, &list, &patch, &operation_count));
    assert_int_equal(operation_count, row->operation_count);
    assert_int_equal(patch.len, strlen(row->patch));
    assert_memory_equal(patch.ptr, row->patch, patch.len);
    rpw_arena_done(&arena);
}

static void patch_is_withheld_when_the_arena_refuses(void **state)
{
    struct rpw_edit_list none = {0, NULL};
    struct rpw_arena arena;
    struct rpw_span untouched = {"x", 1};
    size_t count = 7;

    (void)state;
    rpw_arena_init(&arena, region, 0);
    assert_false(rpw_jsonpatch_write(&arena, &pod, &none, &untouched, &count));
    assert_int_equal(untouched.len, 1);
    assert_int_equal(count, 7);
    rpw_arena_done(&arena);
}

int main(void)
{
    UNIT_ADD_ROWS(patch_is_written, patch_rows);
    UNIT_ADD(patch_is_withheld_when_the_arena_refuses);
    return unit_run("jsonpatch");
}
