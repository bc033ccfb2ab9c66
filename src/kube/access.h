/* access.h - where a cluster's API is, whom to trust for it, and who we are: as a pod finds it, or as a person names it.
 *
 * Errors: ret_error names the place, what was found and what was expected; ret_access is untouched then.
 * Memory: an access owns its texts and is released with rpw_kube_access_done().
 */
#ifndef RPW_KUBE_ACCESS_H
#define RPW_KUBE_ACCESS_H

#include <stdbool.h>

#include "rpw/bytes/status.h"

#define RPW_KUBE_ERROR_BYTES 2048
#define RPW_KUBE_SERVICE_ACCOUNT_FOLDER "/var/run/secrets/kubernetes.io/serviceaccount"
#define RPW_KUBE_MAX_FILE_BYTES ((size_t)1024 * 1024) /* of a certificate, key or token */

struct rpw_kube_access {
    char *server;     /* https://HOST[:PORT][/PATH], no slash at its end */
    char *ca;         /* PEM; NULL: the system's authorities */
    char *token_file; /* read before each request: the kubelet replaces it */
};

/* As a pod has it: folder holds ca.crt and token; host and port are KUBERNETES_SERVICE_HOST and _PORT. */
RPW_MUST_CHECK bool rpw_kube_access_in_cluster(const char *folder, const char *host, const char *port,
                                               struct rpw_kube_access *ret_access,
                                               char ret_error[RPW_KUBE_ERROR_BYTES]);

/* authority_file NULL: the system's authorities. */
RPW_MUST_CHECK bool rpw_kube_access_from_files(const char *server, const char *authority_file, const char *token_file,
                                               struct rpw_kube_access *ret_access,
                                               char ret_error[RPW_KUBE_ERROR_BYTES]);

void rpw_kube_access_done(struct rpw_kube_access *access);

/* The token to send now, without white space around it; NULL with ret_error. The caller frees it with
 * rpw_kube_free_secret(). */
RPW_MUST_CHECK char *rpw_kube_access_token(const struct rpw_kube_access *access, char ret_error[RPW_KUBE_ERROR_BYTES]);

/* Wipes and frees; NULL is fine. */
void rpw_kube_free_secret(char *secret);

#endif
