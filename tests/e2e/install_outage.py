"""Every replica is gone: Rucio's pods are refused, all others are created, and it comes back without a hand."""
import os
import pathlib
import re
import signal
import unittest

from api_support import annotations_of
from cluster import RUCIO_IMAGE, Refused, kubectl, wait_until
from install_support import InstalledCase, other_pod, rucio_pod, say
from running import deployment_of, pod_of

# The first where the apiserver knows a Service's pods itself (--enable-aggregator-routing); else kube-proxy refuses.
NOBODY = r'(no endpoints available for service|dial tcp \S+: connect: connection refused$)'
CALL = r'failed calling webhook "pods\.policy\.rucio\.cern\.ch": failed to call webhook: Post "https://\S+": '


def processes_of(pod):
    """The ids of the webhook's processes in the pod, as this machine, which is the node, knows them."""
    uid = pod["metadata"]["uid"]
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if uid in (folder / "cgroup").read_text() and b"serve" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue  # it has ended meanwhile
    return found


def kill_processes_of(pod):
    for process in processes_of(pod):
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            pass


class EveryReplicaIsGone(InstalledCase):
    def refusal(self):
        """What the apiserver says instead of creating a Rucio pod; None when it creates it."""
        try:
            pod = self.api.create(rucio_pod(), self.namespace, dry_run=True)
        except Refused as refused:
            return refused
        self.assertEqual(annotations_of(pod).get("status"), "injected")
        return None

    def assert_refused(self, reason):
        """Sooner or later for this reason: calls may still be on their way to a replica that is gone."""
        def refused_for_it():
            refused = self.refusal()
            return refused and re.search(CALL + reason, refused.message) and refused

        refused = wait_until(refused_for_it, f"a Rucio pod is refused: {reason}")
        self.assertEqual(refused.code, 500)
        say(re.sub(r"-\d+-\d+", "", refused.message))

    def assert_others_are_created(self):
        # One that is not Rucio's, and ones that are, where nothing may depend on the webhook.
        for name, namespace, pod in (("other", self.namespace, other_pod("other")),
                                     ("own", self.home, rucio_pod("own")),
                                     ("system", "kube-system", rucio_pod("system"))):
            created = self.api.create(pod, namespace)
            self.api.delete("Pod", name, namespace)
            self.assertNotIn("annotations", created["metadata"])

    def assert_recovers(self):
        wait_until(lambda: not self.refusal(), "Rucio's pods are created again")
        self.installed.wait_for_rollout()
        self.assertIsNone(self.refusal())

    def test_pods_are_refused_while_it_is_scaled_to_nothing_and_controllers_catch_up(self):
        self.installed.scale(0)
        self.addCleanup(self.installed.scale, 2)
        self.installed.wait_until_gone()
        self.assert_refused(NOBODY)
        self.assert_others_are_created()
        # A Deployment of Rucio's: what people see, and what happens by itself afterwards.
        containers = [{"name": "rucio-daemons", "image": RUCIO_IMAGE}]
        rucio = deployment_of(pod_of("daemon", containers, schedulerName="nobody"))
        self.api.create(rucio, self.namespace)
        self.addCleanup(self.api.delete, "Deployment", "daemon", self.namespace)

        def failure():
            conditions = self.api.get("Deployment", "daemon", self.namespace)["status"].get("conditions", [])
            return [c["message"] for c in conditions if c["type"] == "ReplicaFailure"]

        message = wait_until(failure, "the Deployment tells of the refusal")[0]
        self.assertIn("failed calling webhook", message)
        self.assertFalse(self.api.list("Pod", self.namespace, "app=daemon"))
        self.installed.scale(2)
        self.assert_recovers()
        pod = wait_until(lambda: self.api.list("Pod", self.namespace, "app=daemon"), "its pod is created")[0]
        self.assertEqual(annotations_of(pod)["status"], "injected")

    def test_deleted_pods_come_back_by_themselves(self):
        kubectl("-n", self.home, "delete", "pods", "--selector", "app.kubernetes.io/component=webhook", "--force",
                "--grace-period=0")
        # They may be back before anybody is refused.
        self.assert_recovers()

    @unittest.skipIf("RPW_E2E_KUBECONFIG" in os.environ, "the node is not this machine")
    def test_killed_processes_come_back_by_themselves(self):
        pods = self.installed.pods()

        def refused_after_kill():
            for pod in pods:
                kill_processes_of(pod)
            return self.refusal()

        refused = wait_until(refused_after_kill, "a Rucio pod is refused")
        self.assertRegex(refused.message, CALL)
        say(re.sub(r"-\d+-\d+", "", refused.message))
        self.assert_others_are_created()
        self.assert_recovers()

        def restarts():
            return [pod["status"]["containerStatuses"][0]["restartCount"] for pod in self.installed.pods()]

        # The kubelet may not have told of it yet.
        wait_until(lambda: [count > 0 for count in restarts()] == [True, True], "each container was restarted")
        self.assertEqual(self.installed.uids(), {pod["metadata"]["uid"] for pod in pods})


if __name__ == "__main__":
    unittest.main()
