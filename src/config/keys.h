/* keys.h - the keys of the configuration as tables (shape.h): what the readers split mappings by, and the program's JSON
 * Schema is made from. What a value means beyond its type, and what keys ask of each other, the readers know.
 */
#ifndef RPW_KEYS_H
#define RPW_KEYS_H

#include "shape.h"

extern const struct rpw_shape rpw_keys_of_file[];
extern const struct rpw_shape rpw_keys_of_policy[];
extern const struct rpw_shape rpw_keys_of_match[];
extern const struct rpw_shape rpw_keys_of_pod_selector[];
extern const struct rpw_shape rpw_keys_of_expression[];
extern const struct rpw_shape rpw_keys_of_source[];
extern const struct rpw_shape rpw_keys_of_pip[];
extern const struct rpw_shape rpw_keys_of_copy[];
extern const struct rpw_shape rpw_keys_of_preinstalled[];
extern const struct rpw_shape rpw_keys_of_verify[];

/* Puts the value of each key of node where values says, in the order of keys. Other keys are errors, with what was perhaps
 * meant. False when node is no mapping at all. */
bool rpw_keys_split(struct rpw_loader *loader, const char *field, const struct rpw_yaml_node *node,
                    const struct rpw_shape *keys, const struct rpw_yaml_node **const *values);

/* One of the words of the key; ret_index is its index. */
bool rpw_keys_read_choice(struct rpw_loader *loader, const struct rpw_shape *keys, const char *key,
                          const struct rpw_yaml_node *node, size_t *ret_index);

#endif
