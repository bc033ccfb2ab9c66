/* syntax_install.c - what source.pip and source.copy are given: requirements, arguments of pip, a URL.
 *
 * pip has the last word on a requirement, in the pod; here is refused what it would surely not understand, and what would
 * change the meaning of the others. Kubernetes expands $(NAME) in all that becomes an argument: that is how credentials get
 * into a URL, and a text with such a reference is not looked at more closely.
 */
#include <strings.h>

#include "syntax.h"

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_surrounded_by_spaces(struct rpw_span text)
{
    return text.len > 0 && (text.ptr[0] == ' ' || text.ptr[text.len - 1] == ' ');
}

bool rpw_syntax_is_version_controlled(struct rpw_span requirement)
{
    static const char *const prefixes[] = {"git+", "hg+", "svn+", "bzr+"};

    for (size_t at = 0; at < requirement.len; at++)
        for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
            size_t length = strlen(prefixes[i]);
            bool is_start = at == 0 || requirement.ptr[at - 1] == ' ' || requirement.ptr[at - 1] == '@';

            if (is_start && requirement.len - at >= length &&
                strncasecmp(requirement.ptr + at, prefixes[i], length) == 0)
                return true;
        }
    return false;
}

/* What follows the name of a project: nothing, extras, a version, a marker, a URL. */
static bool may_follow_a_name(struct rpw_span rest)
{
    while (rest.len > 0 && rest.ptr[0] == ' ') {
        rest.ptr++;
        rest.len--;
    }
    if (rest.len == 0 || memchr("[(<>;@", rest.ptr[0], 6))
        return true;
    return rest.len > 1 && memchr("=!~", rest.ptr[0], 3) && rest.ptr[1] == '=';
}

const char *rpw_syntax_requirement(struct rpw_span text)
{
    static const char expected[] = "a requirement in pip's notation, such as atlas-policy==1.2.3";
    size_t name_bytes = 0;

    if (text.len == 0 || is_surrounded_by_spaces(text))
        return expected;
    if (text.ptr[0] == '-')
        return "a requirement, such as atlas-policy==1.2.3; options of pip belong to args";
    if (text.ptr[0] == '/' || text.ptr[0] == '.' || rpw_span_contains(text, RPW_LIT("://")) ||
        rpw_span_contains(text, RPW_LIT("$(")))
        return NULL;
    while (name_bytes < text.len && (is_alphanumeric(text.ptr[name_bytes]) || memchr("-_.", text.ptr[name_bytes], 3)))
        name_bytes++;
    if (!is_alphanumeric(text.ptr[0]) ||
        !may_follow_a_name((struct rpw_span){text.ptr + name_bytes, text.len - name_bytes}))
        return expected;
    return NULL;
}

/* Whether argument is the option, alone or with =VALUE. */
static bool is_option(struct rpw_span argument, const char *option)
{
    struct rpw_span name = {argument.ptr, strlen(option)};

    return argument.len >= name.len && rpw_span_is(name, option) &&
           (argument.len == name.len || argument.ptr[name.len] == '=');
}

const char *rpw_syntax_pip_argument(struct rpw_span text)
{
    static const char *const taken[] = {"--target", "--prefix", "--root", "--user"};

    if (text.len == 0)
        return "an argument of pip, such as --pre";
    if (rpw_span_is(text, "--") || is_option(text, "--editable") || rpw_span_starts_with(text, RPW_LIT("-e")))
        return "an argument of pip; what is installed belongs to requirements";
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
        if (is_option(text, taken[i]))
            return "none of --target (-t), --prefix, --root and --user: where pip installs to is settled";
    return rpw_span_starts_with(text, RPW_LIT("-t"))
               ? "none of --target (-t), --prefix, --root and --user: where pip installs to is settled"
               : NULL;
}

const char *rpw_syntax_index_url(struct rpw_span text)
{
    static const char *const schemes[] = {"https://", "http://", "file:///", "$("};

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]) && !memchr(text.ptr, ' ', text.len); i++)
        if (rpw_span_starts_with(text, rpw_span_of(schemes[i])) && text.len > strlen(schemes[i]))
            return NULL;
    return "a URL such as https://pypi.example.org/simple";
}

const char *rpw_syntax_medium(struct rpw_span text)
{
    return text.len == 0 || rpw_span_is(text, "Memory") ? NULL : "Memory, or no medium, which is the node's disk";
}
