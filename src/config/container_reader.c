/* container_reader.c - parts of a Kubernetes container that go into ours as they are written.
 *
 * What the apiserver would refuse refuses every Rucio pod of the cluster, and a key that it does not know it drops in silence.
 * Single values are looked at by the tables of shape.h; here is what must be right between several.
 */
#include "scalar.h"
#include "sections.h"
#include "shape.h"

static struct rpw_span read_part(struct rpw_loader *loader, const struct rpw_shape *shape,
                                 const struct rpw_yaml_node *node)
{
    struct rpw_buffer json = {.pool = loader->scratch};

    rpw_shape_check(loader, shape, node);
    rpw_fragment_render(loader, shape->name, node, &json);
    return (struct rpw_span){json.ptr, json.len};
}

/* --- env, envFrom ----------------------------------------------------------------------------------------------------- */

struct rpw_span rpw_env_read(struct rpw_loader *loader, const struct rpw_yaml_node *node)
{
    if (!node)
        return (struct rpw_span){NULL, 0};
    for (size_t i = 0; node->type == RPW_YAML_LIST && i < node->count; i++) {
        const struct rpw_yaml_node *value_from = rpw_yaml_find(node->values[i], "valueFrom");

        if (value_from && rpw_yaml_find(node->values[i], "value"))
            rpw_report_error(loader->report, value_from->place,
                             "env: found both value and valueFrom, expected one of them");
    }
    return read_part(loader, &rpw_shape_env, node);
}

struct rpw_span rpw_env_from_read(struct rpw_loader *loader, const struct rpw_yaml_node *node)
{
    return node ? read_part(loader, &rpw_shape_env_from, node) : (struct rpw_span){NULL, 0};
}

/* --- resources -------------------------------------------------------------------------------------------------------- */

/* Whether what is asked for may be less than the limit, and a fraction: not so for huge pages and resources of others. */
static bool is_divisible(struct rpw_span resource)
{
    return !rpw_span_starts_with(resource, RPW_LIT("hugepages-")) &&
           (!memchr(resource.ptr, '/', resource.len) || rpw_span_contains(resource, RPW_LIT("kubernetes.io/")));
}

static void check_amounts(struct rpw_loader *loader, const char *field, const struct rpw_yaml_node *node)
{
    for (size_t i = 0; node && node->type == RPW_YAML_MAPPING && i < node->count; i++) {
        struct rpw_span resource = node->keys[i]->text;
        const char *dash =
            rpw_span_starts_with(resource, RPW_LIT("hugepages-")) ? memchr(resource.ptr, '-', resource.len) : NULL;
        rpw_nanos amount, unit = RPW_NANOS_IN_ONE;

        if (dash &&
            !rpw_quantity_parse((struct rpw_span){dash + 1, resource.len - (size_t)(dash + 1 - resource.ptr)}, &unit))
            continue;
        if (!is_divisible(resource) && unit > 0 && rpw_shape_read_quantity(node->values[i], &amount) &&
            amount % unit != 0)
            rpw_report_error(loader->report, node->values[i]->place, "%s: found %s, expected %s", field,
                             rpw_fields_describe(loader, node->values[i]),
                             dash ? "a multiple of the size of the page" : "a whole number");
    }
}

static void check_request(struct rpw_loader *loader, const struct rpw_yaml_node *key,
                          const struct rpw_yaml_node *request, const struct rpw_yaml_node *limit)
{
    const char *found = request->type == RPW_YAML_INVALID ? "" : rpw_fields_describe(loader, request);
    const char *resource = rpw_report_quote(loader->report, key->text, 60);
    rpw_nanos wanted, allowed;

    if (!limit && request->type != RPW_YAML_INVALID && !is_divisible(key->text))
        rpw_report_error(loader->report, request->place,
                         "requests: found %s for %s without a limit, expected the same amount in limits", found,
                         resource);
    if (!limit || !rpw_shape_read_quantity(request, &wanted) || !rpw_shape_read_quantity(limit, &allowed) ||
        wanted == allowed || (wanted < allowed && is_divisible(key->text)))
        return;
    rpw_report_error(loader->report, request->place, "requests: found %s for %s, expected %s, %s", found, resource,
                     is_divisible(key->text) ? "at most its limit" : "as much as its limit",
                     rpw_fields_describe(loader, limit));
}

