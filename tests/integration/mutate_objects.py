"""The `mutate` verb on all kinds of Kubernetes objects: where their pods are, in YAML and in JSON, alone and in lists."""

import json
import unittest

import jsonpatch
import yaml

from corpus import CASES
from offline import Offline

CONFIGURATION = """\
policies:
  - name: atlas
    match: {namespaces: [rucio-atlas]}
    package: atlas_policy
    source: {volume: {persistentVolumeClaim: {claimName: atlas-policy}}}
"""
VARIABLES = ["POLICY_PKG_PATH", "RUCIO_POLICY_PACKAGE", "RUCIO_CFG_POLICY_PACKAGE", "PYTHONPATH"]
META = {"name": "x", "namespace": "rucio-atlas"}
POD_SPEC = {"containers": [{"name": "rucio-server", "image": "rucio"}, {"name": "side", "image": "busybox"}]}


def template():
    return {"metadata": {"labels": {"app": "rucio"}}, "spec": json.loads(json.dumps(POD_SPEC))}


def workload(kind, version):
    return {"apiVersion": version, "kind": kind, "metadata": dict(META), "spec": {"template": template()}}


def pod(**metadata):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {**META, **metadata}, "spec": template()["spec"]}


def cron_job():
    spec = {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": template()}}}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": dict(META), "spec": spec}


# Object to the path of its pod.
KINDS = [
    (pod(), ""),
    (workload("Deployment", "apps/v1"), "/spec/template"),
    (workload("Deployment", "extensions/v1beta1"), "/spec/template"),
    (workload("StatefulSet", "apps/v1"), "/spec/template"),
    (workload("DaemonSet", "apps/v1"), "/spec/template"),
    (workload("ReplicaSet", "apps/v1"), "/spec/template"),
    (workload("ReplicationController", "v1"), "/spec/template"),
    (workload("Job", "batch/v1"), "/spec/template"),
    (cron_job(), "/spec/jobTemplate/spec/template"),
]


def pods_in(value):
    """Every mapping below value that has containers, which is what a pod's spec looks like."""
    if isinstance(value, dict):
        if "containers" in value:
            yield value
        for child in value.values():
            yield from pods_in(child)
    elif isinstance(value, list):
        for child in value:
            yield from pods_in(child)


def variables(spec):
    return [entry["name"] for entry in spec["containers"][0].get("env", [])]


