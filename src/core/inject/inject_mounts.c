/* inject_mounts.c - the volumeMounts of one container.
 *
 * At the path there is to be one mount: ours, or the pod's own where the policy lets it stand (it is then taken to hold the
 * package). First it is seen what is there, then what an earlier revision of ours left behind is taken over.
 */
#include "injector.h"

enum mount_change { MOUNT_KEPT, MOUNT_REPLACED, MOUNT_REMOVED };

static bool is_below(struct rpw_span path, struct rpw_span parent)
{
    if (rpw_span_is(parent, "/"))
        return path.len > 1;
    return path.len > parent.len && rpw_span_starts_with(path, parent) && path.ptr[parent.len] == '/';
}

static bool is_wanted_mount(const struct target *target, const struct rpw_volume_mount *mount)
{
    return rpw_span_equal(mount->name, target->injector->volume.name) && mount->is_read_only &&
           rpw_span_equal(mount->sub_path, target->injector->policy->sub_path) && mount->sub_path_expr.len == 0 &&
           injector_is_mount_at(mount, target->path);
}

/* volume "mine" at "/opt/rucio/policy" */
static struct rpw_span shown_mount(struct target *target, const struct rpw_volume_mount *mount)
{
    struct rpw_strbuf writer;

    rpw_strbuf_init(&writer, target->injector->arena);
    rpw_strbuf_put(&writer, "volume ");
    rpw_strbuf_put_json(&writer, mount->name);
    rpw_strbuf_put(&writer, " at ");
    rpw_strbuf_put_json(&writer, mount->mount_path);
    return injector_text(target->injector, &writer);
}

static bool resolve_mount(struct target *target, const struct rpw_volume_mount *mount, struct rpw_strbuf *ours,
                          bool can_be_kept)
{
    struct conflict conflict = {
        .container = target->container->name,
        .field = RPW_LIT("volumeMounts"),
        .theirs = shown_mount(target, mount),
        .ours = injector_text(target->injector, ours),
    };
    return injector_resolve(target->injector, conflict, can_be_kept);
}

static bool resolve_mount_at_path(struct target *target, const struct rpw_volume_mount *mount)
{
    struct rpw_strbuf ours;

    rpw_strbuf_init(&ours, target->injector->arena);
    rpw_strbuf_put(&ours, "volume ");
    rpw_strbuf_put_json(&ours, target->injector->volume.name);
    return resolve_mount(target, mount, &ours, true);
}

static bool resolve_mount_below(struct target *target, const struct rpw_volume_mount *mount)
{
    struct rpw_strbuf ours;

    rpw_strbuf_init(&ours, target->injector->arena);
    rpw_strbuf_put(&ours, "a read-only mount at ");
    rpw_strbuf_put_json(&ours, target->path);
    rpw_strbuf_put(&ours, " that cannot carry it");
    return resolve_mount(target, mount, &ours, false);
}

static struct rpw_span mount_text(struct target *target)
{
    struct rpw_strbuf writer;

    rpw_strbuf_init(&writer, target->injector->arena);
    rpw_strbuf_put(&writer, "{\"name\":");
    rpw_strbuf_put_json(&writer, target->injector->volume.name);
    rpw_strbuf_put(&writer, ",\"mountPath\":");
    rpw_strbuf_put_json(&writer, target->path);
    rpw_strbuf_put(&writer, ",\"readOnly\":true");
    if (target->injector->policy->sub_path.len > 0) {
        rpw_strbuf_put(&writer, ",\"subPath\":");
        rpw_strbuf_put_json(&writer, target->injector->policy->sub_path);
    }
    rpw_strbuf_put(&writer, "}");
    return injector_text(target->injector, &writer);
}

/* The mounts of a container while they are planned. */
struct mount_plan {
    const struct rpw_volume_mount_list *mounts;
    const struct rpw_volume_mount *older; /* the one that an earlier revision has made; NULL: none */
    enum mount_change *changes;
    bool has_path;                        /* something is, or will be, mounted at the path */
    bool has_ours;                        /* and it is our volume */
    bool is_added;                        /* by a mount of its own at the end */
    const struct rpw_volume_mount *above; /* the nearest that ours goes inside of; NULL: none */
};

/* A mount that stands where ours belongs, or that an earlier revision left behind: replaced by ours if that has no place
 * yet, else removed. */
static void take_over(struct mount_plan *plan, size_t index)
{
    plan->changes[index] = plan->has_path ? MOUNT_REMOVED : MOUNT_REPLACED;
    plan->has_ours = plan->has_ours || !plan->has_path;
    plan->has_path = true;
}

static void take_over_older(struct target *target, struct mount_plan *plan)
{
    if (plan->older != NULL && !is_wanted_mount(target, plan->older))
        take_over(plan, (size_t)(plan->older - plan->mounts->items));
}

static void plan_mount_at_path(struct target *target, struct mount_plan *plan)
{
    for (size_t i = 0; i < plan->mounts->count; i++)
        if (is_wanted_mount(target, &plan->mounts->items[i]))
            plan->has_path = plan->has_ours = true;
    for (size_t i = 0; i < plan->mounts->count; i++) {
        const struct rpw_volume_mount *mount = &plan->mounts->items[i];
        if (mount == plan->older || is_wanted_mount(target, mount))
            continue;
        if (is_below(target->path, rpw_span_without_trailing_slashes(mount->mount_path)) &&
            mount->mount_path.len > (plan->above != NULL ? plan->above->mount_path.len : 0))
            plan->above = mount;
        if (!injector_is_mount_at(mount, target->path))
            continue;
        if (resolve_mount_at_path(target, mount))
            take_over(plan, i);
        else
            plan->has_path = true;
    }
    take_over_older(target, plan);
    if (!plan->has_path)
        plan->has_ours = plan->has_path = plan->is_added = true;
}

