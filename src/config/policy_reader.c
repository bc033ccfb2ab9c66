/* policy_reader.c - one element of `policies`: its keys, its defaults, and the variables that name its package. */
#include <ctype.h>

#include "keys.h"
#include "rpw/bytes/path.h"
#include "sections.h"

#define MAX_VARIABLE_BYTES 128 /* RUCIO_CFG_POLICY_PACKAGE- and the longest VO */

/* The variable's name: prefix, and the VO in upper case or as it is. */
static struct rpw_span variable_name(struct rpw_loader *loader, struct rpw_span prefix, struct rpw_span vo,
                                     bool is_upper)
{
    char name[MAX_VARIABLE_BYTES];
    size_t length = prefix.len;

    memcpy(name, prefix.ptr, prefix.len);
    for (size_t i = 0; i < vo.len && length < sizeof(name); i++)
        name[length++] = is_upper ? (char)toupper((unsigned char)vo.ptr[i]) : vo.ptr[i];
    return rpw_pool_copy(loader->result, (struct rpw_span){name, length});
}

static void name_packages(struct rpw_loader *loader, struct rpw_draft *draft)
{
    size_t count = (draft->package.len > 0 ? 1 : 0) + draft->vo_count;
    struct rpw_package *packages = rpw_pool_alloc(loader->result, count * sizeof(*packages)), *next = packages;

    if (!packages)
        return;
    if (draft->package.len > 0)
        *next++ =
            (struct rpw_package){RPW_LIT("RUCIO_POLICY_PACKAGE"), RPW_LIT("RUCIO_CFG_POLICY_PACKAGE"), draft->package};
    for (size_t i = 0; i < draft->vo_count; i++)
        *next++ =
            (struct rpw_package){variable_name(loader, RPW_LIT("RUCIO_POLICY_PACKAGE_"), draft->vos[i].name, true),
                                 variable_name(loader, RPW_LIT("RUCIO_CFG_POLICY_PACKAGE-"), draft->vos[i].name, false),
                                 draft->vos[i].package};
    for (size_t i = 0; i < count && !draft->has_config_env; i++)
        packages[i].cfg_variable = (struct rpw_span){NULL, 0};
    draft->policy.packages = packages;
    draft->policy.package_count = count;
}

/* Two VOs that differ in letter case alone would share RUCIO_POLICY_PACKAGE_<VO>. */
static void check_vo_is_new(struct rpw_loader *loader, const struct rpw_yaml_node *key, const struct rpw_draft *draft)
{
    for (size_t i = 0; i < draft->vo_count; i++)
        if (rpw_span_equal_ignoring_case(draft->vos[i].name, key->text)) {
            rpw_report_error(loader->report, key->place,
                             "packages: found the VO %s beside '%.*s', expected one of them: in upper case, which is "
                             "how the variables are named, they are the same",
                             rpw_report_quote(loader->report, key->text, 60), (int)draft->vos[i].name.len,
                             draft->vos[i].name.ptr);
            return;
        }
}

static void read_packages(struct rpw_loader *loader, const struct rpw_yaml_node *node, struct rpw_draft *draft)
{
    if (!node || !rpw_fields_expect_mapping(loader, "packages", node))
        return;
    if (node->count == 0)
        rpw_report_error(loader->report, node->place,
                         "packages: found no VO, expected at least one, such as {atl: atlas_package}");
    draft->vos = rpw_pool_alloc(loader->result, node->count * sizeof(*draft->vos));
    if (!draft->vos)
        return;
    for (size_t i = 0; i < node->count; i++) {
        struct rpw_vo *vo = &draft->vos[draft->vo_count];

        rpw_fields_read_text(loader, "packages", node->values[i], rpw_syntax_python_module, &vo->package);
        if (!rpw_fields_read_text(loader, "packages", node->keys[i], rpw_syntax_vo, &vo->name))
            continue;
        check_vo_is_new(loader, node->keys[i], draft);
        draft->vo_count++;
    }
}

static void read_path(struct rpw_loader *loader, const struct rpw_yaml_node *node, struct rpw_policy *policy)
{
    policy->path = RPW_LIT(RPW_CONFIG_DEFAULT_PATH);
    rpw_fields_read_text(loader, "path", node, rpw_path_expectation, &policy->path);
    policy->path = rpw_span_without_trailing_slashes(policy->path);
}

