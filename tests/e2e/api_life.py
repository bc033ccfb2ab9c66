"""The webhook among the cluster's other parts: when it is down, under controllers, too widely registered."""
import unittest

from api_support import (OUR_VOLUME, ApiCase, annotations_of, comparable, configuration, container, pod_of, policy,
                         variables, volumes_of)
from cluster import Refused, environment_of, wait_until

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


class WebhookDown(ApiCase):
    def test_rucio_waits_for_the_webhook_and_nobody_else_does(self):
        port = self.webhook.server.port
        self.create_pod(pod_of())
        self.webhook.stop()
        try:
            with self.assertRaises(Refused) as caught:
                self.create_pod(pod_of())
            self.assertEqual(caught.exception.code, 500)
            self.assertIn(f'failed calling webhook "{self.label}.policy.rucio.cern.ch"', caught.exception.message)
            others = self.create_pod(pod_of(container("postgres")))
            self.assertEqual(annotations_of(others), {})
            with self.assertRaises(Refused):
                self.create_pod(pod_of(container("postgres"), initContainers=[container("rucio-ui")]))
        finally:
            self.webhook.start(port)
        self.assertIn(OUR_VOLUME, volumes_of(self.create_pod(pod_of())))


class NewerPolicy(ApiCase):
    """A pod that is read back and created again, as from a backup, after the policy has changed."""
    PIP = {"pip": {"requirements": ["atlas-policy==1.0"]}}
    COPIED = {"copy": {"image": "localhost/policy:1", "path": "/policy"}}
    CONFIGURATION = configuration(policy(source=PIP, verify="fail", configEnv=False))

    def test_a_pod_of_an_older_policy_becomes_what_the_newer_one_makes_of_the_pod_itself(self):
        pod = pod_of(container(env=variables(("OTHER", "x"), ("PYTHONPATH", "/site"))), container("rucio-ui"),
                     automountServiceAccountToken=True, initContainers=[container("before")])
        name = self.accepted(pod, dry_run=False).pod["metadata"]["name"]
        stored = self.api.get("Pod", name, self.namespace)
        self.webhook.change_configuration(configuration(policy(
            source=self.COPIED, package="newer_package", path="/opt/newer", configEnv=False, pythonPath="append")))
        again = self.accepted(stored)
        self.assertEqual((again.outcomes[0], again.warnings_of_ours()), (("patched", "injected"), []))
        self.assertEqual(comparable(again.pod), comparable(self.accepted(pod).pod))
        self.assert_stable(again.pod)


