/* match.c - which pods: globs on namespaces, containers and images, and a Kubernetes LabelSelector.
 *
 * The selector is held to the rules that the apiserver applies to one (k8s.io/apimachinery, ValidateLabelSelector), so
 * that what is written here means what it means in a Deployment.
 */
#include "keys.h"
#include "sections.h"

static struct rpw_span_list single_value(struct rpw_loader *loader, struct rpw_span value)
{
    struct rpw_span *item = rpw_pool_alloc(loader->result, sizeof(*item));

    if (!item)
        return (struct rpw_span_list){NULL, 0};
    *item = value;
    return (struct rpw_span_list){item, 1};
}

/* matchLabels `key: value`, which means `key In [value]`. */
static void read_label(struct rpw_loader *loader, const struct rpw_yaml_node *key, const struct rpw_yaml_node *value,
                       struct rpw_label_requirement *requirement)
{
    enum rpw_label_operator *kind = &requirement->op;
    struct rpw_span text;

    *kind = RPW_LABEL_IN;
    rpw_fields_read_text(loader, "matchLabels", key, rpw_syntax_label_key, &requirement->key);
    if (rpw_fields_read_text(loader, "matchLabels", value, rpw_syntax_label_value, &text))
        requirement->values = single_value(loader, text);
}

static void read_values(struct rpw_loader *loader, const struct rpw_yaml_node *expression,
                        const struct rpw_yaml_node *values, struct rpw_label_requirement *requirement)
{
    enum rpw_label_operator kind = requirement->op;

    if (kind == RPW_LABEL_IN || kind == RPW_LABEL_NOT_IN) {
        if (!values || (values->type == RPW_YAML_LIST && values->count == 0))
            rpw_report_error(loader->report, values ? values->place : expression->place,
                             "matchExpressions: found no values, expected at least one for In and NotIn");
        else
            rpw_fields_read_texts(loader, "values", values, rpw_syntax_label_value, &requirement->values);
    } else if (rpw_fields_expect_list(loader, "values", values) && values->count > 0) {
        rpw_report_error(loader->report, values->place,
                         "values: found some, expected none for Exists and DoesNotExist");
    }
}

static void read_expression(struct rpw_loader *loader, const struct rpw_yaml_node *node,
                            struct rpw_label_requirement *requirement)
{
    const struct rpw_yaml_node *key = NULL, *kind = NULL, *listed = NULL;
    const struct rpw_yaml_node **const values[] = {&key, &kind, &listed};
    enum rpw_label_operator *ret_kind = &requirement->op;
    size_t choice;

    if (!rpw_keys_split(loader, "matchExpressions", node, rpw_keys_of_expression, values))
        return;
    if (!key)
        rpw_report_error(loader->report, node->place, "matchExpressions: found no key, expected the key of a label");
    rpw_fields_read_text(loader, "key", key, rpw_syntax_label_key, &requirement->key);
    if (!kind)
        rpw_report_error(loader->report, node->place,
                         "matchExpressions: found no operator, expected In, NotIn, Exists or DoesNotExist");
    if (!rpw_keys_read_choice(loader, rpw_keys_of_expression, "operator", kind, &choice))
        return;
    *ret_kind = (enum rpw_label_operator)choice;
    read_values(loader, node, listed, requirement);
}

static void read_pod_selector(struct rpw_loader *loader, const struct rpw_yaml_node *node, struct rpw_policy *policy)
{
    const struct rpw_yaml_node *labels = NULL, *expressions = NULL;
    const struct rpw_yaml_node **const values[] = {&labels, &expressions};
    struct rpw_label_requirement *requirements;
    size_t label_count, expression_count;

    if (!node || !rpw_keys_split(loader, "podSelector", node, rpw_keys_of_pod_selector, values))
        return;
    label_count = rpw_fields_expect_mapping(loader, "matchLabels", labels) ? labels->count : 0;
    expression_count = rpw_fields_expect_list(loader, "matchExpressions", expressions) ? expressions->count : 0;
    requirements = rpw_pool_alloc(loader->result, (label_count + expression_count) * sizeof(*requirements));
    if (!requirements)
        return;
    for (size_t i = 0; i < label_count; i++)
        read_label(loader, labels->keys[i], labels->values[i], &requirements[i]);
    for (size_t i = 0; i < expression_count; i++)
        read_expression(loader, expressions->values[i], &requirements[label_count + i]);
    policy->requirements = requirements;
    policy->requirement_count = label_count + expression_count;
}

void rpw_match_read(struct rpw_loader *loader, const struct rpw_yaml_node *node, struct rpw_policy *policy)
{
    const struct rpw_yaml_node *namespaces = NULL, *selector = NULL, *containers = NULL, *images = NULL;
    const struct rpw_yaml_node **const values[] = {&namespaces, &selector, &containers, &images};

    policy->containers = rpw_policy_default_containers;
    policy->images = rpw_policy_default_images;
    if (!rpw_keys_split(loader, "match", node, rpw_keys_of_match, values))
        return;
    rpw_fields_read_texts(loader, "namespaces", namespaces, rpw_syntax_name_glob, &policy->namespaces);
    read_pod_selector(loader, selector, policy);
    /* Who names some means these alone. */
    if (containers || images) {
        policy->containers = (struct rpw_span_list){NULL, 0};
        policy->images = (struct rpw_span_list){NULL, 0};
    }
    rpw_fields_read_texts(loader, "containers", containers, rpw_syntax_name_glob, &policy->containers);
    rpw_fields_read_texts(loader, "images", images, rpw_syntax_image_glob, &policy->images);
}
