/* random_pod.c - see random_pod.h. Lists of choices, and one function for each part of a pod. */
#include "random_pod.h"

#include "check.h"
#include "rpw/review/policy.h"

struct choices {
    const uint8_t *at;
    const uint8_t *end;
    size_t container_count; /* made so far */
};

static size_t pick(struct choices *choices, size_t count)
{
    return choices->at == choices->end ? 0 : *choices->at++ % count;
}

#define PICK(choices, list) ((list)[pick((choices), sizeof(list) / sizeof((list)[0]))])

static json_t *parse(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);

    CHECK(value != NULL);
    return value;
}

static const char *const variable_names[] = {
    "SITE",
    "PYTHONPATH",
    "POLICY_PKG_PATH",
    "RUCIO_POLICY_PACKAGE",
    "RUCIO_POLICY_PACKAGE_ATL",
    "RUCIO_CFG_POLICY_PACKAGE",
    "RUCIO_CFG_POLICY_PACKAGE-atl",
    "RUCIO_POLICY_BASE_PYTHONPATH",
    "RUCIO_POLICY_PACKAGE_OLD",
    "OPA_URL",
    "QUERY",
};

static const char *const variable_values[] = {
    "",
    "/opt/rucio/policy",
    "/opt/rucio/policy/",
    "/opt/policies",
    "/opt/other",
    "atlas_pkg",
    "other_pkg",
    "/a:/opt/rucio/policy:/b",
    "/opt/rucio/policy:/b",
    "/b:/opt/policies/",
    "$(POLICY_PKG_PATH)",
    "/b:$(POLICY_PKG_PATH)",
    "$(POLICY_PKG_PATH)/:/b",
    "/opt/rucio/policy:$(RUCIO_POLICY_BASE_PYTHONPATH)",
    "/opt/policies:$(PYTHONPATH)",
    ":",
    "/a::/b:",
    "relative",
    "/",
    "//",
    "/with space/\t\"quoted\"",
};

static const char *const references[] = {
    "{\"configMapKeyRef\":{\"name\":\"site\",\"key\":\"path\"}}",
    "{\"configMapKeyRef\":{\"name\":\"site\",\"key\":\"path\",\"optional\":true}}",
    "{\"secretKeyRef\":{\"name\":\"site\",\"key\":\"path\",\"optional\":false}}",
    "{\"fieldRef\":{\"apiVersion\":\"v1\",\"fieldPath\":\"metadata.name\"}}",
    "{\"configMapKeyRef\":{\"name\":\"opa\",\"key\":\"url\"}}",
    "{\"configMapKeyRef\":null}",
    "{}",
};

static json_t *make_variable(struct choices *choices)
{
    json_t *variable = json_pack("{s:s}", "name", PICK(choices, variable_names));

    switch (pick(choices, 5)) {
    case 0:
        break;
    case 1:
        json_object_set_new(variable, "valueFrom", parse(PICK(choices, references)));
        break;
    case 2:
        json_object_set_new(variable, "value", json_null());
        break;
    default:
        json_object_set_new(variable, "value", json_string(PICK(choices, variable_values)));
        break;
    }
    return variable;
}

static const char *const volume_names[] = {"data", "rucio-policy", "rucio-policy-0123456789ab", RPW_PTH_VOLUME};

static const char *const mount_paths[] = {"/data",
                                          "/opt/rucio/policy",
                                          "/opt/rucio/policy/",
                                          "/opt/policies",
                                          "/opt/rucio",
                                          "/opt/rucio/",
                                          "/opt/other",
                                          "/opt/other/below",
                                          "/",
                                          "/opt/rucio/policy/below",
                                          "/opt/policies2",
                                          "opt//rucio/./policy",
                                          "/opt/x/../policies",
                                          "/opt/rucio/policy/atlas_pkg",
                                          "/usr/lib/python3/site-packages/rucio-policy.pth",
                                          "/opt/site-packages",
                                          "/opt/site-packages/rucio-policy.pth/below"};

