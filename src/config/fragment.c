/* fragment.c - a Kubernetes object from YAML to JSON text, as kubectl would send it.
 *
 * Numbers are carried as text from end to end: 0644 becomes 420, 0.1 stays 0.1. Keys are sorted, so that the text is at
 * the same time the canonical form that the revision is computed from.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "scalar.h"
#include "sections.h"

#define MAX_INTEGER_BYTES 24

static void render_scalar(struct rpw_loader *loader, const char *field, const struct rpw_yaml_node *node,
                          struct rpw_buffer *out)
{
    struct rpw_scalar scalar = rpw_scalar_resolve(node);
    char digits[MAX_INTEGER_BYTES];

    switch (scalar.type) {
    case RPW_SCALAR_TEXT:
        rpw_buffer_append_json(out, node->text);
        break;
    case RPW_SCALAR_NULL:
        rpw_buffer_append(out, RPW_LIT("null"));
        break;
    case RPW_SCALAR_BOOL:
        rpw_buffer_append(out, scalar.truth ? RPW_LIT("true") : RPW_LIT("false"));
        break;
    case RPW_SCALAR_INTEGER:
        snprintf(digits, sizeof(digits), "%s%" PRIu64, scalar.is_negative && scalar.magnitude > 0 ? "-" : "",
                 scalar.magnitude);
        rpw_buffer_append(out, rpw_span_of(digits));
        break;
    case RPW_SCALAR_FLOAT:
        rpw_buffer_append(out, node->text);
        break;
    case RPW_SCALAR_BAD_BOOL:
        rpw_report_error(
            loader->report, node->place,
            "%s: found %s, which some take for a boolean and some for text, expected true or false, or quotes", field,
            rpw_report_quote(loader->report, node->text, 60));
        break;
    case RPW_SCALAR_BAD_NUMBER:
        rpw_report_error(loader->report, node->place,
                         "%s: found %s, which is not a number everywhere, expected one such as 8 or 0.5, or quotes",
                         field, rpw_report_quote(loader->report, node->text, 60));
        break;
    }
}

static const char *any_key(struct rpw_span text)
{
    return text.len > 0 ? NULL : "a key";
}

struct member {
    const struct rpw_yaml_node *key;
    const struct rpw_yaml_node *value;
};

static int by_key(const void *left, const void *right)
{
    struct rpw_span a = ((const struct member *)left)->key->text, b = ((const struct member *)right)->key->text;
    int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static void render_mapping(struct rpw_loader *loader, const char *field, const struct rpw_yaml_node *node,
                           struct rpw_buffer *out)
{
    struct member *members = rpw_pool_alloc(loader->scratch, node->count * sizeof(*members));

    if (!members)
        return;
    for (size_t i = 0; i < node->count; i++)
        members[i] = (struct member){node->keys[i], node->values[i]};
    if (node->count > 0)
        qsort(members, node->count, sizeof(*members), by_key);

    rpw_buffer_append_char(out, '{');
    for (size_t i = 0; i < node->count; i++) {
        rpw_fields_check_text(loader, field, members[i].key, any_key);
        if (i > 0)
            rpw_buffer_append_char(out, ',');
        rpw_buffer_append_json(out, members[i].key->text);
        rpw_buffer_append_char(out, ':');
        rpw_fragment_render(loader, field, members[i].value, out);
    }
    rpw_buffer_append_char(out, '}');
}

/* As deep as the YAML tree, which has a limit. */
void rpw_fragment_render(struct rpw_loader *loader, const char *field, const struct rpw_yaml_node *node,
                         struct rpw_buffer *out)
{
    switch (node->type) {
    case RPW_YAML_SCALAR:
        render_scalar(loader, field, node, out);
        break;
    case RPW_YAML_MAPPING:
        render_mapping(loader, field, node, out);
        break;
    case RPW_YAML_LIST:
        rpw_buffer_append_char(out, '[');
        for (size_t i = 0; i < node->count; i++) {
            if (i > 0)
                rpw_buffer_append_char(out, ',');
            rpw_fragment_render(loader, field, node->values[i], out);
        }
        rpw_buffer_append_char(out, ']');
        break;
    case RPW_YAML_INVALID:
        break;
    }
}
