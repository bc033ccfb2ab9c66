/* source.c - where the package's code comes from.
 *
 * A volume source goes into the pod verbatim, so it is checked only for what the cluster would not tell clearly: a
 * misspelt key is dropped by the apiserver, which makes an empty emptyDir of a misspelt source, and a missing claim name
 * refuses every Rucio pod of the cluster. Sources and keys that this program has never heard of are kept: Kubernetes grows
 * them.
 */
#include "hints.h"
#include "keys.h"
#include "sections.h"
#include "shape.h"

#define SOURCE_COUNT 4 /* volume, pip, copy, preinstalled */

static void check_unknown_source(struct rpw_loader *loader, const struct rpw_yaml_node *key)
{
    const char *nearest = rpw_shape_suggest(rpw_shape_volume_sources, key->text);
    const char *found = rpw_report_quote(loader->report, key->text, 60);
    const char *hint = rpw_hint_for_key("volume", key->text);

    if (hint)
        rpw_report_error(loader->report, key->place, "volume: found %s; %s", found, hint);
    else if (nearest)
        rpw_report_error(loader->report, key->place, "volume: found the unknown volume source %s; did you mean '%s'?",
                         found, nearest);
    else if (rpw_fields_check_text(loader, "volume", key, rpw_syntax_volume_source))
        rpw_report_warning(loader->report, key->place,
                           "volume: this program does not know the volume source %s; a cluster that does not know it "
                           "either makes the volume an empty directory",
                           found);
}

static void check_volume_member(struct rpw_loader *loader, const struct rpw_yaml_node *key,
                                const struct rpw_yaml_node *value)
{
    const struct rpw_shape *source = rpw_shape_find(rpw_shape_volume_sources, key->text);

    if (rpw_span_is(key->text, "name")) {
        rpw_report_error(loader->report, key->place,
                         "volume: found a name, expected the volume source alone: the webhook names the volume itself "
                         "(rucio-policy), so that it can tell its own from others");
        return;
    }
    if (rpw_span_is(key->text, "emptyDir"))
        rpw_report_warning(loader->report, key->place,
                           "volume: an emptyDir is new and empty in every pod; Rucio does not start unless something "
                           "else puts the package there");
    if (!source)
        check_unknown_source(loader, key);
    if (rpw_fields_expect_mapping(loader, source ? source->name : "volume", value) && source)
        rpw_shape_check(loader, source, value);
}

static void read_volume(struct rpw_loader *loader, const struct rpw_yaml_node *node, struct rpw_policy *policy)
{
    struct rpw_buffer json = {.pool = loader->scratch};

    if (!node || !rpw_fields_expect_mapping(loader, "volume", node))
        return;
    for (size_t i = 0; i < node->count; i++)
        check_volume_member(loader, node->keys[i], node->values[i]);
    if (node->count == 0)
        rpw_report_error(loader->report, node->place,
                         "volume: found no volume source, expected one, such as persistentVolumeClaim");
    else if (node->count > 1 && !rpw_span_is(node->keys[0]->text, "name") && !rpw_span_is(node->keys[1]->text, "name"))
        rpw_report_error(loader->report, node->keys[1]->place, "volume: found a second volume source, expected one");
    rpw_fragment_render(loader, "volume", node, &json);
    policy->volume = rpw_pool_copy(loader->result, (struct rpw_span){json.ptr, json.len});
}

static void check_preinstalled(struct rpw_loader *loader, const struct rpw_yaml_node *node)
{
    if (node->type != RPW_YAML_INVALID && (node->type != RPW_YAML_MAPPING || node->count > 0))
        rpw_report_error(loader->report, node->place, "preinstalled: found %s, expected {}",
                         node->type == RPW_YAML_MAPPING ? "keys" : rpw_fields_describe(loader, node));
}

static void read_sub_path(struct rpw_loader *loader, const struct rpw_yaml_node *node, bool has_volume,
                          struct rpw_policy *policy)
{
    struct rpw_span sub_path = {NULL, 0};

    if (node && !has_volume)
        rpw_report_error(loader->report, node->place, "subPath: found it without volume, expected both or none");
    else if (rpw_fields_read_text(loader, "subPath", node, rpw_syntax_sub_path, &sub_path))
        policy->sub_path = rpw_span_without_trailing_slashes(sub_path);
}

/* Exactly one of the first four keys is wanted. */
static void check_one_source(struct rpw_loader *loader, const struct rpw_yaml_node *node,
                             const struct rpw_yaml_node **const *values)
{
    const char *first = NULL;
    bool has_misplaced = false; /* and was reported */

    for (size_t i = 0; i < SOURCE_COUNT; i++) {
        if (!*values[i])
            continue;
        if (first)
            rpw_report_error(loader->report, (*values[i])->place, "source: found both %s and %s, expected one of them",
                             first, rpw_keys_of_source[i].name);
        else
            first = rpw_keys_of_source[i].name;
    }
    for (size_t i = 0; i < node->count; i++)
        has_misplaced = has_misplaced || rpw_hint_for_key("source", node->keys[i]->text);
    if (!first && !has_misplaced)
        rpw_report_error(loader->report, node->place,
                         "source: found neither volume nor pip, copy or preinstalled, expected one of them");
}

void rpw_source_read(struct rpw_loader *loader, const struct rpw_yaml_node *node, struct rpw_draft *draft)
{
    const struct rpw_yaml_node *volume = NULL, *sub_path = NULL, *preinstalled = NULL, *pip = NULL, *copy = NULL;
    const struct rpw_yaml_node **const values[] = {&volume, &pip, &copy, &preinstalled, &sub_path};

    if (!rpw_keys_split(loader, "source", node, rpw_keys_of_source, values))
        return;
    check_one_source(loader, node, values);
    if (preinstalled)
        check_preinstalled(loader, preinstalled);
    draft->policy.source = volume ? RPW_SOURCE_VOLUME : RPW_SOURCE_PREINSTALLED;
    read_volume(loader, volume, &draft->policy);
    read_sub_path(loader, sub_path, volume != NULL, &draft->policy);
    if (pip)
        rpw_pip_read(loader, pip, draft);
    if (copy)
        rpw_copy_read(loader, copy, draft);
}
