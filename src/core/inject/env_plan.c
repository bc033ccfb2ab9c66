/* env_plan.c - see the header. */
#include "env_plan.h"

#include "injector.h"

void env_plan_init(struct env_plan *plan, struct rpw_arena *arena, const struct rpw_env_list *env)
{
    *plan = (struct env_plan){.arena = arena, .env = env};
    plan->slots = rpw_arena_alloc(arena, env->count * sizeof(plan->slots[0]));
    if (plan->slots == NULL)
        plan->has_failed = true;
    else
        memset(plan->slots, 0, env->count * sizeof(plan->slots[0]));
}

size_t env_plan_find(const struct env_plan *plan, struct rpw_span name, size_t before)
{
    size_t end = before < plan->env->count ? before : plan->env->count;

    for (size_t i = end; i > 0; i--)
        if (rpw_span_equal(plan->env->items[i - 1].name, name))
            return i - 1;
    return ENV_PLAN_NONE;
}

struct rpw_span env_plan_value(const struct env_plan *plan, size_t index)
{
    const struct rpw_env *env = &plan->env->items[index];

    if (!plan->has_failed && plan->slots[index].change == ENV_SET)
        return plan->slots[index].value;
    return env->value_from.ptr == NULL ? env->value : (struct rpw_span){NULL, 0};
}

void env_plan_add_in_front(struct env_plan *plan, struct rpw_span name, struct rpw_span value)
{
    struct rpw_env_var *front = rpw_arena_append(plan->arena, plan->front, plan->front_count, sizeof(plan->front[0]));

    if (front == NULL) {
        plan->has_failed = true;
        return;
    }
    plan->front = front;
    plan->front[plan->front_count++] = (struct rpw_env_var){name, value};
}

static void change(struct env_plan *plan, size_t index, struct env_slot slot)
{
    if (!plan->has_failed)
        plan->slots[index] = slot;
}

void env_plan_set(struct env_plan *plan, size_t index, struct rpw_span value)
{
    change(plan, index, (struct env_slot){.change = ENV_SET, .value = value});
}

void env_plan_remove(struct env_plan *plan, size_t index)
{
    change(plan, index, (struct env_slot){.change = ENV_REMOVED});
}

void env_plan_rename(struct env_plan *plan, size_t index, struct rpw_span new_name, struct rpw_span value)
{
    change(plan, index, (struct env_slot){.change = ENV_RENAMED, .name = new_name, .value = value});
}

static void put_entry(struct rpw_strbuf *writer, struct rpw_span name, struct rpw_span value)
{
    rpw_strbuf_put(writer, "{\"name\":");
    rpw_strbuf_put_json(writer, name);
    rpw_strbuf_put(writer, ",\"value\":");
    rpw_strbuf_put_json(writer, value);
    rpw_strbuf_put(writer, "}");
}

static struct rpw_span entry_text(struct injector *injector, struct rpw_span name, struct rpw_span value)
{
    struct rpw_strbuf writer;

    rpw_strbuf_init(&writer, injector->arena);
    put_entry(&writer, name, value);
    return injector_text(injector, &writer);
}

static void emit_slot(const struct env_plan *plan, size_t index, struct injector *injector, struct rpw_edit edit)
{
    const struct env_slot *slot = &plan->slots[index];
    const struct rpw_env *env = &plan->env->items[index];

    edit.index = index;
    switch (slot->change) {
    case ENV_KEPT:
        return;
    case ENV_REMOVED:
        edit.action = RPW_EDIT_REMOVE;
        edit.value = (struct rpw_span){NULL, 0};
        injector_edit(injector, edit);
        return;
    case ENV_SET:
        if (env->value_from.ptr != NULL) {
            edit.action = RPW_EDIT_REPLACE;
            edit.value = entry_text(injector, env->name, slot->value);
        } else {
            edit.action = RPW_EDIT_SET_MEMBER;
            edit.key = RPW_LIT("value");
            edit.value = injector_quoted(injector, slot->value);
        }
        injector_edit(injector, edit);
        return;
    case ENV_RENAMED:
        edit.action = RPW_EDIT_SET_MEMBER;
        edit.key = RPW_LIT("name");
        edit.value = injector_quoted(injector, slot->name);
        injector_edit(injector, edit);
        edit.action = RPW_EDIT_INSERT;
        edit.index = index + 1;
        edit.value = entry_text(injector, env->name, slot->value);
        injector_edit(injector, edit);
    }
}

void env_plan_emit(const struct env_plan *plan, struct injector *injector, enum rpw_container_kind kind,
                   size_t container)
{
    struct rpw_edit edit = {.place = RPW_EDIT_ENV, .action = RPW_EDIT_INSERT, .kind = kind, .container = container};

    if (plan->has_failed) {
        injector->has_failed = true;
        return;
    }
    for (size_t i = 0; i < plan->front_count; i++) {
        edit.value = entry_text(injector, plan->front[i].name, plan->front[i].value);
        injector_edit(injector, edit);
    }
    for (size_t i = 0; i < plan->env->count; i++)
        emit_slot(plan, i, injector, edit);
}

static void put_slot(const struct env_plan *plan, size_t index, struct rpw_strbuf *writer)
{
    const struct env_slot *slot = &plan->slots[index];
    const struct rpw_env *env = &plan->env->items[index];

    switch (slot->change) {
    case ENV_KEPT:
        rpw_strbuf_put_span(writer, env->text);
        return;
    case ENV_REMOVED:
        return;
    case ENV_RENAMED:
        rpw_strbuf_put(writer, "{\"name\":");
        rpw_strbuf_put_json(writer, slot->name);
        rpw_strbuf_put(writer, ",\"valueFrom\":");
        rpw_strbuf_put_span(writer, env->value_from);
        rpw_strbuf_put(writer, "},");
        put_entry(writer, env->name, slot->value);
        return;
    case ENV_SET:
        put_entry(writer, env->name, slot->value);
    }
}

void env_plan_put(const struct env_plan *plan, struct rpw_strbuf *writer)
{
    const char *separator = "";

    rpw_strbuf_put(writer, "[");
    for (size_t i = 0; i < plan->front_count; i++) {
        rpw_strbuf_put(writer, separator);
        put_entry(writer, plan->front[i].name, plan->front[i].value);
        separator = ",";
    }
    for (size_t i = 0; i < plan->env->count && !plan->has_failed; i++) {
        bool is_there = plan->slots[i].change != ENV_REMOVED && plan->env->items[i].text.ptr != NULL;
        if (!is_there)
            continue;
        rpw_strbuf_put(writer, separator);
        put_slot(plan, i, writer);
        separator = ",";
    }
    rpw_strbuf_put(writer, "]");
}
