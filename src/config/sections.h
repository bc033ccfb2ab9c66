/* sections.h - the parts of the file, one reader each; and what is made of a policy once it is read.
 *
 * A reader that finds an error reports it and leaves the rest of its output as it is: a file with any error gives no
 * configuration, so nobody will use what was read.
 */
#ifndef RPW_SECTIONS_H
#define RPW_SECTIONS_H

#include "fields.h"
#include "rpw/policy.h"

/* The default of `path`. */
#define RPW_CONFIG_DEFAULT_PATH "/opt/rucio/policy"

struct rpw_vo {
    struct rpw_span name; /* as written */
    struct rpw_span package;
};

/* A policy as it is being read: the result, and what only the loader needs. */
struct rpw_draft {
    struct rpw_policy policy;
    struct rpw_place place; /* of its name, for warnings */

    struct rpw_span package; /* empty: none */
    struct rpw_vo *vos;
    size_t vo_count;
    bool has_config_env;
    struct rpw_span version; /* empty: none */
};

/* `match`: namespaces, requirements and containers of the policy. */
void rpw_match_read(struct rpw_loader *loader, const struct rpw_yaml_node *node, struct rpw_policy *policy);

/* `source`: source, volume and sub_path of the policy. */
void rpw_source_read(struct rpw_loader *loader, const struct rpw_yaml_node *node, struct rpw_policy *policy);

/* One element of `policies`. */
void rpw_policy_read(struct rpw_loader *loader, const struct rpw_yaml_node *node, struct rpw_draft *draft);

/* A Kubernetes object as JSON text: keys sorted by bytes, no white space, so that equal objects give equal text.
 * Reports scalars that JSON or another YAML reader would take differently. */
void rpw_fragment_render(struct rpw_loader *loader, const struct rpw_yaml_node *node, struct rpw_buffer *out);

/* The revision of a policy that was read without errors; in the result pool. Absent when there is no memory. */
struct rpw_span rpw_revision_of(struct rpw_loader *loader, const struct rpw_draft *draft);

/* What the revision is a digest of; in the scratch pool. */
struct rpw_span rpw_revision_text(struct rpw_loader *loader, const struct rpw_draft *draft);

/* Warns of what is allowed and still hardly meant. drafts were read without errors. */
void rpw_advice_give(struct rpw_loader *loader, const struct rpw_draft *drafts, size_t count);

#endif
