"""The apiserver's own admission plugins act before and after the webhook: what each has set stays."""
import unittest

from api_support import OUR_MOUNT, OUR_VOLUME, VOLUME, ApiCase, container, mounts_of, pod_of, volumes_of
from cluster import CONTAINERS, Refused, container_of, wait_until

SIDECAR = {"restartPolicy": "Always"}
MERGE = "application/merge-patch+json"


def full_pod(**spec):
    """Every kind of container, of Rucio and of others."""
    return pod_of(container("rucio-server"), container("beside"), **spec, initContainers=[
        container("rucio-daemons"), container("rucio-ui", **SIDECAR), container("before")])


class PluginCase(ApiCase):
    """A namespace with things that plugins go by, made in the other namespace as well."""
    THINGS = ()

    @classmethod
    def make_things(cls, namespace):
        for thing in cls.THINGS:
            cls.api.create(thing, namespace)

    @classmethod
    def prepare(cls):
        cls.make_things(cls.namespace)

    @classmethod
    def prepare_elsewhere(cls):
        cls.make_things(cls.elsewhere)

    @classmethod
    def is_taken(cls, pod):
        """Whether the apiserver would store the pod in the test's namespace."""
        try:
            return cls.api.create(pod, cls.namespace, dry_run=True)
        except Refused:
            return False

    def check(self, pod, dry_run=True):
        answer = self.accepted(pod, dry_run)
        self.assertEqual(answer.outcomes, [("patched", "injected")])
        self.assert_injected(pod, answer.pod, "rucio-server", "rucio-daemons", "rucio-ui")
        self.assert_stable(answer.pod, dry_run)
        return answer.pod


class LimitRanges(PluginCase):
    THINGS = [{"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "limits"}, "spec": {"limits": [
        {"type": "Container", "default": {"cpu": "1000m", "memory": "1024Mi"}, "defaultRequest": {"cpu": "0.1"}}]}}]

    def test_default_resources_stay(self):
        stored = self.check(full_pod())
        self.assertEqual(container_of(stored, "rucio-server")["resources"],
                         {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "100m", "memory": "1Gi"}})

    def test_default_resources_stay_in_a_pod_that_is_created(self):
        self.check(full_pod(automountServiceAccountToken=True), dry_run=False)


class ServiceAccounts(PluginCase):
    THINGS = [{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "rucio"},
               "imagePullSecrets": [{"name": "pull"}]}]

    def test_the_tokens_mount_and_the_pull_secrets_stay(self):
        stored = self.check(full_pod(serviceAccountName="rucio", automountServiceAccountToken=True))
        self.assertEqual(stored["spec"]["imagePullSecrets"], [{"name": "pull"}])
        mounts = [mount["name"] for mount in mounts_of(stored, "rucio-daemons")]
        self.assertEqual(mounts, ["kube-api-access", VOLUME])


class Classes(PluginCase):
    """A PriorityClass and a RuntimeClass, which belong to the whole cluster and have the test's name."""

    @classmethod
    def prepare(cls):
        cls.classes = [
            {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "value": 1000, "preemptionPolicy": "Never"},
            {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "handler": "runc", "overhead": {"podFixed": {
                "cpu": "10m"}}, "scheduling": {"nodeSelector": {"a": "b"}, "tolerations": [{"operator": "Exists"}]}}]
        for thing in cls.classes:
            cls.api.create({**thing, "metadata": {"name": f"rpw-e2e-{cls.label}"}})
            cls.addClassCleanup(cls.api.delete, thing["kind"], f"rpw-e2e-{cls.label}")
        name = f"rpw-e2e-{cls.label}"
        wait_until(lambda: cls.is_taken(pod_of(container("x"), priorityClassName=name, runtimeClassName=name)),
                   "the apiserver knows the classes")

    def test_priority_and_overhead_stay(self):
        name = f"rpw-e2e-{self.label}"
        stored = self.check(full_pod(priorityClassName=name, runtimeClassName=name))
        self.assertEqual((stored["spec"]["priority"], stored["spec"]["overhead"]), (1000, {"cpu": "10m"}))


class PodSecurity(PluginCase):
    """A namespace that enforces the strictest of Kubernetes' Pod Security Standards."""
    ENFORCED = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    STRICT = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}

    @classmethod
    def prepare(cls):
        cls.api.call("PATCH", cls.api.path("Namespace", name=cls.namespace), cls.ENFORCED, MERGE)
        wait_until(lambda: not cls.is_taken(pod_of(container("x"))), "the apiserver enforces the standard")

    def test_a_pod_that_fulfils_the_standard_does_so_with_the_package(self):
        containers = [container(name, securityContext=self.STRICT) for name in CONTAINERS]
        pod = pod_of(*containers, securityContext={"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}})
        answer = self.accepted(pod)
        self.assertEqual(answer.warnings, [])
        self.assertEqual(volumes_of(answer.pod), [OUR_VOLUME])
        for name in CONTAINERS:
            self.assertEqual(mounts_of(answer.pod, name), [OUR_MOUNT])
        self.assert_stable(answer.pod)


if __name__ == "__main__":
    unittest.main()
