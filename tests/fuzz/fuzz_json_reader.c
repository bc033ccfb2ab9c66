/* fuzz_json_reader.c - the JSON reader against jansson, and its two ways through a text against each other.
 *
 * Any bytes are a text. Skipping and walking must agree to the byte; jansson must accept what we accept and refuse what we
 * refuse, and every string and every key must decode to the same bytes. The differences that are meant, each handled as
 * narrowly as it can be told:
 *
 *   - We stop at RPW_MAX_JSON_DEPTH levels, jansson at 2048: a text that is too deep for us is not compared.
 *   - A number beyond 64 bits or beyond a double is good JSON, and an error to jansson (numeric overflow).
 *   - A key that holds \u0000 is good JSON, and an error to jansson (null byte in key).
 *   - A NUL byte is nowhere allowed; jansson loses one that stands directly behind a number, and goes on. We must refuse.
 *   - Of a key that occurs twice jansson keeps the last value: what is below such an object is walked but not compared.
 */
#include <stdalign.h>
#include <stdint.h>

#include <jansson.h>

#include "check.h"
#include "rpw/bytes/json_reader.h"
#include "rpw/bytes/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static alignas(max_align_t) char arena_region[1U << 20];
static struct rpw_arena arena;

static struct rpw_json_reader reader_of(struct rpw_span text)
{
    struct rpw_json_reader reader;

    rpw_arena_reset(&arena);
    rpw_json_reader_init(&reader, &arena, text);
    return reader;
}

static bool walk(struct rpw_json_reader *reader, json_t *expected);

/* How many members the object has that the reader is about to enter; looked up on a copy, the reader stays where it is. */
static size_t count_members(struct rpw_json_reader reader)
{
    struct rpw_span key;
    size_t count = 0;

    CHECK(rpw_json_enter_object(&reader, "object"));
    for (; rpw_json_next_member(&reader, &key); count++)
        CHECK(rpw_json_skip(&reader));
    CHECK(reader.err.status == RPW_OK);
    return count;
}

static json_t *get_member(json_t *object, struct rpw_span key)
{
    char name[1U << 16];

    CHECK(key.len < sizeof(name));
    if (key.len > 0)
        memcpy(name, key.ptr, key.len);
    name[key.len] = '\0';
    return json_object_get(object, name);
}

static bool walk_object(struct rpw_json_reader *reader, json_t *expected)
{
    struct rpw_span key;
    bool is_comparable = expected != NULL && count_members(*reader) == json_object_size(expected);

    if (!rpw_json_enter_object(reader, "object"))
        return false;
    while (rpw_json_next_member(reader, &key)) {
        json_t *member = expected != NULL ? get_member(expected, key) : NULL;
        CHECK(expected == NULL || member != NULL);
        if (!walk(reader, is_comparable ? member : NULL))
            return false;
    }
    return reader->err.status == RPW_OK;
}

static bool walk_array(struct rpw_json_reader *reader, json_t *expected)
{
    size_t count = 0;

    if (!rpw_json_enter_array(reader, "array"))
        return false;
    for (; rpw_json_next_element(reader); count++)
        if (!walk(reader, json_array_get(expected, count)))
            return false;
    CHECK(expected == NULL || reader->err.status != RPW_OK || count == json_array_size(expected));
    return reader->err.status == RPW_OK;
}

/* Consumes one value, whatever it is; expected is jansson's, NULL when there is nothing to compare with. */
static bool walk(struct rpw_json_reader *reader, json_t *expected)
{
    struct rpw_span string;
    bool value;

    switch (rpw_json_peek(reader)) {
    case RPW_JSON_OBJECT:
        CHECK(expected == NULL || json_is_object(expected));
        return walk_object(reader, expected);
    case RPW_JSON_ARRAY:
        CHECK(expected == NULL || json_is_array(expected));
        return walk_array(reader, expected);
    case RPW_JSON_STRING:
        if (!rpw_json_read_string(reader, "string", &string))
            return false;
        CHECK(expected == NULL || (json_string_length(expected) == string.len &&
                                   memcmp(json_string_value(expected), string.ptr, string.len) == 0));
        return true;
    case RPW_JSON_BOOL:
        if (!rpw_json_read_bool(reader, "bool", &value))
            return false;
        CHECK(expected == NULL || (value ? json_is_true(expected) : json_is_false(expected)));
        return true;
    case RPW_JSON_NULL:
        CHECK(expected == NULL || json_is_null(expected));
        return rpw_json_take_null(reader);
    case RPW_JSON_NUMBER:
        CHECK(expected == NULL || json_is_number(expected));
        return rpw_json_read_raw(reader, &string);
    case RPW_JSON_NOTHING:
        break;
    }
    return rpw_json_skip(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rpw_span text = {(const char *)data, size};
    json_error_t error;

    if (arena.base == NULL)
        rpw_arena_init(&arena, arena_region, sizeof(arena_region));

    struct rpw_json_reader skipper = reader_of(text);
    bool is_accepted = rpw_json_skip(&skipper) && rpw_json_finish(&skipper);
    json_t *oracle = json_loadb((const char *)data, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    struct rpw_json_reader walker = reader_of(text);
    bool is_walked = walk(&walker, is_accepted ? oracle : NULL) && rpw_json_finish(&walker);

    CHECK(is_accepted == (skipper.err.status == RPW_OK));
    CHECK(is_walked == is_accepted);
    CHECK(walker.err.status == skipper.err.status);
    CHECK(walker.err.offset == skipper.err.offset);
    CHECK(skipper.err.offset <= size);
    if (size > 0 && memchr(data, '\0', size) != NULL)
        CHECK(!is_accepted);
    else if (skipper.err.status == RPW_E_DEPTH || oracle != NULL)
        CHECK(skipper.err.status == RPW_E_DEPTH || is_accepted);
    else if (json_error_code(&error) != json_error_numeric_overflow &&
             json_error_code(&error) != json_error_null_byte_in_key)
        CHECK(!is_accepted);
    json_decref(oracle);
    return 0;
}
