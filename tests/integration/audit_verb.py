"""The `audit` verb: pods of a file and of a stand-in for kube-apiserver, put to the webhook's own code."""

import json
import unittest

import yaml

from corpus import CASES, CORPUS, names_of_pods, read_pod
from kube_api import KubeApi, can_be_a_pod, run, status
from offline import Offline

CONFIGURATION = """\
policies:
  - name: atlas
    match: {namespaces: [rucio-atlas]}
    package: atlas_policy
    source: {preinstalled: {}}
"""


def pod(name, namespace="rucio-atlas", container="rucio-server", **metadata):
    return {"metadata": {"name": name, "namespace": namespace, **metadata}, "status": {"phase": "Running"},
            "spec": {"containers": [{"name": container, "image": "none"}, {"name": "side", "image": "none"}]}}


def owner(kind, name):
    return {"ownerReferences": [{"kind": "Other", "name": "other"}, {"kind": kind, "name": name, "controller": True}]}


class AuditCase(Offline):
    configuration = CONFIGURATION

    def injected(self, thing, configuration=CONFIGURATION):
        """The pod as the webhook lets it start."""
        done = self.mutate(configuration, json.dumps({"apiVersion": "v1", "kind": "Pod", **thing}))
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def audit(self, *flags, code=0):
        (self.folder / "policy.yaml").write_text(self.configuration)
        done = run("audit", "--config", str(self.folder / "policy.yaml"), *flags)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def audit_pods(self, *pods, code=0, flags=()):
        """The JSON report."""
        path = self.folder / "pods.json"
        path.write_text(json.dumps({"kind": "PodList", "apiVersion": "v1", "items": pods}))
        report = json.loads(self.audit("-f", str(path), "-o", "json", *flags, code=code).stdout)
        self.assertEqual(report["drift"], code == 1)
        return report

    def rows(self, *pods, code=0):
        return [(row["kind"], row["name"], row["state"], row["detail"]) for row in
                self.audit_pods(*pods, code=code)["workloads"]]


class States(AuditCase):
    def test_current(self):
        self.assertEqual(self.rows(self.injected(pod("a"))), [("Pod", "a", "current", "")])

    def test_lacking(self):
        self.assertEqual(self.rows(pod("a"), code=1), [("Pod", "a", "lacking", "was not injected")])

    def test_changed_since(self):
        changed = self.injected(pod("a"))
        changed["spec"]["containers"][0]["env"].pop(0)
        self.assertEqual(self.rows(changed, code=1), [("Pod", "a", "lacking", "changed since it was injected")])

    def test_old_revision(self):
        old = self.injected(pod("a"), CONFIGURATION.replace("atlas_policy", "former_policy"))
        ((kind, name, state, detail),) = self.rows(old, code=1)
        self.assertEqual((kind, name, state), ("Pod", "a", "old revision"))
        self.assertRegex(detail, r"^has [0-9a-f]{12}, wants [0-9a-f]{12}$")

    def test_conflicts(self):
        own = pod("a")
        own["spec"]["containers"][0]["env"] = [{"name": "RUCIO_POLICY_PACKAGE", "value": "own"}]
        ((_, _, state, detail),) = self.rows(self.injected(own))
        self.assertEqual(state, "conflicts")
        self.assertIn("rucio-server/RUCIO_POLICY_PACKAGE", detail)

    def test_refused(self):
        self.configuration = CONFIGURATION + "    onConflict: reject\n"
        own = pod("a")
        own["spec"]["containers"][0]["env"] = [{"name": "RUCIO_POLICY_PACKAGE", "value": "own"}]
        ((_, _, state, detail),) = self.rows(own, code=1)
        self.assertEqual(state, "refused")
        self.assertIn("own", detail)

    def test_no_policy_is_drift_as_unmatched_says(self):
        for unmatched, code in (("allow", 0), ("warn", 1), ("reject", 1)):
            with self.subTest(unmatched=unmatched):
                self.configuration = CONFIGURATION + f"unmatched: {unmatched}\n"
                self.assertEqual(self.rows(pod("a", "elsewhere"), code=code),
                                 [("Pod", "a", "no policy", "runs Rucio's generic policy (container rucio-server is Rucio by its name)")])

    def test_opted_out(self):
        out = pod("a", annotations={"policy.rucio.cern.ch/inject": "false"})
        self.assertEqual(self.rows(out), [("Pod", "a", "opted out", "")])

    def test_other_pods_are_left_out(self):
        report = self.audit_pods(pod("a", container="nginx"),
                                 pod("b", container="nginx", annotations={"policy.rucio.cern.ch/inject": "false"}),
                                 pod("c", container="nginx", annotations={"kubernetes.io/config.mirror": "x"}))
        self.assertEqual(report["workloads"], [])

    def test_ended_pods_are_only_counted(self):
        done, failed = pod("a"), pod("b")
        done["status"]["phase"], failed["status"]["phase"] = "Succeeded", "Failed"
        report = self.audit_pods(done, failed, pod("c", deletionTimestamp="2026-01-01T00:00:00Z"))
        self.assertEqual((report["workloads"], report["pods"]["finished"]), ([], 3))

    @unittest.skipUnless(CORPUS.is_dir(), f"no pods of Rucio's charts in {CORPUS}")
    def test_pods_of_the_corpus_after_injection(self):
        for name in names_of_pods():
            with self.subTest(pod=name):
                thing = read_pod(name)
                thing["metadata"]["namespace"] = "rucio-atlas"
                self.audit_pods(self.injected(thing))


