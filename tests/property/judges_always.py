"""What is true whatever the pod carried: what is not on record is changed only as onConflict says, and what the pod was
admitted with stays."""
import cluster
import policies
import rules
from case import equal, is_own, require

# --- only intended edits ---------------------------------------------------------------------------------------------

def without(mapping, *keys):
    return {key: value for key, value in (mapping or {}).items() if key not in keys}


def judge_rest_of_pod(case):
    before, after = case.before, case.after
    equal(without(after, "metadata", "spec"), without(before, "metadata", "spec"), "the pod's other fields")
    equal(without(after.get("metadata"), "annotations"), without(before.get("metadata"), "annotations"), "metadata")
    ours = [*(rules.OURS + name for name in rules.ANNOTATIONS), rules.EVICTABLE]
    equal(without(rules.annotations(after), *ours), without(rules.annotations(before), *ours), "other annotations")
    lists = ("volumes", "initContainers", "containers")
    equal(without(after["spec"], *lists), without(before["spec"], *lists), "spec")
    lists = ("env", "volumeMounts", "volumeDevices")
    for key, old, new in case.container_pairs():
        if key not in case.rules.touched:
            equal(new, old, f"{key} is none of ours")
        else:
            equal(without(new, *lists), without(old, *lists), f"{key}: its other fields")


def is_subsequence(items, of):
    rest = iter(of)
    return all(any(item == other for other in rest) for item in items)


def own_entries(target, container):
    """Entries that are neither on record nor the policy's to change. The elements of PYTHONPATH are looked at below."""
    given = ["POLICY_PKG_PATH", *(entry["name"] for entry in target.policy.get("env", [])), *(name for variables, _ in policies.names(target.policy) for name in variables)]
    for index, entry in enumerate(container.get("env") or []):
        is_free = entry is not None and (entry["name"] == "PYTHONPATH" or target.is_ours(index) or (
            target.is_wanted and entry["name"] in given and
            (target.mode == "override" or rules.literal(entry) == "")))
        if not is_free:
            yield entry


def judge_not_on_record(case):
    for target, old, new in case.touched():
        name = target.container["name"]
        own = list(own_entries(target, old))
        require(is_subsequence(own, new.get("env") or []), f"{name}: its own variables stay", own, new)
        index, entry = rules.last_entry(old, "PYTHONPATH")
        if entry is not None and rules.literal(entry) is not None and not target.is_ours(index):
            elements = rules.without_run(rules.literal(entry), target.on_record.get("pythonPath", "")).split(":")
            found = rules.literal(rules.last_entry(new, "PYTHONPATH")[1] or {}).split(":")
            require(is_subsequence(elements, found) or elements == [""], f"{name}: its PYTHONPATH stays", elements, new)
        own = [mount for mount in old.get("volumeMounts") or []
               if not rules.is_recorded_mount(case.rules.record, target.on_record, mount)]
        if target.mode != "override":
            require(is_subsequence(own, new.get("volumeMounts") or []), f"{name}: its own mounts stay", own, new)
            equal(new.get("volumeDevices"), old.get("volumeDevices"), f"{name}: its own devices stay")
    before, after = (pod["spec"].get("volumes") or [] for pod in (case.before, case.after))
    written = [case.rules.record.get("volume"), policies.PTH_VOLUME if case.rules.had_pth() else None]
    own = [volume for volume in before if volume is None or volume["name"] not in written]
    require(is_subsequence(own, after), "the pod's own volumes stay", own, after)


def judge_references(case):
    """What is mounted exists, and nothing is there twice, unless the pod came so."""
    before, after = ([volume["name"] for volume in cluster.elements(pod["spec"].get("volumes"))]
                     for pod in (case.before, case.after))
    equal(len(set(after)), len(after), "volume names are unique")
    mounted = {mount["name"] for container in cluster.containers(case.before)
               for mount in cluster.elements(container.get("volumeMounts"))}
    for container in cluster.containers(case.after):
        mounts = cluster.elements(container.get("volumeMounts"))
        for mount in mounts:
            require(mount["name"] in after or mount["name"] in mounted - set(before),
                    f"{container['name']}: volume exists", mount)
        paths = [mount["mountPath"] for mount in mounts]
        equal(len(set(paths)), len(paths), f"{container['name']}: mount paths are unique")
    init = [container["name"] for container in cluster.containers(case.after, ["initContainers"])]
    equal(len(set(init)), len(init), "names of init containers are unique")


# --- what the pod was admitted with ----------------------------------------------------------------------------------

def judge_admission(case):
    installer = policies.installer(case.policy) or {}
    if any(is_own(item) for item in case.before["spec"].get("initContainers") or []):
        return  # an older one may have had anything
    if "resources" not in installer or case.before["spec"].get("resources"):
        equal(cluster.qos_class(case.after), cluster.qos_class(case.before), "QoS class")
        for which, word in enumerate(("request", "limit")):
            equal(cluster.effective(case.after, which), cluster.effective(case.before, which), f"effective {word}")
    is_given = "securityContext" in installer or isinstance(case.policy.get("verify"), dict)
    if not is_given and not {"nfs", "hostPath"} & set(case.policy["source"].get("volume", {})):
        required = cluster.security_level(case.before)
        require(cluster.security_level(case.after) >= required, "Pod Security Standard", required)


# --- what Rucio finds ------------------------------------------------------------------------------------------------

def judge_package_is_found(case):
    """Whatever the pod carried: Rucio finds its package, by one path and with a name."""
    for target, _, new in case.targets():
        name, after = target.container["name"], cluster.environment(new)
        path = after.get("POLICY_PKG_PATH", "")
        require(rules.is_usable(path) or policies.is_in_site_packages(case.policy), f"{name}: a usable path", after)
        mounts = [rules.clean(mount["mountPath"]) for mount in cluster.elements(new.get("volumeMounts"))]
        if policies.has_pth(case.policy):
            require(f"{policies.SITE_PACKAGES}/{policies.PTH_FILE}" in mounts, f"{name}: a .pth file is mounted", new)
        if policies.changes_python_path(case.policy):
            elements = map(rules.clean_element, after.get("PYTHONPATH", "").split(":"))
            require(rules.clean(path) in elements, f"{name}: PYTHONPATH has it", after)
        for variables, package in policies.names(case.policy):
            entries = [rules.last_entry(new, variable)[1] for variable in variables]
            is_named = any(entry and rules.literal(entry) != "" for entry in entries)
            require(is_named, f"{name}: the package has a name", new)
            if target.mode == "override":
                found = [after[variable] for variable in variables]
                equal(found, [package] * len(variables), f"{name}: overridden names")
        needs_mount = policies.has_volume(case.policy) and not target.is_adopted
        at = rules.clean(path + policies.mount_suffix(case.policy))
        require(at in mounts or not needs_mount, f"{name}: something is mounted", new)
