/* audit_pods.c - one pod: which workload is it of, and what would the core do with it? */
#include "audit_pods.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rpw/bytes/limits.h"
#include "rpw/inject/selector.h"
#include "rpw/mutate.h"

#define MAX_NAME_BYTES 256
#define CRONJOB_DIGITS 8 /* minutes since 1970 */
#define MAX_EARLY_S (60 * 60)
#define MAX_LATE_S (7 * 24 * 60 * 60)

struct workload {
    const char *namespace_;
    const char *pod;
    const char *kind;
    char name[MAX_NAME_BYTES];
};

struct verdict {
    enum rpw_audit_state state;
    const char *policy; /* "" when there is none */
    char *detail;       /* malloc's */
    bool is_of_interest;
};

bool rpw_audit_init(struct rpw_audit *audit, const struct rpw_policy_set *policies)
{
    *audit = (struct rpw_audit){.policies = policies, .region = malloc(RPW_ARENA_BYTES), .rows = json_object()};
    if (audit->region == NULL || audit->rows == NULL) {
        free(audit->region);
        json_decref(audit->rows);
        return false;
    }
    rpw_arena_init(&audit->arena, audit->region, RPW_ARENA_BYTES);
    return true;
}

void rpw_audit_done(struct rpw_audit *audit)
{
    rpw_arena_done(&audit->arena);
    free(audit->region);
    json_decref(audit->rows);
}

