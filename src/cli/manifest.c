/* manifest.c - cuts a manifest into documents, and builds a document's tree from the YAML library's events.
 *
 * libfyaml can also keep a document and print it again, comments included. It was tried: what comes out has lost comments
 * and blank lines, and the indentation is another. So here the text itself is what is edited, and this tree is its map.
 */
#include "manifest.h"
#include "yaml.h"

#include <assert.h>
#include <libfyaml.h>

#include "utf8.h"

struct frame {
    struct rpw_manifest_node *node;
    size_t capacity;
    struct rpw_manifest_node *key; /* mapping: waits for its value */
};

struct anchor {
    struct rpw_span name;
    struct rpw_manifest_node *node;
};

struct composer {
    struct rpw_report *report;
    struct rpw_span document;
    size_t base; /* the document's offset in the text */
    struct rpw_manifest_node *root;
    struct frame frames[RPW_MANIFEST_MAX_DEPTH];
    size_t depth;
    struct anchor *anchors;
    size_t anchor_count, anchor_capacity;
    size_t last_end;
    bool has_failed;
};

/* --- documents ------------------------------------------------------------------------------------------------------- */

/* The line at the beginning of text, its end included. */
static size_t line_length(struct rpw_span text)
{
    const char *end = memchr(text.ptr, '\n', text.len);

    return end ? (size_t)(end - text.ptr) + 1 : text.len;
}

/* `---` and `...` at the beginning of a line are markers wherever they stand, in the middle of a text too (YAML 1.2, 9.1). */
static bool is_marker(struct rpw_span line, char c)
{
    if (line.len < 3 || line.ptr[0] != c || line.ptr[1] != c || line.ptr[2] != c)
        return false;
    return line.len == 3 || memchr(" \t\r\n", line.ptr[3], 4);
}

bool rpw_manifest_next(struct rpw_span *rest, struct rpw_span *ret_document)
{
    struct rpw_span text = *rest;
    size_t at = 0;

    if (text.len == 0)
        return false;
    while (at < text.len) {
        struct rpw_span line = {text.ptr + at, line_length((struct rpw_span){text.ptr + at, text.len - at})};

        if (at > 0 && is_marker(line, '-'))
            break;
        at += line.len;
        if (is_marker(line, '.'))
            break;
    }
    *ret_document = (struct rpw_span){text.ptr, at};
    *rest = (struct rpw_span){text.ptr + at, text.len - at};
    return true;
}

bool rpw_manifest_is_blank(struct rpw_span document)
{
    for (size_t at = 0; at < document.len;) {
        struct rpw_span line = {document.ptr + at, 0};
        size_t word = 0;

        line.len = line_length((struct rpw_span){line.ptr, document.len - at});
        at += line.len;
        if (is_marker(line, '-') || is_marker(line, '.'))
            word = 3;
        else if (line.ptr[0] == '%')
            continue;
        while (word < line.len && memchr(" \t\r\n", line.ptr[word], 4))
            word++;
        if (word < line.len && line.ptr[word] != '#')
            return false;
    }
    return true;
}

/* --- the tree -------------------------------------------------------------------------------------------------------- */

static bool fail(struct composer *composer, size_t offset, const char *message)
{
    rpw_report_error(composer->report, (struct rpw_place){offset, 0}, "%s", message);
    composer->has_failed = true;
    return false;
}

/* One more item at the end of an array in the pool. */
static void *append(struct rpw_pool *pool, void *items, size_t count, size_t *capacity, size_t item_size)
{
    if (count == *capacity) {
        size_t grown_capacity = count > 0 ? 2 * count : 4;
        void *grown = rpw_pool_alloc(pool, grown_capacity * item_size);

        if (grown && count > 0)
            memcpy(grown, items, count * item_size);
        items = grown;
        *capacity = grown_capacity;
    }
    return items;
}

static bool place_node(struct composer *composer, struct rpw_manifest_node *node)
{
    struct frame *frame = composer->depth > 0 ? &composer->frames[composer->depth - 1] : NULL;
    struct rpw_manifest_child *children;

    if (!frame) {
        composer->root = node;
        return true;
    }
    assert(frame->node);
    if (frame->node->type == RPW_MANIFEST_MAPPING && !frame->key) {
        if (node->type != RPW_MANIFEST_SCALAR)
            return fail(composer, node->start, "found a key that is no word, expected a word");
        frame->key = node;
        return true;
    }
    children =
        append(composer->report->pool, frame->node->children, frame->node->count, &frame->capacity, sizeof(*children));
    if (!children)
        return false;
    children[frame->node->count++] = (struct rpw_manifest_child){.key = frame->key, .value = node};
    frame->node->children = children;
    frame->key = NULL;
    return true;
}

