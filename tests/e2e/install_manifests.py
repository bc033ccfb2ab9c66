"""The rendered manifests, applied with kubectl in each of its ways, and what `kubectl diff` says afterwards."""
import pathlib
import re
import shutil
import tempfile
import unittest

from api_support import annotations_of, configuration, policy
from cluster import ROOT, Refused, kubectl, wait_until
from install_support import (CONFIGURATION, NAME, RESTRICTED, Creations, InstalledCase, Installation, rucio_pod, say,
                             wait_until_called)

MANIFESTS = ROOT / "manifests"
INSTALL = str(MANIFESTS / "install.yaml")
CONFIG_MAP = re.search(r"configMap:\n +name: (\S+)", (MANIFESTS / "install.yaml").read_text(encoding="utf-8"))[1]


class Applied(Installation):
    """install.yaml in its own namespace, with the ConfigMap that an administrator makes."""

    def __init__(self, api):
        super().__init__(api, NAME)

    def apply(self, *flags, text=CONFIGURATION):
        kubectl("apply", *flags, "--filename", INSTALL)
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(text)
            file.flush()
            kubectl("-n", NAME, "create", "configmap", CONFIG_MAP, f"--from-file=policy.yaml={file.name}")
        self.wait_for_rollout()

    def delete(self):
        kubectl("delete", "--ignore-not-found", "--filename", INSTALL)

    def clear(self):
        """The same, without waiting for replicas that drain."""
        self.api.delete("MutatingWebhookConfiguration", NAME)
        kubectl("-n", NAME, "delete", "deployment", NAME, "--ignore-not-found", "--cascade=orphan", check=False)
        kubectl("-n", NAME, "delete", "replicasets,pods", "--all", "--force", "--grace-period=0", check=False)
        self.delete()

    def generations(self):
        """Of every object of the manifests: a change of what was asked for counts one up."""
        return kubectl("get", "--filename", INSTALL, "--output", "jsonpath="
                       "{range .items[*]}{.kind} {.metadata.name} {.metadata.generation}{'\\n'}{end}").stdout


class AppliedCase(InstalledCase):
    FLAGS = ()  # of `kubectl apply`

    @classmethod
    def install(cls):
        cls.home = NAME
        applied = Applied(cls.api)
        cls.addClassCleanup(applied.clear)
        applied.apply(*cls.FLAGS)
        wait_until_called(cls.api, cls.namespace)
        return applied

    def assert_no_difference(self, *flags):
        done = kubectl("diff", *flags, "--filename", INSTALL, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""))


class AppliedManifests(AppliedCase):
    def test_pods_of_rucio_are_patched_and_others_left_alone(self):
        self.assert_patched()
        self.assert_others_are_untouched()

    def test_the_namespace_enforces_pod_security_restricted(self):
        labels = self.api.get("Namespace", NAME)["metadata"]["labels"]
        key = "pod-security.kubernetes.io/enforce"
        self.assertEqual(labels.get(key), RESTRICTED[key])
        self.assertEqual(len(self.installed.ready_pods()), 2)

    def test_nothing_drifts_from_what_was_applied(self):
        self.assertTrue(all(self.installed.bundles()), "certs ensure has run")
        self.assert_no_difference()

    def test_server_side_apply_changes_nothing_the_second_time_and_keeps_the_certificates(self):
        certificates = self.installed.certificates()
        pods = self.installed.uids()
        kubectl("apply", "--server-side", "--filename", INSTALL)
        before = self.installed.generations()
        kubectl("apply", "--server-side", "--filename", INSTALL)
        self.assertEqual(self.installed.generations(), before)
        self.assert_no_difference("--server-side")
        self.assertEqual(self.installed.certificates(), certificates)
        self.assertEqual(self.installed.uids(), pods)

    def test_second_apply_keeps_the_certificates(self):
        certificates = self.installed.certificates()
        kubectl("apply", "--filename", INSTALL)
        self.assertEqual(self.installed.certificates(), certificates)
        self.assert_patched()

    def test_changed_config_map_is_loaded_without_a_restart(self):
        self.assertEqual(self.package(), "atlas_rucio_policy_package")
        pods = self.installed.uids()
        self.write_configuration(configuration(policy(package="another_package")))
        self.addCleanup(self.write_configuration, CONFIGURATION)
        self.installed.touch_pods()
        wait_until(lambda: [self.package() for _ in range(5)] == ["another_package"] * 5, "the change is loaded")
        self.assertEqual(self.installed.uids(), pods)

    def write_configuration(self, text):
        self.api.call("PATCH", self.api.path("ConfigMap", NAME, CONFIG_MAP), {"data": {"policy.yaml": text}},
                      "application/merge-patch+json")


