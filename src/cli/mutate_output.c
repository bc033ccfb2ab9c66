/* mutate_output.c - one function per form; the words of -o explain are in explain.c. */
#include "mutate_output.h"

#include <stdlib.h>

#include "explain.h"
#include "line_diff.h"
#include "manifest_edit.h"
#include "yaml_writer.h"

/* jansson reads 0.1 as a double; with 15 digits it is written as 0.1 again. */
#define JSON_LAYOUT (JSON_INDENT(2) | JSON_REAL_PRECISION(15))

bool rpw_mutate_needs_values(const struct rpw_mutate_output *output)
{
    return output->is_json_input || output->format == RPW_MUTATE_JSON;
}

static size_t count_lines(struct rpw_span text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == '\n';
    return count;
}

/* --- texts ----------------------------------------------------------------------------------------------------------- */

/* A value as -o json, or -o yaml of JSON input, prints it. malloc's; NULL: no memory. */
static char *value_text(json_t *value, bool is_yaml)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    struct rpw_yaml_writer writer = {.out = out, .newline = "\n"};

    if (!out)
        return NULL;
    if (is_yaml) {
        rpw_yaml_write_root(&writer, value);
    } else {
        json_dumpf(value, out, JSON_LAYOUT | JSON_ENCODE_ANY);
        fputc('\n', out);
    }
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

/* The document as -o yaml prints it, of YAML input. malloc's; NULL after an error. */
static char *edited_text(struct rpw_document *document)
{
    char *text = NULL;
    bool is_new = false;

    if (json_array_size(document->patch) == 0)
        return strndup(document->text.ptr, document->text.len);
    if (!rpw_manifest_edit(&document->report, document->text, document->root, document->patch, document->after, &text,
                           &is_new)) {
        rpw_report_error(&document->report, (struct rpw_place){document->root->start, 0},
                         "the patched document cannot be written as YAML; -o json can show it");
        return NULL;
    }
    if (is_new)
        fprintf(
            stderr,
            "%s: warning: this document is written anew, without its comments: it has an anchor whose aliases would "
            "change too, or a layout that is not understood\n",
            document->label);
    return text;
}

/* --- forms ----------------------------------------------------------------------------------------------------------- */

static bool show_text(struct rpw_mutate_output *output, struct rpw_document *document)
{
    bool is_yaml = output->format == RPW_MUTATE_YAML;
    char *text = is_yaml && !output->is_json_input ? edited_text(document) : value_text(document->after, is_yaml);

    if (!text)
        return false;
    fputs(text, output->out);
    free(text);
    return true;
}

/* Both sides in the layout of the input; JSON is laid out afresh on both. */
static bool show_diff(struct rpw_mutate_output *output, struct rpw_document *document)
{
    const struct rpw_policy *policy = NULL;
    char *old =
        output->is_json_input ? value_text(document->before, false) : strndup(document->text.ptr, document->text.len);
    char *new_ = output->is_json_input ? value_text(document->after, false) : edited_text(document);
    char label[RPW_DOCUMENT_LABEL_BYTES + 100];
    bool is_done = false;

    for (size_t i = 0; i < document->pod_count && !policy; i++)
        if (document->pods[i].decision.outcome == RPW_OUTCOME_PATCHED)
            policy = document->pods[i].decision.policy;
    if (old && new_) {
        struct rpw_diff_side sides[] = {{document->label, rpw_span_of(old), output->old_lines + 1},
                                        {label, rpw_span_of(new_), output->new_lines + 1}};

        snprintf(label, sizeof(label), policy ? "%s\tpolicy %.*s" : "%s", document->label,
                 policy ? (int)policy->name.len : 0, policy ? policy->name.ptr : "");
        is_done = rpw_line_diff_write(output->out, &sides[0], &sides[1], output->is_coloured);
        output->old_lines += count_lines(sides[0].text);
        output->new_lines += count_lines(sides[1].text);
    }
    free(old);
    free(new_);
    return is_done;
}

static bool show_patch(struct rpw_mutate_output *output, const struct rpw_document *document)
{
    const struct rpw_object_name *name = &document->workload.name;
    json_t *entry;

    if (json_array_size(document->patch) == 0)
        return true;
    entry = json_pack("{s:I,s:s%,s:s%,s:s%,s:O}", "document", (json_int_t)document->number, "kind",
                      name->kind.ptr ? name->kind.ptr : "", name->kind.len, "namespace",
                      name->namespace_.ptr ? name->namespace_.ptr : "", name->namespace_.len, "name",
                      name->name.ptr ? name->name.ptr : "", name->name.len, "patch", document->patch);
    return entry && json_array_append_new(output->patches, entry) == 0;
}

static bool show_explanation(struct rpw_mutate_output *output, const struct rpw_document *document,
                             const struct rpw_policy_set *policies)
{
    bool is_done = true;

    for (size_t i = 0; i < document->pod_count && is_done; i++) {
        if (output->explained_count++ > 0)
            fputc('\n', output->out);
        is_done = rpw_explain(output->out, document, &document->pods[i], policies);
    }
    return is_done;
}

bool rpw_mutate_show(struct rpw_mutate_output *output, struct rpw_document *document,
                     const struct rpw_policy_set *policies)
{
    bool is_done = false;

    switch (output->format) {
    case RPW_MUTATE_YAML:
    case RPW_MUTATE_JSON:
        is_done = show_text(output, document);
        break;
    case RPW_MUTATE_PATCH:
        is_done = show_patch(output, document);
        break;
    case RPW_MUTATE_DIFF:
        is_done = show_diff(output, document);
        break;
    case RPW_MUTATE_EXPLAIN:
        is_done = show_explanation(output, document, policies);
    }
    if (!is_done && !document->report.has_errors)
        document->pool.has_failed = true;
    return is_done;
}

void rpw_mutate_show_blank(struct rpw_mutate_output *output, struct rpw_span text)
{
    output->old_lines += count_lines(text);
    output->new_lines += count_lines(text);
    if (output->format == RPW_MUTATE_YAML)
        fwrite(text.ptr, 1, text.len, output->out);
}

void rpw_mutate_finish(struct rpw_mutate_output *output)
{
    if (output->format == RPW_MUTATE_PATCH) {
        json_dumpf(output->patches, output->out, JSON_LAYOUT);
        fputc('\n', output->out);
    }
    if (output->format == RPW_MUTATE_EXPLAIN && output->explained_count == 0)
        fputs("There is no pod in it, and nothing that makes pods.\n", output->out);
}
