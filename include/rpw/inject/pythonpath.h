/* pythonpath.h - the text of a PYTHONPATH: elements separated by ':'.
 *
 * An empty element puts the working directory on sys.path, so none is ever added; those that were there stay, since they
 * may be meant. Absolute elements are compared as path.h says; a relative one is no absolute path.
 */
#ifndef RPW_PYTHONPATH_H
#define RPW_PYTHONPATH_H

#include "rpw/bytes/arena.h"
#include "rpw/bytes/text.h"
#include "rpw/review/policy.h"

/* Whether path is an element of value. reference_is_path: the element "$(POLICY_PKG_PATH)" counts as path too. */
bool rpw_pythonpath_has(struct rpw_span value, struct rpw_span path, bool reference_is_path);

/* ours in front of rest, or behind it when mode is append; ours alone when rest is empty. False when the arena refused. */
RPW_MUST_CHECK bool rpw_pythonpath_with(struct rpw_arena *arena, enum rpw_python_path_mode mode, struct rpw_span ours,
                                        struct rpw_span rest, struct rpw_span *ret_value);

/* value without the first occurrence of run, which is one or several whole elements as they were written; value itself when
 * there is none. False when the arena refused. */
RPW_MUST_CHECK bool rpw_pythonpath_without(struct rpw_arena *arena, struct rpw_span value, struct rpw_span run,
                                           struct rpw_span *ret_value);

#endif
