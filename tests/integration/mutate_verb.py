"""The `mutate` verb: what an administrator types, and what comes back."""

import base64
import json
import resource
import subprocess
import unittest

import jsonpatch

from offline import ROOT, Offline, review_of
from support import RELEASE_PROGRAM

CONFIGURATION = """\
policies:
  - name: atlas
    match: {namespaces: [rucio-atlas]}
    package: atlas_policy
    source: {preinstalled: {}}
    onConflict: reject
"""


def pod(**container):
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "rucio"},
        "spec": {"containers": [{"name": "rucio-server", **container}]},
    }


def variables(text):
    return [entry["name"] for entry in json.loads(text)["spec"]["containers"][0].get("env", [])]


OURS = ["POLICY_PKG_PATH", "RUCIO_POLICY_PACKAGE", "RUCIO_CFG_POLICY_PACKAGE", "PYTHONPATH"]


class MutateVerb(Offline):
    def test_pod_comes_out_patched(self):
        result = self.mutate(CONFIGURATION, json.dumps(pod()), "--namespace", "rucio-atlas")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(variables(result.stdout), OURS)

    def test_pod_is_read_from_a_file(self):
        (self.folder / "pod.json").write_text(json.dumps(pod()))
        result = self.mutate(CONFIGURATION, "", "-f", "pod.json", "--namespace", "rucio-atlas")
        self.assertEqual(variables(result.stdout), OURS)

    @unittest.skipUnless(RELEASE_PROGRAM, "needs RPW_RELEASE_PROGRAM: AddressSanitizer takes more than there is")
    def test_without_memory_it_says_so_and_prints_nothing(self):
        data = {str(i): 50 * "x" for i in range(200000)}
        (self.folder / "large.json").write_text(json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "data": data}))
        (self.folder / "policy.yaml").write_text(CONFIGURATION)
        limit = 96 * 1024 * 1024
        done = subprocess.run([RELEASE_PROGRAM, "mutate", "--config", "policy.yaml", "-f", "large.json", "-o", "yaml"],
                              cwd=self.folder, capture_output=True, text=True, check=False,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertIn("out of memory", done.stderr)

    def test_namespace_is_default_when_nobody_gives_one(self):
        self.assertEqual(variables(self.mutate(CONFIGURATION, json.dumps(pod())).stdout), [])

    def test_namespace_is_the_pods_own_where_it_has_one(self):
        example = pod()
        example["metadata"]["namespace"] = "rucio-atlas"
        for arguments in ([], ["--namespace", "elsewhere"]):
            self.assertEqual(variables(self.mutate(CONFIGURATION, json.dumps(example), *arguments).stdout), OURS)

    def test_numbers_and_unknown_fields_come_out_as_they_went_in(self):
        text = json.dumps(pod(resources={"limits": {"cpu": 0.1}}, future=[1e21, -0.0, 9007199254740993]))
        self.assertEqual(self.mutate(CONFIGURATION, text).stdout, text)
        result = self.mutate(CONFIGURATION, text, "-n", "rucio-atlas")
        self.assertIn('"cpu": 0.1\n', result.stdout)
        self.assertIn("9007199254740993", result.stdout)
        self.assertEqual(json.loads(result.stdout)["spec"]["containers"][0]["future"], [1e21, -0.0, 9007199254740993])

    def test_numbers_that_need_17_digits_keep_them(self):
        example = pod(future=[0.1234567890123456789, 0.30000000000000004])
        for format in "json", "yaml":
            done = self.mutate(CONFIGURATION, json.dumps(example), "-n", "rucio-atlas", "-o", format)
            self.assertIn("0.12345678901234568", done.stdout)
            self.assertIn("0.30000000000000004", done.stdout)

    def test_review_is_answered_with_a_review(self):
        result = self.mutate(CONFIGURATION, json.dumps(review_of(pod(), "a-b-c")))
        answer = json.loads(result.stdout)
        self.assertEqual(result.returncode, 0)
        self.assertEqual(answer["kind"], "AdmissionReview")
        self.assertEqual(answer["response"]["uid"], "a-b-c")
        patched = jsonpatch.apply_patch(pod(), json.loads(base64.b64decode(answer["response"]["patch"])))
        self.assertEqual(variables(json.dumps(patched)), OURS)

    def test_warnings_go_to_standard_error(self):
        configuration = CONFIGURATION.replace("reject", "keep")
        example = pod(env=[{"name": "RUCIO_POLICY_PACKAGE", "value": "mine"}])
        result = self.mutate(configuration, json.dumps(example), "--namespace", "rucio-atlas")
        self.assertEqual(result.returncode, 0)
        self.assertEqual(
            result.stderr,
            'Pod/rucio-atlas/rucio: warning: policy atlas: rucio-server: RUCIO_POLICY_PACKAGE stays "mine", not "atlas_policy"\n',
        )

    def test_refused_pod_exits_1_and_says_why(self):
        example = pod(env=[{"name": "RUCIO_POLICY_PACKAGE", "value": "mine"}])
        result = self.mutate(CONFIGURATION, json.dumps(example), "--namespace", "rucio-atlas")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn('RUCIO_POLICY_PACKAGE: the pod has "mine", the policy "atlas_policy"', result.stderr)


class MutateErrors(Offline):
    def check(self, expected, stdin, *arguments, configuration=CONFIGURATION, code=3):
        result = self.mutate(configuration, stdin, *arguments)
        self.assertEqual((result.returncode, result.stdout), (code, ""), result.stderr)
        self.assertIn(expected, result.stderr)

    def test_text_that_is_not_json_is_placed_by_line_and_column(self):
        self.check("<stdin>:2:7: error: expected a key in double quotes, found '}'", '{"kind":\n"Pod",}')

    def test_missing_kind_is_named(self):
        self.check("<stdin>:1:1: error: kind: expected the kind of a Kubernetes object, found nothing", "{}")

    def test_kind_that_is_no_string_is_named(self):
        self.check("<stdin>:1:10: error: kind: expected a string, found a number", '{"kind": 5}')

    def test_end_in_the_middle_is_named(self):
        self.check("<stdin>:1:9: error: expected a JSON value, found the end of the text", '{"kind":')

    def test_pod_of_the_wrong_shape_is_placed_by_its_own_bytes(self):
        self.check("<stdin>:1:36: error: spec.containers: expected an array, found an object",
                   '{"kind":"Pod","spec":{"containers":{}}}')

    def test_pod_that_is_nested_too_deeply_is_refused(self):
        self.check("expected at most 128 levels of nesting", '{"kind":"Pod","x":' + "[" * 200 + "]" * 200 + "}")

    def test_review_that_is_none_is_placed_by_byte(self):
        self.check("<stdin>:1:1: error: apiVersion: expected admission.k8s.io/v1", '{"kind":"AdmissionReview"}')

    def test_missing_file_is_named(self):
        self.check("nowhere.json: cannot be read: No such file or directory", "", "-f", "nowhere.json")

    def test_folder_without_manifests_is_named(self):
        (self.folder / "empty").mkdir()
        self.check("empty: found a folder without *.yaml, *.yml and *.json, expected some", "", "-f", "empty")

    def test_input_without_a_document_is_no_answer(self):
        for text in "", "\n", "---\n# nothing\n":
            with self.subTest(text):
                self.check("<stdin>: found no document, expected Kubernetes objects", text)

    def test_one_bad_file_of_several_keeps_all_back(self):
        (self.folder / "pod.json").write_text(json.dumps(pod()))
        self.check("nowhere.json: cannot be read: No such file", "", "-f", "pod.json", "-f", "nowhere.json")

    def test_review_over_seven_mebibytes_is_refused(self):
        self.check("larger than 7340032 bytes, which no review of a pod can be",
                   '{"kind":"AdmissionReview"' + " " * (7 * 1024 * 1024) + "}")

    def test_pod_over_seven_mebibytes_is_refused(self):
        self.check("<stdin>:1:1: error: found a pod of more than 7 MiB, which no review can hold",
                   '{"kind":"Pod"' + " " * (7 * 1024 * 1024) + "}")

    def test_input_over_64_mebibytes_is_refused(self):
        self.check("<stdin>: found more than 64 MiB, expected less", " " * (64 * 1024 * 1024 + 1))

    def test_broken_configuration_is_shown(self):
        self.check("policy.yaml:1:1: error:", "{}", configuration="polices: []\n")

    def test_missing_configuration_is_usage(self):
        result = self.run_program("mutate")
        self.assertEqual(result.returncode, 2)
        self.assertIn("--config: FILE is required", result.stderr)

    def test_extra_argument_is_usage(self):
        self.check("found 'pod.json', expected flags only; files are given with -f", "", "pod.json", code=2)

    def test_unknown_flag_is_usage(self):
        self.check("--nonsense: there is no such flag", "", "--nonsense", code=2)

    def test_unknown_output_is_usage(self):
        self.check("--output: found 'xml', expected yaml, json, patch, diff or explain", "", "-o", "xml", code=2)

    def test_other_forms_are_not_for_reviews(self):
        self.check("<stdin>: an AdmissionReview is answered with an AdmissionReview: this --output is for other objects",
                   json.dumps(review_of(pod(), "u")), "-o", "diff")

    def test_namespace_of_a_pod_that_is_no_string_is_named(self):
        self.check("<stdin>:1:39: error: metadata.namespace: expected a string, found a number",
                   '{"kind":"Pod","metadata":{"namespace":5}}')

    def test_pod_that_needs_more_memory_than_a_request_may_have_is_refused(self):
        self.check("the review needs more memory than a request may have",
                   '{"kind":"Pod","spec":{"containers":[' + ",".join(["{}"] * 1500000) + "]}}")

    def test_namespace_that_cannot_be_one_is_usage(self):
        for namespace in ["", "Rucio", "-a", "a" * 64]:
            with self.subTest(namespace):
                self.check(f"--namespace: found '{namespace}', expected the name of a namespace", "", "--namespace",
                           namespace, code=2)

    def test_number_that_the_webhook_takes_but_cannot_be_shown_is_named(self):
        self.check("the webhook takes this, but it cannot be shown here: real number overflow",
                   '{"kind":"Pod","x":1e400}', "-o", "yaml")

    def test_pod_in_a_review_may_hold_any_number(self):
        review = ('{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u","kind":{"kind":"Pod"},'
                  '"operation":"CREATE","object":{"spec":{"x":1e400}}}}')
        self.assertEqual(self.mutate(CONFIGURATION, review).returncode, 0)

    def test_output_that_cannot_be_written_is_an_error(self):
        (self.folder / "policy.yaml").write_text(CONFIGURATION)
        (self.folder / "pod.json").write_text(json.dumps(pod()))
        with open("/dev/full", "w") as full:
            result = self.run_program("mutate", "--config", "policy.yaml", "-f", "pod.json", stdout=full)
        self.assertEqual(result.returncode, 3)
        self.assertIn("the output could not be written: No space left on device", result.stderr)

    def test_help_is_no_error(self):
        result = self.run_program("mutate", "--help")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("Usage: rucio-policy-webhook mutate", result.stdout)


class MainProgram(Offline):
    def test_version_is_printed(self):
        for spelled in ("--version", "version"):
            self.assertRegex(self.run_program(spelled).stdout,
                             r"^rucio-policy-webhook \d+\.\d+\.\d+\nlibmicrohttpd (.*\n)+libfyaml \S+\n$")

    def test_help_names_every_verb(self):
        result = self.run_program("--help")
        self.assertEqual(result.returncode, 0)
        for verb in ["serve", "mutate", "check"]:
            self.assertIn(verb, result.stdout)

    def test_no_verb_is_usage(self):
        self.assertEqual(self.run_program().returncode, 2)

    def test_unknown_verb_is_named(self):
        result = self.run_program("mutilate")
        self.assertEqual(result.returncode, 2)
        self.assertIn("there is no verb 'mutilate'", result.stderr)


class GoldenPatches(Offline):
    """The golden cases' own runner applies patches with the program's applier; this is the independent one."""

    maxDiff = None

    def pod_of(self, folder):
        """The pod as it was asked about: after an older policy, and what others have done since (test_golden.c)."""
        if not (folder / "pod.json").exists():
            return json.loads((folder / "review.json").read_text())["request"]["object"]
        pod = json.loads((folder / "pod.json").read_text())
        if (folder / "older.yaml").exists():
            answer = self.mutate((folder / "older.yaml").read_text(), json.dumps(review_of(pod, "older"))).stdout
            patch = json.loads(answer)["response"]["patch"]
            pod = jsonpatch.apply_patch(pod, json.loads(base64.b64decode(patch)))
            for entry in pod["spec"].get("initContainers", []):  # without our scripts, as the golden files are
                if "command" in entry:
                    entry["command"] = [word if len(word) < 256 else "(the script)" for word in entry["command"]]
        if (folder / "meanwhile.json").exists():
            pod = jsonpatch.apply_patch(pod, json.loads((folder / "meanwhile.json").read_text()))
        return pod

    def test_every_golden_patch_gives_the_golden_pod_in_another_library_too(self):
        count = 0
        for folder in sorted((ROOT / "tests" / "golden").iterdir()):
            answer = json.loads((folder / "expected.json").read_text())
            if "patch" not in answer or (folder / "older.yaml").exists():  # that runner injects by the older policy first
                continue
            count += 1
            with self.subTest(folder.name):
                expected = json.loads((folder / "expected.pod.json").read_text())
                self.assertEqual(jsonpatch.apply_patch(self.pod_of(folder), answer["patch"]), expected)
        self.assertGreater(count, 100)


if __name__ == "__main__":
    unittest.main()
