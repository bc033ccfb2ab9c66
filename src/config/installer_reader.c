/* installer_reader.c - source.pip and source.copy: their keys, and what about them an administrator would want to hear of. */
#include "keys.h"
#include "sections.h"
#include "shape.h"

/* The keys that both sources have. */
struct shared_nodes {
    const struct rpw_yaml_node *image;
    const struct rpw_yaml_node *pull_policy;
    const struct rpw_yaml_node *resources;
    const struct rpw_yaml_node *security_context;
    const struct rpw_yaml_node *size_limit;
    const struct rpw_yaml_node *medium;
    const struct rpw_yaml_node *position;
};

static struct rpw_span quote(struct rpw_loader *loader, struct rpw_span text)
{
    struct rpw_buffer json = {.pool = loader->scratch};

    rpw_buffer_append_json(&json, text);
    return (struct rpw_span){json.ptr, json.len};
}

static struct rpw_span quote_list(struct rpw_loader *loader, struct rpw_span_list list)
{
    struct rpw_buffer json = {.pool = loader->scratch};

    for (size_t i = 0; i < list.count; i++) {
        rpw_buffer_append_char(&json, i == 0 ? '[' : ',');
        rpw_buffer_append_json(&json, list.items[i]);
    }
    rpw_buffer_append_char(&json, ']');
    return (struct rpw_span){json.ptr, json.len};
}

/* --- image ------------------------------------------------------------------------------------------------------------ */

/* Whether the same name may stand for another image tomorrow. */
static bool is_moving_image(struct rpw_span image)
{
    const char *slash = memrchr(image.ptr, '/', image.len);
    const char *name = slash ? slash + 1 : image.ptr;
    struct rpw_span rest = {name, image.len - (size_t)(name - image.ptr)};
    const char *colon = rest.len > 0 ? memchr(rest.ptr, ':', rest.len) : NULL;

    if (memchr(image.ptr, '@', image.len))
        return false;
    return !colon || rpw_span_is((struct rpw_span){colon, rest.len - (size_t)(colon - rest.ptr)}, ":latest");
}

static void read_image(struct rpw_loader *loader, const struct shared_nodes *nodes, struct rpw_draft *draft)
{
    const char *const *policies = rpw_shape_find(rpw_keys_of_pip, RPW_LIT("pullPolicy"))->words;
    struct rpw_installer *installer = &draft->policy.installer;
    size_t choice;

    if (nodes->image && rpw_fields_read_text(loader, "image", nodes->image, rpw_syntax_image, &installer->image)) {
        draft->installer_keys.image = quote(loader, installer->image);
        if (is_moving_image(installer->image))
            rpw_report_warning(loader->report, nodes->image->place,
                               "image: %.*s may stand for another image tomorrow, so two pods may get different "
                               "packages; give it a tag other "
                               "than latest, or a digest",
                               (int)installer->image.len, installer->image.ptr);
    }
    if (nodes->pull_policy && !nodes->image)
        rpw_report_error(loader->report, nodes->pull_policy->place,
                         "pullPolicy: found it without image, expected both or none");
    if (rpw_fields_read_choice(loader, "pullPolicy", nodes->pull_policy, policies, &choice)) {
        installer->pull_policy = rpw_span_of(policies[choice]);
        draft->installer_keys.pull_policy = quote(loader, installer->pull_policy);
    }
}

/* --- the volume that is filled ------------------------------------------------------------------------------------------ */

/* A number of bytes, more than none. 200m is legal and a fifth of a byte. */
static bool is_size(const struct rpw_yaml_node *node)
{
    rpw_nanos size;

    return rpw_shape_read_quantity(node, &size) && size > 0 && !memchr("mun", node->text.ptr[node->text.len - 1], 3);
}

