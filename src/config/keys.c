/* keys.c - every key that a configuration may have. docs/configuration.md describes them. */
#include "keys.h"

#define TEXT(key, its_help) .name = key, .type = RPW_SHAPE_TEXT, .help = its_help
#define WORD(key, its_words, its_help) TEXT(key, its_help), .words = its_words
#define BOOL(key, its_help) .name = key, .type = RPW_SHAPE_BOOL, .help = its_help
#define MAPPING(key, its_keys, its_help) .name = key, .type = RPW_SHAPE_MAPPING, .keys = its_keys, .help = its_help
#define SAME(key, shape, its_help) .name = key, .same = &(shape), .help = its_help
#define LIST .nesting = RPW_SHAPE_LIST
#define MAP .nesting = RPW_SHAPE_MAP
#define REQUIRED .is_required = true
#define ALTERNATIVE .is_alternative = true

typedef const char *const word_list[];

static word_list unmatched_words = {"allow", "warn", "reject", NULL};
static word_list python_path_words = {"prepend", "append", "entrypoint", NULL};
static word_list conflict_words = {"keep", "override", "reject", NULL};
static word_list verify_words = {"off", "warn", "fail", NULL};
static word_list operator_words = {"In", "NotIn", "Exists", "DoesNotExist", NULL};
static word_list pull_policy_words = {"Always", "IfNotPresent", "Never", NULL};
static word_list medium_words = {"Memory", "", NULL};
static word_list position_words = {"first", "last", NULL};

const struct rpw_shape rpw_keys_of_expression[] = {
    {TEXT("key", "the key of a label"), REQUIRED},
    {WORD("operator", operator_words, NULL), REQUIRED},
    {TEXT("values", "with In and NotIn"), LIST},
    {0},
};

const struct rpw_shape rpw_keys_of_pod_selector[] = {
    {TEXT("matchLabels", NULL), MAP},
    {MAPPING("matchExpressions", rpw_keys_of_expression, NULL), LIST},
    {0},
};

const struct rpw_shape rpw_keys_of_match[] = {
    {TEXT("namespaces", "Names or patterns of namespaces; default: any"), LIST},
    {MAPPING("podSelector", rpw_keys_of_pod_selector, "Labels that the pod must have, as Kubernetes selects")},
    {TEXT("containers", "Names or patterns of containers; default: those of Rucio's charts, with images: none"), LIST},
    {TEXT("images", "Images or patterns of them; default: Rucio's own images, with containers: none"), LIST},
    {0},
};

#define INSTALLER_ROWS                                                                                                 \
    {WORD("pullPolicy", pull_policy_words, "With image")},                                                             \
        {SAME("resources", rpw_shape_resources, "Default: those of the container that gets the package")},             \
        {SAME("securityContext", rpw_shape_security_context, "Default: made after that container's")},                 \
        {.name = "sizeLimit", .type = RPW_SHAPE_QUANTITY, .help = "Of the volume for the package, such as 200Mi"},     \
        {WORD("medium", medium_words, "Memory: the volume lies in memory")},                                           \
    {                                                                                                                  \
        WORD("position", position_words, "Among the pod's init containers")                                            \
    }

const struct rpw_shape rpw_keys_of_pip[] = {
    {TEXT("requirements", "What pip installs, such as atlas-policy==1.2.3"), LIST, REQUIRED},
    {BOOL("noDeps", "Leave out what the package depends on; default: true")},
    {TEXT("indexUrl", "The package index; default: what the image's pip is set to")},
    {TEXT("args", "More arguments of pip"), LIST},
    {SAME("env", rpw_shape_env, "Variables of the init container")},
    {SAME("envFrom", rpw_shape_env_from, "Variables of the init container")},
    {TEXT("image", "An image with Python and pip; default: that of the container that gets the package")},
    INSTALLER_ROWS,
    {0},
};

const struct rpw_shape rpw_keys_of_copy[] = {
    {TEXT("image", "The image that has the package"), REQUIRED},
    {TEXT("path", "The directory of the image that has the package"), REQUIRED},
    INSTALLER_ROWS,
    {0},
};

static const struct rpw_shape no_keys[] = {{0}};

const struct rpw_shape rpw_keys_of_source[] = {
    {MAPPING("volume", rpw_shape_volume_sources, "A Kubernetes volume source that has the package"), ALTERNATIVE,
     .is_open = true},
    {MAPPING("pip", rpw_keys_of_pip, "An init container installs the package with pip"), ALTERNATIVE},
    {MAPPING("copy", rpw_keys_of_copy, "An init container copies the package from an image"), ALTERNATIVE},
    {MAPPING("preinstalled", no_keys, "The package is in Rucio's image, at path: {}"), ALTERNATIVE},
    {TEXT("subPath", "The directory of the volume that has the package")},
    {0},
};

const struct rpw_shape rpw_keys_of_policy[] = {
    {TEXT("name", "Tells the policy from the others"), REQUIRED},
    {MAPPING("match", rpw_keys_of_match, "Which pods get the package; default: every pod with a container of Rucio's")},
    {TEXT("package", "What Python imports, such as atlas_rucio_policy_package")},
    {TEXT("packages", "Of several VOs: VO: package"), MAP},
    {MAPPING("source", rpw_keys_of_source, "Where the package comes from"), REQUIRED},
    {TEXT("path", "The package's directory in the container; default: /opt/rucio/policy")},
    {TEXT("version", "Any text; part of the revision")},
    {BOOL("configEnv", "Set the RUCIO_CFG_ variables, too, which Rucio before 38.1.0 needs; default: true")},
    {WORD("verify", verify_words, "Try the package in the pod before Rucio does; default: off")},
    {WORD("pythonPath", python_path_words, "Where path goes in PYTHONPATH; default: prepend")},
    {WORD("onConflict", conflict_words, "When the pod sets something else itself; default: keep")},
    {TEXT("imagePythonPath", "The PYTHONPATH of the image, so that it is kept")},
    {0},
};

const struct rpw_shape rpw_keys_of_file[] = {
    {MAPPING("policies", rpw_keys_of_policy, "Tried in this order; the first that selects a pod applies"), LIST,
     REQUIRED},
    {WORD("unmatched", unmatched_words, "What happens to a Rucio pod that no policy selects; default: allow")},
    {0},
};

bool rpw_keys_split(struct rpw_loader *loader, const char *field, const struct rpw_yaml_node *node,
                    const struct rpw_shape *keys, const struct rpw_yaml_node **const *values)
{
    const char *names[RPW_SHAPE_MAX_KEYS + 1] = {NULL};

    if (!rpw_fields_expect_mapping(loader, field, node))
        return false;
    for (size_t i = 0; keys[i].name; i++)
        names[i] = keys[i].name;
    for (size_t i = 0; i < node->count; i++) {
        const struct rpw_shape *key = rpw_shape_find(keys, node->keys[i]->text);

        if (key)
            *values[key - keys] = node->values[i];
        else
            rpw_fields_report_unknown_key(loader, field, node->keys[i], names);
    }
    return true;
}

bool rpw_keys_read_choice(struct rpw_loader *loader, const struct rpw_shape *keys, const char *key,
                          const struct rpw_yaml_node *node, size_t *ret_index)
{
    return rpw_fields_read_choice(loader, key, node, rpw_shape_find(keys, rpw_span_of(key))->words, ret_index);
}
