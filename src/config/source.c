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

/* Sources that Kubernetes takes and that hold no package all the same, or not everywhere. */
static void warn_of_source(struct rpw_loader *loader, const struct rpw_yaml_node *key,
                           const struct rpw_yaml_node *value)
{
    const struct rpw_yaml_node *reference = rpw_yaml_find(value, "reference");

    if (rpw_span_is(key->text, "emptyDir"))
        rpw_report_warning(loader->report, key->place,
                           "volume: an emptyDir is new and empty in every pod; Rucio does not start unless something "
                           "else puts the package there");
    if (rpw_span_is(key->text, "gitRepo"))
        rpw_report_warning(
            loader->report, key->place,
            "volume: gitRepo is switched off since Kubernetes 1.33, and pods with it do not start; use pip "
            "with an image that has git, or copy");
    if (rpw_span_is(key->text, "image"))
        rpw_report_warning(
            loader->report, key->place,
            "volume: an image needs Kubernetes 1.31 with the feature gate ImageVolume, in practice 1.35, and "
            "a container runtime that mounts it; an older cluster drops it without a word, and the "
            "directory is empty");
    if (rpw_span_is(key->text, "image") && reference && reference->text.len > 0 &&
        !rpw_span_contains(reference->text, RPW_LIT("@")))
        rpw_report_warning(loader->report, reference->place,
                           "volume: this image is named by a tag, which may be another image tomorrow; a digest "
                           "(name@sha256:...) gives every pod the same package");
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
    warn_of_source(loader, key, value);
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

static void read_preinstalled(struct rpw_loader *loader, const struct rpw_yaml_node *node, struct rpw_policy *policy)
{
    const struct rpw_yaml_node *site_packages = NULL;
    const struct rpw_yaml_node **const values[] = {&site_packages};
    bool is_among_them = false;

    policy->source = RPW_SOURCE_PREINSTALLED;
    if (!rpw_keys_split(loader, "preinstalled", node, rpw_keys_of_preinstalled, values))
        return;
    rpw_fields_read_bool(loader, "sitePackages", site_packages, &is_among_them);
    if (is_among_them)
        policy->source = RPW_SOURCE_SITE_PACKAGES;
}

/* --- the mount of a volume ------------------------------------------------------------------------------------------- */

static void read_sub_path(struct rpw_loader *loader, const struct rpw_yaml_node *node, struct rpw_policy *policy)
{
    struct rpw_span sub_path = {NULL, 0};

    if (rpw_fields_read_text(loader, "subPath", node, rpw_syntax_sub_path, &sub_path))
        policy->sub_path = rpw_span_without_trailing_slashes(sub_path);
}

/* A module a.b is the directory a/b. */
static struct rpw_span suffix_of(struct rpw_loader *loader, struct rpw_span package)
{
    struct rpw_buffer suffix = {.pool = loader->result};

    rpw_buffer_append_char(&suffix, '/');
    for (size_t i = 0; i < package.len; i++)
        rpw_buffer_append_char(&suffix, package.ptr[i] == '.' ? '/' : package.ptr[i]);
    return (struct rpw_span){suffix.ptr, suffix.len};
}

/* The packages have been read. */
static void read_holds(struct rpw_loader *loader, const struct rpw_yaml_node *node, struct rpw_draft *draft)
{
    struct rpw_span package = draft->package.len > 0 ? draft->package
                              : draft->vo_count > 0  ? draft->vos[0].package
                                                     : RPW_LIT("");
    size_t holds = 0;

    if (!rpw_keys_read_choice(loader, rpw_keys_of_source, "holds", node, &holds) || holds == 0 || package.len == 0)
        return;
    for (size_t i = 0; i < draft->vo_count; i++)
        if (!rpw_span_equal(draft->vos[i].package, package)) {
            rpw_report_error(loader->report, node->place,
                             "holds: found package for several packages, expected directory: the volume can be one of "
                             "them only");
            return;
        }
    draft->policy.mount_suffix = suffix_of(loader, package);
}

static struct rpw_span read_word(struct rpw_loader *loader, const char *key, const struct rpw_yaml_node *node)
{
    size_t choice = 0;

    rpw_keys_read_choice(loader, rpw_keys_of_source, key, node, &choice);
    return choice > 0 ? rpw_pool_copy(loader->result, node->text) : (struct rpw_span){NULL, 0};
}

static void read_mount(struct rpw_loader *loader, const struct rpw_yaml_node *propagation,
                       const struct rpw_yaml_node *recursive, struct rpw_policy *policy)
{
    policy->mount_propagation = read_word(loader, "mountPropagation", propagation);
    policy->recursive_read_only = read_word(loader, "recursiveReadOnly", recursive);
    if (policy->mount_propagation.ptr && policy->recursive_read_only.ptr)
        rpw_report_error(
            loader->report, recursive->place,
            "recursiveReadOnly: found '%.*s' beside mountPropagation: HostToContainer, expected one of them: "
            "Kubernetes refuses both together",
            (int)policy->recursive_read_only.len, policy->recursive_read_only.ptr);
}

static void check_has_volume(struct rpw_loader *loader, const char *key, const struct rpw_yaml_node *node)
{
    if (node)
        rpw_report_error(loader->report, node->place, "%s: found it without volume, expected both or none", key);
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
    const struct rpw_yaml_node *holds = NULL, *propagation = NULL, *recursive = NULL;
    const struct rpw_yaml_node **const values[] = {&volume,   &pip,   &copy,        &preinstalled,
                                                   &sub_path, &holds, &propagation, &recursive};

    if (!rpw_keys_split(loader, "source", node, rpw_keys_of_source, values))
        return;
    check_one_source(loader, node, values);
    draft->policy.source = RPW_SOURCE_VOLUME;
    read_volume(loader, volume, &draft->policy);
    if (volume) {
        read_sub_path(loader, sub_path, &draft->policy);
        read_holds(loader, holds, draft);
        read_mount(loader, propagation, recursive, &draft->policy);
    } else {
        check_has_volume(loader, "subPath", sub_path);
        check_has_volume(loader, "holds", holds);
        check_has_volume(loader, "mountPropagation", propagation);
        check_has_volume(loader, "recursiveReadOnly", recursive);
    }
    if (preinstalled)
        read_preinstalled(loader, preinstalled, &draft->policy);
    if (pip)
        rpw_pip_read(loader, pip, draft);
    if (copy)
        rpw_copy_read(loader, copy, draft);
}
