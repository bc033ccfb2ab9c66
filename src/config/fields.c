/* fields.c - one value at a time: its YAML type, its form, and a sentence for each way in which it can be wrong.
 *
 * Texts are read as strictly as Kubernetes reads them: a plain 1.10 or yes is no text there but a number or a boolean,
 * and a configuration that passes through Helm or kustomize would come out changed ("1.1", "true"). Quotes settle it.
 */
#include "fields.h"

#include <ctype.h>
#include <stdio.h>

#include "hints.h"
#include "scalar.h"
#include "utf8.h"

#define MAX_QUOTED_BYTES 60
#define MAX_WORD_BYTES 32 /* of a word that is worth a suggestion */

const char *rpw_fields_describe(struct rpw_loader *loader, const struct rpw_yaml_node *node)
{
    const char *quoted;
    struct rpw_buffer words = {.pool = loader->scratch};

    if (node->type == RPW_YAML_MAPPING)
        return "a mapping";
    if (node->type == RPW_YAML_LIST)
        return "a list";
    quoted = rpw_report_quote(loader->report, node->text, MAX_QUOTED_BYTES);
    switch (rpw_scalar_resolve(node).type) {
    case RPW_SCALAR_NULL:
        return "nothing";
    case RPW_SCALAR_BOOL:
    case RPW_SCALAR_BAD_BOOL:
        rpw_buffer_append(&words, RPW_LIT("the boolean "));
        break;
    case RPW_SCALAR_INTEGER:
    case RPW_SCALAR_FLOAT:
    case RPW_SCALAR_BAD_NUMBER:
        rpw_buffer_append(&words, RPW_LIT("the number "));
        break;
    default:
        break;
    }
    rpw_buffer_append(&words, rpw_span_of(quoted));
    rpw_buffer_append(&words, (struct rpw_span){"", 1}); /* the NUL */
    return loader->scratch->has_failed ? "" : words.ptr;
}

/* "; HINT", or nothing. */
#define OF_HINT "%s%s"
#define HINT(hint) (hint) ? "; " : "", (hint) ? (hint) : ""

static const char *hint_for(const char *field, const struct rpw_yaml_node *node)
{
    return node->type == RPW_YAML_SCALAR ? rpw_hint_for_value(field, node->text) : NULL;
}

/* The number of single-character edits between a and b, letter case aside; b has at most MAX_WORD_BYTES. */
static size_t edit_distance(struct rpw_span a, struct rpw_span b)
{
    size_t row[MAX_WORD_BYTES + 1];

    for (size_t k = 0; k <= b.len; k++)
        row[k] = k;
    for (size_t i = 0; i < a.len; i++) {
        size_t diagonal = row[0];

        row[0] = i + 1;
        for (size_t k = 0; k < b.len; k++) {
            bool is_same = tolower((unsigned char)a.ptr[i]) == tolower((unsigned char)b.ptr[k]);
            size_t best = diagonal + (is_same ? 0 : 1);

            diagonal = row[k + 1];
            best = best < row[k] + 1 ? best : row[k] + 1;
            row[k + 1] = best < diagonal + 1 ? best : diagonal + 1;
        }
    }
    return row[b.len];
}

const char *rpw_fields_suggest(struct rpw_span word, const char *const *words)
{
    const char *nearest = NULL;
    size_t nearest_distance = 3;

    if (word.len > MAX_WORD_BYTES)
        return NULL;
    for (; *words; words++) {
        struct rpw_span known = rpw_span_of(*words);
        size_t distance = edit_distance(word, known);

        if (distance < nearest_distance && distance * 2 <= known.len) {
            nearest = *words;
            nearest_distance = distance;
        }
    }
    return nearest;
}

bool rpw_fields_expect_mapping(struct rpw_loader *loader, const char *field, const struct rpw_yaml_node *node)
{
    if (!node || node->type == RPW_YAML_INVALID)
        return false;
    if (node->type != RPW_YAML_MAPPING)
        rpw_report_error(loader->report, node->place, "%s: found %s, expected a mapping (key: value)" OF_HINT, field,
                         rpw_fields_describe(loader, node), HINT(hint_for(field, node)));
    return node->type == RPW_YAML_MAPPING;
}

bool rpw_fields_expect_list(struct rpw_loader *loader, const char *field, const struct rpw_yaml_node *node)
{
    if (!node || node->type == RPW_YAML_INVALID)
        return false;
    if (node->type != RPW_YAML_LIST)
        rpw_report_error(loader->report, node->place, "%s: found %s, expected a list" OF_HINT, field,
                         rpw_fields_describe(loader, node),
                         HINT(node->type == RPW_YAML_MAPPING ? "each element begins with a hyphen, as in - name: atlas"
                                                             : "one element is a list, too, in brackets"));
    return node->type == RPW_YAML_LIST;
}

