"""Pods as users, charts and other webhooks make them: what the webhook looks at is missing, null, empty, there, or
there twice, and between it lie fields that it does not know.

Everything is drawn from hypothesis, first choice first, so that a failing pod shrinks to what matters. Volumes,
containers and paths of mounts have unique names, as an apiserver wants them.
"""
import json

from hypothesis import strategies as st

import policies

OURS = "policy.rucio.cern.ch/"
MAIN_NAMES = ["rucio-server", "rucio-daemons", "sidecar", "httpd-error-log"]
INIT_NAMES = ["prepare", "rucio-ui", "rucio-init", "sidecar-init", *policies.OWN_CONTAINERS]
VOLUME_NAMES = ["data", "rucio-policy", "rucio-policy-2", "rucio-policy-x", "config"]
MOUNT_PATHS = ["/data", "/opt/rucio/policy", "/opt/rucio/policy/", "/opt/rucio/policy/etc", "/opt/policy", "/opt",
               "/opt/rucio", "/opt/policy/deep", "/opt/rucio/policy-2", "/", "/opt/policy_packages/"]
REFERENCES = [
    {"secretKeyRef": {"name": "s", "key": "k"}},
    {"configMapKeyRef": {"name": "m", "key": "absent", "optional": True}},
    {"configMapKeyRef": {"name": "m", "key": "k", "optional": True}},
    {"fieldRef": {"fieldPath": "metadata.name"}},
    {"secretKeyRef": {"name": "s", "key": "empty"}},
]
VARIABLES = {
    "POLICY_PKG_PATH": [*policies.PATHS, "/opt/rucio/policy/", "/opt/own", "relative", "/", "//", "/a:/b",
                        "/x/$(COLOUR)", "/x$$y", "$(HOME_DIR)/policy"],
    "PYTHONPATH": ["/old", "/opt/rucio/policy", "/opt/rucio/policy/:/old", "/old:$(POLICY_PKG_PATH)", "/old:", ":",
                   "/a::/b", "/opt/policy:/old", "$(PYTHONPATH)", "/old:$(HOME_DIR)", "$(POLICY_PKG_PATH)/", "$$x:/old",
                   "/opt/rucio/policy-2", "$(PYTHONPATH):/opt/rucio/policy"],
    "RUCIO_POLICY_PACKAGE": [*policies.PACKAGES, "own_policy", "$(COLOUR)"],
    "RUCIO_CFG_POLICY_PACKAGE": [*policies.PACKAGES, "own_policy"],
    "RUCIO_POLICY_PACKAGE_ATL": [*policies.PACKAGES, "own_policy"],
    "RUCIO_CFG_POLICY_PACKAGE-atl": [*policies.PACKAGES, "own_policy"],
    "RUCIO_POLICY_BASE_PYTHONPATH": ["/base"],
    "COLOUR": ["red", "$(POLICY_PKG_PATH)"],
    "HOME_DIR": ["/home", "/home/$(COLOUR)", "$$(PYTHONPATH)", "$(RUCIO_POLICY_PACKAGE)", "$(", "$(PYTHONPATH):x"],
}
ENV_FROM = [{"configMapRef": {"name": "settings"}}, {"configMapRef": {"name": "plain"}},
            {"configMapRef": {"name": "names"}}, {"prefix": "P_", "configMapRef": {"name": "settings"}},
            {"configMapRef": {"name": "empty-path"}}]
CONTEXTS = [{}, policies.RESTRICTED, {"runAsUser": 0}, {"runAsUser": 1000, "runAsGroup": 7}, {"runAsNonRoot": True},
            {"runAsNonRoot": False}, {"seLinuxOptions": {"level": "s0:c1,c2"}, "privileged": False},
            {"capabilities": {"add": ["NET_BIND_SERVICE"]}}, {"runAsUser": None, "runAsNonRoot": None, "x-new": 1},
            {"runAsNonRoot": False, "runAsUser": 5}, {"seccompProfile": {"type": "Unconfined"}}]
