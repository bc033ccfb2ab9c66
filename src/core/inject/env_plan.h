/* env_plan.h - the `env` of one container, and what is to become of it.
 *
 * Entries keep their original index until the plan is turned into edits. New variables stand in front of all others, so
 * that `$(NAME)` references to them work; the order of what was there never changes.
 * A refusal of the arena is sticky; env_plan_emit() reports it.
 */
#ifndef RPW_ENV_PLAN_H
#define RPW_ENV_PLAN_H

#include <stdint.h>

#include "rpw/bytes/arena.h"
#include "rpw/bytes/strbuf.h"
#include "rpw/review/pod.h"
#include "rpw/review/policy.h"

#define ENV_PLAN_NONE SIZE_MAX

enum env_change {
    ENV_KEPT,
    ENV_SET, /* becomes a literal */
    ENV_REMOVED,
    ENV_RENAMED, /* gets another name, and is followed by a literal with the old one */
};

struct env_slot {
    enum env_change change;
    struct rpw_span value; /* of the literal */
    struct rpw_span name;  /* ENV_RENAMED: the new name */
};

struct env_plan {
    struct rpw_arena *arena;
    const struct rpw_env_list *env;
    struct env_slot *slots; /* one for each entry of env */
    struct rpw_env_var *front;
    size_t front_count;
    bool has_failed;
};

void env_plan_init(struct env_plan *plan, struct rpw_arena *arena, const struct rpw_env_list *env);

/* The index of the last entry called name before index `before` (ENV_PLAN_NONE: of all), the one that counts there;
 * ENV_PLAN_NONE when there is none. */
size_t env_plan_find(const struct env_plan *plan, struct rpw_span name, size_t before);

/* The literal that entry index has or will have; absent for one with a valueFrom. */
struct rpw_span env_plan_value(const struct env_plan *plan, size_t index);

void env_plan_add_in_front(struct env_plan *plan, struct rpw_span name, struct rpw_span value);
void env_plan_set(struct env_plan *plan, size_t index, struct rpw_span value);
void env_plan_remove(struct env_plan *plan, size_t index);
void env_plan_rename(struct env_plan *plan, size_t index, struct rpw_span new_name, struct rpw_span value);

/* The env as the plan has it, as a JSON array. */
void env_plan_put(const struct env_plan *plan, struct rpw_strbuf *writer);

struct injector;

/* Turns the plan into edits of the container's env. */
void env_plan_emit(const struct env_plan *plan, struct injector *injector, enum rpw_container_kind kind,
                   size_t container);

#endif
