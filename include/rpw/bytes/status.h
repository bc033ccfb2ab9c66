/* status.h - how the core says what went wrong, and where.
 *
 * Pure data: every text is a string constant of the program, so an error costs no memory and cannot itself fail.
 * Whoever shows the error to a person adds the byte that was found, from the text that was being read
 * (rpw_mutate() does it for the caller of the webhook).
 */
#ifndef RPW_STATUS_H
#define RPW_STATUS_H

#include <stddef.h>

enum rpw_status {
    RPW_OK = 0,
    RPW_E_SYNTAX, /* the bytes are not JSON (RFC 8259) */
    RPW_E_DEPTH,  /* JSON nested deeper than RPW_MAX_JSON_DEPTH */
    RPW_E_SHAPE,  /* JSON, but not what the API document says: a type, a missing field, a field given twice */
    RPW_E_NOMEM,  /* the arena's cap is reached */
};

/* The first error of an operation; later ones never overwrite it. */
struct rpw_err {
    enum rpw_status status;
    size_t offset;        /* of the offending byte, counted from the first byte of the body */
    const char *field;    /* the field that was being read ("request.uid"), NULL when it does not matter */
    const char *expected; /* what should have been there */
    const char *found;    /* what was there instead; NULL: the byte at offset, or the end of the text */
};

#define RPW_MUST_CHECK __attribute__((warn_unused_result))

#endif
