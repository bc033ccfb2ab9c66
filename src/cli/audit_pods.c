/* audit_pods.c - one pod: which workload is it of, and what would the core do with it? */
#include "audit_pods.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "object.h"
#include "pod_decision.h"
#include "progress.h"
#include "rpw/bytes/json_fields.h"
#include "rpw/bytes/limits.h"
#include "rpw/inject/recognition.h"
#include "rpw/inject/selector.h"
#include "rpw/review/pod.h"
#include "values.h"
#include "visible.h"
#include "workload.h"

#define MAX_NAME_BYTES 256
#define CRONJOB_DIGITS 8 /* minutes since 1970 */
#define MAX_EARLY_S (60 * 60)
#define MAX_LATE_S (7 * 24 * 60 * 60)
#define PODS_ARENA_BYTES ((size_t)32 * 1024 * 1024) /* where the pods of a list are: 100,000 of them */

/* What the core does not read of a pod. */
struct life {
    struct rpw_span created, deleted, phase;
};

/* A pod on its way; spans live in the text and the arena. */
struct subject {
    const struct rpw_workload_pod *place;
    struct rpw_pod pod;
    struct life life;
    bool is_shaped;       /* the rest could be read; else the core says why not */
    struct rpw_span kind; /* this and the name are its workload's */
    char name[MAX_NAME_BYTES];
};

struct verdict {
    enum rpw_audit_state state;
    bool is_of_interest;
    struct rpw_span policy;
    char *detail; /* to be freed */
};

void rpw_audit_init(struct rpw_audit *audit, const struct rpw_policy_set *policies, const char *namespace_)
{
    *audit = (struct rpw_audit){.policies = policies,
                                .namespace_ = namespace_,
                                .core = rpw_memory_arena(RPW_ARENA_BYTES),
                                .subject = rpw_memory_arena(RPW_ARENA_BYTES),
                                .pods = rpw_memory_arena(PODS_ARENA_BYTES),
                                .rows = json_object()};
}

void rpw_audit_done(struct rpw_audit *audit)
{
    rpw_memory_free_arena(audit->core);
    rpw_memory_free_arena(audit->subject);
    rpw_memory_free_arena(audit->pods);
    json_decref(audit->rows);
}

void rpw_audit_reset(struct rpw_audit *audit)
{
    memset(audit->counts, 0, sizeof(audit->counts));
    audit->finished_count = audit->pod_count = audit->other_count = 0;
    json_object_clear(audit->rows);
}

/* --- whose pod it is ------------------------------------------------------------------------------------------------ */

/* Cuts "-SUFFIX" off name, if it ends so. */
static bool cut_suffix(char *name, struct rpw_span suffix)
{
    size_t len = strlen(name);

    if (suffix.len == 0 || len <= suffix.len + 1 || memcmp(name + len - suffix.len, suffix.ptr, suffix.len) != 0 ||
        name[len - suffix.len - 1] != '-')
        return false;
    name[len - suffix.len - 1] = '\0';
    return true;
}

/* Whether a pod was created when its Job was due, in minutes: clocks differ, and a Job may be late or try again. */
static bool is_about_then(const char *minutes, struct rpw_span created)
{
    char text[RPW_TIME_TEXT_BYTES];
    time_t made;
    long long late_s;

    snprintf(text, sizeof(text), "%.*s", (int)created.len, created.len > 0 ? created.ptr : "");
    made = rpw_time_parse(text);
    late_s = (long long)made - strtoll(minutes, NULL, 10) * 60;
    return made != 0 && late_s >= -MAX_EARLY_S && late_s <= MAX_LATE_S;
}

static bool cut_schedule(char *name, struct rpw_span created)
{
    const char *dash = strrchr(name, '-');

    return dash != NULL && strlen(dash + 1) == CRONJOB_DIGITS && strspn(dash + 1, "0123456789") == CRONJOB_DIGITS &&
           is_about_then(dash + 1, created) && cut_suffix(name, rpw_span_of(dash + 1));
}