static struct rpw_span token_text(struct fy_token *token)
{
    size_t length = 0;
    const char *text = token ? fy_token_get_text(token, &length) : NULL;

    return (struct rpw_span){text ? text : "", text ? length : 0};
}

static bool add_anchor(struct composer *composer, struct fy_token *token, struct rpw_manifest_node *node)
{
    struct anchor *anchors;

    if (!token)
        return true;
    anchors = append(composer->report->pool, composer->anchors, composer->anchor_count, &composer->anchor_capacity,
                     sizeof(*anchors));
    if (!anchors)
        return false;
    anchors[composer->anchor_count++] = (struct anchor){rpw_pool_copy(composer->report->pool, token_text(token)), node};
    composer->anchors = anchors;
    return true;
}

/* A value that is not there has no marks, or (libfyaml 0.8) some without anything between them. */
static bool is_absent(struct fy_event *event)
{
    const struct fy_mark *start = fy_event_start_mark(event), *end = fy_event_end_mark(event);

    if (!start || !end)
        return true;
    return event->type == FYET_SCALAR && event->scalar.value &&
           fy_token_scalar_style(event->scalar.value) == FYSS_PLAIN && start->input_pos == end->input_pos;
}

static struct rpw_manifest_node *new_node(struct composer *composer, enum rpw_manifest_type type,
                                          struct fy_event *event)
{
    const struct fy_mark *start = fy_event_start_mark(event), *end = fy_event_end_mark(event);
    struct rpw_manifest_node *node = rpw_pool_alloc(composer->report->pool, sizeof(*node));

    if (!node)
        return NULL;
    node->type = type;
    node->is_absent = is_absent(event);
    node->start = node->is_absent ? composer->last_end : composer->base + start->input_pos;
    node->end = node->is_absent ? composer->last_end : composer->base + end->input_pos;
    composer->last_end = node->end;
    return node;
}

/* The end of a text behind | or >: without the blank lines below it, unless it keeps them. */
static size_t block_end(const struct composer *composer, const struct rpw_manifest_node *node)
{
    const char *text = composer->report->text.ptr;
    bool is_kept = node->text.len > 1 && memcmp(node->text.ptr + node->text.len - 2, "\n\n", 2) == 0;
    size_t end = node->end;

    while (end > node->start && memchr(is_kept ? " \t" : " \t\r\n", text[end - 1], is_kept ? 2 : 4))
        end--;
    return is_kept && end > node->start ? end - 1 : end;
}

static bool on_scalar(struct composer *composer, struct fy_event *event)
{
    struct rpw_manifest_node *node = new_node(composer, RPW_MANIFEST_SCALAR, event);
    struct fy_token *token = event->scalar.value;
    enum fy_scalar_style style = token ? fy_token_scalar_style(token) : FYSS_PLAIN;

    if (!node)
        return false;
    node->text = rpw_pool_copy(composer->report->pool, token_text(token));
    if (event->scalar.tag)
        node->tag = rpw_pool_copy(composer->report->pool, token_text(event->scalar.tag));
    if (style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED) {
        node->style = RPW_MANIFEST_QUOTED;
        node->start--;
        node->end++;
    } else if (style == FYSS_LITERAL || style == FYSS_FOLDED) {
        node->style = RPW_MANIFEST_BLOCK;
        node->end = block_end(composer, node);
    }
    return add_anchor(composer, event->scalar.anchor, node) && place_node(composer, node);
}

static bool on_collection_start(struct composer *composer, struct fy_event *event)
{
    bool is_list = event->type == FYET_SEQUENCE_START;
    struct rpw_manifest_node *node = new_node(composer, is_list ? RPW_MANIFEST_LIST : RPW_MANIFEST_MAPPING, event);

    if (!node)
        return false;
    if (composer->depth == RPW_MANIFEST_MAX_DEPTH)
        return fail(composer, node->start, "found nesting deeper than 128 levels, expected less");
    node->style = fy_event_get_node_style(event) == FYNS_FLOW ? RPW_MANIFEST_FLOW : RPW_MANIFEST_PLAIN;
    composer->frames[composer->depth++] = (struct frame){.node = node};
    return add_anchor(composer, is_list ? event->sequence_start.anchor : event->mapping_start.anchor, node);
}

