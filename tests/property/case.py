"""One pod that met one policy: what came back, and what the judges have in common."""
import base64
import json

import jsonpatch

import cluster
import policies
import rules

NAME_PREFIXES = ("RUCIO_POLICY_PACKAGE", "RUCIO_CFG_POLICY_PACKAGE")
OTHER_NAMES = ("POLICY_PKG_PATH", "PYTHONPATH", "RUCIO_POLICY_BASE_PYTHONPATH",
               *(entry["name"] for entries in policies.SETTINGS for entry in entries))


class Violation(AssertionError):
    pass


def require(claim, judge, *details):
    if not claim:
        raise Violation(f"{judge}: " + ", ".join(json.dumps(detail, default=str) for detail in details))


def difference(found, expected, place=""):
    """The first place where the two differ, with what is there."""
    if isinstance(found, dict) and isinstance(expected, dict) and set(found) == set(expected):
        pairs = [(found[key], expected[key], f"{place}/{key}") for key in found]
    elif isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        pairs = [(found[index], expected[index], f"{place}/{index}") for index in range(len(found))]
    else:
        pairs = []
    for left, right, below in pairs:
        if left != right:
            return difference(left, right, below)
    return f"at {place or '/'} found {json.dumps(found, default=str)}, expected {json.dumps(expected, default=str)}"


def equal(found, expected, judge):
    if found != expected:
        raise Violation(f"{judge}: {difference(found, expected)}")


class Case:
    def __init__(self, policy, pod, response, uid):
        self.policy, self.before = policy, pod
        equal(response.status, 200, "status")
        self.body = response.body
        review = json.loads(response.body)
        answer = self.answer = review["response"]
        equal(answer["uid"], uid, "uid")
        self.is_allowed = answer["allowed"]
        self.patch = json.loads(base64.b64decode(answer["patch"])) if "patch" in answer else None
        self.after = jsonpatch.apply_patch(cluster.copy(pod), self.patch, in_place=True) if self.patch else pod
        self.outcome = "rejected" if not self.is_allowed else "patched" if self.patch else "unchanged"
        self.rules = rules.Pod(pod, policy)

    def container_pairs(self):
        """((kind, name), container before, container after) of all but our init containers."""
        for kind in ("initContainers", "containers"):
            before = [item for item in self.before["spec"].get(kind) or [] if not is_own(item)]
            after = [item for item in self.after["spec"].get(kind) or [] if not is_own(item)]
            equal([(item or {}).get("name") for item in after], [(item or {}).get("name") for item in before],
                  "containers of the pod are the same, in the same order")
            for old, new in zip(before, after):
                yield (kind, (old or {}).get("name")), old, new

    def touched(self):
        """(what it should become, before, after) of the containers that get the package or are on record."""
        return [(self.rules.touched[key], old, new) for key, old, new in self.container_pairs()
                if key in self.rules.touched]

    def targets(self):
        return [item for item in self.touched() if item[0].is_wanted]

    def own_containers(self, pod):
        return [item for item in pod["spec"].get("initContainers") or [] if is_own(item)]


def is_own(container):
    return (container or {}).get("name") in policies.OWN_CONTAINERS


def is_our_name(name):
    return name in OTHER_NAMES or name.startswith(NAME_PREFIXES)
