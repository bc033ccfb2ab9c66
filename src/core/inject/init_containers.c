/* init_containers.c - see the header. */
#include "init_containers.h"

#include "conflict.h"

/* What is known of the pod before anything is placed. */
struct layout {
    struct injector *injector;
    const struct container_plan_list *plans;
    const struct container_plan *model;          /* the container that verify imitates; NULL: there is none */
    const struct container_plan *first_receiver; /* of all that mount the volume; NULL: there is none */
    size_t found[RPW_OWN_CONTAINERS];            /* ours, as the pod has them; RPW_NO_INDEX: it has not */
    size_t chart;                                /* the charts' init container, if a target uses its packages */
    size_t end;                                  /* how many init containers the pod has */
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* The first main container that is suitable, else the first init container. */
static const struct container_plan *find_model(const struct container_plan_list *plans,
                                               bool is_suitable(const struct container_plan *))
{
    const struct container_plan *model = NULL;

    for (size_t i = 0; i < plans->count; i++) {
        const struct container_plan *plan = &plans->items[i];
        if (!is_suitable(plan))
            continue;
        if (plan->target->kind == RPW_CONTAINERS)
            return plan;
        if (model == NULL)
            model = plan;
    }
    return model;
}

static bool gets_package(const struct container_plan *plan)
{
    return plan->target->is_wanted;
}

static bool mounts_package(const struct container_plan *plan)
{
    return plan->mounts.own[OWN_PACKAGE].has_ours;
}

static struct layout lay_out(struct injector *injector, const struct container_plan_list *plans, size_t chart)
{
    const struct rpw_container_list *init_containers = &injector->pod->containers[RPW_INIT_CONTAINERS];
    struct layout layout = {.injector = injector, .plans = plans, .chart = RPW_NO_INDEX, .end = init_containers->count};

    layout.model = find_model(plans, gets_package);
    for (size_t own = 0; own < RPW_OWN_CONTAINERS; own++)
        layout.found[own] = rpw_container_find(init_containers, rpw_policy_own_containers[own]);
    for (size_t i = plans->count; i > 0; i--) {
        const struct container_plan *plan = &plans->items[i - 1];
        if (plan->mounts.own[OWN_PACKAGE].has_ours)
            layout.first_receiver = plan;
        if (plan->target->adopted_path.ptr != NULL)
            layout.chart = chart;
    }
    return layout;
}

/* --- where --------------------------------------------------------------------------------------------------------- */

static bool is_wanted(const struct layout *layout, enum rpw_own_container own)
{
    const struct rpw_policy *policy = layout->injector->policy;

    switch (own) {
    case RPW_OWN_INSTALL:
        return policy->source == RPW_SOURCE_PIP && layout->first_receiver != NULL;
    case RPW_OWN_COPY:
        return policy->source == RPW_SOURCE_COPY && layout->first_receiver != NULL;
    default:
        return policy->verify != RPW_VERIFY_OFF && layout->model != NULL;
    }
}

/* Before whatever needs the package. */
static size_t installer_position(const struct layout *layout)
{
    size_t position = layout->end;

    if (layout->first_receiver != NULL && layout->first_receiver->target->kind == RPW_INIT_CONTAINERS)
        position = layout->first_receiver->target->index;
    else if (layout->injector->policy->installer.position == RPW_POSITION_FIRST)
        position = 0;
    return is_wanted(layout, RPW_OWN_VERIFY) ? smaller(position, layout->found[RPW_OWN_VERIFY]) : position;
}

/* Behind whatever brings the package. */
static size_t verify_position(const struct layout *layout)
{
    size_t position = layout->model->target->kind == RPW_CONTAINERS ? layout->end : layout->model->target->index;

    for (enum rpw_own_container own = RPW_OWN_INSTALL; own <= RPW_OWN_COPY; own++)
        if (is_wanted(layout, own))
            position = larger(position,
                              layout->found[own] != RPW_NO_INDEX ? layout->found[own] + 1 : installer_position(layout));
    return layout->chart != RPW_NO_INDEX ? larger(position, layout->chart + 1) : position;
}

/* --- what ---------------------------------------------------------------------------------------------------------- */

/* pip installs for the Python of one image; with the image of a container it can serve only containers that have the same. */
static void refuse_other_images(const struct layout *layout, const struct rpw_container *model)
{
    struct injector *injector = layout->injector;

    for (size_t i = 0; i < layout->plans->count; i++) {
        const struct container_plan *plan = &layout->plans->items[i];
        const struct rpw_container *container = plan->target->container;
        if (!plan->mounts.own[OWN_PACKAGE].has_ours || rpw_span_equal(container->image, model->image))
            continue;
        conflict_refuse(injector,
                        (struct conflict){
                            .kind = CONFLICT_IMAGES,
                            .container = container->name,
                            .field = RPW_LIT("image"),
                            .theirs = injector_quoted(injector, container->image),
                            .ours = injector_text(injector, RPW_PARTS(rpw_words("installs with that of container "),
                                                                      rpw_quoted(model->name), rpw_words(", "),
                                                                      rpw_quoted(model->image))),
                        });
    }
}

static struct rpw_span own_text(const struct layout *layout, enum rpw_own_container own)
{
    const struct container_plan *model =
        own == RPW_OWN_VERIFY ? layout->model : find_model(layout->plans, mounts_package);

