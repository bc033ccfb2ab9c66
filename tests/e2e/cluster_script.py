"""scripts/cluster.sh itself: a second cluster, in a folder of its own, beside the one that the other tests run in."""
import os
import pathlib
import re
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
        # Whose /opt is empty, whatever this machine has there: what appears in it is the cluster's.
        cls.first_up = cls.run_script("up", before=(
            "unshare", "--mount", "sh", "-c", 'mount -t tmpfs tmpfs /opt && exec "$@"', "sh"))

    @classmethod
    def run_script(cls, *arguments, before=(), **environment):
        environment = {**os.environ, "RPW_E2E_DIR": str(cls.folder), **environment}
        return subprocess.run([*before, ROOT / "scripts" / "cluster.sh", *arguments], env=environment,
                              capture_output=True, text=True, timeout=600, check=False)

    def first_process(self):
        """The first one in this cluster's namespaces."""
        outer = int((self.folder / "pid").read_text().split()[0])
        return pathlib.Path(f"/proc/{outer}/task/{outer}/children").read_text().split()[0]

    def kill_component(self, name):
        """Kills the component that this cluster's first process has started."""
        inner = self.first_process()
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
        self.assertEqual(list(pathlib.Path(f"/proc/{self.first_process()}/root/opt").iterdir()), [])

        self.kill_component("kube-scheduler")
        status = self.run_script("status")
        self.assertIn("kube-scheduler ended with exit code 137; the end of", status.stderr)
        self.assertIn("start it with: scripts/cluster.sh up", self.run_script("kubectl", "get", "pods").stderr)

        for _ in range(2):
            down = self.run_script("down")
            self.assertEqual((down.returncode, down.stderr), (0, ""))
            left = {path.name for path in self.folder.iterdir()} - {"bin", "lock", "log"}
            self.assertEqual(left, set())

    def test_what_was_built_is_known(self):
        done = self.run_script("built")
        self.assertEqual((done.returncode, done.stdout), (0, "built\n"))
        with tempfile.TemporaryDirectory() as folder:
            done = self.run_script("built", RPW_E2E_DIR=folder)
            self.assertEqual((done.returncode, done.stdout), (1, "not built, or of other sources\n"))

    def test_cluster_without_a_node_takes_no_images(self):
        with tempfile.TemporaryDirectory() as folder:
            done = self.run_script("load", "x.tar", RPW_E2E_DIR=folder, RPW_E2E_KUBERNETES="1.30.14")
        self.assertEqual((done.returncode, done.stderr),
                         (1, "cluster.sh: a cluster without a node has no place for images\n"))

    def test_version_that_is_not_there_is_refused_with_those_that_are(self):
        done = self.run_script("up", RPW_E2E_KUBERNETES="1.2.3")
        self.assertEqual((done.returncode, done.stderr),
                         (2, "cluster.sh: RPW_E2E_KUBERNETES is 1.2.3; there is 1.30.14 1.37.2\n"))


class Versions(unittest.TestCase):
    def test_those_of_the_page_are_those_that_are_tested(self):
        modules = (ROOT / "tests" / "e2e" / "cluster").glob("*.mod")
        tested = {re.search(r"k8s.io/kubernetes v(\S+)", module.read_text())[1] for module in modules}
        page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
        self.assertEqual(set(re.findall(r"^\| (1\.[\d.]+) \|", page, re.MULTILINE)), tested)
        self.assertIn(f"[{' and '.join(', '.join(sorted(tested)).rsplit(', ', 1))} are tested]",
                      (ROOT / "README.md").read_text(encoding="utf-8"))
        containerd = (ROOT / "tests" / "e2e" / "containerd" / "go.mod").read_text(encoding="utf-8")
        self.assertIn(f"containerd {re.search(r'containerd/v2 v([0-9.]+)', containerd)[1]},", page)


if __name__ == "__main__":
    unittest.main()
