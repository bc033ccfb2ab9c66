/* condition.c - evaluates while it parses: a grammar of six rules needs no tree.
 *
 *     or    = and { "||" and }          and = unit { "&&" unit }
 *     unit  = "(" or ")" | "has(" path ")" | list ".exists(" variable "," or ")" | variable ".name" test
 *     test  = "==" text | "in" "[" texts "]" | ".startsWith(" text ")"
 */
#include "condition.h"

#include <ctype.h>

#define MAX_NESTING 32

enum list { LIST_CONTAINERS, LIST_INIT_CONTAINERS };

struct parser {
    struct rpw_span rest;
    struct rpw_condition_pod pod;
    struct rpw_span variable; /* inside of exists(): the container's name in the expression */
    struct rpw_span name;     /* inside of exists(): the name of the container that it stands for; absent: another */
    unsigned nesting;
    bool has_failed;
};

static enum rpw_condition_answer parse_or(struct parser *parser);

static enum rpw_condition_answer give_up(struct parser *parser)
{
    parser->has_failed = true;
    return RPW_CONDITION_NOT_UNDERSTOOD;
}

static void skip(struct parser *parser, size_t len)
{
    parser->rest.ptr += len;
    parser->rest.len -= len;
}

static void skip_space(struct parser *parser)
{
    while (parser->rest.len > 0 && isspace((unsigned char)*parser->rest.ptr))
        skip(parser, 1);
}

/* Takes token if it comes next. */
static bool take(struct parser *parser, const char *token)
{
    skip_space(parser);
    if (!rpw_span_starts_with(parser->rest, rpw_span_of(token)))
        return false;
    skip(parser, strlen(token));
    return true;
}

static bool take_identifier(struct parser *parser, struct rpw_span *ret_text)
{
    size_t len = 0;

    skip_space(parser);
    while (len < parser->rest.len && (isalnum((unsigned char)parser->rest.ptr[len]) || parser->rest.ptr[len] == '_'))
        len++;
    if (len == 0)
        return false;
    *ret_text = (struct rpw_span){parser->rest.ptr, len};
    skip(parser, len);
    return true;
}

/* A text in quotes, without escapes. */
static bool take_text(struct parser *parser, struct rpw_span *ret_text)
{
    const char *end;
    char quote;

    skip_space(parser);
    if (parser->rest.len == 0 || (*parser->rest.ptr != '\'' && *parser->rest.ptr != '"'))
        return false;
    quote = *parser->rest.ptr;
    end = memchr(parser->rest.ptr + 1, quote, parser->rest.len - 1);
    if (end == NULL)
        return false;
    *ret_text = (struct rpw_span){parser->rest.ptr + 1, (size_t)(end - parser->rest.ptr) - 1};
    skip(parser, ret_text->len + 2);
    return memchr(ret_text->ptr, '\\', ret_text->len) == NULL;
}

/* --- a container's name ------------------------------------------------------------------------------------------------ */

/* The part of a glob before its first wildcard; all of it: it matches one name only. */
static size_t literal_len(struct rpw_span glob)
{
    size_t len = 0;

    while (len < glob.len && glob.ptr[len] != '*' && glob.ptr[len] != '?')
        len++;
    return len;
}

static bool is_surely(struct rpw_span glob, struct rpw_span text)
{
    return glob.ptr != NULL && literal_len(glob) == glob.len && rpw_span_equal(glob, text);
}

static bool surely_starts_with(struct rpw_span glob, struct rpw_span prefix)
{
    return glob.ptr != NULL && literal_len(glob) >= prefix.len && rpw_span_starts_with(glob, prefix);
}

static enum rpw_condition_answer answer(bool is_true)
{
    return is_true ? RPW_CONDITION_TRUE : RPW_CONDITION_FALSE;
}

static enum rpw_condition_answer parse_in(struct parser *parser)
{
    struct rpw_span text;
    bool is_listed = false;

    if (!take(parser, "["))
        return give_up(parser);
    do {
        if (!take_text(parser, &text))
            return give_up(parser);
        is_listed = is_listed || is_surely(parser->name, text);
    } while (take(parser, ","));
    return take(parser, "]") ? answer(is_listed) : give_up(parser);
}

static enum rpw_condition_answer parse_name_test(struct parser *parser)
{
    struct rpw_span variable, text;

