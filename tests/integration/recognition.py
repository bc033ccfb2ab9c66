"""Which pods are Rucio's, as every verb says it, for pods as people deploy them."""
import json
import os
import pathlib
import unittest

from offline import ROOT, Offline

CASES = pathlib.Path(os.environ.get("RPW_DEPLOYMENT_CASES", ROOT.parent / "shared" / "cases" / "deployments"))
POLICY = """\
policies:
  - {name: m, match: {namespaces: [rucio]}, package: my_policy, source: {preinstalled: {}}, pythonPath: entrypoint}
"""


def pod(name="p", namespace="rucio", **container):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace},
            "spec": {"containers": [{"name": "main", **container}]}}


class Recognition(Offline):
    def explain(self, thing, configuration=POLICY):
        return self.mutate(configuration, json.dumps(thing), "-o", "explain").stdout

    def test_explain_says_by_what_a_container_was_recognised(self):
        self.assertIn("    ok  container main: its image matches rucio-server, rucio-daemons, ",
                      self.explain(pod(image="rucio/rucio-init:38")))
        self.assertIn("Pod/other/p: left alone: it looks like Rucio by its image, but no policy selects it\n",
                      self.explain(pod(namespace="other", image="rucio/rucio-init:38")))
        self.assertIn("left alone: it looks like Rucio by its variable, but no policy selects it\n",
                      self.explain(pod(image="x", env=[{"name": "RUCIO_DAEMON", "value": "reaper"}])))
        self.assertIn("left alone: no policy selects it\n", self.explain(pod(image="x", env=[{"name": "RUCIO_HOME"}])))

    def test_explain_names_what_the_policy_asks_for(self):
        for match, words in (('containers: [a], images: [b, "c*"]', "none named a, none with the image b or c*"),
                             ("images: [b]", "none with the image b"), ("containers: [a]", "none named a"),
                             ("{}", "none with a name or an image of Rucio")):
            with self.subTest(match):
                configuration = POLICY.replace("namespaces: [rucio]", match.strip("{}"))
                self.assertIn(f"    no  containers: {words}\n", self.explain(pod(image="x"), configuration))

    def test_summary_tells_of_pods_that_look_like_rucio(self):
        done = self.mutate(POLICY, json.dumps(pod(namespace="other", image="rucio/rucio-init:38")))
        self.assertIn("1 left alone: it looks like Rucio by its image, but no policy selects it in namespace other\n",
                      done.summary)

    def test_annotation_on_the_workload_is_told(self):
        thing = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {
            "name": "d", "namespace": "rucio", "annotations": {"policy.rucio.cern.ch/policy": "x"}},
            "spec": {"template": {"spec": pod(image="x")["spec"]}}}
        words = ("Deployment/rucio/d: warning: the annotation policy.rucio.cern.ch/{} has no effect here; it belongs to the "
                 "pod template: {}/spec/template/metadata\n")
        self.assertEqual(self.mutate(POLICY, json.dumps(thing)).stderr, words.format("policy", ""))
        thing["metadata"]["annotations"] = {"policy.rucio.cern.ch/inject": False}
        self.assertEqual(self.mutate(POLICY, json.dumps({"kind": "List", "items": [thing]})).stderr,
                         words.format("inject", "/items/0"))
        thing = pod(image="x")
        thing["metadata"]["annotations"] = {"policy.rucio.cern.ch/inject": "false"}
        self.assertEqual(self.mutate(POLICY, json.dumps(thing)).stderr, "")

    def test_pattern_for_every_image_is_refused_in_a_registration(self):
        (self.folder / "policy.yaml").write_text(POLICY.replace("namespaces: [rucio]", 'images: ["*:*"]'))
        done = self.run_program("registration", "--config", "policy.yaml")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("the image pattern '*:*' means every image, so every pod of the cluster would depend on the webhook",
                      done.stderr)


@unittest.skipUnless(CASES.is_dir(), f"no cases in {CASES}")
class Cases(Offline):
    def test_rucio_pods_are_not_missed(self):
        folder = CASES / "rucio-pods-not-seen"
        done = self.run_program("mutate", "--config", folder / "policy.yaml", "-f", folder / "input.yaml", "-n", "rucio")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("5 documents, 5 pods or pod templates:\n  5 patched by policy m\n", done.stderr)
        self.assertEqual(done.stdout.count("name: RUCIO_POLICY_PACKAGE\n"), 5)

    def test_running_rucio_pods_are_not_missed(self):
        folder = CASES / "rucio-pods-not-seen"
        done = self.run_program("audit", "--config", folder / "policy.yaml", "-f", folder / "running.yaml", "-o", "json")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual([row["state"] for row in json.loads(done.stdout)["workloads"]], ["lacking", "lacking"])

    def test_annotation_on_the_deployment_is_told(self):
        folder = CASES / "annotation-on-the-deployment"
        done = self.run_program("mutate", "--config", folder / "policy.yaml", "-f", folder / "input.yaml", "-n", "rucio")
        self.assertIn("warning: the annotation policy.rucio.cern.ch/inject has no effect here; it belongs to the pod "
                      "template: /spec/template/metadata\n", done.stderr)


if __name__ == "__main__":
    unittest.main()
