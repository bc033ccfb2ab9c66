/* yaml_tree.h - the half of yaml.h that turns the library's events into nodes.
 *
 * Memory: everything lives in the pool. Errors: reported, or pool->has_failed.
 */
#ifndef RPW_YAML_TREE_H
#define RPW_YAML_TREE_H

#include "yaml.h"

struct fy_event;
struct rpw_yaml_composer;

/* base: where in the report's text the parser's text begins. NULL when there is no memory. */
RPW_MUST_CHECK struct rpw_yaml_composer *rpw_yaml_composer_new(struct rpw_pool *pool, struct rpw_report *report,
                                                               size_t base, const struct rpw_yaml_limits *limits);

/* Takes the next event. False ends the reading: what follows could not be understood, or is more than we take. */
RPW_MUST_CHECK bool rpw_yaml_compose(struct rpw_yaml_composer *composer, struct fy_event *event);

/* The offset behind the last event's text. */
size_t rpw_yaml_composer_last_end(const struct rpw_yaml_composer *composer);

/* NULL as long as no event brought a node. */
const struct rpw_yaml_node *rpw_yaml_composer_root(const struct rpw_yaml_composer *composer);

#endif