static bool on_collection_end(struct composer *composer, struct fy_event *event)
{
    struct rpw_manifest_node *node = composer->frames[--composer->depth].node;
    const struct fy_mark *end = fy_event_end_mark(event);

    assert(node);
    if (end)
        node->end = composer->base + end->input_pos;
    return place_node(composer, node);
}

static bool on_alias(struct composer *composer, struct fy_event *event)
{
    struct rpw_manifest_node *node = new_node(composer, RPW_MANIFEST_ALIAS, event);
    struct rpw_span name = token_text(event->alias.anchor);

    if (!node)
        return false;
    node->start--;
    for (size_t i = composer->anchor_count; i > 0 && !node->target; i--)
        if (rpw_span_equal(composer->anchors[i - 1].name, name))
            node->target = composer->anchors[i - 1].node;
    if (!node->target)
        return fail(composer, node->start, "found an alias without an anchor, expected one that stands earlier");
    return place_node(composer, node);
}

static bool on_event(struct composer *composer, struct fy_event *event)
{
    switch (event->type) {
    case FYET_SCALAR:
        return on_scalar(composer, event);
    case FYET_MAPPING_START:
    case FYET_SEQUENCE_START:
        return on_collection_start(composer, event);
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        return on_collection_end(composer, event);
    case FYET_ALIAS:
        return on_alias(composer, event);
    default:
        return true;
    }
}

/* --- the parser ------------------------------------------------------------------------------------------------------ */

/* The offset of a line (from 1) and column (from 1, in characters) of the document, as the library counts them. */
static size_t offset_of(struct rpw_span document, int line, int column)
{
    size_t at = 0;

    for (; line > 1 && at < document.len; line--)
        at += line_length((struct rpw_span){document.ptr + at, document.len - at});
    for (; column > 1 && at < document.len && document.ptr[at] != '\n'; column--) {
        size_t length = rpw_utf8_length((struct rpw_span){document.ptr + at, document.len - at});

        at += length > 0 ? length : 1;
    }
    return at;
}

static void report_syntax_error(struct composer *composer, struct fy_diag *diag)
{
    void *iterator = NULL;
    const struct fy_diag_error *error = fy_diag_errors_iterate(diag, &iterator);
    size_t offset = composer->last_end;

    while (error && error->type != FYET_ERROR)
        error = fy_diag_errors_iterate(diag, &iterator);
    if (error)
        offset = composer->base + offset_of(composer->document, error->line, error->column);
    rpw_report_error(composer->report, (struct rpw_place){offset, 0}, "this is not YAML: %s",
                     error ? error->msg : "it cannot be read on from here");
    composer->has_failed = true;
}

/* Bytes that a text may not hold, which the library would let pass. */
static bool check_bytes(struct composer *composer)
{
    for (size_t at = 0, length; at < composer->document.len; at += length) {
        struct rpw_span rest = {composer->document.ptr + at, composer->document.len - at};

        length = rpw_utf8_length(rest);
        if (length == 0)
            return fail(composer, composer->base + at, "this is not YAML: found bytes that are not UTF-8");
        if (rest.ptr[0] == '\0')
            return fail(composer, composer->base + at, "this is not YAML: found the character U+0000");
    }
    return true;
}

struct rpw_manifest_node *rpw_manifest_parse(struct rpw_report *report, struct rpw_span document)
{
    struct composer *composer = rpw_pool_alloc(report->pool, sizeof(*composer));
    struct fy_parse_cfg config = {.flags = FYPCF_QUIET | FYPCF_JSON_NONE | FYPCF_SLOPPY_FLOW_INDENTATION};
    struct fy_parser *parser = NULL;
    struct fy_event *event;
    bool is_wanted = true;

    if (!composer)
        return NULL;
    *composer =
        (struct composer){.report = report, .document = document, .base = (size_t)(document.ptr - report->text.ptr)};
    composer->last_end = composer->base;
    if (!check_bytes(composer))
        return NULL;
    config.diag = rpw_yaml_new_diag();
    parser = config.diag ? fy_parser_create(&config) : NULL;
    if (!parser || fy_parser_set_string(parser, document.ptr, document.len) != 0) {
        report->pool->has_failed = true;
        goto out;
    }
    while (is_wanted && (event = fy_parser_parse(parser)) != NULL) {
        is_wanted = on_event(composer, event);
        fy_parser_event_free(parser, event);
    }
    if (is_wanted && fy_parser_get_stream_error(parser))
        report_syntax_error(composer, config.diag);
out:
    fy_parser_destroy(parser);
    fy_diag_destroy(config.diag);
    return composer->has_failed || report->pool->has_failed ? NULL : composer->root;
}
