"""What happens to a patched pod in its life: it is debugged, copied, restored, rolled out again, evicted."""
import unittest

from cluster import RUCIO_IMAGE, environment_of, kubectl, wait_until
from running import PATH, RunningCase, deployment_of, pod_of, telling

PACKAGE = "life_policy"
NEW_PATH = "/opt/rucio/newer"
RECORD = "policy.rucio.cern.ch"
LABELS = {"release": "life"}


def configuration(config_map, path=PATH):
    return f"""\
policies:
  - name: life
    match: {{podSelector: {{matchLabels: {{release: life}}}}}}
    package: {PACKAGE}
    path: {path}
    source: {{volume: {{configMap: {{name: {config_map}}}}}}}
"""


class LifeCase(RunningCase):
    """A namespace with the packages of two revisions, `package` and `newer`."""
    CONFIGURATION = configuration("package")

    @classmethod
    def prepare(cls):
        for name in ("package", "newer"):
            cls.create_config("ConfigMap", name, {f"{PACKAGE}.py": "", name: ""})

    @classmethod
    def kubectl(cls, *arguments, stdin=None):
        return kubectl("-n", cls.namespace, *arguments, stdin=stdin).stdout

    @classmethod
    def start_pods(cls, *names):
        for name in names:
            cls.create(pod_of(name, [telling("rucio-server", PACKAGE)], labels=LABELS))
        return {name: cls.wait_for_pod(name, "Running") for name in names}

    @classmethod
    def start_pod(cls, name):
        return cls.start_pods(name)[name]

    @classmethod
    def start_deployment(cls, name):
        cls.create(deployment_of(pod_of(name, [telling("rucio-server", PACKAGE)], labels=LABELS)))
        return cls.wait_for_deployment(name)

    @classmethod
    def copy_pod(cls, name, copy, *flags):
        """kubectl debug --copy-to: the copy, which has a container for debugging besides.

        By itself kubectl drops the labels, and with every profile but the oldest also the annotations.
        """
        cls.kubectl("debug", name, f"--copy-to={copy}", f"--image={RUCIO_IMAGE}", "--image-pull-policy=Never",
                    "--container=debugger", *flags, "--", "pause")
        return cls.wait_for_pod(copy, "Running")

    @classmethod
    def restore_pod(cls, name):
        """As from a backup: what `kubectl get` printed is created again after the pod was deleted."""
        text = cls.kubectl("get", "pod", name, "--output=yaml")
        cls.kubectl("delete", "pod", name)
        cls.kubectl("create", "--filename=-", stdin=text)
        return cls.wait_for_pod(name, "Running")

    @classmethod
    def requests(cls):
        """What the webhook has answered since it started: (pod, outcome)."""
        return [(event.get("pod"), event["outcome"]) for event in cls.webhook.server.events() if "outcome" in event]

    def assert_has(self, pod, path, file):
        """The pod runs with its package at that path, from the ConfigMap that has that file, and with nothing twice."""
        told = self.told_by(pod, "rucio-server")
        self.assertEqual((told["package"], told["environment"]["PYTHONPATH"]), (f"{path}/{PACKAGE}.py", path))
        self.assertIn(file, told["files"])
        self.assertEqual(len([volume for volume in pod["spec"]["volumes"] if "configMap" in volume]), 1)

    def record_of(self, pod):
        annotations = pod["metadata"].get("annotations", {})
        return {key: annotations.get(f"{RECORD}/{key}") for key in ("status", "policy", "revision", "conflicts")}


class SameRevision(LifeCase):
    """While the configuration stays."""
    NAMESPACE = "life"

    def test_kubectl_debug_of_a_running_pod_is_not_asked_about_and_leaves_it_as_it_is(self):
        pod = self.start_pod("debugged")
        before = self.requests()
        self.kubectl("debug", "debugged", f"--image={RUCIO_IMAGE}", "--image-pull-policy=Never", "--container=rucio-ui",
                     "--", "pause")

        def is_running():
            now = self.api.get("Pod", "debugged", self.namespace)
            statuses = now["status"].get("ephemeralContainerStatuses", [])
            return now if statuses and "running" in statuses[0]["state"] else None

        after = wait_until(is_running, "the ephemeral container runs")
        self.assertEqual(self.requests(), before)
        self.assertEqual(after["metadata"]["annotations"], pod["metadata"]["annotations"])
        self.assertNotIn("env", after["spec"].pop("ephemeralContainers")[0])
        self.assertEqual(after["spec"], pod["spec"])

    def test_a_copy_for_debugging_needs_no_patch(self):
        pod = self.start_pod("copied")
        copy = self.copy_pod("copied", "copy", "--profile=general", "--keep-labels", "--keep-annotations")
        self.assert_has(copy, PATH, "package")
        self.assertEqual(environment_of(copy, "rucio-server"), environment_of(pod, "rucio-server"))
        self.assertIn(("copy", "unchanged"), self.requests())

    def test_a_copy_for_debugging_that_lost_its_record_gets_it_again(self):
        pod = self.start_pod("copied-without-record")
        copy = self.copy_pod("copied-without-record", "copy-without-record", "--profile=general", "--keep-labels")
        self.assert_has(copy, PATH, "package")
        self.assertEqual(self.record_of(copy), self.record_of(pod))

    def test_a_restored_pod_needs_no_patch(self):
        pod = self.start_pod("restored")
        restored = self.restore_pod("restored")
        self.assert_has(restored, PATH, "package")
        self.assertEqual(restored["spec"], pod["spec"])
        self.assertIn(("restored", "unchanged"), self.requests())

    def test_a_deployment_that_is_restarted_has_it_again_and_its_template_nothing_of_it(self):
        pod = self.start_deployment("restarted")
        template = self.api.get("Deployment", "restarted", self.namespace)["spec"]["template"]
        self.kubectl("rollout", "restart", "deployment/restarted")
        again = self.wait_for_deployment("restarted")
        self.assertNotEqual(again["metadata"]["name"], pod["metadata"]["name"])
        self.assert_has(again, PATH, "package")
        after = self.api.get("Deployment", "restarted", self.namespace)["spec"]["template"]
        self.assertEqual(after["spec"], template["spec"])
        self.assertNotIn("policy.rucio.cern.ch", str(after))


