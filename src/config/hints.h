/* hints.h - where a thing belongs that people write in another place or in another form. Pure. */
#ifndef RPW_HINTS_H
#define RPW_HINTS_H

#include <stdbool.h>

#include "report.h"
#include "yaml.h"

/* A clause that goes behind what is wrong with a key that field does not have. NULL: there is none. */
const char *rpw_hint_for_key(const char *field, struct rpw_span key);

/* The same of a scalar that is not what field wants. */
const char *rpw_hint_for_value(const char *field, struct rpw_span value);

/* The same of an error that the YAML library has found at offset of text. */
const char *rpw_hint_for_syntax(struct rpw_span text, size_t offset);

/* A place that holds a Helm template, "{{ ... }}"; false: there is none. */
bool rpw_hint_find_template(struct rpw_span text, struct rpw_place *ret_place);

/* What root, the whole of a file, is when it is something else than a configuration. NULL: it may be one. */
const char *rpw_hint_for_file(const struct rpw_yaml_node *root);

#endif