RESTRICTED_CONTEXTS = [policies.RESTRICTED,
                       {**policies.RESTRICTED, "seLinuxOptions": {"type": "container_t", "level": "s0"}},
                       {**policies.RESTRICTED, "runAsUser": None},
                       {**policies.RESTRICTED, "runAsUser": None, "runAsNonRoot": None}]
GUARANTEED = {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"cpu": "0.5", "memory": "1024Mi"}}
RESOURCES = [{}, GUARANTEED, {"limits": {"cpu": 1, "memory": "1Gi"}}, {"requests": {"cpu": "250m"}},
             {"requests": {"memory": "64Mi"}, "limits": {"memory": "128Mi", "example.org/gpu": "1"}},
             {"requests": None, "limits": {}}, {"limits": {"cpu": "0", "memory": "0"}}]
UNKNOWN = {"x-unknown": {"deep": [1, None, {"a/b~c": "é\n\u2028"}], "number": 1e3}}

pick = st.sampled_from
usually = pick([True, True, True, False])
seldom = pick([False] * 15 + [True])
sometimes = pick([False, False, False, True])


def put(draw, target, key, strategy, chance=usually):
    """The field is there with a value, or missing, or null."""
    if draw(chance):
        target[key] = draw(strategy)
    elif draw(seldom):
        target[key] = None


def unknown(draw, target):
    if draw(seldom):
        target.update(UNKNOWN)


def deviating(draw, items, is_odd):
    """A list, now and then with a null element."""
    if is_odd and draw(seldom):
        items.insert(draw(st.integers(0, len(items))), None)
    return items


@st.composite
def entries(draw):
    name = draw(pick(list(VARIABLES)))
    form = draw(pick(["literal"] * 12 + ["reference"] * 3 + ["empty", "absent", "null", "both"]))
    entry = {"name": name}
    if form == "literal":
        entry["value"] = draw(pick(VARIABLES[name]))
    elif form == "null":
        entry["value"] = None
    elif form in ("empty", "both"):
        entry["value"] = ""
    if form in ("reference", "both"):
        entry["valueFrom"] = draw(pick(REFERENCES))
    unknown(draw, entry)
    return entry


@st.composite
def mounts(draw):
    """The volume is a number: see containers()."""
    mount = {"name": draw(st.integers(0, 3)), "mountPath": draw(pick(MOUNT_PATHS))}
    read_only = draw(pick([None, True, False]))
    if read_only is not None:
        mount["readOnly"] = read_only
    if draw(sometimes):
        mount.update(draw(pick([{"subPath": "current"}, {"subPath": "package"}, {"subPath": ""},
                                {"subPathExpr": "$(COLOUR)"}, {"mountPropagation": "Bidirectional"},
                                {"mountPropagation": "None"}])))
    unknown(draw, mount)
    return mount


ENTRIES = st.lists(entries(), max_size=5)
PLAIN_ENTRIES = st.lists(pick([
    {"name": "PYTHONPATH", "value": "/old"}, {"name": "PYTHONPATH", "value": "/old::/older:"},
    {"name": "PYTHONPATH", "valueFrom": REFERENCES[0]}, {"name": "PYTHONPATH"}, {"name": "COLOUR", "value": "red"},
    {"name": "HOME_DIR", "value": "/home/$(COLOUR)"}]), max_size=3)
PLAIN_MOUNTS = st.lists(st.fixed_dictionaries({"name": st.integers(0, 1), "mountPath": st.just("/data")}), max_size=1)
MOUNTS = st.lists(mounts(), max_size=3, unique_by=lambda mount: mount["mountPath"])
SOME_ENV_FROM = st.lists(pick(ENV_FROM), max_size=2)


