/* policy.h - what an administrator has decided, ready for use: the one thing the core knows about the configuration.
 *
 * Plain, immutable data. src/config builds it from the YAML file, checks it, renders Kubernetes fragments to JSON text and
 * hashes the revision; the core borrows it and never changes it, so any number of threads may share it.
 * Limits are enforced where it is built.
 */
#ifndef RPW_POLICY_H
#define RPW_POLICY_H

#include "rpw/bytes/text.h"

/* Where the volume of pip and copy is mounted, writable, in the init container that fills it, and the directory in it that
 * the containers get. It is renamed into place when it is complete. */
#define RPW_INSTALL_PATH "/rucio-policy"
#define RPW_PACKAGE_DIRECTORY "package"

/* What the volume that we add to a pod is called: its name says whose it is, and which revision. */
#define RPW_VOLUME_PREFIX "rucio-policy-"

/* `pythonPath: pth`: the volume with the one file that names the package's directory, and that file. The file holds an
 * annotation, so that the volume is the same in every pod and needs no revision. */
#define RPW_PTH_VOLUME "rucio-policy-pth"
#define RPW_PTH_FILE "rucio-policy.pth"

/* How a pod opts out, as refusals say it. */
#define RPW_POLICY_OPT_OUT                                                                                             \
    "or opt out with the annotation policy.rucio.cern.ch/inject: \"false\" of the pod (in a workload, of its "         \
    "template)"

#define RPW_CHART_REVISION_PREFIX "chart-"

/* The init containers that we add to a pod. Their names are reserved: a container of that name is never one that gets the
 * package, whatever a policy's globs say. */
enum rpw_own_container { RPW_OWN_INSTALL, RPW_OWN_COPY, RPW_OWN_VERIFY, RPW_OWN_CONTAINERS };

/* rucio-policy-install, rucio-policy-copy, rucio-policy-verify */
extern const struct rpw_span rpw_policy_own_containers[RPW_OWN_CONTAINERS];

enum rpw_label_operator { RPW_LABEL_IN, RPW_LABEL_NOT_IN, RPW_LABEL_EXISTS, RPW_LABEL_DOES_NOT_EXIST };

/* One requirement of a Kubernetes LabelSelector; `matchLabels: {k: v}` is `k In [v]`. values are used by In and NotIn. */
struct rpw_label_requirement {
    struct rpw_span key;
    enum rpw_label_operator op;
    struct rpw_span_list values;
};

/* A variable of a container's `env`. */
struct rpw_env_var {
    struct rpw_span name;
    struct rpw_span value;      /* without a value_from */
    struct rpw_span value_from; /* a JSON object; absent: the variable is a literal */
};

/* A package and the variables that name it. Which one Rucio reads depends on its version and on what asks. */
struct rpw_package {
    struct rpw_span variable; /* RUCIO_POLICY_PACKAGE, RUCIO_POLICY_PACKAGE_<VO> */
    struct rpw_span
        cfg_variable;      /* RUCIO_CFG_POLICY_PACKAGE, RUCIO_CFG_POLICY_PACKAGE-<vo>, which Rucio's entrypoints merge
                                   * into rucio.cfg; absent with configEnv: false */
    struct rpw_span value; /* the module's name */
};

enum rpw_python_path_mode {
    RPW_PYTHON_PATH_PREPEND,
    RPW_PYTHON_PATH_APPEND,
    RPW_PYTHON_PATH_ENTRYPOINT, /* leave PYTHONPATH to the image's entrypoint */
    RPW_PYTHON_PATH_PTH,        /* leave PYTHONPATH alone: a file in site_packages names the path */
};

enum rpw_source {
    RPW_SOURCE_VOLUME,        /* a volume, mounted read-only */
    RPW_SOURCE_PREINSTALLED,  /* the code is in the image: environment only */
    RPW_SOURCE_PIP,           /* an init container of ours installs it with pip into an emptyDir */
    RPW_SOURCE_COPY,          /* an init container of ours copies it from an image of its own into an emptyDir */
    RPW_SOURCE_SITE_PACKAGES, /* the code is among the image's Python packages: names and settings only */
};

/* Where the init container that fills the volume stands: in either case before every init container that gets the mount. */
enum rpw_position {
    RPW_POSITION_FIRST, /* where none gets it, before all */
    RPW_POSITION_LAST,  /* where none gets it, behind all */
};