class Controllers(ApiCase):
    """Pods that nobody but a controller creates."""
    CONFIGURATION = configuration(policy(onConflict="reject"))

    def make_deployment(self, *containers, replicas=2):
        name = self.id().rpartition(".")[2].replace("_", "-")[-40:].strip("-")
        labels = {"app": name}
        template = pod_of(*containers)["spec"]
        deployment = self.api.create({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"replicas": replicas, "selector": {"matchLabels": labels},
                     "template": {"metadata": {"labels": labels}, "spec": template}}}, self.namespace)
        self.addCleanup(self.api.delete, "Deployment", name, self.namespace)
        return deployment

    def pods_of(self, deployment):
        return self.api.list("Pod", self.namespace, f"app={deployment['metadata']['name']}")

    def events_about_replica_set(self, deployment, reason):
        name = deployment["metadata"]["name"]
        events = [event for event in self.api.list("Event", self.namespace) if event["reason"] == reason]
        objects = [(event["involvedObject"], event) for event in events]
        return [event for about, event in objects if about["kind"] == "ReplicaSet" and about["name"].startswith(name)]

    def test_pods_of_a_deployment_get_the_package(self):
        deployment = self.make_deployment(container("rucio-daemons"))
        pods = wait_until(lambda: len(self.pods_of(deployment)) == 2 and self.pods_of(deployment), "both pods exist")
        for pod in pods:
            self.assertEqual(annotations_of(pod)["status"], "injected")
            self.assertEqual(volumes_of(pod), [OUR_VOLUME])
            self.assertEqual(environment_of(pod, "rucio-daemons")["PYTHONPATH"], "/opt/rucio/policy")
        replica_set = pods[0]["metadata"]["ownerReferences"][0]["name"]
        lines = self.requests_about(pods[0]["metadata"]["generateName"], 2)
        self.assertEqual([(line["ownerKind"], line["owner"], line["outcome"]) for line in lines],
                         [("ReplicaSet", replica_set, "patched")] * 2)

    def test_a_deployment_itself_is_left_as_it_is(self):
        deployment = self.make_deployment(replicas=0)
        stored = self.api.get("Deployment", deployment["metadata"]["name"], self.namespace)
        self.assertNotIn("volumes", stored["spec"]["template"]["spec"])

    def test_a_refusal_is_an_event_of_the_replica_set(self):
        deployment = self.make_deployment(container(env=variables(("RUCIO_POLICY_PACKAGE", "site_policy"))), replicas=1)
        event = wait_until(lambda: self.events_about_replica_set(deployment, "FailedCreate"), "an event of failure")[0]
        self.assertEqual(event["type"], "Warning")
        self.assertIn('denied the request: policy "atlas" cannot be applied: container "rucio-server", '
                      'RUCIO_POLICY_PACKAGE: the pod has "site_policy", the policy "atlas_rucio_policy_package". '
                      'Remove it from the pod, let the policy win with onConflict: override, or opt out with the '
                      'annotation policy.rucio.cern.ch/inject: "false"', event["message"])
        self.assertEqual(self.pods_of(deployment), [])

    def test_a_deployment_whose_pods_are_refused_says_so_in_its_conditions(self):
        deployment = self.make_deployment(container(env=variables(("POLICY_PKG_PATH", "relative"))), replicas=1)

        def find():
            stored = self.api.get("Deployment", deployment["metadata"]["name"], self.namespace)
            return [condition for condition in stored.get("status", {}).get("conditions", [])
                    if condition["type"] == "ReplicaFailure"]

        condition = wait_until(find, "the Deployment has the condition ReplicaFailure")[0]
        self.assertEqual(condition["reason"], "FailedCreate")
        self.assertIn("POLICY_PKG_PATH", condition["message"])


class OrdinaryRegistration(ApiCase):
    """What is sent when the registration is as it should be: the creation of pods, and nothing that happens later."""

    def test_nothing_but_a_creation_reaches_the_webhook(self):
        name = self.accepted(pod_of(), dry_run=False).pod["metadata"]["name"]
        do_everything(self, name)
        self.assertEqual([line["outcome"] for line in self.requests_about(name, 0)], ["patched"])


