/* syntax_image.c - a reference to an image, [domain[:port]/]path[:tag][@digest], by the grammar of
 * github.com/distribution/reference, which the kubelet reads it with. The apiserver takes any text, and no pod starts.
 */
#include "syntax.h"

#define MAX_PATH_BYTES 255
#define MAX_TAG_BYTES 128

#define DIGITS "0123456789"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

bool rpw_syntax_has_only(struct rpw_span text, const char *characters)
{
    for (size_t i = 0; i < text.len; i++)
        if (!memchr(characters, text.ptr[i], strlen(characters)))
            return false;
    return text.len > 0;
}

/* Cuts *text at the byte at; returns what follows it. */
static struct rpw_span cut(struct rpw_span *text, const char *at)
{
    struct rpw_span after = {at + 1, text->len - (size_t)(at + 1 - text->ptr)};

    text->len = (size_t)(at - text->ptr);
    return after;
}

/* Lower case letters and digits, with one of ".", "_", "__", "-", "--", ... between two of them. */
static bool is_path_element(struct rpw_span element)
{
    size_t run = 0; /* of separators before i */

    if (!rpw_syntax_has_only(element, LOWER DIGITS "._-") || memchr("._-", element.ptr[0], 3) ||
        memchr("._-", element.ptr[element.len - 1], 3))
        return false;
    for (size_t i = 0; i < element.len; i++) {
        char c = element.ptr[i];

        run = memchr("._-", c, 3) ? run + 1 : 0;
        if (run > 1 && (c != element.ptr[i - 1] || c == '.' || (c == '_' && run > 2)))
            return false;
    }
    return true;
}

static bool is_path(struct rpw_span path)
{
    struct rpw_span rest = path, element;

    while (rpw_span_next_element(&rest, '/', &element))
        if (!is_path_element(element))
            return false;
    return path.len > 0;
}

static bool is_host(struct rpw_span host)
{
    struct rpw_span rest = host, label;

    if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
        return rpw_syntax_has_only((struct rpw_span){host.ptr + 1, host.len - 2}, DIGITS "abcdefABCDEF:");
    while (rpw_span_next_element(&rest, '.', &label))
        if (!rpw_syntax_has_only(label, LOWER UPPER DIGITS "-") || label.ptr[0] == '-' ||
            label.ptr[label.len - 1] == '-')
            return false;
    return true;
}

static bool is_registry(struct rpw_span registry)
{
    const char *colon = memrchr(registry.ptr, ':', registry.len);

    if (colon && registry.ptr[registry.len - 1] != ']' && !rpw_syntax_has_only(cut(&registry, colon), DIGITS))
        return false;
    return is_host(registry);
}

/* "a/b" is a path, "a.b/c" a path in a registry. */
static bool is_name(struct rpw_span name)
{
    const char *slash = name.len > 0 ? memchr(name.ptr, '/', name.len) : NULL;
    struct rpw_span registry = name, path;

    if (is_path(name))
        return name.len <= MAX_PATH_BYTES;
    if (!slash || slash == name.ptr)
        return false;
    path = cut(&registry, slash);
    return is_registry(registry) && is_path(path) && path.len <= MAX_PATH_BYTES;
}

static bool is_tag(struct rpw_span tag)
{
    return rpw_syntax_has_only(tag, LOWER UPPER DIGITS "_.-") && tag.ptr[0] != '.' && tag.ptr[0] != '-' &&
           tag.len <= MAX_TAG_BYTES;
}

static bool is_digest(struct rpw_span digest)
{
    static const struct {
        const char *prefix;
        size_t digits;
    } algorithms[] = {{"sha256:", 64}, {"sha384:", 96}, {"sha512:", 128}};

    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        size_t length = strlen(algorithms[i].prefix);

        if (rpw_span_starts_with(digest, rpw_span_of(algorithms[i].prefix)))
            return digest.len == length + algorithms[i].digits &&
                   rpw_syntax_has_only((struct rpw_span){digest.ptr + length, digest.len - length}, DIGITS "abcdef");
    }
    return false;
}

const char *rpw_syntax_image(struct rpw_span text)
{
    struct rpw_span name = text;
    const char *at = text.len > 0 ? memchr(text.ptr, '@', text.len) : NULL, *slash, *colon;

    if (at && !is_digest(cut(&name, at)))
        return "a digest such as sha256: with 64 hexadecimal digits in lower case behind '@'";
    slash = name.len > 0 ? memrchr(name.ptr, '/', name.len) : NULL;
    colon = name.len > 0 ? memrchr(name.ptr, ':', name.len) : NULL;
    if (colon && (!slash || colon > slash) && !is_tag(cut(&name, colon)))
        return "a tag of at most 128 letters, digits, '_', '.' and '-' behind ':'";
    return is_name(name) ? NULL : "a container image, such as registry.example.org/atlas-policy:1.2.3";
}