/* The init container that brings the package: rucio-policy-install (pip) or rucio-policy-copy. */
struct rpw_installer {
    /* What the configuration alone decides, as members of a JSON object without its braces:
     * "command":[...],"args":[...],"env":[...],"envFrom":[...] */
    struct rpw_span members;
    struct rpw_span image;            /* empty: that of the container that gets the package */
    struct rpw_span pull_policy;      /* empty: left to Kubernetes, or that of the container whose image it is */
    struct rpw_span resources;        /* a JSON object; absent: those of the container that gets the package */
    struct rpw_span security_context; /* a JSON object; absent: made from that container's */
    enum rpw_position position;
};

enum rpw_verify {
    RPW_VERIFY_OFF,
    RPW_VERIFY_WARN, /* the init container rucio-policy-verify reports */
    RPW_VERIFY_FAIL, /* and fails, so that the pod does not start */
};

enum rpw_on_conflict {
    RPW_CONFLICT_KEEP,     /* theirs stays, the pod gets the rest, with a warning */
    RPW_CONFLICT_OVERRIDE, /* ours, theirs goes */
    RPW_CONFLICT_REJECT,   /* the pod is refused */
};

enum rpw_unmatched { RPW_UNMATCHED_ALLOW, RPW_UNMATCHED_WARN, RPW_UNMATCHED_REJECT };

struct rpw_policy {
    struct rpw_span name; /* unique in its set, a DNS-1123 label */

    /* match: all three must hold. */
    struct rpw_span_list namespaces; /* globs; empty: any namespace */
    const struct rpw_label_requirement *requirements;
    size_t requirement_count;
    /* A container is meant when one of its name's globs or of its image's (rpw_recognition_of_image()) matches; at least one
     * of all. */
    struct rpw_span_list containers;
    struct rpw_span_list images;

    /* The packages: that of a Rucio with one VO first, if there is one, then those of the VOs. */
    const struct rpw_package *packages;
    size_t package_count; /* at least one */

    /* Settings beside the package, in the order in which the container gets them; none that we set ourselves. */
    const struct rpw_env_var *env;
    size_t env_count;

    /* The package's directory in the container: usable (rpw_path_expectation()), no slash at its end. */
    struct rpw_span path;
    enum rpw_python_path_mode python_path;
    struct rpw_span site_packages;     /* RPW_PYTHON_PATH_PTH: a directory, as path is one */
    struct rpw_span image_python_path; /* empty: the image defines no PYTHONPATH */

    enum rpw_source source;
    /* Of volume, pip and copy: the volume source as a JSON object, {"persistentVolumeClaim":{...}}, with pip and
     * copy {"emptyDir":{...}}; and the directory of it that is mounted, empty for its root, with pip and copy
     * RPW_PACKAGE_DIRECTORY. */
    struct rpw_span volume;
    struct rpw_span volume_name; /* RPW_VOLUME_PREFIX and the revision */
    struct rpw_span sub_path;
    /* Where below path it is mounted: empty, or with `holds: package` a slash and the package's own directory. */
    struct rpw_span mount_suffix;
    struct rpw_span mount_propagation;   /* absent: None */
    struct rpw_span recursive_read_only; /* absent: Disabled */
    struct rpw_installer installer;      /* pip and copy */

    enum rpw_verify verify;
    struct rpw_span verify_members;          /* warn and fail: "command":[...],"args":[...] of the init container */
    struct rpw_span verify_security_context; /* as that of an installer */

    enum rpw_on_conflict on_conflict;
    struct rpw_span revision; /* RPW_REVISION_DIGITS hex digits over all that reaches the pod */
    /* RPW_CHART_REVISION_PREFIX and as many digits over what still reaches a pod whose package comes from the charts' own
     * policyPackages. */
    struct rpw_span chart_revision;
};

struct rpw_policy_set {
    const struct rpw_policy *policies; /* tried in this order, the first match wins */
    size_t count;
    enum rpw_unmatched unmatched; /* what to do with a pod of Rucio's that no policy selects */
};

/* The container names of Rucio's own Helm charts that run Rucio, and Rucio's own images of any registry: the defaults of
 * `match.containers` and `match.images` where neither is given, and what `unmatched` looks for. */
extern const struct rpw_span_list rpw_policy_default_containers;
extern const struct rpw_span_list rpw_policy_default_images;

/* Whether a variable called name names a package for Rucio: RUCIO_POLICY_PACKAGE, RUCIO_CFG_POLICY_PACKAGE, either also with a
 * VO. ret_vo: the VO, or "". */
bool rpw_policy_names_package(struct rpw_span name, struct rpw_span *ret_vo);

#endif
