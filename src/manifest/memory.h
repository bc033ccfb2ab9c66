/* memory.h - memory for a program that runs once and ends: one that finds none says so and ends with exit code 3.
 *
 * So nothing that asks here, or makes values of jansson, has an error to hand on.
 */
#ifndef RPW_MANIFEST_MEMORY_H
#define RPW_MANIFEST_MEMORY_H

#include <stdio.h>

#include "rpw/bytes/arena.h"
#include "rpw/bytes/status.h"

/* Has jansson end the program, too. */
void rpw_memory_begin(void);

/* memory as it is; NULL ends the program. */
RPW_MUST_CHECK void *rpw_memory_need(void *memory);

/* A text that the caller frees. */
RPW_MUST_CHECK char *rpw_memory_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* An arena of so many bytes (arena.h), to be freed. */
RPW_MUST_CHECK struct rpw_arena *rpw_memory_arena(size_t bytes);
void rpw_memory_free_arena(struct rpw_arena *arena);

/* A stream whose text is *ret_text, to be freed, once it is closed. */
RPW_MUST_CHECK FILE *rpw_memory_open(char **ret_text, size_t *ret_len);
void rpw_memory_close(FILE *stream);

#endif
