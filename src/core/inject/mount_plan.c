/* mount_plan.c - first it is seen what is there, then what an earlier revision of ours left behind is taken over. */
#include "mount_plan.h"

#include "conflict.h"
#include "rpw/bytes/path.h"

static const struct rpw_volume_mount_list *mounts_of(const struct mount_plan *plan)
{
    return &plan->target->container->volume_mounts;
}

/* mountPropagation and recursiveReadOnly have a word that means the same as nothing. */
static bool is_same_word(struct rpw_span a, struct rpw_span b, const char *nothing)
{
    return rpw_span_equal(rpw_span_is(a, nothing) ? RPW_LIT("") : a, rpw_span_is(b, nothing) ? RPW_LIT("") : b);
}

static bool is_wanted(const struct own_mount *own, const struct rpw_volume_mount *mount)
{
    const struct rpw_volume_mount *wanted = &own->wanted;

    return rpw_span_equal(mount->name, wanted->name) && mount->is_read_only &&
           rpw_span_equal(mount->sub_path, wanted->sub_path) && mount->sub_path_expr.len == 0 &&
           is_same_word(mount->propagation, wanted->propagation, "None") &&
           is_same_word(mount->recursive_read_only, wanted->recursive_read_only, "Disabled") &&
           rpw_path_equal(mount->mount_path, wanted->mount_path);
}

static void put_text(struct rpw_strbuf *buf, const char *key, struct rpw_span text)
{
    if (text.len > 0)
        rpw_strbuf_put_parts(buf,
                             RPW_PARTS(rpw_words(","), rpw_quoted(rpw_span_of(key)), rpw_words(":"), rpw_quoted(text)));
}

static struct rpw_span mount_text(struct injector *injector, const struct rpw_volume_mount *wanted)
{
    struct rpw_strbuf buf;

    rpw_strbuf_init(&buf, injector->arena);
    rpw_strbuf_put_parts(&buf, RPW_PARTS(rpw_words("{\"name\":"), rpw_quoted(wanted->name)));
    put_text(&buf, "mountPath", wanted->mount_path);
    rpw_strbuf_put(&buf, ",\"readOnly\":true");
    put_text(&buf, "recursiveReadOnly", wanted->recursive_read_only);
    put_text(&buf, "mountPropagation", wanted->propagation);
    put_text(&buf, "subPath", wanted->sub_path);
    rpw_strbuf_put(&buf, "}");
    return injector_finish(injector, &buf);
}

/* The mount of ours that a target with its package at path is to have. */
static struct rpw_volume_mount package_mount(struct injector *injector, struct rpw_span path)
{
    const struct rpw_policy *policy = injector->policy;
    struct rpw_volume_mount mount = {
        .name = policy->volume_name,
        .mount_path = injector_text(injector, RPW_PARTS(rpw_plain(path), rpw_plain(policy->mount_suffix))),
        .sub_path = policy->sub_path,
        .propagation = policy->mount_propagation,
        .recursive_read_only = policy->recursive_read_only,
    };

    mount.text = mount_text(injector, &mount);
    return mount;
}

static struct rpw_volume_mount pth_mount(struct injector *injector)
{
    struct rpw_volume_mount mount = {
        .name = RPW_LIT(RPW_PTH_VOLUME),
        .mount_path =
            injector_text(injector, RPW_PARTS(rpw_plain(injector->policy->site_packages), rpw_words("/" RPW_PTH_FILE))),
        .sub_path = RPW_LIT(RPW_PTH_FILE),
    };

    mount.text = mount_text(injector, &mount);
    return mount;
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

static bool resolve_below(const struct mount_plan *plan, const struct own_mount *own, struct rpw_span field,
                          struct rpw_span volume, struct rpw_span path)
{
    struct rpw_span ours =
        injector_text(plan->injector, RPW_PARTS(rpw_words("a read-only mount at "), rpw_quoted(own->wanted.mount_path),
                                                rpw_words(" that cannot carry it")));

