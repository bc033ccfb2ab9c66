/* inject_init.c - which init containers of ours a pod gets, and where among its own they stand.
 *
 *     position: first                     last                          verify
 *       v                                   v                             v
 *     [installer] theirs ... | before the first that mounts the package | ... theirs [verify]
 *
 * One that is there already is never moved. With a record of the wanted revision it is not touched either: what it has in
 * excess of what we wrote is other webhooks' and plugins' work. Otherwise it is written anew in its place.
 */
#include "injector.h"

static size_t find_init_container(const struct rpw_pod *pod, struct rpw_span name)
{
    const struct rpw_container_list *list = &pod->containers[RPW_INIT_CONTAINERS];

    for (size_t i = 0; i < list->count; i++)
        if (rpw_span_equal(list->items[i].name, name))
            return i;
    return NO_INDEX;
}

/* The first main container that gets the package, else the first init container. */
static struct place find_model(const struct injector *injector)
{
    static const enum rpw_container_kind kinds[] = {RPW_CONTAINERS, RPW_INIT_CONTAINERS};
    struct place model = {.container = NULL};

    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        const struct rpw_container_list *list = &injector->pod->containers[kinds[k]];
        for (size_t i = 0; i < list->count && model.container == NULL; i++)
            if (injector_is_target(injector, &list->items[i]))
                model = (struct place){kinds[k], i, &list->items[i]};
    }
    return model;
}

static bool is_untouched(const struct injector *injector, enum rpw_own_container own)
{
    return injector->own[own] != NO_INDEX && injector_is_record_current(injector);
}

void inject_find_init_containers(struct injector *injector)
{
    for (size_t own = 0; own < RPW_OWN_CONTAINERS; own++)
        injector->own[own] = find_init_container(injector->pod, rpw_policy_own_containers[own]);
    injector->model = find_model(injector);
    injector->is_verify_written = injector->policy->verify != RPW_VERIFY_OFF && injector->model.container != NULL &&
                                  !is_untouched(injector, RPW_OWN_VERIFY);
}

/* --- where --------------------------------------------------------------------------------------------------------- */

