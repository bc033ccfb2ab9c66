/* workload.h - where the pods are in a Kubernetes object: a Pod itself, or the template of what makes pods, or a list of these.
 *
 * The object is JSON text; the pods are parts of it. Nothing is decided here. Kinds are known by their API group too: a Job
 * of another group than batch is none of ours.
 * Errors: as the core's, with the offset in the object's text. Memory: everything lives in the arena and in the text.
 */
#ifndef RPW_MANIFEST_WORKLOAD_H
#define RPW_MANIFEST_WORKLOAD_H

#include "rpw/bytes/arena.h"
#include "rpw/bytes/status.h"
#include "rpw/bytes/text.h"

/* Who an object is; texts are empty where the object does not say. */
struct rpw_workload_name {
    struct rpw_span kind;
    struct rpw_span namespace_;
    struct rpw_span name; /* else generateName */
};

struct rpw_workload_pod {
    struct rpw_workload_name owner; /* the Pod, or the workload whose template it is */
    struct rpw_span pointer; /* from the object to the pod (RFC 6901): "", "/spec/template", "/items/2/spec/template" */
    struct rpw_span text;
    const char
        *stray_annotation; /* one of the webhook's that stands on the workload, where it has no effect; NULL: none */
};

struct rpw_workload {
    struct rpw_workload_name name;
    struct rpw_span api_version;
    struct rpw_workload_pod *pods;
    size_t pod_count;
};

/* Whether an object of this kind may hold pods. api_version may be empty: not given. */
bool rpw_workload_is_known(struct rpw_span api_version, struct rpw_span kind);

/* Whether an object that rpw_workload_is_known() does not know makes pods all the same, out of sight: HelmRelease, Rollout ... */
bool rpw_workload_makes_pods(struct rpw_span api_version, struct rpw_span kind);

/* Finds the pods of object. takes_misshapen: an item of a list that is no object, or whose name is no text, counts as a pod
 * named by its pointer instead of failing. Returns RPW_OK, also when it has none; or with ret_err filled: RPW_E_SYNTAX, RPW_E_DEPTH,
 * RPW_E_SHAPE, RPW_E_NOMEM. */
RPW_MUST_CHECK enum rpw_status rpw_workload_read(struct rpw_arena *arena, struct rpw_span object, bool takes_misshapen,
                                                 struct rpw_workload *ret_workload, struct rpw_err *ret_err);

#endif