bool rpw_audit_reset(struct rpw_audit *audit)
{
    memset(audit->counts, 0, sizeof(audit->counts));
    audit->finished_count = 0;
    return json_object_clear(audit->rows) == 0;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

/* --- whose pod it is ------------------------------------------------------------------------------------------------ */

static const json_t *find_controller(const json_t *metadata)
{
    const json_t *owner, *owners = json_object_get(metadata, "ownerReferences");
    size_t index;

    json_array_foreach(owners, index, owner)
    {
        if (json_is_true(json_object_get(owner, "controller")))
            return owner;
    }
    return json_array_get(owners, 0);
}

/* Cuts "-SUFFIX" off name, if it ends so. */
static bool cut_suffix(char *name, const char *suffix)
{
    size_t len = strlen(name), suffix_len = strlen(suffix);

    if (suffix_len == 0 || len <= suffix_len + 1 || strcmp(name + len - suffix_len, suffix) != 0 ||
        name[len - suffix_len - 1] != '-')
        return false;
    name[len - suffix_len - 1] = '\0';
    return true;
}

/* Whether a pod was created when its Job was due, in minutes: clocks differ, and a Job may be late or try again. */
static bool is_about_then(const char *minutes, const char *created)
{
    struct tm parts = {.tm_isdst = 0};
    const char *end = strptime(created, "%Y-%m-%dT%H:%M:%SZ", &parts);
    long long late_s;

    if (end == NULL || *end != '\0')
        return false;
    late_s = (long long)timegm(&parts) - strtoll(minutes, NULL, 10) * 60;
    return late_s >= -MAX_EARLY_S && late_s <= MAX_LATE_S;
}

static bool cut_schedule(char *name, const char *created)
{
    const char *dash = strrchr(name, '-');

    return dash != NULL && strlen(dash + 1) == CRONJOB_DIGITS && strspn(dash + 1, "0123456789") == CRONJOB_DIGITS &&
           is_about_then(dash + 1, created) && cut_suffix(name, dash + 1);
}

static struct workload workload_of(const json_t *pod)
{
    const json_t *metadata = json_object_get(pod, "metadata");
    const json_t *owner = find_controller(metadata);
    struct workload workload = {.namespace_ = text_of(metadata, "namespace"),
                                .pod = text_of(metadata, "name"),
                                .kind = owner != NULL ? text_of(owner, "kind") : "Pod"};

    snprintf(workload.name, sizeof(workload.name), "%s", owner != NULL ? text_of(owner, "name") : workload.pod);
    if (strcmp(workload.kind, "ReplicaSet") == 0 &&
        cut_suffix(workload.name, text_of(json_object_get(metadata, "labels"), "pod-template-hash")))
        workload.kind = "Deployment";
    else if (strcmp(workload.kind, "Job") == 0 && cut_schedule(workload.name, text_of(metadata, "creationTimestamp")))
        workload.kind = "CronJob";
    return workload;
}

static bool has_ended(const json_t *pod)
{
    const char *phase = text_of(json_object_get(pod, "status"), "phase");

    return strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0 ||
           json_is_string(json_object_get(json_object_get(pod, "metadata"), "deletionTimestamp"));
}

/* --- what the core says ---------------------------------------------------------------------------------------------- */

static bool has_rucio_container(const json_t *spec, const char *key)
{
    const json_t *container, *containers = json_object_get(spec, key);
    size_t index;

    json_array_foreach(containers, index, container)
    {
        if (rpw_selector_matches_any(rpw_policy_default_containers, rpw_span_of(text_of(container, "name"))))
            return true;
    }
    return false;
}

static bool is_rucio(const json_t *pod)
{
    const json_t *spec = json_object_get(pod, "spec");

    return has_rucio_container(spec, "containers") || has_rucio_container(spec, "initContainers");
}

/* The review that kube-apiserver would send; the caller frees it. */
static char *new_review(const json_t *pod, const char *namespace_)
{
    json_t *review =
        json_pack("{s:s, s:s, s:{s:s, s:{s:s, s:s, s:s}, s:s, s:s, s:O}}", "kind", "AdmissionReview", "apiVersion",
                  "admission.k8s.io/v1", "request", "uid", "audit", "kind", "group", "", "version", "v1", "kind", "Pod",
                  "operation", "CREATE", "namespace", namespace_[0] != '\0' ? namespace_ : "default", "object", pod);
    char *text = review != NULL ? json_dumps(review, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;

    json_decref(review);
    return text;
}

static char *new_detail(struct rpw_span text)
{
    char *detail = strndup(text.ptr != NULL ? text.ptr : "", text.len);

    for (char *c = detail; c != NULL && *c != '\0'; c++)
        if (iscntrl((unsigned char)*c))
            *c = ' ';
    return detail;
}

static void judge_injected(const struct rpw_result *result, const json_t *annotations, struct verdict *verdict)
{
    const char *revision = text_of(annotations, "policy.rucio.cern.ch/revision");
    bool has_conflicts = strcmp(text_of(annotations, "policy.rucio.cern.ch/status"), "injected-with-conflicts") == 0;
    struct rpw_span wanted = result->revision;
    char *detail = NULL;

    if (result->outcome == RPW_OUTCOME_UNCHANGED) {
        verdict->state = has_conflicts ? RPW_AUDIT_CONFLICTS : RPW_AUDIT_CURRENT;
        verdict->detail = has_conflicts
                              ? new_detail(rpw_span_of(text_of(annotations, "policy.rucio.cern.ch/conflicts")))
                              : new_detail(RPW_LIT(""));
        return;
    }
    verdict->state = revision[0] != '\0' && !rpw_span_is(wanted, revision) ? RPW_AUDIT_OLD : RPW_AUDIT_LACKING;
    if (verdict->state == RPW_AUDIT_OLD) {
        verdict->detail =
            asprintf(&detail, "has %.64s, wants %.*s", revision, (int)wanted.len, wanted.ptr) >= 0 ? detail : NULL;
        return;
    }
    verdict->detail =
        new_detail(revision[0] != '\0' ? RPW_LIT("changed since it was injected") : RPW_LIT("was not injected"));
}

static void judge_result(const struct rpw_result *result, const json_t *pod, struct verdict *verdict)
{
    const json_t *annotations = json_object_get(json_object_get(pod, "metadata"), "annotations");

    verdict->is_of_interest = true;
    switch (result->reason) {
    case RPW_REASON_INJECTED:
    case RPW_REASON_UP_TO_DATE:
        judge_injected(result, annotations, verdict);
        break;
    case RPW_REASON_NO_POLICY:
    case RPW_REASON_UNMATCHED:
        verdict->state = RPW_AUDIT_NO_POLICY;
        verdict->is_of_interest = is_rucio(pod);
        verdict->detail = new_detail(RPW_LIT("runs Rucio's generic policy"));
        break;
    case RPW_REASON_OPTED_OUT:
        verdict->state = RPW_AUDIT_OPTED_OUT;
        verdict->is_of_interest = is_rucio(pod);
        verdict->detail = new_detail(RPW_LIT(""));
        break;
    default:
        verdict->state = RPW_AUDIT_REFUSED;
        verdict->is_of_interest = result->outcome != RPW_OUTCOME_SKIPPED;
        verdict->detail = new_detail(result->message);
    }
}

/* --- gathering ------------------------------------------------------------------------------------------------------ */

static const char *const state_words[RPW_AUDIT_STATE_COUNT] = {
    [RPW_AUDIT_CURRENT] = "current",     [RPW_AUDIT_CONFLICTS] = "conflicts", [RPW_AUDIT_OLD] = "old revision",
    [RPW_AUDIT_LACKING] = "lacking",     [RPW_AUDIT_REFUSED] = "refused",     [RPW_AUDIT_NO_POLICY] = "no policy",
    [RPW_AUDIT_OPTED_OUT] = "opted out",
};

static bool append(struct rpw_audit *audit, const struct workload *workload, const struct verdict *verdict)
{
    const char *state = state_words[verdict->state];
    json_t *row;
    char *key;

    /* None of them holds a line end. */
    if (asprintf(&key, "%s\n%s\n%s\n%s\n%s\n%s", workload->namespace_, workload->kind, workload->name, verdict->policy,
                 state, verdict->detail) < 0)
        return false;
    row = json_object_get(audit->rows, key);
    if (row == NULL) {
        row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:[]}", "namespace", workload->namespace_, "kind",
                        workload->kind, "name", workload->name, "policy", verdict->policy, "state", state, "detail",
                        verdict->detail, "pods");
        if (json_object_set_new(audit->rows, key, row) != 0)
            row = NULL;
    }
    free(key);
    audit->counts[verdict->state]++;
    return row != NULL && json_array_append_new(json_object_get(row, "pods"), json_string(workload->pod)) == 0;
}

