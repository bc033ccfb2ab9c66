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
        if is_our_name(current) or any(current in target.on_record.get(key, {}) for key in ("env", "valueFrom")):
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
        if not policies.is_in_site_packages(case.policy):
            equal(rules.clean(after["POLICY_PKG_PATH"]), rules.clean(target.path),
                  f"{name}: POLICY_PKG_PATH as the kubelet resolves it")
        for entry in case.policy.get("env", []):
            if entry["name"] not in target.left and "$" not in entry.get("value", "$"):
                equal(after[entry["name"]], entry["value"], f"{name}: settings as the kubelet resolves them")
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
    if not policies.changes_python_path(case.policy) or (not entry.get("valueFrom") and path in map(rules.clean_element, earlier)):
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
        expected += target.behind
        front = found[:len(found) - len(expected)]
        equal(found[len(front):], expected, f"{name}: env behind what is new in front")
        front, expected = (sorted(entries, key=lambda entry: entry["name"]) for entries in (front, target.front))
        equal(front, expected, f"{name}: new variables stand in front")
        if not target.front and not target.changes and not target.behind:
            equal(new.get("env", "absent"), old.get("env", "absent"), f"{name}: env is not touched")


def judge_mounts(case):
    for target, old, new in case.touched():
        name, found = target.container["name"], new.get("volumeMounts") or []
        ours = []
        for key, wanted in target.received.items():
            placed = [mount for mount in found if mount is not None and rules.is_same_mount(mount, wanted)]
            require(placed, f"{name}: has the mount of {key}", found)
            require(all(mount in (old.get("volumeMounts") or []) or mount == wanted for mount in placed),
                    f"{name}: our mount", placed)
            ours.extend(placed)
        equal([mount for mount in found if mount not in ours], target.others, f"{name}: other mounts")
        equal(new.get("volumeDevices") or [], target.devices, f"{name}: devices")


def judge_volume(case):
    found, old = case.after["spec"].get("volumes") or [], case.rules.old_volumes(case.after)
    there = [volume for volume in case.before["spec"].get("volumes") or []
             if volume is None or volume["name"] not in old]
    pth = {"items": [{"path": policies.PTH_FILE,
                      "fieldRef": {"fieldPath": f"metadata.annotations['{rules.OURS}path']"}}]}
    for name in case.rules.volumes():
        if name not in [volume["name"] for volume in cluster.elements(there)]:
            source = {"downwardAPI": pth} if name == policies.PTH_VOLUME else policies.volume_source(case.policy)
            there.append({"name": name, **source})
    equal(found, there, "volumes")


def judge_annotations(case):
    found = rules.annotations(case.after)
    conflicts = case.rules.fields("left")
    expected = {"status": "injected-with-conflicts" if conflicts else "injected", "policy": case.policy["name"],
                "revision": case.rules.revision}
    for name, value in expected.items():
        equal(found.get(rules.OURS + name), value, f"annotation {name}")
    if case.rules.paths or case.rules.had_pth():
        lines = (found.get(rules.OURS + "path") or "").splitlines()
        equal(sorted(map(rules.clean, lines)), sorted(case.rules.paths), "what the .pth file holds")
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
