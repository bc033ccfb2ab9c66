/* injector.c - see the header. */
#include "injector.h"

void *injector_alloc(struct injector *injector, size_t size)
{
    void *block = rpw_arena_alloc(injector->arena, size);

    if (block == NULL)
        injector->has_failed = true;
    else
        memset(block, 0, size);
    return block;
}

struct rpw_span injector_finish(struct injector *injector, struct rpw_strbuf *buf)
{
    struct rpw_span text = {NULL, 0};

    if (!rpw_strbuf_finish(buf, &text))
        injector->has_failed = true;
    return text;
}

struct rpw_span injector_text(struct injector *injector, const struct rpw_part *parts, size_t count)
{
    struct rpw_span text = {NULL, 0};

    if (!rpw_strbuf_join(injector->arena, &text, parts, count))
        injector->has_failed = true;
    return text;
}

struct rpw_span injector_quoted(struct injector *injector, struct rpw_span text)
{
    return injector_text(injector, RPW_PARTS(rpw_quoted(text)));
}

void injector_edit(struct injector *injector, struct rpw_edit edit)
{
    INJECTOR_APPEND(injector, &injector->result.edits, edit);
}

void injector_warn(struct injector *injector, struct rpw_span container, const struct rpw_part *parts, size_t count)
{
    struct rpw_strbuf buf;

    rpw_strbuf_init(&buf, injector->arena);
    rpw_strbuf_put_parts(&buf, RPW_PARTS(rpw_words("policy "), rpw_plain(injector->policy->name), rpw_words(": "),
                                         rpw_plain(container), rpw_words(": ")));
    rpw_strbuf_put_parts(&buf, parts, count);
    if (!rpw_warnings_add(injector->arena, &injector->result.warnings, injector_finish(injector, &buf)))
        injector->has_failed = true;
}

bool injector_has_volume(const struct injector *injector)
{
    return injector->policy->source == RPW_SOURCE_VOLUME || injector_fills_volume(injector);
}

bool injector_fills_volume(const struct injector *injector)
{
    return injector->policy->source == RPW_SOURCE_PIP || injector->policy->source == RPW_SOURCE_COPY;
}

bool injector_has_pth(const struct injector *injector)
{
    return injector->policy->python_path == RPW_PYTHON_PATH_PTH && injector->policy->source != RPW_SOURCE_SITE_PACKAGES;
}
