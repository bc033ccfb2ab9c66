/* mount_plan.c - first it is seen what is there, then what an earlier revision of ours left behind is taken over. */
#include "mount_plan.h"

#include "conflict.h"
#include "rpw/bytes/path.h"

static const struct rpw_volume_mount_list *mounts_of(const struct mount_plan *plan)
{
    return &plan->target->container->volume_mounts;
}

static bool is_wanted(const struct mount_plan *plan, const struct rpw_volume_mount *mount)
{
    const struct rpw_policy *policy = plan->injector->policy;

    return rpw_span_equal(mount->name, policy->volume_name) && mount->is_read_only &&
           rpw_span_equal(mount->sub_path, policy->sub_path) && mount->sub_path_expr.len == 0 &&
           rpw_path_equal(mount->mount_path, plan->path);
}

static struct rpw_span mount_text(struct injector *injector, struct rpw_span path)
{
    const struct rpw_policy *policy = injector->policy;
    struct rpw_strbuf buf;

    rpw_strbuf_init(&buf, injector->arena);
    rpw_strbuf_put_parts(&buf,
                         RPW_PARTS(rpw_words("{\"name\":"), rpw_quoted(policy->volume_name),
                                   rpw_words(",\"mountPath\":"), rpw_quoted(path), rpw_words(",\"readOnly\":true")));
    if (policy->sub_path.len > 0)
        rpw_strbuf_put_parts(&buf, RPW_PARTS(rpw_words(",\"subPath\":"), rpw_quoted(policy->sub_path)));
    rpw_strbuf_put(&buf, "}");
    return injector_finish(injector, &buf);
}

/* --- conflicts ----------------------------------------------------------------------------------------------------- */

/* volume "mine" at "/opt/rucio/policy" */
static bool resolve(const struct mount_plan *plan, struct rpw_span field, struct rpw_span volume, struct rpw_span path,
                    struct rpw_span ours, bool can_be_kept)
{
    struct rpw_span theirs = injector_text(
        plan->injector, RPW_PARTS(rpw_words("volume "), rpw_quoted(volume), rpw_words(" at "), rpw_quoted(path)));
    struct conflict conflict = {
        .container = plan->target->container->name, .field = field, .theirs = theirs, .ours = ours};

    return conflict_resolve(plan->injector, conflict, can_be_kept);
}

static bool resolve_below(const struct mount_plan *plan, struct rpw_span field, struct rpw_span volume,
                          struct rpw_span path)
{
    struct rpw_span ours =
        injector_text(plan->injector, RPW_PARTS(rpw_words("a read-only mount at "), rpw_quoted(plan->path),
                                                rpw_words(" that cannot carry it")));

    return resolve(plan, field, volume, path, ours, false);
}

/* --- planning ------------------------------------------------------------------------------------------------------ */

/* A mount that stands where ours belongs, or that an earlier revision left behind: replaced by ours if that has no place
 * yet, else removed. */
static void take_over(struct mount_plan *plan, size_t index)
{
    plan->changes[index] = plan->has_path ? MOUNT_REMOVED : MOUNT_REPLACED;
    plan->has_ours = plan->has_ours || !plan->has_path;
    plan->is_on_record = plan->is_on_record || !plan->has_path;
    plan->has_path = true;
}

/* The mount that is on record; RPW_NO_INDEX when there is none, or it is gone. */
static size_t find_recorded(const struct mount_plan *plan, struct rpw_span volume)
{
    const struct record_container *on_record = plan->target->on_record;

    for (size_t i = 0; on_record != NULL && on_record->mount_path.len > 0 && i < mounts_of(plan)->count; i++) {
        const struct rpw_volume_mount *mount = &mounts_of(plan)->items[i];
        if (rpw_span_equal(mount->name, volume) && rpw_path_equal(mount->mount_path, on_record->mount_path))
            return i;
    }
    return RPW_NO_INDEX;
}

static void plan_at_path(struct mount_plan *plan, size_t recorded)
{
    for (size_t i = 0; i < mounts_of(plan)->count; i++) {
        if (!is_wanted(plan, &mounts_of(plan)->items[i]))
            continue;
        plan->has_path = plan->has_ours = true;
        plan->is_on_record = plan->is_on_record || i == recorded;
    }
    for (size_t i = 0; i < mounts_of(plan)->count; i++) {
        const struct rpw_volume_mount *mount = &mounts_of(plan)->items[i];
        if (i == recorded || is_wanted(plan, mount) || !rpw_path_equal(mount->mount_path, plan->path))
            continue;
        if (resolve(plan, RPW_LIT("volumeMounts"), mount->name, mount->mount_path, RPW_LIT("its volume"), true))
            take_over(plan, i);
        else
            plan->has_path = true;
    }
    if (recorded != RPW_NO_INDEX && !is_wanted(plan, &mounts_of(plan)->items[recorded]))
        take_over(plan, recorded);
    if (!plan->has_path)
        plan->has_ours = plan->has_path = plan->is_added = plan->is_on_record = true;
}