class AppliedServerSide(AppliedCase):
    """From the beginning, as Flux and Argo CD may do it."""
    FLAGS = ("--server-side",)

    def test_it_serves_and_nothing_drifts(self):
        self.assert_patched()
        for _ in range(2):
            kubectl("apply", "--server-side", "--filename", INSTALL)
            self.assert_no_difference("--server-side")
        self.assert_patched()

    def test_who_owns_what_certs_ensure_writes(self):
        owners = {entry["manager"] for entry in self.installed.registration()["metadata"]["managedFields"]
                  if "f:caBundle" in str(entry["fieldsV1"])}
        say(f"caBundle is managed by {owners}")
        self.assertEqual(len(owners), 1)
        self.assertNotIn("kubectl", owners)


class Kustomized(InstalledCase):
    """`kubectl apply -k`, with the policy.yaml that lies there: its pods are those of namespace rucio-atlas."""

    @classmethod
    def install(cls):
        cls.home = NAME
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="rpw-manifests-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        for name in ("install.yaml", "kustomization.yaml", "policy.yaml"):
            shutil.copy(MANIFESTS / name, cls.folder)
        applied = Applied(cls.api)
        cls.addClassCleanup(applied.clear)
        kubectl("apply", "--kustomize", str(MANIFESTS))
        applied.wait_for_rollout()
        cls.atlas = cls.make_atlas()
        wait_until_called(cls.api, cls.atlas)
        return applied

    @classmethod
    def make_atlas(cls):
        name = "rucio-atlas"

        def make():
            try:
                return cls.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
            except Refused:
                return None  # it is about to go

        wait_until(make, f"namespace {name} can be made")
        cls.addClassCleanup(cls.api.delete, "Namespace", name)
        wait_until(lambda: cls.exists("ServiceAccount", "default", name), f"{name} has its ServiceAccount")
        return name

    def test_changed_policy_rolls_out_and_refuses_no_pod(self):
        self.assert_patched(self.atlas)
        self.assertEqual(self.package(self.atlas), "atlas_rucio_policy_package")
        pods = self.installed.uids()
        text = (self.folder / "policy.yaml").read_text(encoding="utf-8")
        (self.folder / "policy.yaml").write_text(text.replace("atlas_rucio_policy_package", "newer_package"))
        with Creations(self.api, self.atlas) as creations:
            kubectl("apply", "--kustomize", str(self.folder))
            self.installed.wait_for_rollout()
            self.installed.wait_until_others_ended()
            creations.wait_for_more()
        creations.assert_none_failed("kubectl apply -k with another policy.yaml")
        self.assertEqual(self.package(self.atlas), "newer_package")
        self.assertFalse(pods & self.installed.uids())

    def test_a_pod_that_no_policy_selects_gets_a_warning(self):
        pod, warnings = self.api.create_with_warnings(rucio_pod(), self.namespace, dry_run=True)
        self.assertEqual(annotations_of(pod), {})
        self.assertEqual(len(warnings), 1, warnings)


if __name__ == "__main__":
    unittest.main()