/* The directory for the .pth file, which must not lie where the package is mounted. */
static void read_site_packages(struct rpw_loader *loader, const struct rpw_yaml_node *node,
                               const struct rpw_yaml_node *python_path, struct rpw_policy *policy)
{
    if (policy->python_path == RPW_PYTHON_PATH_PTH && !node)
        rpw_report_error(
            loader->report, python_path->place,
            "pythonPath: found pth without sitePackages, expected the directory of the image that Python reads "
            ".pth files in, such as /usr/local/lib/python3.9/site-packages");
    if (policy->python_path != RPW_PYTHON_PATH_PTH && node)
        rpw_report_error(loader->report, node->place,
                         "sitePackages: found it without pythonPath: pth, expected both or none");
    if (!node || !rpw_fields_read_text(loader, "sitePackages", node, rpw_path_expectation, &policy->site_packages))
        return;
    policy->site_packages = rpw_span_without_trailing_slashes(policy->site_packages);
    if (rpw_path_equal(policy->site_packages, policy->path) || rpw_path_is_below(policy->site_packages, policy->path))
        rpw_report_error(
            loader->report, node->place,
            "sitePackages: found it in the policy's path, expected another directory: what is mounted at path "
            "would hide it");
}

static void read_choices(struct rpw_loader *loader, const struct rpw_yaml_node *python_path,
                         const struct rpw_yaml_node *on_conflict, struct rpw_policy *policy)
{
    size_t mode = RPW_PYTHON_PATH_PREPEND, conflict = RPW_CONFLICT_KEEP;

    rpw_keys_read_choice(loader, rpw_keys_of_policy, "pythonPath", python_path, &mode);
    rpw_keys_read_choice(loader, rpw_keys_of_policy, "onConflict", on_conflict, &conflict);
    policy->python_path = (enum rpw_python_path_mode)mode;
    policy->on_conflict = (enum rpw_on_conflict)conflict;
}

static void read_verify(struct rpw_loader *loader, const struct rpw_yaml_node *node, struct rpw_draft *draft)
{
    const struct rpw_yaml_node *word = NULL, *security_context = NULL;
    const struct rpw_yaml_node **const values[] = {&word, &security_context};
    size_t mode = RPW_VERIFY_OFF;

    if (!node || node->type != RPW_YAML_MAPPING)
        word = node;
    else if (rpw_keys_split(loader, "verify", node, rpw_keys_of_verify, values) && !word)
        rpw_report_error(loader->report, node->place, "verify: found no mode, expected off, warn or fail");
    rpw_keys_read_choice(loader, rpw_keys_of_policy, "verify", word, &mode);
    draft->verify_security_context = rpw_security_context_read(loader, security_context);
    draft->policy.verify = (enum rpw_verify)mode;
    rpw_verify_render(loader, draft);
}

static void report_missing(struct rpw_loader *loader, const struct rpw_yaml_node *policy, const char *missing,
                           const char *expected)
{
    rpw_report_error(loader->report, policy->place, "policies: found a policy without %s, expected %s", missing,
                     expected);
}

void rpw_policy_read(struct rpw_loader *loader, const struct rpw_yaml_node *node, struct rpw_draft *draft)
{
    const struct rpw_yaml_node *name = NULL, *match = NULL, *package = NULL, *packages = NULL, *config_env = NULL;
    const struct rpw_yaml_node *version = NULL, *path = NULL, *python_path = NULL, *image_python_path = NULL;
    const struct rpw_yaml_node *source = NULL, *on_conflict = NULL, *verify = NULL, *env = NULL, *site_packages = NULL;
    const struct rpw_yaml_node **const values[] = {
        &name,    &match,      &package, &packages,    &env,         &source,        &path,
        &version, &config_env, &verify,  &python_path, &on_conflict, &site_packages, &image_python_path};
    struct rpw_policy *policy = &draft->policy;

    if (!rpw_keys_split(loader, "policies", node, rpw_keys_of_policy, values))
        return;
    if (!name)
        report_missing(loader, node, "name", "one that tells it from the others");
    if (!package && !packages)
        report_missing(loader, node, "package", "package, or packages with one for each VO, or both");
    if (!source)
        report_missing(loader, node, "source", "source with volume, pip, copy or preinstalled");

    draft->place = name ? name->place : node->place;
    draft->has_config_env = true;
    rpw_fields_read_text(loader, "name", name, rpw_syntax_policy_name, &policy->name);
    rpw_match_read(loader, match, policy);
    rpw_fields_read_text(loader, "package", package, rpw_syntax_python_module, &draft->package);
    read_packages(loader, packages, draft);
    rpw_fields_read_bool(loader, "configEnv", config_env, &draft->has_config_env);
    rpw_fields_read_text(loader, "version", version, rpw_syntax_version, &draft->version);
    read_path(loader, path, policy);
    policy->image_python_path = RPW_LIT("");
    rpw_fields_read_text(loader, "imagePythonPath", image_python_path, rpw_syntax_image_python_path,
                         &policy->image_python_path);
    read_choices(loader, python_path, on_conflict, policy);
    read_site_packages(loader, site_packages, python_path, policy);
    rpw_settings_read(loader, env, draft);
    rpw_source_read(loader, source, draft);
    read_verify(loader, verify, draft);
    name_packages(loader, draft);
}
