/* yaml_tree.c - builds the tree from the parser's events.
 *
 * A stack of open collections, a list of anchors, and pointers:
 *
 *     - {name: a, source: &s {..}}          list -> mapping -> name -> scalar
 *     - {name: b, source: *s}                    -> mapping -> source -> (the same node as above)
 *
 * What the library could do itself it does in a way that does not suit: its own mappings have no place, resolving copies
 * whatever an alias stands for (seven levels of nine aliases become 39 MB of JSON), and the first duplicate key ends it.
 */
#include "yaml_tree.h"

#include <libfyaml.h>

struct frame {
    struct rpw_yaml_node *node;
    size_t capacity;
    const struct rpw_yaml_node *key; /* mapping: waits for its value */
    size_t expanded_before;
    bool has_merge;
};

struct anchor {
    struct rpw_span name;
    const struct rpw_yaml_node *node;
};

struct rpw_yaml_composer {
    struct rpw_pool *pool;
    struct rpw_report *report;
    const struct rpw_yaml_limits *limits;
    size_t base; /* of the library's text in the report's */
    struct frame frames[RPW_YAML_DEEPEST];
    size_t depth;
    struct anchor *anchors;
    size_t anchor_count, anchor_capacity;
    const struct rpw_yaml_node *root;
    size_t document_count;
    size_t expanded_bytes;
    size_t last_end; /* where the last token ended: the place of what is not there */
};

struct rpw_yaml_composer *rpw_yaml_composer_new(struct rpw_pool *pool, struct rpw_report *report, size_t base,
                                                const struct rpw_yaml_limits *limits)
{
    struct rpw_yaml_composer *composer = rpw_pool_alloc(pool, sizeof(*composer));

    if (composer) {
        composer->pool = pool;
        composer->report = report;
        composer->base = composer->last_end = base;
        composer->limits = limits;
    }
    return composer;
}

size_t rpw_yaml_composer_last_end(const struct rpw_yaml_composer *composer)
{
    return composer->last_end;
}

const struct rpw_yaml_node *rpw_yaml_composer_root(const struct rpw_yaml_composer *composer)
{
    return composer->root;
}

static bool is_merge_key(const struct rpw_yaml_node *key)
{
    return key->is_plain && !key->tag.ptr && rpw_span_is(key->text, "<<");
}

/* One more pair or element; false when it is one too many, or there is no memory. */
static bool append(struct rpw_yaml_composer *composer, struct frame *frame, const struct rpw_yaml_node *key,
                   const struct rpw_yaml_node *value)
{
    struct rpw_yaml_node *node = frame->node;

    if (node->count == composer->limits->elements) {
        rpw_report_error(composer->report, key ? key->place : value->place,
                         "found more than %zu elements in one list or mapping, expected fewer",
                         composer->limits->elements);
        return false;
    }
    if (node->count == frame->capacity) {
        size_t capacity = frame->capacity ? 2 * frame->capacity : 4;
        const struct rpw_yaml_node **grown = rpw_pool_alloc(composer->pool, 2 * capacity * sizeof(*grown));

        if (!grown)
            return false;
        for (size_t i = 0; i < node->count; i++) {
            grown[i] = node->keys[i];
            grown[capacity + i] = node->values[i];
        }
        node->keys = grown;
        node->values = grown + capacity;
        frame->capacity = capacity;
    }
    node->keys[node->count] = key;
    node->values[node->count++] = value;
    if (value->height >= node->height)
        node->height = value->height + 1;
    return true;
}

static const struct rpw_yaml_node *find_key(const struct rpw_yaml_node *mapping, struct rpw_span key)
{
    for (size_t i = 0; i < mapping->count; i++)
        if (rpw_span_equal(mapping->keys[i]->text, key))
            return mapping->keys[i];
    return NULL;
}

/* A pair of a mapping has come. What is wrong with its key costs the pair, not the file. */
static bool add_pair(struct rpw_yaml_composer *composer, struct frame *frame, const struct rpw_yaml_node *value)
{
    const struct rpw_yaml_node *key = frame->key, *first;

    frame->key = NULL;
    if (key->type == RPW_YAML_INVALID)
        return true;
    if (key->type != RPW_YAML_SCALAR) {
        rpw_report_error(composer->report, key->place, "found a %s as a key, expected a word",
                         key->type == RPW_YAML_LIST ? "list" : "mapping");
        return true;
    }
    if (is_merge_key(key)) {
        frame->has_merge = true;
        return append(composer, frame, key, value);
    }
    first = find_key(frame->node, key->text);
    if (first) {
        rpw_report_error(
            composer->report, key->place, "found the key %s again, expected it once (the first is in line %zu)",
            rpw_report_quote(composer->report, key->text, 60), rpw_report_line(composer->report, first->place.offset));
        return true;
    }
    return append(composer, frame, key, value);
}

