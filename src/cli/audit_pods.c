/* audit_pods.c - one pod: which workload is it of, and what would the core do with it? */
#include "audit_pods.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "object.h"
#include "pod_decision.h"
#include "progress.h"
#include "rpw/bytes/json_fields.h"
#include "rpw/bytes/limits.h"
#include "rpw/inject/selector.h"
#include "rpw/review/pod.h"
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
    struct rpw_span detail;
    char old_revision[128];
};

bool rpw_audit_init(struct rpw_audit *audit, const struct rpw_policy_set *policies, const char *namespace_)
{
    *audit = (struct rpw_audit){.policies = policies,
                                .namespace_ = namespace_,
                                .region = malloc(2 * RPW_ARENA_BYTES + PODS_ARENA_BYTES),
                                .rows = json_object()};
    if (audit->region == NULL || audit->rows == NULL) {
        free(audit->region);
        json_decref(audit->rows);
        return false;
    }
    rpw_arena_init(&audit->core, audit->region, RPW_ARENA_BYTES);
    rpw_arena_init(&audit->subject, audit->region + RPW_ARENA_BYTES, RPW_ARENA_BYTES);
    rpw_arena_init(&audit->pods, audit->region + 2 * RPW_ARENA_BYTES, PODS_ARENA_BYTES);
    return true;
}

void rpw_audit_done(struct rpw_audit *audit)
{
    rpw_arena_done(&audit->core);
    rpw_arena_done(&audit->subject);
    rpw_arena_done(&audit->pods);
    free(audit->region);
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
    struct tm parts = {.tm_isdst = 0};
    char text[32] = "";
    const char *end;
    long long late_s;

    if (created.len >= sizeof(text))
        return false;
    memcpy(text, created.ptr != NULL ? created.ptr : "", created.len);
    end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    if (end == NULL || *end != '\0')
        return false;
    late_s = (long long)timegm(&parts) - strtoll(minutes, NULL, 10) * 60;
    return late_s >= -MAX_EARLY_S && late_s <= MAX_LATE_S;
}

static bool cut_schedule(char *name, struct rpw_span created)
{
    const char *dash = strrchr(name, '-');

    return dash != NULL && strlen(dash + 1) == CRONJOB_DIGITS && strspn(dash + 1, "0123456789") == CRONJOB_DIGITS &&
           is_about_then(dash + 1, created) && cut_suffix(name, rpw_span_of(dash + 1));
}

static struct rpw_span label_of(const struct rpw_pod *pod, const char *key)
{
    const struct rpw_label_list *labels = &pod->metadata.labels;

    for (size_t i = 0; i < labels->count; i++)
        if (rpw_span_is(labels->items[i].key, key))
            return labels->items[i].value;
    return RPW_LIT("");
}