def draw_container(draw, name, volume_names, profile, is_init):
    container = {"name": name, "image": draw(pick(["rucio/rucio-server:38.1.0"] * 6 + ["rucio/rucio-daemons:38.1.0"]))}
    put(draw, container, "imagePullPolicy", pick(["Always", "Never"]), sometimes)
    put(draw, container, "env", PLAIN_ENTRIES if profile["is_plain"] else ENTRIES)
    if container.get("env"):
        deviating(draw, container["env"], profile["is_odd"])
    put(draw, container, "envFrom", SOME_ENV_FROM, sometimes)
    if volume_names:
        put(draw, container, "volumeMounts", PLAIN_MOUNTS if profile["is_plain"] else MOUNTS)
    if container.get("volumeMounts"):
        for mount in container["volumeMounts"]:
            mount["name"] = volume_names[mount["name"] % len(volume_names)]
        deviating(draw, container["volumeMounts"], profile["is_odd"])
    if profile["is_guaranteed"]:
        container["resources"] = GUARANTEED
    else:
        put(draw, container, "resources", pick(RESOURCES))
    if profile["is_restricted"]:
        container["securityContext"] = {**RESTRICTED_CONTEXTS[0], **draw(pick(RESTRICTED_CONTEXTS))}
    else:
        put(draw, container, "securityContext", pick(CONTEXTS), sometimes)
    if is_init and draw(sometimes):
        container["restartPolicy"] = "Always"
    if draw(seldom):
        container["ports"] = [{"containerPort": 443, "name": "https"}]
    unknown(draw, container)
    return container


SOURCES = policies.VOLUMES + [{"emptyDir": {}}, {"configMap": {"name": "policy", "optional": True}},
                              {"persistentVolumeClaim": {"claimName": "atlas-policy", "readOnly": False}},
                              {"emptyDir": {"sizeLimit": "1Gi"}}, {"emptyDir": {"medium": "Memory"}}]
RESTRICTED_SOURCES = [source for source in SOURCES if not {"nfs", "hostPath"} & set(source)]


def draw_volume(draw, name, profile):
    volume = {"name": name, **draw(pick(RESTRICTED_SOURCES if profile["is_restricted"] else SOURCES))}
    unknown(draw, volume)
    return volume


@st.composite
def annotations(draw):
    result = draw(pick([{}, {}, {"a/b~c": "d", "": "empty"}]))
    result = dict(result)
    kind = draw(pick([""] * 40 + ["inject", "inject-true", "policy", "unknown", "mirror", "record", "empty-record"]))
    if kind == "inject":
        result[OURS + "inject"] = "false"
    elif kind == "inject-true":
        result[OURS + "inject"] = "true"
    elif kind == "policy":
        result[OURS + "policy"] = f"policy-{draw(st.integers(0, 5))}"
    elif kind == "unknown":
        result[OURS + "policy"] = "no-such-policy"
    elif kind == "mirror":
        result["kubernetes.io/config.mirror"] = "x"
    elif kind == "record":
        result.update({OURS + "status": "injected", OURS + "revision": draw(pick(["0123456789ab", "chart-managed"]))})
    elif kind == "empty-record":
        result[OURS + "revision"] = ""
    if draw(seldom):
        listed = draw(pick(["data", "", "rucio-policy", "data,rucio-policy-2", "data,", "rucio-policy-2x"]))
        result["cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes"] = listed
    return result


def add_chart_packages(draw, pod):
    """What the charts' policyPackages add, and what people make of it."""
    spec = pod["spec"]
    spec["volumes"] = (spec.get("volumes") or []) + [{"name": "policy-package-volume", "emptyDir": {}}]
    path = draw(pick(["/opt/policy_packages/", "/opt/policy_packages", "/opt/rucio/policy/", "/opt/policy"]))
    mount = {"name": "policy-package-volume", "mountPath": path}
    if draw(usually):
        install = {"name": "install-policy-packages", "image": "almalinux:9", "volumeMounts": [mount]}
        spec["initContainers"] = (spec.get("initContainers") or []) + [install]
    for container in spec["containers"]:
        if container is None or not draw(usually):
            continue
        mounted = [item for item in container.get("volumeMounts") or [] if item is None or item["mountPath"] != path]
        container["volumeMounts"] = mounted + [dict(mount)]
        if draw(usually):
            container["env"] = (container.get("env") or []) + [{"name": "PYTHONPATH", "value": path}]


