/* random_pod.h - a pod whose every detail is picked by the fuzzer's bytes from what matters to the mutation: missing, null and
 * empty lists, variables and mounts of ours and of others, records, annotations.
 *
 * The same bytes make the same pod; when they run out, the first choice is taken everywhere. */
#ifndef RPW_TESTS_FUZZ_RANDOM_POD_H
#define RPW_TESTS_FUZZ_RANDOM_POD_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/* The caller owns the pod. */
json_t *random_pod_new(const uint8_t *bytes, size_t size);

/* What others do to a pod between two injections, as long as bytes last: variables more, less and edited anywhere, or the record
 * is lost. */
void random_pod_edit(json_t *pod, const uint8_t *bytes, size_t size);

#endif
