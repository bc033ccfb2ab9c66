/* release.h - what a rendered release of Rucio's charts does about policy packages today.
 *
 * Looked at: the containers of Rucio in every workload, their variables, the init container with which the charts install
 * policyPackages, and the section [policy] of the configuration that the charts put into Secrets.
 */
#ifndef RPW_CLI_RELEASE_H
#define RPW_CLI_RELEASE_H

#include <jansson.h>
#include <stdbool.h>

#include "rpw/bytes/status.h"

struct rpw_release {
    const char *namespace_; /* of objects that name none; "": none */
    json_t *containers;     /* texts for people: which containers of Rucio there are */
    json_t *settings;       /* texts for people: what sets a policy, and where */
    json_t *values;         /* an object: the charts' values that do it, as keys */
    json_t *namespaces;     /* an object: those of the containers, as keys */
    json_t *packages;       /* an object: VO in small letters ("": of all) -> package */
    json_t *requirements;   /* an object: what pip installs, as keys */
    json_t *paths;          /* an object: the directories of PYTHONPATH, as keys */
};

/* Adds the objects of a file ("-": standard input) to a release, which has its members. False after a message. */
bool rpw_release_add(const char *path, void *release);

#endif