static void find_workload(struct subject *subject)
{
    const struct rpw_owner owner = rpw_pod_owner(&subject->pod);
    struct rpw_span name = owner.kind.len > 0 ? owner.name : subject->place->owner.name;

    subject->kind = owner.kind.len > 0 ? owner.kind : RPW_LIT("Pod");
    snprintf(subject->name, sizeof(subject->name), "%.*s", (int)name.len, name.len > 0 ? name.ptr : "");
    if (rpw_span_is(subject->kind, "ReplicaSet") &&
        cut_suffix(subject->name, label_of(&subject->pod, "pod-template-hash")))
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

static bool is_rucio(const struct rpw_pod *pod)
{
    for (int kind = 0; kind < RPW_CONTAINER_KINDS; kind++)
        for (size_t i = 0; i < pod->containers[kind].count; i++)
            if (rpw_selector_matches_any(rpw_policy_default_containers, pod->containers[kind].items[i].name))
                return true;
    return false;
}

/* --- what the core says ---------------------------------------------------------------------------------------------- */

static void judge_injected(const struct rpw_pod_decision *decision, const struct rpw_annotations *annotations,
                           struct verdict *verdict)
{
    struct rpw_span revision = annotations->revision, wanted = decision->revision;
    int len;

    if (decision->outcome == RPW_OUTCOME_UNCHANGED) {
        bool has_conflicts = rpw_span_is(annotations->status, "injected-with-conflicts");

        verdict->state = has_conflicts ? RPW_AUDIT_CONFLICTS : RPW_AUDIT_CURRENT;
        verdict->detail = has_conflicts ? annotations->conflicts : RPW_LIT("");
    } else if (revision.len > 0 && !rpw_span_equal(wanted, revision)) {
        len = snprintf(verdict->old_revision, sizeof(verdict->old_revision), "has %.*s, wants %.*s",
                       revision.len < 64 ? (int)revision.len : 64, revision.ptr, (int)wanted.len, wanted.ptr);
        verdict->state = RPW_AUDIT_OLD;
        verdict->detail = (struct rpw_span){verdict->old_revision, (size_t)len};
    } else {
        verdict->state = RPW_AUDIT_LACKING;
        verdict->detail = revision.len > 0 ? RPW_LIT("changed since it was injected") : RPW_LIT("was not injected");
    }
}

/* the verdict's texts live as long as both. */
static void judge(const struct rpw_pod_decision *decision, const struct subject *subject, struct verdict *verdict)
{
    struct rpw_span message = decision->message != NULL ? rpw_span_of(decision->message) : RPW_LIT("");

    *verdict = (struct verdict){.is_of_interest = true};
    if (decision->policy != NULL)
        verdict->policy = decision->policy->name;
    if (subject->is_shaped && subject->pod.containers[RPW_CONTAINERS].count == 0) {
        verdict->state = RPW_AUDIT_REFUSED;
        verdict->detail = RPW_LIT("found no containers, expected a pod");
        return;
    }
    switch (decision->reason) {
    case RPW_REASON_INJECTED:
    case RPW_REASON_UP_TO_DATE:
        judge_injected(decision, &subject->pod.metadata.annotations, verdict);
        break;
    case RPW_REASON_NO_POLICY:
    case RPW_REASON_UNMATCHED:
        verdict->state = RPW_AUDIT_NO_POLICY;
        verdict->is_of_interest = is_rucio(&subject->pod);
        verdict->detail = RPW_LIT("runs Rucio's generic policy");
        break;
    case RPW_REASON_OPTED_OUT:
        verdict->state = RPW_AUDIT_OPTED_OUT;
        verdict->is_of_interest = is_rucio(&subject->pod);
        break;
    default:
        verdict->state = RPW_AUDIT_REFUSED;
        verdict->is_of_interest = decision->outcome != RPW_OUTCOME_SKIPPED;
        verdict->detail = message;
    }
}

/* --- gathering ------------------------------------------------------------------------------------------------------ */

static const char *const state_words[RPW_AUDIT_STATE_COUNT] = {
    [RPW_AUDIT_CURRENT] = "current",     [RPW_AUDIT_CONFLICTS] = "conflicts", [RPW_AUDIT_OLD] = "old revision",
    [RPW_AUDIT_LACKING] = "lacking",     [RPW_AUDIT_REFUSED] = "refused",     [RPW_AUDIT_NO_POLICY] = "no policy",
    [RPW_AUDIT_OPTED_OUT] = "opted out",
};

/* The row for key, made if it is new; borrowed. NULL: no memory. */
static json_t *find_row(struct rpw_audit *audit, char *const *texts, const char *state)
{
    json_t *row;
    char *key;

    /* None of them holds a line end. */
    if (asprintf(&key, "%s\n%s\n%s\n%s\n%s\n%s", texts[0], texts[1], texts[2], texts[3], state, texts[4]) < 0)
        return NULL;
    row = json_object_get(audit->rows, key);
    if (row == NULL) {
        row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:[]}", "namespace", texts[0], "kind", texts[1], "name",
                        texts[2], "policy", texts[3], "state", state, "detail", texts[4], "pods");
        if (json_object_set_new(audit->rows, key, row) != 0)
            row = NULL;
    }
    free(key);
    return row;
}

static bool append(struct rpw_audit *audit, const struct subject *subject, const struct verdict *verdict)
{
    const struct rpw_span spans[] = {
        subject->place->owner.namespace_, subject->kind, rpw_span_of(subject->name), verdict->policy, verdict->detail,
        subject->place->owner.name};
    char *texts[sizeof(spans) / sizeof(spans[0])];
    bool is_ok = true;
    json_t *row;

    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
        texts[i] = rpw_visible_copy(spans[i]);
        is_ok = is_ok && texts[i] != NULL;
    }
    row = is_ok ? find_row(audit, texts, state_words[verdict->state]) : NULL;
    is_ok = row != NULL && json_array_append_new(json_object_get(row, "pods"), json_string(texts[5])) == 0;
    audit->counts[verdict->state]++;
    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++)
        free(texts[i]);
    return is_ok;
}

