/* record.h - the annotation policy.rucio.cern.ch/injected: what an injection wrote into the pod, as JSON.
 *
 *     {"volume": "rucio-policy-5232a7d841fd",
 *      "containers": {"rucio-server": {"env": {"POLICY_PKG_PATH": "/opt/rucio/policy", ...},
 *                                      "valueFrom": {"OPA_URL": {"configMapKeyRef": {...}}},
 *                                      "pythonPath": "/opt/rucio/policy",
 *                                      "mountPath": "/opt/rucio/policy",
 *                                      "pthPath": "/usr/lib/python3.9/site-packages/rucio-policy.pth"}},
 *      "initContainers": ["rucio-policy-verify"]}
 *
 * What is on it, and still there as it was written, is ours to change and to take away again. Everything else is the pod's.
 * What has no content is left out. A record that is malformed, or longer than limits.h allows, is no record.
 */
#ifndef RPW_RECORD_H
#define RPW_RECORD_H

#include "injector.h"

struct env_var_list {
    size_t count;
    struct rpw_env_var *items;
};

struct record_container {
    struct rpw_span name;
    struct env_var_list env;     /* "env" and "valueFrom" */
    struct rpw_span python_path; /* what was put into PYTHONPATH, elements with ':' between them */
    struct rpw_span mount_path;  /* where the volume was mounted */
    struct rpw_span pth_path;    /* where the file was mounted that names the path */
};

struct record_container_list {
    size_t count;
    struct record_container *items;
};

struct init_container_list {
    size_t count;
    struct rpw_span names[RPW_OWN_CONTAINERS];
};

struct record {
    struct rpw_span volume;
    struct record_container_list containers;
    struct init_container_list init_containers;
};

/* Reads the pod's record; one without content when it has none. */
struct record record_read(struct injector *injector);

/* Whether on_record (NULL: nothing is) has the variable with what it says. */
bool record_has_variable(struct injector *injector, const struct record_container *on_record,
                         const struct rpw_env_var *variable);

/* Whether the file that names the path was mounted somewhere. */
bool record_has_pth(const struct record *record);

bool record_has_init_container(const struct record *record, struct rpw_span name);

/* The annotation's value. */
struct rpw_span record_text(struct injector *injector, const struct record *record);

#endif
