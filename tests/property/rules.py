"""docs/reference.md, "What happens to a pod", as a model: what a container should look like afterwards, and which
conflicts there are, for a pod that carries no injection of another revision.

Written from the document, not from the program.
"""
import cluster
import policies

OURS = "policy.rucio.cern.ch/"
EVICTABLE = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes"
CHART_VOLUME, CHART_INIT = "policy-package-volume", "install-policy-packages"


def annotations(pod):
    return (pod.get("metadata") or {}).get("annotations") or {}


def strip(path):
    return path.rstrip("/") or path[:1]


def is_usable(path):
    return path.startswith("/") and path != "/" and not any(part in path for part in (":", "$(", "$$"))


def last_entry(container, name):
    """The entry that counts, as (index, entry); (None, None) when there is none."""
    found = [(index, entry) for index, entry in enumerate(container.get("env") or [])
             if entry is not None and entry.get("name") == name]
    return found[-1] if found else (None, None)


def literal(entry):
    """What an entry says; None for a reference."""
    return None if entry.get("valueFrom") is not None else entry.get("value") or ""


def is_volume_name(name):
    number = name[len("rucio-policy-"):]
    return name == "rucio-policy" or (name.startswith("rucio-policy-") and number.isdigit() and number[0] != "0"
                                      and int(number) >= 2)


def volume_content(volume):
    """What a volume is, its name aside; false and nothing are the same to Go."""
    content = cluster.default_volume({key: value for key, value in volume.items() if key != "name"})
    return {kind: {key: value for key, value in source.items() if value not in (False, None)}
            if isinstance(source, dict) else source for kind, source in content.items()}


def wanted_volume(pod, policy):
    """(name, whether it is there already) of the volume that holds the package; no name without a volume."""
    if not policies.has_volume(policy):
        return None, False
    volumes = cluster.elements(pod["spec"].get("volumes"))
    wanted = volume_content(policies.volume_source(policy))
    for volume in volumes:
        if is_volume_name(volume["name"]) and volume_content(volume) == wanted:
            return volume["name"], True
    taken = {volume["name"] for volume in volumes}
    names = ["rucio-policy"] + [f"rucio-policy-{number}" for number in range(2, 20)]
    return next(name for name in names if name not in taken), False