static bool is_wanted(const struct injector *injector, enum rpw_own_container own)
{
    switch (own) {
    case RPW_OWN_INSTALL:
        return injector->policy->source == RPW_SOURCE_PIP && injector->receivers.count > 0;
    case RPW_OWN_COPY:
        return injector->policy->source == RPW_SOURCE_COPY && injector->receivers.count > 0;
    default:
        return injector->policy->verify != RPW_VERIFY_OFF && injector->model.container != NULL;
    }
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Before whatever needs the package. */
static size_t installer_position(const struct injector *injector)
{
    const struct place_list *receivers = &injector->receivers;
    size_t end = injector->pod->containers[RPW_INIT_CONTAINERS].count, position = end;

    if (receivers->count > 0 && receivers->items[0].kind == RPW_INIT_CONTAINERS)
        position = receivers->items[0].index;
    else if (injector->policy->installer.position == RPW_POSITION_FIRST)
        position = 0;
    return is_wanted(injector, RPW_OWN_VERIFY) ? smaller(position, injector->own[RPW_OWN_VERIFY]) : position;
}

/* Behind whatever brings the package. */
static size_t verify_position(const struct injector *injector, enum rpw_own_container installer)
{
    size_t end = injector->pod->containers[RPW_INIT_CONTAINERS].count, found = injector->own[installer];
    size_t position = injector->model.kind == RPW_CONTAINERS ? end : injector->model.index;

    if (is_wanted(injector, installer))
        position = larger(position, found != NO_INDEX ? found + 1 : installer_position(injector));
    if (injector->has_adopted)
        position = larger(position, injector->chart_init + 1);
    return position;
}

/* --- what ---------------------------------------------------------------------------------------------------------- */

/* pip installs for the Python of one image; with the image of a container it can serve only containers that have the same. */
static void refuse_other_images(struct injector *injector, const struct rpw_container *model)
{
    for (size_t i = 0; i < injector->receivers.count; i++) {
        const struct rpw_container *receiver = injector->receivers.items[i].container;
        struct rpw_strbuf ours;
        if (rpw_span_equal(receiver->image, model->image))
            continue;
        rpw_strbuf_init(&ours, injector->arena);
        rpw_strbuf_put(&ours, "installs with that of container ");
        rpw_strbuf_put_json(&ours, model->name);
        rpw_strbuf_put(&ours, ", ");
        rpw_strbuf_put_json(&ours, model->image);
        injector_refuse(injector, (struct conflict){
                                      .kind = CONFLICT_IMAGES,
                                      .container = receiver->name,
                                      .field = RPW_LIT("image"),
                                      .theirs = injector_quoted(injector, receiver->image),
                                      .ours = injector_text(injector, &ours),
                                  });
    }
}

/* The container that the installer imitates. */
static const struct rpw_container *installer_model(const struct injector *injector)
{
    const struct place_list *receivers = &injector->receivers;

    for (size_t i = 0; i < receivers->count; i++)
        if (receivers->items[i].kind == RPW_CONTAINERS)
            return receivers->items[i].container;
    return receivers->items[0].container;
}

static struct rpw_span own_text(struct injector *injector, enum rpw_own_container own)
{
    if (own == RPW_OWN_VERIFY)
        return init_container_text(injector, own, injector->model.container);

    const struct rpw_container *model = installer_model(injector);
    if (injector->policy->installer.image.len == 0)
        refuse_other_images(injector, model);
    return init_container_text(injector, own, model);
}

/* Names of containers and init containers are one set. */
static void refuse_taken_name(struct injector *injector, struct rpw_span name)
{
    const struct rpw_container_list *list = &injector->pod->containers[RPW_CONTAINERS];

    for (size_t i = 0; i < list->count; i++)
        if (rpw_span_equal(list->items[i].name, name))
            injector_refuse(injector, (struct conflict){
                                          .kind = CONFLICT_NAME,
                                          .container = name,
                                          .field = RPW_LIT("name"),
                                          .theirs = RPW_LIT("a container of this name"),
                                          .ours = RPW_LIT("an init container of this name"),
                                      });
}

struct init_edits {
    size_t count;
    struct rpw_edit items[RPW_OWN_CONTAINERS];
};

static void add_edit(struct init_edits *edits, enum rpw_edit_action action, size_t index, struct rpw_span value)
{
    size_t at = edits->count++;

    /* In ascending order of index, an insertion first; what is added first stays before its equals. */
    for (; at > 0 && (edits->items[at - 1].index > index ||
                      (edits->items[at - 1].index == index && edits->items[at - 1].action != RPW_EDIT_INSERT));
         at--)
        edits->items[at] = edits->items[at - 1];
    edits->items[at] =
        (struct rpw_edit){.place = RPW_EDIT_INIT_CONTAINERS, .action = action, .index = index, .value = value};
}

static void plan_own(struct injector *injector, struct init_edits *edits, enum rpw_own_container own, size_t position)
{
    size_t found = injector->own[own];

    if (!is_wanted(injector, own)) {
        if (found != NO_INDEX && injector->record->state == RECORD_OLDER)
            add_edit(edits, RPW_EDIT_REMOVE, found, (struct rpw_span){NULL, 0});
    } else if (found == NO_INDEX) {
        refuse_taken_name(injector, rpw_policy_own_containers[own]);
        add_edit(edits, RPW_EDIT_INSERT, position, own_text(injector, own));
    } else if (!is_untouched(injector, own)) {
        add_edit(edits, RPW_EDIT_REPLACE, found, own_text(injector, own));
    }
}

void inject_init_containers(struct injector *injector)
{
    enum rpw_own_container installer = injector->policy->source == RPW_SOURCE_COPY ? RPW_OWN_COPY : RPW_OWN_INSTALL;
    struct init_edits edits = {.count = 0};

    plan_own(injector, &edits, RPW_OWN_INSTALL, installer_position(injector));
    plan_own(injector, &edits, RPW_OWN_COPY, installer_position(injector));
    plan_own(injector, &edits, RPW_OWN_VERIFY, verify_position(injector, installer));
    for (size_t i = 0; i < edits.count; i++)
        injector_edit(injector, edits.items[i]);
}
