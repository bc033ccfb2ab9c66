/* syntax.h - the forms that single values must have.
 *
 * Each function returns NULL when text is fine, else what was expected, to follow "found 'X', expected ". Pure.
 */
#ifndef RPW_SYNTAX_H
#define RPW_SYNTAX_H

#include "rpw/bytes/text.h"

typedef const char *rpw_syntax_fn(struct rpw_span text);

const char *rpw_syntax_policy_name(struct rpw_span text);       /* a DNS-1123 label */
const char *rpw_syntax_name_glob(struct rpw_span text);         /* a glob that can match a DNS-1123 label */
const char *rpw_syntax_python_module(struct rpw_span text);     /* dotted identifiers, no keywords, ASCII */
const char *rpw_syntax_vo(struct rpw_span text);                /* what can stand in a variable's name */
const char *rpw_syntax_version(struct rpw_span text);           /* anything but "" */
const char *rpw_syntax_path(struct rpw_span text);              /* see struct rpw_policy; slashes at its end are fine */
const char *rpw_syntax_sub_path(struct rpw_span text);          /* as path, but relative; ':' and '$' are fine */
const char *rpw_syntax_image_python_path(struct rpw_span text); /* "" or elements divided by ':' */
const char *rpw_syntax_label_key(struct rpw_span text);         /* Kubernetes: [prefix/]name */
const char *rpw_syntax_label_value(struct rpw_span text);       /* Kubernetes: may be "" */
const char *rpw_syntax_volume_source(struct rpw_span text);     /* a field name of the Kubernetes API */

/* Of source.pip and source.copy. */
const char *rpw_syntax_requirement(struct rpw_span text);  /* what pip installs: name==version, a URL, a path */
const char *rpw_syntax_pip_argument(struct rpw_span text); /* any but those that say where pip installs to */
const char *rpw_syntax_index_url(struct rpw_span text);
const char *rpw_syntax_image(struct rpw_span text);     /* a container image */
const char *rpw_syntax_copy_path(struct rpw_span text); /* absolute, not "/", not in the volume that is filled */
const char *rpw_syntax_medium(struct rpw_span text);    /* of an emptyDir: "" or Memory */

/* Whether a requirement that is well-formed is fetched by a version control system (git+https://...). */
bool rpw_syntax_is_version_controlled(struct rpw_span requirement);

#endif
