"""Pods as users, charts and other webhooks make them: what the webhook looks at is missing, null, empty, there, or
there twice, and between it lie fields that it does not know; and the stories of what they meet.

Volumes and containers have unique names, and so have the paths of mounts, as an apiserver compares them.
"""
import json

import policies

OURS = "policy.rucio.cern.ch/"
MAIN_NAMES = ["rucio-server", "rucio-daemons", "sidecar", "httpd-error-log"]
OTHER_NAMES = ["sidecar", "httpd-error-log", "prepare", "sidecar-init"]
INIT_NAMES = ["prepare", "rucio-ui", "rucio-init", "sidecar-init", *policies.OWN_CONTAINERS]
VOLUME_NAMES = ["data", "rucio-policy", "rucio-policy-0123456789ab", "rucio-policy-x", "config"]
MOUNT_PATHS = ["/data", "/opt/rucio/policy", "/opt/rucio/policy/", "/opt/rucio/policy/etc", "/opt/policy", "/opt",
               "/opt/rucio", "/opt/policy/deep", "/opt/rucio/policy-2", "/", "/opt/policy_packages/",
               "/opt//rucio/policy", "opt/rucio/policy", "/opt/rucio/x/../policy", "opt/policy/./deep/more"]
REFERENCES = [
    {"secretKeyRef": {"name": "s", "key": "k"}},
    {"configMapKeyRef": {"name": "m", "key": "absent", "optional": True}},
    {"configMapKeyRef": {"name": "m", "key": "k", "optional": True}},
    {"fieldRef": {"fieldPath": "metadata.name"}},
    {"secretKeyRef": {"name": "s", "key": "empty"}},
]
VARIABLES = {
    "POLICY_PKG_PATH": [*policies.PATHS, "/opt/rucio/policy/", "/opt/own", "relative", "/", "//", "/a:/b", "/opt/../..",
                        "/x/$(COLOUR)", "/x$$y", "$(HOME_DIR)/policy", "/opt/rucio//policy", "/opt/./own/../policy/",
                        "opt/rucio/policy"],
    "PYTHONPATH": ["/old", "/opt/rucio/policy", "/opt/rucio/policy/:/old", "/old:$(POLICY_PKG_PATH)", "/old:", ":",
                   "/a::/b", "/opt/policy:/old", "$(PYTHONPATH)", "/old:$(HOME_DIR)", "$(POLICY_PKG_PATH)/", "$$x:/old",
                   "/opt/rucio/policy-2", "$(PYTHONPATH):/opt/rucio/policy", "/old:/opt/x/..//policy",
                   "opt/rucio/policy:/old", "/x/opt/rucio/policy"],
    "RUCIO_POLICY_PACKAGE": [*policies.PACKAGES, "own_policy", "$(COLOUR)"],
    "RUCIO_CFG_POLICY_PACKAGE": [*policies.PACKAGES, "own_policy"],
    "RUCIO_POLICY_PACKAGE_ATL": [*policies.PACKAGES, "own_policy"],
    "RUCIO_CFG_POLICY_PACKAGE-atl": [*policies.PACKAGES, "own_policy"],
    "RUCIO_POLICY_PACKAGE_OPS": [policies.PACKAGES[0], "own_policy"],
    "RUCIO_CFG_POLICY_PACKAGE-OPS": [policies.PACKAGES[0], "own_policy"],
    "RUCIO_POLICY_BASE_PYTHONPATH": ["/base"],
    "COLOUR": ["red", "$(POLICY_PKG_PATH)"],
    "HOME_DIR": ["/home", "/home/$(COLOUR)", "$$(PYTHONPATH)", "$(RUCIO_POLICY_PACKAGE)", "$(", "$(PYTHONPATH):x"],
}
ENV_FROM = [{"configMapRef": {"name": "settings"}}, {"configMapRef": {"name": "plain"}},
            {"configMapRef": {"name": "names"}}, {"prefix": "P_", "configMapRef": {"name": "settings"}},
            {"configMapRef": {"name": "empty-path"}}, {"prefix": "PYTHON", "configMapRef": {"name": "parts"}},
            {"prefix": "RUCIO_CFG_", "configMapRef": {"name": "parts"}}]
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
SELDOM, SOMETIMES, USUALLY = 1 / 16, 1 / 4, 3 / 4


def put(rng, target, key, make, chance=USUALLY):
    """The field is there with a value, or missing, or null."""
    if rng.random() < chance:
        target[key] = make()
    elif rng.random() < SELDOM:
        target[key] = None


def unknown(rng, target):
    if rng.random() < SELDOM:
        target.update(UNKNOWN)


def several(rng, make, most):
    return [make() for _ in range(rng.randint(0, most))]


def deviating(rng, items, profile):
    """A list, now and then with a null element."""
    if profile["is_odd"] and rng.random() < SELDOM:
        items.insert(rng.randint(0, len(items)), None)
    return items


