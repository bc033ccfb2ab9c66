"""scripts/cluster.sh itself: a second cluster, in a folder of its own, beside the one that the other tests run in."""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest

from cluster import ROOT, wait_until


@unittest.skipIf("RPW_E2E_KUBECONFIG" in os.environ, "the cluster is not one of scripts/cluster.sh")
class ClusterScript(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="rpw e2e-"))  # a space: paths are quoted
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        os.symlink(pathlib.Path(os.environ["RPW_E2E_DIR"]) / "bin", cls.folder / "bin")
        cls.addClassCleanup(cls.run_script, "down")
        cls.first_up = cls.run_script("up")

    @classmethod
    def run_script(cls, *arguments):
        environment = {**os.environ, "RPW_E2E_DIR": str(cls.folder)}
        return subprocess.run([ROOT / "scripts" / "cluster.sh", *arguments], env=environment, capture_output=True,
                              text=True, timeout=600, check=False)

    def kill_component(self, name):
        """Kills the component that this cluster's first process has started."""
        outer = int((self.folder / "pid").read_text().split()[0])
        inner = pathlib.Path(f"/proc/{outer}/task/{outer}/children").read_text().split()[0]
        children = pathlib.Path(f"/proc/{inner}/task/{inner}/children").read_text().split()
        process = next(int(child) for child in children
                       if pathlib.Path(f"/proc/{child}/cmdline").read_bytes().startswith(name.encode() + b"\0"))
        os.kill(process, signal.SIGKILL)
        wait_until(lambda: "ended with" in self.run_script("status").stderr, "the node has ended")

    def test_its_life(self):
        self.assertEqual(self.first_up.returncode, 0, self.first_up.stderr)
        self.assertIn("waiting for kubelet", self.first_up.stdout)

        again = self.run_script("up")
        self.assertEqual((again.returncode, again.stdout), (0, "already up: scripts/cluster.sh kubectl get pods -A\n"))
        self.assertIn("Ready", self.run_script("status").stdout)
        self.assertEqual(self.run_script("kubectl", "get", "pods").returncode, 0)

        self.kill_component("kube-scheduler")
        status = self.run_script("status")
        self.assertIn("kube-scheduler ended with exit code 137; the end of", status.stderr)
        self.assertIn("start it with: scripts/cluster.sh up", self.run_script("kubectl", "get", "pods").stderr)

        for _ in range(2):
            down = self.run_script("down")
            self.assertEqual((down.returncode, down.stderr), (0, ""))
            left = {path.name for path in self.folder.iterdir()} - {"bin", "lock", "log"}
            self.assertEqual(left, set())


if __name__ == "__main__":
    unittest.main()
