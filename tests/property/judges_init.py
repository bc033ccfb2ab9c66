"""Init containers of ours: which there are, where they stand, what they are made of."""
import cluster
import policies
import rules
from case import equal, require


def judge_init_containers(case):
    before, after = (pod["spec"].get("initContainers") or [] for pod in (case.before, case.after))
    names_before, names = ([(item or {}).get("name") for item in items] for items in (before, after))
    added = [name for name in names if name not in names_before]
    gone = [name for name in names_before if name not in names]
    equal([name for name in names if name not in added], [name for name in names_before if name not in gone],
          "init containers of before are not moved")
    wanted = [name for name in (case.rules.installer, case.rules.verify) if name]
    require(set(added) <= set(wanted), "only wanted init containers are added", added, wanted)
    require(set(wanted) <= set(names), "init containers that are wanted", names, wanted)
    on_record = case.rules.record.get("initContainers", [])
    for name in set(policies.OWN_CONTAINERS) & set(names_before):
        if name not in wanted and name in on_record:
            require(name in gone, f"{name} on record is removed when it is not wanted")
            continue
        require(name not in gone, f"{name} is not removed unless the record says so")
        if name not in wanted or case.rules.is_left_alone(name, case.before):
            equal(after[names.index(name)], before[names_before.index(name)], f"{name} is left alone")
    judge_positions(case, names, added)
    for name in wanted:
        if not case.rules.is_left_alone(name, case.before):
            judge_own_container(case, after[names.index(name)])


def judge_positions(case, names, added):
    installer, verify = case.rules.installer, case.rules.verify
    receivers = [names.index(name) for kind, name in case.rules.receivers if kind == "initContainers"]
    if installer in added:
        at = names.index(installer)
        others = [index for index, name in enumerate(names) if name not in (installer, verify)]
        if receivers:
            require(at < min(receivers), "the installer stands before what mounts the package", names)
        elif policies.installer(case.policy).get("position") == "last" and verify not in set(names) - set(added):
            require(all(at > index for index in others), "the installer stands last", names)
        elif policies.installer(case.policy).get("position") != "last":
            equal(at, 0, "the installer stands first")
    if verify in added:
        at = names.index(verify)
        if any(kind == "containers" for kind, _ in case.rules.targets):
            equal(at, len(names) - 1, "verify stands last")
        elif not any(target.is_adopted for target in case.rules.targets.values()) and installer in [None, *added]:
            first = min(names.index(name) for _, name in case.rules.targets)
            equal(at, first - 1, "verify stands before the first that gets the package")
        if rules.CHART_INIT in names and any(target.is_adopted for target in case.rules.targets.values()):
            require(at > names.index(rules.CHART_INIT), "verify stands behind the chart's", names)
    if installer and verify and (installer in added or verify in added):
        require(names.index(installer) < names.index(verify), "verify stands behind the installer", names)


def judge_own_container(case, found):
    is_verify = found["name"] == "rucio-policy-verify"
    kind, model_name = next(iter(case.rules.targets if is_verify else case.rules.receivers))
    model = next(item for item in cluster.elements(case.after["spec"][kind]) if item.get("name") == model_name)
    installer = {} if is_verify else policies.installer(case.policy)
    image, policy = ("image", "pullPolicy") if "image" in installer else (None, None)
    expected = {"image": installer.get(image, model.get("image")),
                "imagePullPolicy": installer.get(policy) if image else model.get("imagePullPolicy"),
                "resources": model.get("resources")}
    if "resources" in installer and case.before["spec"].get("resources"):
        require(any("spec.resources" in warning for warning in case.answer.get("warnings", [])), "pod-level resources")
    elif "resources" in installer:
        expected["resources"] = installer["resources"]
    equal({key: found.get(key) for key in expected}, expected, f"{found['name']}: what it has of its model")
    require("restartPolicy" not in found and found["command"], f"{found['name']}: runs to its end", found)
    verify = case.policy.get("verify")
    if is_verify:
        judge_verify(found, model)
        place = ("site-packages" if policies.is_in_site_packages(case.policy) else
                 policies.python_path_mode(case.policy))
        mode = verify["mode"] if isinstance(verify, dict) else verify
        equal(found["args"], [mode] + [place] * (place not in ("prepend", "append")), "verify: arguments")
    else:
        judge_installer(case, found, installer)
    own = verify if is_verify and isinstance(verify, dict) else installer
    if "securityContext" in own:
        equal(found["securityContext"], own["securityContext"], f"{found['name']}: securityContext")
    else:
        judge_security_context(found["securityContext"], model.get("securityContext") or {}, case.after["spec"])


def judge_installer(case, found, installer):
    equal(found["volumeMounts"], [{"name": case.rules.volume, "mountPath": "/rucio-policy"}], "installer: mounts")
    equal(found.get("envFrom"), installer.get("envFrom"), "installer: envFrom")
    own = installer.get("env", [])
    equal([entry for entry in found.get("env", []) if entry in own], own, "installer: env")


def judge_security_context(found, own, spec):
    shared = spec.get("securityContext") or {}
    profile = own.get("seccompProfile") or shared.get("seccompProfile") or {}
    require(found["allowPrivilegeEscalation"] is False and found["capabilities"] == {"drop": ["ALL"]}, "capabilities",
            found)
    equal(found["seccompProfile"], profile if profile.get("type") == "Localhost" else {"type": "RuntimeDefault"},
          "security context: seccompProfile")
    armor = own.get("appArmorProfile") or {}
    equal(found.get("appArmorProfile"), armor if armor.get("type") not in (None, "Unconfined") else None,
          "security context: appArmorProfile")
    equal(found.get("readOnlyRootFilesystem", False), bool(own.get("readOnlyRootFilesystem")),
          "security context: read-only root")
    for key in ("runAsUser", "runAsGroup", "seLinuxOptions"):
        equal(found.get(key), own.get(key), f"security context: {key}")
    non_root = own["runAsNonRoot"] if own.get("runAsNonRoot") is not None else shared.get("runAsNonRoot")
    user = own["runAsUser"] if own.get("runAsUser") is not None else shared.get("runAsUser")
    if non_root or (user or 0) > 0:
        equal(found.get("runAsNonRoot"), True, "security context: not root, as its model")
    else:
        require(not found.get("runAsNonRoot"), "security context: may be root, as its model", found, own, shared)


def judge_verify(found, model):
    entries = [[{key: entry[key] for key in ("name", "value", "valueFrom") if entry.get(key)}
                for entry in cluster.elements(container.get("env"))] for container in (found, model)]
    equal(entries[0], entries[1], "verify: env")
    equal(found.get("envFrom") or [], model.get("envFrom") or [], "verify: envFrom")
    equal(cluster.environment(found), cluster.environment(model), "verify: environment as the kubelet resolves it")
    mounts = [mount for mount in cluster.elements(model.get("volumeMounts"))
              if mount.get("mountPropagation") != "Bidirectional"]
    equal(found.get("volumeMounts") or [], mounts, "verify: mounts")
