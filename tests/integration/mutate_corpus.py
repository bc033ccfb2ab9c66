"""Pods as Rucio's Helm charts make them, through the `mutate` verb.

What is expected is built here from the rules, and the patch is applied by an independent library.
"""

import base64
import copy
import json
import unittest

import jsonpatch

from corpus import CHART_MANAGED, CORPUS, TARGETS, names_of_pods, read_pod
from offline import Offline, review_of

PATH = "/opt/rucio/policy"
PACKAGE = "atlas_rucio_policy_package"
CLAIM = {"persistentVolumeClaim": {"claimName": "atlas-policy"}}
CONFIGURATION = f"""\
policies:
  - name: atlas
    package: {PACKAGE}
    source:
      volume: {json.dumps(CLAIM)}
"""


def expected_pod(pod, targets, revision):
    """The pod as the reference says it should be; none of these pods has anything of ours."""
    pod = copy.deepcopy(pod)
    volume = f"rucio-policy-{revision}"
    if not targets:
        return pod
    for container in pod["spec"]["containers"]:
        if container["name"] not in targets:
            continue
        container["env"] = [
            {"name": "POLICY_PKG_PATH", "value": PATH},
            {"name": "RUCIO_POLICY_PACKAGE", "value": PACKAGE},
            {"name": "RUCIO_CFG_POLICY_PACKAGE", "value": PACKAGE},
            {"name": "PYTHONPATH", "value": PATH},
        ] + (container.get("env") or [])
        container["volumeMounts"] = (container.get("volumeMounts") or []) + [
            {"name": volume, "mountPath": PATH, "readOnly": True}
        ]
    pod["spec"]["volumes"] = (pod["spec"].get("volumes") or []) + [{"name": volume, **CLAIM}]
    pod["metadata"].setdefault("annotations", {}).update(
        {
            "policy.rucio.cern.ch/status": "injected",
            "policy.rucio.cern.ch/policy": "atlas",
            "policy.rucio.cern.ch/revision": revision,
            "policy.rucio.cern.ch/injected": record(volume, targets),
        }
    )
    return pod


def record(volume, targets):
    """Of an injection that wrote everything."""
    written = {"env": {"POLICY_PKG_PATH": PATH, "RUCIO_POLICY_PACKAGE": PACKAGE, "RUCIO_CFG_POLICY_PACKAGE": PACKAGE},
               "pythonPath": PATH, "mountPath": PATH}
    return json.dumps({"volume": volume, "containers": {name: written for name in targets}}, separators=(",", ":"))


@unittest.skipUnless(CORPUS.is_dir(), f"no pods of Rucio's charts in {CORPUS}")
class RucioChartPods(Offline):
    maxDiff = None

    def review(self, pod):
        """What the program answers to the creation of pod: (patch or None, response)."""
        result = self.mutate(CONFIGURATION, json.dumps(review_of(pod, "corpus")))
        self.assertEqual(result.returncode, 0, result.stderr)
        response = json.loads(result.stdout)["response"]
        self.assertTrue(response["allowed"], response)
        patch = response.get("patch")
        return patch and json.loads(base64.b64decode(patch)), response

    def revision(self):
        """The policy's revision, as `check` tells it."""
        (self.folder / "policy.yaml").write_text(CONFIGURATION)
        told = json.loads(self.run_program("check", "-o", "json", "policy.yaml").stdout)
        revision = told["policies"][0]["revision"]
        self.assertRegex(revision, r"\A[0-9a-f]{12}\Z")
        return revision

    def check(self, name, targets):
        pod = read_pod(name)
        patch, _ = self.review(pod)
        patched = jsonpatch.apply_patch(pod, patch or [])
        self.assertEqual(patched, expected_pod(pod, targets, self.revision()))
        again, _ = self.review(patched)
        self.assertIsNone(again, "the patched pod, sent again, is patched again")

    def test_every_pod_of_the_folder_is_known_to_this_test(self):
        self.assertEqual(names_of_pods(), set(TARGETS) | {CHART_MANAGED})

    def test_pod_with_the_charts_own_policy_packages_keeps_their_path_and_gets_the_names(self):
        pod = read_pod(CHART_MANAGED)
        patch, _ = self.review(pod)
        patched = jsonpatch.apply_patch(pod, patch)
        expected = copy.deepcopy(pod)
        expected["spec"]["containers"][0]["env"][:0] = [
            {"name": "POLICY_PKG_PATH", "value": "/opt/policy_packages"},
            {"name": "RUCIO_POLICY_PACKAGE", "value": PACKAGE},
            {"name": "RUCIO_CFG_POLICY_PACKAGE", "value": PACKAGE},
        ]
        expected["metadata"]["annotations"].update(
            {
                "policy.rucio.cern.ch/status": "injected",
                "policy.rucio.cern.ch/policy": "atlas",
                "policy.rucio.cern.ch/revision": patched["metadata"]["annotations"]["policy.rucio.cern.ch/revision"],
                "policy.rucio.cern.ch/injected": json.dumps({"containers": {"rucio-daemons": {"env": {
                    "POLICY_PKG_PATH": "/opt/policy_packages", "RUCIO_POLICY_PACKAGE": PACKAGE,
                    "RUCIO_CFG_POLICY_PACKAGE": PACKAGE}}}}, separators=(",", ":")),
            }
        )
        self.assertEqual(patched, expected)
        self.assertRegex(expected["metadata"]["annotations"]["policy.rucio.cern.ch/revision"], r"\Achart-[0-9a-f]{12}\Z")
        again, _ = self.review(patched)
        self.assertIsNone(again, "the patched pod, sent again, is patched again")


def add_pod_test(name, targets):
    verb = "is_patched" if targets else "is_left_alone"
    setattr(RucioChartPods, f"test_{name.replace('-', '_')}_{verb}", lambda self: self.check(name, targets))


for pod_name, pod_targets in TARGETS.items():
    add_pod_test(pod_name, pod_targets)

if __name__ == "__main__":
    unittest.main()
