/* manifest_patch.h - the half of manifest_edit.h that notes in the tree what a JSON Patch does. */
#ifndef RPW_CLI_MANIFEST_PATCH_H
#define RPW_CLI_MANIFEST_PATCH_H

#include "manifest.h"

/* Carries out patch: `add`, `remove` and `replace`. New values are parts of keeper, an array that must outlive the tree's
 * use. False when an operation cannot be noted: it leads through an alias, say. The tree is then of no use. */
RPW_MUST_CHECK bool rpw_manifest_patch(struct rpw_pool *pool, struct rpw_manifest_node *root, json_t *patch,
                                       json_t *keeper);

/* How many pairs or elements are left. */
size_t rpw_manifest_live_count(const struct rpw_manifest_node *collection);

#endif
