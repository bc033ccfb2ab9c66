/* json_match.c - walks ours, and looks each thing up in theirs; then walks theirs for what ours has not. Recursion is as
 * deep as ours, which the configuration bounds; time is |ours| * |theirs| at most, linear in what came over the network. */
#include "rpw/inject/json_match.h"

#include "rpw/bytes/json_reader.h"
#include "rpw/bytes/quantity.h"

struct matching {
    struct rpw_arena *arena;
    bool is_recorded;
    bool has_no_memory;
};

static bool value_matches(struct matching *matching, struct rpw_span ours, struct rpw_span theirs, bool is_quantity);

static struct rpw_json_reader open_value(struct matching *matching, struct rpw_span text)
{
    struct rpw_json_reader reader;

    rpw_json_reader_init(&reader, matching->arena, text);
    return reader;
}

/* Well-formed text can fail to be read for one reason only. */
static void close_value(struct matching *matching, const struct rpw_json_reader *reader)
{
    if (reader->err.status != RPW_OK)
        matching->has_no_memory = true;
}

static enum rpw_json_type type_of(struct matching *matching, struct rpw_span text)
{
    struct rpw_json_reader reader = open_value(matching, text);

    return rpw_json_peek(&reader);
}

static bool is_left_to_default(struct rpw_span ours)
{
    return rpw_span_is(ours, "null") || rpw_span_is(ours, "\"\"");
}

/* Whether value says nothing: null, "", false, 0, and what holds nothing else. */
static bool is_empty(struct matching *matching, struct rpw_span value)
{
    struct rpw_json_reader reader = open_value(matching, value);
    struct rpw_quantity number;
    bool is_something = false;
    struct rpw_span key;

    switch (rpw_json_peek(&reader)) {
    case RPW_JSON_OBJECT:
        rpw_json_enter_object(&reader, "");
        while (!is_something && rpw_json_next_member(&reader, &key))
            is_something = !rpw_json_take_null(&reader);
        close_value(matching, &reader);
        return !is_something;
    case RPW_JSON_ARRAY:
        rpw_json_enter_array(&reader, "");
        return !rpw_json_next_element(&reader);
    case RPW_JSON_NUMBER:
        return rpw_quantity_parse(value, &number) && number.mantissa == 0;
    default:
        return rpw_span_is(value, "false") || is_left_to_default(value);
    }
}

/* What k8s.io/kubernetes/pkg/apis/core/v1/defaults.go sets in a volume; NULL: it depends on other fields. */
static const struct volume_default {
    const char *key;
    const char *value;
} volume_defaults[] = {
    {"defaultMode", "420"},
    {"expirationSeconds", "3600"},
    {"apiVersion", "\"v1\""},
    {"pullPolicy", NULL},
    {"divisor", "\"0\""},
    {"volumeMode", "\"Filesystem\""},
    {"fsType", NULL},
    {"cachingMode", "\"ReadWrite\""},
    {"kind", "\"Shared\""},
    {"iscsiInterface", "\"default\""},
    {"pool", "\"rbd\""},
    {"user", "\"admin\""},
    {"keyring", "\"/etc/ceph/keyring\""},
    {"storageMode", "\"ThinProvisioned\""},
};

static bool is_default(struct matching *matching, struct rpw_span key, struct rpw_span value)
{
    if (matching->is_recorded || is_empty(matching, value))
        return true;
    for (size_t i = 0; i < sizeof(volume_defaults) / sizeof(volume_defaults[0]); i++)
        if (rpw_span_is(key, volume_defaults[i].key))
            return volume_defaults[i].value == NULL || rpw_span_is(value, volume_defaults[i].value);
    return false;
}

/* The raw value of key in an object, and how often the key is there. */
static size_t find_member(struct matching *matching, struct rpw_span object, struct rpw_span key,
                          struct rpw_span *ret_value)
{
    struct rpw_json_reader reader = open_value(matching, object);
    struct rpw_span candidate;
    size_t count = 0;

    rpw_json_enter_object(&reader, "");
    while (rpw_json_next_member(&reader, &candidate)) {
        if (rpw_span_equal(candidate, key)) {
            rpw_json_read_raw(&reader, ret_value);
            count++;
        } else {
            rpw_json_skip(&reader);
        }
    }
    close_value(matching, &reader);
    return count;
}

static bool holds_quantity(struct rpw_span key)
{
    return rpw_span_is(key, "sizeLimit") || rpw_span_is(key, "divisor");
}

static bool holds_quantities(struct rpw_span key)
{
    return rpw_span_is(key, "requests") || rpw_span_is(key, "limits");
}