    return resolve(plan, field, volume, path, ours, false);
}

/* --- planning ------------------------------------------------------------------------------------------------------ */

/* A mount that stands where ours belongs, or that an earlier revision left behind: replaced by ours if that has no place
 * yet, else removed. */
static void take_over(struct mount_plan *plan, struct own_mount *own, size_t index)
{
    plan->slots[index] = own->has_place ? (struct mount_slot){.change = MOUNT_REMOVED}
                                        : (struct mount_slot){MOUNT_REPLACED, own->wanted.text};
    own->has_ours = own->has_ours || !own->has_place;
    own->is_on_record = own->is_on_record || !own->has_place;
    own->has_place = true;
}

/* The mount of the volume at the path that is on record; RPW_NO_INDEX when there is none, or it is gone. A forged record may have
 * one mount twice. */
static size_t find_recorded(const struct mount_plan *plan, struct rpw_span volume, struct rpw_span path)
{
    for (size_t i = 0; path.len > 0 && i < mounts_of(plan)->count; i++) {
        const struct rpw_volume_mount *mount = &mounts_of(plan)->items[i];
        if (plan->slots[i].change == MOUNT_KEPT && rpw_span_equal(mount->name, volume) &&
            rpw_path_equal(mount->mount_path, path))
            return i;
    }
    return RPW_NO_INDEX;
}

static void plan_place(struct mount_plan *plan, struct own_mount *own, size_t recorded)
{
    for (size_t i = 0; i < mounts_of(plan)->count; i++) {
        if (plan->slots[i].change != MOUNT_KEPT || !is_wanted(own, &mounts_of(plan)->items[i]))
            continue;
        own->has_place = own->has_ours = true;
        own->is_on_record = own->is_on_record || i == recorded;
    }
    for (size_t i = 0; i < mounts_of(plan)->count; i++) {
        const struct rpw_volume_mount *mount = &mounts_of(plan)->items[i];
        if (i == recorded || plan->slots[i].change != MOUNT_KEPT || is_wanted(own, mount) ||
            !rpw_path_equal(mount->mount_path, own->wanted.mount_path))
            continue;
        if (resolve(plan, RPW_LIT("volumeMounts"), mount->name, mount->mount_path, RPW_LIT("its volume"), true))
            take_over(plan, own, i);
        else
            own->has_place = true;
    }
    if (recorded != RPW_NO_INDEX && !is_wanted(own, &mounts_of(plan)->items[recorded]))
        take_over(plan, own, recorded);
    if (!own->has_place)
        own->has_ours = own->has_place = own->is_added = own->is_on_record = true;
}

/* A read-only parent cannot carry a mount point that the volume does not hold, and a device can hold no package. */
static void plan_below(struct mount_plan *plan, const struct own_mount *own)
{
    const struct rpw_volume_device_list *devices = &plan->target->container->volume_devices;
    struct rpw_span path = own->wanted.mount_path;

    for (size_t i = 0; i < mounts_of(plan)->count; i++) {
        const struct rpw_volume_mount *mount = &mounts_of(plan)->items[i];
        if (plan->slots[i].change == MOUNT_KEPT && rpw_path_is_below(mount->mount_path, path) &&
            resolve_below(plan, own, RPW_LIT("volumeMounts"), mount->name, mount->mount_path))
            plan->slots[i].change = MOUNT_REMOVED;
    }
    for (size_t i = 0; i < devices->count; i++) {
        const struct rpw_volume_device *device = &devices->items[i];
        if (rpw_path_equal(device->device_path, path) || rpw_path_is_below(device->device_path, path))
            plan->is_device_removed[i] =
                resolve_below(plan, own, RPW_LIT("volumeDevices"), device->name, device->device_path);
    }
}

/* The nearest mount that ours goes inside of; NULL: none. */
static const struct rpw_volume_mount *find_above(const struct mount_plan *plan, struct rpw_span path)
{
    const struct rpw_volume_mount *above = NULL;

    for (size_t i = 0; i < mounts_of(plan)->count; i++) {
        const struct rpw_volume_mount *mount = &mounts_of(plan)->items[i];
        if (plan->slots[i].change == MOUNT_KEPT && mount->mount_path.len > 0 &&
            rpw_path_is_below(path, mount->mount_path) &&
            (above == NULL || rpw_path_is_below(mount->mount_path, above->mount_path)))
            above = mount;
    }
    return above;
}

static void warn_of_mount_above(const struct mount_plan *plan, const struct own_mount *own)
{
    const struct rpw_volume_mount *above = own->is_added ? find_above(plan, own->wanted.mount_path) : NULL;

    if (above != NULL)
        injector_warn(plan->injector, plan->target->container->name,
                      RPW_PARTS(rpw_plain(own->wanted.mount_path),
                                rpw_words(above->is_read_only ? " must exist in the pod's read-only mount at "
                                                              : " is mounted inside what the pod mounts at "),
                                rpw_plain(above->mount_path)));
}

static void plan_own(struct mount_plan *plan, struct own_mount *own, bool is_mounted, size_t recorded)
{
    if (is_mounted) {
        plan_place(plan, own, recorded);
        if (own->has_ours)
            plan_below(plan, own);
        warn_of_mount_above(plan, own);
    } else if (recorded != RPW_NO_INDEX) {
        plan->slots[recorded].change = MOUNT_REMOVED;
    }
}

struct mount_plan mount_plan_make(struct injector *injector, const struct target *target, struct rpw_span path,
                                  struct rpw_span older_volume)
{
    static const struct record_container nothing = {.name = {NULL, 0}};
    const struct record_container *on_record = target->on_record != NULL ? target->on_record : &nothing;
    struct mount_plan plan = {.injector = injector, .target = target};
    bool has_package = target->is_wanted && target->adopted_path.ptr == NULL && injector_has_volume(injector);
    bool has_pth = target->is_wanted && injector_has_pth(injector);

