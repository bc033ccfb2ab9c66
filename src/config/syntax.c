/* syntax.c - names, globs, paths: what is well-formed, and what to say when it is not.
 *
 * The rules for labels and names are those of k8s.io/apimachinery (validation.go); the rules for paths follow from what
 * happens to them: ':' separates PYTHONPATH, and the kubelet expands "$(NAME)" and "$$" in the value of a variable but
 * not in a mountPath.
 */
#include "syntax.h"

#include "rpw/review/policy.h"

#define MAX_LABEL_NAME_BYTES 63
#define MAX_MODULE_BYTES 255
#define MAX_VO_BYTES 63

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alphanumeric(char c)
{
    return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z');
}

const char *rpw_syntax_policy_name(struct rpw_span text)
{
    return rpw_span_is_dns_label(text, RPW_DNS_MAX_LABEL_BYTES)
               ? NULL
               : "1 to 63 lower case letters, digits and '-', with a letter or digit at both ends";
}

const char *rpw_syntax_name_glob(struct rpw_span text)
{
    size_t fixed_count = 0;

    if (text.len == 0)
        return "a name, or a pattern such as atlas-*";
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (!is_lower(c) && !is_digit(c) && c != '-' && c != '*' && c != '?')
            return "lower case letters, digits and '-' as in a Kubernetes name, and the wildcards '*' and '?'";
        if (c != '*')
            fixed_count++;
    }
    if (fixed_count > RPW_DNS_MAX_LABEL_BYTES)
        return "a pattern that a Kubernetes name of at most 63 characters can match";
    if (text.ptr[0] == '-' || text.ptr[text.len - 1] == '-')
        return "a letter, a digit or a wildcard at both ends, as no Kubernetes name begins or ends with '-'";
    return NULL;
}

const char *rpw_syntax_image_glob(struct rpw_span text)
{
    if (text.len == 0 || text.ptr[0] == '/' || text.ptr[text.len - 1] == '/')
        return "an image such as rucio-server or rucio/probes, or a pattern such as atlas-rucio-*";
    for (size_t i = 0; i < text.len; i++)
        if (!is_alphanumeric(text.ptr[i]) && memchr("._-/:@*?", text.ptr[i], 8) == NULL)
            return "letters, digits and \"._-/:@\" as in an image's reference, and the wildcards '*' and '?'";
    return NULL;
}

static bool is_python_keyword(struct rpw_span word)
{
    static const char *const keywords[] = {
        "False", "None",     "True",  "and",    "as",   "assert", "async",  "await",    "break",
        "class", "continue", "def",   "del",    "elif", "else",   "except", "finally",  "for",
        "from",  "global",   "if",    "import", "in",   "is",     "lambda", "nonlocal", "not",
        "or",    "pass",     "raise", "return", "try",  "while",  "with",   "yield",
    };

    for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
        if (rpw_span_is(word, keywords[i]))
            return true;
    return false;
}

static bool is_python_identifier(struct rpw_span word)
{
    if (word.len == 0 || is_digit(word.ptr[0]))
        return false;
    for (size_t i = 0; i < word.len; i++)
        if (!is_alphanumeric(word.ptr[i]) && word.ptr[i] != '_')
            return false;
    return true;
}

const char *rpw_syntax_python_module(struct rpw_span text)
{
    struct rpw_span rest = text, word;

    if (text.len > MAX_MODULE_BYTES)
        return "a module name of at most 255 characters";
    while (rpw_span_next_element(&rest, '.', &word)) {
        if (!is_python_identifier(word))
            return "the name that Python imports, such as atlas_rucio_policy_package: letters, digits and '_', "
                   "not beginning with a digit";
        if (is_python_keyword(word))
            return "the name that Python imports, and no word of the language";
    }
    return NULL;
}

const char *rpw_syntax_vo(struct rpw_span text)
{
    static const char expected[] = "the short name of a VO: 1 to 63 letters, digits and '_'";

    if (text.len == 0 || text.len > MAX_VO_BYTES)
        return expected;
    for (size_t i = 0; i < text.len; i++)
        if (!is_alphanumeric(text.ptr[i]) && text.ptr[i] != '_')
            return expected;
    return NULL;
}

