"""Deployments that an earlier version got wrong, by the folders of RPW_DEPLOYMENT_CASES (default: ../shared/cases/deployments beside the
checkout); without it they are skipped. What is right stands here."""
import json
import os
import pathlib
import unittest

from offline import ROOT, Offline

CASES = pathlib.Path(os.environ.get("RPW_DEPLOYMENT_CASES", ROOT.parent / "shared" / "cases" / "deployments"))


@unittest.skipUnless(CASES.is_dir(), f"{CASES} is not there")
class DeploymentCases(Offline):
    def patched(self, case, pod, *arguments):
        """The patched pod, and what standard error says."""
        done = self.run_program("mutate", "--config", str(CASES / case / "policy.yaml"), "-f", str(CASES / case / pod),
                                "-o", "json", *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout), done.stderr

    def check(self, case):
        done = self.run_program("check", str(CASES / case / "policy.yaml"))
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout + done.stderr

    def test_a_chart_that_installs_another_package_is_warned_of(self):
        _, said = self.patched("chart-installs-another-package", "input.yaml")
        self.assertIn("it does not install atlas_rucio_policy_package, which the policy names", said)

    def test_propagation_of_cvmfs_is_right(self):
        self.assertNotIn("mountPropagation", self.check("cvmfs-mount-propagation"))

    def test_a_path_that_ends_in_the_package_is_warned_of(self):
        self.assertIn("set holds: package besides", self.check("path-is-the-package"))

    def test_an_env_from_whose_prefix_does_not_fit_brings_no_pythonpath(self):
        pod, _ = self.patched("prefix-env-from", "input.yaml", "-n", "rucio")
        env = {entry["name"]: entry["value"] for entry in pod["spec"]["containers"][0]["env"]}
        self.assertEqual(env["PYTHONPATH"], "/opt/rucio/policy")

    def test_init_containers_of_a_pod_with_a_read_only_root_have_one(self):
        for namespace, count in (("rucio", 1), ("rucio-pip", 1), ("rucio-copy", 1)):
            with self.subTest(namespace):
                pod, _ = self.patched("read-only-root", "pod.json", "-n", namespace)
                contexts = [item["securityContext"] for item in pod["spec"]["initContainers"]]
                self.assertEqual([(context["readOnlyRootFilesystem"], context["appArmorProfile"]) for context in contexts],
                                 [(True, {"type": "RuntimeDefault"})] * count)

    def test_settings_beside_the_package_are_right(self):
        self.assertNotIn("error", self.check("settings-beside-the-package"))


if __name__ == "__main__":
    unittest.main()
