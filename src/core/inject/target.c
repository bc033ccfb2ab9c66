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

/* A later webhook may have given the container an image of another name, from a mirror: what this policy has injected by the
 * image that was there is not taken away again. */
static bool stays(const struct injector *injector, const struct record_container *on_record)
{
    struct rpw_span revision = injector->pod->metadata.annotations.revision;

    return on_record != NULL && injector->policy->images.count > 0 &&
           (rpw_span_equal(revision, injector->policy->revision) ||
            rpw_span_equal(revision, injector->policy->chart_revision));
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
            if (!rpw_recognition_is_own(container->name))
                target.on_record = take_entry(record, container->name, is_taken);
            target.is_wanted = rpw_recognise_target(injector->policy, container).kind != RPW_BY_NOTHING ||
                               stays(injector, target.on_record);
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
