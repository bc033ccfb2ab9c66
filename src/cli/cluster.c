/* cluster.c - which kubeconfig, or the ServiceAccount: in kubectl's order, but that a pod's own identity comes before a file
 * in somebody's home. */
#include "cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "documents.h"

#define MAX_KUBECONFIG_BYTES ((size_t)1024 * 1024)

static bool read_kubeconfig(const char *path, struct rpw_kube_access *ret_access)
{
    char error[RPW_KUBE_ERROR_BYTES];
    json_t *documents = rpw_documents_read(path, MAX_KUBECONFIG_BYTES);
    bool is_ok = false;

    if (documents == NULL)
        return false;
    if (json_array_size(documents) != 1)
        fprintf(stderr, "%s: found %zu documents, expected one kubeconfig\n", path, json_array_size(documents));
    else if (!rpw_kube_access_from_kubeconfig(json_array_get(documents, 0), path, ret_access, error))
        fprintf(stderr, "%s\n", error);
    else
        is_ok = true;
    json_decref(documents);
    return is_ok;
}

static bool read_service_account(const char *host, struct rpw_kube_access *ret_access)
{
    const char *port = getenv("KUBERNETES_SERVICE_PORT");
    char error[RPW_KUBE_ERROR_BYTES];

    if (rpw_kube_access_in_cluster(RPW_KUBE_SERVICE_ACCOUNT_FOLDER, host, port != NULL ? port : "443", ret_access,
                                   error))
        return true;
    fprintf(stderr, "this looks like a pod, but its ServiceAccount cannot be used: %s\n", error);
    return false;
}

static bool read_home(struct rpw_kube_access *ret_access)
{
    const char *home = getenv("HOME");
    char *path = NULL;
    bool is_ok;

    if (home == NULL || home[0] == '\0') {
        fputs("there is no cluster to ask: give --kubeconfig FILE\n", stderr);
        return false;
    }
    is_ok = asprintf(&path, "%s/.kube/config", home) >= 0;
    if (is_ok) {
        is_ok = read_kubeconfig(path, ret_access);
        if (!is_ok)
            fputs("(--kubeconfig FILE names another one)\n", stderr);
        free(path);
    }
    return is_ok;
}

static bool find_access(const char *kubeconfig, struct rpw_kube_access *ret_access)
{
    const char *variable = getenv("KUBECONFIG"), *host = getenv("KUBERNETES_SERVICE_HOST");

    if (kubeconfig != NULL)
        return read_kubeconfig(kubeconfig, ret_access);
    if (variable != NULL && strchr(variable, ':') != NULL) {
        fprintf(stderr, "KUBECONFIG: found several files in '%s', expected one\n", variable);
        return false;
    }
    if (variable != NULL && variable[0] != '\0')
        return read_kubeconfig(variable, ret_access);
    if (host != NULL && host[0] != '\0')
        return read_service_account(host, ret_access);
    return read_home(ret_access);
}

struct rpw_kube_client *rpw_cluster_open(const char *kubeconfig)
{
    struct rpw_kube_access access = {.server = NULL};
    char error[RPW_KUBE_ERROR_BYTES];
    struct rpw_kube_client *client;

    if (!find_access(kubeconfig, &access))
        return NULL;
    if (access.is_insecure)
        fprintf(stderr, "warning: the certificate of %s is not verified (insecure-skip-tls-verify)\n", access.server);
    client = rpw_kube_client_new(&access, error);
    if (client == NULL)
        fprintf(stderr, "%s\n", error);
    return client;
}
