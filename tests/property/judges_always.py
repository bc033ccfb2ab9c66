"""What is true whatever the pod carried: only intended edits, and what it was admitted with stays."""
import cluster
import policies
import rules
from case import OUR_ANNOTATIONS, equal, is_our_variable, is_own, require

# --- only intended edits ---------------------------------------------------------------------------------------------

def without(mapping, *keys):
    return {key: value for key, value in (mapping or {}).items() if key not in keys}


def judge_rest_of_pod(case):
    before, after = case.before, case.after
    equal(without(after, "metadata", "spec"), without(before, "metadata", "spec"), "the pod's other fields")
    equal(without(after.get("metadata"), "annotations"), without(before.get("metadata"), "annotations"), "metadata")
    ours = [*OUR_ANNOTATIONS, rules.EVICTABLE]
    equal(without(rules.annotations(after), *ours), without(rules.annotations(before), *ours), "other annotations")
    lists = ("volumes", "initContainers", "containers")
    equal(without(after["spec"], *lists), without(before["spec"], *lists), "spec")
    for (key, old, new) in case.container_pairs():
        if key not in case.rules.targets:
            equal(new, old, f"{key} is none of ours")
        else:
            equal(without(new, "env", "volumeMounts"), without(old, "env", "volumeMounts"), f"{key}: its other fields")


def judge_variables_of_the_pod(case):
    for target, old, new in case.targets():
        kept = [[entry for entry in container.get("env") or [] if not is_our_variable(entry)]
                for container in (old, new)]
        equal(kept[1], kept[0], f"{target.container['name']}: variables of its own")


def judge_volumes_of_the_pod(case):
    before, after = (pod["spec"].get("volumes") or [] for pod in (case.before, case.after))
    others = [[volume for volume in volumes if volume is None or not rules.is_volume_name(volume["name"])]
              for volumes in (before, after)]
    equal(others[1], others[0], "volumes of the pod")
    names = [volume["name"] for volume in after if volume is not None]
    equal(len(set(names)), len(names), "volume names are unique")


def judge_references(case):
    """What is mounted exists, and nothing is mounted twice at one path."""
    names = {volume["name"] for volume in cluster.elements(case.after["spec"].get("volumes"))}
    for container in cluster.containers(case.after):
        mounts = cluster.elements(container.get("volumeMounts"))
        for mount in mounts:
            require(mount["name"] in names, f"{container['name']}: volume exists", mount)
        paths = [mount["mountPath"] for mount in mounts]
        equal(len(set(paths)), len(paths), f"{container['name']}: mount paths are unique")
    init = [container["name"] for container in cluster.containers(case.after, ["initContainers"])]
    equal(len(set(init)), len(init), "names of init containers are unique")


# --- what the pod was admitted with ----------------------------------------------------------------------------------

def judge_admission(case):
    installer = policies.installer(case.policy) or {}
    if case.rules.record == "older" or any(is_own(item) for item in case.before["spec"].get("initContainers") or []):
        return  # an older installer may have had anything
    if "resources" not in installer:
        equal(cluster.qos_class(case.after), cluster.qos_class(case.before), "QoS class")
        for which, word in enumerate(("request", "limit")):
            equal(cluster.effective(case.after, which), cluster.effective(case.before, which), f"effective {word}")
    if "securityContext" not in installer and not {"nfs", "hostPath"} & set(case.policy["source"].get("volume", {})):
        equal(cluster.security_level(case.after), cluster.security_level(case.before), "Pod Security Standard")


# --- what Rucio finds ------------------------------------------------------------------------------------------------

def judge_package_is_found(case):
    """Whatever the pod carried: Rucio finds its package, by one path and with a name."""
    for target, old, new in case.targets():
        name, after = target.container["name"], cluster.environment(new)
        path = rules.strip(after.get("POLICY_PKG_PATH", ""))
        require(rules.is_usable(path), f"{name}: POLICY_PKG_PATH is usable", after)
        if policies.python_path_mode(case.policy) != "entrypoint":
            elements = after.get("PYTHONPATH", "").split(":")
            require(path in map(rules.strip, elements), f"{name}: PYTHONPATH has it", after)
        for variables, package in policies.names(case.policy):
            entries = [rules.last_entry(new, variable)[1] for variable in variables]
            is_named = any(entry and rules.literal(entry) != "" for entry in entries)
            require(is_named, f"{name}: the package has a name", new)
            if target.mode == "override":
                found = [after[variable] for variable in variables]
                equal(found, [package] * len(variables), f"{name}: overridden names")
        needs_mount = policies.has_volume(case.policy) and not target.is_adopted
        mounts = [rules.strip(mount["mountPath"]) for mount in cluster.elements(new.get("volumeMounts"))]
        require(path in mounts or not needs_mount, f"{name}: something is mounted", new)