void rpw_fields_report_unknown_key(struct rpw_loader *loader, const char *field, const struct rpw_yaml_node *key,
                                   const char *const *words)
{
    struct rpw_buffer known = {.pool = loader->scratch};
    const char *found = rpw_report_quote(loader->report, key->text, MAX_QUOTED_BYTES);
    const char *nearest = rpw_fields_suggest(key->text, words);
    const char *hint = rpw_hint_for_key(field, key->text);

    for (size_t i = 0; words[i]; i++) {
        if (i > 0)
            rpw_buffer_append(&known, RPW_LIT(", "));
        rpw_buffer_append(&known, rpw_span_of(words[i]));
    }
    if (hint)
        rpw_report_error(loader->report, key->place, "%s: found the unknown key %s; %s", field, found, hint);
    else if (nearest)
        rpw_report_error(loader->report, key->place, "%s: found the unknown key %s; did you mean '%s'?", field, found,
                         nearest);
    else
        rpw_report_error(loader->report, key->place, "%s: found the unknown key %s, expected one of %.*s", field, found,
                         (int)known.len, known.ptr ? known.ptr : "");
}

/* NULL when node is a text, else what was expected. */
static const char *check_is_text(const struct rpw_yaml_node *node)
{
    if (node->type != RPW_YAML_SCALAR)
        return "text";
    switch (rpw_scalar_resolve(node).type) {
    case RPW_SCALAR_TEXT:
        break;
    case RPW_SCALAR_NULL:
        return "text; leave the key out if there is none";
    default:
        return "text: put it in quotes";
    }
    if (node->text.len > RPW_CONFIG_MAX_TEXT_BYTES)
        return "at most 4095 bytes";
    for (size_t i = 0; i < node->text.len; i++)
        if (rpw_utf8_control((struct rpw_span){node->text.ptr + i, node->text.len - i}) >= 0)
            return "one line of text without control characters";
    return NULL;
}

bool rpw_fields_check_text(struct rpw_loader *loader, const char *field, const struct rpw_yaml_node *node,
                           rpw_syntax_fn *form)
{
    const char *expected;

    if (!node || node->type == RPW_YAML_INVALID)
        return false;
    expected = check_is_text(node);
    if (!expected)
        expected = form(node->text);
    if (expected)
        rpw_report_error(loader->report, node->place, "%s: found %s, expected %s" OF_HINT, field,
                         rpw_fields_describe(loader, node), expected, HINT(hint_for(field, node)));
    return !expected;
}

bool rpw_fields_read_text(struct rpw_loader *loader, const char *field, const struct rpw_yaml_node *node,
                          rpw_syntax_fn *form, struct rpw_span *ret_text)
{
    struct rpw_span copy;

    if (!rpw_fields_check_text(loader, field, node, form))
        return false;
    copy = rpw_pool_copy(loader->result, node->text);
    if (!copy.ptr)
        return false;
    *ret_text = copy;
    return true;
}

bool rpw_fields_read_texts(struct rpw_loader *loader, const char *field, const struct rpw_yaml_node *node,
                           rpw_syntax_fn *form, struct rpw_span_list *ret_texts)
{
    struct rpw_span *texts;
    size_t count = 0;

    if (!rpw_fields_expect_list(loader, field, node))
        return false;
    if (node->count == 0) {
        rpw_report_error(loader->report, node->place,
                         "%s: found an empty list, expected at least one element; leave the key out for the default",
                         field);
        return false;
    }
    texts = rpw_pool_alloc(loader->result, node->count * sizeof(*texts));
    if (!texts)
        return false;
    for (size_t i = 0; i < node->count; i++)
        if (rpw_fields_read_text(loader, field, node->values[i], form, &texts[count]))
            count++;
    if (count < node->count)
        return false;
    *ret_texts = (struct rpw_span_list){texts, count};
    return true;
}

bool rpw_fields_read_bool(struct rpw_loader *loader, const char *field, const struct rpw_yaml_node *node,
                          bool *ret_bool)
{
    struct rpw_scalar scalar = {.type = RPW_SCALAR_TEXT};

    if (!node || node->type == RPW_YAML_INVALID)
        return false;
    if (node->type == RPW_YAML_SCALAR)
        scalar = rpw_scalar_resolve(node);
    if (scalar.type != RPW_SCALAR_BOOL) {
        rpw_report_error(loader->report, node->place, "%s: found %s, expected true or false, without quotes", field,
                         rpw_fields_describe(loader, node));
        return false;
    }
    *ret_bool = scalar.truth;
    return true;
}

bool rpw_fields_read_choice(struct rpw_loader *loader, const char *field, const struct rpw_yaml_node *node,
                            const char *const *words, size_t *ret_index)
{
    struct rpw_buffer expected = {.pool = loader->scratch};

    if (!node || node->type == RPW_YAML_INVALID)
        return false;
    for (size_t i = 0; words[i]; i++) {
        if (node->type == RPW_YAML_SCALAR && rpw_span_is(node->text, words[i])) {
            *ret_index = i;
            return true;
        }
        if (expected.len > 0)
            rpw_buffer_append(&expected, words[i + 1] ? RPW_LIT(", ") : RPW_LIT(" or "));
        rpw_buffer_append(&expected, rpw_span_of(words[i]));
    }
    rpw_report_error(loader->report, node->place, "%s: found %s, expected %.*s" OF_HINT, field,
                     rpw_fields_describe(loader, node), (int)expected.len, expected.ptr ? expected.ptr : "",
                     HINT(hint_for(field, node)));
    return false;
}
