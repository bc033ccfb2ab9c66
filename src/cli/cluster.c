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

struct rpw_kube_client *rpw_cluster_open(const struct rpw_cluster_options *options)
{
    const char *host = service_host(), *port = getenv("KUBERNETES_SERVICE_PORT"), *context = "";
    struct rpw_kube_access access = {.server = NULL};
    struct rpw_kube_client *client = NULL;
    char error[RPW_KUBE_ERROR_BYTES] = "there is no cluster to ask: this is no pod, so give --server and --token-file";
    bool is_found = false;

    if (options != NULL && options->server != NULL && options->token_file != NULL) {
        is_found =
            rpw_kube_access_from_files(options->server, options->authority_file, options->token_file, &access, error);
    } else if (host != NULL) {
        context = "this looks like a pod, but its ServiceAccount cannot be used: ";
        is_found = rpw_kube_access_in_cluster(RPW_KUBE_SERVICE_ACCOUNT_FOLDER, host, port != NULL ? port : "443",
                                              &access, error);
    }
    if (is_found)
        client = rpw_kube_client_new(&access, error);
    if (client == NULL)
        fprintf(stderr, "%s%s\n", is_found ? "" : context, error);
    return client;
}
