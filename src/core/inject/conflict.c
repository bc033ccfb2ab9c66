/* conflict.c - see the header. */
#include "conflict.h"

bool conflict_resolve(struct injector *injector, struct conflict conflict, bool can_be_kept)
{
    enum rpw_on_conflict on_conflict = injector->policy->on_conflict;
    bool is_overridden = on_conflict == RPW_CONFLICT_OVERRIDE;

    if (on_conflict == RPW_CONFLICT_REJECT || (on_conflict == RPW_CONFLICT_KEEP && !can_be_kept)) {
        conflict_refuse(injector, conflict);
        return false;
    }
    conflict.is_left = !is_overridden;
    INJECTOR_APPEND(injector, &injector->conflicts, conflict);
    injector_warn(injector, conflict.container,
                  RPW_PARTS(rpw_plain(conflict.field), rpw_words(is_overridden ? ": " : " stays "),
                            rpw_plain(conflict.theirs), rpw_words(is_overridden ? " gives way to " : ", not "),
                            rpw_plain(conflict.ours)));
    return is_overridden;
}

void conflict_leave(struct injector *injector, struct conflict conflict)
{
    if (injector->policy->on_conflict == RPW_CONFLICT_REJECT) {
        conflict_refuse(injector, conflict);
        return;
    }
    conflict.is_left = true;
    INJECTOR_APPEND(injector, &injector->conflicts, conflict);
    injector_warn(injector, conflict.container,
                  RPW_PARTS(rpw_plain(conflict.field), rpw_words(" stays "), rpw_plain(conflict.theirs),
                            rpw_words("; the policy has "), rpw_plain(conflict.ours)));
}

void conflict_refuse(struct injector *injector, struct conflict conflict)
{
    conflict.is_refused = true;
    injector->result.is_refused = true;
    INJECTOR_APPEND(injector, &injector->conflicts, conflict);
}

struct rpw_span conflict_record(struct injector *injector)
{
    struct rpw_strbuf buf;

    rpw_strbuf_init(&buf, injector->arena);
    for (size_t i = 0; i < injector->conflicts.count; i++) {
        const struct conflict *conflict = &injector->conflicts.items[i];
        if (conflict->is_left)
            rpw_strbuf_put_parts(&buf, RPW_PARTS(rpw_words(buf.len > 0 ? ", " : ""), rpw_plain(conflict->container),
                                                 rpw_words("/"), rpw_plain(conflict->field)));
    }
    return injector_finish(injector, &buf);
}

static const char chart_remedy[] =
    ". Remove policyPackages from the chart's values, adopt them with onConflict: keep, put the "
    "policy's package before theirs with onConflict: override";

static const char *const remedies[CONFLICT_KINDS] = {
    [CONFLICT_FIELD] = ". Remove it from the pod, let the policy win with onConflict: override",
    [CONFLICT_STRAY_NAME] = ". Remove it from the pod, give the policy this package, too",
    [CONFLICT_CHART] = chart_remedy,
    [CONFLICT_IMAGES] = ". Set source.pip.image to an image whose Python suits all of these containers",
    [CONFLICT_NAME] = ". Rename the pod's container: this name is reserved",
};

struct rpw_span conflict_message(struct injector *injector)
{
    bool is_met[CONFLICT_KINDS] = {false};
    const char *separator = "container ";
    struct rpw_strbuf buf;

    rpw_strbuf_init(&buf, injector->arena);
    rpw_strbuf_put_parts(
        &buf, RPW_PARTS(rpw_words("policy "), rpw_quoted(injector->policy->name), rpw_words(" cannot be applied: ")));
    for (size_t i = 0; i < injector->conflicts.count; i++) {
        const struct conflict *conflict = &injector->conflicts.items[i];
        if (!conflict->is_refused)
            continue;
        is_met[conflict->kind] = true;
        rpw_strbuf_put_parts(&buf, RPW_PARTS(rpw_words(separator), rpw_quoted(conflict->container), rpw_words(", "),
                                             rpw_plain(conflict->field), rpw_words(": the pod has "),
                                             rpw_plain(conflict->theirs), rpw_words(", the policy "),
                                             rpw_plain(conflict->ours)));
        separator = "; container ";
    }
    for (size_t kind = 0; kind < CONFLICT_KINDS; kind++)
        rpw_strbuf_put(&buf, is_met[kind] ? remedies[kind] : "");
    rpw_strbuf_put(&buf, ", " RPW_POLICY_OPT_OUT);
    return injector_finish(injector, &buf);
}
