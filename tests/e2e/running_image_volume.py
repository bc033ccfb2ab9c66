"""A volume that is an image: the node mounts it, and a real Rucio takes the package from it.

scripts/package-image.py makes the image, as docs/install.md says.
"""
import os
import pathlib
import subprocess
import tempfile
import unittest

from cluster import ROOT
from running import PATH, RunningCase, pod_of, telling
from running_rucio import PACKAGE, USED, current

REFERENCE = "localhost/rpw-e2e-volume-policy:1"


@unittest.skipIf("RPW_E2E_KUBECONFIG" in os.environ, "images cannot be given to the node from here")
class ImageVolume(RunningCase):
    NAMESPACE = "image-volume"
    CONFIGURATION = f"""\
policies:
  - name: image
    package: {PACKAGE}
    source: {{volume: {{image: {{reference: "{REFERENCE}", pullPolicy: Never}}}}}}
"""

    @classmethod
    def prepare(cls):
        with tempfile.TemporaryDirectory() as folder:
            archive = str(pathlib.Path(folder) / "image.tar")
            made = subprocess.run([ROOT / "scripts" / "package-image.py", archive, REFERENCE,
                                   ROOT / "tests" / "e2e" / "images" / "policy"],
                                  check=True, capture_output=True, text=True)
            loaded = subprocess.run([ROOT / "scripts" / "cluster.sh", "load", archive], check=True, capture_output=True,
                                    text=True)
        cls.digest = made.stdout.strip().rpartition("@")[2]
        cls.loaded = loaded.stdout

    @classmethod
    def start(cls):
        hardened = {"readOnlyRootFilesystem": True, "runAsUser": 1000, "runAsNonRoot": True,
                    "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
        cls.create(pod_of("rucio", [current()], restartPolicy="Never"))
        cls.create(pod_of("files", [telling("rucio-server", PACKAGE, securityContext=hardened)]))
        cls.pods = {"rucio": cls.wait_for_pod("rucio", "Succeeded"), "files": cls.wait_for_pod("files", "Running")}

    def test_a_real_rucio_uses_the_package(self):
        answers = self.told_by(self.pods["rucio"], "rucio-server")
        self.assertEqual({key: answers[key] for key in USED}, USED, answers["errors"])

    def test_another_user_than_root_imports_the_package(self):
        self.assertEqual(self.told_by(self.pods["files"], "rucio-server")["package"], f"{PATH}/{PACKAGE}/__init__.py")

    def test_it_cannot_be_written_to(self):
        command = f"import os; os.open('{PATH}/new', os.O_CREAT | os.O_WRONLY)"
        done = self.execute(self.pods["files"], "rucio-server", "python3", "-c", command, check=False)
        self.assertIn("[Errno 30] Read-only file system", done.stderr)

    def test_the_digest_that_the_script_prints_is_that_of_the_image(self):
        self.assertIn(self.digest, self.loaded)


if __name__ == "__main__":
    unittest.main()
