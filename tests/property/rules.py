"""docs/reference.md, "What happens to a pod", as a model: what a container should look like afterwards, what is then on
record, and which conflicts there are.

Written from the document, not from the program.
"""
import json
import posixpath
import re

import cluster
import policies

OURS = "policy.rucio.cern.ch/"
ANNOTATIONS = ("status", "policy", "revision", "conflicts", "injected", "path")
EVICTABLE = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes"
CHART_VOLUME, CHART_INIT = "policy-package-volume", "install-policy-packages"
PACKAGE_NAME = re.compile(r"RUCIO_POLICY_PACKAGE(?:_(.+))?|RUCIO_CFG_POLICY_PACKAGE(?:-(.+))?")


def annotations(pod):
    return (pod.get("metadata") or {}).get("annotations") or {}


def strip(path):
    return path.rstrip("/") or path[:1]


def clean(path):
    """As the kubelet has it: from the root, whether it says so or not."""
    return posixpath.normpath("/./" + path)


def clean_element(element):
    """Of PYTHONPATH, where a relative one stays relative."""
    return clean(element) if element.startswith("/") else element


def is_below(path, parent):
    return clean(path).startswith(clean(parent) + "/")


def is_usable(path):
    return path.startswith("/") and clean(path) != "/" and not any(part in path for part in (":", "$(", "$$"))


def last_entry(container, name, end=None):
    """The entry that counts, as (index, entry); (None, None) when there is none."""
    found = [(index, entry) for index, entry in enumerate((container.get("env") or [])[:end])
             if entry is not None and entry.get("name") == name]
    return found[-1] if found else (None, None)


def literal(entry):
    """What an entry says; None for a reference."""
    return None if entry.get("valueFrom") is not None else entry.get("value") or ""


def same_reference(left, right):
    """Whether two valueFrom refer to the same, whatever defaulting has added."""
    def normal(reference):
        defaults = {"apiVersion": "v1", "divisor": "0", "optional": False}
        return {kind: {**defaults, **item} for kind, item in reference.items() if item is not None}
    return normal(left) == normal(right)


def says(entry, wanted):
    """Whether an entry is there and gives the variable what another one would."""
    if entry is None or (literal(entry) is None) != (literal(wanted) is None):
        return False
    if literal(entry) is not None:
        return literal(entry) == literal(wanted)
    return same_reference(entry["valueFrom"], wanted["valueFrom"])


# --- the record ------------------------------------------------------------------------------------------------------

def read_record(pod):
    """What an earlier injection wrote; {} for no record and one that is malformed or too long."""
    text = annotations(pod).get(OURS + "injected") or ""
    try:
        record = json.loads(text) if len(text.encode()) <= 32 * 1024 else {}
        containers = record.get("containers", {})
        is_record = (isinstance(record.get("volume", ""), str) and len(containers) <= 128 and
                     all(isinstance(name, str) for name in record.get("initContainers", [])) and
                     all(is_container(item) for item in containers.values()))
    except (ValueError, AttributeError, TypeError):
        return {}
    return record if is_record else {}


def is_container(item):
    env, references = item.get("env", {}), item.get("valueFrom", {})
    return (len(env) + len(references) <= 256 and all(isinstance(value, str) for value in env.values()) and
            all(isinstance(item.get(key, ""), str) for key in ("pythonPath", "mountPath", "pthPath")))


def recorded(record, container):
    return record.get("containers", {}).get(container["name"], {})


def is_on_record(on_record, container, index):
    """Whether the entry is the last of its name, and listed with what it says."""
    entry = container["env"][index]
    if entry is None or last_entry(container, entry["name"])[0] != index:
        return False
    if literal(entry) is not None:
        return on_record.get("env", {}).get(entry["name"]) == literal(entry)
    reference = on_record.get("valueFrom", {}).get(entry["name"])
    return reference is not None and same_reference(reference, entry["valueFrom"])


def is_mount_at(mount, volume, path):
    return (mount is not None and bool(path) and mount["name"] == volume and clean(mount["mountPath"]) == clean(path))


