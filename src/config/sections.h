/* sections.h - the parts of the file, one reader each; and what is made of a policy once it is read.
 *
 * A reader that finds an error reports it and leaves the rest of its output as it is: a file with any error gives no
 * configuration, so nobody will use what was read.
 */
#ifndef RPW_SECTIONS_H
#define RPW_SECTIONS_H

#include "fields.h"
#include "rpw/review/policy.h"

/* The default of `path`. */
#define RPW_CONFIG_DEFAULT_PATH "/opt/rucio/policy"

struct rpw_vo {
    struct rpw_span name; /* as written */
    struct rpw_span package;
};

/* What `source.pip` or `source.copy` says: each key's value as JSON text; absent when it is not given or has its default. */
struct rpw_installer_keys {
    struct rpw_span args;
    struct rpw_span env;
    struct rpw_span env_from;
    struct rpw_span image;
    struct rpw_span index_url;
    struct rpw_span medium;
    struct rpw_span no_deps;
    struct rpw_span path;
    struct rpw_span position;
    struct rpw_span pull_policy;
    struct rpw_span requirements;
    struct rpw_span resources;
    struct rpw_span security_context;
    struct rpw_span size_limit;
};

/* A policy as it is being read: the result, and what only the loader needs. */
struct rpw_draft {
    struct rpw_policy policy;
    struct rpw_place place; /* of its name, for warnings */

    struct rpw_span package; /* empty: none */
    struct rpw_vo *vos;
    size_t vo_count;
    bool has_config_env;
    struct rpw_span version;                 /* empty: none */
    struct rpw_span env;                     /* JSON text; absent: none */
    struct rpw_span verify_security_context; /* likewise */
    struct rpw_installer_keys installer_keys;
};

/* `env` of a policy: that of the policy, and its JSON text in the draft. */
void rpw_settings_read(struct rpw_loader *loader, const struct rpw_yaml_node *node, struct rpw_draft *draft);

/* `match`: namespaces, requirements and containers of the policy. */
void rpw_match_read(struct rpw_loader *loader, const struct rpw_yaml_node *node, struct rpw_policy *policy);

/* `source`: source, volume, what is said of its mount, and installer of the policy. Its packages have been read. */
void rpw_source_read(struct rpw_loader *loader, const struct rpw_yaml_node *node, struct rpw_draft *draft);

/* `source.pip` and `source.copy`. */
void rpw_pip_read(struct rpw_loader *loader, const struct rpw_yaml_node *node, struct rpw_draft *draft);
void rpw_copy_read(struct rpw_loader *loader, const struct rpw_yaml_node *node, struct rpw_draft *draft);

/* Parts of a Kubernetes container, kept verbatim, as JSON text. Checked for what makes the apiserver refuse every pod, or drop in
 * silence what was meant. Absent when node is not there. */
struct rpw_span rpw_env_read(struct rpw_loader *loader, const struct rpw_yaml_node *node);
struct rpw_span rpw_env_from_read(struct rpw_loader *loader, const struct rpw_yaml_node *node);
struct rpw_span rpw_resources_read(struct rpw_loader *loader, const struct rpw_yaml_node *node);
struct rpw_span rpw_security_context_read(struct rpw_loader *loader, const struct rpw_yaml_node *node);

/* What is made of `source` and `verify` once the keys are known: volume, sub_path and installer of the policy with pip and
 * copy; of verify what reaches the pod, unless it is off. */
void rpw_installer_render(struct rpw_loader *loader, struct rpw_draft *draft);
void rpw_verify_render(struct rpw_loader *loader, struct rpw_draft *draft);

/* One element of `policies`. */
void rpw_policy_read(struct rpw_loader *loader, const struct rpw_yaml_node *node, struct rpw_draft *draft);

/* A Kubernetes object as JSON text: keys sorted by bytes, no white space, so that equal objects give equal text.
 * Reports scalars that JSON or another YAML reader would take differently; field names the object in the errors. */
void rpw_fragment_render(struct rpw_loader *loader, const char *field, const struct rpw_yaml_node *node,
                         struct rpw_buffer *out);

/* revision, chart_revision and volume_name of a policy that was read without errors; in the result pool. Absent when there
 * is no memory. */
void rpw_revision_make(struct rpw_loader *loader, const struct rpw_draft *draft, struct rpw_policy *policy);

/* What the revision is a digest of; in the scratch pool. */
struct rpw_span rpw_revision_text(struct rpw_loader *loader, const struct rpw_draft *draft);

/* Warns of what is allowed and still hardly meant. drafts were read without errors. */
void rpw_advice_give(struct rpw_loader *loader, const struct rpw_draft *drafts, size_t count);

#endif
