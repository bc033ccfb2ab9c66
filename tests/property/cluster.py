"""What a cluster makes of a pod, modelled on the source of Kubernetes: the environment that a kubelet gives to a
container, the QoS class, what the scheduler asks for, the Pod Security Standards; and what an apiserver's defaulting
and admission plugins add to a pod.

A model of the parts that the webhook could change, not of Kubernetes.
"""
import decimal
import marshal
import re

SUFFIXES = {"n": "1e-9", "u": "1e-6", "m": "1e-3", "": "1", "k": "1e3", "M": "1e6", "G": "1e9", "T": "1e12",
            "Ki": str(2**10), "Mi": str(2**20), "Gi": str(2**30), "Ti": str(2**40)}
CONFIG_MAPS = {
    "settings": {"PYTHONPATH": "/from/map", "URL": "https://map"},
    "empty-path": {"PYTHONPATH": ""},
    "names": {"RUCIO_POLICY_PACKAGE": "map_policy", "POLICY_PKG_PATH": "/from/map"},
    "plain": {"COLOUR": "blue"},
    "parts": {"PATH": "/from/parts", "POLICY_PACKAGE": "map_policy"},
}


def copy(value):
    """Of JSON, and faster than deepcopy()."""
    return marshal.loads(marshal.dumps(value))


def elements(value):
    """A list of the API, of which null is an empty one; null elements are left out."""
    return [item for item in value or [] if item is not None]


def containers(pod, kinds=("initContainers", "containers")):
    return [container for kind in kinds for container in elements((pod.get("spec") or {}).get(kind))]


def quantity(text):
    number, suffix = re.fullmatch(r"([0-9.]+(?:[eE][0-9]+)?)([a-zA-Z]*)", str(text)).groups()
    return decimal.Decimal(number) * decimal.Decimal(SUFFIXES[suffix])


# --- the kubelet: makeEnvironmentVariables, third_party/forked/golang/expansion --------------------------------------

def expand(value, variables):
    def replace(match):
        text = match.group(0)
        if text == "$$":
            return "$"
        return variables.get(text[2:-1], text)
    return re.sub(r"\$\$|\$\([^)]*\)", replace, value)


def _value_from(reference):
    kind, source = next(iter(reference.items()))
    if source.get("optional") and source.get("key") == "absent":
        return None
    if source.get("key") == "empty":
        return ""
    return f"/from/{kind}/{source.get('name', '')}{source.get('key', source.get('fieldPath', ''))}"


def environment(container):
    """The environment of a container's first process, without that of the image and of services."""
    variables = {}
    for source in elements(container.get("envFrom")):
        data = CONFIG_MAPS.get((source.get("configMapRef") or source.get("secretRef"))["name"], {})
        variables.update({source.get("prefix", "") + key: value for key, value in data.items()})
    for entry in elements(container.get("env")):
        value = entry.get("value") or ""
        if value:
            value = expand(value, variables)
        elif entry.get("valueFrom"):
            value = _value_from(entry["valueFrom"])
            if value is None:
                continue
        variables[entry["name"]] = value
    return variables


# --- QoS and the scheduler -------------------------------------------------------------------------------------------

def _requests_and_limits(container):
    resources = container.get("resources") or {}
    limits = {name: quantity(value) for name, value in (resources.get("limits") or {}).items()}
    requests = {name: quantity(value) for name, value in (resources.get("requests") or {}).items()}
    return {**limits, **requests}, limits


def qos_class(pod):
    """pkg/apis/core/v1/helper/qos: processor and memory of the pod, if it says so, else of all containers, after
    requests default to limits."""
    is_best_effort = is_guaranteed = True
    for container in [pod["spec"]] if pod["spec"].get("resources") else containers(pod):
        requests, limits = _requests_and_limits(container)
        for name in ("cpu", "memory"):
            if requests.get(name) or limits.get(name):
                is_best_effort = False
            if not limits.get(name) or requests.get(name) != limits[name]:
                is_guaranteed = False
    return "BestEffort" if is_best_effort else "Guaranteed" if is_guaranteed else "Burstable"