def is_recorded_mount(record, on_record, mount):
    """The package's or that of the .pth file."""
    return (is_mount_at(mount, record.get("volume"), on_record.get("mountPath")) or
            is_mount_at(mount, policies.PTH_VOLUME, on_record.get("pthPath")))


def without_run(value, run):
    """A PYTHONPATH without a run of whole elements."""
    found, elements = value.split(":"), run.split(":")
    for start in range(len(found) - len(elements) + 1) if run else []:
        if found[start:start + len(elements)] == elements:
            return ":".join(found[:start] + found[start + len(elements):])
    return value


def is_wanted(pod, policy, record, container):
    """A later webhook may have changed the image: what this policy has injected stays, if it goes by images at all."""
    match, name = policy["match"], container["name"]
    is_ours = annotations(pod).get(OURS + "revision") in (policies.revision(policy), policies.chart_revision(policy))
    return policies.is_target(policy, container) or (
        is_ours and name in record.get("containers", {}) and name not in policies.OWN_CONTAINERS and
        ("images" in match or "containers" not in match))


def chart_path(pod, container):
    """Where the container has what the charts' policyPackages install; None when it has not."""
    has_volume = any(volume["name"] == CHART_VOLUME for volume in cluster.elements(pod["spec"].get("volumes")))
    has_init = any(init.get("name") == CHART_INIT for init in cluster.elements(pod["spec"].get("initContainers")))
    at = [strip(mount["mountPath"]) for mount in cluster.elements(container.get("volumeMounts"))
          if mount["name"] == CHART_VOLUME and is_usable(mount["mountPath"])]
    return at[0] if has_volume and has_init and at else None


