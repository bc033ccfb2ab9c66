"""Pods that may do little get their package all the same: Pod Security `restricted`, other users, read-only roots.

Every policy here brings the package with an init container and verifies it with another.
"""
import unittest

from cluster import Refused, container_of, kubectl, wait_until
from running import PATH, container, pod_of, telling
from running_rucio import PACKAGE
from running_sources import INSTALLERS, SOURCES, SourcesCase, policies

VERIFY = "rucio-policy-verify"
CONFIGURATION = "policies:\n" + policies(SOURCES, verify="fail")
# What the Pod Security Standard asks of a pod or of each container, and what it asks of each container.
OF_EITHER = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
OF_EACH = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
USER = {"runAsUser": 1000, "runAsGroup": 1001}
READ_ONLY = {"readOnlyRootFilesystem": True}


def server(**context):
    return telling("rucio-server", PACKAGE, securityContext=context)


OURS = {**OF_EACH, "seccompProfile": {"type": "RuntimeDefault"}}
OURS_NON_ROOT = {**OURS, "runAsNonRoot": True}

# By name: the containers of a pod, its own security context, and the one that ours have in it.
RESTRICTED = {
    "by-the-pod": ([server(**OF_EACH)], {**OF_EITHER, **USER}, OURS_NON_ROOT),
    "by-the-container": ([server(**OF_EACH, **OF_EITHER, **USER)], {}, {**OURS_NON_ROOT, **USER}),
    "user-of-the-container": ([server(**OF_EACH, **USER)], OF_EITHER, {**OURS_NON_ROOT, **USER}),
    "groups": ([server(**OF_EACH, **READ_ONLY)],
               {**OF_EITHER, **USER, "fsGroup": 2000, "supplementalGroups": [3000]}, {**OURS_NON_ROOT, **READ_ONLY}),
}
UNRESTRICTED = {
    "root": ([server()], {}, OURS),
    "read-only-root": ([server(**READ_ONLY)], {}, {**OURS, **READ_ONLY}),
    "other-user": ([server(runAsUser=1000), telling("rucio-ui", PACKAGE)], {}, {**OURS_NON_ROOT, "runAsUser": 1000}),
    "exception": ([server(runAsNonRoot=False, runAsUser=0)], {"runAsNonRoot": True, "runAsUser": 1000},
                  {**OURS, "runAsUser": 0, "runAsNonRoot": False}),
    "privileged": ([server(privileged=True)], {}, OURS),
}


class SecurityCase(SourcesCase):
    """A pod of each of SHAPES with each source; those of RUNNING are started."""
    CONFIGURATION = CONFIGURATION
    SHAPES = {}
    RUNNING = ()

    @classmethod
    def pod_of_shape(cls, shape, policy, suffix=""):
        containers, context, _ = cls.SHAPES[shape]
        return pod_of(f"{shape}-{policy}{suffix}", containers, labels={"policy": policy}, securityContext=context)

    @classmethod
    def make_pods(cls):
        for shape in cls.RUNNING:
            for policy in SOURCES:
                yield cls.pod_of_shape(shape, policy), "Running"

    def assert_imports(self, pod, name="rucio-server"):
        self.assertEqual(self.told_by(self.pods[pod], name)["package"], f"{PATH}/{PACKAGE}/__init__.py")

    def check_ours(self):
        for shape, (_, _, wanted) in self.SHAPES.items():
            for policy in SOURCES:
                with self.subTest(shape=shape, policy=policy):
                    patched = self.create_pod(self.pod_of_shape(shape, policy, "-tried"))
                    for name in (INSTALLERS[policy], VERIFY):
                        self.assertEqual(container_of(patched, name)["securityContext"], wanted)

    def check_running(self):
        for name, pod in self.pods.items():
            with self.subTest(name):
                self.assert_imports(name)
                codes = [status["state"]["terminated"]["exitCode"] for status in pod["status"]["initContainerStatuses"]]
                self.assertEqual(codes, [0, 0])


class Restricted(SecurityCase):
    """A namespace that enforces the strictest standard."""
    NAMESPACE = "restricted"
    SHAPES = RESTRICTED
    RUNNING = ("by-the-container", "groups")

    @classmethod
    def prepare(cls):
        kubectl("label", "namespace", cls.namespace, "pod-security.kubernetes.io/enforce=restricted")

        def is_enforced():
            try:
                cls.api.create(pod_of("x", [container("x")]), cls.namespace, dry_run=True)
            except Refused:
                return True
            return False

        wait_until(is_enforced, "the apiserver enforces the standard")

    def test_pods_are_admitted_and_ours_are_restricted_too(self):
        self.check_ours()

    def test_pods_run(self):
        self.check_running()

    def test_the_pods_group_owns_the_package_and_it_is_readable(self):
        for policy in SOURCES:
            with self.subTest(policy):
                listed = self.execute(self.pods[f"groups-{policy}"], "rucio-server", "stat", "--format=%u %g %A",
                                      f"{PATH}/{PACKAGE}/__init__.py").stdout
                self.assertRegex(listed, r"^1000 2000 -rw.r..r--")