class Objects(Offline):
    def run_ok(self, text, *arguments):
        result = self.mutate(CONFIGURATION, text, *arguments)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return result.stdout

    def patches(self, text):
        return json.loads(self.run_ok(text, "-o", "patch"))

    def check(self, value, paths):
        """The pods at these paths are patched, in every form of input and output alike."""
        patch = self.patches(json.dumps(value))
        self.assertEqual(len(patch), 1)
        expected = jsonpatch.apply_patch(value, patch[0]["patch"])
        for path in paths:
            touched = [operation["path"] for operation in patch[0]["patch"] if operation["path"].startswith(path + "/")]
            self.assertTrue(any("/spec/containers/0/env" in name for name in touched), path)
        for text in (json.dumps(value), yaml.safe_dump(value, sort_keys=False)):
            self.assertEqual(self.patches(text), patch)
            self.assertEqual(json.loads(self.run_ok(text, "-o", "json")), expected)
            self.assertEqual(yaml.safe_load(self.run_ok(text, "-o", "yaml")), expected)
            once = self.run_ok(text)
            self.assertEqual(self.run_ok(once), once, "what comes out is patched again")
        return expected

    def test_pod_of_every_kind_is_found(self):
        for value, path in KINDS:
            with self.subTest(kind=value["kind"], version=value["apiVersion"]):
                spec, = pods_in(self.check(value, [path]))
                self.assertEqual(variables(spec), VARIABLES)
                self.assertNotIn("env", spec["containers"][1])

    def test_list_holds_objects_of_all_kinds(self):
        value = {"apiVersion": "v1", "kind": "List", "items": [value for value, _ in KINDS]}
        self.check(value, [f"/items/{index}{path}" for index, (_, path) in enumerate(KINDS)])

    def test_pod_list_holds_pods_that_do_not_say_their_kind(self):
        items = [{"metadata": dict(META), "spec": template()["spec"]} for _ in range(2)]
        self.check({"apiVersion": "v1", "kind": "PodList", "items": items}, ["/items/0", "/items/1"])

    def test_deployment_list_holds_deployments(self):
        item = {"metadata": dict(META), "spec": {"template": template()}}
        self.check({"apiVersion": "apps/v1", "kind": "DeploymentList", "items": [item]}, ["/items/0/spec/template"])

    def test_list_in_a_list_is_looked_into(self):
        inner = {"apiVersion": "v1", "kind": "List", "items": [pod()]}
        self.check({"apiVersion": "v1", "kind": "List", "items": [inner]}, ["/items/0/items/0"])

    def test_template_without_metadata_gets_some(self):
        value = workload("Deployment", "apps/v1")
        del value["spec"]["template"]["metadata"]
        self.check(value, ["/spec/template"])

    def test_other_kinds_come_out_as_they_went_in(self):
        for value in [
            {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "b"}},
            {"apiVersion": "batch.volcano.sh/v1alpha1", "kind": "Job", "spec": {"template": template()}},
            {"apiVersion": "apps/v1", "kind": "Pod", "spec": POD_SPEC},
            {"apiVersion": "apps/v1", "kind": "Deployment"},
            {"apiVersion": "apps/v1", "kind": "Deployment", "spec": None},
            {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": []}},
            {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": META, "spec": {"jobTemplate": "none"}},
            {"apiVersion": "v1", "kind": "List", "items": {}},
            {"apiVersion": "v1", "kind": "List", "items": [None, "text", 5]},
        ]:
            with self.subTest(value=value):
                text = yaml.safe_dump(value)
                self.assertEqual(self.run_ok(text, "-n", "rucio-atlas"), text)
                self.assertEqual(json.loads(self.run_ok(json.dumps(value), "-n", "rucio-atlas")), value)
                self.assertEqual(self.patches(text), [])

    def test_namespace_of_a_workload_is_that_of_its_pods(self):
        value = workload("Deployment", "apps/v1")
        value["spec"]["template"]["metadata"]["namespace"] = "elsewhere"
        self.check(value, ["/spec/template"])
        value["metadata"]["namespace"] = "elsewhere"
        self.assertEqual(self.patches(json.dumps(value)), [])

    def test_namespace_flag_is_for_objects_that_have_none(self):
        self.assertNotEqual(json.loads(self.run_ok(json.dumps(pod()), "-n", "elsewhere", "-o", "patch")), [])
        bare = pod()
        del bare["metadata"]["namespace"]
        self.assertEqual(json.loads(self.run_ok(json.dumps(bare), "-n", "elsewhere", "-o", "patch")), [])
        self.assertNotEqual(json.loads(self.run_ok(json.dumps(bare), "-n", "rucio-atlas", "-o", "patch")), [])

    def test_patch_names_the_document_and_its_object(self):
        text = yaml.safe_dump_all([{"kind": "ConfigMap"}, pod(), workload("Job", "batch/v1")])
        named = [{key: value for key, value in entry.items() if key != "patch"} for entry in self.patches(text)]
        self.assertEqual(named, [
            {"document": 2, "kind": "Pod", "namespace": "rucio-atlas", "name": "x"},
            {"document": 3, "kind": "Job", "namespace": "rucio-atlas", "name": "x"},
        ])

    def test_json_of_several_documents_is_one_value_after_the_other(self):
        text = self.run_ok(yaml.safe_dump_all([{"kind": "ConfigMap"}, pod()]), "-o", "json")
        first, end = json.JSONDecoder().raw_decode(text)
        second, _ = json.JSONDecoder().raw_decode(text[end:].lstrip())
        self.assertEqual((first, variables(second["spec"])), ({"kind": "ConfigMap"}, VARIABLES))


class Summary(Offline):
    """Standard error ends with what was looked at."""

    def summary(self, text, *arguments, configuration=CONFIGURATION):
        return self.mutate(configuration, text, *arguments).summary

    def test_namespace_that_was_assumed_is_told(self):
        deployment = workload("Deployment", "apps/v1")
        del deployment["metadata"]["namespace"]
        self.assertEqual(self.summary(json.dumps(deployment)), """\
1 document, 1 pod or pod template:
  1 left alone: it looks like Rucio by its name, but no policy selects it in namespace default, which is assumed: the object names none, -n sets it
""")
        self.assertEqual(self.summary(json.dumps(deployment), "-n", "elsewhere"), """\
1 document, 1 pod or pod template:
  1 left alone: it looks like Rucio by its name, but no policy selects it in namespace elsewhere
""")

    def test_pods_are_counted_by_what_is_done(self):
        away = {"policy.rucio.cern.ch/inject": "false"}
        things = [pod(), pod(namespace="b\x1b"), pod(annotations=away), cron_job(),
                  {**pod(), "spec": {**POD_SPEC, "os": {"name": "windows"}}},
                  pod(annotations={"kubernetes.io/config.mirror": "x"})]
        patched = json.loads(self.mutate(CONFIGURATION, json.dumps(pod())).stdout)
        text = json.dumps({"kind": "List", "items": [*things, patched]}) + json.dumps({"kind": "Service"})
        self.assertEqual(self.summary(text, "-o", "patch"), """\
2 documents, 7 pods or pod templates:
  2 patched by policy atlas
  1 left alone: it looks like Rucio by its name, but no policy selects it in namespace b?
  1 left alone: its annotation policy.rucio.cern.ch/inject is "false"
  1 left alone: a pod for Windows
  1 left alone: a mirror pod, which the kubelet runs already
  1 already as policy atlas wants it
""")

    def test_refused_pods_are_counted(self):
        configuration = CONFIGURATION + "unmatched: reject\n"
        self.assertIn("  1 refused\n", self.summary(json.dumps(pod(namespace="b")), configuration=configuration))

    def test_kinds_that_make_pods_out_of_sight_are_named(self):
        text = yaml.safe_dump_all([{"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout"},
                                   {"apiVersion": "v1", "kind": "Service"},
                                   {"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease"}])
        expected = """\
3 documents, 0 pods or pod templates
2 not looked into, though of a kind that makes pods: Rollout (document 1), HelmRelease (document 3)
"""
        self.assertEqual(self.summary(text), expected)
        self.assertEqual(self.summary(self.mutate(CONFIGURATION, text, "-o", "json").stdout), expected)

    def test_many_of_these_kinds_are_not_all_named(self):
        text = "apiVersion: keda.sh/v1\nkind: ScaledJob\n---\n" * 12
        self.assertIn("12 not looked into, though of a kind that makes pods: ScaledJob (document 1)", self.summary(text))
        self.assertTrue(self.summary(text).endswith("ScaledJob (document 10), ...\n"))


@unittest.skipUnless(CASES.is_dir(), f"no cases in {CASES}")
class Cases(Offline):
    """Inputs that an earlier `mutate` was wrong about."""

    def run_case(self, folder, name, *arguments):
        own = CASES / folder / "policy.yaml"
        return self.run_program("mutate", "--config", str(own if own.exists() else CASES / "pol.yaml"), "-f",
                                str(CASES / folder / name), *arguments)

    def test_keys_with_properties_are_read(self):
        for path in sorted((CASES / "mutate-hang-list-indent-underflow").rglob("*.yaml")):
            with self.subTest(path.name):
                done = self.run_case("mutate-hang-list-indent-underflow", path, "-o", "yaml")
                self.assertEqual(done.returncode, 0, done.stderr)
                spec, = pods_in(yaml.safe_load(done.stdout))
                self.assertEqual(variables(spec), VARIABLES)

    def test_difference_of_a_long_list_has_the_lines_that_change(self):
        for name, pods in ("list150.yaml", 150), ("json60.json", 60):
            done = self.run_case("diff-list-over-2000-edits", name, "-o", "diff")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertLess(sum(line.startswith("-") for line in done.stdout.splitlines()), 4 * pods)

    def test_mount_of_theirs_at_the_path_is_a_conflict(self):
        self.assertIn("/opt/rucio/policy is the pod's own and stays, in conflict with the policy: volume mine\n",
                      self.run_case("explain-mount-conflict", "pod.yaml", "-o", "explain").stdout)

    def test_namespace_that_was_assumed_is_told(self):
        done = self.run_case("mutate-silent-namespace", "in.yaml", "-o", "diff")
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertIn("in namespace default, which is assumed", done.stderr)


class Refusals(Offline):
    CONFIGURATION = CONFIGURATION + "    onConflict: reject\n"

    def setUp(self):
        super().setUp()
        refused = workload("Deployment", "apps/v1")
        refused["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "RUCIO_POLICY_PACKAGE", "value": "mine"}]
        self.text = yaml.safe_dump_all([pod(), refused])

    def refuse(self, *arguments):
        result = self.mutate(self.CONFIGURATION, self.text, *arguments)
        self.assertEqual(result.returncode, 1)
        self.assertIn('<stdin>: document 2: Deployment/rucio-atlas/x: refused: policy "atlas" cannot be applied: ',
                      result.stderr)
        return result.stdout

    def test_refused_pod_keeps_every_object_back(self):
        for form in ["yaml", "json", "patch"]:
            with self.subTest(form):
                self.assertEqual(self.refuse("-o", form), "")

    def test_refused_pod_does_not_keep_the_difference_of_others_back(self):
        self.assertIn("--- Pod/rucio-atlas/x\n", self.refuse("-o", "diff"))

    def test_refused_pod_is_explained(self):
        self.assertIn("Deployment/rucio-atlas/x: refused\n    policy \"atlas\" cannot be applied: ",
                      self.refuse("-o", "explain"))


if __name__ == "__main__":
    unittest.main()