static json_t *make_mount(struct choices *choices)
{
    static const char *const sub_paths[] = {"", "current", "other"};
    json_t *mount = json_pack("{s:s}", "name", PICK(choices, volume_names));

    json_object_set_new(mount, "mountPath", json_string(PICK(choices, mount_paths)));
    size_t read_only = pick(choices, 4);
    size_t sub_path = pick(choices, 4);

    if (read_only > 0)
        json_object_set_new(mount, "readOnly", read_only == 1 ? json_false() : json_true());
    if (sub_path > 0)
        json_object_set_new(mount, "subPath", json_string(sub_paths[sub_path - 1]));
    if (pick(choices, 8) == 1)
        json_object_set_new(mount, "subPathExpr", json_string("$(SITE)"));
    return mount;
}

static const char *const volume_sources[] = {
    "{\"emptyDir\":{}}",
    "{\"persistentVolumeClaim\":{\"claimName\":\"atlas-policy\"}}",
    "{\"persistentVolumeClaim\":{\"claimName\":\"atlas-policy\",\"readOnly\":true}}",
    "{\"configMap\":{\"name\":\"atlas-policy\"}}",
    "{\"configMap\":{\"name\":\"atlas-policy\",\"defaultMode\":420}}",
    "{\"hostPath\":{\"path\":\"/cvmfs/policy\",\"type\":\"\"}}",
    "{\"ephemeral\":{\"volumeClaimTemplate\":{\"spec\":{\"resources\":{\"requests\":{\"storage\":\"1Gi\"}}}}}}",
    "{\"ephemeral\":{\"volumeClaimTemplate\":{\"spec\":{\"resources\":{\"requests\":{\"storage\":\"1024Mi\"}}}}}}",
    "{\"emptyDir\":null}",
    "{}",
};

static json_t *make_volume(struct choices *choices)
{
    json_t *volume = parse(PICK(choices, volume_sources));

    json_object_set_new(volume, "name", json_string(PICK(choices, volume_names)));
    return volume;
}

/* Missing, null, empty or up to max items. */
static void set_list(struct choices *choices, json_t *object, const char *key, size_t max,
                     json_t *(*make)(struct choices *))
{
    size_t count = pick(choices, max + 3);

    if (count == 0)
        return;
    if (count == 1) {
        json_object_set_new(object, key, json_null());
        return;
    }
    json_t *list = json_array();
    for (; count > 2; count--)
        json_array_append_new(list, make(choices));
    json_object_set_new(object, key, list);
}

static json_t *make_env_from(struct choices *choices)
{
    static const char *const prefixes[] = {"", "", "PYTHON", "RUCIO_CFG_"};
    const char *kind = pick(choices, 2) == 0 ? "configMapRef" : "secretRef";

    return json_pack("{s:s,s:{s:s}}", "prefix", PICK(choices, prefixes), kind, "name", "site");
}

static json_t *make_device(struct choices *choices)
{
    return json_pack("{s:s,s:s}", "name", "data", "devicePath", PICK(choices, mount_paths));
}

/* No two containers of a pod have one name. */
static json_t *make_container_name(struct choices *choices)
{
    static const char *const targets[] = {"rucio-server", "rucio-daemons", "rucio-ui"};
    size_t number = choices->container_count++;

    if (pick(choices, 4) == 3 || number >= sizeof(targets) / sizeof(targets[0]))
        return json_sprintf("rucio-server-%zu", number);
    return json_string(targets[number]);
}

static json_t *make_container(struct choices *choices)
{
    json_t *container = json_pack("{s:o,s:s}", "name", make_container_name(choices), "image", "rucio/rucio-server");

    set_list(choices, container, "env", 7, make_variable);
    set_list(choices, container, "volumeMounts", 4, make_mount);
    set_list(choices, container, "envFrom", 1, make_env_from);
    if (pick(choices, 8) == 1)
        json_object_set_new(container, "restartPolicy", json_string("Always"));
    return container;
}

