"""The `check` verb: errors on standard error and exit 1, or a summary of what the policies will do."""

import json
import os
import subprocess
import unittest

import yaml

from offline import ROOT, Offline
from support import PROGRAM

CASES = ROOT.parent / "shared" / "cases" / "cli"
BROKEN = """\
policies:
  - name: Atlas
    packge: atlas_policy
"""


class CheckVerb(Offline):
    def check(self, text, *flags):
        (self.folder / "policy.yaml").write_text(text)
        return self.run_program("check", *flags, "policy.yaml")

    def test_sample_configuration_is_right(self):
        result = self.run_program("check", "-v", str(ROOT / "examples" / "policy.yaml"))
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertTrue(result.stdout.startswith(f"{ROOT}/examples/policy.yaml is right: 2 policies\n"))
        summary = yaml.safe_load(result.stdout.partition("\n")[2])
        first = summary["policies"][0]
        self.assertEqual((summary["unmatched"], first["name"], first["PYTHONPATH"]),
                         ("warn", "atlas", "/opt/rucio/policy:WHAT_THERE_IS"))
        self.assertEqual(first["variables"]["RUCIO_POLICY_PACKAGE"], "atlas_rucio_policy_package")
        self.assertEqual(first["pods"]["labels"], "rucio-daemon notin (hermes)")

    def test_samples_are_right_without_a_warning(self):
        for sample in (ROOT / "examples").glob("*.yaml"):
            with self.subTest(sample=sample.name):
                result = self.run_program("check", str(sample))
                self.assertEqual((result.returncode, result.stderr), (0, ""))
                self.assertEqual(result.stdout, f"{sample} is right: 2 policies\n")

    def test_sources_with_an_init_container_are_told(self):
        result = self.check("""\
policies:
  - name: a
    match: {namespaces: [a]}
    package: p
    source:
      pip:
        requirements: [a==1, "b >= 2"]
        env: [{name: TOKEN, value: secret}]
        image: i:1
        pullPolicy: Always
        resources: {limits: {cpu: 1}}
        securityContext: {runAsUser: 1}
        sizeLimit: 1Gi
        position: last
    verify: fail
  - {name: b, package: p, source: {copy: {image: "i:1", path: /p}}, verify: warn}
  - {name: c, package: p, source: {pip: {requirements: [a==1]}}}
""", "-v")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        a, b, c = yaml.safe_load(result.stdout[result.stdout.index("policies:"):])["policies"]
        self.assertEqual(a["source"], {
            "rucio-policy-install": {
                "args": ["--no-deps", "--", "a==1", "b >= 2"], "env": ["TOKEN"], "image": "i:1", "imagePullPolicy": "Always",
                "resources": {"limits": {"cpu": 1}}, "securityContext": {"runAsUser": 1}, "position": "last"},
            "volume": {"emptyDir": {"sizeLimit": "1Gi"}}, "subPath": "package"})
        self.assertEqual((a["verify"], b["verify"], c["verify"]), ("fail", "warn", "off"))
        self.assertEqual(b["source"]["rucio-policy-copy"], {"args": ["/p"], "image": "i:1", "position": "first"})
        self.assertEqual(c["source"]["rucio-policy-install"]["image"], "that of the container that gets the package")
        self.assertNotIn("secret", result.stdout)

    def test_errors_are_placed_all_at_once(self):
        result = self.check(BROKEN)
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertTrue(result.stderr.startswith("policy.yaml is wrong: 4 errors\n"))
        for place in ["policy.yaml:2:11: error: ", "policy.yaml:3:5: error: ", "^"]:
            self.assertIn(place, result.stderr)

    HINTS = (
        ("02-typo-namespace-singular", "did you mean 'namespaces'?"), ("11-verify-off-unmatched-off", "allow is what off would be"),
        ("14-pvc-at-source-level", "belongs below volume"), ("22-configmap", "found a ConfigMap"),
        ("24-policies-mapping", "each element begins with a hyphen"), ("26-preinstalled-true", "write source: {preinstalled: {}}"),
        ("28-glob-unquoted", "is put in quotes"), ("31-colon-no-space", "a colon is followed by a space"),
        ("32-helm-values", "--set-file configuration=policy.yaml"), ("33-smart-quotes", "these quotes are typographic"),
        ("36-matchLabels-wrong-level", "labels of pods belong below podSelector"), ("37-nfs", "write hostPath: {path: /DIRECTORY}"),
        ("39-env-key", "it belongs below match"), ("40-merge-helm-template", "found a template of Helm"),
    )

    @unittest.skipUnless(CASES.exists(), "the shared cases are not here")
    def test_what_people_write_gets_a_hint(self):
        self.assertEqual({name for name, _ in self.HINTS}, {file.stem for file in (CASES / "check-hints").iterdir()})
        for name, words in self.HINTS:
            with self.subTest(name):
                result = self.run_program("check", str(CASES / "check-hints" / f"{name}.yaml"))
                self.assertEqual(result.returncode, 1)
                self.assertIn(words, result.stderr)

    def test_standard_input_is_read_for_a_dash(self):
        result = self.run_program("check", "-", stdin=(ROOT / "examples" / "policy.yaml").read_text())
        self.assertEqual((result.returncode, result.stdout), (0, "<stdin> is right: 2 policies\n"))

    def test_missing_file_is_named(self):
        result = self.run_program("check", "nowhere.yaml")
        self.assertEqual(result.returncode, 3)
        self.assertIn("nowhere.yaml", result.stderr)
        self.assertIn("No such file or directory", result.stderr)

    def test_folder_is_refused(self):
        result = self.run_program("check", ".")
        self.assertEqual(result.returncode, 3)
        self.assertIn(".: ", result.stderr)

    UNREACHABLE = "policies:\n" + "".join(
        f"  - name: {name}\n    match: {{namespaces: [a]}}\n    package: p\n    source: {{preinstalled: {{}}}}\n"
        for name in "ab")

    def test_policy_that_cannot_be_reached_is_a_warning(self):
        result = self.check(self.UNREACHABLE)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertTrue(result.stdout.startswith("policy.yaml is right: 2 policies, 1 warning\npolicy.yaml:6:11: warning: "))

    def test_strict_makes_warnings_fail(self):
        result = self.check(self.UNREACHABLE, "--strict")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertTrue(result.stderr.startswith("policy.yaml is wrong: 2 policies, 1 warning\npolicy.yaml:6:11: warning: "))

    def test_json_has_findings_and_policies(self):
        right = json.loads(self.check(self.UNREACHABLE, "-o", "json").stdout)
        self.assertEqual((right["file"], right["right"], right["errors"]), ("policy.yaml", True, []))
        self.assertEqual([(w["line"], w["column"]) for w in right["warnings"]], [(6, 11)])
        self.assertIn("is never reached", right["warnings"][0]["message"])
        self.assertEqual([p["name"] for p in right["policies"]], ["a", "b"])
        wrong = self.check(BROKEN, "-o", "json")
        self.assertEqual((wrong.returncode, wrong.stderr), (1, ""))
        self.assertEqual([e["line"] for e in json.loads(wrong.stdout)["errors"]], [2, 2, 2, 3])

    def test_output_that_cannot_be_written_is_an_error(self):
        result = subprocess.run(["sh", "-c", '"$0" check "$1" >/dev/full', os.path.abspath(PROGRAM),
                                 str(ROOT / "examples" / "policy.yaml")],
                                capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(result.returncode, 3)
        self.assertRegex(result.stderr, r"\Arucio-policy-webhook.*No space left on device\n\Z")

    def test_control_characters_of_a_volume_are_shown_escaped(self):
        result = self.check('policies:\n  - name: a\n    package: p\n'
                            '    source: {volume: {csi: {driver: d, volumeAttributes: {k: "\\x1b\\x7f\\x9b\\xe4"}}}}\n', "-v")
        self.assertEqual(result.returncode, 0)
        self.assertIn('k: "\\e\\x7F\\x9B\xe4"', result.stdout)

    def test_errors_of_standard_input_are_placed_in_stdin(self):
        result = self.run_program("check", "-", stdin=BROKEN)
        self.assertEqual(result.returncode, 1)
        self.assertIn("<stdin>:2:11: error: ", result.stderr)

    def test_no_file_is_usage(self):
        self.assertEqual(self.run_program("check").returncode, 2)

    def test_two_files_are_usage(self):
        self.assertEqual(self.run_program("check", "a", "b").returncode, 2)

    def test_unknown_flag_is_usage(self):
        self.assertEqual(self.run_program("check", "--nonsense").returncode, 2)

    def test_help_is_no_error(self):
        result = self.run_program("check", "--help")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("Usage: rucio-policy-webhook check", result.stdout)


if __name__ == "__main__":
    unittest.main()
