/* selector.c - namespace globs, a LabelSelector, container globs: all that a policy gives must hold. */
#include "rpw/inject/selector.h"

bool rpw_selector_matches_any(struct rpw_span_list globs, struct rpw_span text)
{
    for (size_t i = 0; i < globs.count; i++)
        if (rpw_glob_matches(globs.items[i], text))
            return true;
    return false;
}

bool rpw_selector_is_target(struct rpw_span_list globs, struct rpw_span name)
{
    for (size_t i = 0; i < RPW_OWN_CONTAINERS; i++)
        if (rpw_span_equal(name, rpw_policy_own_containers[i]))
            return false;
    return name.len > 0 && rpw_selector_matches_any(globs, name);
}

const struct rpw_container *rpw_selector_find_container(struct rpw_span_list globs, const struct rpw_pod *pod)
{
    static const enum rpw_container_kind kinds[] = {RPW_CONTAINERS, RPW_INIT_CONTAINERS};

    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        const struct rpw_container_list *list = &pod->containers[kinds[k]];
        for (size_t i = 0; i < list->count; i++)
            if (rpw_selector_is_target(globs, list->items[i].name))
                return &list->items[i];
    }
    return NULL;
}

/* ret_label is NULL when there is none; two are an error, since nobody can say which one counts. */
static enum rpw_status find_label(const struct rpw_pod *pod, struct rpw_span key, const struct rpw_label **ret_label,
                                  struct rpw_err *ret_err)
{
    const struct rpw_label *found = NULL;

    for (size_t i = 0; i < pod->metadata.labels.count; i++) {
        const struct rpw_label *label = &pod->metadata.labels.items[i];
        if (!rpw_span_equal(label->key, key))
            continue;
        if (found != NULL) {
            *ret_err = (struct rpw_err){RPW_E_SHAPE, label->offset, "metadata.labels", "each label once",
                                        "a second value of a label that a policy asks for"};
            return RPW_E_SHAPE;
        }
        found = label;
    }
    *ret_label = found;
    return RPW_OK;
}

/* Absent labels: In and Exists fail, NotIn and DoesNotExist hold (k8s.io/apimachinery/pkg/labels). */
static bool requirement_holds(const struct rpw_label_requirement *requirement, const struct rpw_label *label)
{
    bool is_listed = false;

    for (size_t i = 0; label != NULL && i < requirement->values.count; i++)
        is_listed = is_listed || rpw_span_equal(requirement->values.items[i], label->value);
    switch (requirement->op) {
    case RPW_LABEL_IN:
        return is_listed;
    case RPW_LABEL_NOT_IN:
        return !is_listed;
    case RPW_LABEL_EXISTS:
        return label != NULL;
    default:
        return label == NULL;
    }
}

static enum rpw_status match_labels(const struct rpw_policy *policy, const struct rpw_pod *pod, bool *ret_matches,
                                    struct rpw_err *ret_err)
{
    bool matches = true;

    for (size_t i = 0; i < policy->requirement_count; i++) {
        const struct rpw_label *label;
        enum rpw_status status = find_label(pod, policy->requirements[i].key, &label, ret_err);
        if (status != RPW_OK)
            return status;
        matches = matches && requirement_holds(&policy->requirements[i], label);
    }
    *ret_matches = matches;
    return RPW_OK;
}

/* Namespace and labels: what decides whether a policy may be used for a pod at all. */
static enum rpw_status match_pod(const struct rpw_policy *policy, struct rpw_span namespace_, const struct rpw_pod *pod,
                                 bool *ret_matches, struct rpw_err *ret_err)
{
    if (policy->namespaces.count > 0 && !rpw_selector_matches_any(policy->namespaces, namespace_)) {
        *ret_matches = false;
        return RPW_OK;
    }
    return match_labels(policy, pod, ret_matches, ret_err);
}

/* The annotation is the user's choice, or the record of an earlier injection into a pod that has been copied or restored
 * since: a record that no longer fits must not keep the pod from starting. */
static bool is_record(const struct rpw_pod *pod)
{
    return pod->metadata.annotations.revision.len > 0;
}

static enum rpw_status choose_by_name(const struct rpw_policy_set *policies, struct rpw_span namespace_,
                                      const struct rpw_pod *pod, struct rpw_selection *ret_selection,
                                      struct rpw_err *ret_err)
{
    const struct rpw_policy *policy = NULL;
    bool matches;

    for (size_t i = 0; i < policies->count && policy == NULL; i++)
        if (rpw_span_equal(policies->policies[i].name, pod->metadata.annotations.policy))
            policy = &policies->policies[i];
    if (policy == NULL) {
        *ret_selection = (struct rpw_selection){RPW_SELECTION_UNKNOWN_POLICY, NULL};
        return RPW_OK;
    }
    enum rpw_status status = match_pod(policy, namespace_, pod, &matches, ret_err);
    if (status != RPW_OK)
        return status;
    if (!matches)
        *ret_selection = (struct rpw_selection){RPW_SELECTION_NOT_FOR_POD, policy};
    else if (rpw_selector_find_container(policy->containers, pod) == NULL)
        *ret_selection = (struct rpw_selection){RPW_SELECTION_NONE, NULL};
    else
        *ret_selection = (struct rpw_selection){RPW_SELECTION_POLICY, policy};
    return RPW_OK;
}

static enum rpw_status choose_first_match(const struct rpw_policy_set *policies, struct rpw_span namespace_,
                                          const struct rpw_pod *pod, struct rpw_selection *ret_selection,
                                          struct rpw_err *ret_err)
{
    for (size_t i = 0; i < policies->count; i++) {
        const struct rpw_policy *policy = &policies->policies[i];
        bool matches;
        enum rpw_status status = match_pod(policy, namespace_, pod, &matches, ret_err);
        if (status != RPW_OK)
            return status;
        if (matches && rpw_selector_find_container(policy->containers, pod) != NULL) {
            *ret_selection = (struct rpw_selection){RPW_SELECTION_POLICY, policy};
            return RPW_OK;
        }
    }
    *ret_selection = (struct rpw_selection){RPW_SELECTION_NONE, NULL};
    return RPW_OK;
}

enum rpw_status rpw_selector_choose(const struct rpw_policy_set *policies, struct rpw_span namespace_,
                                    const struct rpw_pod *pod, struct rpw_selection *ret_selection,
                                    struct rpw_err *ret_err)
{
    if (pod->metadata.annotations.policy.len > 0) {
        enum rpw_status status = choose_by_name(policies, namespace_, pod, ret_selection, ret_err);
        bool has_choice = status == RPW_OK && ret_selection->kind == RPW_SELECTION_POLICY;
        if (status != RPW_OK || has_choice || !is_record(pod))
            return status;
    }
    return choose_first_match(policies, namespace_, pod, ret_selection, ret_err);
}
