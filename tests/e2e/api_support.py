"""What the tests at the API share: pods and policies to write them in one line, and the questions that they all ask.

Pods here are never to run: what counts is what the apiserver makes of them. The yardstick is the same pod in a
namespace whose pods do not go to the webhook: what is stored must be that, what the reference says besides, and nothing
else.
"""
import copy
import itertools
import json
import os
import pathlib
import re

from cluster import (CONTAINERS, ClusterCase, Refused, container_of, kubectl, sends_nothing_else, volume_of,
                     wait_until)

PATH = "/opt/rucio/policy"
PACKAGE = "atlas_rucio_policy_package"
CLAIM = {"persistentVolumeClaim": {"claimName": "atlas-policy"}}
PREFIX = "policy.rucio.cern.ch/"
NOWHERE = "nobody"  # a scheduler that does not exist: the pod stays pending

PKG_PATH = ("POLICY_PKG_PATH", PATH)
NAME = ("RUCIO_POLICY_PACKAGE", PACKAGE)
CFG = ("RUCIO_CFG_POLICY_PACKAGE", PACKAGE)
PYTHON = ("PYTHONPATH", PATH)
BASE = "RUCIO_POLICY_BASE_PYTHONPATH"  # a PYTHONPATH that was renamed
OUR_ENV = [PKG_PATH, NAME, CFG, PYTHON]
# As comparable() calls the volume, whatever the revision.
VOLUME = "rucio-policy-revision"
OUR_MOUNT = {"name": VOLUME, "mountPath": PATH, "readOnly": True}
OUR_VOLUME = {"name": VOLUME, **CLAIM}

_numbers = itertools.count(1)


def policy(name="atlas", volume=None, **fields):
    """A policy as the configuration has it; fields are added or replaced."""
    return {"name": name, "package": PACKAGE, "source": {"volume": CLAIM if volume is None else volume}, **fields}


def configuration(*policies, unmatched="allow"):
    """A configuration file: JSON is YAML."""
    return json.dumps({"unmatched": unmatched, "policies": list(policies)})


def variables(*pairs):
    """An env list of pairs (name, value) or (name, valueFrom as a mapping)."""
    return [{"name": name, "valueFrom" if isinstance(value, dict) else "value": value} for name, value in pairs]


def pairs_of(env):
    return [(entry["name"], entry.get("valueFrom", entry.get("value", ""))) for entry in env or []]


def container(name=CONTAINERS[0], **fields):
    return {"name": name, "image": "localhost/none", **fields}


def pod_of(*containers, annotations=None, labels=None, **spec):
    """A pod of these containers (by default one of Rucio's server) that no scheduler takes."""
    metadata = {"name": "pod"}
    if annotations:
        metadata["annotations"] = {PREFIX + key: value for key, value in annotations.items()}
    if labels:
        metadata["labels"] = labels
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata,
            "spec": {"containers": list(containers) or [container()], "schedulerName": NOWHERE,
                     "automountServiceAccountToken": False, **spec}}


def all_containers(pod):
    return (pod["spec"].get("initContainers") or []) + pod["spec"]["containers"]


def comparable(pod):
    """A stored pod without what differs each time."""
    pod = sends_nothing_else(pod)
    for key in ("name", "generateName", "namespace"):
        pod["metadata"].pop(key, None)
    text = re.sub(r'"kube-api-access-\w+"', '"kube-api-access"', json.dumps(pod))
    return json.loads(text.replace(volume_of(pod), VOLUME) if "revision" in annotations_of(pod) else text)


def annotations_of(pod):
    """The annotations of ours: {"status": ..., ...}."""
    found = pod["metadata"].get("annotations") or {}
    return {key.removeprefix(PREFIX): value for key, value in found.items() if key.startswith(PREFIX)}


def volumes_of(pod):
    return comparable(pod)["spec"].get("volumes", [])


