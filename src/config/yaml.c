/* yaml.c - drives the YAML library's parser; yaml_tree.c makes nodes of its events. */
#include "yaml.h"

#include <libfyaml.h>

#include "hints.h"
#include "utf8.h"
#include "yaml_tree.h"

const struct rpw_yaml_limits rpw_yaml_policy_limits = {.depth = RPW_YAML_MAX_DEPTH,
                                                       .elements = RPW_YAML_MAX_ELEMENTS,
                                                       .anchors = RPW_YAML_MAX_ANCHORS,
                                                       .expanded_bytes = RPW_YAML_MAX_EXPANDED_BYTES};

/* The offset of a line (from 1) and column (from 1, in characters), as the library counts them. What is missing at the
 * end of the file is shown behind the last thing that is there. */
static size_t offset_of(struct rpw_span text, int line, int column)
{
    size_t at = 0;

    for (; line > 1 && at < text.len; at++)
        if (text.ptr[at] == '\n')
            line--;
    for (; column > 1 && at < text.len && text.ptr[at] != '\n'; column--)
        at += rpw_utf8_length((struct rpw_span){text.ptr + at, text.len - at});
    while (at == text.len && text.len > 0 && memchr(" \t\r\n", text.ptr[text.len - 1], 4))
        at = --text.len;
    return at;
}

/* The library has stopped at last_end or behind it. It knows some errors that it gives no reason for ("a: |0"). */
static void report_syntax_error(struct rpw_report *report, struct rpw_span text, struct fy_diag *diag, size_t last_end)
{
    size_t base = (size_t)(text.ptr - report->text.ptr);
    void *iterator = NULL;
    const struct fy_diag_error *error = fy_diag_errors_iterate(diag, &iterator);

    while (error && error->type != FYET_ERROR)
        error = fy_diag_errors_iterate(diag, &iterator);
    if (error) {
        size_t offset = base + offset_of(text, error->line, error->column);
        const char *hint = rpw_hint_for_syntax(report->text, offset);

        rpw_report_error(report, (struct rpw_place){offset, 0}, "this is not YAML: %s%s%s", error->msg,
                         hint ? "; " : "", hint ? hint : "");
    } else
        rpw_report_error(report, (struct rpw_place){last_end, 0}, "this is not YAML: it cannot be read on from here");
}

const struct rpw_yaml_node *rpw_yaml_find(const struct rpw_yaml_node *node, const char *key)
{
    if (!node || node->type != RPW_YAML_MAPPING)
        return NULL;
    for (size_t i = 0; i < node->count; i++)
        if (rpw_span_is(node->keys[i]->text, key))
            return node->values[i];
    return NULL;
}

/* Collects what the library finds wrong instead of printing it. */
static struct fy_diag *new_diag(void)
{
    struct fy_diag_cfg config;
    struct fy_diag *diag;

    fy_diag_cfg_default(&config);
    config.fp = NULL;
    diag = fy_diag_create(&config);
    if (diag)
        fy_diag_set_collect_errors(diag, true);
    return diag;
}

const struct rpw_yaml_node *rpw_yaml_parse(struct rpw_pool *pool, struct rpw_report *report, struct rpw_span text,
                                           const struct rpw_yaml_limits *limits)
{
    struct rpw_yaml_composer *composer =
        rpw_yaml_composer_new(pool, report, (size_t)(text.ptr - report->text.ptr), limits);
    /* Sloppy: go-yaml, and JSON as people print it, do not care in which column a bracket closes. */
    struct fy_parse_cfg config = {.flags = FYPCF_QUIET | FYPCF_JSON_NONE | FYPCF_SLOPPY_FLOW_INDENTATION,
                                  .diag = new_diag()};
    struct fy_parser *parser = config.diag ? fy_parser_create(&config) : NULL;
    struct fy_event *event;
    bool is_wanted = true;

    if (!composer || !parser || fy_parser_set_string(parser, text.ptr, text.len) != 0) {
        pool->has_failed = true;
        goto out;
    }
    while (is_wanted && (event = fy_parser_parse(parser)) != NULL) {
        is_wanted = rpw_yaml_compose(composer, event);
        fy_parser_event_free(parser, event);
    }
    if (is_wanted && fy_parser_get_stream_error(parser)) {
        report_syntax_error(report, text, config.diag, rpw_yaml_composer_last_end(composer));
        is_wanted = false;
    }
out:
    fy_parser_destroy(parser);
    fy_diag_destroy(config.diag);
    return is_wanted && !pool->has_failed ? rpw_yaml_composer_root(composer) : NULL;
}
