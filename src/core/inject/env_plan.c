/* env_plan.c - see the header. */
#include "env_plan.h"

#include "value.h"

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
    const struct rpw_env_var variable = value_of(&plan->target->container->env.items[index]);

    return record_has_variable(plan->injector, plan->target->on_record, &variable);
}

bool env_plan_hides_another(const struct env_plan *plan, size_t index)
{
    const struct rpw_env_list *env = &plan->target->container->env;

    return rpw_env_find(env, env->items[index].name, index) != RPW_NO_INDEX;
}

struct rpw_span env_plan_value(const struct env_plan *plan, size_t index)
{
    if (plan->slots[index].change == ENV_SET)
        return plan->slots[index].variable.value;
    return value_of(&plan->target->container->env.items[index]).value;
}

void env_plan_add(struct env_plan *plan, struct env_var_list *list, struct rpw_env_var variable)
{
    INJECTOR_APPEND(plan->injector, list, variable);
}

void env_plan_set(struct env_plan *plan, size_t index, struct rpw_env_var variable)
{
    plan->slots[index] = (struct env_slot){.change = ENV_SET, .variable = variable};
}

void env_plan_rename(struct env_plan *plan, size_t index, struct rpw_span new_name, struct rpw_span value)
{
    const struct rpw_env_var variable = {.name = plan->target->container->env.items[index].name, .value = value};

    plan->slots[index] = (struct env_slot){.change = ENV_RENAMED, .new_name = new_name, .variable = variable};
}

void env_plan_remove(struct env_plan *plan, size_t index)
{
    struct rpw_span name = plan->target->container->env.items[index].name;

    if (env_plan_hides_another(plan, index))
        env_plan_set(plan, index, (struct rpw_env_var){.name = name, .value = RPW_LIT("")});
    else
        plan->slots[index] = (struct env_slot){.change = ENV_REMOVED};
}

void env_plan_claim(struct env_plan *plan, struct rpw_env_var variable)
{
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
        /* PYTHONPATH has a record of its own; what was decided by that is not for a forged one to undo. */
        bool is_other = index != RPW_NO_INDEX && !rpw_span_is(name, "PYTHONPATH");
        if (is_other && env_plan_is_on_record(plan, index) && !is_claimed(plan, name))
            env_plan_remove(plan, index);
    }
}

/* --- reading ------------------------------------------------------------------------------------------------------- */

static void put_entry(struct rpw_strbuf *buf, const struct rpw_env_var *variable)
{
    bool is_literal = variable->value_from.ptr == NULL;

    rpw_strbuf_put_parts(buf, RPW_PARTS(rpw_words("{\"name\":"), rpw_quoted(variable->name),
                                        rpw_words(is_literal ? ",\"value\":" : ",\"valueFrom\":"),
                                        is_literal ? rpw_quoted(variable->value) : rpw_plain(variable->value_from),
                                        rpw_words("}")));
}

static void put_entries(struct rpw_strbuf *buf, const struct env_var_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        put_entry(buf, &list->items[i]);
        rpw_strbuf_put(buf, ",");
    }
}

static struct rpw_span entry_text(struct injector *injector, const struct rpw_env_var *variable)
{
    struct rpw_strbuf buf;

    rpw_strbuf_init(&buf, injector->arena);
    put_entry(&buf, variable);
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
        put_entry(buf, &(struct rpw_env_var){.name = slot->new_name, .value_from = env->value_from});
        rpw_strbuf_put(buf, ",");
        put_entry(buf, &slot->variable);
        return;
    case ENV_SET:
        put_entry(buf, &slot->variable);
    }
}

struct rpw_span env_plan_text(const struct env_plan *plan)
{
    const struct rpw_env_list *env = &plan->target->container->env;
    struct rpw_strbuf buf;

    rpw_strbuf_init(&buf, plan->injector->arena);
    rpw_strbuf_put(&buf, "[");
    put_entries(&buf, &plan->front);
    for (size_t i = 0; i < env->count; i++) {
        if (plan->slots[i].change == ENV_REMOVED || env->items[i].text.ptr == NULL)
            continue;
        put_slot(&plan->slots[i], &env->items[i], &buf);
        rpw_strbuf_put(&buf, ",");
    }
    put_entries(&buf, &plan->behind);
    if (!buf.has_failed && buf.bytes[buf.len - 1] == ',')
        buf.len--;
    rpw_strbuf_put(&buf, "]");
    return injector_finish(plan->injector, &buf);
}

static void emit_slot(struct injector *injector, const struct env_slot *slot, const struct rpw_env *env,
                      struct rpw_edit edit)
{
    bool is_literal;

    switch (slot->change) {
    case ENV_KEPT:
        return;
    case ENV_REMOVED:
        edit.action = RPW_EDIT_REMOVE;
        break;
    case ENV_SET:
        is_literal = env->value_from.ptr == NULL && slot->variable.value_from.ptr == NULL;
        edit.action = is_literal ? RPW_EDIT_SET_MEMBER : RPW_EDIT_REPLACE;
        edit.key = RPW_LIT("value");
        edit.value =
            is_literal ? injector_quoted(injector, slot->variable.value) : entry_text(injector, &slot->variable);
        break;
    case ENV_RENAMED:
        edit.action = RPW_EDIT_SET_MEMBER;
        edit.key = RPW_LIT("name");
        edit.value = injector_quoted(injector, slot->new_name);
        injector_edit(injector, edit);
        edit.action = RPW_EDIT_INSERT;
        edit.index++;
        edit.value = entry_text(injector, &slot->variable);
    }
    injector_edit(injector, edit);
}

static void emit_new(struct injector *injector, const struct env_var_list *list, struct rpw_edit edit)
{
    edit.action = RPW_EDIT_INSERT;
    for (size_t i = 0; i < list->count; i++) {
        edit.value = entry_text(injector, &list->items[i]);
        injector_edit(injector, edit);
    }
}

void env_plan_emit(const struct env_plan *plan)
{
    const struct rpw_env_list *env = &plan->target->container->env;
    struct rpw_edit edit = {.place = RPW_EDIT_ENV, .kind = plan->target->kind, .container = plan->target->index};

    emit_new(plan->injector, &plan->front, edit);
    for (edit.index = 0; edit.index < env->count; edit.index++)
        emit_slot(plan->injector, &plan->slots[edit.index], &env->items[edit.index], edit);
    emit_new(plan->injector, &plan->behind, edit);
}