def entry(rng):
    name = rng.choice(list(VARIABLES))
    form = rng.choice(["literal"] * 12 + ["reference"] * 3 + ["empty", "absent", "null", "both"])
    made = {"name": name}
    if form == "literal":
        made["value"] = rng.choice(VARIABLES[name])
    elif form == "null":
        made["value"] = None
    elif form in ("empty", "both"):
        made["value"] = ""
    if form in ("reference", "both"):
        made["valueFrom"] = rng.choice(REFERENCES)
    unknown(rng, made)
    return made


def plain_entry(rng):
    return dict(rng.choice([
        {"name": "PYTHONPATH", "value": "/old"}, {"name": "PYTHONPATH", "value": "/old::/older:"},
        {"name": "PYTHONPATH", "valueFrom": REFERENCES[0]}, {"name": "PYTHONPATH"}, {"name": "COLOUR", "value": "red"},
        {"name": "HOME_DIR", "value": "/home/$(COLOUR)"}]))


def entries(rng, profile):
    made = several(rng, lambda: (plain_entry if profile["is_plain"] else entry)(rng), 3 if profile["is_plain"] else 5)
    if made and rng.random() < SOMETIMES:  # a name that appears twice
        again = {"name": rng.choice(made)["name"], "value": rng.choice(policies.PACKAGES)}
        made.insert(rng.randint(0, len(made)), again)
    return deviating(rng, made, profile)


def mount(rng, volume_names, paths):
    made = {"name": rng.choice(volume_names), "mountPath": paths.pop(rng.randrange(len(paths)))}
    read_only = rng.choice([None, True, False])
    if read_only is not None:
        made["readOnly"] = read_only
    if rng.random() < SOMETIMES:
        made.update(rng.choice([{"subPath": "current"}, {"subPath": "package"}, {"subPath": ""},
                                {"subPathExpr": "$(COLOUR)"}, {"mountPropagation": "Bidirectional"},
                                {"mountPropagation": "None"}]))
    unknown(rng, made)
    return made


def mounts(rng, volume_names, profile):
    paths = ["/data"] if profile["is_plain"] else list(MOUNT_PATHS)
    return deviating(rng, several(rng, lambda: mount(rng, volume_names, paths), min(3, len(paths))), profile)


def container(rng, name, volume_names, profile, is_init=False):
    images = ["rucio/rucio-server:38.1.0"] * 6 + ["rucio/rucio-daemons:38.1.0"]
    made = {"name": name, "image": rng.choice(["busybox"] * 9 + images[:1] if name in OTHER_NAMES else images)}
    put(rng, made, "imagePullPolicy", lambda: rng.choice(["Always", "Never"]), SOMETIMES)
    put(rng, made, "env", lambda: entries(rng, profile))
    put(rng, made, "envFrom", lambda: several(rng, lambda: rng.choice(ENV_FROM), 2), SOMETIMES)
    if volume_names:
        put(rng, made, "volumeMounts", lambda: mounts(rng, volume_names, profile))
        if not profile["is_plain"] and rng.random() < SELDOM:
            made["volumeDevices"] = [{"name": rng.choice(volume_names), "devicePath": rng.choice(MOUNT_PATHS)}]
    if profile["is_guaranteed"]:
        made["resources"] = GUARANTEED
    else:
        put(rng, made, "resources", lambda: rng.choice(RESOURCES))
    if profile["is_restricted"]:
        made["securityContext"] = {**policies.RESTRICTED, **rng.choice(RESTRICTED_CONTEXTS)}
    else:
        put(rng, made, "securityContext", lambda: rng.choice(CONTEXTS), SOMETIMES)
    if is_init and rng.random() < SOMETIMES:
        made["restartPolicy"] = "Always"
    if rng.random() < SELDOM:
        made["ports"] = [{"containerPort": 443, "name": "https"}]
    unknown(rng, made)
    return made


SOURCES = policies.VOLUMES + [{"emptyDir": {}}, {"configMap": {"name": "policy", "optional": True}},
                              {"emptyDir": {"medium": "Memory"}}]
RESTRICTED_SOURCES = [source for source in SOURCES if not {"nfs", "hostPath"} & set(source)]


def volume(rng, name, profile):
    made = {"name": name, **rng.choice(RESTRICTED_SOURCES if profile["is_restricted"] else SOURCES)}
    unknown(rng, made)
    return made


def annotations(rng):
    made = dict(rng.choice([{}, {}, {"a/b~c": "d", "": "empty"}]))
    made.update(rng.choice([{}] * 40 + [
        {OURS + "inject": "false"}, {OURS + "inject": "true"}, {OURS + "policy": f"policy-{rng.randint(0, 5)}"},
        {OURS + "policy": "no-such-policy"}, {"kubernetes.io/config.mirror": "x"}, {OURS + "revision": ""},
        {OURS + "status": "injected", OURS + "revision": "0123456789ab"}, {OURS + "injected": "{}"}]))
    if rng.random() < SELDOM:
        made["cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes"] = rng.choice(
            ["data", "", "rucio-policy", "data,rucio-policy-0123456789ab", "data,", "rucio-policy-2x"])
    return made