static const char *const records[] = {
    "{}",
    "{",
    "{\"volume\":\"rucio-policy-0123456789ab\",\"containers\":{\"rucio-server\":{\"env\":{\"POLICY_PKG_PATH\":"
    "\"/opt/rucio/policy\",\"RUCIO_POLICY_PACKAGE\":\"atlas_pkg\",\"RUCIO_POLICY_PACKAGE_OLD\":\"other_pkg\"},"
    "\"pythonPath\":\"/opt/rucio/policy\",\"mountPath\":\"/opt/rucio/policy\"}},\"initContainers\":"
    "[\"rucio-policy-verify\"]}",
    "{\"volume\":\"data\",\"containers\":{\"rucio-server\":{\"env\":{\"SITE\":\"/opt/other\",\"PYTHONPATH\":\"/b:/opt/"
    "policies/\"},"
    "\"pythonPath\":\"/b\"},\"rucio-daemons\":{\"mountPath\":\"/opt//policies\"},\"rucio-policy-copy\":{\"env\":"
    "{\"SITE\":\"/opt/other\"}}},\"initContainers\":[\"rucio-policy-copy\"]}",
    "{\"volume\":\"rucio-policy-pth\",\"containers\":{\"rucio-server\":{\"valueFrom\":{\"OPA_URL\":{"
    "\"configMapKeyRef\":"
    "{\"name\":\"opa\",\"key\":\"url\"}}},\"mountPath\":\"/opt/site-packages/rucio-policy.pth\",\"pthPath\":"
    "\"/opt/site-packages/rucio-policy.pth\"}}}",
};

static void set_annotations(struct choices *choices, json_t *metadata)
{
    static const char *const policies[] = {"first", "second", "absent", ""};
    static const char *const others[] = {"a/b", "a~b", "checksum/config", "policy.rucio.cern.ch/other"};
    size_t kind = pick(choices, 4);
    json_t *annotations = kind == 1 ? json_null() : json_object();

    if (kind > 1 && pick(choices, 8) == 1)
        json_object_set_new(annotations, "policy.rucio.cern.ch/inject",
                            json_string(pick(choices, 2) ? "false" : "true"));
    if (kind > 1 && pick(choices, 4) == 1)
        json_object_set_new(annotations, "policy.rucio.cern.ch/policy", json_string(PICK(choices, policies)));
    if (kind > 1 && pick(choices, 3) == 1)
        json_object_set_new(annotations, "policy.rucio.cern.ch/revision",
                            json_string(pick(choices, 2) ? "0123456789ab" : ""));
    if (kind > 1 && pick(choices, 2) == 1)
        json_object_set_new(annotations, "policy.rucio.cern.ch/injected", json_string(PICK(choices, records)));
    if (kind > 2)
        json_object_set_new(annotations, PICK(choices, others), json_string("x"));
    if (kind > 0)
        json_object_set(metadata, "annotations", annotations);
    json_decref(annotations);
}

/* --- what init containers of ours, and the charts' own packages, depend on ---------------------------------------------- */

static void append(json_t *object, const char *key, json_t *item)
{
    if (!json_is_array(json_object_get(object, key)))
        json_object_set_new(object, key, json_array());
    json_array_append_new(json_object_get(object, key), item);
}

static const char *const security_contexts[] = {
    "null",
    "{}",
    "{\"runAsUser\":0}",
    "{\"runAsUser\":1000,\"runAsGroup\":100}",
    "{\"runAsNonRoot\":true,\"seLinuxOptions\":{\"level\":\"s0:c1\"}}",
    "{\"runAsNonRoot\":false}",
};

static void decorate_container(struct choices *choices, json_t *container)
{
    static const char *const resources[] = {"null", "{}", "{\"limits\":{\"cpu\":1,\"memory\":\"1Gi\"}}"};
    json_t *mount = json_array_get(json_object_get(container, "volumeMounts"), 0);

    if (pick(choices, 4) == 1)
        json_object_set_new(container, "image", json_string("rucio/other"));
    if (pick(choices, 4) == 1)
        json_object_set_new(container, "imagePullPolicy", json_string("Always"));
    if (pick(choices, 8) == 1)
        set_list(choices, container, "volumeDevices", 1, make_device);
    if (pick(choices, 2) == 1)
        json_object_set_new(container, "resources", parse(PICK(choices, resources)));
    if (pick(choices, 2) == 1)
        json_object_set_new(container, "securityContext", parse(PICK(choices, security_contexts)));
    if (json_is_object(mount) && pick(choices, 4) == 1)
        json_object_set_new(mount, "mountPropagation", json_string("Bidirectional"));
}

static void add_chart(struct choices *choices, json_t *spec)
{
    static const char *const paths[] = {"/opt/policy_packages/", "/opt/rucio/policy", "/opt/other", "/"};
    json_t *containers = json_object_get(spec, "containers");

    if (pick(choices, 4) != 1)
        return;
    append(spec, "volumes", json_pack("{s:s,s:{}}", "name", "policy-package-volume", "emptyDir"));
    append(spec, "initContainers", json_pack("{s:s}", "name", "install-policy-packages"));
    for (size_t i = 0; i < json_array_size(containers); i++)
        if (pick(choices, 4) != 1)
            append(json_array_get(containers, i), "volumeMounts",
                   json_pack("{s:s,s:s}", "name", "policy-package-volume", "mountPath", PICK(choices, paths)));
}

