/* jsonpatch.c - one pass over the edits.
 *
 * Edits of one array form a group and come in ascending order, so while one is written the array looks like this:
 *
 *     | edited, final | the rest, as it came |
 *                     ^ original index + shift
 *
 * where shift is what the group has inserted so far less what it has removed. A group whose array is missing or null has
 * insertions only, and becomes one operation that adds the whole array (RFC 6902 4.1: add replaces an existing member, so
 * null needs no case of its own). The map of annotations is treated alike.
 *
 * Once init containers have been inserted or removed, the paths of those behind them are others too.
 */
#include "rpw/patch/jsonpatch.h"

#include "rpw/bytes/strbuf.h"

struct patch {
    struct rpw_strbuf buf;
    const struct rpw_pod *pod;
    size_t operation_count;
    struct rpw_edit_list init_edits; /* of the array of init containers itself, once they are written */
};

/* --- paths (RFC 6901) ---------------------------------------------------------------------------------------------- */

static void put_pointer_token(struct rpw_strbuf *buf, struct rpw_span token)
{
    size_t start = 0;

    for (size_t i = 0; i < token.len; i++) {
        if (token.ptr[i] != '~' && token.ptr[i] != '/')
            continue;
        rpw_strbuf_put_span(buf, (struct rpw_span){token.ptr + start, i - start});
        rpw_strbuf_put(buf, token.ptr[i] == '~' ? "~0" : "~1");
        start = i + 1;
    }
    rpw_strbuf_put_span(buf, (struct rpw_span){token.ptr + start, token.len - start});
}

/* Where the container of the edit is by now. */
static size_t container_position(const struct patch *patch, const struct rpw_edit *edit)
{
    size_t inserted = 0, removed = 0;

    for (size_t i = 0; edit->kind == RPW_INIT_CONTAINERS && i < patch->init_edits.count; i++) {
        const struct rpw_edit *earlier = &patch->init_edits.items[i];
        inserted += earlier->action == RPW_EDIT_INSERT && earlier->index <= edit->container;
        removed += earlier->action == RPW_EDIT_REMOVE && earlier->index < edit->container;
    }
    return edit->container + inserted - removed;
}

static void put_place(struct patch *patch, const struct rpw_edit *edit)
{
    static const char *const places[] = {
        [RPW_EDIT_ENV] = "/env",
        [RPW_EDIT_VOLUME_MOUNTS] = "/volumeMounts",
        [RPW_EDIT_VOLUME_DEVICES] = "/volumeDevices",
        [RPW_EDIT_INIT_CONTAINERS] = "/spec/initContainers",
        [RPW_EDIT_VOLUMES] = "/spec/volumes",
        [RPW_EDIT_ANNOTATIONS] = "/metadata/annotations",
    };
    bool is_in_container = edit->place <= RPW_EDIT_VOLUME_DEVICES;

    if (is_in_container) {
        rpw_strbuf_put(&patch->buf, edit->kind == RPW_INIT_CONTAINERS ? "/spec/initContainers/" : "/spec/containers/");
        rpw_strbuf_put_number(&patch->buf, container_position(patch, edit));
    }
    rpw_strbuf_put(&patch->buf, places[edit->place]);
}

/* --- operations ---------------------------------------------------------------------------------------------------- */

/* {"op":"...","path":"<place> - the path goes on, and end_operation closes the operation. */
static void begin_operation(struct patch *patch, const char *operation)
{
    const char *separator = patch->operation_count++ > 0 ? "," : "";

    rpw_strbuf_put_parts(&patch->buf, RPW_PARTS(rpw_words(separator), rpw_words("{\"op\":\""), rpw_words(operation),
                                                rpw_words("\",\"path\":\"")));
}

static void end_operation(struct patch *patch, struct rpw_span value)
{
    bool has_value = value.ptr != NULL;

    rpw_strbuf_put_parts(&patch->buf,
                         RPW_PARTS(rpw_words(has_value ? "\",\"value\":" : "\""), rpw_plain(value), rpw_words("}")));
}

