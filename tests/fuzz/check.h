/* check.h - a claim of a fuzz target: when it does not hold, the program aborts and libFuzzer keeps the input. */
#ifndef RPW_TESTS_FUZZ_CHECK_H
#define RPW_TESTS_FUZZ_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(claim)                                                                                                   \
    do {                                                                                                               \
        if (!(claim)) {                                                                                                \
            (void)fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #claim);                           \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

#endif
