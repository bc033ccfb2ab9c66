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
    struct rpw_strbuf writer;
    const struct rpw_pod *pod;
    size_t operation_count;
    struct rpw_edit_list init_edits; /* of the array of init containers itself, once they are written */
};

/* --- paths (RFC 6901) ---------------------------------------------------------------------------------------------- */

static void put_pointer_token(struct rpw_strbuf *writer, struct rpw_span token)
{
    for (size_t i = 0; i < token.len; i++) {
        if (token.ptr[i] == '~')
            rpw_strbuf_put(writer, "~0");
        else if (token.ptr[i] == '/')
            rpw_strbuf_put(writer, "~1");
        else
            rpw_strbuf_put_span(writer, (struct rpw_span){token.ptr + i, 1});
    }
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
    struct rpw_strbuf *writer = &patch->writer;

    switch (edit->place) {
    case RPW_EDIT_INIT_CONTAINERS:
        rpw_strbuf_put(writer, "/spec/initContainers");
        return;
    case RPW_EDIT_VOLUMES:
        rpw_strbuf_put(writer, "/spec/volumes");
        return;
    case RPW_EDIT_ANNOTATIONS:
        rpw_strbuf_put(writer, "/metadata/annotations");
        return;
    case RPW_EDIT_ENV:
    case RPW_EDIT_VOLUME_MOUNTS:
        rpw_strbuf_put(writer, edit->kind == RPW_INIT_CONTAINERS ? "/spec/initContainers/" : "/spec/containers/");
        rpw_strbuf_put_number(writer, container_position(patch, edit));
        rpw_strbuf_put(writer, edit->place == RPW_EDIT_ENV ? "/env" : "/volumeMounts");
    }
}

/* --- operations ---------------------------------------------------------------------------------------------------- */

/* {"op":"...","path":"<place> - the path goes on, and put_value or put_end closes the operation. */
static void begin_operation(struct patch *patch, const char *operation)
{
    rpw_strbuf_put(&patch->writer, patch->operation_count++ > 0 ? "," : "");
    rpw_strbuf_put(&patch->writer, "{\"op\":\"");
    rpw_strbuf_put(&patch->writer, operation);
    rpw_strbuf_put(&patch->writer, "\",\"path\":\"");
}

static void end_operation(struct patch *patch, struct rpw_span value)
{
    if (value.ptr != NULL) {
        rpw_strbuf_put(&patch->writer, "\",\"value\":");
        rpw_strbuf_put_span(&patch->writer, value);
        rpw_strbuf_put(&patch->writer, "}");
    } else {
        rpw_strbuf_put(&patch->writer, "\"}");
    }
}

static const char *operation_name(enum rpw_edit_action action)
{
    switch (action) {
    case RPW_EDIT_REPLACE:
        return "replace";
    case RPW_EDIT_REMOVE:
        return "remove";
    default:
        return "add";
    }
}

static void put_array_edit(struct patch *patch, const struct rpw_edit *edit, size_t position)
{
    begin_operation(patch, operation_name(edit->action));
    put_place(patch, edit);
    rpw_strbuf_put(&patch->writer, "/");
    rpw_strbuf_put_number(&patch->writer, position);
    if (edit->action == RPW_EDIT_SET_MEMBER) {
        rpw_strbuf_put(&patch->writer, "/");
        put_pointer_token(&patch->writer, edit->key);
    }
    end_operation(patch, edit->value);
}

static void put_annotation_edit(struct patch *patch, const struct rpw_edit *edit)
{
    begin_operation(patch, operation_name(edit->action));
    put_place(patch, edit);
    rpw_strbuf_put(&patch->writer, "/");
    put_pointer_token(&patch->writer, edit->key);
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

static void put_whole_array(struct patch *patch, const struct rpw_edit *edits, size_t count)
{
    begin_operation(patch, "add");
    put_place(patch, &edits[0]);
    rpw_strbuf_put(&patch->writer, "\",\"value\":[");
    for (size_t i = 0; i < count; i++) {
        rpw_strbuf_put(&patch->writer, i > 0 ? "," : "");
        rpw_strbuf_put_span(&patch->writer, edits[i].value);
    }
    rpw_strbuf_put(&patch->writer, "]}");
}

static void put_whole_annotations(struct patch *patch, const struct rpw_edit *edits, size_t count)
{
    bool has_metadata = patch->pod->metadata.is_present;

    begin_operation(patch, "add");
    rpw_strbuf_put(&patch->writer,
                   has_metadata ? "/metadata/annotations\",\"value\":{" : "/metadata\",\"value\":{\"annotations\":{");
    for (size_t i = 0; i < count; i++) {
        rpw_strbuf_put(&patch->writer, i > 0 ? "," : "");
        rpw_strbuf_put_json(&patch->writer, edits[i].key);
        rpw_strbuf_put(&patch->writer, ":");
        rpw_strbuf_put_span(&patch->writer, edits[i].value);
    }
    rpw_strbuf_put(&patch->writer, has_metadata ? "}}" : "}}}");
}

static void put_group(struct patch *patch, struct rpw_edit *edits, size_t count)
{
    size_t inserted = 0, removed = 0;
    bool is_map = edits[0].place == RPW_EDIT_ANNOTATIONS;

    if (!is_present(patch->pod, &edits[0])) {
        (is_map ? put_whole_annotations : put_whole_array)(patch, edits, count);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (is_map) {
            put_annotation_edit(patch, &edits[i]);
            continue;
        }
        put_array_edit(patch, &edits[i], edits[i].index + inserted - removed);
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

    rpw_strbuf_init(&patch.writer, arena);
    rpw_strbuf_put(&patch.writer, "[");
    for (size_t start = 0, end; start < edits->count; start = end) {
        end = start + 1;
        while (end < edits->count && is_same_group(&edits->items[start], &edits->items[end]))
            end++;
        put_group(&patch, edits->items + start, end - start);
    }
    rpw_strbuf_put(&patch.writer, "]");
    if (!rpw_strbuf_finish(&patch.writer, ret_patch))
        return false;
    *ret_operation_count = patch.operation_count;
    return true;
}
