"""Pods put together by chance from what the tables know, some hundreds of them, each under a policy chosen by chance.

What holds for every pod that the apiserver takes without us: it takes it with us, or passes on our refusal; only what
the reference names has changed, and the record says what; the stored pod, sent again, stays as it is; sent under
another policy, it is taken or refused by us as well, and then stays as it is. If nothing of its own was overridden, it
becomes what the other policy makes of the pod itself. RPW_E2E_SEED and RPW_E2E_PODS choose others; a failure names the
seed of its pod.
"""
import copy
import json
import os
import random
import unittest

from api_support import (BASE, CLAIM, PACKAGE, PATH, PREFIX, ApiCase, all_containers, annotations_of, comparable,
                         configuration, container, pairs_of, pod_of, policy, record_of, variables)
from cluster import CONTAINERS, Refused

SEED = int(os.environ.get("RPW_E2E_SEED", "1"))
PODS = int(os.environ.get("RPW_E2E_PODS", "150"))

OTHER_PATH = "/opt/other/policy"
MODES = ("keep", "override", "reject")
POLICIES = [policy(f"{mode}-{name}", onConflict=mode, **fields) for mode in MODES for name, fields in {
    "plain": {},
    "append": {"pythonPath": "append", "imagePythonPath": "/image", "package": "other_package"},
    "path": {"path": OTHER_PATH, "source": {"volume": CLAIM, "subPath": "current"}, "configEnv": False},
    "config-map": {"volume": {"configMap": {"name": "site"}}, "packages": {"atl": "atl_package"}},
    "preinstalled": {"source": {"preinstalled": {}}},
    "entrypoint": {"pythonPath": "entrypoint"},
}.items()]
NAMES = [entry["name"] for entry in POLICIES]

SECRET = {"secretKeyRef": {"name": "site", "key": "value", "optional": True}}
ENV = [("OTHER", "x"), (BASE, "/base"), *(
    (name, value)
    for name, values in {
        "POLICY_PKG_PATH": (PATH, PATH + "/", OTHER_PATH, "/mine", "", "relative", SECRET),
        "PYTHONPATH": ("", "/a", f"{PATH}:/a", f"/a:{OTHER_PATH}", "$(POLICY_PKG_PATH)",
                       "$(PYTHONPATH)", "/a::", SECRET),
        "RUCIO_POLICY_PACKAGE": (PACKAGE, "other_package", "site_package", "", SECRET),
        "RUCIO_CFG_POLICY_PACKAGE": (PACKAGE, "other_package", "site_package", "", SECRET),
        "RUCIO_POLICY_PACKAGE_ATL": ("atl_package", "site_package"),
        "RUCIO_CFG_POLICY_PACKAGE-atl": ("atl_package", "site_package"),
    }.items() for value in values)]
VOLUMES = [{"emptyDir": {}}, CLAIM, {"configMap": {"name": "site"}}, {"configMap": {"name": "site", "optional": False}}]
VOLUME_NAMES = ["rucio-policy", "rucio-policy-0123456789ab", "mine"]
MOUNT_PATHS = [PATH, PATH + "/", "/opt/rucio//policy", OTHER_PATH, "/mine", "/opt", PATH + "/below", "/elsewhere"]
OURS = {"POLICY_PKG_PATH", "PYTHONPATH", BASE}


def is_ours(name):
    return name in OURS or name.startswith(("RUCIO_POLICY_PACKAGE", "RUCIO_CFG_POLICY_PACKAGE"))


def random_container(chance, name, volumes):
    made = container(name)
    if chance.random() < 0.7:
        made["env"] = variables(*chance.choices(ENV, k=chance.randrange(5)))
    if chance.random() < 0.2:
        made["envFrom"] = [{"configMapRef": {"name": "site"}}]
    paths = chance.sample(MOUNT_PATHS, chance.choice((0, 0, 0, 1, 1, 2))) if volumes else []
    made["volumeMounts"] = [{
        "name": chance.choice(volumes)["name"], "mountPath": path, "readOnly": chance.random() < 0.6,
        **({"subPath": "current"} if chance.random() < 0.2 else {})} for path in paths]
    return made