static void find_workload(struct subject *subject)
{
    const struct rpw_owner owner = rpw_pod_owner(&subject->pod);
    const struct rpw_label *hash = rpw_selector_find_label(&subject->pod, RPW_LIT("pod-template-hash"));
    struct rpw_span name = owner.kind.len > 0 ? owner.name : subject->place->owner.name;

    subject->kind = owner.kind.len > 0 ? owner.kind : RPW_LIT("Pod");
    snprintf(subject->name, sizeof(subject->name), "%.*s", (int)name.len, name.len > 0 ? name.ptr : "");
    if (rpw_span_is(subject->kind, "ReplicaSet") && hash != NULL && cut_suffix(subject->name, hash->value))
        subject->kind = RPW_LIT("Deployment");
    else if (rpw_span_is(subject->kind, "Job") && cut_schedule(subject->name, subject->life.created))
        subject->kind = RPW_LIT("CronJob");
}

/* --- reading a pod -------------------------------------------------------------------------------------------------- */

static const struct rpw_json_field metadata_fields[] = {
    RPW_JSON_FIELD("metadata.", "creationTimestamp", rpw_json_field_string, struct life, created),
    RPW_JSON_FIELD("metadata.", "deletionTimestamp", rpw_json_field_string, struct life, deleted),
};
static const struct rpw_json_table metadata_table =
    RPW_JSON_TABLE("metadata", metadata_fields, struct life, RPW_JSON_NO_TEXT);
static const struct rpw_json_field status_fields[] = {
    RPW_JSON_FIELD("status.", "phase", rpw_json_field_string, struct life, phase),
};
static const struct rpw_json_table status_table =
    RPW_JSON_TABLE("status", status_fields, struct life, RPW_JSON_NO_TEXT);
static const struct rpw_json_field pod_fields[] = {
    RPW_JSON_OBJECT("", "metadata", metadata_table, 0),
    RPW_JSON_OBJECT("", "status", status_table, 0),
};
static const struct rpw_json_table pod_table = RPW_JSON_TABLE("", pod_fields, struct life, RPW_JSON_NO_TEXT);

static void read_subject(struct rpw_arena *arena, const struct rpw_workload_pod *place, struct subject *ret_subject)
{
    struct rpw_json_reader pod, life;

    *ret_subject = (struct subject){.place = place};
    rpw_arena_reset(arena);
    rpw_json_reader_init(&pod, arena, place->text);
    rpw_json_reader_init(&life, arena, place->text);
    ret_subject->is_shaped =
        rpw_pod_read(&pod, &ret_subject->pod) && rpw_json_read_object(&life, &pod_table, &ret_subject->life);
    find_workload(ret_subject);
}

static bool has_ended(const struct life *life)
{
    return rpw_span_is(life->phase, "Succeeded") || rpw_span_is(life->phase, "Failed") || life->deleted.len > 0;
}

/* --- what the core says ---------------------------------------------------------------------------------------------- */

static void judge_injected(const struct rpw_pod_decision *decision, const struct rpw_annotations *annotations,
                           struct verdict *verdict)
{
    struct rpw_span revision = annotations->revision, wanted = decision->revision;

    if (decision->outcome == RPW_OUTCOME_UNCHANGED && rpw_span_is(annotations->status, "injected-with-conflicts")) {
        verdict->state = RPW_AUDIT_CONFLICTS;
        verdict->detail = rpw_memory_print("%.*s", (int)annotations->conflicts.len, annotations->conflicts.ptr);
    } else if (decision->outcome == RPW_OUTCOME_UNCHANGED) {
        verdict->state = RPW_AUDIT_CURRENT;
    } else if (revision.len > 0 && !rpw_span_equal(wanted, revision)) {
        verdict->state = RPW_AUDIT_OLD;
        verdict->detail = rpw_memory_print("has %.*s, wants %.*s", revision.len < 64 ? (int)revision.len : 64,
                                           revision.ptr, (int)wanted.len, wanted.ptr);
    } else {
        verdict->state = RPW_AUDIT_LACKING;
        verdict->detail = rpw_memory_print(revision.len > 0 ? "changed since it was injected" : "was not injected");
    }
}

static struct verdict judge(const struct rpw_pod_decision *decision, const struct subject *subject)
{
    struct verdict verdict = {.state = RPW_AUDIT_REFUSED, .is_of_interest = true};
    struct rpw_recognition rucio = rpw_recognise_rucio_in(&subject->pod);

