/* syntax_image.c - a reference to an image, [domain[:port]/]path[:tag][@digest], by the grammar of
 * github.com/distribution/reference, which the kubelet reads it with. The apiserver takes any text, and no pod starts.
 */
#include "syntax.h"

#define MAX_PATH_BYTES 255
#define MAX_TAG_BYTES 128

static const char hexadecimal[] = "0123456789abcdef";

static bool is_lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alphanumeric(char c)
{
    return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}

static bool has_only(struct rpw_span text, const char *characters)
{
    for (size_t i = 0; i < text.len; i++)
        if (!memchr(characters, text.ptr[i], strlen(characters)))
            return false;
    return text.len > 0;
}

/* Lower case letters and digits, with one of ".", "_", "__", "-", "--", ... between two of them. */
static bool is_path_element(struct rpw_span element)
{
    size_t run = 0; /* of separators before i */

    if (element.len == 0 || !is_lower_or_digit(element.ptr[0]) || !is_lower_or_digit(element.ptr[element.len - 1]))
        return false;
    for (size_t i = 0; i < element.len; i++) {
        char c = element.ptr[i];

        if (is_lower_or_digit(c))
            run = 0;
        else if (!memchr("._-", c, 3) || (run > 0 && c != element.ptr[i - 1]) || (run == 1 && c == '.') ||
                 (run == 2 && c == '_'))
            return false;
        else
            run++;
    }
    return true;
}

static bool is_path(struct rpw_span path)
{
    struct rpw_span rest = path, element;

    while (rpw_span_next_element(&rest, '/', &element))
        if (!is_path_element(element))
            return false;
    return path.len > 0 && path.len <= MAX_PATH_BYTES;
}

/* Whether what stands before the first slash is a registry, and not the beginning of the path. */
static bool names_registry(struct rpw_span first)
{
    if (first.len == 0 || rpw_span_is(first, "localhost") || first.ptr[0] == '[')
        return true;
    for (size_t i = 0; i < first.len; i++)
        if (first.ptr[i] == '.' || first.ptr[i] == ':' || (first.ptr[i] >= 'A' && first.ptr[i] <= 'Z'))
            return true;
    return false;
}

static bool is_host(struct rpw_span host)
{
    struct rpw_span rest = host, label;

    if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
        return has_only((struct rpw_span){host.ptr + 1, host.len - 2}, "0123456789abcdefABCDEF:");
    while (rpw_span_next_element(&rest, '.', &label)) {
        if (label.len == 0 || label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
            return false;
        for (size_t i = 0; i < label.len; i++)
            if (!is_alphanumeric(label.ptr[i]) && label.ptr[i] != '-')
                return false;
    }
    return host.len > 0;
}

static bool is_registry(struct rpw_span registry)
{
    const char *colon = registry.len > 0 ? memrchr(registry.ptr, ':', registry.len) : NULL;
    struct rpw_span port;

    if (!colon || registry.ptr[registry.len - 1] == ']')
        return is_host(registry);
    port = (struct rpw_span){colon + 1, registry.len - (size_t)(colon + 1 - registry.ptr)};
    return has_only(port, "0123456789") && is_host((struct rpw_span){registry.ptr, (size_t)(colon - registry.ptr)});
}

static bool is_name(struct rpw_span name)
{
    const char *slash = name.len > 0 ? memchr(name.ptr, '/', name.len) : NULL;
    struct rpw_span registry = {name.ptr, slash ? (size_t)(slash - name.ptr) : 0};

    if (!slash || !names_registry(registry))
        return is_path(name);
    return is_registry(registry) && is_path((struct rpw_span){slash + 1, name.len - registry.len - 1});
}

static bool is_tag(struct rpw_span tag)
{
    for (size_t i = 0; i < tag.len; i++)
        if (!is_alphanumeric(tag.ptr[i]) && tag.ptr[i] != '_' && (i == 0 || !memchr(".-", tag.ptr[i], 2)))
            return false;
    return tag.len > 0 && tag.len <= MAX_TAG_BYTES;
}

static bool is_digest(struct rpw_span digest)
{
    static const struct {
        const char *prefix;
        size_t digits;
    } algorithms[] = {{"sha256:", 64}, {"sha384:", 96}, {"sha512:", 128}};

    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        size_t prefix_length = strlen(algorithms[i].prefix);

        if (rpw_span_starts_with(digest, rpw_span_of(algorithms[i].prefix)))
            return digest.len == prefix_length + algorithms[i].digits &&
                   has_only((struct rpw_span){digest.ptr + prefix_length, algorithms[i].digits}, hexadecimal);
    }
    return false;
}

/* Cuts *text at at; returns what follows that byte. */
static struct rpw_span cut(struct rpw_span *text, const char *at)
{
    struct rpw_span after = {at + 1, text->len - (size_t)(at + 1 - text->ptr)};

    text->len = (size_t)(at - text->ptr);
    return after;
}

const char *rpw_syntax_image(struct rpw_span text)
{
    struct rpw_span name = text;
    const char *at = text.len > 0 ? memchr(text.ptr, '@', text.len) : NULL, *slash, *colon;

    if (at && !is_digest(cut(&name, at)))
        return "a digest such as sha256: with 64 hexadecimal digits in lower case behind '@'";
    slash = name.len > 0 ? memrchr(name.ptr, '/', name.len) : NULL;
    colon = name.len > 0 ? memchr(slash ? slash : name.ptr, ':', name.len - (slash ? (size_t)(slash - name.ptr) : 0))
                         : NULL;
    if (colon && colon > name.ptr && !is_tag(cut(&name, colon)))
        return "a tag of at most 128 letters, digits, '_', '.' and '-' behind ':'";
    return is_name(name) ? NULL : "a container image, such as registry.example.org/atlas-policy:1.2.3";
}
