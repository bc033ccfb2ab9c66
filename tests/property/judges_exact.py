"""What docs/reference.md says exactly."""
import json

import cluster
import policies
import rules
from case import equal, is_our_name, require

# --- as the kubelet resolves it --------------------------------------------------------------------------------------

def may_change(target, container, name):
    """Whether a variable may get another value: it is ours or on record, or refers to one that is."""
    pending, seen = [name], set()
    while pending:
        current = pending.pop()
        if is_our_name(current) or current in target.on_record.get("env", {}):
            return True
        for entry in cluster.elements(container.get("env")):
            value = entry.get("value") or ""
            if entry["name"] == current and (current, value) not in seen:
                seen.add((current, value))
                pending.extend(part.split(")")[0] for part in value.split("$(")[1:])
    return False


def judge_environment(case):
    for target, old, new in case.touched():
        name = target.container["name"]
        before, after = cluster.environment(old), cluster.environment(new)
        for variable in {**before, **after}:
            if not may_change(target, old, variable):
                equal(after.get(variable), before.get(variable), f"{name}: {variable} as the kubelet resolves it")
        if not target.is_wanted:
            continue
        judge_python_path_elements(case, target, old, before, after)
        equal(rules.clean(after["POLICY_PKG_PATH"]), rules.clean(target.path),
              f"{name}: POLICY_PKG_PATH as the kubelet resolves it")
        for variables, package in policies.names(case.policy):
            if not set(variables) & set(target.left):
                equal([after[variable] for variable in variables], [package] * len(variables),
                      f"{name}: names of the package as the kubelet resolves them")


def judge_python_path_elements(case, target, old, before, after):
    """Where nothing of ours was in it: what there was stays, in its order, and the path comes to it once."""
    name, mode = target.container["name"], policies.python_path_mode(case.policy)
    entry = rules.last_entry(old, "PYTHONPATH")[1] or {}
    text = "".join(item.get("value") or "" for item in cluster.elements(old.get("env")) if item["name"] == "PYTHONPATH")
    if target.on_record or any(may_change(target, old, part.split(")")[0]) for part in text.split("$(")[1:]):
        return
    is_there, path = bool(entry.get("value") or entry.get("valueFrom")), rules.clean(target.path)
    earlier = before["PYTHONPATH"].split(":") if "PYTHONPATH" in before and is_there else []
    if mode == "entrypoint" or (not entry.get("valueFrom") and path in map(rules.clean_element, earlier)):
        equal(after.get("PYTHONPATH"), before.get("PYTHONPATH"), f"{name}: PYTHONPATH is left as it is")
        return
    if "optional" in json.dumps(entry):
        return  # there is a warning that the text may be odd
    if "name" not in entry and "$(PYTHONPATH)" in target.python_path_is:
        earlier = before.get("PYTHONPATH", "$(PYTHONPATH)").split(":")
    if not is_there:
        earlier += [element for element in target.policy.get("imagePythonPath", "").split(":") if element]
    found = after["PYTHONPATH"].split(":")
    ours = found.pop(0 if mode == "prepend" else -1)
    equal((rules.clean_element(ours), found), (path, earlier), f"{name}: PYTHONPATH keeps what there was")


# --- entries, mounts, annotations ------------------------------------------------------------------------------------

def judge_env_entries(case):
    for target, old, new in case.touched():
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
    for target, old, new in case.touched():
        name, found = target.container["name"], new.get("volumeMounts") or []
        ours = [mount for mount in found if mount is not None and target.is_our_mount(mount)] if target.receives else []
        if target.receives:
            require(ours, f"{name}: mounts the package", found)
        equal([mount for mount in found if mount not in ours], target.others, f"{name}: other mounts")
        for mount in ours:
            was_there = mount in (old.get("volumeMounts") or [])
            require(was_there or mount == target.our_mount(), f"{name}: our mount", mount)
        equal(new.get("volumeDevices") or [], target.devices, f"{name}: devices")


def judge_volume(case):
    found, old = case.after["spec"].get("volumes") or [], case.rules.old_volume(case.after)
    there = [volume for volume in case.before["spec"].get("volumes") or []
             if volume is None or not old or volume["name"] != old]
    if case.rules.volume and case.rules.volume not in [volume["name"] for volume in cluster.elements(there)]:
        there.append({"name": case.rules.volume, **policies.volume_source(case.policy)})
    equal(found, there, "volumes")


def judge_annotations(case):
    found = rules.annotations(case.after)
    conflicts = case.rules.fields("left")
    expected = {"status": "injected-with-conflicts" if conflicts else "injected", "policy": case.policy["name"],
                "revision": case.rules.revision}
    for name, value in expected.items():
        equal(found.get(rules.OURS + name), value, f"annotation {name}")
    listed = found.get(rules.OURS + "conflicts")
    equal(set(listed.split(", ")) if listed else set(), conflicts, "annotation conflicts")
    equal(json.loads(found[rules.OURS + "injected"]), case.rules.new_record(), "the record")
    equal(rules.read_record(case.after), case.rules.new_record(), "the record is one")
    judge_evictable(case, found.get(rules.EVICTABLE), rules.annotations(case.before).get(rules.EVICTABLE))


def judge_evictable(case, found, before):
    """Ours is listed while there is one, and all else that was."""
    ours, old = case.rules.volume if case.rules.installer else None, case.rules.record.get("volume")
    listed, expected = ([name for name in (text or "").split(",") if name] for text in (found, before))
    expected = [name for name in expected if name != old or name == ours]
    equal(listed, expected + [ours] * (bool(ours) and ours not in expected), "evictable volumes")


def judge_warnings(case):
    warnings = case.answer.get("warnings", [])
    for conflict in case.rules.fields("left") | case.rules.fields("overridden"):
        container, field = conflict.split("/")
        require(any(container in warning and field in warning for warning in warnings), "each conflict is warned of",
                conflict, warnings)
