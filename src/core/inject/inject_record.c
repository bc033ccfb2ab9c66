/* inject_record.c - what the annotations say of an earlier injection, and whether a container bears it out.
 *
 * Annotations record and do not decide. A pod that was copied or restored may carry an injection of another revision; it is
 * recognised by the record and by how its containers look, never by one of them alone.
 */
#include "injector.h"
#include "rpw/inject/pythonpath.h"

/* The `conflicts` annotation: CONTAINER/FIELD, separated by ", ". False when it has too many entries. */
static bool read_conflicts(struct rpw_span text, struct record *record)
{
    struct rpw_span item, container;

    while (rpw_span_next_element(&text, ',', &item)) {
        if (rpw_span_starts_with(item, RPW_LIT(" ")))
            item = (struct rpw_span){item.ptr + 1, item.len - 1};
        if (!rpw_span_next_element(&item, '/', &container) || item.ptr == NULL)
            continue;
        if (record->count == RPW_MAX_RECORD_ENTRIES)
            return false;
        record->items[record->count++] = (struct record_entry){container, item};
    }
    return true;
}

void injector_read_record(struct injector *injector)
{
    const struct rpw_annotations *annotations = &injector->pod->metadata.annotations;

    injector->record = rpw_arena_alloc(injector->arena, sizeof(*injector->record));
    if (injector->record == NULL) {
        injector->has_failed = true;
        return;
    }
    injector->record->count = 0;
    injector->record->state = RECORD_NONE;
    if (annotations->revision.len == 0 || !read_conflicts(annotations->conflicts, injector->record))
        return;
    injector->record->state = injector_is_record_current(injector) ? RECORD_CURRENT : RECORD_OLDER;
}

bool injector_is_record_current(const struct injector *injector)
{
    return rpw_span_equal(injector->pod->metadata.annotations.revision, injector->revision);
}

bool injector_record_lists(const struct injector *injector, struct rpw_span container, struct rpw_span field)
{
    for (size_t i = 0; i < injector->record->count; i++)
        if (rpw_span_equal(injector->record->items[i].container, container) &&
            rpw_span_equal(injector->record->items[i].field, field))
            return true;
    return false;
}

size_t injector_volume_number(struct rpw_span name)
{
    const struct rpw_span prefix = RPW_LIT("rucio-policy");
    size_t number = 0;

    if (!rpw_span_starts_with(name, prefix))
        return 0;
    if (name.len == prefix.len)
        return 1;
    if (name.ptr[prefix.len] != '-' || name.len > prefix.len + 10 || name.len == prefix.len + 1 ||
        name.ptr[prefix.len + 1] == '0')
        return 0;
    for (size_t i = prefix.len + 1; i < name.len; i++) {
        if (name.ptr[i] < '0' || name.ptr[i] > '9')
            return 0;
        number = number * 10 + (size_t)(name.ptr[i] - '0');
    }
    return number >= 2 ? number : 0;
}

bool injector_is_mount_at(const struct rpw_volume_mount *mount, struct rpw_span path)
{
    return rpw_span_equal(rpw_span_without_trailing_slashes(mount->mount_path), path);
}

static bool is_mount_left(const struct injector *injector, const struct rpw_container *container)
{
    return injector_record_lists(injector, container->name, RPW_LIT("volumeMounts"));
}

const struct rpw_volume_mount *injector_find_our_mount(const struct injector *injector,
                                                       const struct rpw_container *container, struct rpw_span path)
{
    if (is_mount_left(injector, container))
        return NULL;
    for (size_t i = 0; path.len > 0 && i < container->volume_mounts.count; i++) {
        const struct rpw_volume_mount *mount = &container->volume_mounts.items[i];
        if (mount->is_read_only && injector_volume_number(mount->name) > 0 && injector_is_mount_at(mount, path))
            return mount;
    }
    return NULL;
}

static bool is_mounted_at(const struct rpw_container *container, struct rpw_span path)
{
    for (size_t i = 0; i < container->volume_mounts.count; i++)
        if (injector_is_mount_at(&container->volume_mounts.items[i], path))
            return true;
    return false;
}

bool injector_is_usable_path(struct rpw_span path)
{
    return path.len > 1 && path.ptr[0] == '/' && memchr(path.ptr, ':', path.len) == NULL &&
           !rpw_span_contains(path, RPW_LIT("$(")) && !rpw_span_contains(path, RPW_LIT("$$"));
}

/* Whether a container looks as an injection leaves one whose package lies at path. */
static bool looks_injected(const struct injector *injector, const struct rpw_container *container, struct rpw_span path)
{
    const struct rpw_env *python_path = rpw_container_last_env(container, RPW_LIT("PYTHONPATH"));

    if (is_mount_left(injector, container) || injector_find_our_mount(injector, container, path) != NULL)
        return true;
    return !is_mounted_at(container, path) && python_path != NULL && rpw_pythonpath_has(python_path->value, path, true);
}

struct rpw_span injector_recorded_path(const struct injector *injector, const struct rpw_container *container)
{
    const struct rpw_env *env = rpw_container_last_env(container, RPW_LIT("POLICY_PKG_PATH"));
    const struct rpw_span none = {NULL, 0};

    if (injector->record->state == RECORD_NONE || env == NULL || env->value_from.ptr != NULL)
        return none;
    struct rpw_span path = rpw_span_without_trailing_slashes(env->value);
    return injector_is_usable_path(path) && looks_injected(injector, container, path) ? path : none;
}