    if (decision->policy != NULL)
        verdict.policy = decision->policy->name;
    if (subject->is_shaped && subject->pod.containers[RPW_CONTAINERS].count == 0) {
        verdict.detail = rpw_memory_print("found no containers, expected a pod");
        return verdict;
    }
    switch (decision->reason) {
    case RPW_REASON_INJECTED:
    case RPW_REASON_UP_TO_DATE:
        judge_injected(decision, &subject->pod.metadata.annotations, &verdict);
        break;
    case RPW_REASON_NO_POLICY:
    case RPW_REASON_UNMATCHED:
        verdict.state = RPW_AUDIT_NO_POLICY;
        verdict.is_of_interest = rucio.kind != RPW_BY_NOTHING;
        if (verdict.is_of_interest)
            verdict.detail = rpw_memory_print("runs Rucio's generic policy (container %.*s is Rucio by its %s)",
                                              (int)rucio.container->name.len, rucio.container->name.ptr,
                                              rpw_recognition_word(rucio.kind));
        break;
    case RPW_REASON_OPTED_OUT:
        verdict.state = RPW_AUDIT_OPTED_OUT;
        verdict.is_of_interest = rucio.kind != RPW_BY_NOTHING;
        break;
    default:
        verdict.is_of_interest = decision->outcome != RPW_OUTCOME_SKIPPED;
        verdict.detail = rpw_memory_print("%s", decision->message != NULL ? decision->message : "");
    }
    return verdict;
}

/* --- gathering ------------------------------------------------------------------------------------------------------ */

static const struct {
    const char *word, *key;
} states[RPW_AUDIT_STATE_COUNT] = {
    [RPW_AUDIT_CURRENT] = {"current", "current"},      [RPW_AUDIT_CONFLICTS] = {"conflicts", "conflicts"},
    [RPW_AUDIT_OLD] = {"old revision", "oldRevision"}, [RPW_AUDIT_LACKING] = {"lacking", "lacking"},
    [RPW_AUDIT_REFUSED] = {"refused", "refused"},      [RPW_AUDIT_NO_POLICY] = {"no policy", "noPolicy"},
    [RPW_AUDIT_OPTED_OUT] = {"opted out", "optedOut"},
};

/* Adds the pod to the row that says the same, which is made if it is new. */
static void add_to_row(struct rpw_audit *audit, const struct subject *subject, const struct verdict *verdict)
{
    const struct rpw_workload_name *owner = &subject->place->owner;
    json_t *row =
        json_pack("{s:o, s:o, s:o, s:o, s:s, s:o}", "namespace", rpw_visible_string(owner->namespace_), "kind",
                  rpw_visible_string(subject->kind), "name", rpw_visible_string(rpw_span_of(subject->name)), "policy",
                  rpw_visible_string(verdict->policy), "state", states[verdict->state].word, "detail",
                  rpw_visible_string(rpw_span_of(verdict->detail != NULL ? verdict->detail : "")));
    char *key = json_dumps(row, JSON_COMPACT);

    if (json_object_get(audit->rows, key) == NULL) {
        json_object_set_new(row, "pods", json_array());
        json_object_set(audit->rows, key, row);
    }
    json_array_append_new(json_object_get(json_object_get(audit->rows, key), "pods"), rpw_visible_string(owner->name));
    audit->counts[verdict->state]++;
    json_decref(row);
    free(key);
}

static void add_pod(struct rpw_audit *audit, const struct rpw_workload_pod *place)
{
    struct rpw_span namespace_ = place->owner.namespace_;
    struct rpw_pod_decision decision;
    struct subject subject;
    struct verdict verdict;

    if (audit->namespace_ != NULL && !rpw_span_is(namespace_, audit->namespace_))
        return;
    audit->pod_count++;
    rpw_progress_show("%zu pods", audit->pod_count);
    read_subject(audit->subject, place, &subject);
    if (subject.is_shaped && has_ended(&subject.life)) {
        audit->finished_count++;
        return;
    }
    rpw_pod_decide(audit->core, audit->policies, place->text, namespace_.len > 0 ? namespace_ : RPW_LIT("default"),
                   &decision);
    verdict = judge(&decision, &subject);
    if (verdict.is_of_interest)
        add_to_row(audit, &subject, &verdict);
    free(verdict.detail);
    rpw_pod_decision_done(&decision);
}

static bool add_object(struct rpw_manifest_object *object, void *context)
{
    struct rpw_audit *audit = context;
    struct rpw_workload workload;
    struct rpw_err err;

    if (object->json.ptr == NULL) {
        audit->other_count++;
        return true;
    }
    rpw_arena_reset(audit->pods);
    if (rpw_workload_read(audit->pods, object->json, true, &workload, &err) != RPW_OK) {
        rpw_manifest_object_fail(object, &err);
        return false;
    }
    audit->other_count += workload.pod_count == 0;
    for (size_t i = 0; i < workload.pod_count; i++) {
        if (!rpw_span_is(workload.pods[i].owner.kind, "Pod"))
            audit->other_count++;
        else
            add_pod(audit, &workload.pods[i]);
    }
    rpw_progress_clear();
    return true;
}