class Container:
    """What one container that gets the package, or has it by the record, should have."""

    def __init__(self, pod, policy, container, record, is_current):
        self.pod, self.policy, self.container, self.record = pod, policy, container, record
        self.on_record, self.is_current = recorded(record, container), is_current
        self.is_wanted = is_wanted(pod, policy, record, container)
        self.mode = policies.on_conflict(policy)
        self.left, self.overridden, self.refusals = [], [], []  # names of fields
        self.changes = {}  # index in env: new entries
        self.front, self.behind = [], []  # new entries: in any order, and in this one
        self.ours, self.references, self.python_path_is = {}, {}, ""  # for the record
        is_in_image = policies.is_in_site_packages(policy)
        chart = chart_path(pod, container) if self.is_wanted and not is_in_image else None
        self.is_adopted = chart is not None and self.mode == "keep"
        self.path = chart if self.is_adopted else policies.path(policy)
        if self.is_wanted:
            self.refusals.extend(["policyPackages"] if chart and self.mode == "reject" else [])
            if not is_in_image:
                self.locate()
            for variables, package in policies.names(policy):
                self.name(variables, package)
            self.settings()
            self.strays()
        self.python_path()
        self.remove_variables()
        self.mounts()

    def conflict(self, field, can_be_kept=True):
        """Whether ours is to be written."""
        if self.mode == "reject" or (self.mode == "keep" and not can_be_kept):
            self.refusals.append(field)
            return False
        (self.left if self.mode == "keep" else self.overridden).append(field)
        return self.mode == "override"

    # --- variables

    def is_ours(self, index):
        return is_on_record(self.on_record, self.container, index)

    def is_open(self, index, entry):
        return entry is None or literal(entry) == "" or self.is_ours(index)

    def set(self, index, value):
        entry = self.container["env"][index]
        kept = {"name": entry["name"]} if literal(entry) is None else entry
        self.changes[index] = [{**kept, "value": value}]

    def write(self, name, index, value):
        self.ours[name] = value
        if index is None:
            self.front.append({"name": name, "value": value})
        elif literal(self.container["env"][index]) != value:
            self.set(index, value)

    def locate(self):
        index, entry = last_entry(self.container, "POLICY_PKG_PATH")
        value = entry and literal(entry)
        usable = value is not None and is_usable(value) and not (
            policies.has_pth(self.policy) and is_below(policies.SITE_PACKAGES + "/x", value))
        if usable and clean(value) == clean(self.path):
            self.ours.update({"POLICY_PKG_PATH": value} if self.is_ours(index) else {})
        elif self.is_open(index, entry) or self.conflict("POLICY_PKG_PATH", usable):
            self.write("POLICY_PKG_PATH", index, self.path)
        elif usable:
            self.path = strip(value)

    def name(self, variables, package):
        found = {variable: last_entry(self.container, variable) for variable in variables}
        theirs = [variable for variable, (index, entry) in found.items()
                  if not self.is_open(index, entry) and literal(entry) != package]
        for variable, (index, entry) in found.items():
            if variable in theirs:
                if self.conflict(variable):
                    self.write(variable, index, package)
            elif (not theirs or self.mode != "keep") and self.is_open(index, entry):
                self.write(variable, index, package)

    def settings(self):
        """Each stands behind those before it, unless it is the pod's own or hides another of the pod's."""
        last, env = -1, self.container.get("env") or []
        for wanted in self.policy.get("env", []):
            name = wanted["name"]
            index, entry = last_entry(self.container, name)
            is_ours = entry is not None and self.is_ours(index)
            is_moved = entry is not None and index < last and last_entry(self.container, name, index)[1] is None
            if says(entry, wanted) and not (is_moved and is_ours):
                self.claim(wanted if is_ours else {})
            elif not says(entry, wanted) and not self.is_open(index, entry) and not self.conflict(name):
                pass
            else:
                self.claim(wanted)
                is_new = entry is None or is_moved
                self.behind.extend([wanted] if is_new else [])
                if is_moved:
                    self.changes[index] = []
                elif entry is not None:
                    are_literals = literal(entry) is not None and literal(wanted) is not None
                    self.changes[index] = [{**entry, "value": wanted["value"]} if are_literals else wanted]
                index = len(env) if is_new else index
            last = max(last, index)

    def claim(self, entry):
        if "value" in entry:
            self.ours[entry["name"]] = entry["value"]
        elif entry:
            self.references[entry["name"]] = entry["valueFrom"]

    def strays(self):
        first_names = [variables[0] for variables, _ in policies.names(self.policy)]
        given = {(re.match(PACKAGE_NAME, name)[1] or "").upper() for name in first_names}
        for name in dict.fromkeys(entry["name"] for entry in cluster.elements(self.container.get("env"))):
            match = re.fullmatch(PACKAGE_NAME, name)
            if (match and (match[1] or match[2] or "").upper() not in given and
                    not self.is_open(*last_entry(self.container, name))):
                (self.refusals if self.mode == "reject" else self.left).append(name)

    def remove_variables(self):
        for name in {**self.on_record.get("env", {}), **self.on_record.get("valueFrom", {})}:
            index, entry = last_entry(self.container, name)
            if entry is not None and self.is_ours(index) and name not in (*self.ours, *self.references, "PYTHONPATH"):
                self.remove(index)

    def remove(self, index):
        entry = self.container["env"][index]
        hides_another = last_entry(self.container, entry["name"], index)[1] is not None
        kept = {"name": entry["name"]} if literal(entry) is None else entry
        self.changes[index] = [{**kept, "value": ""}] if hides_another else []

    # --- PYTHONPATH

    def join(self, rest):
        order = [self.path, rest] if policies.python_path_mode(self.policy) == "prepend" else [rest, self.path]
        return ":".join(part for part in order if part)

    def names_path(self, element, index):
        if element.startswith("/") and clean(element) == clean(self.path):
            return True
        if strip(element) != "$(POLICY_PKG_PATH)":
            return False
        at, entry = last_entry(self.container, "POLICY_PKG_PATH", index)
        if entry is None:  # true when it is put in front
            return any(entry["name"] == "POLICY_PKG_PATH" for entry in self.front)
        entry = self.changes[at][0] if at in self.changes else entry
        value = literal(entry)
        return value is not None and value.startswith("/") and clean(value) == clean(self.path)

    def may_come_from_env_from(self):
        return any("PYTHONPATH".startswith(source.get("prefix") or "")
                   for source in cluster.elements(self.container.get("envFrom")))

    def value_for_nothing(self, is_unset):
        """is_unset: the kubelet would take it from envFrom."""
        may_come = self.may_come_from_env_from()
        parts = ["$(PYTHONPATH)" if is_unset and may_come else "", self.policy.get("imagePythonPath", "")]
        return self.join(":".join(part for part in parts if part))

    def python_path(self):
        index, entry = last_entry(self.container, "PYTHONPATH")
        is_wanted = self.is_wanted and policies.changes_python_path(self.policy)
        if entry is None:
            if is_wanted:
                self.python_path_is = self.value_for_nothing(True)
                self.front.append({"name": "PYTHONPATH", "value": self.python_path_is})
        elif literal(entry) is None:
            if is_wanted:
                self.python_path_is = self.path
                self.changes[index] = [{**entry, "name": "RUCIO_POLICY_BASE_PYTHONPATH"},
                                       {"name": "PYTHONPATH", "value": self.join("$(RUCIO_POLICY_BASE_PYTHONPATH)")}]
        else:
            self.literal_python_path(index, literal(entry), is_wanted)

    def literal_python_path(self, index, value, is_wanted):
        run = self.on_record.get("pythonPath", "")
        if is_wanted and self.is_current and run and any(self.names_path(item, index) for item in value.split(":")):
            self.python_path_is = run
            return
        wanted = rest = without_run(value, run)
        # An entry of the pod's own that had blanked what envFrom brings.
        was_blank = value and not rest and self.may_come_from_env_from() and "$(PYTHONPATH)" not in value
        if is_wanted and not (rest and any(self.names_path(item, index) for item in rest.split(":"))):
            self.python_path_is = self.path if rest else self.value_for_nothing(value != "" and not was_blank)
            wanted = self.join(rest) if rest else self.python_path_is
        if value and not wanted and not was_blank:
            self.remove(index)
        elif wanted != value:
            self.set(index, wanted)

    # --- mounts

    def own_mounts(self):
        """Those that there should be: [(key in the record, mount)]."""
        wanted = []
        if self.is_wanted and not self.is_adopted and policies.has_volume(self.policy):
            mount = {"name": policies.volume_name(self.policy), "readOnly": True,
                     "mountPath": self.path + policies.mount_suffix(self.policy), "subPath": policies.sub_path(self.policy)}
            for key in ("mountPropagation", "recursiveReadOnly"):
                mount[key] = self.policy["source"].get(key, "")
            wanted.append(("mountPath", {key: value for key, value in mount.items() if value}))
        if self.is_wanted and policies.has_pth(self.policy):
            wanted.append(("pthPath", {"name": policies.PTH_VOLUME, "readOnly": True, "subPath": policies.PTH_FILE,
                                       "mountPath": policies.SITE_PACKAGES + "/" + policies.PTH_FILE}))
        return wanted

    def mounts(self):
        """self.others: the mounts that are not ours; self.received: ours that there are; self.written: for the record."""
        there = self.container.get("volumeMounts") or []
        self.devices = self.container.get("volumeDevices") or []
        self.received, self.written = {}, {}
        recorded_mounts = []
        for volume, key in ((self.record.get("volume"), "mountPath"), (policies.PTH_VOLUME, "pthPath")):
            found = [mount for mount in there if is_mount_at(mount, volume, self.on_record.get(key))]
            recorded_mounts.extend(found[:1])
        self.others = [mount for mount in there if mount not in recorded_mounts]
        for key, wanted in self.own_mounts():
            self.place(key, wanted, there, recorded_mounts)

    def place(self, key, wanted, there, recorded_mounts):
        ours = [mount for mount in there if mount is not None and is_same_mount(mount, wanted)]
        path = wanted["mountPath"]
        self.others = [mount for mount in self.others if mount not in ours]
        at = [mount for mount in self.others if mount is not None and clean(mount["mountPath"]) == clean(path)]
        kept = [mount for mount in at if not self.conflict("volumeMounts")]
        self.others = [mount for mount in self.others if mount not in at or mount in kept]
        if not ours and kept:
            return
        self.received[key] = wanted
        if not ours or ours[0] in recorded_mounts:
            self.written[key] = path
        for mount in [mount for mount in cluster.elements(self.others) if is_below(mount["mountPath"], path)]:
            if self.conflict("volumeMounts", False):
                self.others.remove(mount)
        for device in [item for item in self.devices if is_below(item["devicePath"] + "/device", path)]:
            if self.conflict("volumeDevices", False):
                self.devices = [item for item in self.devices if item is not device]

    @property
    def receives(self):
        return "mountPath" in self.received

    def new_record(self):
        record = {"env": self.ours, "valueFrom": self.references, "pythonPath": self.python_path_is, **self.written}
        return {key: value for key, value in record.items() if value}


