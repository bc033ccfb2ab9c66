"""Which pods, and which of their containers: docs/reference.md, "Which pods", row by row through the apiserver.

The rules that only a registration which sends more than it should can reach are in api_life.py.
"""
import unittest

from api_support import (CFG, CLAIM, NAME, OUR_MOUNT, OUR_VOLUME, PKG_PATH, ApiCase, add_rows, all_containers,
                         annotations_of, configuration, container, pod_of, policy, variables)
from cluster import container_of, environment_of

SIDECAR = {"restartPolicy": "Always"}


class ChosenPods(ApiCase):
    CONFIGURATION = configuration(
        policy("of-others", match={"namespaces": ["other-*"]}),
        policy("of-hermes", match={"podSelector": {"matchLabels": {"rucio-daemon": "hermes"}}}, package="of_hermes"),
        policy("of-sidecars", match={"podSelector": {"matchExpressions": [{"key": "globs", "operator": "Exists"}]},
                                     "containers": ["rucio-*", "extra"]}),
        policy(), policy("second", package="second_package"))

    def check_skipped(self, pod, reason):
        answer = self.accepted(pod)
        self.assertEqual((answer.outcomes, answer.warnings), ([("skipped", reason)], []))
        self.assert_untouched(pod, answer.pod)

    def test_a_pod_that_opted_out_is_left_alone(self):
        self.check_skipped(pod_of(annotations={"inject": "false"}), "opted_out")

    def test_a_pod_that_opted_out_may_name_any_policy(self):
        self.check_skipped(pod_of(annotations={"inject": "false", "policy": "unheard-of"}), "opted_out")

    def test_a_pod_for_windows_is_left_alone(self):
        self.check_skipped(pod_of(os={"name": "windows"}), "windows")

    def test_a_mirror_of_a_static_pod_is_left_alone(self):
        pod = pod_of(nodeName="nowhere")
        pod["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "0123456789abcdef"}
        self.check_skipped(pod, "mirror_pod")

    def test_a_pod_of_others_is_not_even_sent(self):
        pod = pod_of(container("postgres"))
        answer = self.accepted(pod, asked=0)
        self.assertEqual(answer.requests, [])
        self.assert_untouched(pod, answer.pod)

    def test_the_first_policy_that_matches_wins(self):
        self.assertEqual(annotations_of(self.accepted(pod_of()).pod)["policy"], "atlas")

    def test_a_policy_is_chosen_by_the_pods_labels(self):
        stored = self.accepted(pod_of(labels={"rucio-daemon": "hermes"})).pod
        self.assertEqual(annotations_of(stored)["policy"], "of-hermes")
        self.assertEqual(environment_of(stored, "rucio-server")["RUCIO_POLICY_PACKAGE"], "of_hermes")
        self.assert_stable(stored)

    def test_a_policy_is_chosen_by_the_pods_annotation(self):
        stored = self.accepted(pod_of(annotations={"policy": "second"})).pod
        self.assertEqual(environment_of(stored, "rucio-server")["RUCIO_POLICY_PACKAGE"], "second_package")
        self.assert_stable(stored)

    def check_refused(self, pod, reason, message):
        refusal = self.refused(pod)
        self.assertEqual(refusal.code, 403)
        self.assertEqual(refusal.message,
                         f'admission webhook "{self.label}.policy.rucio.cern.ch" denied the request: {message}')
        self.assertEqual(refusal.outcomes, [("rejected", reason)])

    def test_a_policy_that_does_not_exist_refuses_the_pod(self):
        self.check_refused(
            pod_of(annotations={"policy": "unheard-of"}), "unknown_policy",
            'annotation policy.rucio.cern.ch/policy names "unheard-of", and there is no such policy. Correct it, or '
            'remove it to have the policy chosen by namespace and labels')

    def test_a_policy_for_other_namespaces_refuses_the_pod(self):
        self.check_refused(
            pod_of(annotations={"policy": "of-others"}), "policy_not_for_pod",
            'annotation policy.rucio.cern.ch/policy names "of-others", whose namespaces or podSelector do not match '
            f'this pod in namespace "{self.namespace}". Remove the annotation, or have the policy\'s match changed')

    def test_a_policy_for_other_labels_refuses_the_pod(self):
        self.check_refused(
            pod_of(annotations={"policy": "of-hermes"}, labels={"rucio-daemon": "reaper"}), "policy_not_for_pod",
            'annotation policy.rucio.cern.ch/policy names "of-hermes", whose namespaces or podSelector do not match '
            f'this pod in namespace "{self.namespace}". Remove the annotation, or have the policy\'s match changed')

    def test_a_pod_with_a_generated_name_is_logged_by_what_it_is_generated_from(self):
        pod = pod_of()
        pod["metadata"] = {"generateName": "pod-"}
        answer = self.accepted(pod)
        self.assertTrue(answer.pod["metadata"]["name"].startswith(answer.requests[0]["pod"]))
        self.assert_injected(pod, answer.pod, "rucio-server")

    def test_containers_beside_are_left_alone(self):
        pod = pod_of(container("before", env=variables(("A", "/a"))), container("rucio-ui"), container("behind"))
        self.assert_injected(pod, self.accepted(pod).pod, "rucio-ui")

    def test_every_container_of_rucio_gets_the_package_and_the_pod_one_volume(self):
        pod = pod_of(container("rucio-server"), container("beside"), container("rucio-daemons"), container("rucio-ui"))
        stored = self.accepted(pod).pod
        self.assert_injected(pod, stored, "rucio-server", "rucio-daemons", "rucio-ui")
        self.assert_stable(stored)

    def test_init_containers_and_native_sidecars_get_the_package(self):
        pod = pod_of(container("beside"), initContainers=[
            container("first"), container("rucio-daemons"), container("rucio-ui", **SIDECAR),
            container("last", **SIDECAR)])
        stored = self.accepted(pod).pod
        self.assert_injected(pod, stored, "rucio-daemons", "rucio-ui")
        self.assert_stable(stored)

    def test_patterns_choose_containers(self):
        pod = pod_of(container("rucio-server"), container("rucio-2"), container("extra"), container("extra-2"),
                     labels={"globs": ""}, initContainers=[container("rucio-init", **SIDECAR)])
        stored = self.accepted(pod).pod
        plain = self.stored_elsewhere(pod)
        self.assertEqual([c["name"] for c in all_containers(stored) if "env" in c],
                         ["rucio-init", "rucio-server", "rucio-2", "extra"])
        self.assertEqual(container_of(stored, "extra-2"), container_of(plain, "extra-2"))
        self.assert_stable(stored)


# Fields of the pod that are none of our business, and that only a real apiserver knows how to check.
FIELDS = {
    "the host's namespaces": {
        "hostNetwork": True, "hostPID": True, "hostIPC": True, "dnsPolicy": "ClusterFirstWithHostNet"},
    "security contexts": {
        "securityContext": {"runAsUser": 1000, "fsGroup": 2000, "seccompProfile": {"type": "RuntimeDefault"}}},
    "scheduling": {
        "nodeSelector": {"a": "b"}, "tolerations": [{"operator": "Exists"}], "schedulingGates": [{"name": "a.b/gate"}],
        "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}]},
    "a node that is given": {"nodeName": "nowhere", "schedulerName": "default-scheduler"},
    "an os that is given": {"os": {"name": "linux"}},
    "pull secrets and aliases": {
        "imagePullSecrets": [{"name": "pull"}], "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["x"]}]},
    "resources of the pod": {"resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1.5"}}},
    "a service account token": {"automountServiceAccountToken": True},
    "lists that are null": {"volumes": None, "initContainers": None, "affinity": None},
}

CONTAINER_FIELDS = {
    "a security context": {"securityContext": {"readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}},
    "probes and hooks": {
        "livenessProbe": {"httpGet": {"path": "/ping", "port": 80}}, "startupProbe": {"exec": {"command": ["true"]}},
        "lifecycle": {"preStop": {"sleep": {"seconds": 1}}}},
    "a command that uses variables": {"command": ["sh", "-c", "$(PYTHONPATH) $$(X)"], "args": ["$(POLICY_PKG_PATH)"]},
    "texts of every kind": {"env": variables(
        ("QUOTES", "\"'\\/"), ("LINES", "a\r\n\tb"), ("CONTROLS", "\x01\x1f\x7f\x85"),
        ("WIDE", "\u00e9\u20ac\U0001f600\u2028"),
        ("HTML", "<&>"), ("EMPTY", ""), ("with-dash.and.dot", "1"))},
    "references of every kind": {"env": variables(
        ("FIELD", {"fieldRef": {"fieldPath": "metadata.name"}}),
        ("LIMIT", {"resourceFieldRef": {"resource": "limits.cpu"}}),
        ("SECRET", {"secretKeyRef": {"name": "a", "key": "b", "optional": True}}),
        ("CONFIG", {"configMapKeyRef": {"name": "a", "key": "b"}}))},
    "mounts of every kind": {"volumeMounts": [
        {"name": "work", "mountPath": "/a", "subPath": "x"},
        {"name": "work", "mountPath": "/b", "subPathExpr": "$(POD)"},
        {"name": "work", "mountPath": "/c", "readOnly": True, "recursiveReadOnly": "IfPossible",
         "mountPropagation": "None"}]},
    "block devices": {"volumeDevices": [{"name": "block", "devicePath": "/dev/xvda"}]},
    "five thousand variables": {"env": variables(*((f"V{i}", "x" * 100) for i in range(5000)))},
}


class OtherFields(ApiCase):
    def check(self, pod):
        answer = self.accepted(pod)
        self.assertEqual(answer.outcomes, [("patched", "injected")])
        self.assert_injected(pod, answer.pod, "rucio-server")
        self.assert_stable(answer.pod)

    def check_pod_fields(self, fields):
        self.check(pod_of(**fields))

    def check_container_fields(self, fields):
        self.check(pod_of(container(**fields), container("beside", **fields), volumes=[
            {"name": "work", "emptyDir": {}}, {"name": "block", "persistentVolumeClaim": {"claimName": "block"}}]))

    def test_a_pod_with_annotations_and_labels_of_its_own_keeps_them(self):
        pod = pod_of(labels={"a.b/c": "d", "e": ""})
        pod["metadata"].update(annotations={"x.y/z_1": "z", "empty": "", "json": '{"a": [1]}'}, finalizers=["a.b/x"])
        self.check(pod)


add_rows(OtherFields, {f"a pod keeps {name}": row for name, row in FIELDS.items()}, OtherFields.check_pod_fields)
add_rows(OtherFields, {f"a container keeps {name}": row for name, row in CONTAINER_FIELDS.items()},
         OtherFields.check_container_fields)


class SeveralVos(ApiCase):
    """Names with a dash, an image that has the package, and an append."""
    CONFIGURATION = configuration(
        policy(packages={"atl": "atl_package", "OPS": "ops_package"}, path="/opt/policies", pythonPath="append",
               imagePythonPath="/image", source={"preinstalled": {}},
               match={"podSelector": {"matchLabels": {"vo": "many"}}}),
        policy("entrypoint", pythonPath="entrypoint", configEnv=False, source={"volume": CLAIM, "subPath": "a/b"}))

    def test_the_apiserver_takes_the_variables_of_several_vos(self):
        pod = pod_of(labels={"vo": "many"})
        stored = self.accepted(pod).pod
        self.assert_only(pod, stored, {"rucio-server": variables(
            ("POLICY_PKG_PATH", "/opt/policies"), NAME, ("RUCIO_POLICY_PACKAGE_ATL", "atl_package"),
            ("RUCIO_POLICY_PACKAGE_OPS", "ops_package"), CFG, ("RUCIO_CFG_POLICY_PACKAGE-atl", "atl_package"),
            ("RUCIO_CFG_POLICY_PACKAGE-OPS", "ops_package"), ("PYTHONPATH", "/image:/opt/policies"))})
        self.assert_stable(stored)

    def test_pythonpath_is_left_to_the_entrypoint(self):
        pod = pod_of(container(env=variables(("PYTHONPATH", "/a"))))
        stored = self.accepted(pod).pod
        self.assert_only(pod, stored, {"rucio-server": variables(PKG_PATH, NAME, ("PYTHONPATH", "/a"))},
                         {"rucio-server": [{**OUR_MOUNT, "subPath": "a/b"}]}, [OUR_VOLUME], policy="entrypoint")
        self.assert_stable(stored)


class Unmatched:
    """What happens to pods that no policy selects: mixed into the two classes below."""

    def test_a_pod_of_rucio_that_opted_out_is_allowed_in_silence(self):
        answer = self.accepted(pod_of(annotations={"inject": "false"}))
        self.assertEqual((answer.outcomes, answer.warnings), ([("skipped", "opted_out")], []))

    def test_a_pod_that_a_policy_selects_is_patched_in_silence(self):
        answer = self.accepted(pod_of(labels={"of": "rucio"}))
        self.assertEqual((answer.outcomes, answer.warnings), ([("patched", "injected")], []))


SELECTIVE = policy(match={"podSelector": {"matchLabels": {"of": "rucio"}}})


class UnmatchedWarn(Unmatched, ApiCase):
    CONFIGURATION = configuration(SELECTIVE, unmatched="warn")

    def test_a_pod_of_rucio_is_allowed_with_a_warning(self):
        pod = pod_of(container("beside"), container("rucio-daemons"))
        answer = self.accepted(pod)
        self.assertEqual(answer.outcomes, [("skipped", "no_policy")])
        self.assertEqual(answer.warnings, [
            'no policy selects this pod: container "rucio-daemons" would run Rucio\'s generic policy (name "rucio-daemons")'])
        self.assert_untouched(pod, answer.pod)


class UnmatchedReject(Unmatched, ApiCase):
    CONFIGURATION = configuration(SELECTIVE, unmatched="reject")

    def test_a_pod_of_rucio_is_refused(self):
        refusal = self.refused(pod_of(container("beside"), initContainers=[container("rucio-ui")]))
        self.assertEqual((refusal.code, refusal.requests[0]["reason"]), (403, "unmatched"))
        self.assertTrue(refusal.message.endswith(
            'denied the request: no policy selects this pod: container "rucio-ui" would run Rucio\'s generic policy (name "rucio-ui"). '
            'Have a policy match it, or opt out with the annotation policy.rucio.cern.ch/inject: "false"'),
            refusal.message)


if __name__ == "__main__":
    unittest.main()
