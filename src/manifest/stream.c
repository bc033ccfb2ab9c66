/* stream.c - YAML is cut at its `---` lines before it is read, so that what is none of our business is never looked at closely. */
#include "stream.h"

#include "rpw/bytes/json_reader.h"

#define SPACE " \t\r\n"

static size_t skip_space(struct rpw_span text, size_t at)
{
    while (at < text.len && memchr(SPACE, text.ptr[at], 4))
        at++;
    return at;
}

void rpw_manifest_stream_init(struct rpw_manifest_stream *stream, const char *name, struct rpw_span text)
{
    size_t brace = skip_space(text, 0), next = skip_space(text, brace < text.len ? brace + 1 : brace);

    *stream = (struct rpw_manifest_stream){.name = name, .text = text, .rest = text};
    stream->is_json = brace < text.len && text.ptr[brace] == '{' &&
                      (next == text.len || text.ptr[next] == '"' || text.ptr[next] == '}');
}

/* The line at the beginning of text, its end included. */
static size_t line_length(struct rpw_span text)
{
    const char *end = text.len > 0 ? memchr(text.ptr, '\n', text.len) : NULL;

    return end ? (size_t)(end - text.ptr) + 1 : text.len;
}

/* At the beginning of a line they are markers wherever they stand, in the middle of a text too. */
bool rpw_manifest_is_marker(struct rpw_span line, char character)
{
    for (size_t i = 0; i < 3; i++)
        if (i >= line.len || line.ptr[i] != character)
            return false;
    return line.len == 3 || memchr(SPACE, line.ptr[3], 4);
}

static bool is_blank(struct rpw_span document)
{
    for (size_t at = 0; at < document.len;) {
        struct rpw_span line = {document.ptr + at, 0};
        size_t word = 0;

        line.len = line_length((struct rpw_span){line.ptr, document.len - at});
        at += line.len;
        if (rpw_manifest_is_marker(line, '-') || rpw_manifest_is_marker(line, '.'))
            word = 3;
        else if (line.ptr[0] == '%')
            continue;
        word = skip_space(line, word);
        if (word < line.len && line.ptr[word] != '#')
            return false;
    }
    return true;
}

static size_t yaml_length(struct rpw_span text)
{
    size_t at = 0;

    while (at < text.len) {
        struct rpw_span line = {text.ptr + at, line_length((struct rpw_span){text.ptr + at, text.len - at})};

        if (at > 0 && rpw_manifest_is_marker(line, '-'))
            break;
        at += line.len;
        if (rpw_manifest_is_marker(line, '.'))
            break;
    }
    return at;
}

/* The value behind white space and `---` lines, and what white space follows it. */
static void cut_json(struct rpw_span text, struct rpw_manifest_document *document)
{
    struct rpw_json_reader reader;
    struct rpw_arena arena;
    char nothing[1];
    size_t at = skip_space(text, 0);

    while (rpw_manifest_is_marker((struct rpw_span){text.ptr + at, text.len - at}, '-'))
        at = skip_space(text, at + line_length((struct rpw_span){text.ptr + at, text.len - at}));
    document->text = text;
    if (at == text.len)
        return;
    document->json = (struct rpw_span){text.ptr + at, text.len - at};
    rpw_arena_init(&arena, nothing, 0);
    rpw_json_reader_init(&reader, &arena, document->json);
    if (rpw_json_read_raw(&reader, &document->json))
        document->text.len = skip_space(text, at + document->json.len);
    document->err = reader.err;
    rpw_arena_done(&arena);
}

bool rpw_manifest_stream_next(struct rpw_manifest_stream *stream, struct rpw_manifest_document *ret_document)
{
    struct rpw_manifest_document document = {.json = {NULL, 0}};
    bool is_nothing;

    if (stream->rest.len == 0)
        return false;
    if (stream->is_json) {
        cut_json(stream->rest, &document);
        is_nothing = document.json.ptr == NULL;
    } else {
        document.text = (struct rpw_span){stream->rest.ptr, yaml_length(stream->rest)};
        is_nothing = is_blank(document.text);
    }
    document.number = is_nothing ? 0 : ++stream->count;
    stream->rest.ptr += document.text.len;
    stream->rest.len -= document.text.len;
    *ret_document = document;
    return true;
}