class Workloads(AuditCase):
    def test_names(self):
        for kind, name, labels, expected in (
                ("ReplicaSet", "server-5d8f7c9b6", {"pod-template-hash": "5d8f7c9b6"}, ("Deployment", "server")),
                ("ReplicaSet", "server-5d8f7c9b6", {}, ("ReplicaSet", "server-5d8f7c9b6")),
                ("ReplicaSet", "server", {"pod-template-hash": "server"}, ("ReplicaSet", "server")),
                ("StatefulSet", "server", {}, ("StatefulSet", "server"))):
            with self.subTest(kind=kind, name=name):
                self.assertEqual(self.rows(pod("p", labels=labels, **owner(kind, name)), code=1)[0][:2], expected)

    def test_a_job_is_a_cronjobs_when_its_name_ends_in_the_minute_of_its_creation(self):
        for name, created, expected in (
                ("renew-29391840", "2025-11-19T00:00:03Z", ("CronJob", "renew")),
                ("renew-29391840", "2025-11-18T23:59:58Z", ("CronJob", "renew")),
                ("renew-29391840", "2025-11-25T23:00:00Z", ("CronJob", "renew")),
                ("renew-29391840", "2025-11-27T00:00:00Z", ("Job", "renew-29391840")),
                ("renew-29391840", "2025-11-18T22:00:00Z", ("Job", "renew-29391840")),
                ("import-20251119", "2025-11-19T00:00:03Z", ("Job", "import-20251119")),
                ("renew-1763510400", "2025-11-19T00:00:03Z", ("Job", "renew-1763510400")),
                ("renew-29391840", "today", ("Job", "renew-29391840")),
                ("renew-29391840", None, ("Job", "renew-29391840")),
                ("29391840", "2025-11-19T00:00:03Z", ("Job", "29391840"))):
            with self.subTest(name=name, created=created):
                made = {"creationTimestamp": created} if created else {}
                self.assertEqual(self.rows(pod("p", **made, **owner("Job", name)), code=1)[0][:2], expected)

    def test_pods_of_a_workload_are_one_row(self):
        server = {"labels": {"pod-template-hash": "abc"}, **owner("ReplicaSet", "server-abc")}
        report = self.audit_pods(pod("a", **server), pod("b", **server), self.injected(pod("c", **server)), code=1)
        self.assertEqual([(row["state"], row["pods"]) for row in report["workloads"]],
                         [("lacking", ["a", "b"]), ("current", ["c"])])
        self.assertEqual((report["pods"]["lacking"], report["pods"]["current"]), (2, 1))