/* A read-only parent cannot carry a mount point that the volume does not hold. */
static void plan_mounts_below(struct target *target, struct mount_plan *plan)
{
    for (size_t i = 0; i < plan->mounts->count; i++) {
        const struct rpw_volume_mount *mount = &plan->mounts->items[i];
        if (plan->changes[i] == MOUNT_KEPT && is_below(mount->mount_path, target->path) &&
            !injector_is_mount_at(mount, target->path) && resolve_mount_below(target, mount))
            plan->changes[i] = MOUNT_REMOVED;
    }
}

static void warn_of_mount_above(struct target *target, const struct mount_plan *plan)
{
    struct rpw_strbuf writer;

    if (plan->above == NULL || !plan->is_added)
        return;
    injector_begin_warning(target->injector, target->container->name, &writer);
    rpw_strbuf_put_span(&writer, target->path);
    rpw_strbuf_put(&writer, plan->above->is_read_only ? " must exist in the pod's read-only mount at "
                                                      : " is mounted inside what the pod mounts at ");
    rpw_strbuf_put_span(&writer, plan->above->mount_path);
    injector_end_warning(target->injector, &writer);
}

static void emit_mounts(struct target *target, const struct mount_plan *plan)
{
    struct rpw_edit edit = {.place = RPW_EDIT_VOLUME_MOUNTS, .kind = target->kind, .container = target->index};

    for (size_t i = 0; i < plan->mounts->count; i++) {
        if (plan->changes[i] == MOUNT_KEPT)
            continue;
        bool is_replaced = plan->changes[i] == MOUNT_REPLACED;
        edit.index = i;
        edit.action = is_replaced ? RPW_EDIT_REPLACE : RPW_EDIT_REMOVE;
        edit.value = is_replaced ? mount_text(target) : (struct rpw_span){NULL, 0};
        injector_edit(target->injector, edit);
    }
    if (plan->is_added) {
        edit.index = plan->mounts->count;
        edit.action = RPW_EDIT_INSERT;
        edit.value = mount_text(target);
        injector_edit(target->injector, edit);
    }
}

/* The mounts as they will be. Only a privileged container may have a mount that propagates in both directions, so that is
 * left out. */
static struct rpw_span mounts_text(struct target *target, const struct mount_plan *plan)
{
    struct rpw_strbuf writer;
    const char *separator = "";

    rpw_strbuf_init(&writer, target->injector->arena);
    rpw_strbuf_put(&writer, "[");
    for (size_t i = 0; i < plan->mounts->count; i++) {
        const struct rpw_volume_mount *mount = &plan->mounts->items[i];
        bool is_kept = plan->changes[i] == MOUNT_KEPT;
        if (plan->changes[i] == MOUNT_REMOVED ||
            (is_kept && (mount->text.ptr == NULL || rpw_span_is(mount->propagation, "Bidirectional"))))
            continue;
        rpw_strbuf_put(&writer, separator);
        rpw_strbuf_put_span(&writer, is_kept ? mount->text : mount_text(target));
        separator = ",";
    }
    rpw_strbuf_put(&writer, plan->is_added ? separator : "");
    rpw_strbuf_put_span(&writer, plan->is_added ? mount_text(target) : RPW_LIT(""));
    rpw_strbuf_put(&writer, "]");
    return injector_text(target->injector, &writer);
}

static void add_receiver(struct target *target)
{
    struct place_list *list = &target->injector->receivers;
    struct place *items = rpw_arena_append(target->injector->arena, list->items, list->count, sizeof(list->items[0]));

    if (items == NULL) {
        target->injector->has_failed = true;
        return;
    }
    list->items = items;
    items[list->count++] = (struct place){target->kind, target->index, target->container};
}

/* The code is in the image, or where the charts put it. A mount at the path hides it: an earlier revision's goes, the pod's
 * own is the pod's affair. But one that could be taken for ours by a later revision is put on record. */
static void plan_without_volume(struct target *target, struct mount_plan *plan)
{
    struct rpw_strbuf ours;

    plan->has_path = true; /* by others */
    take_over_older(target, plan);
    for (size_t i = 0; i < plan->mounts->count; i++) {
        const struct rpw_volume_mount *mount = &plan->mounts->items[i];
        if (mount == plan->older || !mount->is_read_only || injector_volume_number(mount->name) == 0 ||
            !injector_is_mount_at(mount, target->path))
            continue;
        rpw_strbuf_init(&ours, target->injector->arena);
        rpw_strbuf_put(&ours, target->is_adopted ? "what the chart installs" : "the package in the image");
        if (resolve_mount(target, mount, &ours, true))
            plan->changes[i] = MOUNT_REMOVED;
    }
}

void inject_mounts(struct target *target)
{
    const struct rpw_volume_mount_list *mounts = &target->container->volume_mounts;
    struct mount_plan plan = {.mounts = mounts};

    plan.older = injector_find_our_mount(target->injector, target->container, target->older_path);
    plan.changes = rpw_arena_alloc(target->injector->arena, mounts->count * sizeof(plan.changes[0]));
    if (plan.changes == NULL) {
        target->injector->has_failed = true;
        return;
    }
    memset(plan.changes, MOUNT_KEPT, mounts->count * sizeof(plan.changes[0]));
    if (injector_has_volume(target->injector) && !target->is_adopted) {
        plan_mount_at_path(target, &plan);
        if (plan.has_ours) {
            plan_mounts_below(target, &plan);
            add_receiver(target);
        }
        warn_of_mount_above(target, &plan);
    } else {
        plan_without_volume(target, &plan);
    }
    emit_mounts(target, &plan);
    if (target->is_verified)
        target->injector->verify_mounts = mounts_text(target, &plan);
}