static void check_requests(struct rpw_loader *loader, const struct rpw_yaml_node *requests,
                           const struct rpw_yaml_node *limits)
{
    for (size_t i = 0; requests && requests->type == RPW_YAML_MAPPING && i < requests->count; i++) {
        const struct rpw_yaml_node *key = requests->keys[i], *limit = NULL;

        for (size_t k = 0; limits && limits->type == RPW_YAML_MAPPING && k < limits->count; k++)
            if (rpw_span_equal(limits->keys[k]->text, key->text))
                limit = limits->values[k];
        check_request(loader, key, requests->values[i], limit);
    }
}

static bool has_huge_pages(const struct rpw_yaml_node *amounts)
{
    for (size_t i = 0; amounts && amounts->type == RPW_YAML_MAPPING && i < amounts->count; i++)
        if (rpw_span_starts_with(amounts->keys[i]->text, RPW_LIT("hugepages-")))
            return true;
    return false;
}

static bool has_cpu_or_memory(const struct rpw_yaml_node *amounts)
{
    return rpw_yaml_find(amounts, "cpu") || rpw_yaml_find(amounts, "memory");
}

struct rpw_span rpw_resources_read(struct rpw_loader *loader, const struct rpw_yaml_node *node)
{
    const struct rpw_yaml_node *requests = rpw_yaml_find(node, "requests"), *limits = rpw_yaml_find(node, "limits");

    check_amounts(loader, "requests", requests);
    check_amounts(loader, "limits", limits);
    check_requests(loader, requests, limits);
    if ((has_huge_pages(requests) || has_huge_pages(limits)) && !has_cpu_or_memory(requests) &&
        !has_cpu_or_memory(limits))
        rpw_report_error(loader->report, node->place,
                         "resources: found huge pages alone, expected cpu or memory as well");
    return node ? read_part(loader, &rpw_shape_resources, node) : (struct rpw_span){NULL, 0};
}

/* --- securityContext -------------------------------------------------------------------------------------------------- */

static bool is_bool(const struct rpw_yaml_node *node, bool truth)
{
    return node && node->type == RPW_YAML_SCALAR && rpw_scalar_resolve(node).type == RPW_SCALAR_BOOL &&
           rpw_scalar_resolve(node).truth == truth;
}

static void check_profile(struct rpw_loader *loader, const char *field, const struct rpw_yaml_node *node)
{
    const struct rpw_yaml_node *type = rpw_yaml_find(node, "type"), *file = rpw_yaml_find(node, "localhostProfile");

    if (file && file->type == RPW_YAML_SCALAR && rpw_scalar_resolve(file).type == RPW_SCALAR_NULL)
        file = NULL;
    if (type && type->type == RPW_YAML_SCALAR && rpw_span_is(type->text, "Localhost") != (file != NULL))
        rpw_report_error(loader->report, type->place,
                         "%s: found type %s %s localhostProfile, expected localhostProfile with Localhost alone", field,
                         rpw_fields_describe(loader, type), file ? "with" : "without");
}

struct rpw_span rpw_security_context_read(struct rpw_loader *loader, const struct rpw_yaml_node *node)
{
    const struct rpw_yaml_node *privileged = rpw_yaml_find(node, "privileged");

    if (!node)
        return (struct rpw_span){NULL, 0};
    if (is_bool(privileged, true) && is_bool(rpw_yaml_find(node, "allowPrivilegeEscalation"), false))
        rpw_report_error(loader->report, privileged->place,
                         "privileged: found true and allowPrivilegeEscalation: false, expected one of them");
    check_profile(loader, "appArmorProfile", rpw_yaml_find(node, "appArmorProfile"));
    check_profile(loader, "seccompProfile", rpw_yaml_find(node, "seccompProfile"));
    return read_part(loader, &rpw_shape_security_context, node);
}