class Files(AuditCase):
    def write(self, text):
        path = self.folder / "pods"
        path.write_text(text)
        return str(path)

    def test_table(self):
        out = self.audit("-f", self.write(json.dumps({"kind": "PodList", "items": [pod("a")]})), code=1).stdout
        self.assertRegex(out, r"NAMESPACE +KIND +NAME +STATE +PODS +POLICY +DETAIL\n"
                              r"rucio-atlas +Pod +a +lacking +1 +atlas +was not injected\n")
        self.assertIn("1 Rucio pod, 1 lacking. Looked at: 1 pod in all.", out)

    def test_namespace(self):
        report = self.audit_pods(pod("a"), pod("b", "other"), flags=["-n", "other"])
        self.assertEqual([row["name"] for row in report["workloads"]], ["b"])

    def test_list_with_other_objects_and_yaml(self):
        pods = self.write("---\nkind: List\nitems:\n- {kind: Service, metadata: {name: s}}\n- kind: Pod\n"
                          "  metadata: {name: a, namespace: rucio-atlas}\n  spec: {containers: [{name: rucio-server}]}\n"
                          "---\nkind: Pod\nmetadata: {name: b, namespace: rucio-atlas}\n"
                          "spec: {containers: [{name: rucio-ui}]}\n")
        self.assertIn("2 lacking", self.audit("-f", pods, code=1).stdout)

    def test_what_holds_no_pod_is_no_answer(self):
        for text in ("", "[]", '{"kind":"Deployment"}', '{"kind":"PodList","items":[]}', "kind: Service\n",
                     '{"kind":"List","items":[{"kind":"Deployment","spec":{"template":{"spec":{"containers":[]}}}}]}'):
            with self.subTest(text=text):
                done = self.audit("-f", self.write(text), code=3)
                self.assertEqual(done.stdout, "")
                self.assertRegex(done.stderr, r"pods: found no pod \(other objects: [01]\), expected what `kubectl get pods")

    def test_what_is_no_manifest_is_no_answer(self):
        for text, words in (("{", "pods:1:2: error: expected a key"), ("\x00", "pods:1:1: error: this is not YAML: found the "
                            "character U+0000"), ("a: [1", "pods:1:6: error: this is not YAML")):
            with self.subTest(text=text):
                self.assertIn(words, self.audit("-f", self.write(text), code=3).stderr)
        self.assertIn("nowhere: cannot be read", self.audit("-f", "nowhere", code=3).stderr)

    def test_namespace_without_pods_is_no_answer(self):
        text = json.dumps({"kind": "PodList", "items": [pod("a")]})
        self.assertIn("found no pod of namespace other", self.audit("-f", self.write(text), "-n", "other", code=3).stderr)

    def test_every_file_counts(self):
        for name in "a", "b":
            (self.folder / f"{name}.json").write_text(json.dumps({"kind": "PodList", "items": [pod(name)]}))
        report = json.loads(self.audit("-f", str(self.folder), "-f", str(self.folder / "a.json"), "-o", "json", code=3).stdout
                            or "null")
        self.assertIsNone(report)  # policy.yaml is in the folder, and holds no pod
        report = json.loads(self.audit("-f", str(self.folder / "b.json"), "-f", str(self.folder / "a.json"), "-o", "json",
                                       code=1).stdout)
        self.assertEqual([row["name"] for row in report["workloads"]], ["b", "a"])

    def test_thousands_of_pods_in_yaml(self):
        pods = "".join(f"- metadata: {{name: p{i}, namespace: rucio-atlas}}\n  spec: {{containers: [{{name: rucio-ui}}]}}\n"
                       for i in range(3000))
        path = self.write("kind: PodList\nitems:\n" + pods)
        self.assertIn("3000 Rucio pods, 3000 lacking", self.audit("-f", path, code=1).stdout)

    def test_more_pods_than_there_is_memory_for(self):
        pods = self.write('{"kind":"PodList","items":[' + ",".join(["{}"] * 200000) + "]}")
        self.assertIn("found more pods than there is memory for", self.audit("-f", pods, code=3).stderr)

    def test_bad_pod_is_a_row(self):
        bad = [{}, 5, {"metadata": {"name": 5}}, {"metadata": {"name": "c"}, "spec": {"containers": 5}}]
        report = self.audit_pods(pod("a"), *bad, pod("b"), code=1)
        self.assertEqual([(row["name"], row["state"]) for row in report["workloads"]],
                         [("a", "lacking"), ("", "refused"), ("/items/2", "refused"), ("/items/3", "refused"), ("c", "refused"),
                          ("b", "lacking")])
        self.assertIn("spec.containers", report["workloads"][4]["detail"])

    def test_yaml_says_the_same_as_json(self):
        pods = self.write(json.dumps({"kind": "PodList", "items": [pod("a")]}))
        self.assertEqual(yaml.safe_load(self.audit("-f", pods, "-o", "yaml", code=1).stdout),
                         json.loads(self.audit("-f", pods, "-o", "json", code=1).stdout))

    def test_nothing_of_a_pod_reaches_the_terminal_as_it_is(self):
        odd = "\x1b[31m\nrucio-atlas  Pod  fake  current\x9b"
        things = [pod(odd, **owner(odd, odd)), pod("a", annotations={"policy.rucio.cern.ch/revision": odd}),
                  pod("b", annotations={"policy.rucio.cern.ch/revision": 63 * "a" + "é"}),
                  pod("c", annotations={"policy.rucio.cern.ch/policy": odd})]
        out = self.audit("-f", self.write(json.dumps({"kind": "PodList", "items": things})), code=1).stdout
        self.assertNotRegex(out, "[\x00-\x09\x0b-\x1f\x7f-\x9f]|\nrucio-atlas  Pod  fake")
        self.assertEqual(out.count("\n"), 7, out)
        self.assertIn("has " + 63 * "a" + "?, wants", out)

    def test_scalars_of_all_kinds(self):
        pods = self.write("kind: Pod\nmetadata: {name: a, namespace: rucio-atlas, labels: ~}\nspec:\n"
                          "  containers: [{name: rucio-server}]\n  x: [0.5, 18446744073709551615, -3, true, yes]\n")
        self.assertIn("1 lacking", self.audit("-f", pods, code=1).stdout)

    def test_configuration_with_errors(self):
        self.configuration = "policies: []\n"
        self.assertIn("policy.yaml:1:", self.audit("-f", self.write("{}"), code=3).stderr)

    def test_usage(self):
        for flags, words in ((["-o", "xml"], "expected table, json or yaml"), (["-n", "A"], "the name of a namespace"), (["x"], "-f"),
                             (["-f", "a", "--context", "b"], "found --context, too"), (["--nonsense"], "no such flag")):
            self.assertIn(words, self.audit(*flags, code=2).stderr)
        self.assertEqual(run("audit").returncode, 2)
        self.assertEqual(run("audit", "--help").returncode, 0)


