/* text.c - spans of text, names as DNS has them, globs. */
#include "rpw/bytes/text.h"

static char lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte + ('a' - 'A')) : byte;
}

bool rpw_span_equal_ignoring_case(struct rpw_span a, struct rpw_span b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    return true;
}

bool rpw_span_starts_with(struct rpw_span text, struct rpw_span prefix)
{
    return text.len >= prefix.len && (prefix.len == 0 || memcmp(text.ptr, prefix.ptr, prefix.len) == 0);
}

bool rpw_span_contains(struct rpw_span text, struct rpw_span needle)
{
    for (size_t i = 0; i + needle.len <= text.len; i++)
        if (needle.len == 0 || memcmp(text.ptr + i, needle.ptr, needle.len) == 0)
            return true;
    return false;
}

struct rpw_span rpw_span_without_trailing_slashes(struct rpw_span text)
{
    while (text.len > 1 && text.ptr[text.len - 1] == '/')
        text.len--;
    return text;
}

bool rpw_span_next_element(struct rpw_span *rest, char separator, struct rpw_span *ret_element)
{
    if (rest->ptr == NULL)
        return false;
    const char *end = rest->len > 0 ? memchr(rest->ptr, separator, rest->len) : NULL;
    if (end == NULL) {
        *ret_element = *rest;
        *rest = (struct rpw_span){NULL, 0};
        return true;
    }
    size_t len = (size_t)(end - rest->ptr);
    *ret_element = (struct rpw_span){rest->ptr, len};
    *rest = (struct rpw_span){end + 1, rest->len - len - 1};
    return true;
}

bool rpw_span_is_dns_label(struct rpw_span text, size_t max_bytes)
{
    if (text.len == 0 || text.len > max_bytes || text.ptr[0] == '-' || text.ptr[text.len - 1] == '-')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.ptr[i];

        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-')
            return false;
    }
    return true;
}

bool rpw_span_is_dns_name(struct rpw_span text, size_t max_label_bytes)
{
    struct rpw_span rest = text, label;

    if (text.len == 0 || text.len > RPW_DNS_MAX_NAME_BYTES)
        return false;
    while (rpw_span_next_element(&rest, '.', &label))
        if (!rpw_span_is_dns_label(label, max_label_bytes))
            return false;
    return true;
}

/* Going back to the last star alone is enough: an earlier star can always give its bytes to a later one. */
bool rpw_glob_matches(struct rpw_span pattern, struct rpw_span text)
{
    size_t p = 0, t = 0;
    size_t after_star = 0, retry_at = 0;
    bool has_star = false;

    while (t < text.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            has_star = true;
            after_star = ++p;
            retry_at = t;
        } else if (p < pattern.len && (pattern.ptr[p] == '?' || pattern.ptr[p] == text.ptr[t])) {
            p++;
            t++;
        } else if (has_star) {
            p = after_star;
            t = ++retry_at;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

bool rpw_glob_matches_any(struct rpw_span_list patterns, struct rpw_span text)
{
    for (size_t i = 0; i < patterns.count; i++)
        if (rpw_glob_matches(patterns.items[i], text))
            return true;
    return false;
}
