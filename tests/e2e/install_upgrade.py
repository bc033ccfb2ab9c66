"""From the previous chart to this one and back, while Rucio's pods are created, and configurations that are wrong.

There is no older release: the previous chart is this one with older versions, an image with another tag and another
configuration.
"""
import io
import json
import os
import pathlib
import subprocess
import tarfile
import tempfile
import unittest

from api_support import configuration, policy
from cluster import ROOT
from install_support import COMPONENT, CONFIGURATION, NAME, Creations, InstalledCase, changed_chart

PREVIOUS = "0.0.9"
BEFORE = configuration(policy(package="package_before"))
AFTER = configuration(policy(package="package_after"))
WRONG = CONFIGURATION.replace('"package":', '"packages":')
FOLDER = pathlib.Path(os.environ.get("RPW_E2E_DIR", str(ROOT / "build" / "e2e")))


def load_image_as(tag):
    """Gives the node the image under another tag, too."""
    with tempfile.NamedTemporaryFile(suffix=".tar") as file:
        with tarfile.open(FOLDER / "images" / "server.tar") as archive, tarfile.open(file.name, "w") as copy:
            for member in archive:
                content = archive.extractfile(member)
                if member.name == "repositories":
                    continue
                if member.name == "manifest.json":
                    manifest = json.load(content)
                    manifest[0]["RepoTags"] = [f"localhost/{NAME}:{tag}"]
                    content = io.BytesIO(json.dumps(manifest).encode())
                    member.size = len(content.getvalue())
                copy.addfile(member, content)
        subprocess.run([ROOT / "scripts" / "cluster.sh", "load", file.name], check=True, capture_output=True,
                       timeout=120)


@unittest.skipIf("RPW_E2E_KUBECONFIG" in os.environ, "images cannot be given to the node from here")
class Upgrade(InstalledCase):
    OLDER = {"version": PREVIOUS, "appVersion": PREVIOUS}

    @classmethod
    def install(cls):
        load_image_as(PREVIOUS)
        with changed_chart(**cls.OLDER) as chart:
            return cls.install_chart(BEFORE, chart=chart)

    def begin_with(self, text, **options):
        """Whatever another test has left."""
        self.installed.upgrade(text, **options)
        self.installed.wait_until_others_ended()

    def config_maps(self):
        return [found["metadata"]["name"] for found in self.api.list("ConfigMap", self.home, f"{COMPONENT}=webhook")]

    def config_map(self):
        """The one that new pods get."""
        volumes = self.api.get("Deployment", NAME, self.home)["spec"]["template"]["spec"]["volumes"]
        return next(volume["configMap"]["name"] for volume in volumes if "configMap" in volume)

    def tags(self):
        return {pod["spec"]["containers"][0]["image"].rpartition(":")[2] for pod in self.installed.pods()}

    def test_upgrade_and_rollback_refuse_no_pod_and_keep_the_certificates(self):
        with changed_chart(**self.OLDER) as chart:
            self.begin_with(BEFORE, chart=chart)
        certificates, old = self.installed.certificates(), self.config_map()
        self.assertEqual((self.tags(), self.package()), ({PREVIOUS}, "package_before"))

        with Creations(self.api, self.namespace) as creations:
            self.installed.upgrade(AFTER)
            self.installed.wait_until_others_ended()
            creations.wait_for_more()
        creations.assert_none_failed("helm upgrade from the previous chart")
        self.assertEqual(self.package(), "package_after")
        self.assertNotIn(PREVIOUS, self.tags())
        new = self.config_map()
        self.assertIn(new, self.config_maps())
        self.assertNotIn(old, self.config_maps())
        self.assertEqual(self.installed.certificates(), certificates)

        with Creations(self.api, self.namespace) as creations:
            self.installed.rollback()
            self.installed.wait_until_others_ended()
            creations.wait_for_more()
        creations.assert_none_failed("helm rollback")
        self.assertEqual((self.tags(), self.package(), self.config_map()), ({PREVIOUS}, "package_before", old))
        self.assertIn(old, self.config_maps())
        self.assertNotIn(new, self.config_maps())
        self.assertEqual(self.installed.certificates(), certificates)

    def test_upgrade_that_changes_nothing_replaces_no_pod(self):
        self.begin_with(AFTER)
        before = self.installed.uids()
        self.installed.upgrade(AFTER)
        self.assertEqual(self.installed.uids(), before)

    def test_wrong_configuration_ends_the_upgrade_before_anything_is_changed(self):
        self.begin_with(AFTER)
        before = self.installed.uids(), self.config_maps()
        done = self.installed.upgrade(WRONG, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("policy.yaml:1:", done.stdout + done.stderr)
        self.assertEqual((self.installed.uids(), self.config_maps(), self.package()), (*before, "package_after"))

    def test_wrong_configuration_that_nobody_checks_leaves_the_old_pods_serving(self):
        self.begin_with(AFTER)
        before = self.installed.uids()
        with Creations(self.api, self.namespace) as creations:
            done = self.installed.upgrade(WRONG, "--wait", "--timeout=10s", check=False, **{"check.enabled": False})
            self.assertNotEqual(done.returncode, 0)
            creations.wait_for_more()
        creations.assert_none_failed("upgrade with a wrong configuration")
        self.assertEqual({pod["metadata"]["uid"] for pod in self.installed.ready_pods()}, before)
        self.assertEqual(self.package(), "package_after")
        self.installed.upgrade(AFTER)
        self.assertEqual((self.package(), len(self.installed.ready_pods())), ("package_after", 2))


if __name__ == "__main__":
    unittest.main()