/* Puts a finished node, or an open collection, where it belongs. */
static bool place_node(struct rpw_yaml_composer *composer, const struct rpw_yaml_node *node)
{
    struct frame *frame = composer->depth > 0 ? &composer->frames[composer->depth - 1] : NULL;

    if (!frame) {
        composer->root = node;
        return true;
    }
    if (frame->node->type == RPW_YAML_LIST)
        return append(composer, frame, NULL, node);
    if (!frame->key) {
        frame->key = node;
        return true;
    }
    return add_pair(composer, frame, node);
}

static bool count_bytes(struct rpw_yaml_composer *composer, struct rpw_place place, size_t bytes)
{
    composer->expanded_bytes += bytes;
    if (composer->expanded_bytes <= composer->limits->expanded_bytes)
        return true;
    rpw_report_error(composer->report, place, "found aliases that stand for more than %zu MiB in all, expected less",
                     composer->limits->expanded_bytes / (1024 * 1024));
    return false;
}

static struct rpw_yaml_node *new_node(struct rpw_yaml_composer *composer, enum rpw_yaml_type type,
                                      struct rpw_place place)
{
    struct rpw_yaml_node *node = rpw_pool_alloc(composer->pool, sizeof(*node));

    if (!node)
        return NULL;
    node->type = type;
    node->place = place;
    node->expanded_bytes = 1;
    node->height = 1;
    return node;
}

static struct rpw_span token_text(struct fy_token *token)
{
    size_t length = 0;
    const char *text = token ? fy_token_get_text(token, &length) : NULL;

    return (struct rpw_span){text ? text : "", text ? length : 0};
}

/* Where a value is missing: behind what came last, or at the dash of its own list element. */
static struct rpw_place missing_place(const struct rpw_yaml_composer *composer)
{
    struct rpw_span text = composer->report->text;
    size_t at = composer->last_end;
    bool is_in_list;

    while (at < text.len && memchr(" \t\r\n", text.ptr[at], 4))
        at++;
    is_in_list = composer->depth > 0 && composer->frames[composer->depth - 1].node->type == RPW_YAML_LIST;
    return (struct rpw_place){is_in_list && at < text.len && text.ptr[at] == '-' ? at : composer->last_end, 0};
}

/* Where the event's token is. Quotes are outside of a token's marks, and a value that is not there has none, or (libfyaml 0.8)
 * some without anything between them. */
static struct rpw_place event_place(const struct rpw_yaml_composer *composer, struct fy_event *event)
{
    const struct fy_mark *start = fy_event_start_mark(event), *end = fy_event_end_mark(event);
    struct fy_token *token = fy_event_get_token(event);
    enum fy_scalar_style style = event->type == FYET_SCALAR && token ? fy_token_scalar_style(token) : FYSS_ANY;
    struct rpw_place place;

    if (!start || !end)
        return event->type == FYET_SCALAR ? missing_place(composer) : (struct rpw_place){composer->last_end, 0};
    place = (struct rpw_place){composer->base + start->input_pos, end->input_pos - start->input_pos};
    if (style == FYSS_PLAIN && place.length == 0)
        return missing_place(composer);
    if (style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED) {
        place.offset -= 1;
        place.length += 2;
    } else if (event->type == FYET_ALIAS) {
        place.offset -= 1;
        place.length += 1;
    }
    return place;
}

static bool register_anchor(struct rpw_yaml_composer *composer, struct fy_token *token,
                            const struct rpw_yaml_node *node)
{
    if (!token)
        return true;
    if (composer->anchor_count == composer->limits->anchors) {
        rpw_report_error(composer->report, node->place, "found more than %zu anchors, expected fewer",
                         composer->limits->anchors);
        return false;
    }
    if (composer->anchor_count == composer->anchor_capacity) {
        size_t capacity = 2 * composer->anchor_capacity + 8;
        struct anchor *grown = rpw_pool_alloc(composer->pool, capacity * sizeof(*grown));

        if (!grown)
            return false;
        if (composer->anchor_count > 0)
            memcpy(grown, composer->anchors, composer->anchor_count * sizeof(*grown));
        composer->anchors = grown;
        composer->anchor_capacity = capacity;
    }
    composer->anchors[composer->anchor_count++] =
        (struct anchor){rpw_pool_copy(composer->pool, token_text(token)), node};
    return true;
}

/* A tag asks for a type that we would not honour. */
static void refuse_tag(struct rpw_yaml_composer *composer, struct fy_token *tag, const struct rpw_yaml_node *node)
{
    static const struct rpw_span standard = {"tag:yaml.org,2002:", sizeof("tag:yaml.org,2002:") - 1};
    struct rpw_span name = token_text(tag);
    bool is_standard = rpw_span_starts_with(name, standard);

    if (is_standard)
        name = (struct rpw_span){name.ptr + standard.len, name.len - standard.len};
    rpw_report_error(composer->report, node->place,
                     "found the tag %s%.*s, expected none: put a text in quotes and leave all else plain",
                     is_standard ? "!!" : "", name.len < 60 ? (int)name.len : 60, name.ptr);
}

