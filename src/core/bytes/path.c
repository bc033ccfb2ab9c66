/* path.c - paths are read from their end, where ".." says how many of the elements before it do not count. */
#include "rpw/bytes/path.h"

/* Takes the last element that counts off *path. False at the root. */
static bool take_last(struct rpw_span *path, struct rpw_span *ret_element)
{
    size_t passed_by = 0;

    while (path->len > 0) {
        size_t start = path->len;
        while (start > 0 && path->ptr[start - 1] != '/')
            start--;
        struct rpw_span element = {path->ptr + start, path->len - start};
        path->len = start > 0 ? start - 1 : 0;
        if (element.len == 0 || rpw_span_is(element, "."))
            continue;
        if (rpw_span_is(element, "..")) {
            passed_by++;
        } else if (passed_by > 0) {
            passed_by--;
        } else {
            *ret_element = element;
            return true;
        }
    }
    return false;
}

static size_t count_elements(struct rpw_span path)
{
    struct rpw_span ignored;
    size_t count = 0;

    while (take_last(&path, &ignored))
        count++;
    return count;
}

bool rpw_path_equal(struct rpw_span a, struct rpw_span b)
{
    struct rpw_span element_a, element_b;

    while (!rpw_span_equal(a, b)) {
        bool has_a = take_last(&a, &element_a), has_b = take_last(&b, &element_b);
        if (has_a != has_b)
            return false;
        if (!has_a)
            return true;
        if (!rpw_span_equal(element_a, element_b))
            return false;
    }
    return true;
}

bool rpw_path_is_below(struct rpw_span path, struct rpw_span parent)
{
    size_t depth = count_elements(path), parent_depth = count_elements(parent);
    struct rpw_span ignored;

    if (depth <= parent_depth)
        return false;
    for (; depth > parent_depth; depth--)
        take_last(&path, &ignored);
    return rpw_path_equal(path, parent);
}

const char *rpw_path_expectation(struct rpw_span path)
{
    if (!rpw_path_is_absolute(path))
        return "an absolute path, such as /opt/rucio/policy";
    if (count_elements(path) == 0)
        return "a directory below '/', such as /opt/rucio/policy";
    if (memchr(path.ptr, ':', path.len) != NULL)
        return "no ':', which separates the directories of PYTHONPATH";
    if (rpw_span_contains(path, RPW_LIT("$(")) || rpw_span_contains(path, RPW_LIT("$$")))
        return "neither '$(' nor '$$', which Kubernetes would replace";
    return NULL;
}
