/* mutate_output.c - one function per form; the words of -o explain are in explain.c. */
#include "mutate_output.h"

#include <stdlib.h>

#include "diff.h"
#include "explain.h"
#include "memory.h"
#include "writer.h"

bool rpw_mutate_needs_values(const struct rpw_mutate_output *output)
{
    return output->format == RPW_MUTATE_JSON ? !output->is_json_input
                                             : output->format == RPW_MUTATE_YAML && output->is_json_input;
}

static bool keeps_form(const struct rpw_mutate_output *output)
{
    return output->format == (output->is_json_input ? RPW_MUTATE_JSON : RPW_MUTATE_YAML);
}

/* --- YAML and JSON ---------------------------------------------------------------------------------------------------- */

/* What stands in front of a document's first line and behind its last one stays: `---`, comments, `...`. */
static void write_yaml(FILE *out, const struct rpw_document *document)
{
    struct rpw_span text = document->text, whole = document->object.report.text;
    size_t begin = (size_t)(text.ptr - whole.ptr), line = document->object.root->place.offset, last = text.len;

    while (line > begin && whole.ptr[line - 1] != '\n')
        line--;
    fwrite(text.ptr, 1, line - begin, out);
    if (rpw_manifest_is_marker((struct rpw_span){whole.ptr + line, whole.len - line}, '-'))
        fputs("---\n", out);
    rpw_manifest_write_yaml(out, document->after, 0);
    while (last > 0 && (last == text.len || text.ptr[last - 1] != '\n'))
        last--;
    if (rpw_manifest_is_marker((struct rpw_span){text.ptr + last, text.len - last}, '.'))
        fputs("...\n", out);
}

void rpw_mutate_begin(struct rpw_mutate_output *output, const struct rpw_manifest_stream *stream)
{
    output->is_json_input = stream->is_json;
    if (output->is_line_open)
        fputc('\n', output->out);
    output->is_line_open = false;
    if (output->format == RPW_MUTATE_YAML && output->has_written && !stream->is_json &&
        !rpw_manifest_is_marker(stream->text, '-'))
        fputs("---\n", output->out);
}

/* As it came. */
static void show_unchanged(struct rpw_mutate_output *output, struct rpw_span text)
{
    fwrite(text.ptr, 1, text.len, output->out);
    output->is_line_open = text.ptr[text.len - 1] != '\n';
}

static void show_text(struct rpw_mutate_output *output, const struct rpw_document *document)
{
    bool is_first = !output->has_written;

    output->has_written = true;
    if (keeps_form(output) && json_array_size(document->patch) == 0) {
        show_unchanged(output, document->text);
    } else if (output->format == RPW_MUTATE_JSON) {
        rpw_manifest_write_json(output->out, document->after);
    } else if (!output->is_json_input) {
        write_yaml(output->out, document);
    } else {
        fputs(is_first ? "" : "---\n", output->out);
        rpw_manifest_write_yaml(output->out, document->after, 0);
    }
}

/* --- the other forms -------------------------------------------------------------------------------------------------- */

static void show_diff(struct rpw_mutate_output *output, const struct rpw_document *document)
{
    const struct rpw_policy *policy = NULL;
    char *label;

    if (json_array_size(document->patch) == 0 || output->has_diff_failed)
        return;
    for (size_t i = 0; i < document->pod_count && !policy; i++)
        if (document->pods[i].decision.outcome == RPW_OUTCOME_PATCHED)
            policy = document->pods[i].decision.policy;
    label = rpw_memory_print(policy ? "%s (policy %.*s)" : "%s", document->label, policy ? (int)policy->name.len : 0,
                             policy ? policy->name.ptr : "");
    output->has_diff_failed = !rpw_diff_show(&(struct rpw_diff_side){document->label, document->before},
                                             &(struct rpw_diff_side){label, document->after});
    free(label);
}

static void show_patch(struct rpw_mutate_output *output, const struct rpw_document *document)
{
    const struct rpw_workload_name *name = &document->workload.name;

    if (json_array_size(document->patch) > 0)
        json_array_append_new(output->patches,
                              json_pack("{s:I, s:o, s:o, s:o, s:O}", "document", (json_int_t)document->number, "kind",
                                        json_stringn(name->kind.ptr, name->kind.len), "namespace",
                                        json_sprintf("%.*s", (int)name->namespace_.len, name->namespace_.ptr), "name",
                                        json_sprintf("%.*s", (int)name->name.len, name->name.ptr), "patch",
                                        document->patch));
}

static void show_explanation(struct rpw_mutate_output *output, const struct rpw_document *document,
                             const struct rpw_policy_set *policies)
{
    for (size_t i = 0; i < document->pod_count; i++) {
        if (output->explained_count++ > 0)
            fputc('\n', output->out);
        rpw_explain(output->out, document, &document->pods[i], policies);
    }
}

void rpw_mutate_show(struct rpw_mutate_output *output, const struct rpw_document *document,
                     const struct rpw_policy_set *policies)
{
    switch (output->format) {
    case RPW_MUTATE_PATCH:
        show_patch(output, document);
        break;
    case RPW_MUTATE_DIFF:
        show_diff(output, document);
        break;
    case RPW_MUTATE_EXPLAIN:
        show_explanation(output, document, policies);
        break;
    default:
        show_text(output, document);
    }
}

void rpw_mutate_show_blank(struct rpw_mutate_output *output, struct rpw_span text)
{
    if (keeps_form(output))
        show_unchanged(output, text);
}

void rpw_mutate_finish(struct rpw_mutate_output *output)
{
    if (output->format == RPW_MUTATE_PATCH)
        rpw_manifest_write_json(output->out, output->patches);
    if (output->format == RPW_MUTATE_EXPLAIN && output->explained_count == 0)
        fputs("There is no pod in it, and nothing that makes pods.\n", output->out);
}