def mounts_of(pod, name):
    """The volumeMounts of a container."""
    return container_of(comparable(pod), name).get("volumeMounts", [])


def written(before, after):
    """What the record must say of a container that was stored like this without us, and like that with us."""
    old, new = (dict(pairs_of(entry.get("env"))) for entry in (before, after))
    changed = {name: value for name, value in new.items() if old.get(name) != value and name != BASE}
    rest = f"$({BASE})" if isinstance(old.get("PYTHONPATH"), dict) else old.get("PYTHONPATH", "")
    python_path = changed.pop("PYTHONPATH", "").removesuffix(":" + rest).removeprefix(rest + ":")
    mounts = [mount for mount in after.get("volumeMounts", []) if mount not in before.get("volumeMounts", [])]
    found = {"env": changed, "pythonPath": python_path, "mountPath": mounts[0]["mountPath"] if mounts else ""}
    return {key: value for key, value in found.items() if value}


def record_of(plain, stored):
    """The annotation `injected` of a pod that had none: all by which it differs from what is stored without us. Both
    are comparable(), and without init containers of ours."""
    containers = {before["name"]: written(before, after)
                  for before, after in zip(all_containers(plain), all_containers(stored))}
    is_mounted = any(mount["name"] == VOLUME and mount.get("readOnly") for entry in all_containers(stored)
                     for mount in entry.get("volumeMounts", []))
    record = {"volume": VOLUME if is_mounted else "",
              "containers": {name: found for name, found in containers.items() if found}}
    return {key: value for key, value in record.items() if value}


def kubernetes_minor():
    """36 where the apiserver is Kubernetes 1.36."""
    return int(json.loads(kubectl("get", "--raw", "/version").stdout)["minor"].rstrip("+"))


def log_file(name):
    """A log of the cluster that scripts/cluster.sh makes; None for another cluster."""
    return pathlib.Path(os.environ["RPW_E2E_LOG"]) / name if "RPW_E2E_LOG" in os.environ else None


def outcomes_of(requests):
    return [(line["outcome"], line["reason"]) for line in requests]


class Answer:
    """What the apiserver stored, the warnings it passed on, and the log lines of the webhook about it."""

    def __init__(self, pod, warnings, requests):
        self.pod = pod
        self.warnings = warnings
        self.requests = requests
        self.outcomes = outcomes_of(requests)

    def warnings_of_ours(self):
        """Without those of the apiserver itself."""
        return [warning for warning in self.warnings if warning.startswith("policy ")]