    plan.slots = injector_alloc(injector, target->container->volume_mounts.count * sizeof(plan.slots[0]));
    plan.is_device_removed =
        injector_alloc(injector, target->container->volume_devices.count * sizeof(plan.is_device_removed[0]));
    if (plan.slots == NULL || plan.is_device_removed == NULL)
        return plan;
    if (has_package)
        plan.own[OWN_PACKAGE].wanted = package_mount(injector, path);
    if (has_pth)
        plan.own[OWN_PTH].wanted = pth_mount(injector);
    plan_own(&plan, &plan.own[OWN_PACKAGE], has_package, find_recorded(&plan, older_volume, on_record->mount_path));
    plan_own(&plan, &plan.own[OWN_PTH], has_pth, find_recorded(&plan, RPW_LIT(RPW_PTH_VOLUME), on_record->pth_path));
    return plan;
}

/* --- reading ------------------------------------------------------------------------------------------------------- */

bool mount_plan_keeps(const struct mount_plan *plan, struct rpw_span volume)
{
    for (size_t i = 0; i < mounts_of(plan)->count; i++)
        if (plan->slots[i].change == MOUNT_KEPT && rpw_span_equal(mounts_of(plan)->items[i].name, volume))
            return true;
    return false;
}

struct rpw_span mount_plan_record(const struct mount_plan *plan, enum own_mount_kind kind)
{
    return plan->own[kind].is_on_record ? plan->own[kind].wanted.mount_path : RPW_LIT("");
}

struct rpw_span mount_plan_text(const struct mount_plan *plan)
{
    const char *separator = "[";
    struct rpw_strbuf buf;

    rpw_strbuf_init(&buf, plan->injector->arena);
    for (size_t i = 0; i < mounts_of(plan)->count; i++) {
        const struct rpw_volume_mount *mount = &mounts_of(plan)->items[i];
        bool is_kept = plan->slots[i].change == MOUNT_KEPT;
        if (plan->slots[i].change == MOUNT_REMOVED ||
            (is_kept && (mount->text.ptr == NULL || rpw_span_is(mount->propagation, "Bidirectional"))))
            continue;
        rpw_strbuf_put_parts(&buf,
                             RPW_PARTS(rpw_words(separator), rpw_plain(is_kept ? mount->text : plan->slots[i].text)));
        separator = ",";
    }
    for (size_t kind = 0; kind < OWN_MOUNTS; kind++) {
        if (!plan->own[kind].is_added)
            continue;
        rpw_strbuf_put_parts(&buf, RPW_PARTS(rpw_words(separator), rpw_plain(plan->own[kind].wanted.text)));
        separator = ",";
    }
    rpw_strbuf_put(&buf, buf.len == 0 ? "[]" : "]");
    return injector_finish(plan->injector, &buf);
}

void mount_plan_emit(const struct mount_plan *plan)
{
    struct rpw_edit edit = {
        .place = RPW_EDIT_VOLUME_MOUNTS, .kind = plan->target->kind, .container = plan->target->index};

    for (edit.index = 0; edit.index < mounts_of(plan)->count; edit.index++) {
        const struct mount_slot *slot = &plan->slots[edit.index];
        edit.action = slot->change == MOUNT_REPLACED ? RPW_EDIT_REPLACE : RPW_EDIT_REMOVE;
        edit.value = slot->text;
        if (slot->change != MOUNT_KEPT)
            injector_edit(plan->injector, edit);
    }
    edit.action = RPW_EDIT_INSERT;
    for (size_t kind = 0; kind < OWN_MOUNTS; kind++) {
        edit.value = plan->own[kind].wanted.text;
        if (plan->own[kind].is_added)
            injector_edit(plan->injector, edit);
    }
    edit = (struct rpw_edit){
        .place = RPW_EDIT_VOLUME_DEVICES, .action = RPW_EDIT_REMOVE, .kind = edit.kind, .container = edit.container};
    for (edit.index = 0; edit.index < plan->target->container->volume_devices.count; edit.index++)
        if (plan->is_device_removed[edit.index])
            injector_edit(plan->injector, edit);
}
