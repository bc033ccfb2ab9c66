"""What happens to a pod between two admissions: the cluster defaults it, people copy it and edit the copy."""
import copy

import cluster
import policies
import rules


def _edit_annotations(pod, keys, number):
    kept = (pod.get("metadata") or {}).get("annotations") or {}
    for key in keys[number % len(keys):] if number < len(keys) else keys:
        kept.pop(rules.OURS + key, None)


def _pick(items, number):
    return items[number % len(items)] if items else None


def _edit_entry(container, number, entry, name):
    env = cluster.elements(container.get("env"))
    if name == "add entry":
        container["env"] = [*env, entry]
    elif name == "remove entry" and env:
        env.remove(_pick(env, number))
        container["env"] = env
    elif name == "edit" and env:
        edited = _pick(env, number)
        edited.pop("valueFrom", None)
        edited["value"] = entry.get("value") or ""


def _edit_installer(spec, number, name):
    init = spec.get("initContainers") or []
    ours = _pick([item for item in init if (item or {}).get("name") in policies.OWN_CONTAINERS], number)
    if ours is None:
        return
    init.remove(ours)
    if name == "move installer":
        init.insert(number % (len(init) + 1), ours)


def _edit(pod, name, number, entry):
    spec = pod["spec"]
    container = _pick(cluster.containers(pod, ["containers"]), number)
    if name == "annotations":
        _edit_annotations(pod, ["status", "policy", "revision", "conflicts"], number)
    elif name == "conflicts":
        _edit_annotations(pod, ["conflicts"], 0)
    elif name == "revision" and rules.annotations(pod).get(rules.OURS + "revision"):
        pod["metadata"]["annotations"][rules.OURS + "revision"] = ["0123456789ab", "chart-managed"][number % 2]
    elif name == "rename":
        free = [other for other in policies.DEFAULT_CONTAINERS if other not in
                [item.get("name") for item in cluster.containers(pod)]]
        container["name"] = (free or [container["name"]])[0]
    elif name == "add container":
        if all(item.get("name") != "rucio-new" for item in cluster.containers(pod)):
            spec["containers"].append({"name": "rucio-new", "image": "rucio/rucio-server:38.1.0", "env": [entry]})
    elif name == "remove mount" and container.get("volumeMounts"):
        container["volumeMounts"].pop(number % len(container["volumeMounts"]))
    elif "installer" in name:
        _edit_installer(spec, number, name)
    else:
        _edit_entry(container, number, entry, name)


def apply(pod, name, number, entry):
    """pod after the change; the same pod when it has no place for it."""
    by_cluster = {
        "": [], "defaults": [cluster.defaulted],
        "defaults and account": [cluster.defaulted, cluster.with_service_account],
        "limits": [cluster.with_limit_range], "mirror": [cluster.with_mirror], "mesh": [cluster.with_mesh],
    }
    if name not in by_cluster:
        pod = copy.deepcopy(pod)
        _edit(pod, name, number, copy.deepcopy(entry))
    for change in by_cluster.get(name, []):
        pod = change(pod)
    return pod
