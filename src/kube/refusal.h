/* refusal.h - what is said when the apiserver does not do what it was asked.
 *
 * Pure: the answer's status and text in, a message for people out.
 */
#ifndef RPW_KUBE_REFUSAL_H
#define RPW_KUBE_REFUSAL_H

#include "client.h"

/* "patch secrets 'rucio/ca'": what was asked, in the words of RBAC. */
void rpw_kube_describe(const struct rpw_kube_request *request, char *ret_text, size_t size);

/* The message for an answer other than 2xx. body: a Status object, anything else, or NULL. */
void rpw_kube_explain(const struct rpw_kube_request *request, long http_status, const json_t *body,
                      char ret_error[RPW_KUBE_ERROR_BYTES]);

#endif