/* A line end in quotes, at raw[at], and the white space around it: a space, or a line end less than there are. */
static size_t fold(struct rpw_span raw, size_t at, char *text, size_t *len)
{
    size_t line_ends = 0;

    while (*len > 0 && memchr(" \t", text[*len - 1], 2))
        (*len)--;
    for (; at < raw.len && memchr(" \t\r\n", raw.ptr[at], 4); at++)
        line_ends += raw.ptr[at] == '\n';
    if (line_ends == 1)
        text[(*len)++] = ' ';
    for (; line_ends > 1; line_ends--)
        text[(*len)++] = '\n';
    return at;
}

/* The text in single quotes. The library (0.7.12) reads 'a''''b' as a''', without the b. Absent: no memory. */
static struct rpw_span single_quoted_text(const struct rpw_yaml_composer *composer, struct rpw_place place)
{
    struct rpw_span raw = {composer->report->text.ptr + place.offset + 1, place.length - 2};
    char *text = rpw_pool_alloc(composer->pool, raw.len + 1);
    size_t len = 0;

    for (size_t at = 0; text && at < raw.len;) {
        if (raw.ptr[at] == '\n' || raw.ptr[at] == '\r') {
            at = fold(raw, at, text, &len);
            continue;
        }
        text[len++] = raw.ptr[at];
        at += raw.ptr[at] == '\'' ? 2 : 1;
    }
    return (struct rpw_span){text, len};
}

/* Whether a line of a text behind > begins with a tab: the library (0.7.12) folds it as no other reader does. */
static bool is_misread(const struct rpw_yaml_composer *composer, struct fy_token *token, struct rpw_place place)
{
    struct rpw_span raw = {composer->report->text.ptr + place.offset, place.length};
    bool is_begin = false;

    for (size_t i = 0; token && fy_token_scalar_style(token) == FYSS_FOLDED && i < raw.len; i++) {
        if (is_begin && raw.ptr[i] == '\t')
            return true;
        is_begin = raw.ptr[i] == '\n' || (is_begin && raw.ptr[i] == ' ');
    }
    return false;
}

static bool on_scalar(struct rpw_yaml_composer *composer, struct fy_event *event, struct rpw_place place)
{
    struct rpw_yaml_node *node = new_node(composer, RPW_YAML_SCALAR, place);
    struct fy_token *token = event->scalar.value;

    if (!node)
        return false;
    node->text = token && fy_token_scalar_style(token) == FYSS_SINGLE_QUOTED
                     ? single_quoted_text(composer, place)
                     : rpw_pool_copy(composer->pool, token_text(token));
    if (!node->text.ptr)
        return false;
    if (is_misread(composer, token, place))
        rpw_report_error(composer->report, place, "found a tab at the beginning of a line behind '>', expected '|'");
    node->is_plain = !token || fy_token_scalar_style(token) == FYSS_PLAIN;
    node->expanded_bytes = 1 + node->text.len;
    if (event->scalar.tag && composer->limits->is_go) {
        node->tag = rpw_pool_copy(composer->pool, token_text(event->scalar.tag));
    } else if (event->scalar.tag) {
        refuse_tag(composer, event->scalar.tag, node);
        node->type = RPW_YAML_INVALID;
    }
    return register_anchor(composer, event->scalar.anchor, node) &&
           count_bytes(composer, place, node->expanded_bytes) && place_node(composer, node);
}

static bool on_collection_start(struct rpw_yaml_composer *composer, struct fy_event *event, struct rpw_place place)
{
    bool is_list = event->type == FYET_SEQUENCE_START;
    struct fy_token *tag = is_list ? event->sequence_start.tag : event->mapping_start.tag;
    struct rpw_yaml_node *node = new_node(composer, is_list ? RPW_YAML_LIST : RPW_YAML_MAPPING, place);

    if (!node)
        return false;
    if (composer->depth == composer->limits->depth) {
        rpw_report_error(composer->report, place, "found nesting deeper than %zu levels, expected less",
                         composer->limits->depth);
        return false;
    }
    node->is_open = true;
    composer->frames[composer->depth++] = (struct frame){.node = node, .expanded_before = composer->expanded_bytes};
    if (tag && !composer->limits->is_go)
        refuse_tag(composer, tag, node);
    return register_anchor(composer, is_list ? event->sequence_start.anchor : event->mapping_start.anchor, node) &&
           count_bytes(composer, place, 1);
}