static void add_own_containers(struct choices *choices, json_t *spec)
{
    static const char *const own[] = {"rucio-policy-install", "rucio-policy-copy", "rucio-policy-verify"};

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (pick(choices, 8) == 1)
            append(spec, "initContainers",
                   json_pack("{s:s,s:[{s:s,s:s}]}", "name", own[i], "volumeMounts", "name", PICK(choices, volume_names),
                             "mountPath", "/rucio-policy"));
    if (pick(choices, 8) == 1)
        append(spec, "initContainers", json_null());
}

static void decorate(struct choices *choices, json_t *metadata, json_t *spec)
{
    static const char *const evictable[] = {"",   "data", "data,", "rucio-policy", "data,rucio-policy-0123456789ab",
                                            ",,x"};
    static const char *const lists[] = {"containers", "initContainers"};
    json_t *annotations = json_object_get(metadata, "annotations");

    for (size_t list = 0; list < sizeof(lists) / sizeof(lists[0]); list++)
        for (size_t i = 0; i < json_array_size(json_object_get(spec, lists[list])); i++)
            decorate_container(choices, json_array_get(json_object_get(spec, lists[list]), i));
    add_chart(choices, spec);
    add_own_containers(choices, spec);
    if (pick(choices, 4) == 1)
        json_object_set_new(spec, "securityContext", parse(PICK(choices, security_contexts)));
    if (json_is_object(annotations) && pick(choices, 4) == 1)
        json_object_set_new(annotations, "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes",
                            json_string(PICK(choices, evictable)));
    if (pick(choices, 8) == 1)
        json_object_set_new(spec, "resources", parse("{\"requests\":{\"cpu\":\"1\"}}"));
}

json_t *random_pod_new(const uint8_t *bytes, size_t size)
{
    struct choices choices = {bytes, bytes + size, 0};
    json_t *metadata = json_pack("{s:s,s:{s:s}}", "generateName", "atlas-", "labels", "app", "rucio-server");
    json_t *spec = json_object();

    /* At least one container, and the first of them one that policies look at, unless the bytes say otherwise. */
    json_t *containers = json_array();
    for (size_t left = 1 + pick(&choices, 3); left > 0; left--)
        json_array_append_new(containers, make_container(&choices));
    json_object_set_new(spec, "containers", containers);
    set_list(&choices, spec, "volumes", 4, make_volume);
    set_annotations(&choices, metadata);
    set_list(&choices, spec, "initContainers", 2, make_container);
    decorate(&choices, metadata, spec);
    return json_pack("{s:s,s:s,s:o,s:o}", "apiVersion", "v1", "kind", "Pod", "metadata", metadata, "spec", spec);
}

/* --- what others do to a pod ------------------------------------------------------------------------------------------- */

static void edit_env(struct choices *choices, json_t *container)
{
    json_t *env = json_object_get(container, "env");

    if (!json_is_array(env)) {
        env = json_array();
        json_object_set_new(container, "env", env);
    }
    size_t at = pick(choices, json_array_size(env) + 1);
    json_t *found = json_array_get(env, at);
    switch (pick(choices, 4)) {
    case 0:
        json_array_remove(env, at);
        break;
    case 1:
        if (json_is_object(found))
            json_object_set_new(found, "value", json_string(PICK(choices, variable_values)));
        break;
    default:
        json_array_insert_new(env, at, make_variable(choices));
        break;
    }
}

void random_pod_edit(json_t *pod, const uint8_t *bytes, size_t size)
{
    struct choices choices = {bytes, bytes + size, 0};
    json_t *containers = json_object_get(json_object_get(pod, "spec"), "containers");
    json_t *annotations = json_object_get(json_object_get(pod, "metadata"), "annotations");

    while (choices.at != choices.end && json_array_size(containers) > 0) {
        json_t *container = json_array_get(containers, pick(&choices, json_array_size(containers)));
        if (pick(&choices, 8) == 1)
            json_object_del(annotations, "policy.rucio.cern.ch/injected");
        else if (json_is_object(container))
            edit_env(&choices, container);
    }
}
