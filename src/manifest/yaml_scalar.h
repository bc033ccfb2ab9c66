/* yaml_scalar.h - what a YAML scalar without quotes is, by the rules of goyaml.v2 in sigs.k8s.io/yaml (resolve.go), through which
 * kubectl and Helm read and write. Pure. */
#ifndef RPW_MANIFEST_YAML_SCALAR_H
#define RPW_MANIFEST_YAML_SCALAR_H

#include <stdbool.h>

#include "rpw/bytes/text.h"

#define RPW_MANIFEST_NUMBER_BYTES 40

enum rpw_manifest_scalar_type {
    RPW_MANIFEST_TEXT,
    RPW_MANIFEST_NULL,
    RPW_MANIFEST_BOOL,
    RPW_MANIFEST_INTEGER, /* fits into 64 bits with a sign */
    RPW_MANIFEST_FLOAT,
    RPW_MANIFEST_NOT_JSON, /* not a number, or without an end */
    RPW_MANIFEST_TIME,     /* this and the next are read as texts, and written in quotes all the same */
    RPW_MANIFEST_MERGE,
};

struct rpw_manifest_scalar {
    enum rpw_manifest_scalar_type type;
    char json[RPW_MANIFEST_NUMBER_BYTES]; /* of null, a boolean or a number */
    double number;                        /* of a float */
};

struct rpw_manifest_scalar rpw_manifest_scalar_resolve(struct rpw_span text);

/* The shortest decimal number that is read as this one. */
void rpw_manifest_format_float(double number, char ret_text[RPW_MANIFEST_NUMBER_BYTES]);

#endif