def add_chart_packages(rng, pod):
    """What the charts' policyPackages add, and what people make of it."""
    spec = pod["spec"]
    spec["volumes"] = (spec.get("volumes") or []) + [{"name": "policy-package-volume", "emptyDir": {}}]
    path = rng.choice(["/opt/policy_packages/", "/opt/policy_packages", "/opt/rucio/policy/", "/opt/policy"])
    its_mount = {"name": "policy-package-volume", "mountPath": path}
    if rng.random() < USUALLY:
        install = {"name": "install-policy-packages", "image": "almalinux:9", "volumeMounts": [its_mount]}
        spec["initContainers"] = (spec.get("initContainers") or []) + [install]
    for user in spec["containers"]:
        if user is None or rng.random() > USUALLY:
            continue
        mounted = [item for item in user.get("volumeMounts") or [] if item is None or item["mountPath"] != path]
        user["volumeMounts"] = [*mounted, its_mount]
        if rng.random() < USUALLY:
            user["env"] = (user.get("env") or []) + [{"name": "PYTHONPATH", "value": path}]


POD_CONTEXTS = [context for context in CONTEXTS if "capabilities" not in context]
RESTRICTED_POD_CONTEXTS = [{key: policies.RESTRICTED[key] for key in keys}
                           for keys in (["runAsNonRoot", "seccompProfile"],
                                        ["runAsNonRoot", "seccompProfile", "runAsUser"])]


def some_of(rng, names, most):
    return rng.sample(names, rng.randint(0, most))


def spec_of(rng, made_policies):
    profile = {"is_odd": rng.random() < SELDOM, "is_guaranteed": rng.random() < SOMETIMES,
               "is_restricted": rng.random() < SOMETIMES, "is_plain": rng.random() < 0.5}
    made = {"nodeName": "node-1"}
    volume_names = some_of(rng, ["data", "config"] if profile["is_plain"] else VOLUME_NAMES, 2)
    if not profile["is_plain"] and rng.random() < SELDOM:
        volume_names.append("rucio-policy-" + policies.revision(rng.choice(made_policies)))
    put(rng, made, "volumes", lambda: deviating(rng, [volume(rng, name, profile) for name in volume_names], profile),
        1 if volume_names else SOMETIMES)
    names = some_of(rng, INIT_NAMES[:4] if profile["is_plain"] else INIT_NAMES, 3)
    put(rng, made, "initContainers",
        lambda: deviating(rng, [container(rng, name, volume_names, profile, True) for name in names], profile),
        1 if names else SOMETIMES)
    names = some_of(rng, MAIN_NAMES, 3) or ["rucio-server"]
    if "rucio" not in names[0] and rng.random() < USUALLY:
        names = list(dict.fromkeys(["rucio-server", *names]))
    made["containers"] = [container(rng, name, volume_names, profile) for name in names]
    if profile["is_restricted"]:
        made["securityContext"] = rng.choice(RESTRICTED_POD_CONTEXTS)
    else:
        put(rng, made, "securityContext", lambda: rng.choice(POD_CONTEXTS), SOMETIMES)
    if rng.random() < SELDOM:
        made["resources"] = rng.choice(RESOURCES[1:4])
    if rng.random() < SELDOM:
        made["os"] = {"name": rng.choice(["linux", "windows"])}
    unknown(rng, made)
    return made


def pod_of(rng, made_policies):
    pod = {"apiVersion": "v1", "kind": "Pod", "spec": spec_of(rng, made_policies)}
    metadata = {"generateName": "rucio-", "labels": {"app": "rucio"}}
    put(rng, metadata, "annotations", lambda: annotations(rng))
    unknown(rng, metadata)
    put(rng, pod, "metadata", lambda: metadata, 1 - SELDOM)
    unknown(rng, pod)
    if rng.random() < 1 / 6:
        add_chart_packages(rng, pod)
    return json.loads(json.dumps(pod))  # nothing is there twice as the same object


def story(rng, made_policies, changes):
    """A pod, and the policies that it meets one after the other: [(number of the policy, [what happens before])]. A
    change is a name and the seed of its details."""
    meetings = []
    for index in range(rng.choice([3, 4])):
        count = rng.choice([0, 0, 0, 1, 1, 2] if index else [0])
        number = rng.randrange(len(made_policies))
        meetings.append((number, [(rng.choice(changes), rng.randrange(1000)) for _ in range(count)]))
        if rng.random() < SELDOM:
            meetings.append((number, [(rng.choice(changes), rng.randrange(1000))]))  # the same revision again
    return pod_of(rng, made_policies), meetings
