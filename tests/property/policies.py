"""Policies of every shape, and what docs/configuration.md says about one: its names, defaults, revision.

They are made from small vocabularies, so that two of them often differ in one thing only and that the pods, which use
the same words, meet them in every way.
"""
import fnmatch
import hashlib
import json
import re
import random

PATHS = ["/opt/rucio/policy", "/opt/policy", "/opt/policy/deep"]
PACKAGES = ["atlas_policy", "cms_policy"]
OWN_CONTAINERS = ["rucio-policy-install", "rucio-policy-copy", "rucio-policy-verify"]
DEFAULT_CONTAINERS = ["rucio-server", "rucio-daemons", "rucio-ui"]
DEFAULT_IMAGES = [*DEFAULT_CONTAINERS, "rucio-init", "rucio-clients", "rucio-probes", "rucio/probes"]
VOLUMES = [
    {"persistentVolumeClaim": {"claimName": "atlas-policy"}},
    {"persistentVolumeClaim": {"claimName": "cms-policy", "readOnly": True}},
    {"configMap": {"name": "policy"}},
    {"configMap": {"name": "policy", "defaultMode": 0o444, "items": [{"key": "a", "path": "a.py"}]}},
    {"secret": {"secretName": "policy"}},
    {"image": {"reference": "registry.example/policy:1.2"}},
    {"csi": {"driver": "cvmfs.csi.cern.ch", "volumeAttributes": {"repository": "atlas.cern.ch"}}},
    {"projected": {"sources": [{"configMap": {"name": "policy"}}, {"secret": {"name": "more"}}]}},
    {"nfs": {"server": "nfs.example", "path": "/policy", "readOnly": True}},
    {"hostPath": {"path": "/cvmfs/atlas.cern.ch"}},
    {"emptyDir": {"sizeLimit": "1024Mi"}},
]
RESOURCES = [{}, {"requests": {"cpu": "100m"}}, {"limits": {"cpu": "1", "memory": "128Mi"}}]
RESTRICTED = {"allowPrivilegeEscalation": False, "runAsNonRoot": True, "runAsUser": 1000,
              "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}}


def _optionally(rng, target, key, values, chance=0.3):
    if rng.random() < chance:
        target[key] = rng.choice(values)


def _pip(rng):
    pip = {"requirements": [rng.choice(["atlas-policy==1.2.3", "cms-policy==2"])]}
    _optionally(rng, pip, "noDeps", [False], 0.1)
    _optionally(rng, pip, "indexUrl", ["https://$(USER):$(PASS)@pypi.example.org/simple"])
    _optionally(rng, pip, "args", [["--timeout", "30"], ["--no-index", "--find-links", "/wheels"]])
    _optionally(rng, pip, "env", [[{"name": "PIP_CERT", "value": "/etc/ca.pem"},
                                   {"name": "PASS", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]])
    _optionally(rng, pip, "envFrom", [[{"secretRef": {"name": "pypi"}}]])
    if rng.random() < 0.4:
        pip["image"] = "registry.example/pip:1"
        _optionally(rng, pip, "pullPolicy", ["Always", "IfNotPresent"])
    return {"pip": _installer(rng, pip)}


def _copy(rng):
    copy = {"image": rng.choice(["registry.example/policy:1.2", "registry.example/policy:1.3"]), "path": "/policy"}
    _optionally(rng, copy, "pullPolicy", ["Always", "Never"])
    return {"copy": _installer(rng, copy)}


def _installer(rng, source):
    _optionally(rng, source, "resources", RESOURCES, 0.2)
    _optionally(rng, source, "securityContext", [RESTRICTED, {"runAsUser": 0}], 0.2)
    _optionally(rng, source, "sizeLimit", ["200Mi", "1024Mi", "0.5Gi"])
    _optionally(rng, source, "medium", ["Memory"], 0.2)
    _optionally(rng, source, "position", ["last"], 0.4)
    return source


def _source(rng):
    kind = rng.randrange(8)
    if kind < 3:
        source = {"volume": rng.choice(VOLUMES)}
        _optionally(rng, source, "subPath", ["current", "package"])
        return source
    if kind < 4:
        return {"preinstalled": {}}
    return _pip(rng) if kind < 6 else _copy(rng)


def _policy(rng, index):
    policy = {"name": f"policy-{index}", "match": {"namespaces": [f"ns-{index}"]}, "source": _source(rng)}
    _optionally(rng, policy["match"], "containers",
                [["*"], ["rucio-*"], ["rucio-server"], ["rucio-server", "prepare*"], ["rucio-??????", "side*"]], 0.5)
    _optionally(rng, policy["match"], "images", [["rucio-*"], ["rucio-server"], ["rucio/*:38*"], ["busybox", "rucio-init"]], 0.3)
    _optionally(rng, policy["match"], "podSelector", [{"matchLabels": {"app": "rucio"}}], 0.05)
    if rng.random() < 0.75:
        policy["package"] = rng.choice(PACKAGES)
    if "package" not in policy or rng.random() < 0.3:
        policy["packages"] = rng.choice([{"atl": PACKAGES[0]}, {"atl": PACKAGES[1], "OPS": PACKAGES[0]}])
    _optionally(rng, policy, "configEnv", [False], 0.2)
    _optionally(rng, policy, "version", ["2026.1", "2026.2"], 0.2)
    _optionally(rng, policy, "path", [*PATHS[1:], *PATHS[1:], "/opt/x/../own", "/opt/a \"policé\" b"], 0.4)
    _optionally(rng, policy, "pythonPath", ["append", "entrypoint"], 0.4)
    _optionally(rng, policy, "imagePythonPath", ["/usr/local/lib/site", "/a:/b"], 0.2)
    _optionally(rng, policy, "onConflict", ["override", "reject"], 0.6)
    _optionally(rng, policy, "verify", ["warn", "fail"], 0.4)
    return policy


def make(seed, count):
    """count policies; policy number i is for namespace ns-i, the simplest ones come first."""
    rng = random.Random(seed)
    made = sorted((_policy(rng, 0) for _ in range(count)), key=lambda policy: len(json.dumps(policy)))
    for index, policy in enumerate(made):
        policy["name"], policy["match"]["namespaces"] = f"policy-{index}", [f"ns-{index}"]
    return made


def path(policy):
    return policy.get("path", PATHS[0])


def on_conflict(policy):
    return policy.get("onConflict", "keep")


def python_path_mode(policy):
    return policy.get("pythonPath", "prepend")


def has_volume(policy):
    return "preinstalled" not in policy["source"]


def installer(policy):
    """What is configured below pip or copy; None for other sources."""
    return policy["source"].get("pip") or policy["source"].get("copy")


def installer_name(policy):
    return "rucio-policy-install" if "pip" in policy["source"] else "rucio-policy-copy" if installer(policy) else None


def verifies(policy):
    return policy.get("verify", "off") != "off"


def volume_source(policy):
    source = policy["source"]
    if "volume" in source:
        return source["volume"]
    settings = {key: value for key, value in installer(policy).items() if key in ("sizeLimit", "medium")}
    return {"emptyDir": settings}


def sub_path(policy):
    return "package" if installer(policy) else policy["source"].get("subPath", "")


def names(policy):
    """For each package, what its variables are called and what they say: [([variable, ...], package)]."""
    wanted = [(["RUCIO_POLICY_PACKAGE", "RUCIO_CFG_POLICY_PACKAGE"], policy["package"])] if "package" in policy else []
    for vo, package in policy.get("packages", {}).items():
        wanted.append(([f"RUCIO_POLICY_PACKAGE_{vo.upper()}", f"RUCIO_CFG_POLICY_PACKAGE-{vo}"], package))
    forms = 2 if policy.get("configEnv", True) else 1
    return [(variables[:forms], package) for variables, package in wanted]


def is_target(policy, container):
    """Whether a container, null or without a name perhaps, gets the package."""
    name, image = (container or {}).get("name"), (container or {}).get("image")
    match = policy["match"]
    is_default = "containers" not in match and "images" not in match
    names = DEFAULT_CONTAINERS if is_default else match.get("containers", [])
    images = DEFAULT_IMAGES if is_default else match.get("images", [])
    return bool(name) and name not in OWN_CONTAINERS and (
        any(fnmatch.fnmatchcase(name, glob) for glob in names) or
        bool(image) and any(_means(pattern, image) for pattern in images))


def _means(pattern, image):
    """Whether a pattern of match.images means the image."""
    elements = image.split("/")
    if not re.search("[:@]", pattern.rpartition("/")[2]):
        elements[-1] = re.split("[:@]", elements[-1])[0]
    return fnmatch.fnmatchcase("/".join(elements[-1 - pattern.count("/"):]), pattern)


def _digest(content):
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def revision(policy):
    """docs/configuration.md, "Revision". The policies of make() state no default."""
    return _digest({key: value for key, value in policy.items() if key not in ("name", "match", "onConflict")})


def chart_revision(policy):
    """Of a pod whose containers all use what the charts install: over what still reaches it."""
    keys = ("configEnv", "imagePythonPath", "package", "packages", "pythonPath", "verify")
    return "chart-" + _digest({key: policy[key] for key in keys if key in policy})


def volume_name(policy):
    return "rucio-policy-" + revision(policy)
