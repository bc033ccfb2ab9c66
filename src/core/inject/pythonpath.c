/* pythonpath.c - see the header. */
#include "rpw/inject/pythonpath.h"

#include "rpw/bytes/strbuf.h"

static bool is_path(struct rpw_span element, struct rpw_span path)
{
    return rpw_span_equal(rpw_span_without_trailing_slashes(element), path);
}

bool rpw_pythonpath_has(struct rpw_span value, struct rpw_span path, bool reference_is_path)
{
    struct rpw_span element;

    while (rpw_span_next_element(&value, ':', &element))
        if (is_path(element, path) || (reference_is_path && is_path(element, RPW_LIT("$(POLICY_PKG_PATH)"))))
            return true;
    return false;
}

bool rpw_pythonpath_with(struct rpw_arena *arena, enum rpw_python_path_mode mode, struct rpw_span path,
                         struct rpw_span rest, struct rpw_span *ret_value)
{
    struct rpw_strbuf writer;

    rpw_strbuf_init(&writer, arena);
    if (mode == RPW_PYTHON_PATH_APPEND && rest.len > 0) {
        rpw_strbuf_put_span(&writer, rest);
        rpw_strbuf_put(&writer, ":");
    }
    rpw_strbuf_put_span(&writer, path);
    if (mode != RPW_PYTHON_PATH_APPEND && rest.len > 0) {
        rpw_strbuf_put(&writer, ":");
        rpw_strbuf_put_span(&writer, rest);
    }
    return rpw_strbuf_finish(&writer, ret_value);
}

bool rpw_pythonpath_without(struct rpw_arena *arena, struct rpw_span value, struct rpw_span path,
                            struct rpw_span *ret_value)
{
    struct rpw_strbuf writer;
    struct rpw_span element;
    bool is_first = true;

    rpw_strbuf_init(&writer, arena);
    while (rpw_span_next_element(&value, ':', &element)) {
        if (is_path(element, path))
            continue;
        rpw_strbuf_put(&writer, is_first ? "" : ":");
        rpw_strbuf_put_span(&writer, element);
        is_first = false;
    }
    return rpw_strbuf_finish(&writer, ret_value);
}
