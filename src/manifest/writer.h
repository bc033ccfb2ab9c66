/* writer.h - a JSON value as text: YAML in the one form that `kubectl get -o yaml` prints (keys in order, two spaces, a list at
 * the indentation of its key, quotes where goyaml.v2 would read something else without them; long lines are not folded), or
 * JSON whose numbers are read as the same again.
 */
#ifndef RPW_MANIFEST_WRITER_H
#define RPW_MANIFEST_WRITER_H

#include <jansson.h>
#include <stdio.h>

/* A document without `---`, or a part of one: each line begins with so many spaces. */
void rpw_manifest_write_yaml(FILE *out, json_t *value, unsigned indent);

void rpw_manifest_write_json(FILE *out, json_t *value);

#endif
