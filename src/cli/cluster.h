/* cluster.h - the connection to a cluster's API: in a pod by its ServiceAccount, elsewhere as the command line says. */
#ifndef RPW_CLI_CLUSTER_H
#define RPW_CLI_CLUSTER_H

#include "client.h"

/* What the command line says; NULL where it does not. */
struct rpw_cluster_options {
    const char *server;
    const char *token_file;
    const char *authority_file; /* NULL: the system's authorities */
};

/* Whether this is a pod. */
bool rpw_cluster_is_around(void);

/* Connects nothing yet: errors of the network come with the first call. options may be NULL. NULL after a message on standard
 * error. */
RPW_MUST_CHECK struct rpw_kube_client *rpw_cluster_open(const struct rpw_cluster_options *options);

#endif