const char *rpw_syntax_version(struct rpw_span text)
{
    return text.len > 0 ? NULL : "some text, or no version at all";
}

/* Elements between slashes: none empty, ".", "..". */
static const char *check_elements(struct rpw_span text)
{
    struct rpw_span rest = text, element;

    while (rpw_span_next_element(&rest, '/', &element)) {
        if (element.len == 0)
            return "one '/' between two directories";
        if (rpw_span_is(element, ".") || rpw_span_is(element, ".."))
            return "a path without '.' and '..'";
    }
    return NULL;
}

static const char *check_expansion(struct rpw_span text)
{
    if (rpw_span_contains(text, RPW_LIT("$(")) || rpw_span_contains(text, RPW_LIT("$$")))
        return "neither '$(' nor '$$', which Kubernetes would replace";
    return NULL;
}

static const char *check_absolute_path(struct rpw_span path)
{
    if (path.len == 0 || path.ptr[0] != '/')
        return "an absolute path, such as /opt/rucio/policy";
    if (path.len == 1)
        return "a directory below '/', such as /opt/rucio/policy";
    return check_elements((struct rpw_span){path.ptr + 1, path.len - 1});
}

const char *rpw_syntax_copy_path(struct rpw_span text)
{
    struct rpw_span path = rpw_span_without_trailing_slashes(text);
    const char *expected = check_absolute_path(path);

    if (expected)
        return expected;
    if (rpw_span_is(path, RPW_INSTALL_PATH) || rpw_span_starts_with(path, RPW_LIT(RPW_INSTALL_PATH "/")))
        return "a directory outside of " RPW_INSTALL_PATH ", where the volume is mounted that it is copied to";
    return check_expansion(path);
}

const char *rpw_syntax_sub_path(struct rpw_span text)
{
    if (text.len == 0)
        return "a directory of the volume, or no subPath at all";
    if (text.ptr[0] == '/')
        return "a path that is relative to the volume's root";
    return check_elements(rpw_span_without_trailing_slashes(text));
}

const char *rpw_syntax_image_python_path(struct rpw_span text)
{
    struct rpw_span rest = text, element;

    if (text.len == 0)
        return NULL;
    while (rpw_span_next_element(&rest, ':', &element))
        if (element.len == 0)
            return "no empty element, which would stand for the working directory";
    return check_expansion(text);
}

/* Letters, digits, '-', '_' and '.', with a letter or digit at both ends. */
static bool is_qualified_name(struct rpw_span text)
{
    if (text.len == 0 || text.len > MAX_LABEL_NAME_BYTES || !is_alphanumeric(text.ptr[0]) ||
        !is_alphanumeric(text.ptr[text.len - 1]))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!is_alphanumeric(text.ptr[i]) && !memchr("-_.", text.ptr[i], 3))
            return false;
    return true;
}

const char *rpw_syntax_label_key(struct rpw_span text)
{
    const char *slash = text.len > 0 ? memchr(text.ptr, '/', text.len) : NULL;
    struct rpw_span name = text;

    if (slash) {
        size_t prefix_length = (size_t)(slash - text.ptr);

        if (!rpw_span_is_dns_name((struct rpw_span){text.ptr, prefix_length}, RPW_DNS_MAX_NAME_BYTES))
            return "a label key whose part before '/' is a domain name in lower case";
        name = (struct rpw_span){slash + 1, text.len - prefix_length - 1};
    }
    return is_qualified_name(name)
               ? NULL
               : "a label key: 1 to 63 letters, digits, '-', '_' and '.', with a letter or digit at "
                 "both ends, and at most one prefix such as example.org/";
}

const char *rpw_syntax_label_value(struct rpw_span text)
{
    return text.len == 0 || is_qualified_name(text)
               ? NULL
               : "a label value: at most 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends";
}

const char *rpw_syntax_volume_source(struct rpw_span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_alphanumeric(text.ptr[i]))
            return "the name of a Kubernetes volume source, such as persistentVolumeClaim";
    return text.len > 0 && is_lower(text.ptr[0])
               ? NULL
               : "the name of a Kubernetes volume source, such as persistentVolumeClaim";
}
