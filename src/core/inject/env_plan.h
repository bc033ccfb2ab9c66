/* env_plan.h - the `env` of one container, what is to become of it, and what of it is ours.
 *
 * Entries keep their original index until the plan is turned into edits. What names path and package stands in front of all
 * others, so that `$(NAME)` references to it work; the policy's settings stand behind, so that they can refer to all that
 * the container has. The order of what was there never changes.
 * The plan is a value with three readers: edits, the environment that verify gets, and the record.
 */
#ifndef RPW_ENV_PLAN_H
#define RPW_ENV_PLAN_H

#include "target.h"

enum env_change {
    ENV_KEPT,
    ENV_SET, /* says something else */
    ENV_REMOVED,
    ENV_RENAMED, /* gets another name, and is followed by a literal with the old one */
};

struct env_slot {
    enum env_change change;
    struct rpw_env_var variable; /* ENV_SET, ENV_RENAMED: what it says, under the name that the entry had */
    struct rpw_span new_name;    /* ENV_RENAMED */
};

struct env_plan {
    struct injector *injector;
    const struct target *target;
    struct env_slot *slots;            /* one for each entry of the container's env */
    struct env_var_list front, behind; /* what is new */
    struct env_var_list ours;          /* for the record, in the order in which they were planned */
    struct rpw_span python_path;       /* for the record: what is ours in PYTHONPATH; absent: nothing */
    struct rpw_span path;              /* the package's directory, without a slash at its end */
};

/* A plan that changes nothing. The injection has failed, and the plan must not be used, when slots is NULL. */
struct env_plan env_plan_make(struct injector *injector, const struct target *target);

/* The index of the last entry called name, the one that counts; RPW_NO_INDEX when there is none. */
size_t env_plan_find(const struct env_plan *plan, struct rpw_span name);

/* Whether entry index is as the record says that we have written it. */
bool env_plan_is_on_record(const struct env_plan *plan, size_t index);

/* Whether another entry of its name stands before entry index, which hides it. */
bool env_plan_hides_another(const struct env_plan *plan, size_t index);

/* The literal that entry index has or will have; absent for one with a valueFrom. */
struct rpw_span env_plan_value(const struct env_plan *plan, size_t index);

/* list: front or behind. */
void env_plan_add(struct env_plan *plan, struct env_var_list *list, struct rpw_env_var variable);
void env_plan_set(struct env_plan *plan, size_t index, struct rpw_env_var variable);
void env_plan_rename(struct env_plan *plan, size_t index, struct rpw_span new_name, struct rpw_span value);

/* Takes entry index away; where it hides another of its name, which the pod has overridden, it becomes "" instead. */
void env_plan_remove(struct env_plan *plan, size_t index);

/* Puts a variable that is ours on record. */
void env_plan_claim(struct env_plan *plan, struct rpw_env_var variable);

/* Removes what is ours by the record and was not claimed again. */
void env_plan_remove_unclaimed(struct env_plan *plan);

/* The env as the plan has it, as a JSON array. */
struct rpw_span env_plan_text(const struct env_plan *plan);

/* Turns the plan into edits. */
void env_plan_emit(const struct env_plan *plan);

#endif