class NewerRevision(LifeCase):
    """The configuration has changed: another path, another volume. Pods are from before."""
    NAMESPACE = "newer"

    @classmethod
    def start(cls):
        cls.pods = cls.start_pods("copied", "restored", "stays")
        cls.start_deployment("restarted")
        cls.webhook.change_configuration(configuration("newer", NEW_PATH))

    def test_a_running_pod_stays_as_it_is(self):
        self.assertEqual(self.api.get("Pod", "stays", self.namespace)["spec"], self.pods["stays"]["spec"])

    def test_a_copy_for_debugging_is_brought_up_to_date(self):
        copy = self.copy_pod("copied", "copy", "--profile=general", "--keep-labels", "--keep-annotations")
        self.assert_has(copy, NEW_PATH, "newer")
        self.assertIsNone(self.record_of(copy)["conflicts"])

    def test_a_copy_for_debugging_that_lost_its_record_keeps_the_older_package_and_says_so(self):
        copy = self.copy_pod("copied", "copy-without-record", "--profile=general", "--keep-labels")
        self.assert_has(copy, PATH, "package")
        self.assertEqual(self.record_of(copy)["conflicts"], "rucio-server/POLICY_PKG_PATH, rucio-server/volumeMounts")

    def test_a_copy_for_debugging_that_lost_its_labels_is_selected_by_no_policy_and_keeps_the_older_package(self):
        copy = self.copy_pod("copied", "copy-without-labels")
        self.assert_has(copy, PATH, "package")
        self.assertIn(("copy-without-labels", "skipped"), self.requests())

    def test_a_restored_pod_is_brought_up_to_date(self):
        restored = self.restore_pod("restored")
        self.assert_has(restored, NEW_PATH, "newer")
        self.assertIsNone(self.record_of(restored)["conflicts"])
        self.assertNotEqual(self.record_of(restored)["revision"], self.record_of(self.pods["restored"])["revision"])

    def test_a_deployment_that_is_restarted_is_brought_up_to_date(self):
        self.kubectl("rollout", "restart", "deployment/restarted")
        self.assert_has(self.wait_for_deployment("restarted"), NEW_PATH, "newer")


class WithoutTheWebhook(LifeCase):
    """The webhook is registered and does not answer."""
    NAMESPACE = "alone"

    @classmethod
    def start(cls):
        cls.pods = cls.start_pods("labelled", "evicted", "deleted", "ended")
        cls.start_deployment("waiting")
        cls.port = cls.webhook.server.port
        cls.webhook.stop()

    def test_a_patched_pod_can_be_labelled(self):
        self.kubectl("label", "pod", "labelled", "site=cern")
        self.assertEqual(self.api.get("Pod", "labelled", self.namespace)["metadata"]["labels"]["site"], "cern")

    def test_a_patched_pod_can_be_evicted(self):
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction",
                    "metadata": {"name": "evicted", "namespace": self.namespace}}
        self.api.call("POST", self.api.path("Pod", self.namespace, "evicted", "eviction"), eviction)
        wait_until(lambda: not self.exists("Pod", "evicted", self.namespace), "the pod is gone")

    def test_a_patched_pod_can_be_deleted(self):
        self.kubectl("delete", "pod", "deleted")
        self.assertIsNone(self.exists("Pod", "deleted", self.namespace))

    def test_a_container_that_ends_starts_again_with_its_package(self):
        self.execute(self.pods["ended"], "rucio-server", "bash", "-c", "kill -TERM 1", check=False)

        def has_restarted():
            pod = self.api.get("Pod", "ended", self.namespace)
            status = pod["status"]["containerStatuses"][0]
            return pod if status["restartCount"] >= 1 and status["ready"] else None

        self.assert_has(wait_until(has_restarted, "the container has restarted"), PATH, "package")

    def test_a_deployment_waits_for_the_webhook_and_goes_on(self):
        before = self.api.list("Pod", self.namespace, "app=waiting")[0]["metadata"]["name"]
        self.kubectl("rollout", "restart", "deployment/waiting")

        def is_refused():
            return any("failed calling webhook" in event["message"] for event in self.api.list("Event", self.namespace)
                       if event["reason"] == "FailedCreate")

        wait_until(is_refused, "the ReplicaSet is told why it gets no pod")
        after = [pod["metadata"]["name"] for pod in self.api.list("Pod", self.namespace, "app=waiting")]
        self.assertEqual(after, [before])
        self.webhook.start(self.port)
        try:
            self.assert_has(self.wait_for_deployment("waiting"), PATH, "package")
        finally:
            self.webhook.stop()


if __name__ == "__main__":
    unittest.main()