def random_pod(chance):
    names = chance.sample([*CONTAINERS, "beside"], chance.randrange(1, 4))
    volumes = [{"name": name, **copy.deepcopy(chance.choice(VOLUMES))}
               for name in chance.sample(VOLUME_NAMES, chance.choice((0, 0, 1, 1, 2)))]
    made = [random_container(chance, name, volumes) for name in names]
    count = chance.randrange(1, len(made) + 1)
    sidecars = [{**entry, **({"restartPolicy": "Always"} if chance.random() < 0.5 else {})} for entry in made[count:]]
    return pod_of(*made[:count], initContainers=sidecars, volumes=volumes)


def effective(pod):
    """What the pod's containers get of ours, however it is written."""
    pod = comparable(pod)
    found = {}
    for entry in all_containers(pod):
        env = dict(pair for pair in pairs_of(entry["env"]) if pair[1]) if "env" in entry else {}
        if env.get("PYTHONPATH") == f"$({BASE})":
            env["PYTHONPATH"] = env.pop(BASE)
        mounts = sorted(json.dumps(mount, sort_keys=True) for mount in entry.get("volumeMounts", []))
        found[entry["name"]] = (env, mounts)
    annotations = annotations_of(pod)
    annotations["injected"] = json.loads(annotations["injected"])
    return found, sorted(volume["name"] for volume in pod["spec"].get("volumes", [])), annotations


class RandomPods(ApiCase):
    CONFIGURATION = configuration(*POLICIES)

    def assert_only_ours(self, stored, plain):
        """What is stored, without all that could be ours, is what is stored without us, without the same."""
        for pod in (stored, plain):
            for entry in all_containers(pod):
                entry["env"] = [variable for variable in entry.get("env", []) if not is_ours(variable["name"])]
                entry.pop("volumeMounts", None)
            pod["spec"]["volumes"] = [volume for volume in pod["spec"].get("volumes", [])
                                      if not volume["name"].startswith("rucio-policy")]
            found = pod["metadata"].pop("annotations", {})
            pod["metadata"]["annotations"] = {key: value for key, value in found.items() if not key.startswith(PREFIX)}
        self.assertEqual(stored, plain)

    def take(self, pod):
        """The Answer, or None when we refused the pod; whatever else the apiserver says is an error."""
        try:
            answer = self.accepted(pod)
        except Refused as refused:
            self.assertEqual(refused.code, 403, refused.message)
            self.assertIn("cannot be applied: container", refused.message)
            return None
        if answer.outcomes[0][0] == "patched":
            self.assertIn(annotations_of(answer.pod)["status"], ("injected", "injected-with-conflicts"))
        self.assert_stable(answer.pod)
        return answer

    def choose(self, pod, name):
        chosen = copy.deepcopy(pod)
        chosen["metadata"].setdefault("annotations", {})[PREFIX + "policy"] = name
        return chosen

    def check(self, seed):
        chance = random.Random(seed)
        pod = random_pod(chance)
        if not any(entry["name"] in CONTAINERS for entry in all_containers(pod)):
            pod["spec"]["containers"][0]["name"] = CONTAINERS[0]
        first, second = chance.sample(NAMES, 2)
        try:
            plain = self.stored_elsewhere(pod)
        except Refused:
            return  # nothing to compare with
        answer = self.take(self.choose(pod, first))
        if answer is None:
            return
        stored = comparable(answer.pod)
        self.assertEqual(json.loads(annotations_of(stored)["injected"]), record_of(comparable(plain), stored))
        self.assert_only_ours(stored, comparable(plain))
        later = self.take(self.choose(answer.pod, second))
        if later is not None:
            self.assert_only_ours(comparable(later.pod), comparable(plain))
        if first.startswith("keep"):
            directly = self.take(self.choose(pod, second))
            self.assertEqual(later and effective(later.pod), directly and effective(directly.pod))

    def test_whatever_the_apiserver_takes_it_takes_with_us_and_only_once(self):
        for number in range(PODS):
            seed = SEED * 1000000 + number
            with self.subTest(seed=seed):
                self.check(seed)


if __name__ == "__main__":
    unittest.main()