def _add(a, b):
    return {name: a.get(name, 0) + b.get(name, 0) for name in {**a, **b}}


def effective(pod, which):
    """component-helpers/resource.PodRequests (which = 0) and PodLimits (1), native sidecars included."""
    peak, sidecars, running = {}, {}, {}
    for container in containers(pod, ["initContainers"]):
        own = _requests_and_limits(container)[which]
        if container.get("restartPolicy") == "Always":
            sidecars = _add(sidecars, own)
            own = {}
        needed = _add(sidecars, own)
        peak = {name: max(peak.get(name, 0), needed.get(name, 0)) for name in {**peak, **needed}}
    running = sidecars
    for container in containers(pod, ["containers"]):
        running = _add(running, _requests_and_limits(container)[which])
    result = {name: max(peak.get(name, 0), running.get(name, 0)) for name in {**peak, **running}}
    return {name: value for name, value in result.items() if value}


# --- Pod Security Standards ------------------------------------------------------------------------------------------

RESTRICTED_VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim",
                      "projected", "secret"}
BASELINE_CAPABILITIES = {"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
                         "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"}
SELINUX_TYPES = {None, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}


def _volume_kinds(pod):
    for volume in elements(pod["spec"].get("volumes")):
        yield from (key for key, value in volume.items() if key != "name" and value is not None)


def _contexts(pod):
    """The securityContext of the pod and of each container with what it inherits."""
    shared = pod["spec"].get("securityContext") or {}
    for container in containers(pod):
        yield shared, container.get("securityContext") or {}


