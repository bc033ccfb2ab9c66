/* text.h - text as (pointer, length), borrowed from whoever owns the bytes.
 *
 * A span need not end in NUL and may hold NUL bytes. An absent text has ptr == NULL; an empty one has ptr != NULL and
 * len == 0. All functions are pure; none keeps a span.
 */
#ifndef RPW_TEXT_H
#define RPW_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct rpw_span {
    const char *ptr;
    size_t len;
};

struct rpw_span_list {
    const struct rpw_span *items;
    size_t count;
};

/* The span of a string literal. */
#define RPW_LIT(literal) ((struct rpw_span){("" literal), sizeof(literal) - 1})

/* The span of a NUL-terminated string; it must outlive the span. */
static inline struct rpw_span rpw_span_of(const char *string)
{
    return (struct rpw_span){string, strlen(string)};
}

/* Two absent texts are equal; an absent and an empty one are equal too (Kubernetes' omitempty makes no difference). */
static inline bool rpw_span_equal(struct rpw_span a, struct rpw_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool rpw_span_is(struct rpw_span a, const char *string)
{
    return rpw_span_equal(a, rpw_span_of(string));
}

/* Compares ASCII letters without their case. */
bool rpw_span_equal_ignoring_case(struct rpw_span a, struct rpw_span b);

bool rpw_span_starts_with(struct rpw_span text, struct rpw_span prefix);

/* Whether needle occurs anywhere in text; an empty needle does. */
bool rpw_span_contains(struct rpw_span text, struct rpw_span needle);

/* text without the slashes at its end; "/" itself, and only that, keeps one. */
struct rpw_span rpw_span_without_trailing_slashes(struct rpw_span text);

/* Cuts the first element off *rest: the bytes before the first separator, or all of it. Returns false when *rest is
 * absent (all elements were taken); "a::b" has three elements and "" has one, empty. */
bool rpw_span_next_element(struct rpw_span *rest, char separator, struct rpw_span *ret_element);

#define RPW_DNS_MAX_LABEL_BYTES 63
#define RPW_DNS_MAX_NAME_BYTES 253

/* Whether text is a DNS-1123 label of at most max_bytes: a-z, 0-9 and '-', with a letter or digit at both ends. */
bool rpw_span_is_dns_label(struct rpw_span text, size_t max_bytes);

/* Whether text is a DNS-1123 subdomain: such labels with '.' between them, RPW_DNS_MAX_NAME_BYTES together. Kubernetes
 * limits only the whole; who looks names up limits each label, too. */
bool rpw_span_is_dns_name(struct rpw_span text, size_t max_label_bytes);

/* Whether text matches pattern, where `*` stands for any number of bytes and `?` for one; everything else is literal.
 * The whole text must match. Time: at most O(len(text) * len(pattern)). */
bool rpw_glob_matches(struct rpw_span pattern, struct rpw_span text);

/* Whether text matches one of them. */
bool rpw_glob_matches_any(struct rpw_span_list patterns, struct rpw_span text);

#endif
