/* settings.c - `env` of a policy: variables that every container with the package gets.
 *
 * What the webhook sets itself is refused here: it would be set twice, to two things. A reference to another variable is
 * expanded by the kubelet only where that one stands before it.
 */
#include "sections.h"

#define MAX_SETTINGS 100

/* Why the policy cannot set a variable; NULL: it can. */
static const char *refusal_of(struct rpw_span name)
{
    struct rpw_span vo;

    if (rpw_span_is(name, "POLICY_PKG_PATH"))
        return "it is the policy's path";
    if (rpw_span_is(name, "PYTHONPATH") || rpw_span_is(name, "RUCIO_POLICY_BASE_PYTHONPATH"))
        return "the webhook makes it of what the pod has; pythonPath and imagePythonPath say how";
    if (rpw_policy_names_package(name, &vo))
        return "it is set from package, packages and configEnv";
    return NULL;
}

static void check_name(struct rpw_loader *loader, const struct rpw_yaml_node *list, size_t index)
{
    const struct rpw_yaml_node *name = rpw_yaml_find(list->values[index], "name"), *earlier;
    const char *refusal = name ? refusal_of(name->text) : NULL;

    if (refusal)
        rpw_report_error(loader->report, name->place, "env: found %s, expected other variables; %s",
                         rpw_report_quote(loader->report, name->text, 60), refusal);
    for (size_t i = 0; name && i < index; i++) {
        earlier = rpw_yaml_find(list->values[i], "name");
        if (earlier && rpw_span_equal(earlier->text, name->text)) {
            rpw_report_error(loader->report, name->place, "env: found %s again, expected each variable once",
                             rpw_report_quote(loader->report, name->text, 60));
            return;
        }
    }
}

/* Whether value has $(NAME), which $$(NAME) is not. */
static bool refers_to(struct rpw_span value, struct rpw_span name)
{
    for (size_t at = 0; at + name.len + 3 <= value.len; at++) {
        if (value.ptr[at] != '$')
            continue;
        if (value.ptr[at + 1] == '$')
            at++;
        else if (value.ptr[at + 1] == '(' && memcmp(value.ptr + at + 2, name.ptr, name.len) == 0 &&
                 value.ptr[at + 2 + name.len] == ')')
            return true;
    }
    return false;
}

static void check_references(struct rpw_loader *loader, const struct rpw_yaml_node *list, size_t index)
{
    const struct rpw_yaml_node *value = rpw_yaml_find(list->values[index], "value");

    for (size_t i = index; value && i < list->count; i++) {
        const struct rpw_yaml_node *name = rpw_yaml_find(list->values[i], "name");
        if (name && name->text.len > 0 && refers_to(value->text, name->text))
            rpw_report_warning(
                loader->report, value->place,
                "env: this refers to %s, which does not stand before it here: the kubelet leaves the text "
                "as it is, unless the pod has such a variable",
                rpw_report_quote(loader->report, name->text, 60));
    }
}

/* The list as the core has it; it was read without errors. */
static void keep(struct rpw_loader *loader, const struct rpw_yaml_node *list, struct rpw_policy *policy)
{
    struct rpw_env_var *env = rpw_pool_alloc(loader->result, list->count * sizeof(*env));

    for (size_t i = 0; env && i < list->count; i++) {
        const struct rpw_yaml_node *value = rpw_yaml_find(list->values[i], "value");
        const struct rpw_yaml_node *value_from = rpw_yaml_find(list->values[i], "valueFrom");
        struct rpw_buffer json = {.pool = loader->scratch};

        env[i].name = rpw_pool_copy(loader->result, rpw_yaml_find(list->values[i], "name")->text);
        if (value_from && value_from->type == RPW_YAML_MAPPING) {
            rpw_fragment_render(loader, "valueFrom", value_from, &json);
            env[i].value_from = rpw_pool_copy(loader->result, (struct rpw_span){json.ptr, json.len});
        } else {
            env[i].value = rpw_pool_copy(loader->result, value ? value->text : RPW_LIT(""));
        }
    }
    policy->env = env;
    policy->env_count = env ? list->count : 0;
}

void rpw_settings_read(struct rpw_loader *loader, const struct rpw_yaml_node *node, struct rpw_draft *draft)
{
    draft->env = rpw_env_read(loader, node);
    if (!node || node->type != RPW_YAML_LIST)
        return;
    if (node->count > MAX_SETTINGS)
        rpw_report_error(loader->report, node->place, "env: found more than %d variables, expected fewer",
                         MAX_SETTINGS);
    for (size_t i = 0; i < node->count && i < MAX_SETTINGS; i++) {
        check_name(loader, node, i);
        check_references(loader, node, i);
    }
    if (!loader->report->has_errors)
        keep(loader, node, &draft->policy);
}
