/* value.h - what a variable says: a literal, or a valueFrom, which is compared by what it refers to. The order of its keys makes
 * no difference there, nor does what an apiserver's defaulting adds. */
#ifndef RPW_VALUE_H
#define RPW_VALUE_H

#include "injector.h"

/* What the entry of a container's env says. */
struct rpw_env_var value_of(const struct rpw_env *env);

/* Whether both say the same; names are not looked at. */
bool value_equal(struct injector *injector, const struct rpw_env_var *a, const struct rpw_env_var *b);

/* Whether what a valueFrom refers to may be missing. */
bool value_is_optional(struct injector *injector, struct rpw_span value_from);

/* For people: the literal in quotes, or the valueFrom. */
struct rpw_span value_shown(struct injector *injector, const struct rpw_env_var *variable);

#endif
