/* mutate_summary.c - pods are grouped by the words that are said of them. */
#include "mutate_output.h"

#include <stdlib.h>

#include "memory.h"
#include "visible.h"

#define MAX_SHOWN 10

/* To be freed. */
static char *describe(const struct rpw_document_pod *pod)
{
    const struct rpw_pod_decision *decision = &pod->decision;
    char *words = rpw_pod_decision_words(decision), *namespace_, *more;

    if (decision->outcome != RPW_OUTCOME_SKIPPED || decision->reason != RPW_REASON_NO_POLICY)
        return words;
    namespace_ = rpw_visible_copy(pod->namespace_);
    more = rpw_memory_print("%s in namespace %s%s", words, namespace_,
                            pod->is_namespace_assumed ? ", which is assumed: the object names none, -n sets it" : "");
    free(namespace_);
    free(words);
    return more;
}

void rpw_mutate_summary_add(struct rpw_mutate_summary *summary, const struct rpw_document *document)
{
    if (!summary->groups)
        *summary = (struct rpw_mutate_summary){.groups = json_object(), .hidden = json_array()};
    for (size_t i = 0; i < document->pod_count; i++) {
        char *words = describe(&document->pods[i]);
        json_int_t so_far = json_integer_value(json_object_get(summary->groups, words));

        json_object_set_new(summary->groups, words, json_integer(so_far + 1));
        free(words);
    }
    summary->document_count++;
    summary->pod_count += document->pod_count;
    if (rpw_workload_makes_pods(document->workload.api_version, document->workload.name.kind))
        json_array_append_new(summary->hidden, json_sprintf("%s (document %zu)", document->label, document->number));
}

void rpw_mutate_summary_print(const struct rpw_mutate_summary *summary, FILE *out)
{
    size_t hidden_count = json_array_size(summary->hidden), index;
    json_t *value;
    const char *words;

    fprintf(out, "%zu %s, %zu %s%s\n", summary->document_count, summary->document_count == 1 ? "document" : "documents",
            summary->pod_count, summary->pod_count == 1 ? "pod or pod template" : "pods or pod templates",
            summary->pod_count > 0 ? ":" : "");
    json_object_foreach(summary->groups, words, value)
    {
        fprintf(out, "  %" JSON_INTEGER_FORMAT " %s\n", json_integer_value(value), words);
    }
    if (hidden_count > 0)
        fprintf(out, "%zu not looked into, though of a kind that makes pods:", hidden_count);
    json_array_foreach(summary->hidden, index, value)
    {
        if (index < MAX_SHOWN)
            fprintf(out, "%s %s", index > 0 ? "," : "", json_string_value(value));
    }
    if (hidden_count > 0)
        fputs(hidden_count > MAX_SHOWN ? ", ...\n" : "\n", out);
}

void rpw_mutate_summary_done(struct rpw_mutate_summary *summary)
{
    json_decref(summary->groups);
    json_decref(summary->hidden);
}
