/* yaml.h - YAML text as a tree, with the place of every node.
 *
 * One document; anchors, aliases and merge keys (`<<`) are followed, so that readers see plain mappings, lists and
 * scalars. An alias shares its anchor's node instead of copying it; what all aliases stand for is counted, and more than
 * RPW_YAML_MAX_EXPANDED_BYTES of it is an error. A key given twice is an error; so is a key that is not a scalar, a tag,
 * and nesting below RPW_YAML_MAX_DEPTH. Errors go to the report; a node that was reported is RPW_YAML_INVALID, and readers
 * pass over it in silence, so that they can go on to find the other errors of the file.
 * Memory: the tree lives in the pool. Threads: re-entrant.
 */
#ifndef RPW_YAML_H
#define RPW_YAML_H

#include "pool.h"
#include "report.h"

#define RPW_YAML_MAX_DEPTH 64
#define RPW_YAML_MAX_ELEMENTS 1024 /* of one list or mapping */
#define RPW_YAML_MAX_ANCHORS 256
#define RPW_YAML_MAX_EXPANDED_BYTES (2 * 1024 * 1024) /* every scalar's bytes, and 1 for every node */

enum rpw_yaml_type { RPW_YAML_SCALAR, RPW_YAML_MAPPING, RPW_YAML_LIST, RPW_YAML_INVALID };

struct rpw_yaml_node {
    enum rpw_yaml_type type;
    struct rpw_place place;

    struct rpw_span text; /* scalar: quotes and escapes already undone */
    bool is_plain;        /* scalar: without quotes, so that it may stand for a number, a boolean or null */
    struct rpw_span tag;  /* scalar: as the limits say; absent: none */

    /* list: count values. mapping: count keys, each a scalar, and their values; in the order of the file. */
    const struct rpw_yaml_node **keys;
    const struct rpw_yaml_node **values;
    size_t count;

    size_t expanded_bytes; /* of the node and all below it, aliases counted as often as they occur */
    size_t height;         /* 1 for a scalar */
    bool is_open;          /* while the tree is built: the end of the node has not come yet */
};

/* The value of a mapping's key. NULL when it is not there, and when node is no mapping or NULL. */
const struct rpw_yaml_node *rpw_yaml_find(const struct rpw_yaml_node *node, const char *key);

/* How much is read, and how. */
struct rpw_yaml_limits {
    size_t depth; /* at most RPW_YAML_DEEPEST */
    size_t elements;
    size_t anchors;
    size_t expanded_bytes;
    bool is_go; /* as kubectl reads: a tag is kept in its scalar; `<<` replaces the keys that stand before it */
};

#define RPW_YAML_DEEPEST 128

/* Those of the macros above. */
extern const struct rpw_yaml_limits rpw_yaml_policy_limits;

/* Reads text, a part of the report's. Returns the root, or NULL when there is none: an empty text, a syntax error, no memory
 * (pool->has_failed). The report may hold errors although there is a root. */
RPW_MUST_CHECK const struct rpw_yaml_node *rpw_yaml_parse(struct rpw_pool *pool, struct rpw_report *report,
                                                          struct rpw_span text, const struct rpw_yaml_limits *limits);

#endif
