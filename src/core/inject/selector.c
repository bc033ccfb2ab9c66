/* selector.c - namespace globs, a LabelSelector, container globs: all that a policy gives must hold. */
#include "rpw/inject/selector.h"

#include "rpw/inject/recognition.h"

static const struct rpw_label *find_label(const struct rpw_label *labels, size_t count, struct rpw_span key)
{
    for (size_t i = 0; i < count; i++)
        if (rpw_span_equal(labels[i].key, key))
            return &labels[i];
    return NULL;
}

const struct rpw_label *rpw_selector_find_label(const struct rpw_pod *pod, struct rpw_span key)
{
    return find_label(pod->metadata.labels.items, pod->metadata.labels.count, key);
}

/* Nobody can say which of two values of a label counts. */
static bool has_ambiguous_label(const struct rpw_policy *policy, const struct rpw_pod *pod, struct rpw_err *ret_err)
{
    const struct rpw_label_list *labels = &pod->metadata.labels;

    for (size_t i = 0; i < policy->requirement_count; i++) {
        struct rpw_span key = policy->requirements[i].key;
        const struct rpw_label *first = find_label(labels->items, labels->count, key);
        size_t rest = first != NULL ? labels->count - (size_t)(first - labels->items) - 1 : 0;
        const struct rpw_label *second = rest > 0 ? find_label(first + 1, rest, key) : NULL;
        if (second == NULL)
            continue;
        *ret_err = (struct rpw_err){RPW_E_SHAPE, second->offset, "metadata.labels", "each label once",
                                    "a second value of a label that a policy asks for"};
        return true;
    }
    return false;
}

/* Absent labels: In and Exists fail, NotIn and DoesNotExist hold (k8s.io/apimachinery/pkg/labels). */
bool rpw_selector_requirement_holds(const struct rpw_label_requirement *requirement, const struct rpw_label *label)
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

/* Namespace and labels: what decides whether a policy may be used for a pod at all. */
static bool is_for_pod(const struct rpw_policy *policy, struct rpw_span namespace_, const struct rpw_pod *pod)
{
    if (policy->namespaces.count > 0 && !rpw_glob_matches_any(policy->namespaces, namespace_))
        return false;
    for (size_t i = 0; i < policy->requirement_count; i++)
        if (!rpw_selector_requirement_holds(&policy->requirements[i],
                                            rpw_selector_find_label(pod, policy->requirements[i].key)))
            return false;
    return true;
}

static struct rpw_selection choose_by_name(const struct rpw_policy_set *policies, struct rpw_span namespace_,
                                           const struct rpw_pod *pod)
{
    for (size_t i = 0; i < policies->count; i++) {
        const struct rpw_policy *policy = &policies->policies[i];
        if (!rpw_span_equal(policy->name, pod->metadata.annotations.policy))
            continue;
        if (!is_for_pod(policy, namespace_, pod))
            return (struct rpw_selection){RPW_SELECTION_NOT_FOR_POD, policy};
        if (rpw_recognise_target_in(policy, pod).kind == RPW_BY_NOTHING)
            return (struct rpw_selection){RPW_SELECTION_NONE, NULL};
        return (struct rpw_selection){RPW_SELECTION_POLICY, policy};
    }
    return (struct rpw_selection){RPW_SELECTION_UNKNOWN_POLICY, NULL};
}

static struct rpw_selection choose_first_match(const struct rpw_policy_set *policies, struct rpw_span namespace_,
                                               const struct rpw_pod *pod)
{
    for (size_t i = 0; i < policies->count; i++) {
        const struct rpw_policy *policy = &policies->policies[i];
        if (is_for_pod(policy, namespace_, pod) && rpw_recognise_target_in(policy, pod).kind != RPW_BY_NOTHING)
            return (struct rpw_selection){RPW_SELECTION_POLICY, policy};
    }
    return (struct rpw_selection){RPW_SELECTION_NONE, NULL};
}

enum rpw_status rpw_selector_choose(const struct rpw_policy_set *policies, struct rpw_span namespace_,
                                    const struct rpw_pod *pod, struct rpw_selection *ret_selection,
                                    struct rpw_err *ret_err)
{
    const struct rpw_annotations *annotations = &pod->metadata.annotations;

    for (size_t i = 0; i < policies->count; i++)
        if (has_ambiguous_label(&policies->policies[i], pod, ret_err))
            return RPW_E_SHAPE;
    if (annotations->policy.len > 0) {
        *ret_selection = choose_by_name(policies, namespace_, pod);
        /* The annotation is the user's choice, or the record of an earlier injection into a pod that has been copied or
         * restored since: a record that no longer fits must not keep the pod from starting. */
        if (ret_selection->kind == RPW_SELECTION_POLICY || annotations->injected.ptr == NULL)
            return RPW_OK;
    }
    *ret_selection = choose_first_match(policies, namespace_, pod);
    return RPW_OK;
}
