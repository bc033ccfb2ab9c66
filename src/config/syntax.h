/* syntax.h - the forms that single values must have.
 *
 * Each function returns NULL when text is fine, else what was expected, to follow "found 'X', expected ". Pure.
 */
#ifndef RPW_SYNTAX_H
#define RPW_SYNTAX_H

#include "rpw/bytes/text.h"

typedef const char *rpw_syntax_fn(struct rpw_span text);

const char *rpw_syntax_policy_name(struct rpw_span text);   /* a DNS-1123 label */
const char *rpw_syntax_name_glob(struct rpw_span text);     /* a glob that can match a DNS-1123 label */
const char *rpw_syntax_image_glob(struct rpw_span text);    /* a glob that can match the end of an image's reference */
const char *rpw_syntax_python_module(struct rpw_span text); /* dotted identifiers, no keywords, ASCII */
const char *rpw_syntax_vo(struct rpw_span text);            /* what can stand in a variable's name */
const char *rpw_syntax_version(struct rpw_span text);       /* anything but "" */
const char *rpw_syntax_sub_path(struct rpw_span text);      /* as path, but relative; ':' and '$' are fine */
const char *rpw_syntax_image_python_path(struct rpw_span text); /* "" or elements divided by ':' */
const char *rpw_syntax_label_key(struct rpw_span text);         /* Kubernetes: [prefix/]name */
const char *rpw_syntax_label_value(struct rpw_span text);       /* Kubernetes: may be "" */
const char *rpw_syntax_volume_source(struct rpw_span text);     /* a field name of the Kubernetes API */

/* Of source.pip and source.copy. */
const char *rpw_syntax_requirement(struct rpw_span text);  /* what pip installs: name==version, a URL, a path */
const char *rpw_syntax_pip_argument(struct rpw_span text); /* any but those that say where pip installs to */
const char *rpw_syntax_index_url(struct rpw_span text);
const char *rpw_syntax_image(struct rpw_span text);     /* as the kubelet reads it: github.com/distribution/reference */
const char *rpw_syntax_copy_path(struct rpw_span text); /* absolute, not "/", not in the volume that is filled */
const char *rpw_syntax_medium(struct rpw_span text);    /* of an emptyDir: "" or Memory */

/* Of Kubernetes objects. */
const char *rpw_syntax_any(struct rpw_span text);
const char *rpw_syntax_object_name(struct rpw_span text); /* of a Secret, a ConfigMap, a claim: a DNS-1123 subdomain */
const char *rpw_syntax_data_key(struct rpw_span text);    /* of a Secret or a ConfigMap */
const char *rpw_syntax_variable(struct rpw_span text);    /* a name of a variable, or the beginning of one */
const char *rpw_syntax_variable_field(struct rpw_span text); /* of the pod, for a variable: status.podIP */
const char *rpw_syntax_file_field(struct rpw_span text);     /* of the pod, for a file: metadata.labels */
const char *rpw_syntax_resource_field(struct rpw_span text); /* of the container: limits.memory */
const char *rpw_syntax_resource(struct rpw_span text);       /* what a container may ask for: cpu, example.com/gpu */
const char *rpw_syntax_file_path(struct rpw_span text);      /* of a file in a volume: relative, without ".." */
const char *rpw_syntax_host_path(struct rpw_span text);      /* without ".." */
const char *rpw_syntax_absolute_path(struct rpw_span text);
const char *rpw_syntax_volume_medium(struct rpw_span text); /* as medium, or HugePages, HugePages-2Mi */

/* Whether text is not empty, and each of its bytes one of characters. */
bool rpw_syntax_has_only(struct rpw_span text, const char *characters);

/* Whether a requirement that is well-formed is fetched by a version control system (git+https://...). */
bool rpw_syntax_is_version_controlled(struct rpw_span requirement);

#endif