    if (own != RPW_OWN_VERIFY && layout->injector->policy->installer.image.len == 0)
        refuse_other_images(layout, model->target->container);
    return init_container_text(layout->injector, own, model);
}

/* Names of containers and init containers are one set. */
static void refuse_taken_name(struct injector *injector, struct rpw_span name)
{
    if (rpw_container_find(&injector->pod->containers[RPW_CONTAINERS], name) != RPW_NO_INDEX)
        conflict_refuse(injector, (struct conflict){
                                      .kind = CONFLICT_NAME,
                                      .container = name,
                                      .field = RPW_LIT("name"),
                                      .theirs = RPW_LIT("a container of this name"),
                                      .ours = RPW_LIT("an init container of this name"),
                                  });
}

/* --- edits --------------------------------------------------------------------------------------------------------- */

struct edits {
    size_t count;
    struct rpw_edit items[RPW_OWN_CONTAINERS];
};

static void add_edit(struct edits *edits, enum rpw_edit_action action, size_t index, struct rpw_span value)
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

static void place_own(const struct layout *layout, struct edits *edits, enum rpw_own_container own)
{
    struct rpw_span name = rpw_policy_own_containers[own];

    if (layout->found[own] != RPW_NO_INDEX) {
        add_edit(edits, RPW_EDIT_REPLACE, layout->found[own], own_text(layout, own));
        return;
    }
    refuse_taken_name(layout->injector, name);
    add_edit(edits, RPW_EDIT_INSERT, own == RPW_OWN_VERIFY ? verify_position(layout) : installer_position(layout),
             own_text(layout, own));
}

struct init_container_list init_containers_emit(struct injector *injector, const struct record *record,
                                                const struct container_plan_list *plans, size_t chart, bool is_current)
{
    struct layout layout = lay_out(injector, plans, chart);
    struct init_container_list ours = {.count = 0};
    struct edits edits = {.count = 0};

    for (enum rpw_own_container own = 0; own < RPW_OWN_CONTAINERS; own++) {
        struct rpw_span name = rpw_policy_own_containers[own];
        bool is_on_record = layout.found[own] != RPW_NO_INDEX && record_has_init_container(record, name);
        if (is_wanted(&layout, own)) {
            ours.names[ours.count++] = name;
            if (!is_on_record || !is_current)
                place_own(&layout, &edits, own);
        } else if (is_on_record) {
            add_edit(&edits, RPW_EDIT_REMOVE, layout.found[own], (struct rpw_span){NULL, 0});
        }
    }
    for (size_t i = 0; i < edits.count; i++)
        injector_edit(injector, edits.items[i]);
    return ours;
}
