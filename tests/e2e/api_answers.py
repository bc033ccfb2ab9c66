"""What people see: kubectl's words for warnings and refusals, dry runs, and the apiserver's audit log."""
import json
import os
import unittest

from api_other_webhook import Neighbour, set_env
from api_support import (OUR_VOLUME, PACKAGE, PATH, PREFIX, ApiCase, annotations_of, configuration, container,
                         kubernetes_minor, log_file, pod_of, policy, variables, volumes_of)
from cluster import Refused, container_of, environment_of, kubectl, wait_until

AUDIT_LOG = log_file("audit.log")


class Kubectl(ApiCase):
    """kubectl itself, as a person runs it in the namespace."""
    CONFIGURATION = configuration(policy(), policy("strict", onConflict="reject"))

    def kubectl(self, *arguments, pod=None):
        done = kubectl("-n", self.namespace, *arguments, stdin=pod and json.dumps(pod), check=False)
        return done.returncode, done.stdout, done.stderr

    def create(self, pod, *arguments):
        return self.kubectl("create", "--dry-run=server", "-o", "json", "-f", "-", *arguments, pod=pod)

    def warnings_of(self, pod):
        """The lines of warnings, without what all begin with, of a pod that is taken."""
        code, output, errors = self.create(pod)
        self.assertEqual(code, 0, errors)
        lines = errors.splitlines()
        for line in lines:
            self.assertTrue(line.startswith("Warning: "), errors)
            self.assertLess(len(line.removeprefix("Warning: ").encode()), 120)
        return [line.removeprefix("Warning: ") for line in lines], json.loads(output)

    def test_a_pod_without_conflicts_is_created_in_silence(self):
        self.assertEqual(self.warnings_of(pod_of())[0], [])

    def test_every_conflict_is_a_warning(self):
        pod = pod_of(container(env=variables(("POLICY_PKG_PATH", "/mine"), ("RUCIO_POLICY_PACKAGE", "site_policy"))),
                     container("rucio-ui", volumeMounts=[{"name": "mine", "mountPath": PATH}],
                               envFrom=[{"configMapRef": {"name": "site"}}]),
                     volumes=[{"name": "mine", "emptyDir": {}}])
        self.assertEqual(self.warnings_of(pod)[0], [
            f'policy atlas: rucio-server: POLICY_PKG_PATH stays "/mine", not "{PATH}"',
            f'policy atlas: rucio-server: RUCIO_POLICY_PACKAGE stays "site_policy", not "{PACKAGE}"',
            "policy atlas: rucio-ui: the variables set here win over those of the same name in its envFrom",
            f'policy atlas: rucio-ui: volumeMounts stays volume "mine" at "{PATH}", not its volume'])

    def check_value(self, value, shown):
        """The warning about a package of this name."""
        found, pod = self.warnings_of(pod_of(container(env=variables(("RUCIO_POLICY_PACKAGE", value)))))
        self.assertEqual(environment_of(pod, "rucio-server")["RUCIO_POLICY_PACKAGE"], value)
        full = f'policy atlas: rucio-server: RUCIO_POLICY_PACKAGE stays {shown}, not "{PACKAGE}"'
        self.assertEqual(len(found), 1, "the warning has got lost on its way")
        self.assertTrue(found[0] == full or (found[0].endswith("...") and full.startswith(found[0][:-3])), found[0])

    def test_values_with_quotes_and_backslashes_are_shown_as_json(self):
        self.check_value('a"b\\c', '"a\\"b\\\\c"')

    def test_values_with_line_ends_are_shown_as_json(self):
        self.check_value("a\n\tb", '"a\\n\\tb"')

    def test_values_of_wide_characters_are_shown_as_they_are(self):
        self.check_value("\u00e9\u20ac\U0001f600", '"\u00e9\u20ac\U0001f600"')

    def test_values_with_percent_signs_and_spaces_are_shown_as_they_are(self):
        self.check_value("%s %d  x", '"%s %d  x"')

    def test_values_with_control_characters_are_warned_of_too(self):
        for value in ("a\x7fb", "a\x80b", "a\x85b", "a\x9fb"):
            with self.subTest(repr(value)):
                self.check_value(value, f'"a\\u{ord(value[1]):04x}b"')

    def test_long_values_are_cut_with_dots(self):
        for value in ("x" * 100, "\u20ac" * 60, "x" + "\u20ac" * 60, "xx" + "\u20ac" * 60):
            with self.subTest(value[:4]):
                self.check_value(value, f'"{value}"')

    def test_a_refusal_is_told_in_full(self):
        pod = pod_of(container(env=variables(("RUCIO_POLICY_PACKAGE", "x" * 500))), annotations={"policy": "strict"})
        code, output, errors = self.create(pod)
        self.assertEqual((code, output), (1, ""))
        self.assertEqual(errors, (
            'Error from server (Forbidden): error when creating "STDIN": admission webhook '
            f'"{self.label}.policy.rucio.cern.ch" denied the request: policy "strict" cannot be applied: '
            f'container "rucio-server", RUCIO_POLICY_PACKAGE: the pod has "{"x" * 500}", the policy "{PACKAGE}". '
            "Remove it from the pod, let the policy win with onConflict: override, or opt out with the annotation "
            f'{PREFIX}inject: "false" of the pod (in a workload, of its template)\n'))

    def test_a_refusal_names_every_conflict(self):
        pod = pod_of(container(env=variables(("RUCIO_POLICY_PACKAGE", "a"))),
                     initContainers=[container("rucio-ui", env=variables(("POLICY_PKG_PATH", "b\nc")))],
                     annotations={"policy": "strict"})
        errors = self.create(pod)[2]
        self.assertIn('container "rucio-ui", POLICY_PKG_PATH: the pod has "b\\nc" (expected an absolute path', errors)
        self.assertIn('; container "rucio-server", RUCIO_POLICY_PACKAGE: the pod has "a"', errors)

    def test_kubectl_run_in_a_dry_run_shows_the_package_and_creates_nothing(self):
        code, output, errors = self.kubectl("run", "rucio-server", "--image=localhost/none", "--dry-run=server",
                                            "-o", "json")
        self.assertEqual((code, errors), (0, ""))
        self.assertIn(OUR_VOLUME, volumes_of(json.loads(output)))
        self.assertEqual([line["dryRun"] for line in self.requests_about("rucio-server", 1)], [True])
        self.assertIsNone(self.exists("Pod", "rucio-server", self.namespace))

    def test_a_pod_that_is_created_for_real_is_no_dry_run(self):
        self.assertIs(self.accepted(pod_of(), dry_run=False).requests[0]["dryRun"], False)

    def apply_twice(self, *how):
        """A pod of whose own values we change none: those of a pod that exists cannot be changed back."""
        pod = pod_of(container(env=variables(("OTHER", "x"), ("POLICY_PKG_PATH", "/mine"))), container("rucio-ui"))
        pod["metadata"]["name"] = "applied"
        self.addCleanup(self.api.delete, "Pod", "applied", self.namespace)
        code, _, errors = self.kubectl("apply", *how, "-f", "-", pod=pod)
        self.assertEqual(code, 0, errors)
        first = self.api.get("Pod", "applied", self.namespace)
        self.assertEqual(annotations_of(first)["status"], "injected-with-conflicts")
        code, output, errors = self.kubectl("apply", *how, "-f", "-", pod=pod)
        self.assertEqual((code, errors), (0, ""), output)
        return first, self.api.get("Pod", "applied", self.namespace)

    def test_applying_a_pod_again_changes_nothing(self):
        first, second = self.apply_twice()
        self.assertEqual(second["spec"], first["spec"])
        self.assertEqual(second["metadata"]["annotations"], first["metadata"]["annotations"])

    def test_applying_a_pod_again_on_the_server_s_side_changes_nothing(self):
        first, second = self.apply_twice("--server-side")
        self.assertEqual(second["spec"], first["spec"])
        self.assertEqual(second["metadata"]["annotations"], first["metadata"]["annotations"])

    def test_kubectl_debug_of_a_pod_does_not_reach_the_webhook(self):
        pod = self.accepted(pod_of(), dry_run=False).pod
        name = pod["metadata"]["name"]
        code, _, errors = self.kubectl("debug", name, "--image=localhost/none", "-c", "rucio-daemons",
                                       "--profile=general")
        self.assertEqual(code, 0, errors)
        stored = self.api.get("Pod", name, self.namespace)
        extra = stored["spec"]["ephemeralContainers"]
        self.assertEqual([(c["name"], "env" in c) for c in extra], [("rucio-daemons", False)])
        self.assertEqual([line["reason"] for line in self.requests_about(name, 1)], ["injected"])

    def test_a_copy_that_kubectl_debug_makes_is_left_as_it_is(self):
        if kubernetes_minor() < 31:
            self.skipTest("its kubectl knows no --keep-annotations")
        pod = self.accepted(pod_of(), dry_run=False).pod
        self.addCleanup(self.api.delete, "Pod", "copy", self.namespace)
        code, _, errors = self.kubectl("debug", pod["metadata"]["name"], "--copy-to=copy", "--image=localhost/none",
                                       "-c", "shell", "--profile=general", "--keep-annotations")
        self.assertEqual(code, 0, errors)
        self.assertEqual([line["outcome"] for line in self.requests_about("copy", 1)], ["unchanged"])
        stored = self.api.get("Pod", "copy", self.namespace)
        self.assertEqual(container_of(stored, "rucio-server")["env"], container_of(pod, "rucio-server")["env"])