/* A read-only parent cannot carry a mount point that the volume does not hold, and a device can hold no package. */
static void plan_below(struct mount_plan *plan)
{
    const struct rpw_volume_device_list *devices = &plan->target->container->volume_devices;

    for (size_t i = 0; i < mounts_of(plan)->count; i++) {
        const struct rpw_volume_mount *mount = &mounts_of(plan)->items[i];
        if (plan->changes[i] == MOUNT_KEPT && rpw_path_is_below(mount->mount_path, plan->path) &&
            resolve_below(plan, RPW_LIT("volumeMounts"), mount->name, mount->mount_path))
            plan->changes[i] = MOUNT_REMOVED;
    }
    for (size_t i = 0; i < devices->count; i++) {
        const struct rpw_volume_device *device = &devices->items[i];
        if (rpw_path_equal(device->device_path, plan->path) || rpw_path_is_below(device->device_path, plan->path))
            plan->is_device_removed[i] =
                resolve_below(plan, RPW_LIT("volumeDevices"), device->name, device->device_path);
    }
}

/* The nearest mount that ours goes inside of; NULL: none. */
static const struct rpw_volume_mount *find_above(const struct mount_plan *plan)
{
    const struct rpw_volume_mount *above = NULL;

    for (size_t i = 0; i < mounts_of(plan)->count; i++) {
        const struct rpw_volume_mount *mount = &mounts_of(plan)->items[i];
        if (plan->changes[i] == MOUNT_KEPT && mount->mount_path.len > 0 &&
            rpw_path_is_below(plan->path, mount->mount_path) &&
            (above == NULL || rpw_path_is_below(mount->mount_path, above->mount_path)))
            above = mount;
    }
    return above;
}

static void warn_of_mount_above(const struct mount_plan *plan)
{
    const struct rpw_volume_mount *above = plan->is_added ? find_above(plan) : NULL;

    if (above != NULL)
        injector_warn(plan->injector, plan->target->container->name,
                      RPW_PARTS(rpw_plain(plan->path),
                                rpw_words(above->is_read_only ? " must exist in the pod's read-only mount at "
                                                              : " is mounted inside what the pod mounts at "),
                                rpw_plain(above->mount_path)));
}

struct mount_plan mount_plan_make(struct injector *injector, const struct target *target, struct rpw_span path,
                                  struct rpw_span older_volume)
{
    struct mount_plan plan = {.injector = injector, .target = target, .path = path};
    bool is_mounted = target->is_wanted && target->adopted_path.ptr == NULL && injector_has_volume(injector);

    plan.changes = injector_alloc(injector, target->container->volume_mounts.count * sizeof(plan.changes[0]));
    plan.is_device_removed =
        injector_alloc(injector, target->container->volume_devices.count * sizeof(plan.is_device_removed[0]));
    if (plan.changes == NULL || plan.is_device_removed == NULL)
        return plan;
    size_t recorded = find_recorded(&plan, older_volume);
    if (is_mounted) {
        plan.text = mount_text(injector, path);
        plan_at_path(&plan, recorded);
        if (plan.has_ours)
            plan_below(&plan);
        warn_of_mount_above(&plan);
    } else if (recorded != RPW_NO_INDEX) {
        plan.changes[recorded] = MOUNT_REMOVED;
    }
    return plan;
}

/* --- reading ------------------------------------------------------------------------------------------------------- */

bool mount_plan_keeps(const struct mount_plan *plan, struct rpw_span volume)
{
    for (size_t i = 0; i < mounts_of(plan)->count; i++)
        if (plan->changes[i] == MOUNT_KEPT && rpw_span_equal(mounts_of(plan)->items[i].name, volume))
            return true;
    return false;
}

struct rpw_span mount_plan_text(const struct mount_plan *plan)
{
    const char *separator = "[";
    struct rpw_strbuf buf;

    rpw_strbuf_init(&buf, plan->injector->arena);
    for (size_t i = 0; i < mounts_of(plan)->count; i++) {
        const struct rpw_volume_mount *mount = &mounts_of(plan)->items[i];
        bool is_kept = plan->changes[i] == MOUNT_KEPT;
        if (plan->changes[i] == MOUNT_REMOVED ||
            (is_kept && (mount->text.ptr == NULL || rpw_span_is(mount->propagation, "Bidirectional"))))
            continue;
        rpw_strbuf_put_parts(&buf, RPW_PARTS(rpw_words(separator), rpw_plain(is_kept ? mount->text : plan->text)));
        separator = ",";
    }
    if (plan->is_added)
        rpw_strbuf_put_parts(&buf, RPW_PARTS(rpw_words(separator), rpw_plain(plan->text)));
    rpw_strbuf_put(&buf, buf.len == 0 ? "[]" : "]");
    return injector_finish(plan->injector, &buf);
}

void mount_plan_emit(const struct mount_plan *plan)
{
    struct rpw_edit edit = {
        .place = RPW_EDIT_VOLUME_MOUNTS, .kind = plan->target->kind, .container = plan->target->index};

    for (edit.index = 0; edit.index < mounts_of(plan)->count; edit.index++) {
        bool is_replaced = plan->changes[edit.index] == MOUNT_REPLACED;
        edit.action = is_replaced ? RPW_EDIT_REPLACE : RPW_EDIT_REMOVE;
        edit.value = is_replaced ? plan->text : (struct rpw_span){NULL, 0};
        if (plan->changes[edit.index] != MOUNT_KEPT)
            injector_edit(plan->injector, edit);
    }
    if (plan->is_added) {
        edit.action = RPW_EDIT_INSERT;
        edit.value = plan->text;
        injector_edit(plan->injector, edit);
    }
    edit = (struct rpw_edit){
        .place = RPW_EDIT_VOLUME_DEVICES, .action = RPW_EDIT_REMOVE, .kind = edit.kind, .container = edit.container};
    for (edit.index = 0; edit.index < plan->target->container->volume_devices.count; edit.index++)
        if (plan->is_device_removed[edit.index])
            injector_edit(plan->injector, edit);
}
