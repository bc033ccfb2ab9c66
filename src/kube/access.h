/* access.h - where a cluster's API is, whom to trust for it, and who we are.
 *
 * Two sources: the ServiceAccount that the kubelet mounts into a pod, and a kubeconfig as kubectl uses it. What a
 * kubeconfig may ask for and we do not do (exec plugins, auth providers, passwords, impersonation, proxies, another TLS
 * server name) is an error that names it, never passed over.
 * Errors: ret_error names the place, what was found and what was expected; ret_access is untouched then.
 * Memory: an access owns its texts and is released with rpw_kube_access_done(), which wipes secrets.
 */
#ifndef RPW_KUBE_ACCESS_H
#define RPW_KUBE_ACCESS_H

#include <jansson.h>
#include <stdbool.h>

#include "rpw/bytes/status.h"

#define RPW_KUBE_ERROR_BYTES 2048
#define RPW_KUBE_SERVICE_ACCOUNT_FOLDER "/var/run/secrets/kubernetes.io/serviceaccount"
#define RPW_KUBE_MAX_FILE_BYTES ((size_t)1024 * 1024) /* of a certificate, key or token */

/* Absent texts are NULL. */
struct rpw_kube_access {
    char *server;             /* https://HOST[:PORT][/PATH], no slash at its end */
    char *ca;                 /* PEM; NULL: the system's authorities */
    char *client_certificate; /* PEM */
    char *client_key;         /* PEM */
    char *token;
    char *token_file; /* read before each request: the kubelet replaces it */
    bool is_insecure; /* the server's certificate is not verified */
};

/* As a pod has it: folder holds ca.crt and token; host and port are KUBERNETES_SERVICE_HOST and _PORT. */
RPW_MUST_CHECK bool rpw_kube_access_in_cluster(const char *folder, const char *host, const char *port,
                                               struct rpw_kube_access *ret_access,
                                               char ret_error[RPW_KUBE_ERROR_BYTES]);

/* The current context of kubeconfig, which was read from the file called name; file names in it are relative to that file. */
RPW_MUST_CHECK bool rpw_kube_access_from_kubeconfig(const json_t *kubeconfig, const char *name,
                                                    struct rpw_kube_access *ret_access,
                                                    char ret_error[RPW_KUBE_ERROR_BYTES]);

void rpw_kube_access_done(struct rpw_kube_access *access);

/* The token to send now, without white space around it; NULL with ret_error "" when there is none, or with what is wrong.
 * The caller frees it with rpw_kube_free_secret(). */
RPW_MUST_CHECK char *rpw_kube_access_token(const struct rpw_kube_access *access, char ret_error[RPW_KUBE_ERROR_BYTES]);

/* Wipes and frees; NULL is fine. */
void rpw_kube_free_secret(char *secret);

#endif