class WideRegistration(ApiCase):
    """A registration that sends more than we ask for. Nothing but the creation of pods may be changed or refused; with
    failurePolicy Fail an answer that kube-apiserver cannot use would be seen at once."""
    CONFIGURATION = configuration(policy(onConflict="reject"), unmatched="reject")
    REGISTRATION = {
        "rules": [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "scope": "*",
                   "resources": ["pods", "pods/*", "configmaps", "deployments", "deployments/scale"]}],
        "matchConditions": [],
    }

    def outcomes_since(self, count):
        """The outcome and reason of every request since the log had count lines."""
        events = [event for event in self.webhook.server.events()[count:] if event["message"] == "request"]
        return {(event["outcome"], event["reason"]) for event in events}

    def test_pods_are_patched_as_ever(self):
        pod = pod_of()
        answer = self.accepted(pod, dry_run=False)
        self.assert_injected(pod, answer.pod, "rucio-server")
        self.assert_stable(answer.pod)

    def test_pods_of_others_are_left_alone(self):
        pod = pod_of(container("postgres"))
        answer = self.accepted(pod)
        self.assertEqual(answer.outcomes, [("skipped", "no_policy")])
        self.assert_untouched(pod, answer.pod)

    def test_what_happens_to_a_pod_later_is_allowed_and_left_as_it_is(self):
        pod = self.accepted(pod_of(), dry_run=False).pod
        before = len(self.webhook.server.events())
        spec = do_everything(self, pod["metadata"]["name"])
        wanted = {("skipped", reason) for reason in ("not_create", "subresource", "not_a_pod")}
        wait_until(lambda: self.outcomes_since(before) >= wanted, "what happened is in the log")
        self.assertEqual(self.outcomes_since(before), wanted)
        for key in ("containers", "volumes"):
            self.assertEqual(spec[key], pod["spec"][key])

    def test_a_pod_that_would_be_refused_now_can_still_be_changed_and_deleted(self):
        broken = pod_of(container(env=variables(("POLICY_PKG_PATH", "relative"))), annotations={"inject": "false"})
        name = self.accepted(broken, dry_run=False).pod["metadata"]["name"]
        path = self.api.path("Pod", self.namespace, name)
        self.api.call("PATCH", path, {"metadata": {"annotations": None}}, MERGE)
        self.assertEqual(annotations_of(self.api.get("Pod", name, self.namespace)), {})
        self.api.delete("Pod", name, self.namespace)
        self.assertIsNone(self.exists("Pod", name, self.namespace))

    def test_other_things_are_left_alone(self):
        before = len(self.webhook.server.events())
        stored = self.api.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "things"},
                                  "data": {"a": "b"}}, self.namespace)
        self.assertEqual(stored["data"], {"a": "b"})
        self.api.delete("ConfigMap", "things", self.namespace)
        template = {"metadata": {"labels": {"a": "b"}}, "spec": pod_of()["spec"]}
        stored = self.api.create({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "things"},
            "spec": {"replicas": 0, "selector": {"matchLabels": {"a": "b"}}, "template": template}}, self.namespace)
        self.assertNotIn("volumes", stored["spec"]["template"]["spec"])
        scale = self.api.path("Deployment", self.namespace, "things", "scale")
        self.api.call("PATCH", scale, {"spec": {"replicas": 0}}, MERGE)
        self.api.delete("Deployment", "things", self.namespace)
        wait_until(lambda: self.outcomes_since(before), "they are in the log")
        self.assertEqual(self.outcomes_since(before), {("skipped", "not_a_pod")})


def do_everything(case, name):
    """What can happen to a pod that waits for its node: an update, its status, an ephemeral container, a resize, exec
    and its kin, a binding, an eviction. Returns its spec before it was evicted."""
    path = case.api.path("Pod", case.namespace, name)
    labelled, _ = case.api.call("PATCH", path, {"metadata": {"labels": {"seen": "yes"}}}, MERGE)
    case.assertEqual(labelled["metadata"]["labels"], {"seen": "yes"})
    case.api.call("PATCH", path + "/status", {"status": {"reason": "Seen"}}, MERGE)
    extra = {"name": "rucio-daemons", "image": "localhost/none"}
    ephemeral = {"spec": {"ephemeralContainers": [extra]}}
    changed, _ = case.api.call("PATCH", path + "/ephemeralcontainers", ephemeral, STRATEGIC)
    case.assertNotIn("env", changed["spec"]["ephemeralContainers"][0])
    case.api.request("PATCH", path + "/resize", {"spec": {"containers": [
        {"name": "rucio-server", "resources": {"requests": {"cpu": "10m"}}}]}}, STRATEGIC)
    for connect in ("exec?command=true", "attach", "portforward?ports=80", "proxy"):
        status, answer, _ = case.api.request("POST", f"{path}/{connect}")
        message = answer.get("message", "") if isinstance(answer, dict) else answer
        case.assertGreaterEqual(status, 400)
        case.assertNotIn("webhook", message, connect)
    case.api.call("POST", path + "/binding", {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name},
                                              "target": {"apiVersion": "v1", "kind": "Node", "name": "nowhere"}})
    spec = case.api.get("Pod", name, case.namespace)["spec"]
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
    case.api.call("POST", path + "/eviction", eviction)
    return spec


if __name__ == "__main__":
    unittest.main()
