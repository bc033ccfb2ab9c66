/* target.c - see the header. */
#include "target.h"

#include "chart.h"
#include "rpw/inject/recognition.h"

/* The entry of a name is for the first container that has it: two of one name are none that Kubernetes takes, and each entry
 * is looked through once. */
static const struct record_container *take_entry(const struct record *record, struct rpw_span name,
                                                 bool is_taken[RPW_MAX_RECORD_CONTAINERS])
{
    for (size_t i = 0; i < record->containers.count; i++) {
        if (!rpw_span_equal(record->containers.items[i].name, name) || is_taken[i])
            continue;
        is_taken[i] = true;
        return &record->containers.items[i];
    }
    return NULL;
}

struct target_list target_find_all(struct injector *injector, const struct record *record, bool has_chart)
{
    bool is_taken[RPW_MAX_RECORD_CONTAINERS] = {false};
    struct target_list list = {0, NULL};

    for (int kind = 0; kind < RPW_CONTAINER_KINDS; kind++) {
        const struct rpw_container_list *containers = &injector->pod->containers[kind];
        for (size_t i = 0; i < containers->count; i++) {
            const struct rpw_container *container = &containers->items[i];
            struct target target = {.kind = (enum rpw_container_kind)kind, .index = i, .container = container};
            target.is_wanted = rpw_recognise_target(injector->policy, container).kind != RPW_BY_NOTHING;
            if (!rpw_recognition_is_own(container->name))
                target.on_record = take_entry(record, container->name, is_taken);
            if (target.is_wanted && has_chart && injector->policy->on_conflict == RPW_CONFLICT_KEEP)
                target.adopted_path = chart_path(container);
            if (target.is_wanted || target.on_record != NULL)
                INJECTOR_APPEND(injector, &list, target);
        }
    }
    return list;
}

bool target_are_all_adopted(const struct target_list *targets)
{
    for (size_t i = 0; i < targets->count; i++)
        if (targets->items[i].is_wanted && targets->items[i].adopted_path.ptr == NULL)
            return false;
    return true;
}
