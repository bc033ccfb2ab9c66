/* injector.h - what all parts of one injection have: where memory comes from, what is wanted, of which pod, and the result.
 *
 * What a part finds out or decides it returns; only edits, warnings and conflicts are added to the result.
 * A refusal of the arena is sticky: has_failed is checked once, at the end. Until then texts may be absent.
 */
#ifndef RPW_INJECTOR_H
#define RPW_INJECTOR_H

#include "rpw/bytes/limits.h"
#include "rpw/bytes/strbuf.h"
#include "rpw/inject/inject.h"

struct conflict_list {
    size_t count;
    struct conflict *items; /* conflict.h */
};

struct injector {
    struct rpw_arena *arena;
    const struct rpw_policy *policy;
    const struct rpw_pod *pod;
    struct rpw_injection result;
    struct conflict_list conflicts;
    bool has_failed;
};

/* size zeroed bytes; NULL, and the injection has failed, when the arena refused. */
void *injector_alloc(struct injector *injector, size_t size);

/* Adds an item to a list {size_t count; T *items;} in the arena. */
#define INJECTOR_APPEND(injector, list, item)                                                                          \
    do {                                                                                                               \
        void *grown = rpw_arena_append((injector)->arena, (list)->items, (list)->count, sizeof((list)->items[0]));     \
        if (grown == NULL) {                                                                                           \
            (injector)->has_failed = true;                                                                             \
            break;                                                                                                     \
        }                                                                                                              \
        (list)->items = grown;                                                                                         \
        (list)->items[(list)->count++] = (item);                                                                       \
    } while (false)

/* Finishes a text. */
struct rpw_span injector_finish(struct injector *injector, struct rpw_strbuf *buf);

/* A text of parts (RPW_PARTS). */
struct rpw_span injector_text(struct injector *injector, const struct rpw_part *parts, size_t count);

/* text as a JSON string. */
struct rpw_span injector_quoted(struct injector *injector, struct rpw_span text);

/* Adds an edit; a warning about a container, of parts. Warnings longer than RPW_MAX_WARNING_BYTES are shortened. */
void injector_edit(struct injector *injector, struct rpw_edit edit);
void injector_warn(struct injector *injector, struct rpw_span container, const struct rpw_part *parts, size_t count);

/* Whether the policy brings a volume, and whether an init container of ours fills it. */
bool injector_has_volume(const struct injector *injector);
bool injector_fills_volume(const struct injector *injector);

/* Whether a file in the image's site-packages names the path. */
bool injector_has_pth(const struct injector *injector);

#endif
