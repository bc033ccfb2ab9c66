/* container_reader.c - parts of a Kubernetes container that go into ours as they are written.
 *
 * The apiserver checks them when it creates a pod. What it would refuse refuses every Rucio pod of the cluster, and a key
 * that it does not know it drops in silence: so names, texts and quantities are looked at here.
 */
#include "rpw/bytes/quantity.h"
#include "scalar.h"
#include "sections.h"

static struct rpw_span render(struct rpw_loader *loader, const char *field, const struct rpw_yaml_node *node)
{
    struct rpw_buffer json = {.pool = loader->scratch};

    rpw_fragment_render(loader, field, node, &json);
    return (struct rpw_span){json.ptr, json.len};
}

static bool expect_filled_list(struct rpw_loader *loader, const char *field, const struct rpw_yaml_node *node)
{
    if (!rpw_fields_expect_list(loader, field, node))
        return false;
    if (node->count == 0)
        rpw_report_error(loader->report, node->place,
                         "%s: found an empty list, expected at least one element; leave the key out if there is none",
                         field);
    return node->count > 0;
}

static const char *check_variable_name(struct rpw_span text)
{
    return text.len > 0 && !memchr(text.ptr, '=', text.len) ? NULL : "the name of a variable, such as PIP_CERT";
}

static const char *check_anything(struct rpw_span text)
{
    (void)text;
    return NULL;
}

static const char *check_object_name(struct rpw_span text)
{
    return text.len > 0 ? NULL : "a name";
}

static void check_variable(struct rpw_loader *loader, const struct rpw_yaml_node *node)
{
    const struct rpw_yaml_node *name = NULL, *value = NULL, *value_from = NULL;
    const struct rpw_field_slot slots[] = {{"name", &name}, {"value", &value}, {"valueFrom", &value_from}};

    if (!rpw_fields_split(loader, "env", node, slots, sizeof(slots) / sizeof(slots[0])))
        return;
    if (!name)
        rpw_report_error(loader->report, node->place, "env: found a variable without name, expected one");
    else
        rpw_fields_check_text(loader, "env", name, check_variable_name);
    if (value)
        rpw_fields_check_text(loader, "env", value, check_anything);
    if (value && value_from)
        rpw_report_error(loader->report, value_from->place,
                         "env: found both value and valueFrom, expected one of them");
    if (value_from)
        rpw_fields_expect_mapping(loader, "valueFrom", value_from);
}

struct rpw_span rpw_env_read(struct rpw_loader *loader, const struct rpw_yaml_node *node)
{
    if (!node || !expect_filled_list(loader, "env", node))
        return (struct rpw_span){NULL, 0};
    for (size_t i = 0; i < node->count; i++)
        check_variable(loader, node->values[i]);
    return render(loader, "env", node);
}

static void check_reference(struct rpw_loader *loader, const char *field, const struct rpw_yaml_node *node)
{
    const struct rpw_yaml_node *name = NULL, *optional = NULL;
    const struct rpw_field_slot slots[] = {{"name", &name}, {"optional", &optional}};

    if (!rpw_fields_split(loader, field, node, slots, sizeof(slots) / sizeof(slots[0])))
        return;
    if (!name)
        rpw_report_error(loader->report, node->place, "%s: found no name, expected one", field);
    else
        rpw_fields_check_text(loader, field, name, check_object_name);
}

static void check_env_source(struct rpw_loader *loader, const struct rpw_yaml_node *node)
{
    const struct rpw_yaml_node *prefix = NULL, *config_map = NULL, *secret = NULL;
    const struct rpw_field_slot slots[] = {{"prefix", &prefix}, {"configMapRef", &config_map}, {"secretRef", &secret}};

    if (!rpw_fields_split(loader, "envFrom", node, slots, sizeof(slots) / sizeof(slots[0])))
        return;
    if (!config_map == !secret)
        rpw_report_error(loader->report, node->place,
                         "envFrom: found %s configMapRef %s secretRef, expected one of them",
                         config_map ? "both" : "neither", config_map ? "and" : "nor");
    if (prefix)
        rpw_fields_check_text(loader, "prefix", prefix, check_anything);
    if (config_map)
        check_reference(loader, "configMapRef", config_map);
    if (secret)
        check_reference(loader, "secretRef", secret);
}

struct rpw_span rpw_env_from_read(struct rpw_loader *loader, const struct rpw_yaml_node *node)
{
    if (!node || !expect_filled_list(loader, "envFrom", node))
        return (struct rpw_span){NULL, 0};
    for (size_t i = 0; i < node->count; i++)
        check_env_source(loader, node->values[i]);
    return render(loader, "envFrom", node);
}

static bool is_quantity(const struct rpw_yaml_node *node)
{
    struct rpw_quantity quantity;

    if (node->type != RPW_YAML_SCALAR || !rpw_quantity_parse(node->text, &quantity) || quantity.is_negative)
        return false;
    return rpw_scalar_resolve(node).type == RPW_SCALAR_TEXT || rpw_scalar_is_json_number(node->text);
}

static void check_quantities(struct rpw_loader *loader, const char *field, const struct rpw_yaml_node *node)
{
    if (!node || !rpw_fields_expect_mapping(loader, field, node))
        return;
    for (size_t i = 0; i < node->count; i++) {
        const struct rpw_yaml_node *value = node->values[i];

        if (value->type != RPW_YAML_INVALID && !is_quantity(value))
            rpw_report_error(loader->report, value->place, "%s: found %s, expected a quantity such as 500m or 256Mi",
                             field, rpw_fields_describe(loader, value));
    }
}

struct rpw_span rpw_resources_read(struct rpw_loader *loader, const struct rpw_yaml_node *node)
{
    const struct rpw_yaml_node *requests = NULL, *limits = NULL, *claims = NULL;
    const struct rpw_field_slot slots[] = {{"requests", &requests}, {"limits", &limits}, {"claims", &claims}};

    if (!node || !rpw_fields_split(loader, "resources", node, slots, sizeof(slots) / sizeof(slots[0])))
        return (struct rpw_span){NULL, 0};
    check_quantities(loader, "requests", requests);
    check_quantities(loader, "limits", limits);
    if (claims)
        rpw_fields_expect_list(loader, "claims", claims);
    return render(loader, "resources", node);
}
