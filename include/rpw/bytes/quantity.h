/* quantity.h - numbers compared by what they are worth: JSON numbers (RFC 8259) and Kubernetes quantities
 * (k8s.io/apimachinery/pkg/api/resource), so that 1024Mi is 1Gi, 0.5 is 500m and 420 is 4.2e2.
 *
 * A value is sign * mantissa * 2^twos * 5^fives with a mantissa that neither 2 nor 5 divides: the form is unique, so two
 * values are equal exactly when their fields are. No rounding takes place: Kubernetes itself caps at 2^63-1 and rounds up to a
 * billionth, so 9Ei and 0.1n are not what it makes of them.
 */
#ifndef RPW_QUANTITY_H
#define RPW_QUANTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "rpw/bytes/text.h"

struct rpw_quantity {
    bool is_negative;
    uint64_t mantissa;
    int twos;
    int fives;
};

/* Reads all of text. False, with ret_quantity untouched, when it is no quantity or has more digits than 64 bits hold. */
bool rpw_quantity_parse(struct rpw_span text, struct rpw_quantity *ret_quantity);

bool rpw_quantity_equal(struct rpw_quantity a, struct rpw_quantity b);

#endif