static void read_volume(struct rpw_loader *loader, const struct shared_nodes *nodes, struct rpw_draft *draft)
{
    struct rpw_installer_keys *keys = &draft->installer_keys;
    struct rpw_span medium = {NULL, 0};

    if (nodes->size_limit && nodes->size_limit->type != RPW_YAML_INVALID) {
        if (is_size(nodes->size_limit))
            keys->size_limit = quote(loader, nodes->size_limit->text);
        else
            rpw_report_error(loader->report, nodes->size_limit->place,
                             "sizeLimit: found %s, expected a size such as 200Mi",
                             rpw_fields_describe(loader, nodes->size_limit));
    }
    if (nodes->medium && rpw_fields_read_text(loader, "medium", nodes->medium, rpw_syntax_medium, &medium) &&
        medium.len > 0) {
        keys->medium = quote(loader, medium);
        rpw_report_warning(loader->report, nodes->medium->place,
                           "medium: what lies in memory counts against the memory limits of the pod's containers");
    }
}

static void read_shared(struct rpw_loader *loader, const struct shared_nodes *nodes, struct rpw_draft *draft)
{
    struct rpw_installer_keys *keys = &draft->installer_keys;
    size_t position = RPW_POSITION_FIRST;

    read_image(loader, nodes, draft);
    read_volume(loader, nodes, draft);
    rpw_keys_read_choice(loader, rpw_keys_of_pip, "position", nodes->position, &position);
    draft->policy.installer.position = (enum rpw_position)position;
    if (position == RPW_POSITION_LAST)
        keys->position = RPW_LIT("\"last\"");
    keys->resources = rpw_resources_read(loader, nodes->resources);
    keys->security_context = rpw_security_context_read(loader, nodes->security_context);
}

/* --- pip ---------------------------------------------------------------------------------------------------------------- */

/* Whether pip may install something else tomorrow; where a variable decides, nobody can say. */
static bool is_moving_requirement(struct rpw_span requirement)
{
    const char *slash = memrchr(requirement.ptr, '/', requirement.len);

    if (rpw_span_contains(requirement, RPW_LIT("$(")))
        return false;
    if (rpw_syntax_is_version_controlled(requirement))
        return !slash || !memchr(slash, '@', requirement.len - (size_t)(slash - requirement.ptr));
    if (slash)
        return false;
    return !rpw_span_contains(requirement, RPW_LIT("==")) || rpw_span_contains(requirement, RPW_LIT(".*"));
}

static void check_requirement(struct rpw_loader *loader, const struct rpw_yaml_node *node, struct rpw_span requirement,
                              bool has_image)
{
    const char *quoted = rpw_report_quote(loader->report, requirement, 60);

    if (rpw_syntax_is_version_controlled(requirement) && !has_image)
        rpw_report_error(
            loader->report, node->place,
            "requirements: found %s without image, expected image as well: Rucio's images have no git, hg, "
            "svn or bzr",
            quoted);
    if (is_moving_requirement(requirement))
        rpw_report_warning(loader->report, node->place,
                           "requirements: %s may stand for another version tomorrow, so two pods may get different "
                           "packages; name one, as in atlas-policy==1.2.3",
                           quoted);
}

static struct rpw_span read_requirements(struct rpw_loader *loader, const struct rpw_yaml_node *node, bool has_image)
{
    struct rpw_span_list requirements = {NULL, 0};

    if (node->type == RPW_YAML_LIST && node->count == 0) {
        rpw_report_error(loader->report, node->place,
                         "requirements: found an empty list, expected what pip installs, such as atlas-policy==1.2.3");
        return (struct rpw_span){NULL, 0};
    }
    if (!rpw_fields_read_texts(loader, "requirements", node, rpw_syntax_requirement, &requirements))
        return (struct rpw_span){NULL, 0};
    for (size_t i = 0; i < requirements.count; i++)
        check_requirement(loader, node->values[i], requirements.items[i], has_image);
    return quote_list(loader, requirements);
}

/* A name or a password in a URL, in clear. */
static void warn_of_credentials(struct rpw_loader *loader, const char *field, const struct rpw_yaml_node *node,
                                struct rpw_span text)
{
    const char *start = memmem(text.ptr, text.len, "://", 3), *end;
    struct rpw_span authority;

    if (!start)
        return;
    authority = (struct rpw_span){start + 3, text.len - (size_t)(start + 3 - text.ptr)};
    end = memchr(authority.ptr, '/', authority.len);
    if (end)
        authority.len = (size_t)(end - authority.ptr);
    if (memchr(authority.ptr, '@', authority.len) && !rpw_span_contains(authority, RPW_LIT("$(")))
        rpw_report_warning(loader->report, node->place,
                           "%s: who may read a pod may read these credentials; put them into a Secret, the Secret into "
                           "env or envFrom, and refer to it as $(NAME)",
                           field);
}

