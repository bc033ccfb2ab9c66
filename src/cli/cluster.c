/* cluster.c - the command line comes before what a pod is given. */
#include "cluster.h"

#include <stdio.h>
#include <stdlib.h>

static const char *service_host(void)
{
    const char *host = getenv("KUBERNETES_SERVICE_HOST");

    return host != NULL && host[0] != '\0' ? host : NULL;
}

bool rpw_cluster_is_around(void)
{
    return service_host() != NULL;
}

static bool find_access(const struct rpw_cluster_options *options, struct rpw_kube_access *ret_access)
{
    const char *port = getenv("KUBERNETES_SERVICE_PORT");
    char error[RPW_KUBE_ERROR_BYTES];

    if (options != NULL && options->server != NULL && options->token_file != NULL) {
        if (rpw_kube_access_from_files(options->server, options->authority_file, options->token_file, ret_access,
                                       error))
            return true;
        fprintf(stderr, "%s\n", error);
    } else if (service_host() == NULL) {
        fputs("there is no cluster to ask: this is no pod, so give --server and --token-file\n", stderr);
    } else if (rpw_kube_access_in_cluster(RPW_KUBE_SERVICE_ACCOUNT_FOLDER, service_host(), port != NULL ? port : "443",
                                          ret_access, error)) {
        return true;
    } else {
        fprintf(stderr, "this looks like a pod, but its ServiceAccount cannot be used: %s\n", error);
    }
    return false;
}

struct rpw_kube_client *rpw_cluster_open(const struct rpw_cluster_options *options)
{
    struct rpw_kube_access access = {.server = NULL};
    char error[RPW_KUBE_ERROR_BYTES];
    struct rpw_kube_client *client;

    if (!find_access(options, &access))
        return NULL;
    client = rpw_kube_client_new(&access, error);
    if (client == NULL)
        fprintf(stderr, "%s\n", error);
    return client;
}
