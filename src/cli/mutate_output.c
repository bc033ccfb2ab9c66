/* mutate_output.c - one function per form; the words of -o explain are in explain.c. */
#include "mutate_output.h"

#include <stdlib.h>

#include "diff.h"
#include "explain.h"
#include "yaml_scalar.h"
#include "yaml_writer.h"

bool rpw_mutate_needs_values(const struct rpw_mutate_output *output)
{
    return output->format == RPW_MUTATE_JSON ? !output->is_json_input
                                             : output->format == RPW_MUTATE_YAML && output->is_json_input;
}

static bool keeps_form(const struct rpw_mutate_output *output)
{
    return output->format == (output->is_json_input ? RPW_MUTATE_JSON : RPW_MUTATE_YAML);
}

static void put(FILE *out, struct rpw_span text)
{
    fwrite(text.ptr, 1, text.len, out);
}

static bool is_divider(struct rpw_span line, char c)
{
    return line.len >= 3 && line.ptr[0] == c && line.ptr[1] == c && line.ptr[2] == c &&
           (line.len == 3 || memchr(" \t\r\n", line.ptr[3], 4));
}

/* --- YAML and JSON ---------------------------------------------------------------------------------------------------- */

/* The digits that every number in value needs, so that it is read as the same again: 0.1 needs 15, few need 17. */
static size_t digits_of(json_t *value)
{
    char text[RPW_MANIFEST_NUMBER_BYTES];
    size_t most = 15, digits, index;
    const char *key;
    json_t *item;

    for (; json_is_real(value) && most < 17; most++) {
        snprintf(text, sizeof(text), "%.*g", (int)most, json_real_value(value));
        if (strtod(text, NULL) == json_real_value(value))
            break;
    }
    json_object_foreach(value, key, item)
    {
        digits = digits_of(item);
        most = digits > most ? digits : most;
    }
    json_array_foreach(value, index, item)
    {
        digits = digits_of(item);
        most = digits > most ? digits : most;
    }
    return most;
}

static bool write_json(FILE *out, json_t *value)
{
    bool is_done =
        json_dumpf(value, out, JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(digits_of(value))) == 0;

    fputc('\n', out);
    return is_done;
}

/* What stands in front of a document's first line and behind its last one stays: `---`, comments, `...`. */
static bool write_yaml(FILE *out, const struct rpw_document *document)
{
    struct rpw_span text = document->text, whole = document->object.report.text;
    size_t begin = (size_t)(text.ptr - whole.ptr), line = document->object.root->place.offset, last = text.len;

    while (line > begin && whole.ptr[line - 1] != '\n')
        line--;
    put(out, (struct rpw_span){text.ptr, line - begin});
    if (is_divider((struct rpw_span){whole.ptr + line, whole.len - line}, '-'))
        fputs("---\n", out);
    if (!rpw_manifest_write_yaml(out, document->after))
        return false;
    while (last > 0 && (last == text.len || text.ptr[last - 1] != '\n'))
        last--;
    if (is_divider((struct rpw_span){text.ptr + last, text.len - last}, '.'))
        fputs("...\n", out);
    return true;
}

void rpw_mutate_begin(struct rpw_mutate_output *output, const struct rpw_manifest_stream *stream)
{
    output->is_json_input = stream->is_json;
    if (output->is_line_open)
        fputc('\n', output->out);
    output->is_line_open = false;
    if (output->format == RPW_MUTATE_YAML && output->has_written && !stream->is_json && !is_divider(stream->text, '-'))
        fputs("---\n", output->out);
}

static bool show_text(struct rpw_mutate_output *output, const struct rpw_document *document)
{
    struct rpw_span text = document->text;
    bool has_written = output->has_written;

    output->has_written = true;
    if (keeps_form(output) && json_array_size(document->patch) == 0) {
        put(output->out, text);
        output->is_line_open = text.ptr[text.len - 1] != '\n';
        return true;
    }
    if (output->format == RPW_MUTATE_JSON)
        return write_json(output->out, document->after);
    if (!output->is_json_input)
        return write_yaml(output->out, document);
    fputs(has_written ? "---\n" : "", output->out);
    return rpw_manifest_write_yaml(output->out, document->after);
}

/* --- the other forms -------------------------------------------------------------------------------------------------- */

/* malloc's; NULL: no memory. */
static char *canonical_text(json_t *value)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    bool is_done = out && rpw_manifest_write_yaml(out, value);

    if (out && fclose(out) == 0 && is_done)
        return text;
    free(text);
    return NULL;
}

static bool show_diff(struct rpw_mutate_output *output, const struct rpw_document *document)
{
    const struct rpw_policy *policy = NULL;
    char label[RPW_DOCUMENT_LABEL_BYTES + 100], *before, *after;
    bool is_done;

    if (json_array_size(document->patch) == 0)
        return true;
    for (size_t i = 0; i < document->pod_count && !policy; i++)
        if (document->pods[i].decision.outcome == RPW_OUTCOME_PATCHED)
            policy = document->pods[i].decision.policy;
    snprintf(label, sizeof(label), policy ? "%s (policy %.*s)" : "%s", document->label,
             policy ? (int)policy->name.len : 0, policy ? policy->name.ptr : "");
    before = canonical_text(document->before);
    after = canonical_text(document->after);
    is_done = before && after;
    if (is_done && !output->has_diff_failed)
        output->has_diff_failed = !rpw_diff_show(&(struct rpw_diff_side){document->label, rpw_span_of(before)},
                                                 &(struct rpw_diff_side){label, rpw_span_of(after)});
    free(before);
    free(after);
    return is_done;
}

static bool show_patch(struct rpw_mutate_output *output, const struct rpw_document *document)
{
    const struct rpw_workload_name *name = &document->workload.name;
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
    if (!is_done && !document->object.report.has_errors)
        document->object.pool.has_failed = true;
    return is_done;
}

void rpw_mutate_show_blank(struct rpw_mutate_output *output, struct rpw_span text)
{
    if (!keeps_form(output))
        return;
    put(output->out, text);
    output->is_line_open = text.ptr[text.len - 1] != '\n';
}

void rpw_mutate_finish(struct rpw_mutate_output *output)
{
    if (output->format == RPW_MUTATE_PATCH)
        write_json(output->out, output->patches);
    if (output->format == RPW_MUTATE_EXPLAIN && output->explained_count == 0)
        fputs("There is no pod in it, and nothing that makes pods.\n", output->out);
}
