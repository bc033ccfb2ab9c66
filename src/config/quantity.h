/* quantity.h - Kubernetes quantities (k8s.io/apimachinery/pkg/api/resource) as numbers that can be compared: 1024Mi is 1Gi,
 * 0.5 is 500m. Rounded as Kubernetes does: up to a billionth, and capped at 2^63-1. Of more than 19 digits the rest rounds up
 * as well. Pure.
 */
#ifndef RPW_QUANTITY_H
#define RPW_QUANTITY_H

#include <stdint.h>

#include "rpw/bytes/text.h"

typedef __int128 rpw_nanos;

#define RPW_NANOS_IN_ONE 1000000000

/* Reads all of text, as billionths. False, with ret_nanos untouched, when it is no quantity. */
bool rpw_quantity_parse(struct rpw_span text, rpw_nanos *ret_nanos);

#endif
