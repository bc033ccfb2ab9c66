/* json_reader.h - a strict pull reader over JSON text: the one parser of bytes that come from the network.
 *
 * It accepts exactly RFC 8259: UTF-8 without BOM, one value and nothing but white space after it, no control characters in
 * strings, numbers by the grammar, surrogates (\uD800 and up) only in pairs. Nesting is limited to RPW_MAX_JSON_DEPTH.
 * It copies nothing: a string is a span of the text itself, and only one that holds an escape is decoded into the arena.
 *
 *     rpw_json_enter_object(r, "metadata");
 *     while (rpw_json_next_member(r, &key)) {
 *         if (rpw_span_is(key, "name"))
 *             rpw_json_read_string(r, "metadata.name", &name);
 *         else
 *             rpw_json_skip(r);
 *     }
 *     if (r->err.status != RPW_OK) ...
 *
 * Errors are sticky: the first one is kept in err, and from then on every function returns false and consumes nothing, so
 * callers check once, after their loop. Each member or element must be consumed (read, skipped or entered and left to its
 * end) before the next is asked for. A key is reported as often as it occurs; who cares about repetition checks it.
 *
 * Threads: one reader, one thread. Memory: text is borrowed; spans live as long as it and the arena do.
 */
#ifndef RPW_JSON_READER_H
#define RPW_JSON_READER_H

#include <stdbool.h>

#include "rpw/bytes/arena.h"
#include "rpw/bytes/status.h"
#include "rpw/bytes/text.h"

enum rpw_json_type {
    RPW_JSON_NOTHING, /* the end of the text, a byte that begins no value, or a reader that has failed */
    RPW_JSON_OBJECT,
    RPW_JSON_ARRAY,
    RPW_JSON_STRING,
    RPW_JSON_NUMBER,
    RPW_JSON_BOOL,
    RPW_JSON_NULL,
};

struct rpw_json_reader {
    const char *start;
    const char *at;
    const char *end;
    struct rpw_arena *arena; /* for decoded strings; never NULL */
    unsigned depth;
    bool is_first; /* nothing of the innermost object or array has been consumed yet */
    struct rpw_err err;
};

void rpw_json_reader_init(struct rpw_json_reader *reader, struct rpw_arena *arena, struct rpw_span text);

/* The type of the value that comes next, by its first byte; consumes nothing but white space. */
enum rpw_json_type rpw_json_peek(struct rpw_json_reader *reader);

/* The readers of one value. field names the value in an error ("request.uid"): a string constant.
 * Another type than the one asked for is RPW_E_SHAPE, at the value's offset. ret_* is set only on success. */
bool rpw_json_enter_object(struct rpw_json_reader *reader, const char *field);
bool rpw_json_enter_array(struct rpw_json_reader *reader, const char *field);
bool rpw_json_read_string(struct rpw_json_reader *reader, const char *field, struct rpw_span *ret_string);
bool rpw_json_read_bool(struct rpw_json_reader *reader, const char *field, bool *ret_bool);

/* Goes to the next member of the object, or element of the array, that was entered last. False at its end, which is then
 * consumed, and on failure. */
bool rpw_json_next_member(struct rpw_json_reader *reader, struct rpw_span *ret_key);
bool rpw_json_next_element(struct rpw_json_reader *reader);

/* Consumes the next value if it is null; otherwise returns false and consumes nothing. */
bool rpw_json_take_null(struct rpw_json_reader *reader);

/* Consumes any value, however deep, in one pass and without recursion, and checks every byte of it. */
bool rpw_json_skip(struct rpw_json_reader *reader);

/* As skip; ret_text is the value's own text, without the white space around it. */
bool rpw_json_read_raw(struct rpw_json_reader *reader, struct rpw_span *ret_text);

/* True when nothing but white space is left. */
bool rpw_json_finish(struct rpw_json_reader *reader);

/* The offset of the next byte that is not white space. */
size_t rpw_json_offset(struct rpw_json_reader *reader);

/* Fails with RPW_E_SHAPE, for callers that find a well-formed value unfit. Always returns false. */
bool rpw_json_fail(struct rpw_json_reader *reader, size_t offset, const char *field, const char *expected,
                   const char *found);

/* Fails with RPW_E_NOMEM, for callers that keep what they read in the arena. Always returns false. */
bool rpw_json_fail_no_memory(struct rpw_json_reader *reader);

#endif
