/* path.h - absolute paths compared by what they mean: element by element, with "//" and "." passed by and ".." taking the
 * element before it along, as the kubelet and the container runtime clean a mountPath (Go's path.Clean("/" + path)).
 * Symbolic links are not looked at. A missing leading slash makes no difference here: to the kubelet it does not, either;
 * whoever reads a path that may be relative to something else (an element of PYTHONPATH) asks rpw_path_is_absolute() first.
 */
#ifndef RPW_PATH_H
#define RPW_PATH_H

#include "rpw/bytes/text.h"

/* "/opt/rucio/policy", "opt//rucio/./policy/" and "/opt/rucio/x/../policy" are equal. */
bool rpw_path_equal(struct rpw_span a, struct rpw_span b);

/* Whether path is inside of parent; a path is not inside of itself, and all others are inside of "/". */
bool rpw_path_is_below(struct rpw_span path, struct rpw_span parent);

static inline bool rpw_path_is_absolute(struct rpw_span path)
{
    return path.len > 0 && path.ptr[0] == '/';
}

/* NULL when path can carry a package, both as a mountPath and as an element of PYTHONPATH; else what was expected, a
 * constant for an error: "an absolute path, such as /opt/rucio/policy". This is the one definition of a usable path, for
 * the configuration and for pods. */
const char *rpw_path_expectation(struct rpw_span path);

#endif