class ApiCase(ClusterCase):
    """Cases that send pods to the test's namespace, and to one that the webhook knows nothing of: self.elsewhere."""
    CONFIGURATION = configuration(policy())
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.elsewhere = cls.make_namespace("elsewhere", label="none")
        cls.prepare_elsewhere()

    @classmethod
    def prepare_elsewhere(cls):
        """Hook: what prepare() makes in the namespace, here for cls.elsewhere."""

    # --- sending

    def send(self, pod, dry_run=True):
        """Creates pod under a name of its own: (stored, warnings, that name). Raises Refused, with the name in it."""
        pod = sends_nothing_else(pod)
        key = "name" if "name" in pod["metadata"] else "generateName"
        name = f"p{next(_numbers)}-"
        pod["metadata"][key] = name if key == "generateName" else name + "x"
        try:
            return *self.create_pod_with_warnings(pod, dry_run), pod["metadata"][key]
        except Refused as refused:
            refused.pod_name = pod["metadata"][key]
            raise

    def accepted(self, pod, dry_run=True, asked=1):
        """The Answer to a pod that is stored; the webhook must have been asked so many times at least."""
        stored, warnings, name = self.send(pod, dry_run)
        return Answer(stored, warnings, self.requests_about(name, asked))

    def refused(self, pod, asked=1):
        """The Refused of a pod that is not stored, with the log lines as its `requests`, and their `outcomes`."""
        with self.assertRaises(Refused) as caught:
            self.send(pod)
        refusal = caught.exception
        refusal.requests = self.requests_about(refusal.pod_name, asked)
        refusal.outcomes = outcomes_of(refusal.requests)
        return refusal

    def lines_about(self, name):
        events = [json.loads(line) for line in list(self.webhook.server.lines) if name in line]
        return [event for event in events if event["message"] == "request" and event.get("pod") == name]

    def requests_about(self, name, count):
        """The log lines about the pod of that name, once there are so many. With 0, whatever another pod, sent after
        it, finds there."""
        if count == 0:
            self.accepted(pod_of())
            return self.lines_about(name)
        return wait_until(lambda: len(self.lines_about(name)) >= count and self.lines_about(name),
                          f"{count} log lines about {name}: {self.lines_about(name)}")

    def stored_elsewhere(self, pod):
        """What the apiserver makes of the pod without us."""
        pod = sends_nothing_else(pod)
        pod["metadata"].pop("namespace", None)
        return self.api.create(pod, self.elsewhere, dry_run=True)

    # --- asking

    def assert_untouched(self, pod, stored):
        """What is stored is what is stored without us."""
        self.assertEqual(comparable(stored), comparable(self.stored_elsewhere(pod)))

    def assert_only(self, pod, stored, env, mounts=None, volumes=None, **annotations):
        """What is stored is what is stored without us, but for: the env of these containers, name to entries; their
        volumeMounts, in the same way; the volumes; these annotations of ours, besides any revision; and the record of
        all that."""
        plain = comparable(self.stored_elsewhere(pod))
        expected = copy.deepcopy(plain)
        for entry in all_containers(expected):
            for key, wanted in (("env", env), ("volumeMounts", mounts or {})):
                if entry["name"] in wanted:
                    entry[key] = wanted[entry["name"]]
                    if not entry[key]:
                        del entry[key]
        if volumes is not None:
            expected["spec"]["volumes"] = volumes
            if not volumes:
                del expected["spec"]["volumes"]
        revision = annotations_of(stored)["revision"]
        self.assertRegex(revision, r"\A[0-9a-f]{12}\Z")
        record = annotations_of(comparable(stored))["injected"]
        self.assertEqual(json.loads(record), record_of(plain, expected))
        annotations = {"status": "injected", "policy": "atlas", "revision": revision, "injected": record, **annotations}
        expected["metadata"].setdefault("annotations", {}).update(
            {PREFIX + key: value for key, value in annotations.items()})
        self.assertEqual(comparable(stored), expected)

    def assert_injected(self, pod, stored, *targets):
        """As assert_only(), for containers that have nothing of what we set: each of the targets got all of it."""
        plain = comparable(self.stored_elsewhere(pod))
        found = {entry["name"]: entry for entry in all_containers(plain)}
        self.assert_only(pod, stored,
                         {name: variables(*OUR_ENV) + found[name].get("env", []) for name in targets},
                         {name: found[name].get("volumeMounts", []) + [OUR_MOUNT] for name in targets},
                         plain["spec"].get("volumes", []) + [OUR_VOLUME])

    def assert_stable(self, stored, dry_run=True):
        """The stored pod, sent as a new one, is left as it is, although the webhook is asked."""
        again = self.accepted(stored, dry_run)
        self.assertEqual(again.outcomes, [("unchanged", "up_to_date")])
        self.assertEqual(again.requests[0]["operations"], 0)
        self.assertEqual(comparable(again.pod), comparable(stored))


def add_rows(case, rows, method):
    """A test for each row: its name is the sentence, its body calls method(self, row)."""
    for sentence, row in rows.items():
        name = "test_" + re.sub(r"\W+", "_", sentence)
        assert not hasattr(case, name), name

        def test(self, row=row):
            method(self, row)

        test.__name__ = name
        test.__qualname__ = f"{case.__qualname__}.{name}"
        setattr(case, name, test)