static bool add_pod(struct rpw_audit *audit, const struct rpw_workload_pod *place)
{
    struct rpw_span namespace_ = place->owner.namespace_;
    struct rpw_pod_decision decision;
    struct subject subject;
    struct verdict verdict;
    bool is_ok;

    if (audit->namespace_ != NULL && !rpw_span_is(namespace_, audit->namespace_))
        return true;
    audit->pod_count++;
    rpw_progress_show("%zu pods", audit->pod_count);
    read_subject(&audit->subject, place, &subject);
    if (subject.is_shaped && has_ended(&subject.life)) {
        audit->finished_count++;
        return true;
    }
    rpw_pod_decide(&audit->core, audit->policies, place->text, namespace_.len > 0 ? namespace_ : RPW_LIT("default"),
                   &decision);
    judge(&decision, &subject, &verdict);
    is_ok = !verdict.is_of_interest || append(audit, &subject, &verdict);
    rpw_pod_decision_done(&decision);
    return is_ok;
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
    rpw_arena_reset(&audit->pods);
    if (rpw_workload_read(&audit->pods, object->json, true, &workload, &err) != RPW_OK) {
        rpw_manifest_object_fail(object, &err);
        return false;
    }
    audit->other_count += workload.pod_count == 0;
    for (size_t i = 0; i < workload.pod_count; i++) {
        if (!rpw_span_is(workload.pods[i].owner.kind, "Pod"))
            audit->other_count++;
        else if (!add_pod(audit, &workload.pods[i]))
            return false;
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

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

static int widest(const struct rpw_audit *audit, const char *key, const char *title)
{
    size_t width = strlen(title);
    const char *ignored;
    json_t *row;

    json_object_foreach(audit->rows, ignored, row)
    {
        size_t len = strlen(text_of(row, key));

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
        const char *detail = text_of(row, "detail"), *policy = text_of(row, "policy");

        fprintf(out, "%-*s  %-*s  %-*s  %-12s  %4zu  %-*s%s%s\n", namespace_width, text_of(row, "namespace"),
                kind_width, text_of(row, "kind"), name_width, text_of(row, "name"), text_of(row, "state"),
                json_array_size(json_object_get(row, "pods")), detail[0] != '\0' ? policy_width : 0,
                policy[0] != '\0' ? policy : "-", detail[0] != '\0' ? "  " : "", detail);
    }
    fputc('\n', out);
}

void rpw_audit_print_table(const struct rpw_audit *audit, FILE *out)
{
    size_t total = 0;

    for (size_t i = 0; i < RPW_AUDIT_STATE_COUNT; i++)
        total += audit->counts[i];
    if (total > 0)
        print_rows(audit, out);
    fprintf(out, "%zu %s of Rucio", total, total == 1 ? "pod" : "pods");
    for (size_t i = 0; i < RPW_AUDIT_STATE_COUNT; i++)
        if (audit->counts[i] > 0)
            fprintf(out, ", %zu %s", audit->counts[i], state_words[i]);
    if (audit->finished_count > 0)
        fprintf(out, "; not looked at: %zu that %s ended or %s being deleted", audit->finished_count,
                audit->finished_count == 1 ? "has" : "have", audit->finished_count == 1 ? "is" : "are");
    fprintf(out, ". Looked at: %zu %s in all.\n", audit->pod_count - audit->finished_count,
            audit->pod_count - audit->finished_count == 1 ? "pod" : "pods");
}

json_t *rpw_audit_report(const struct rpw_audit *audit)
{
    static const char *const count_keys[RPW_AUDIT_STATE_COUNT] = {"current", "conflicts", "oldRevision", "lacking",
                                                                  "refused", "noPolicy",  "optedOut"};
    json_t *document = json_pack("{s:b, s:{s:I}, s:[]}", "drift", rpw_audit_has_drift(audit), "pods", "finished",
                                 (json_int_t)audit->finished_count, "workloads");
    bool is_ok = document != NULL;
    const char *ignored;
    json_t *row;

    for (size_t i = 0; is_ok && i < RPW_AUDIT_STATE_COUNT; i++)
        is_ok = json_object_set_new(json_object_get(document, "pods"), count_keys[i],
                                    json_integer((json_int_t)audit->counts[i])) == 0;
    json_object_foreach(audit->rows, ignored, row)
    {
        is_ok = is_ok && json_array_append(json_object_get(document, "workloads"), row) == 0;
    }
    if (is_ok)
        return document;
    json_decref(document);
    return NULL;
}