/* The pair, instead of one with this key that is there already. */
static bool set_pair(struct rpw_yaml_composer *composer, struct frame *frame, const struct rpw_yaml_node *key,
                     const struct rpw_yaml_node *value)
{
    for (size_t i = 0; i < frame->node->count; i++)
        if (rpw_span_equal(frame->node->keys[i]->text, key->text)) {
            frame->node->keys[i] = key;
            frame->node->values[i] = value;
            if (value->height >= frame->node->height)
                frame->node->height = value->height + 1;
            return true;
        }
    return append(composer, frame, key, value);
}

static bool merge_mapping(struct rpw_yaml_composer *composer, struct frame *frame, const struct rpw_yaml_node *source)
{
    if (source->type == RPW_YAML_INVALID)
        return true;
    if (source->type != RPW_YAML_MAPPING) {
        rpw_report_error(composer->report, source->place,
                         "found a %s after '<<', expected a mapping or a list of mappings",
                         source->type == RPW_YAML_LIST ? "list in a list" : "scalar");
        return true;
    }
    for (size_t i = 0; i < source->count; i++)
        if (!set_pair(composer, frame, source->keys[i], source->values[i]))
            return false;
    return true;
}

/* Of several mappings the first wins, so it comes last. */
static bool merge_value(struct rpw_yaml_composer *composer, struct frame *frame, const struct rpw_yaml_node *value)
{
    if (value->type != RPW_YAML_LIST)
        return merge_mapping(composer, frame, value);
    for (size_t i = value->count; i > 0; i--)
        if (!merge_mapping(composer, frame, value->values[i - 1]))
            return false;
    return true;
}

/* `<<` brings the pairs of other mappings in: by the letter of YAML as if it stood in front of all others, in go-yaml where
 * it stands. */
static bool merge_all(struct rpw_yaml_composer *composer, struct frame *frame)
{
    const struct rpw_yaml_node written = *frame->node;
    bool is_fine = true, is_in_order = composer->limits->is_go;

    frame->node->count = frame->capacity = 0;
    for (size_t i = written.count; is_fine && !is_in_order && i > 0; i--)
        if (is_merge_key(written.keys[i - 1]))
            is_fine = merge_value(composer, frame, written.values[i - 1]);
    for (size_t i = 0; is_fine && i < written.count; i++) {
        if (!is_merge_key(written.keys[i]))
            is_fine = set_pair(composer, frame, written.keys[i], written.values[i]);
        else if (is_in_order)
            is_fine = merge_value(composer, frame, written.values[i]);
    }
    return is_fine;
}

static bool on_collection_end(struct rpw_yaml_composer *composer)
{
    struct frame *frame = &composer->frames[composer->depth - 1];
    struct rpw_yaml_node *node = frame->node;

    if (frame->has_merge && !merge_all(composer, frame))
        return false;
    node->is_open = false;
    node->expanded_bytes = composer->expanded_bytes - frame->expanded_before;
    composer->depth--;
    return place_node(composer, node);
}

static bool on_alias(struct rpw_yaml_composer *composer, struct fy_event *event, struct rpw_place place)
{
    struct rpw_span name = token_text(event->alias.anchor);
    const struct rpw_yaml_node *target = NULL;

    for (size_t i = composer->anchor_count; i > 0 && !target; i--)
        if (rpw_span_equal(composer->anchors[i - 1].name, name))
            target = composer->anchors[i - 1].node;

    if (target && !target->is_open) {
        if (composer->depth + target->height > composer->limits->depth) {
            rpw_report_error(composer->report, place, "found nesting deeper than %zu levels, expected less",
                             composer->limits->depth);
            return false;
        }
        return count_bytes(composer, place, target->expanded_bytes) && place_node(composer, target);
    }
    rpw_report_error(composer->report, place,
                     target ? "found the alias %s inside of what it stands for, expected it after the end of that"
                            : "found the alias %s, expected one whose anchor stands earlier in the file",
                     rpw_report_quote(composer->report, name, 60));
    target = new_node(composer, RPW_YAML_INVALID, place);
    return target && place_node(composer, target);
}

bool rpw_yaml_compose(struct rpw_yaml_composer *composer, struct fy_event *event)
{
    struct rpw_place place = event_place(composer, event);

    composer->last_end = place.offset + place.length;
    if (event->type == FYET_DOCUMENT_START)
        composer->document_count++;
    switch (event->type) {
    case FYET_SCALAR:
    case FYET_MAPPING_START:
    case FYET_SEQUENCE_START:
        if (composer->document_count > 1) {
            rpw_report_error(composer->report, place, "found a second YAML document, expected one per file");
            return false;
        }
        return event->type == FYET_SCALAR ? on_scalar(composer, event, place)
                                          : on_collection_start(composer, event, place);
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        return on_collection_end(composer);
    case FYET_ALIAS:
        return on_alias(composer, event, place);
    default:
        return true;
    }
}