@unittest.skipUnless(can_be_a_pod(), "no mount namespace can be made here")
class InAPod(AuditCase):
    """The API is asked, by the ServiceAccount."""

    def setUp(self):
        super().setUp()
        self.api = KubeApi()
        self.addCleanup(self.api.close)

    def audit(self, *flags, code=0):
        (self.folder / "policy.yaml").write_text(self.configuration)
        done = self.api.run_in_pod("audit", "--config", str(self.folder / "policy.yaml"), *flags)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def test_pages(self):
        self.api.objects["/api/v1/pods"] = [pod(f"p{i}", container="nginx") for i in range(600)] + [pod("last")]
        out = self.audit(code=1).stdout
        self.assertIn("1 Rucio pod, 1 lacking", out)
        self.assertEqual([path for _, path, _ in self.api.requests],
                         ["/api/v1/pods?limit=250", "/api/v1/pods?limit=250&continue=250",
                          "/api/v1/pods?limit=250&continue=500"])

    def test_namespace(self):
        self.api.objects["/api/v1/namespaces/rucio-atlas/pods"] = [pod("a")]
        self.assertIn("1 lacking", self.audit("-n", "rucio-atlas", code=1).stdout)

    def test_list_that_is_too_old_is_begun_again(self):
        self.api.objects["/api/v1/pods"] = [pod(f"p{i}") for i in range(300)]
        gone = []

        def be_gone(_, __, path):
            if "continue" in path and len(gone) < 2:
                gone.append(path)
                return status(410, "The provided continue parameter is too old")
            return None

        self.api.on_request = be_gone
        self.assertIn("300 Rucio pods, 300 lacking", self.audit(code=1).stdout)

    def test_list_that_is_always_too_old(self):
        self.api.objects["/api/v1/pods"] = [pod(f"p{i}") for i in range(300)]
        self.api.on_request = lambda _, __, path: status(410, "too old") if "continue" in path else None
        self.assertIn("410: too old", self.audit(code=3).stderr)

    def test_forbidden_names_the_missing_rule(self):
        self.api.on_request = lambda *_: status(403, "no")
        error = self.audit(code=3).stderr
        self.assertIn("does not list pods: 403: no\nThis rule allows it, in a ClusterRole:\n\n- apiGroups: [\"\"]\n"
                      "  resources: [pods]\n  verbs: [list]\n", error)

    def test_answer_that_is_no_list(self):
        self.api.on_request = lambda *_: (200, {"kind": "Status"})
        self.assertIn("the API: found no pod (other objects: 1), expected some", self.audit(code=3).stderr)
        self.api.on_request = lambda *_: (200, b"[")
        self.assertIn("the cluster's pods cannot be read", self.audit(code=3).stderr)

    def test_continuation_is_escaped(self):
        pages = [{"items": [], "metadata": {"continue": "a&b=/+"}}, {"items": [pod("a", "other")]}]
        self.api.on_request = lambda number, *_: (200, {"kind": "PodList", **pages[number - 1]})
        self.audit()
        self.assertEqual(self.api.requests[1][1], "/api/v1/pods?limit=250&continue=a%26b%3D%2F%2B")