/* position: of the element; a map has none. */
static void put_edit(struct patch *patch, const struct rpw_edit *edit, size_t position)
{
    static const char *const operations[] = {[RPW_EDIT_INSERT] = "add",
                                             [RPW_EDIT_REPLACE] = "replace",
                                             [RPW_EDIT_REMOVE] = "remove",
                                             [RPW_EDIT_SET_MEMBER] = "add"};
    bool is_map = edit->place == RPW_EDIT_ANNOTATIONS;

    begin_operation(patch, operations[edit->action]);
    put_place(patch, edit);
    if (!is_map) {
        rpw_strbuf_put(&patch->buf, "/");
        rpw_strbuf_put_number(&patch->buf, position);
    }
    if (is_map || edit->action == RPW_EDIT_SET_MEMBER) {
        rpw_strbuf_put(&patch->buf, "/");
        put_pointer_token(&patch->buf, edit->key);
    }
    end_operation(patch, edit->value);
}

/* --- groups -------------------------------------------------------------------------------------------------------- */

static bool is_present(const struct rpw_pod *pod, const struct rpw_edit *edit)
{
    const struct rpw_container_list *containers = &pod->containers[edit->kind];

    switch (edit->place) {
    case RPW_EDIT_ENV:
        return containers->items[edit->container].env.is_present;
    case RPW_EDIT_VOLUME_MOUNTS:
        return containers->items[edit->container].volume_mounts.is_present;
    case RPW_EDIT_VOLUME_DEVICES:
        return containers->items[edit->container].volume_devices.is_present;
    case RPW_EDIT_INIT_CONTAINERS:
        return pod->containers[RPW_INIT_CONTAINERS].is_present;
    case RPW_EDIT_VOLUMES:
        return pod->volumes.is_present;
    default:
        return pod->metadata.annotations.is_present;
    }
}

static bool is_same_group(const struct rpw_edit *a, const struct rpw_edit *b)
{
    return a->place == b->place && a->kind == b->kind && a->container == b->container;
}

/* [element,...] or {"key":value,...}, in place of an array or a map that is not there. */
static void put_whole(struct patch *patch, const struct rpw_edit *edits, size_t count)
{
    bool is_map = edits[0].place == RPW_EDIT_ANNOTATIONS, lacks_metadata = is_map && !patch->pod->metadata.is_present;

    begin_operation(patch, "add");
    if (lacks_metadata)
        rpw_strbuf_put(&patch->buf, "/metadata\",\"value\":{\"annotations\":");
    else
        put_place(patch, &edits[0]);
    rpw_strbuf_put_parts(&patch->buf,
                         RPW_PARTS(rpw_words(lacks_metadata ? "" : "\",\"value\":"), rpw_words(is_map ? "{" : "[")));
    for (size_t i = 0; i < count; i++) {
        rpw_strbuf_put(&patch->buf, i > 0 ? "," : "");
        if (is_map)
            rpw_strbuf_put_parts(&patch->buf, RPW_PARTS(rpw_quoted(edits[i].key), rpw_words(":")));
        rpw_strbuf_put_span(&patch->buf, edits[i].value);
    }
    rpw_strbuf_put_parts(&patch->buf, RPW_PARTS(rpw_words(is_map ? "}" : "]"), rpw_words(lacks_metadata ? "}}" : "}")));
}

static void put_group(struct patch *patch, struct rpw_edit *edits, size_t count)
{
    size_t inserted = 0, removed = 0;

    if (!is_present(patch->pod, &edits[0])) {
        put_whole(patch, edits, count);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        put_edit(patch, &edits[i], edits[i].index + inserted - removed);
        inserted += edits[i].action == RPW_EDIT_INSERT;
        removed += edits[i].action == RPW_EDIT_REMOVE;
    }
    if (edits[0].place == RPW_EDIT_INIT_CONTAINERS)
        patch->init_edits = (struct rpw_edit_list){count, edits};
}

bool rpw_jsonpatch_write(struct rpw_arena *arena, const struct rpw_pod *pod, const struct rpw_edit_list *edits,
                         struct rpw_span *ret_patch, size_t *ret_operation_count)
{
    struct patch patch = {.pod = pod};

    rpw_strbuf_init(&patch.buf, arena);
    rpw_strbuf_put(&patch.buf, "[");
    for (size_t start = 0, end; start < edits->count; start = end) {
        end = start + 1;
        while (end < edits->count && is_same_group(&edits->items[start], &edits->items[end]))
            end++;
        put_group(&patch, edits->items + start, end - start);
    }
    rpw_strbuf_put(&patch.buf, "]");
    if (!rpw_strbuf_finish(&patch.buf, ret_patch))
        return false;
    *ret_operation_count = patch.operation_count;
    return true;
}