def _is_baseline(pod):
    spec = pod["spec"]
    if any(spec.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")) or "hostPath" in _volume_kinds(pod):
        return False
    for shared, own in _contexts(pod):
        capabilities = own.get("capabilities") or {}
        selinux = [context.get("seLinuxOptions") or {} for context in (shared, own)]
        if own.get("privileged") or not BASELINE_CAPABILITIES.issuperset(capabilities.get("add") or []):
            return False
        if any(options.get("type") not in SELINUX_TYPES or options.get("user") or options.get("role")
               for options in selinux):
            return False
        if any((context.get("seccompProfile") or {}).get("type") == "Unconfined" for context in (shared, own)):
            return False
    return not any(port.get("hostPort") for container in containers(pod) for port in elements(container.get("ports")))


def _is_restricted(pod):
    for shared, own in _contexts(pod):
        capabilities = own.get("capabilities") or {}
        non_root = own["runAsNonRoot"] if own.get("runAsNonRoot") is not None else shared.get("runAsNonRoot")
        profile = own.get("seccompProfile") or shared.get("seccompProfile") or {}
        if own.get("allowPrivilegeEscalation") is not False or non_root is not True:
            return False
        if "ALL" not in (capabilities.get("drop") or []) or set(capabilities.get("add") or []) - {"NET_BIND_SERVICE"}:
            return False
        if own.get("runAsUser") == 0 or shared.get("runAsUser") == 0:
            return False
        if profile.get("type") not in ("RuntimeDefault", "Localhost"):
            return False
    return RESTRICTED_VOLUMES.issuperset(_volume_kinds(pod))


def security_level(pod):
    """0 privileged, 1 baseline, 2 restricted."""
    return 0 if not _is_baseline(pod) else 2 if _is_restricted(pod) else 1


# --- the apiserver ---------------------------------------------------------------------------------------------------

def default_volume(volume):
    """What defaulting makes of a volume or of a volume source, in place; what lies deeper is replaced."""
    for key, defaults in {"configMap": {"defaultMode": 420}, "secret": {"defaultMode": 420},
                          "projected": {"defaultMode": 420}, "hostPath": {"type": ""},
                          "image": {"pullPolicy": "IfNotPresent"}, "downwardAPI": {"defaultMode": 420}}.items():
        if volume.get(key) is not None:
            volume[key] = {**defaults, **volume[key]}
    size = (volume.get("emptyDir") or {}).get("sizeLimit")
    if size is not None:
        volume["emptyDir"] = {**volume["emptyDir"], "sizeLimit": {"1024Mi": "1Gi", "0.5Gi": "512Mi"}.get(size, size)}
    return volume


def _default_container(container):
    defaults = {"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
                "imagePullPolicy": "IfNotPresent", "resources": {}}
    for key, value in defaults.items():
        if container.get(key) is None:
            container[key] = value
    limits = container["resources"].get("limits")
    if limits:
        container["resources"]["requests"] = {**limits, **(container["resources"].get("requests") or {})}
    for entry in elements(container.get("env")):
        reference = entry.get("valueFrom")
        if reference and "fieldRef" in reference:
            reference["fieldRef"].setdefault("apiVersion", "v1")
    for port in elements(container.get("ports")):
        port.setdefault("protocol", "TCP")


def _drop_nothing(value):
    """Go writes no null, and with omitempty no empty list and no false; null elements of lists become empty structs, so
    pods with such are never sent here."""
    if isinstance(value, dict):
        kept = {key: _drop_nothing(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item is not None and item != []}
    return [_drop_nothing(item) for item in value] if isinstance(value, list) else value


def defaulted(pod):
    """The pod as the apiserver would send it to a webhook that comes later, or hand it to kubectl."""
    pod = _drop_nothing(copy(pod))
    for volume in pod["spec"].get("volumes", []):
        default_volume(volume)
    for container in containers(pod):
        _default_container(container)
        for mount in container.get("volumeMounts", []):
            if mount.get("readOnly") is False:
                del mount["readOnly"]
        for entry in container.get("env", []):
            if entry.get("value") == "":
                del entry["value"]
    for key, value in {"restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "securityContext": {},
                       "schedulerName": "default-scheduler", "terminationGracePeriodSeconds": 30}.items():
        pod["spec"].setdefault(key, value)
    return pod


def with_service_account(pod):
    """The ServiceAccount plugin, which runs before webhooks and again after they changed something."""
    pod = copy(pod)
    name = next((volume["name"] for volume in elements(pod["spec"].get("volumes"))
                 if volume["name"].startswith("kube-api-access-")), None)
    if name is None:
        name = "kube-api-access-x7k2p"
        sources = [{"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                   {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}}]
        pod["spec"]["volumes"] = (pod["spec"].get("volumes") or []) + [
            {"name": name, "projected": {"sources": sources, "defaultMode": 420}}]
    at = "/var/run/secrets/kubernetes.io/serviceaccount"
    for container in containers(pod):
        if all(mount.get("mountPath") != at for mount in elements(container.get("volumeMounts"))):
            container["volumeMounts"] = (container.get("volumeMounts") or []) + [
                {"name": name, "readOnly": True, "mountPath": at}]
    return pod


def with_limit_range(pod):
    """The LimitRanger plugin: requests and limits for containers that have none."""
    pod = copy(pod)
    for container in containers(pod):
        resources = container["resources"] = dict(container.get("resources") or {})
        for key, amounts in {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}}.items():
            resources[key] = {**amounts, **(resources.get(key) or {})}
    return pod


def with_mirror(pod):
    """A webhook that has all images come from a mirror."""
    pod = copy(pod)
    for container in containers(pod):
        if "image" in container and not container["image"].startswith("mirror.example/"):
            container["image"] = "mirror.example/" + container["image"]
    return pod


def with_mesh(pod):
    """A webhook that adds an init container in front, a sidecar behind, and a volume."""
    pod = copy(pod)
    spec = pod["spec"]
    if any(container.get("name") == "mesh-init" for container in containers(pod)):
        return pod
    spec["volumes"] = (spec.get("volumes") or []) + [{"name": "mesh", "emptyDir": {}}]
    spec["initContainers"] = [{"name": "mesh-init", "image": "mesh:1"}] + (spec.get("initContainers") or [])
    spec["containers"] = spec["containers"] + [
        {"name": "mesh-proxy", "image": "mesh:1", "volumeMounts": [{"name": "mesh", "mountPath": "/mesh"}]}]
    return pod