POD_CONTEXTS = [context for context in CONTEXTS if "capabilities" not in context]
RESTRICTED_POD_CONTEXTS = [{key: policies.RESTRICTED[key] for key in keys}
                           for keys in (["runAsNonRoot", "seccompProfile"],
                                        ["runAsNonRoot", "seccompProfile", "runAsUser"])]
VOLUME_NAME_LISTS = st.lists(pick(VOLUME_NAMES), max_size=3, unique=True)
PLAIN_VOLUME_NAME_LISTS = st.lists(pick(["data", "config"]), max_size=2, unique=True)
PLAIN_INIT_NAME_LISTS = st.lists(pick(INIT_NAMES[:4]), max_size=2, unique=True)
INIT_NAME_LISTS = st.lists(pick(INIT_NAMES), max_size=3, unique=True)
MAIN_NAME_LISTS = st.lists(pick(MAIN_NAMES), min_size=1, max_size=3, unique=True).map(
    lambda names: names if "rucio" in names[0] else list(dict.fromkeys(["rucio-server", *names])))


def draw_spec(draw):
    profile = {"is_odd": draw(seldom), "is_guaranteed": draw(sometimes), "is_restricted": draw(sometimes),
               "is_plain": draw(st.booleans())}
    spec = {"nodeName": "node-1"}
    volume_names = draw(PLAIN_VOLUME_NAME_LISTS if profile["is_plain"] else VOLUME_NAME_LISTS)
    if volume_names or draw(sometimes):
        found = [draw_volume(draw, name, profile) for name in volume_names]
        spec["volumes"] = deviating(draw, found, profile["is_odd"])
    elif draw(seldom):
        spec["volumes"] = None
    init_names = draw(PLAIN_INIT_NAME_LISTS if profile["is_plain"] else INIT_NAME_LISTS)
    if init_names or draw(sometimes):
        found = [draw_container(draw, name, volume_names, profile, True) for name in init_names]
        spec["initContainers"] = deviating(draw, found, profile["is_odd"])
    elif draw(seldom):
        spec["initContainers"] = None
    spec["containers"] = [draw_container(draw, name, volume_names, profile, False) for name in draw(MAIN_NAME_LISTS)]
    if profile["is_restricted"]:
        spec["securityContext"] = draw(pick(RESTRICTED_POD_CONTEXTS))
    else:
        put(draw, spec, "securityContext", pick(POD_CONTEXTS), sometimes)
    if draw(seldom):
        spec["os"] = {"name": draw(pick(["linux", "windows"]))}
    unknown(draw, spec)
    return spec


ANNOTATIONS = annotations()


@st.composite
def pods(draw):
    pod = {"apiVersion": "v1", "kind": "Pod", "spec": draw_spec(draw)}
    metadata = {"generateName": "rucio-", "labels": {"app": "rucio"}}
    put(draw, metadata, "annotations", ANNOTATIONS)
    unknown(draw, metadata)
    put(draw, pod, "metadata", st.just(metadata), pick([True] * 15 + [False]))
    unknown(draw, pod)
    if draw(pick([False] * 5 + [True])):
        add_chart_packages(draw, pod)
    return json.loads(json.dumps(pod))  # nothing is there twice as the same object


# --- what happens to a pod between two injections --------------------------------------------------------------------

CHANGES = ["", "defaults", "defaults and account", "limits", "mirror", "mesh", "annotations", "revision", "conflicts",
           "rename", "edit", "add entry", "remove entry", "remove mount", "add container", "remove installer",
           "move installer"]


@st.composite
def stories(draw, policy_count):
    """A pod, and the policies that it meets one after the other: [(number of the policy, what happens before)]."""
    number = st.integers(0, policy_count - 1)
    change = st.tuples(pick(CHANGES), st.integers(0, 3), entries())
    meetings = st.tuples(number, st.one_of(st.just([]), st.lists(change, max_size=2)))
    return draw(pods()), draw(st.lists(meetings, min_size=1, max_size=4))
