/* pythonpath.c - one pass over the elements. */
#include "rpw/inject/pythonpath.h"

#include "rpw/bytes/path.h"
#include "rpw/bytes/strbuf.h"

bool rpw_pythonpath_has(struct rpw_span value, struct rpw_span path, bool reference_is_path)
{
    struct rpw_span element;

    while (rpw_span_next_element(&value, ':', &element)) {
        if (rpw_path_is_absolute(element) && rpw_path_equal(element, path))
            return true;
        if (reference_is_path && rpw_span_is(rpw_span_without_trailing_slashes(element), "$(POLICY_PKG_PATH)"))
            return true;
    }
    return false;
}

bool rpw_pythonpath_with(struct rpw_arena *arena, enum rpw_python_path_mode mode, struct rpw_span ours,
                         struct rpw_span rest, struct rpw_span *ret_value)
{
    bool is_appended = mode == RPW_PYTHON_PATH_APPEND;

    return rpw_strbuf_join(arena, ret_value,
                           RPW_PARTS(rpw_plain(is_appended ? rest : ours), rpw_words(rest.len > 0 ? ":" : ""),
                                     rpw_plain(is_appended ? ours : rest)));
}

/* Where run begins in value, at the beginning of an element and up to the end of one; value.len when it does not. */
static size_t find_run(struct rpw_span value, struct rpw_span run)
{
    for (size_t at = 0; at + run.len <= value.len; at++) {
        bool is_start = at == 0 || value.ptr[at - 1] == ':';
        bool is_end = at + run.len == value.len || value.ptr[at + run.len] == ':';
        if (is_start && is_end && memcmp(value.ptr + at, run.ptr, run.len) == 0)
            return at;
    }
    return value.len;
}

bool rpw_pythonpath_without(struct rpw_arena *arena, struct rpw_span value, struct rpw_span run,
                            struct rpw_span *ret_value)
{
    size_t at = run.len > 0 ? find_run(value, run) : value.len;

    if (at == value.len) {
        *ret_value = value;
        return true;
    }
    struct rpw_span before = {value.ptr, at}, after = {value.ptr + at + run.len, value.len - at - run.len};
    /* One of the two separators goes with the run. */
    if (after.len > 0)
        after = (struct rpw_span){after.ptr + 1, after.len - 1};
    else if (before.len > 0)
        before.len--;
    return rpw_strbuf_join(arena, ret_value, RPW_PARTS(rpw_plain(before), rpw_plain(after)));
}