class Container:
    """What one container that gets the package should have."""

    def __init__(self, pod, policy, container, volume):
        self.pod, self.policy, self.container, self.volume = pod, policy, container, volume
        self.mode = policies.on_conflict(policy)
        self.conflicts = []  # names of fields
        self.refusals = []
        self.changes = {}  # index in env: new entries
        self.front = []  # new entries, in any order
        self.path, self.is_adopted = policies.path(policy), False
        self.chart()
        self.locate()
        for variables, package in policies.names(policy):
            self.name(variables, package)
        self.python_path()
        self.mounts()

    def conflict(self, field, can_be_kept=True):
        """Whether ours is to be written."""
        if self.mode == "reject" or (self.mode == "keep" and not can_be_kept):
            self.refusals.append(field)
            return False
        self.conflicts.append(field)
        return self.mode == "override"

    def chart(self):
        spec = self.pod["spec"]
        has_volume = any(volume["name"] == CHART_VOLUME for volume in cluster.elements(spec.get("volumes")))
        has_init = any(init.get("name") == CHART_INIT for init in cluster.elements(spec.get("initContainers")))
        at = [strip(mount["mountPath"]) for mount in cluster.elements(self.container.get("volumeMounts"))
              if mount["name"] == CHART_VOLUME and is_usable(strip(mount["mountPath"]))]
        if not (has_volume and has_init and at):
            return
        if self.mode == "keep":
            self.path, self.is_adopted = at[0], True
        elif self.mode == "reject":
            self.refusals.append("policyPackages")

    def set(self, index, entry, value):
        kept = {"name": entry["name"]} if literal(entry) is None else entry
        self.changes[index] = [{**kept, "value": value}]

    def locate(self):
        index, entry = last_entry(self.container, "POLICY_PKG_PATH")
        if entry is None:
            self.front.append({"name": "POLICY_PKG_PATH", "value": self.path})
            return
        value = literal(entry)
        if value == "":
            self.set(index, entry, self.path)
        elif value is None or strip(value) != self.path:
            usable = value is not None and is_usable(strip(value))
            if self.conflict("POLICY_PKG_PATH", usable):
                self.set(index, entry, self.path)
            elif usable:
                self.path = strip(value)

    def name(self, variables, package):
        found = {variable: last_entry(self.container, variable) for variable in variables}
        theirs = [variable for variable, (_, entry) in found.items()
                  if entry is not None and literal(entry) not in ("", package)]
        for variable in variables:
            index, entry = found[variable]
            if variable in theirs:
                if self.conflict(variable):
                    self.set(index, entry, package)
            elif theirs and self.mode == "keep":
                continue
            elif entry is None:
                self.front.append({"name": variable, "value": package})
            elif literal(entry) == "":
                self.set(index, entry, package)

    def join(self, rest):
        order = [self.path, rest] if policies.python_path_mode(self.policy) == "prepend" else [rest, self.path]
        return ":".join(part for part in order if part)

    def names_path(self, element, index):
        if strip(element) == self.path:
            return True
        if strip(element) != "$(POLICY_PKG_PATH)":
            return False
        earlier = [(at, entry) for at, entry in enumerate(self.container["env"][:index])
                   if entry is not None and entry["name"] == "POLICY_PKG_PATH"]
        if not earlier:  # true when it is put in front
            return any(entry["name"] == "POLICY_PKG_PATH" for entry in self.front)
        at, entry = earlier[-1]
        entry = self.changes[at][0] if at in self.changes else entry
        return literal(entry) is not None and strip(literal(entry)) == self.path

    def python_path(self):
        if policies.python_path_mode(self.policy) == "entrypoint":
            return
        image = self.policy.get("imagePythonPath", "")
        index, entry = last_entry(self.container, "PYTHONPATH")
        if entry is None:
            rest = ":".join(part for part in ("$(PYTHONPATH)" if self.container.get("envFrom") else "", image) if part)
            self.front.append({"name": "PYTHONPATH", "value": self.join(rest)})
        elif literal(entry) is None:
            self.changes[index] = [{**entry, "name": "RUCIO_POLICY_BASE_PYTHONPATH"},
                                   {"name": "PYTHONPATH", "value": self.join("$(RUCIO_POLICY_BASE_PYTHONPATH)")}]
        elif literal(entry) == "":
            self.set(index, entry, self.join(image))
        elif not any(self.names_path(element, index) for element in literal(entry).split(":")):
            self.set(index, entry, self.join(literal(entry)))

    def is_ours(self, mount):
        return (mount["name"] == self.volume and mount.get("readOnly") is True and not mount.get("subPathExpr") and
                (mount.get("subPath") or "") == policies.sub_path(self.policy) and
                strip(mount["mountPath"]) == self.path)

    def mounts(self):
        """self.mounted: the mounts in order, in which a mount of ours may stand anywhere; self.receives: whether there
        is one."""
        there = self.container.get("volumeMounts") or []
        self.receives = False
        self.mounted = list(there)
        if self.is_adopted or not policies.has_volume(self.policy):
            for mount in there:
                if (mount is not None and mount.get("readOnly") is True and is_volume_name(mount["name"]) and
                        strip(mount["mountPath"]) == self.path and self.conflict("volumeMounts")):
                    self.mounted.remove(mount)
            return
        at = [mount for mount in there if mount is not None and strip(mount["mountPath"]) == self.path]
        self.receives = any(self.is_ours(mount) for mount in at) or not at
        for mount in at:
            if not self.is_ours(mount) and self.conflict("volumeMounts"):
                self.receives = True
                self.mounted.remove(mount)
        if not self.receives:
            return
        for mount in there:
            if (mount is not None and mount["mountPath"].startswith(self.path + "/") and
                    strip(mount["mountPath"]) != self.path and self.conflict("volumeMounts", False)):
                self.mounted.remove(mount)

    def our_mount(self):
        mount = {"name": self.volume, "mountPath": self.path, "readOnly": True}
        return {**mount, "subPath": policies.sub_path(self.policy)} if policies.sub_path(self.policy) else mount


class Pod:
    """What a policy should make of a pod."""

    def __init__(self, pod, policy):
        self.policy = policy
        self.volume, self.has_volume = wanted_volume(pod, policy)
        self.targets = {}  # by (kind, name)
        for kind in ("containers", "initContainers"):
            for container in cluster.elements(pod["spec"].get(kind)):
                if policies.is_target(policy, container):
                    self.targets[kind, container["name"]] = Container(pod, policy, container, self.volume)
        self.receivers = [key for key, target in self.targets.items() if target.receives]
        self.is_chart_managed = all(target.is_adopted for target in self.targets.values())
        self.revision = "chart-managed" if self.is_chart_managed else policies.revision(policy)
        recorded = annotations(pod).get(OURS + "revision") or ""
        self.record = "none" if not recorded else "current" if recorded == self.revision else "older"
        self.model = next(iter(self.targets), None)
        self.installer = policies.installer_name(policy) if self.receivers else None
        self.verify = "rucio-policy-verify" if policies.verifies(policy) and self.targets else None

    def conflicts(self):
        """In the order in which the annotation names them: init containers come in the pod's order of fields."""
        return {f"{name}/{field}" for (_, name), target in self.targets.items() for field in target.conflicts}

    def refusals(self):
        return [f"{name}/{field}" for (_, name), target in self.targets.items() for field in target.refusals]

    def has_different_images(self):
        images = {self.targets[key].container.get("image") for key in self.receivers}
        return "pip" in self.policy["source"] and "image" not in self.policy["source"]["pip"] and len(images) > 1