static void read_pip_arguments(struct rpw_loader *loader, const struct rpw_yaml_node *index_url,
                               const struct rpw_yaml_node *args, struct rpw_installer_keys *keys)
{
    struct rpw_span url = {NULL, 0};
    struct rpw_span_list arguments = {NULL, 0};

    if (index_url && rpw_fields_read_text(loader, "indexUrl", index_url, rpw_syntax_index_url, &url)) {
        keys->index_url = quote(loader, url);
        warn_of_credentials(loader, "indexUrl", index_url, url);
    }
    if (args && rpw_fields_read_texts(loader, "args", args, rpw_syntax_pip_argument, &arguments)) {
        keys->args = quote_list(loader, arguments);
        for (size_t i = 0; i < arguments.count; i++)
            warn_of_credentials(loader, "args", args->values[i], arguments.items[i]);
    }
}

void rpw_pip_read(struct rpw_loader *loader, const struct rpw_yaml_node *node, struct rpw_draft *draft)
{
    const struct rpw_yaml_node *requirements = NULL, *no_deps = NULL, *index_url = NULL, *args = NULL, *env = NULL;
    const struct rpw_yaml_node *env_from = NULL;
    struct shared_nodes shared = {.image = NULL};
    const struct rpw_yaml_node **const values[] = {&requirements,
                                                   &no_deps,
                                                   &index_url,
                                                   &args,
                                                   &env,
                                                   &env_from,
                                                   &shared.image,
                                                   &shared.pull_policy,
                                                   &shared.resources,
                                                   &shared.security_context,
                                                   &shared.size_limit,
                                                   &shared.medium,
                                                   &shared.position};
    struct rpw_installer_keys *keys = &draft->installer_keys;
    bool has_no_deps = true;

    draft->policy.source = RPW_SOURCE_PIP;
    if (!rpw_keys_split(loader, "pip", node, rpw_keys_of_pip, values))
        return;
    if (!requirements)
        rpw_report_error(loader->report, node->place,
                         "pip: found no requirements, expected what pip installs, such as [atlas-policy==1.2.3]");
    else
        keys->requirements = read_requirements(loader, requirements, shared.image != NULL);
    read_shared(loader, &shared, draft);
    read_pip_arguments(loader, index_url, args, keys);
    keys->env = rpw_env_read(loader, env);
    keys->env_from = rpw_env_from_read(loader, env_from);
    rpw_fields_read_bool(loader, "noDeps", no_deps, &has_no_deps);
    if (no_deps && !has_no_deps) {
        keys->no_deps = RPW_LIT("false");
        rpw_report_warning(
            loader->report, no_deps->place,
            "noDeps: what the package depends on is installed beside it and hides what Rucio's image has");
    }
    rpw_installer_render(loader, draft);
}

/* --- copy --------------------------------------------------------------------------------------------------------------- */

void rpw_copy_read(struct rpw_loader *loader, const struct rpw_yaml_node *node, struct rpw_draft *draft)
{
    const struct rpw_yaml_node *path = NULL;
    struct shared_nodes shared = {.image = NULL};
    const struct rpw_yaml_node **const values[] = {
        &shared.image,      &path,          &shared.pull_policy, &shared.resources, &shared.security_context,
        &shared.size_limit, &shared.medium, &shared.position};
    struct rpw_span text = {NULL, 0};

    draft->policy.source = RPW_SOURCE_COPY;
    if (!rpw_keys_split(loader, "copy", node, rpw_keys_of_copy, values))
        return;
    if (!shared.image)
        rpw_report_error(loader->report, node->place, "copy: found no image, expected the one that holds the package");
    if (!path)
        rpw_report_error(loader->report, node->place,
                         "copy: found no path, expected the directory of the image that holds the package");
    if (rpw_fields_read_text(loader, "path", path, rpw_syntax_copy_path, &text))
        draft->installer_keys.path = quote(loader, rpw_span_without_trailing_slashes(text));
    read_shared(loader, &shared, draft);
    rpw_installer_render(loader, draft);
}
