/* memory.c - malloc and its kin, without the error. */
#include "memory.h"

#include <jansson.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define EXIT_CODE 3

static _Noreturn void give_up(void)
{
    fputs("rucio-policy-webhook: out of memory\n", stderr);
    _exit(EXIT_CODE); /* what is half written stays unwritten */
}

void *rpw_memory_need(void *memory)
{
    if (memory == NULL)
        give_up();
    return memory;
}

static void *allocate(size_t size)
{
    return rpw_memory_need(malloc(size));
}

void rpw_memory_begin(void)
{
    json_set_alloc_funcs(allocate, free);
}

char *rpw_memory_print(const char *format, ...)
{
    va_list arguments;
    char *text = NULL;
    int len;

    va_start(arguments, format);
    len = vasprintf(&text, format, arguments);
    va_end(arguments);
    return rpw_memory_need(len >= 0 ? text : NULL);
}

struct arena_and_region {
    struct rpw_arena arena;
    max_align_t region[];
};

struct rpw_arena *rpw_memory_arena(size_t bytes)
{
    struct arena_and_region *both = rpw_memory_need(malloc(sizeof(*both) + bytes));

    rpw_arena_init(&both->arena, both->region, bytes);
    return &both->arena;
}

void rpw_memory_free_arena(struct rpw_arena *arena)
{
    rpw_arena_done(arena);
    free(arena);
}

FILE *rpw_memory_open(char **ret_text, size_t *ret_len)
{
    return rpw_memory_need(open_memstream(ret_text, ret_len));
}

void rpw_memory_close(FILE *stream)
{
    if (fclose(stream) != 0)
        give_up();
}