def is_same_mount(mount, wanted):
    words = {"mountPropagation": "None", "recursiveReadOnly": "Disabled"}
    return (mount["name"] == wanted["name"] and mount.get("readOnly") is True and not mount.get("subPathExpr") and
            (mount.get("subPath") or "") == wanted.get("subPath", "") and
            all((mount.get(key) or nothing) == wanted.get(key, nothing) for key, nothing in words.items()) and
            clean(mount["mountPath"]) == clean(wanted["mountPath"]))


class Pod:
    """What a policy should make of a pod."""

    def __init__(self, pod, policy):
        self.policy, self.record = policy, read_record(pod)
        found = [(kind, container) for kind in ("containers", "initContainers")
                 for container in cluster.elements(pod["spec"].get(kind))]
        is_chart = policies.on_conflict(policy) == "keep" and not policies.is_in_site_packages(policy) and all(
            chart_path(pod, container) for _, container in found
            if is_wanted(pod, policy, self.record, container))
        self.revision = policies.chart_revision(policy) if is_chart else policies.revision(policy)
        self.is_current = annotations(pod).get(OURS + "revision") == self.revision
        self.touched = {(kind, container["name"]): Container(pod, policy, container, self.record, self.is_current)
                        for kind, container in found
                        if is_wanted(pod, policy, self.record, container) or recorded(self.record, container)}
        self.targets = {key: item for key, item in self.touched.items() if item.is_wanted}
        self.receivers = [key for key, target in self.touched.items() if target.receives]
        self.volume = policies.volume_name(policy) if self.receivers else None
        self.paths = list(dict.fromkeys(clean(target.path) for target in self.touched.values()
                                        if "pthPath" in target.received))
        self.installer = policies.installer_name(policy) if self.receivers else None
        self.verify = "rucio-policy-verify" if policies.verifies(policy) and self.targets else None

    def had_pth(self):
        return any(item.get("pthPath") for item in self.record.get("containers", {}).values())

    def volumes(self):
        """The names of the volumes that are wanted."""
        return [name for name in (self.volume, policies.PTH_VOLUME if self.paths else None) if name]

    def old_volumes(self, after):
        """The names of the volumes that are to go."""
        used = {mount["name"] for container in cluster.containers(after)
                for mount in cluster.elements(container.get("volumeMounts"))}
        names = [self.record.get("volume"), policies.PTH_VOLUME if self.had_pth() else None]
        return [name for name in names if name and name not in self.volumes() and name not in used]

    def is_left_alone(self, own, pod):
        """Whether our init container is there and of the revision that is wanted."""
        names = [item.get("name") for item in cluster.elements(pod["spec"].get("initContainers"))]
        return self.is_current and own in names and own in self.record.get("initContainers", [])

    def new_record(self):
        record = {"volume": self.volume,
                  "containers": {name: item.new_record() for (_, name), item in self.touched.items()
                                 if item.new_record()},
                  "initContainers": [name for name in (self.installer, self.verify) if name]}
        return {key: value for key, value in record.items() if value}

    def fields(self, which):
        return {f"{name}/{field}" for (_, name), item in self.touched.items() for field in getattr(item, which)}

    def has_different_images(self):
        images = {self.touched[key].container.get("image") for key in self.receivers}
        return "pip" in self.policy["source"] and "image" not in self.policy["source"]["pip"] and len(images) > 1
