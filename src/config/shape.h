/* shape.h - parts of Kubernetes objects as tables: which keys there are, and what each may be.
 *
 * The apiserver refuses a pod for a wrong type, a number out of range or a word that it does not know, and drops a misspelt
 * key in silence. The tables say what its types and its validation (k8s.io/api/core/v1, pkg/apis/core/validation) ask of one
 * value; what it asks of several together is left to the readers. Pure, but for the report.
 */
#ifndef RPW_SHAPE_H
#define RPW_SHAPE_H

#include <stdint.h>

#include "fields.h"
#include "quantity.h"

#define RPW_SHAPE_MAX_KEYS 32   /* of one mapping */
#define RPW_SHAPE_MAX_MODE 0777 /* of a file */

enum rpw_shape_type {
    RPW_SHAPE_ANY, /* not looked at */
    RPW_SHAPE_TEXT,
    RPW_SHAPE_BOOL,
    RPW_SHAPE_INTEGER,
    RPW_SHAPE_QUANTITY, /* 0 or more */
    RPW_SHAPE_MAPPING,
};

enum rpw_shape_nesting {
    RPW_SHAPE_ONE,  /* the value has the type */
    RPW_SHAPE_LIST, /* each element has */
    RPW_SHAPE_MAP,  /* the value of each key has, whatever the key */
};

/* A key and its value. */
struct rpw_shape {
    const char *name;
    enum rpw_shape_type type;
    enum rpw_shape_nesting nesting;
    bool is_required;             /* there, and not empty. Otherwise null counts as not there, unless it has a form */
    bool is_alternative;          /* exactly one of those that are marked so is there */
    bool is_open;                 /* unknown keys in it that resemble no known one are kept, with a warning */
    rpw_syntax_fn *form;          /* TEXT: one line, "" or of this form. NULL: any text */
    rpw_syntax_fn *key_form;      /* MAP: of its keys */
    const char *const *words;     /* TEXT: one of these, which end with NULL */
    int64_t min, max;             /* INTEGER */
    const struct rpw_shape *keys; /* MAPPING: ends with a name that is NULL. TEXT with words: or a mapping of these */
    const struct rpw_shape *same; /* all but the name and help are that one's */
    const char *help;             /* a sentence; NULL: none */
};

extern const struct rpw_shape rpw_shape_env;
extern const struct rpw_shape rpw_shape_env_from;
extern const struct rpw_shape rpw_shape_resources;
extern const struct rpw_shape rpw_shape_security_context;
extern const struct rpw_shape
    rpw_shape_volume_sources[]; /* all that Kubernetes 1.35 has; ends with a name that is NULL */

/* Reports what is wrong with node, the value of the shape's key. */
void rpw_shape_check(struct rpw_loader *loader, const struct rpw_shape *shape, const struct rpw_yaml_node *node);

/* NULL when none of keys has the name. */
const struct rpw_shape *rpw_shape_find(const struct rpw_shape *keys, struct rpw_span name);

/* The name of keys that resembles name; NULL when none does. */
const char *rpw_shape_suggest(const struct rpw_shape *keys, struct rpw_span name);

/* Whether node is a quantity, 0 or more, that every reader of YAML leaves as it is. */
bool rpw_shape_read_quantity(const struct rpw_yaml_node *node, rpw_nanos *ret_nanos);

#endif
