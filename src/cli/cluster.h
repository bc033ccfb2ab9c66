/* cluster.h - the connection to a cluster's API that verbs with --kubeconfig share. */
#ifndef RPW_CLI_CLUSTER_H
#define RPW_CLI_CLUSTER_H

#include "client.h"

/* What --help says of it. */
#define RPW_CLUSTER_HELP                                                                                               \
    "the cluster, as kubectl knows it; without it: $KUBECONFIG, in a pod its ServiceAccount, else ~/.kube/config"

/* Connects nothing yet: errors of the network come with the first call. kubeconfig may be NULL: see above. NULL after a
 * message on standard error. */
RPW_MUST_CHECK struct rpw_kube_client *rpw_cluster_open(const char *kubeconfig);

#endif
