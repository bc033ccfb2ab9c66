/* jsonpatch.h - intended edits of a pod, and their form as a JSON Patch (RFC 6902).
 *
 * An edit speaks of the pod as it came: `index` is an original index. This module alone knows what the edits before it in
 * the patch have shifted, how pointers are escaped, and that an array or map which is missing or null must be made first.
 */
#ifndef RPW_JSONPATCH_H
#define RPW_JSONPATCH_H

#include "rpw/bytes/arena.h"
#include "rpw/bytes/text.h"
#include "rpw/review/pod.h"

enum rpw_edit_place {
    RPW_EDIT_ENV,           /* of containers[kind].items[container] */
    RPW_EDIT_VOLUME_MOUNTS, /* of the same, and so are volumeDevices */
    RPW_EDIT_VOLUME_DEVICES,
    RPW_EDIT_INIT_CONTAINERS,
    RPW_EDIT_VOLUMES,
    RPW_EDIT_ANNOTATIONS,
};

enum rpw_edit_action {
    RPW_EDIT_INSERT,     /* value comes before the element at index; index == count: at the end */
    RPW_EDIT_REPLACE,    /* the element at index becomes value */
    RPW_EDIT_REMOVE,     /* the element at index goes; an annotation: key goes */
    RPW_EDIT_SET_MEMBER, /* member key of the element at index becomes value; an annotation: key becomes value */
};

struct rpw_edit {
    enum rpw_edit_place place;
    enum rpw_edit_action action;
    enum rpw_container_kind kind; /* env, volumeMounts and volumeDevices */
    size_t container;             /* env, volumeMounts and volumeDevices */
    size_t index;                 /* arrays */
    struct rpw_span key;
    struct rpw_span value; /* JSON text */
};

/* Edits of one array stand together, in ascending order of index (an insertion before what happens to the element there).
 * An init container that is replaced or removed has no edits of its own. */
struct rpw_edit_list {
    size_t count;
    struct rpw_edit *items;
};

/* Writes the patch of pod. ret_operation_count: how many operations it has.
 * False when the arena refused: the outputs are then untouched. */
RPW_MUST_CHECK bool rpw_jsonpatch_write(struct rpw_arena *arena, const struct rpw_pod *pod,
                                        const struct rpw_edit_list *edits, struct rpw_span *ret_patch,
                                        size_t *ret_operation_count);

#endif