KUBECTL = """#!/bin/sh
echo "$@" >"$0.arguments"
cat "$0.pods"
exit "$(cat "$0.status")"
"""


class Kubectl(AuditCase):
    """Outside of a pod kubectl is asked, whatever its way to log in."""

    def audit_with(self, *flags, pods=(), status=0, code=0, path=None):
        program = self.folder / "kubectl"
        program.write_text(KUBECTL)
        program.chmod(0o755)
        printed = json.dumps({"kind": "List", "items": [{"kind": "Pod", **thing} for thing in pods]})
        (self.folder / "kubectl.pods").write_text(printed if status == 0 else "")
        (self.folder / "kubectl.status").write_text(str(status))
        (self.folder / "policy.yaml").write_text(self.configuration)
        done = run("audit", "--config", str(self.folder / "policy.yaml"), *flags, PATH=path or f"{self.folder}:/usr/bin:/bin")
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def arguments(self):
        return (self.folder / "kubectl.arguments").read_text().split()

    def test_pods_of_all_namespaces(self):
        self.assertIn("1 lacking", self.audit_with(pods=[pod("a")], code=1).stdout)
        self.assertEqual(self.arguments(), ["get", "pods", "-o", "json", "-A"])

    def test_context_and_namespace(self):
        self.audit_with("--context", "far", "-n", "rucio-atlas", pods=[pod("a")], code=1)
        self.assertEqual(self.arguments(), ["get", "pods", "-o", "json", "--context", "far", "-n", "rucio-atlas"])

    def test_failure_is_no_answer(self):
        done = self.audit_with(status=1, code=3)
        self.assertEqual((done.stdout, done.stderr),
                         ("", "kubectl get pods: ended with the exit status 1; -f reads pods from a file\n"))

    def test_cluster_without_pods_is_no_answer(self):
        self.assertIn("kubectl get pods: found no pod", self.audit_with(code=3).stderr)

    def test_kubectl_that_is_not_there_is_named(self):
        self.assertIn("kubectl: cannot be run: No such file", self.audit_with(code=3, path="/nowhere").stderr)


@unittest.skipUnless(CASES.is_dir(), f"no cases in {CASES}")
class Cases(Offline):
    """Pods that an earlier audit was wrong about."""

    def audit(self, *name, code):
        done = run("audit", "--config", str(CASES / "pol.yaml"), "-f", str(CASES.joinpath(*name)))
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def test_what_holds_no_pod_is_no_answer(self):
        for name in ("audit-empty-stdin", "empty"), ("audit-list-of-deployments", "in.json"):
            self.assertIn("found no pod", self.audit(*name, code=3).stderr)

    def test_revision_that_is_no_text_for_a_terminal_is_a_row(self):
        for name in "audit-revision-utf8", "audit-revision-escape":
            out = self.audit(name, "pods.json", code=1).stdout
            self.assertEqual((out.count("\n"), out.count("old revision")), (4, 2), out)
            self.assertNotIn("\x1b", out)


if __name__ == "__main__":
    unittest.main()