    if (!take_identifier(parser, &variable) || !rpw_span_equal(variable, parser->variable) || !take(parser, ".name"))
        return give_up(parser);
    if (take(parser, "==") && take_text(parser, &text))
        return answer(is_surely(parser->name, text));
    if (take(parser, ".startsWith(") && take_text(parser, &text) && take(parser, ")"))
        return answer(surely_starts_with(parser->name, text));
    if (take(parser, "in "))
        return parse_in(parser);
    return give_up(parser);
}

/* --- lists of containers --------------------------------------------------------------------------------------------- */

/* ret_is_optional: written so that a list that is not there is an empty one. */
static bool take_list(struct parser *parser, enum list *ret_list, bool *ret_is_optional)
{
    *ret_is_optional = take(parser, "object.spec.?initContainers.orValue([])");
    *ret_list = LIST_INIT_CONTAINERS;
    if (*ret_is_optional || take(parser, "object.spec.initContainers"))
        return true;
    *ret_list = LIST_CONTAINERS;
    return take(parser, "object.spec.containers");
}

static bool is_there(const struct parser *parser, enum list list)
{
    return list == LIST_CONTAINERS || parser->pod.is_init;
}

static enum rpw_condition_answer parse_has(struct parser *parser)
{
    enum list list;
    bool is_optional;

    if (!take_list(parser, &list, &is_optional) || is_optional || !take(parser, ")"))
        return give_up(parser);
    return answer(is_there(parser, list));
}

static enum rpw_condition_answer parse_exists(struct parser *parser)
{
    enum rpw_condition_answer result;
    bool is_optional;
    enum list list;

    if (!take_list(parser, &list, &is_optional) || !take(parser, ".exists(") ||
        !take_identifier(parser, &parser->variable) || !take(parser, ","))
        return give_up(parser);
    parser->name =
        (list == LIST_INIT_CONTAINERS) == parser->pod.is_init ? parser->pod.name : (struct rpw_span){NULL, 0};
    result = parse_or(parser);
    parser->variable = (struct rpw_span){NULL, 0};
    if (!take(parser, ")"))
        return give_up(parser);
    if (is_there(parser, list) || parser->has_failed)
        return result;
    return is_optional ? RPW_CONDITION_FALSE : RPW_CONDITION_ERROR;
}

/* --- logic ------------------------------------------------------------------------------------------------------------ */

static enum rpw_condition_answer parse_brackets(struct parser *parser)
{
    enum rpw_condition_answer result = RPW_CONDITION_NOT_UNDERSTOOD;

    if (++parser->nesting <= MAX_NESTING)
        result = parse_or(parser);
    parser->nesting--;
    return result != RPW_CONDITION_NOT_UNDERSTOOD && take(parser, ")") ? result : give_up(parser);
}

static enum rpw_condition_answer parse_unit(struct parser *parser)
{
    if (parser->has_failed)
        return RPW_CONDITION_NOT_UNDERSTOOD;
    if (take(parser, "("))
        return parse_brackets(parser);
    if (parser->variable.ptr != NULL)
        return parse_name_test(parser);
    return take(parser, "has(") ? parse_has(parser) : parse_exists(parser);
}

/* CEL's && and || do not care which side an error is on: it only counts when the other side does not settle it. */
static enum rpw_condition_answer combine(enum rpw_condition_answer a, enum rpw_condition_answer b,
                                         enum rpw_condition_answer settles)
{
    if (a == settles || b == settles)
        return settles;
    return a == RPW_CONDITION_ERROR ? a : b;
}

static enum rpw_condition_answer parse_and(struct parser *parser)
{
    enum rpw_condition_answer result = parse_unit(parser);

    while (!parser->has_failed && take(parser, "&&"))
        result = combine(result, parse_unit(parser), RPW_CONDITION_FALSE);
    return result;
}

static enum rpw_condition_answer parse_or(struct parser *parser)
{
    enum rpw_condition_answer result = parse_and(parser);

    while (!parser->has_failed && take(parser, "||"))
        result = combine(result, parse_and(parser), RPW_CONDITION_TRUE);
    return result;
}

enum rpw_condition_answer rpw_condition_evaluate(struct rpw_span expression, struct rpw_condition_pod pod,
                                                 struct rpw_span *ret_rest)
{
    struct parser parser = {.rest = expression, .pod = pod};
    enum rpw_condition_answer result = parse_or(&parser);

    skip_space(&parser);
    if (!parser.has_failed && parser.rest.len == 0)
        return result;
    *ret_rest = parser.rest;
    return RPW_CONDITION_NOT_UNDERSTOOD;
}
