/* env_plan.c - see the header. */
#include "env_plan.h"

struct env_plan env_plan_make(struct injector *injector, const struct target *target)
{
    struct env_plan plan = {.injector = injector, .target = target};

    plan.slots = injector_alloc(injector, target->container->env.count * sizeof(plan.slots[0]));
    return plan;
}

size_t env_plan_find(const struct env_plan *plan, struct rpw_span name)
{
    return rpw_env_find(&plan->target->container->env, name, plan->target->container->env.count);
}

bool env_plan_is_on_record(const struct env_plan *plan, size_t index)
{
    const struct rpw_env *env = &plan->target->container->env.items[index];

    return env->value_from.ptr == NULL && record_has_variable(plan->target->on_record, env->name, env->value);
}

struct rpw_span env_plan_value(const struct env_plan *plan, size_t index)
{
    const struct rpw_env *env = &plan->target->container->env.items[index];

    if (plan->slots[index].change == ENV_SET)
        return plan->slots[index].value;
    return env->value_from.ptr == NULL ? env->value : (struct rpw_span){NULL, 0};
}

void env_plan_add_in_front(struct env_plan *plan, struct rpw_span name, struct rpw_span value)
{
    const struct rpw_env_var variable = {name, value};

    INJECTOR_APPEND(plan->injector, &plan->front, variable);
}

void env_plan_set(struct env_plan *plan, size_t index, struct rpw_span value)
{
    plan->slots[index] = (struct env_slot){.change = ENV_SET, .value = value};
}

void env_plan_rename(struct env_plan *plan, size_t index, struct rpw_span new_name, struct rpw_span value)
{
    plan->slots[index] = (struct env_slot){.change = ENV_RENAMED, .name = new_name, .value = value};
}

void env_plan_remove(struct env_plan *plan, size_t index)
{
    const struct rpw_env_list *env = &plan->target->container->env;

    if (rpw_env_find(env, env->items[index].name, index) != RPW_NO_INDEX)
        env_plan_set(plan, index, RPW_LIT(""));
    else
        plan->slots[index] = (struct env_slot){.change = ENV_REMOVED};
}

void env_plan_claim(struct env_plan *plan, struct rpw_span name, struct rpw_span value)
{
    const struct rpw_env_var variable = {name, value};

    INJECTOR_APPEND(plan->injector, &plan->ours, variable);
}

static bool is_claimed(const struct env_plan *plan, struct rpw_span name)
{
    for (size_t i = 0; i < plan->ours.count; i++)
        if (rpw_span_equal(plan->ours.items[i].name, name))
            return true;
    return false;
}

void env_plan_remove_unclaimed(struct env_plan *plan)
{
    const struct record_container *on_record = plan->target->on_record;

    for (size_t i = 0; on_record != NULL && i < on_record->env.count; i++) {
        struct rpw_span name = on_record->env.items[i].name;
        size_t index = env_plan_find(plan, name);
        if (index != RPW_NO_INDEX && env_plan_is_on_record(plan, index) && !is_claimed(plan, name))
            env_plan_remove(plan, index);
    }
}

/* --- reading ------------------------------------------------------------------------------------------------------- */

static void put_entry(struct rpw_strbuf *buf, struct rpw_span name, struct rpw_span value)
{
    rpw_strbuf_put_parts(buf, RPW_PARTS(rpw_words("{\"name\":"), rpw_quoted(name), rpw_words(",\"value\":"),
                                        rpw_quoted(value), rpw_words("}")));
}

static struct rpw_span entry_text(struct injector *injector, struct rpw_span name, struct rpw_span value)
{
    struct rpw_strbuf buf;

    rpw_strbuf_init(&buf, injector->arena);
    put_entry(&buf, name, value);
    return injector_finish(injector, &buf);
}

static void put_slot(const struct env_slot *slot, const struct rpw_env *env, struct rpw_strbuf *buf)
{
    switch (slot->change) {
    case ENV_KEPT:
        rpw_strbuf_put_span(buf, env->text);
        return;
    case ENV_REMOVED:
        return;
    case ENV_RENAMED:
        rpw_strbuf_put_parts(buf, RPW_PARTS(rpw_words("{\"name\":"), rpw_quoted(slot->name),
                                            rpw_words(",\"valueFrom\":"), rpw_plain(env->value_from), rpw_words("},")));
        put_entry(buf, env->name, slot->value);
        return;
    case ENV_SET:
        put_entry(buf, env->name, slot->value);
    }
}

struct rpw_span env_plan_text(const struct env_plan *plan)
{
    const struct rpw_env_list *env = &plan->target->container->env;
    const char *separator = "[";
    struct rpw_strbuf buf;

    rpw_strbuf_init(&buf, plan->injector->arena);
    for (size_t i = 0; i < plan->front.count; i++) {
        rpw_strbuf_put(&buf, separator);
        put_entry(&buf, plan->front.items[i].name, plan->front.items[i].value);
        separator = ",";
    }
    for (size_t i = 0; i < env->count; i++) {
        if (plan->slots[i].change == ENV_REMOVED || env->items[i].text.ptr == NULL)
            continue;
        rpw_strbuf_put(&buf, separator);
        put_slot(&plan->slots[i], &env->items[i], &buf);
        separator = ",";
    }
    rpw_strbuf_put(&buf, buf.len == 0 ? "[]" : "]");
    return injector_finish(plan->injector, &buf);
}

static void emit_slot(struct injector *injector, const struct env_slot *slot, const struct rpw_env *env,
                      struct rpw_edit edit)
{
    switch (slot->change) {
    case ENV_KEPT:
        return;
    case ENV_REMOVED:
        edit.action = RPW_EDIT_REMOVE;
        break;
    case ENV_SET:
        edit.action = env->value_from.ptr != NULL ? RPW_EDIT_REPLACE : RPW_EDIT_SET_MEMBER;
        edit.key = RPW_LIT("value");
        edit.value = env->value_from.ptr != NULL ? entry_text(injector, env->name, slot->value)
                                                 : injector_quoted(injector, slot->value);
        break;
    case ENV_RENAMED:
        edit.action = RPW_EDIT_SET_MEMBER;
        edit.key = RPW_LIT("name");
        edit.value = injector_quoted(injector, slot->name);
        injector_edit(injector, edit);
        edit.action = RPW_EDIT_INSERT;
        edit.index++;
        edit.value = entry_text(injector, env->name, slot->value);
    }
    injector_edit(injector, edit);
}

void env_plan_emit(const struct env_plan *plan)
{
    const struct rpw_env_list *env = &plan->target->container->env;
    struct rpw_edit edit = {.place = RPW_EDIT_ENV, .kind = plan->target->kind, .container = plan->target->index};

    edit.action = RPW_EDIT_INSERT;
    for (size_t i = 0; i < plan->front.count; i++) {
        edit.value = entry_text(plan->injector, plan->front.items[i].name, plan->front.items[i].value);
        injector_edit(plan->injector, edit);
    }
    edit.value = (struct rpw_span){NULL, 0};
    for (edit.index = 0; edit.index < env->count; edit.index++)
        emit_slot(plan->injector, &plan->slots[edit.index], &env->items[edit.index], edit);
}
