/* pool.c - chunks from malloc, handed out front to back and freed all at once.
 *
 * A configuration is built from thousands of small strings and arrays that all die together: when the file turned out to
 * be wrong, or when the server lets go of the policy set. Owning them one by one would be most of the loader's code.
 */
#include "pool.h"

#include <stdalign.h>
#include <stdlib.h>

#define CHUNK_BYTES 8192

struct rpw_pool_chunk {
    struct rpw_pool_chunk *next;
    size_t used;
    alignas(max_align_t) char bytes[];
};

void rpw_pool_init(struct rpw_pool *pool, size_t limit_bytes)
{
    *pool = (struct rpw_pool){.limit_bytes = limit_bytes};
}

void rpw_pool_done(struct rpw_pool *pool)
{
    while (pool->chunks) {
        struct rpw_pool_chunk *chunk = pool->chunks;

        pool->chunks = chunk->next;
        free(chunk);
    }
    pool->free_bytes = 0;
}

static bool add_chunk(struct rpw_pool *pool, size_t size)
{
    const size_t head = sizeof(struct rpw_pool_chunk);
    size_t room = pool->limit_bytes > head ? pool->limit_bytes - head : 0;
    size_t bytes = size < CHUNK_BYTES ? CHUNK_BYTES : size;
    struct rpw_pool_chunk *chunk = NULL;

    /* Near the limit a small chunk does: the limit counts, not the rounding. */
    if (bytes > room)
        bytes = room;
    if (bytes >= size)
        chunk = calloc(1, head + bytes);
    if (!chunk) {
        pool->has_failed = true;
        return false;
    }
    chunk->next = pool->chunks;
    pool->chunks = chunk;
    pool->free_bytes = bytes;
    pool->limit_bytes -= head + bytes;
    return true;
}

void *rpw_pool_alloc(struct rpw_pool *pool, size_t size)
{
    size_t padded = (size / alignof(max_align_t) + 1) * alignof(max_align_t);
    char *block;

    if (pool->has_failed || (pool->free_bytes < padded && !add_chunk(pool, padded)))
        return NULL;
    block = pool->chunks->bytes + pool->chunks->used;
    pool->chunks->used += padded;
    pool->free_bytes -= padded;
    return block;
}

struct rpw_span rpw_pool_copy(struct rpw_pool *pool, struct rpw_span text)
{
    char *copy = rpw_pool_alloc(pool, text.len + 1);

    if (!copy)
        return (struct rpw_span){NULL, 0};
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    return (struct rpw_span){copy, text.len};
}

void rpw_buffer_append(struct rpw_buffer *buffer, struct rpw_span text)
{
    if (buffer->capacity - buffer->len < text.len) {
        size_t capacity = 2 * (buffer->len + text.len) + 64;
        char *grown = rpw_pool_alloc(buffer->pool, capacity);

        if (!grown)
            return;
        if (buffer->len > 0)
            memcpy(grown, buffer->ptr, buffer->len);
        buffer->ptr = grown;
        buffer->capacity = capacity;
    }
    if (text.len > 0)
        memcpy(buffer->ptr + buffer->len, text.ptr, text.len);
    buffer->len += text.len;
}

void rpw_buffer_append_char(struct rpw_buffer *buffer, char c)
{
    rpw_buffer_append(buffer, (struct rpw_span){&c, 1});
}

void rpw_buffer_append_json(struct rpw_buffer *buffer, struct rpw_span text)
{
    static const char hex[] = "0123456789abcdef";

    rpw_buffer_append_char(buffer, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c == '"' || c == '\\') {
            rpw_buffer_append_char(buffer, '\\');
            rpw_buffer_append_char(buffer, (char)c);
        } else if (c < 0x20) {
            rpw_buffer_append(buffer, RPW_LIT("\\u00"));
            rpw_buffer_append_char(buffer, hex[c >> 4]);
            rpw_buffer_append_char(buffer, hex[c & 15]);
        } else {
            rpw_buffer_append_char(buffer, (char)c);
        }
    }
    rpw_buffer_append_char(buffer, '"');
}
