/* test_path.c - path.h and pythonpath.h: what two spellings mean, and which paths can carry a package. */
#include "rpw/bytes/path.h"

#include "rpw/inject/pythonpath.h"

#include "unit.h"

static const struct pair_row {
    const char *name;
    const char *path;
    const char *other;
    bool is_equal;
    bool is_below; /* path is inside of other */
} pair_rows[] = {
    {"path_is_equal_to_itself", "/opt/rucio/policy", "/opt/rucio/policy", true, false},
    {"path_may_have_slashes_at_its_end", "/opt/rucio/policy//", "/opt/rucio/policy", true, false},
    {"path_may_have_doubled_slashes", "/opt//rucio///policy", "/opt/rucio/policy", true, false},
    {"path_may_have_dots", "/./opt/rucio/./policy/.", "/opt/rucio/policy", true, false},
    {"path_may_go_through_a_parent", "/opt/rucio/x/../policy", "/opt/rucio/policy", true, false},
    {"path_may_go_through_two_parents", "/opt/a/b/../../rucio/policy", "/opt/rucio/policy", true, false},
    {"path_may_end_in_its_parent", "/opt/rucio/policy/x/..", "/opt/rucio/policy", true, false},
    {"path_stays_at_the_root_above_the_root", "/../../opt/rucio/policy", "/opt/rucio/policy", true, false},
    {"path_may_lack_its_first_slash", "opt/rucio/policy", "/opt/rucio/policy", true, false},
    {"path_keeps_elements_that_begin_with_dots", "/opt/..x/...", "/opt/..x/...", true, false},
    {"path_of_three_dots_is_no_parent", "/opt/a/...", "/opt", false, true},
    {"path_that_is_longer_is_below", "/opt/rucio/policy", "/opt/rucio", false, true},
    {"path_below_may_be_spelled_otherwise", "opt//rucio/./policy/x", "/opt/rucio/y/../policy/", false, true},
    {"path_that_only_begins_alike_is_not_below", "/opt/rucio-policy", "/opt/rucio", false, false},
    {"path_above_is_not_below", "/opt", "/opt/rucio", false, false},
    {"path_is_below_the_root", "/opt", "/", false, true},
    {"path_of_the_root_is_not_below_it", "//", "/", true, false},
    {"path_that_leads_out_again_is_not_below", "/opt/rucio/..", "/opt/rucio", false, false},
};

static void compare_pair(void **state)
{
    const struct pair_row *row = *state;
    struct rpw_span path = rpw_span_of(row->path), other = rpw_span_of(row->other);

    assert_int_equal(rpw_path_equal(path, other), row->is_equal);
    assert_int_equal(rpw_path_equal(other, path), row->is_equal);
    assert_int_equal(rpw_path_is_below(path, other), row->is_below);
}

static const struct usable_row {
    const char *name;
    const char *path;
    const char *expected; /* NULL: it is usable */
} usable_rows[] = {
    {"usable_path", "/opt/rucio/policy", NULL},
    {"usable_path_spelled_otherwise", "/opt//rucio/./x/../policy/", NULL},
    {"usable_path_has_single_dollars", "/opt/$x", NULL},
    {"unusable_empty_path", "", "an absolute path, such as /opt/rucio/policy"},
    {"unusable_relative_path", "opt/rucio", "an absolute path, such as /opt/rucio/policy"},
    {"unusable_root", "/", "a directory below '/', such as /opt/rucio/policy"},
    {"unusable_way_back_to_the_root", "/opt/../.", "a directory below '/', such as /opt/rucio/policy"},
    {"unusable_list", "/a:/b", "no ':', which separates the directories of PYTHONPATH"},
    {"unusable_reference", "/opt/$(HOME)", "neither '$(' nor '$$', which Kubernetes would replace"},
    {"unusable_escaped_dollar", "/opt/$$x", "neither '$(' nor '$$', which Kubernetes would replace"},
};

static void expect_usable(void **state)
{
    const struct usable_row *row = *state;
    const char *expected = rpw_path_expectation(rpw_span_of(row->path));

    if (row->expected != NULL && expected != NULL)
        assert_string_equal(expected, row->expected);
    assert_int_equal(expected == NULL, row->expected == NULL);
}

static const struct without_row {
    const char *name;
    const char *value;
    const char *run;
    const char *expected;
} without_rows[] = {
    {"without_the_first_element", "/p:/a:/b", "/p", "/a:/b"},
    {"without_the_last_element", "/a:/p", "/p", "/a"},
    {"without_an_element_in_the_middle", "/a:/p:/b", "/p", "/a:/b"},
    {"without_the_only_element", "/p", "/p", ""},
    {"without_several_elements_that_stand_together", "/x:/p:$(PYTHONPATH):/i:/y", "/p:$(PYTHONPATH):/i", "/x:/y"},
    {"without_nothing_when_elements_stand_apart", "/p:/x:/i", "/p:/i", "/p:/x:/i"},
    {"without_nothing_when_an_element_only_begins_alike", "/pp:/a/p", "/p", "/pp:/a/p"},
    {"without_nothing_when_there_is_no_run", "/a:/b", "", "/a:/b"},
    {"without_keeps_empty_elements_in_front", ":/p:/a", "/p", ":/a"},
    {"without_keeps_empty_elements_behind", "/p::/a", "/p", ":/a"},
    {"without_takes_the_first_of_two", "/p:/a:/p", "/p", "/a:/p"},
    {"without_anything_of_an_empty_value", "", "/p", ""},
};

static void take_out(void **state)
{
    static _Alignas(16) char region[1024];
    const struct without_row *row = *state;
    struct rpw_arena arena;
    struct rpw_span value;

    rpw_arena_init(&arena, region, sizeof(region));
    assert_true(rpw_pythonpath_without(&arena, rpw_span_of(row->value), rpw_span_of(row->run), &value));
    assert_int_equal(value.len, strlen(row->expected));
    assert_memory_equal(value.ptr, row->expected, value.len);
    rpw_arena_done(&arena);
}

int main(void)
{
    UNIT_ADD_ROWS(compare_pair, pair_rows);
    UNIT_ADD_ROWS(expect_usable, usable_rows);
    UNIT_ADD_ROWS(take_out, without_rows);
    return unit_run("path");
}
