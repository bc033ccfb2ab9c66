/* scalar.h - what a YAML scalar stands for, as Kubernetes' own tools read it.
 *
 * kubectl and the apiserver read YAML 1.1 by the rules of go-yaml v2 and turn it into JSON: `~` is null, 0644 is 420,
 * 1_000 is 1000, `yes` is true. We follow them where people rely on it, and refuse what two readers take differently.
 * Pure.
 */
#ifndef RPW_SCALAR_H
#define RPW_SCALAR_H

#include <stdint.h>

#include "yaml.h"

enum rpw_scalar_type {
    RPW_SCALAR_TEXT,
    RPW_SCALAR_NULL,
    RPW_SCALAR_BOOL,
    RPW_SCALAR_INTEGER,
    RPW_SCALAR_FLOAT,      /* text is a JSON number */
    RPW_SCALAR_BAD_BOOL,   /* yes, no, on, off, y, n: a boolean in YAML 1.1, text in 1.2 */
    RPW_SCALAR_BAD_NUMBER, /* looks like a number, but JSON has no such one, or YAML 1.1 and 1.2 disagree on it */
};

struct rpw_scalar {
    enum rpw_scalar_type type;
    bool truth;         /* RPW_SCALAR_BOOL */
    bool is_negative;   /* RPW_SCALAR_INTEGER */
    uint64_t magnitude; /* RPW_SCALAR_INTEGER */
};

/* node is a scalar. */
struct rpw_scalar rpw_scalar_resolve(const struct rpw_yaml_node *node);

/* Whether text is a number as JSON writes it (RFC 8259, section 6). */
bool rpw_scalar_is_json_number(struct rpw_span text);

#endif
