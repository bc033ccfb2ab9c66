"""What happens to a pod between two admissions: the cluster defaults it, other webhooks work on it, people copy it and
edit the copy, its record included."""
import json
import random

import cluster
import pods
import policies
import rules

# --- other webhooks: what they do does not depend on what is there of ours -------------------------------------------


def _container(pod, rng):
    return rng.choice(cluster.containers(pod, ["containers"]))


def _variable(pod, rng):
    container = _container(pod, rng)
    env = container["env"] = list(container.get("env") or [])
    env.insert(rng.choice([0, len(env)]), {"name": "OTHER", "value": "x"})


def _python_path(pod, rng):
    container = _container(pod, rng)
    value, is_in_front = rng.choice(["/other", "/other:/more"]), rng.random() < 0.5
    _, entry = rules.last_entry(container, "PYTHONPATH")
    if entry is None:
        container["env"] = (container.get("env") or []) + [{"name": "PYTHONPATH", "value": value}]
    elif rules.literal(entry) is not None:
        parts = [value, rules.literal(entry)]
        entry["value"] = ":".join(part for part in (parts if is_in_front else reversed(parts)) if part)


def _add_container(pod, rng):
    names = [item.get("name") for item in cluster.containers(pod)]
    name = rng.choice(["rucio-new", "rucio-ui", "other"])
    if name not in names:
        pod["spec"]["containers"].append({"name": name, "image": "rucio/rucio-server:38.1.0", "env": [pods.entry(rng)]})


def _add_fields(pod, rng):
    container = _container(pod, rng)
    rng.choice([pod, pod["spec"], container])["x-other"] = {"a": [1, None]}
    if all(item["name"] != "other" for item in cluster.elements(pod["spec"].get("volumes"))):
        pod["spec"]["volumes"] = (pod["spec"].get("volumes") or []) + [{"name": "other", "emptyDir": {}}]
        container["volumeMounts"] = (container.get("volumeMounts") or []) + [{"name": "other", "mountPath": "/other"}]


# --- people ----------------------------------------------------------------------------------------------------------

def _env(pod, rng):
    """An entry more, less, said again, or edited."""
    container, kind = _container(pod, rng), rng.choice(["more", "less", "again", "edited", "edited"])
    env = container["env"] = list(container.get("env") or [])
    entry = rng.choice(cluster.elements(env) or [pods.entry(rng)])
    if kind == "less" and entry in env:
        env.remove(entry)
    elif kind == "edited":
        entry.pop("valueFrom", None)
        entry["value"] = rng.choice([*pods.VARIABLES.get(entry["name"], ["x"]), ""])
    elif kind in ("more", "again"):
        again = {"name": entry["name"], "value": rng.choice(policies.PACKAGES)}
        env.insert(rng.randint(0, len(env)), pods.entry(rng) if kind == "more" else again)


def _remove_mount(pod, rng):
    mounts = _container(pod, rng).get("volumeMounts")
    if mounts:
        mounts.pop(rng.randrange(len(mounts)))


def _rename_container(pod, rng):
    names = [item.get("name") for item in cluster.containers(pod)]
    free = [name for name in ("rucio-server", "rucio-daemons", "rucio-ui", "rucio-other", "other") if name not in names]
    if free:
        _container(pod, rng)["name"] = rng.choice(free)


def _own_container(pod, rng):
    """It goes, or stands elsewhere."""
    init = pod["spec"].get("initContainers") or []
    ours = [item for item in init if (item or {}).get("name") in policies.OWN_CONTAINERS]
    if ours:
        chosen = rng.choice(ours)
        init.remove(chosen)
        if rng.random() < 0.5:
            init.insert(rng.randint(0, len(init)), chosen)


def _annotations(pod, rng):
    kept = (pod.get("metadata") or {}).get("annotations") or {}
    for key in rng.choice([["injected"], ["injected"], ["revision"], ["conflicts"], list(rules.ANNOTATIONS)]):
        kept.pop(rules.OURS + key, None)


def _damage_record(pod, rng):
    kept = (pod.get("metadata") or {}).get("annotations") or {}
    text = kept.get(rules.OURS + "injected")
    if text:
        kept[rules.OURS + "injected"] = rng.choice([
            text[:-1], text + "x", text[1:], text + " " * 40000, "", "[]", "null", '{"volume": 1}',
            '{"containers": {"rucio-server": []}}', '{"containers": {"rucio-server": {"env": {"A": 1}}}}'])


def _forge_record(pod, rng):
    """A record that lists what no injection wrote, or lacks what one did."""
    record = (rules.read_record(pod) if rng.random() < 0.5 else None) or {"volume": rng.choice(pods.VOLUME_NAMES)}
    for container in cluster.containers(pod):
        if rng.random() < 0.5:
            record.setdefault("containers", {})[container["name"]] = _forge_container(container, rng)
    if rng.random() < 0.3:
        record["initContainers"] = pods.some_of(rng, policies.OWN_CONTAINERS, 2)
    metadata = pod["metadata"] = pod.get("metadata") or {}
    metadata["annotations"] = {**(metadata.get("annotations") or {}), rules.OURS + "injected": json.dumps(record)}


def _forge_container(container, rng):
    forged = {"env": {}}
    for entry in cluster.elements(container.get("env")):
        value = rules.literal(entry)
        if value is not None and rng.random() < 0.5:
            forged["env"][entry["name"]] = value
        if value is not None and entry["name"] == "PYTHONPATH" and rng.random() < 0.5:
            start = rng.randint(0, value.count(":"))
            forged["pythonPath"] = ":".join(value.split(":")[start:start + rng.randint(1, 3)])
        if value is None and rng.random() < 0.5:
            forged.setdefault("valueFrom", {})[entry["name"]] = entry["valueFrom"]
    for mount in cluster.elements(container.get("volumeMounts")):
        if rng.random() < 0.3:
            forged[rng.choice(["mountPath", "mountPath", "pthPath"])] = mount["mountPath"]
    return forged


# --- all of them -----------------------------------------------------------------------------------------------------

BY_CLUSTER = {
    "defaults": [cluster.defaulted], "defaults and account": [cluster.defaulted, cluster.with_service_account],
    "limits": [cluster.with_limit_range], "mirror": [cluster.with_mirror], "mesh": [cluster.with_mesh],
}
BY_OTHERS = {"variable": _variable, "PYTHONPATH": _python_path, "container": _add_container, "fields": _add_fields}
BY_PEOPLE = {"env": _env, "mount": _remove_mount, "rename": _rename_container, "own container": _own_container,
             "annotations": _annotations, "damaged record": _damage_record, "forged record": _forge_record}
ALL = [*BY_CLUSTER, *BY_OTHERS, "env", "env", *BY_PEOPLE]


def apply(pod, name, seed):
    """pod after the change; the same pod when it has no place for it."""
    for change in BY_CLUSTER.get(name, []):
        pod = change(pod)
    if name not in BY_CLUSTER:
        pod = cluster.copy(pod)
        {**BY_OTHERS, **BY_PEOPLE}[name](pod, random.Random(seed))
    return pod


def apply_to_both(origin, name, seed):
    """What the pod would be had there been no webhook; None when that cannot be told."""
    if origin is None or name in BY_PEOPLE or (name == "PYTHONPATH" and any(
            rules.literal(rules.last_entry(container, name)[1] or {}) is None
            for container in cluster.containers(origin))):
        return None
    return apply(origin, name, seed)