static bool judge(struct rpw_audit *audit, const json_t *pod, const struct workload *workload)
{
    char *review = new_review(pod, workload->namespace_), *policy = NULL;
    struct verdict verdict = {.policy = ""};
    struct rpw_result result;
    bool is_ok = false;

    if (review == NULL)
        goto out;
    rpw_mutate(&audit->arena, audit->policies, rpw_span_of(review), &result);
    judge_result(&result, pod, &verdict);
    if (result.policy != NULL) {
        policy = strndup(result.policy->name.ptr, result.policy->name.len);
        verdict.policy = policy;
    }
    if (verdict.detail != NULL && verdict.policy != NULL)
        is_ok = !verdict.is_of_interest || append(audit, workload, &verdict);
out:
    if (!is_ok)
        fputs("out of memory\n", stderr);
    free(verdict.detail);
    free(policy);
    free(review);
    return is_ok;
}

bool rpw_audit_add(struct rpw_audit *audit, const json_t *pod, const char *namespace_)
{
    struct workload workload = workload_of(pod);

    if (!json_is_object(json_object_get(pod, "metadata")) || !json_is_object(json_object_get(pod, "spec"))) {
        fputs("found something without metadata and spec among the pods, expected a pod\n", stderr);
        return false;
    }
    if (namespace_ != NULL && strcmp(workload.namespace_, namespace_) != 0)
        return true;
    if (has_ended(pod)) {
        audit->finished_count++;
        return true;
    }
    return judge(audit, pod, &workload);
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
    fprintf(out, ". %zu that %s ended or %s being deleted %s not looked at.\n", audit->finished_count,
            audit->finished_count == 1 ? "has" : "have", audit->finished_count == 1 ? "is" : "are",
            audit->finished_count == 1 ? "was" : "were");
}

bool rpw_audit_print_json(const struct rpw_audit *audit, FILE *out)
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
    is_ok = is_ok && json_dumpf(document, out, JSON_INDENT(2)) == 0;
    fputc('\n', out);
    json_decref(document);
    return is_ok;
}