@unittest.skipUnless(AUDIT_LOG, "the audit log of kube-apiserver cannot be read")
class AuditLog(ApiCase):
    CONFIGURATION = configuration(policy(), policy("strict", onConflict="reject"))

    def annotations_of_request(self, pod, code=201):
        """What the audit log says of ours about the creation of the pod: {"policy": ...}. The
        request is found by the name of its field manager."""
        mark = f"audit-{self.id().rpartition('.')[2][-80:]}-{code}-{os.urandom(4).hex()}"
        offset = AUDIT_LOG.stat().st_size
        try:
            self.api.call("POST", f"{self.api.path('Pod', self.namespace)}?dryRun=All&fieldManager={mark}", pod)
        except Refused as refused:
            self.assertEqual(refused.code, code)

        def find():
            with AUDIT_LOG.open("rb") as log:
                log.seek(offset)
                return next((json.loads(line) for line in log if mark.encode() in line and line.endswith(b"\n")), None)

        event = wait_until(find, f"the audit log has {mark}")
        self.assertEqual(event["responseStatus"]["code"], code)
        prefix = f"{self.label}.policy.rucio.cern.ch/"
        found = event["annotations"].items()
        return {key.removeprefix(prefix): value for key, value in found if key.startswith(prefix)}

    def test_a_pod_that_is_patched_is_recorded_with_its_policy(self):
        self.assertEqual(self.annotations_of_request(pod_of()), {"policy": "atlas", "outcome": "patched"})

    def test_a_pod_that_is_refused_is_recorded_with_its_policy(self):
        pod = pod_of(container(env=variables(("RUCIO_POLICY_PACKAGE", "x"))), annotations={"policy": "strict"})
        self.assertEqual(self.annotations_of_request(pod, 403), {"policy": "strict", "rejected": "conflict"})

    def test_a_pod_that_asks_for_an_unknown_policy_is_recorded_without_one(self):
        pod = pod_of(annotations={"policy": "unheard-of"})
        self.assertEqual(self.annotations_of_request(pod, 403), {"rejected": "unknown_policy"})

    def test_a_pod_that_is_left_as_it_is_is_not_recorded(self):
        stored = self.accepted(pod_of()).pod
        for key in ("uid", "creationTimestamp", "namespace", "managedFields"):
            stored["metadata"].pop(key, None)
        self.assertEqual(self.annotations_of_request(stored), {})

    def test_a_pod_that_opted_out_is_not_recorded(self):
        self.assertEqual(self.annotations_of_request(pod_of(annotations={"inject": "false"})), {})

    def test_a_pod_that_is_patched_and_then_refused_is_recorded_as_both(self):
        neighbour = Neighbour(self.api, "zzz", self.label)
        self.addCleanup(neighbour.remove)
        neighbour.change = set_env("RUCIO_POLICY_PACKAGE", "site_policy")
        pod = pod_of(annotations={"policy": "strict"})
        wait_until(lambda: self.is_refused(pod), "the apiserver asks the neighbour")
        self.assertEqual(self.annotations_of_request(pod, 403),
                         {"policy": "strict", "outcome": "patched", "rejected": "conflict"})

    def is_refused(self, pod):
        try:
            self.api.create(pod, self.namespace, dry_run=True)
        except Refused as refused:
            return refused.code == 403
        return False


if __name__ == "__main__":
    unittest.main()