/* Whether each key of ours is in theirs with a matching value, or may be missing there. */
static bool has_all_of_ours(struct matching *matching, struct rpw_span ours, struct rpw_span theirs, bool is_top,
                            bool is_quantity)
{
    struct rpw_json_reader reader = open_value(matching, ours);
    struct rpw_span key, our_value, their_value;
    bool matches = true;

    rpw_json_enter_object(&reader, "");
    while (matches && rpw_json_next_member(&reader, &key) && rpw_json_read_raw(&reader, &our_value)) {
        switch (find_member(matching, theirs, key, &their_value)) {
        case 0:
            matches = !is_top && (matching->is_recorded || is_empty(matching, our_value));
            break;
        case 1:
            if (is_left_to_default(our_value) && is_default(matching, key, their_value))
                break;
            matches = value_matches(matching, our_value, their_value,
                                    is_quantity || holds_quantity(key) || holds_quantities(key));
            break;
        default:
            matches = false;
        }
    }
    close_value(matching, &reader);
    return matches;
}

/* Whether each key of theirs that ours has not is there by default. */
static bool adds_only_defaults(struct matching *matching, struct rpw_span ours, struct rpw_span theirs, bool is_top)
{
    struct rpw_json_reader reader = open_value(matching, theirs);
    struct rpw_span key, value, ignored;
    bool matches = true;

    rpw_json_enter_object(&reader, "");
    while (matches && rpw_json_next_member(&reader, &key) && rpw_json_read_raw(&reader, &value)) {
        if (find_member(matching, ours, key, &ignored) == 0)
            matches =
                is_top ? rpw_span_is(key, "name") || rpw_span_is(value, "null") : is_default(matching, key, value);
    }
    close_value(matching, &reader);
    return matches;
}

static bool object_matches(struct matching *matching, struct rpw_span ours, struct rpw_span theirs, bool is_top,
                           bool is_quantity)
{
    return has_all_of_ours(matching, ours, theirs, is_top, is_quantity) &&
           adds_only_defaults(matching, ours, theirs, is_top);
}

static bool array_matches(struct matching *matching, struct rpw_span ours, struct rpw_span theirs)
{
    struct rpw_json_reader our_reader = open_value(matching, ours), their_reader = open_value(matching, theirs);
    struct rpw_span our_item, their_item;
    bool we_have_more, they_have_more, matches = true;

    rpw_json_enter_array(&our_reader, "");
    rpw_json_enter_array(&their_reader, "");
    do {
        we_have_more = rpw_json_next_element(&our_reader) && rpw_json_read_raw(&our_reader, &our_item);
        they_have_more = rpw_json_next_element(&their_reader) && rpw_json_read_raw(&their_reader, &their_item);
        if (we_have_more && they_have_more)
            matches = value_matches(matching, our_item, their_item, false);
    } while (matches && we_have_more && they_have_more);
    close_value(matching, &our_reader);
    close_value(matching, &their_reader);
    return matches && we_have_more == they_have_more;
}

/* A scalar's content: the text of a string without quotes and escapes, or the value's own text. */
static struct rpw_span scalar_text(struct matching *matching, struct rpw_span value)
{
    struct rpw_json_reader reader = open_value(matching, value);

    if (rpw_json_peek(&reader) == RPW_JSON_STRING)
        rpw_json_read_string(&reader, "", &value);
    close_value(matching, &reader);
    return value;
}

static bool value_matches(struct matching *matching, struct rpw_span ours, struct rpw_span theirs, bool is_quantity)
{
    enum rpw_json_type our_type = type_of(matching, ours), their_type = type_of(matching, theirs);
    struct rpw_quantity our_number, their_number;

    if (our_type == RPW_JSON_OBJECT)
        return their_type == RPW_JSON_OBJECT && object_matches(matching, ours, theirs, false, is_quantity);
    if (our_type == RPW_JSON_ARRAY)
        return their_type == RPW_JSON_ARRAY && array_matches(matching, ours, theirs);
    if (our_type != their_type && !is_quantity)
        return false;

    struct rpw_span our_text = scalar_text(matching, ours), their_text = scalar_text(matching, theirs);
    if (rpw_span_equal(our_text, their_text))
        return true;
    return (is_quantity || our_type == RPW_JSON_NUMBER) && rpw_quantity_parse(our_text, &our_number) &&
           rpw_quantity_parse(their_text, &their_number) && rpw_quantity_equal(our_number, their_number);
}

enum rpw_status rpw_json_match(struct rpw_arena *arena, struct rpw_span ours, struct rpw_span theirs, bool is_recorded,
                               bool *ret_matches)
{
    struct matching matching = {.arena = arena, .is_recorded = is_recorded};
    bool matches = object_matches(&matching, ours, theirs, true, false);

    if (matching.has_no_memory)
        return RPW_E_NOMEM;
    *ret_matches = matches;
    return RPW_OK;
}