bool rpw_audit_add_text(struct rpw_audit *audit, const char *name, struct rpw_span text)
{
    return rpw_manifest_visit(name, text, rpw_workload_is_known, add_object, audit);
}

/* --- what came out -------------------------------------------------------------------------------------------------- */

bool rpw_audit_has_drift(const struct rpw_audit *audit)
{
    return audit->counts[RPW_AUDIT_OLD] > 0 || audit->counts[RPW_AUDIT_LACKING] > 0 ||
           audit->counts[RPW_AUDIT_REFUSED] > 0 ||
           (audit->counts[RPW_AUDIT_NO_POLICY] > 0 && audit->policies->unmatched != RPW_UNMATCHED_ALLOW);
}

static int widest(const struct rpw_audit *audit, const char *key, const char *title)
{
    size_t width = strlen(title);
    const char *ignored;
    json_t *row;

    json_object_foreach(audit->rows, ignored, row)
    {
        size_t len = strlen(rpw_manifest_text(row, key));

        width = len > width ? len : width;
    }
    return (int)width;
}

static void print_rows(const struct rpw_audit *audit, FILE *out)
{
    int namespace_width = widest(audit, "namespace", "NAMESPACE"), policy_width = widest(audit, "policy", "POLICY");
    int kind_width = widest(audit, "kind", "KIND"), name_width = widest(audit, "name", "NAME");
    const char *ignored;
    json_t *row;

    fprintf(out, "%-*s  %-*s  %-*s  %-12s  %4s  %-*s  %s\n", namespace_width, "NAMESPACE", kind_width, "KIND",
            name_width, "NAME", "STATE", "PODS", policy_width, "POLICY", "DETAIL");
    json_object_foreach(audit->rows, ignored, row)
    {
        const char *detail = rpw_manifest_text(row, "detail"), *policy = rpw_manifest_text(row, "policy");

        fprintf(out, "%-*s  %-*s  %-*s  %-12s  %4zu  %-*s%s%s\n", namespace_width, rpw_manifest_text(row, "namespace"),
                kind_width, rpw_manifest_text(row, "kind"), name_width, rpw_manifest_text(row, "name"),
                rpw_manifest_text(row, "state"), json_array_size(json_object_get(row, "pods")),
                detail[0] != '\0' ? policy_width : 0, policy[0] != '\0' ? policy : "-", detail[0] != '\0' ? "  " : "",
                detail);
    }
    fputc('\n', out);
}

void rpw_audit_print_table(const struct rpw_audit *audit, FILE *out)
{
    size_t total = 0, looked_at = audit->pod_count - audit->finished_count;

    for (size_t i = 0; i < RPW_AUDIT_STATE_COUNT; i++)
        total += audit->counts[i];
    if (total > 0)
        print_rows(audit, out);
    fprintf(out, "%zu Rucio %s", total, total == 1 ? "pod" : "pods");
    for (size_t i = 0; i < RPW_AUDIT_STATE_COUNT; i++)
        if (audit->counts[i] > 0)
            fprintf(out, ", %zu %s", audit->counts[i], states[i].word);
    fprintf(out, ". Looked at: %zu %s in all", looked_at, looked_at == 1 ? "pod" : "pods");
    if (audit->finished_count > 0)
        fprintf(out, "; ended or being deleted: %zu", audit->finished_count);
    fputs(".\n", out);
}

json_t *rpw_audit_report(const struct rpw_audit *audit)
{
    json_t *pods = json_pack("{s:I}", "finished", (json_int_t)audit->finished_count), *workloads = json_array(), *row;
    const char *ignored;

    for (size_t i = 0; i < RPW_AUDIT_STATE_COUNT; i++)
        json_object_set_new(pods, states[i].key, json_integer((json_int_t)audit->counts[i]));
    json_object_foreach(audit->rows, ignored, row)
    {
        json_array_append(workloads, row);
    }
    return json_pack("{s:b, s:o, s:o}", "drift", rpw_audit_has_drift(audit), "pods", pods, "workloads", workloads);
}
