/* client.h - calls to the Kubernetes API, one at a time.
 *
 * HTTPS only, the server verified; no redirects, no proxies, HTTP/1.1. A request is over after RPW_KUBE_CALL_TIMEOUT_S at the
 * latest. An apiserver that is busy (429, 503) has not carried it out: it is asked up to RPW_KUBE_MAX_TRIES times, as many
 * seconds later as its Retry-After says, RPW_KUBE_MAX_RETRY_PAUSE_S at most. SIGPIPE is ignored from the first client on.
 * Errors are told in the apiserver's own words (its Status), and a refused call (403) with the RBAC rule that would allow
 * it. Threads: a client is used by one at a time.
 */
#ifndef RPW_KUBE_CLIENT_H
#define RPW_KUBE_CLIENT_H

#include <jansson.h>

#include "access.h"

#define RPW_KUBE_CALL_TIMEOUT_S 60L
#define RPW_KUBE_CONNECT_TIMEOUT_S 10L
#define RPW_KUBE_MAX_TRIES 5
#define RPW_KUBE_MAX_RETRY_PAUSE_S 10
#define RPW_KUBE_MAX_ANSWER_BYTES ((size_t)64 * 1024 * 1024)

enum rpw_kube_verb { RPW_KUBE_GET, RPW_KUBE_LIST, RPW_KUBE_CREATE, RPW_KUBE_PATCH };

/* What is asked for. Names are DNS-1123 names, checked by whoever took them from a person. */
struct rpw_kube_request {
    enum rpw_kube_verb verb;
    const char *group;      /* "" is the core's */
    const char *resource;   /* "secrets"; the version is v1 */
    const char *namespace_; /* NULL: none, or all */
    const char *name;       /* get, patch */
    const json_t *body;     /* create: the object; patch: an array is a JSON Patch, an object a JSON merge patch */
    unsigned limit;         /* list: how many at once; 0: all */
    const char *next;       /* list: metadata.continue of the last answer; NULL: from the beginning */
};

enum rpw_kube_result {
    RPW_KUBE_OK,
    RPW_KUBE_NOT_FOUND, /* 404 */
    RPW_KUBE_CONFLICT,  /* 409: it has changed since it was read, or is there already */
    RPW_KUBE_GONE,      /* 410: a list's continuation is too old */
    RPW_KUBE_FAILED,
};

struct rpw_kube_client;

/* Takes what access holds, also on failure. NULL with ret_error. */
RPW_MUST_CHECK struct rpw_kube_client *rpw_kube_client_new(struct rpw_kube_access *take_access,
                                                           char ret_error[RPW_KUBE_ERROR_BYTES]);
void rpw_kube_client_free(struct rpw_kube_client *client); /* NULL is fine */

/* An answer's own bytes; malloc's. */
struct rpw_kube_text {
    char *bytes;
    size_t len;
};

/* Asks. ret_answer, the text that came back, is set on RPW_KUBE_OK only and then the caller's; else ret_error is set. */
RPW_MUST_CHECK enum rpw_kube_result rpw_kube_fetch(struct rpw_kube_client *client,
                                                   const struct rpw_kube_request *request,
                                                   struct rpw_kube_text *ret_answer,
                                                   char ret_error[RPW_KUBE_ERROR_BYTES]);

/* The same as a value: ret_answer is the object, and the caller's reference. */
RPW_MUST_CHECK enum rpw_kube_result rpw_kube_call(struct rpw_kube_client *client,
                                                  const struct rpw_kube_request *request, json_t **ret_answer,
                                                  char ret_error[RPW_KUBE_ERROR_BYTES]);

#endif
