"""What docs/reference.md says exactly, for a pod that carries no injection of another revision."""
import cluster
import policies
import rules
from case import NAME_PREFIXES, OTHER_NAMES, equal, is_our_variable, require

# --- as the kubelet resolves it --------------------------------------------------------------------------------------

def refers_to_ours(container, name):
    """Whether a variable of the pod's own may change since it refers, through others perhaps, to one that is set."""
    pending, seen = [name], set()
    while pending:
        current = pending.pop()
        for entry in cluster.elements(container.get("env")):
            value = entry.get("value") or ""
            if entry["name"] != current or (current, value) in seen:
                continue
            seen.add((current, value))
            referred = [part.split(")")[0] for part in value.split("$(")[1:]]
            if any(part in OTHER_NAMES or part.startswith(NAME_PREFIXES) for part in referred):
                return True
            pending.extend(referred)
    return False


def judge_environment(case):
    """As the kubelet resolves it."""
    for target, old, new in case.targets():
        name = target.container["name"]
        before, after = cluster.environment(old), cluster.environment(new)
        for variable in {**before, **after}:
            if is_our_variable({"name": variable}) or refers_to_ours(old, variable):
                continue
            equal(after.get(variable), before.get(variable), f"{name}: {variable} as the kubelet resolves it")
        judge_python_path_elements(case, target, old, before, after)
        if case.rules.record == "older":
            continue
        equal(rules.strip(after["POLICY_PKG_PATH"]), target.path, f"{name}: POLICY_PKG_PATH as the kubelet resolves it")
        for variables, package in policies.names(case.policy):
            if not set(variables) & set(target.conflicts) or target.mode == "override":
                equal([after[variable] for variable in variables], [package] * len(variables),
                      f"{name}: names of the package as the kubelet resolves them")


def judge_python_path_elements(case, target, old, before, after):
    """What there was stays, in its order, and the path comes to it once."""
    name, mode = target.container["name"], policies.python_path_mode(case.policy)
    entry = rules.last_entry(old, "PYTHONPATH")[1]
    reference = (entry or {}).get("valueFrom") or {}
    if case.rules.record == "older" or refers_to_ours(old, "PYTHONPATH"):
        return
    if mode == "entrypoint":
        equal(after.get("PYTHONPATH"), before.get("PYTHONPATH"), f"{name}: PYTHONPATH is left to the entrypoint")
        return
    found = after["PYTHONPATH"].split(":")
    positions = [index for index, element in enumerate(found) if rules.strip(element) == target.path]
    require(positions, f"{name}: PYTHONPATH has the path", after["PYTHONPATH"])
    if any(source.get("optional") for source in reference.values()):
        return  # there is a warning that the text may be odd
    is_there = entry is not None and bool(entry.get("value") or reference)
    earlier = before.get("PYTHONPATH", "").split(":") if is_there else []
    if not reference and target.path in map(rules.strip, earlier):
        equal(found, earlier, f"{name}: PYTHONPATH had the path")
        return
    if entry is None and old.get("envFrom"):
        earlier = before.get("PYTHONPATH", "$(PYTHONPATH)").split(":")
    if not is_there:
        earlier += [element for element in target.policy.get("imagePythonPath", "").split(":") if element]
    rest = list(found)
    del rest[positions[0] if mode == "prepend" else positions[-1]]
    equal(rest, earlier, f"{name}: PYTHONPATH keeps what there was")


# --- entries, mounts, annotations ------------------------------------------------------------------------------------

def judge_env_entries(case):
    for target, old, new in case.targets():
        name, found = target.container["name"], new.get("env") or []
        expected = [entry for index, item in enumerate(old.get("env") or [])
                    for entry in target.changes.get(index, [item])]
        front = found[:len(found) - len(expected)]
        equal(found[len(front):], expected, f"{name}: env behind what is new")
        front, expected = (sorted(entries, key=lambda entry: entry["name"]) for entries in (front, target.front))
        equal(front, expected, f"{name}: new variables stand in front")
        if not target.front and not target.changes:
            equal(new.get("env", "absent"), old.get("env", "absent"), f"{name}: env is not touched")


def judge_mounts(case):
    for target, old, new in case.targets():
        name, found = target.container["name"], new.get("volumeMounts") or []
        ours = [mount for mount in found if mount is not None and target.is_ours(mount)]
        if target.receives:
            require(ours, f"{name}: mounts the package", found)
        kept = [mount for mount in target.mounted if mount is None or not target.is_ours(mount)]
        equal([mount for mount in found if mount not in ours], kept, f"{name}: other mounts")
        for mount in ours:
            was_there = mount in (old.get("volumeMounts") or [])
            require(was_there or mount == target.our_mount(), f"{name}: our mount", mount)


def judge_volume(case):
    found = case.after["spec"].get("volumes") or []
    there = list(case.before["spec"].get("volumes") or [])
    if case.rules.receivers and not case.rules.has_volume:
        there.append({"name": case.rules.volume, **policies.volume_source(case.policy)})
    equal(found, there, "volumes")


def judge_annotations(case):
    found = rules.annotations(case.after)
    conflicts = case.rules.conflicts() if policies.on_conflict(case.policy) == "keep" else set()
    expected = {"status": "injected-with-conflicts" if conflicts else "injected", "policy": case.policy["name"],
                "revision": case.rules.revision}
    for name, value in expected.items():
        equal(found.get(rules.OURS + name), value, f"annotation {name}")
    listed = found.get(rules.OURS + "conflicts")
    equal(set(listed.split(", ")) if listed else set(), conflicts, "annotation conflicts")
    listed, before = found.get(rules.EVICTABLE), rules.annotations(case.before).get(rules.EVICTABLE)
    if case.rules.installer and case.rules.volume not in (before or "").split(","):
        separator = "," if before and not before.endswith(",") else ""
        equal(listed, (before or "") + separator + case.rules.volume, "evictable volumes")
    else:
        equal(listed, before, "evictable volumes")


def judge_warnings(case):
    count = len(case.rules.conflicts())
    require(len(case.answer.get("warnings", [])) >= count, "each conflict is warned of", case.answer.get("warnings"))
