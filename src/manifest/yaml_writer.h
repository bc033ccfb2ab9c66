/* yaml_writer.h - a JSON value as YAML in the one form that `kubectl get -o yaml` prints: keys in order, two spaces, a list at
 * the indentation of its key, quotes where goyaml.v2 would read something else without them. Long lines are not folded.
 */
#ifndef RPW_MANIFEST_YAML_WRITER_H
#define RPW_MANIFEST_YAML_WRITER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "rpw/bytes/status.h"

/* A document without `---`. False: no memory; the stream has errors of its own. */
RPW_MUST_CHECK bool rpw_manifest_write_yaml(FILE *out, json_t *value);

#endif