class Unrestricted(SecurityCase):
    """A namespace without a standard: beside root, too, ours have no more than they need."""
    NAMESPACE = "unrestricted"
    SHAPES = UNRESTRICTED
    RUNNING = ("read-only-root", "other-user", "exception")

    def test_ours_have_the_user_of_the_container_and_no_privileges(self):
        self.check_ours()

    def test_pods_run(self):
        self.check_running()

    def test_what_one_user_has_installed_another_user_of_the_pod_reads(self):
        for policy in SOURCES:
            with self.subTest(policy):
                self.assert_imports(f"other-user-{policy}", "rucio-ui")


class ResourcesCase(SecurityCase):
    """QoS classes and what the scheduler asks for, at pods that no scheduler takes."""
    NAMESPACE = "resources"
    SHAPES = {
        "BestEffort": [{}, {}],
        "Burstable": [{"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}}, {}],
        "Guaranteed": [{"limits": {"cpu": "0.2", "memory": "128Mi"}},
                       {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "100m", "memory": "64Mi"}}],
    }

    @classmethod
    def prepare(cls):
        cls.elsewhere = cls.make_namespace("elsewhere", label="none")

    @staticmethod
    def asked_for(pod):
        """The effective request: the larger of the containers' sum and the largest init container, in milli and Mi."""
        def number(text):
            for suffix, factor in (("m", 0.001), ("Mi", 1), ("Ki", 1 / 1024), ("Gi", 1024)):
                if text.endswith(suffix):
                    return float(text[:-len(suffix)]) * factor
            return float(text)

        def of(entry, resource):
            return number(entry.get("resources", {}).get("requests", {}).get(resource, "0"))

        return {resource: max(sum(of(entry, resource) for entry in pod["spec"]["containers"]),
                              *(of(entry, resource) for entry in pod["spec"].get("initContainers", [])), 0)
                for resource in ("cpu", "memory")}

    def check(self, name, policy, containers):
        pod = pod_of(f"{name.lower()}-{policy}", containers, labels={"policy": policy}, schedulerName="nobody")
        plain = self.api.create(pod, self.elsewhere, dry_run=True)
        patched = self.create_pod(pod)
        self.assertEqual([entry["name"] for entry in patched["spec"]["initContainers"]], [INSTALLERS[policy], VERIFY])
        self.assertEqual(patched["status"]["qosClass"], plain["status"]["qosClass"])
        self.assertEqual(self.asked_for(patched), self.asked_for(plain))
        for entry, before in zip(patched["spec"]["containers"], plain["spec"]["containers"]):
            self.assertEqual(entry["resources"], before["resources"])
        return patched

    def containers(self, shape):
        names = ("rucio-server", "beside")
        return [container(name, resources=resources) for name, resources in zip(names, self.SHAPES[shape])]


class QualityOfService(ResourcesCase):
    def test_class_and_effective_request_stay(self):
        for shape in self.SHAPES:
            for policy in SOURCES:
                with self.subTest(shape=shape, policy=policy):
                    patched = self.check(shape, policy, self.containers(shape))
                    self.assertEqual(patched["status"]["qosClass"], shape)

    def test_of_two_that_get_the_package_the_first_ones_resources_count(self):
        for shape, resources in self.SHAPES.items():
            for policy in SOURCES:
                with self.subTest(shape=shape, policy=policy):
                    names = ("rucio-daemons", "rucio-server")
                    self.check(f"two-{shape}", policy,
                               [container(name, resources=r) for name, r in zip(names, resources)])


class LimitRanges(ResourcesCase):
    """LimitRanger gives every container defaults, refuses what is out of range, and acts again after the webhook."""
    LIMITS = {"type": "Container", "default": {"cpu": "300m", "memory": "300Mi"}, "max": {"cpu": "1", "memory": "1Gi"},
              "defaultRequest": {"cpu": "100m", "memory": "100Mi"}, "min": {"cpu": "50m", "memory": "32Mi"}}

    @classmethod
    def prepare(cls):
        super().prepare()
        for namespace in (cls.namespace, cls.elsewhere):
            cls.api.create({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "limits"},
                            "spec": {"limits": [cls.LIMITS]}}, namespace)

    def test_class_and_effective_request_stay(self):
        for shape in self.SHAPES:
            for policy in SOURCES:
                with self.subTest(shape=shape, policy=policy):
                    patched = self.check(shape, policy, self.containers(shape))
                    for entry in patched["spec"]["initContainers"]:
                        self.assertEqual(entry["resources"], container_of(patched, "rucio-server")["resources"])


if __name__ == "__main__":
    unittest.main()
