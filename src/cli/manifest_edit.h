/* manifest_edit.h - a JSON Patch carried out on the text of a YAML document: what the patch does not touch keeps every byte,
 * and what it adds is written in the style of its surroundings.
 *
 *     env:                                    env:
 *     # the database                          - name: POLICY_PKG_PATH
 *     - name: DATABASE      ->                  value: /opt/rucio/policy
 *                                             # the database
 *                                             - name: DATABASE
 *
 * Memory: the result is malloc's. The tree must not be used for anything else afterwards.
 */
#ifndef RPW_CLI_MANIFEST_EDIT_H
#define RPW_CLI_MANIFEST_EDIT_H

#include "manifest.h"

/* Edits document, a part of the report's text, whose tree is root. The result is read again and compared with wanted, the
 * object as the patch makes it: where they differ (an anchor whose aliases mean something else now, a layout that is not
 * understood), and where the patch cannot be carried out on the text, the document is written anew, without the comments
 * in it.
 *   ret_text     NUL-terminated
 *   ret_is_new   whether the document was written anew
 * False: no memory, or the document cannot be written so that it is read as it should be. */
RPW_MUST_CHECK bool rpw_manifest_edit(struct rpw_report *report, struct rpw_span document,
                                      struct rpw_manifest_node *root, json_t *patch, json_t *wanted, char **ret_text,
                                      bool *ret_is_new);

#endif
