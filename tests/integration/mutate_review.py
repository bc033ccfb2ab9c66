"""How the `mutate` verb lets an administrator review a change: -o diff and -o explain, and the pages that show them."""

import difflib
import json
import os
import pty
import re
import subprocess
import unittest

import yaml

from offline import ROOT, Offline
from support import PROGRAM

CONFIGURATION = """\
policies:
  - name: atlas
    match:
      namespaces: [rucio-atlas]
      podSelector:
        matchLabels: {release: atlas}
        matchExpressions: [{key: rucio-daemon, operator: NotIn, values: [hermes, undertaker]}, {key: old, operator: DoesNotExist}]
    package: atlas_policy
    source: {volume: {persistentVolumeClaim: {claimName: atlas-policy}}, subPath: current}
  - name: ops
    package: ops_policy
    source: {preinstalled: {}}
unmatched: reject
"""
POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: rucio
  namespace: rucio-atlas
  labels: {release: atlas}
spec:
  initContainers:
  - name: prepare
    image: busybox
  containers:
  - name: rucio-server
    env:
    - {name: RUCIO_POLICY_PACKAGE, value: atlas_policy}
    - {name: PYTHONPATH, value: /opt/site}
  - name: side
"""


def apply_diff(text, diff):
    """The text as a unified diff changes it; every line of the diff must fit, at the place that it names."""
    lines, result, at = text.splitlines(keepends=True), [], 0
    for line in diff.splitlines(keepends=True):
        hunk = re.match(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@\n", line)
        if hunk:
            start = int(hunk[1]) - (hunk[2] != "0")
            result += lines[at:start]
            at = start
            assert len(result) == int(hunk[3]) - (hunk[4] != "0"), line
        elif line[0] in " -" and not line.startswith("---"):
            assert lines[at].rstrip("\n") == line[1:].rstrip("\n"), (lines[at], line)
            result += [lines[at]] if line[0] == " " else []
            at += 1
        elif line[0] == "+" and not line.startswith("+++"):
            result.append(line[1:])
        elif line[0] == "\\":
            pass
    return "".join(result + lines[at:])


class Difference(Offline):
    def diff(self, text, *arguments, configuration=CONFIGURATION):
        result = self.mutate(configuration, text, "-o", "diff", *arguments)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return result.stdout

    def check(self, text):
        diff = self.diff(text)
        self.assertEqual(apply_diff(text, diff), self.mutate(CONFIGURATION, text).stdout)
        return diff

    def test_header_names_the_object_and_the_policy(self):
        self.assertTrue(self.check(POD).startswith(
            "--- Pod/rucio-atlas/rucio\n+++ Pod/rucio-atlas/rucio\tpolicy atlas\n@@ -4,6 +4,11 @@\n   name: rucio\n"))

    def test_difference_of_several_documents_counts_the_lines_of_all(self):
        text = "# Source: a\n---\nkind: Service\n---\n" + POD + "---\n# nothing\n---\n" + POD.replace("rucio\n", "b\n", 1)
        self.assertEqual(self.check(text).count("--- "), 2)

    def test_changes_that_are_far_apart_have_hunks_of_their_own(self):
        far = "".join(f"    - {{name: V{index}, value: x}}\n" for index in range(8))
        for count, hunks in [(1, 2), (8, 3)]:
            with self.subTest(count):
                some = "".join(far.splitlines(keepends=True)[:count])
                diff = self.check(POD.replace("    - {name: PYTHON", some + "    - {name: PYTHON"))
                self.assertEqual(diff.count("\n@@ "), hunks)

    def test_last_line_without_an_end_is_told(self):
        self.assertIn("\\ No newline at end of file\n", self.check(POD + "  volumes: []"))

    def test_nothing_to_change_is_nothing_to_show(self):
        self.assertEqual(self.diff(self.mutate(CONFIGURATION, POD).stdout), "")

    def test_json_is_compared_as_it_is_printed(self):
        text = self.mutate(CONFIGURATION, json.dumps(yaml.safe_load(POD)), "-n", "rucio-atlas").stdout
        pod = yaml.safe_load(POD)
        before = json.dumps(pod, indent=2) + "\n"
        self.assertEqual(apply_diff(before, self.diff(json.dumps(pod))), text)

    def test_what_differs_everywhere_is_replaced_as_a_whole(self):
        many = "".join(f"  - &a{index} {{name: c{index}, x: [1, 2]}}\n" for index in range(1500))
        text = POD.replace("  - name: side\n", "  - name: side\n" + many).replace("env:", "env: &e") + "x: *e\n"
        result = self.mutate(CONFIGURATION, text, "-o", "diff")
        self.assertEqual(apply_diff(text, result.stdout), self.mutate(CONFIGURATION, text).stdout)

    def test_differences_are_as_short_as_another_tool_finds_them(self):
        old = [line[1:] for line in self.diff(POD).splitlines() if line[0] in " -" and not line.startswith("---")]
        new = [line[1:] for line in self.diff(POD).splitlines() if line[0] in " +" and not line.startswith("+++")]
        matching = sum(block.size for block in difflib.SequenceMatcher(None, old, new, False).get_matching_blocks())
        self.assertGreaterEqual(sum(line[0] == " " for line in self.diff(POD).splitlines()), matching)

    def test_colours_are_for_terminals_alone(self):
        self.assertNotIn("\033", self.diff(POD))
        (self.folder / "policy.yaml").write_text(CONFIGURATION)
        (self.folder / "pod.yaml").write_text(POD)
        master, slave = pty.openpty()
        with os.fdopen(master, "rb", buffering=0) as terminal:
            subprocess.run([os.path.abspath(PROGRAM), "mutate", "--config", "policy.yaml", "-f", "pod.yaml", "-o", "diff"],
                           cwd=self.folder, stdout=slave, check=True, timeout=60)
            os.close(slave)
            shown = b""
            try:
                while chunk := terminal.read(65536):
                    shown += chunk
            except OSError:  # the other end is closed, and all was read
                pass
        self.assertIn(b"\033[32m+", shown)


class Explanation(Offline):
    def explain(self, text, *arguments, configuration=CONFIGURATION, code=0):
        result = self.mutate(configuration, text, "-o", "explain", *arguments)
        self.assertEqual(result.returncode, code, result.stderr)
        return result.stdout

    def test_patched_pod_is_explained_part_by_part(self):
        self.assertRegex(self.explain(POD), re.compile(r"""\APod/rucio-atlas/rucio: patched by policy atlas
  policy atlas applies
    ok  namespace rucio-atlas matches rucio-atlas
    ok  label release in \(atlas\): it is atlas
    ok  label rucio-daemon notin \(hermes,undertaker\): the pod has no such label
    ok  label !old: the pod has no such label
    ok  container rucio-server matches rucio-server, rucio-daemons or rucio-ui
  policy ops is not asked: one before it applies
  volumes
    rucio-policy-[0-9a-f]{12} +added: {"persistentVolumeClaim":{"claimName":"atlas-policy"}}
  init container prepare: left alone, its name does not match rucio-server, rucio-daemons or rucio-ui
  container rucio-server
    mount +/opt/rucio/policy added, read-only: current of volume rucio-policy-[0-9a-f]{12}
    POLICY_PKG_PATH +set to "/opt/rucio/policy"
    RUCIO_POLICY_PACKAGE +stays "atlas_policy"
    RUCIO_CFG_POLICY_PACKAGE +set to "atlas_policy"
    PYTHONPATH +"/opt/site" becomes "/opt/rucio/policy:/opt/site"
  container side: left alone, its name does not match rucio-server, rucio-daemons or rucio-ui
  annotations
    policy.rucio.cern.ch/status: "injected"
    policy.rucio.cern.ch/policy: "atlas"
    policy.rucio.cern.ch/revision: "[0-9a-f]{12}"
    policy.rucio.cern.ch/injected: "{.*}"
\Z"""))

    def test_patched_pod_is_explained_when_it_comes_again(self):
        text = self.explain(self.mutate(CONFIGURATION, POD).stdout)
        self.assertIn("Pod/rucio-atlas/rucio: already as policy atlas wants it\n", text)
        self.assertRegex(text, "rucio-policy-[0-9a-f]{12} +is there already: ")
        self.assertRegex(text, "mount +/opt/rucio/policy is there already, read-only: ")
        self.assertRegex(text, 'PYTHONPATH +stays "/opt/rucio/policy:/opt/site"\n')
        self.assertNotIn("annotations\n", text)

    def test_conditions_that_do_not_hold_are_told(self):
        text = self.explain(POD.replace("release: atlas", "old: yes-it-is, rucio-daemon: hermes").replace(
            "namespace: rucio-atlas", "namespace: elsewhere"))
        for line in [
            "  policy atlas does not apply\n",
            "    no  namespace elsewhere does not match rucio-atlas\n",
            "    no  label release in (atlas): the pod has no such label\n",
            "    no  label rucio-daemon notin (hermes,undertaker): it is hermes\n",
            "    no  label !old: it is yes-it-is\n",
            "  policy ops applies\n    ok  namespace elsewhere: any will do\n",
            "mount                          none: the code is in the image\n",
        ]:
            self.assertIn(line, text)

    def test_pod_of_others_is_explained(self):
        text = self.explain(POD.replace("rucio-server", "other"))
        self.assertIn("Pod/rucio-atlas/rucio: left alone: no policy selects it\n", text)
        self.assertIn("    no  container names: none matches rucio-server, rucio-daemons or rucio-ui\n", text)

    def test_pod_that_opted_out_is_explained(self):
        text = POD.replace("  labels:", '  annotations: {policy.rucio.cern.ch/inject: "false"}\n  labels:')
        self.assertEqual(self.explain(text), "Pod/rucio-atlas/rucio: left alone: its annotation "
                                             "policy.rucio.cern.ch/inject is \"false\"\n")

    def test_mirror_pods_and_windows_are_explained(self):
        mirror = POD.replace("  labels:", "  annotations: {kubernetes.io/config.mirror: a}\n  labels:")
        self.assertIn("left alone: a mirror pod, which the kubelet runs already\n", self.explain(mirror))
        self.assertIn("left alone: a pod for Windows\n", self.explain(POD + "  os: {name: windows}\n"))

    def test_pod_that_chooses_its_policy_is_explained(self):
        text = self.explain(POD.replace("  labels:", "  annotations: {policy.rucio.cern.ch/policy: ops}\n  labels:"))
        self.assertIn("patched by policy ops\n", text)
        self.assertIn("    but the pod's annotation policy.rucio.cern.ch/policy names ops\n", text)

    def test_unmatched_pod_is_explained(self):
        configuration = CONFIGURATION.replace("    package: ops", "    match: {namespaces: [ops]}\n    package: ops")
        text = self.explain(POD.replace("namespace: rucio-atlas", "namespace: elsewhere"), configuration=configuration, code=1)
        self.assertIn("Pod/elsewhere/rucio: refused\n    ", text)
        self.assertIn("  policy ops does not apply\n", text)

    def test_conflicts_are_explained(self):
        text = self.explain(POD.replace("value: atlas_policy}", "valueFrom: {configMapKeyRef: {name: a, key: b}}}"))
        self.assertRegex(text, r'RUCIO_POLICY_PACKAGE +stays {"configMapKeyRef":{"name":"a","key":"b"}}, which is the '
                               r'pod\'s own; the policy has "atlas_policy"\n')
        self.assertRegex(text, "RUCIO_CFG_POLICY_PACKAGE +not set\n")
        self.assertIn("  warning: policy atlas: rucio-server: RUCIO_POLICY_PACKAGE stays ", text)
        self.assertIn('policy.rucio.cern.ch/conflicts: "rucio-server/RUCIO_POLICY_PACKAGE"\n', text)

    def test_reference_that_is_renamed_is_explained(self):
        text = self.explain(POD.replace("value: /opt/site", "valueFrom: {configMapKeyRef: {name: a, key: b}}"))
        self.assertRegex(text, "RUCIO_POLICY_BASE_PYTHONPATH +set to {\"configMapKeyRef\"")

    def test_older_injection_is_explained(self):
        older = self.mutate(CONFIGURATION.replace("atlas_policy", "older_policy"),
                            POD.replace("value: atlas_policy", "value: ''")).stdout
        text = self.explain(older, configuration=CONFIGURATION.replace(", subPath: current", "").replace(
            "claimName: atlas-policy", "claimName: newer").replace("    source", "    configEnv: false\n    source", 1))
        self.assertRegex(text, 'RUCIO_POLICY_PACKAGE +"older_policy" becomes "atlas_policy"\n')
        self.assertRegex(text, 'RUCIO_CFG_POLICY_PACKAGE +removed; it was "older_policy"\n')
        self.assertRegex(text, 'rucio-policy-[0-9a-f]{12} +added: {"persistentVolumeClaim":{"claimName":"newer"}}\n')
        self.assertRegex(text, "mount +/opt/rucio/policy removed, read-only: current of volume rucio-policy-[0-9a-f]{12}\n")
        self.assertRegex(text, "mount +/opt/rucio/policy added, read-only: volume rucio-policy-[0-9a-f]{12}\n")

    def test_init_containers_of_ours_are_explained(self):
        configuration = CONFIGURATION.replace("{volume: {persistentVolumeClaim: {claimName: atlas-policy}}, subPath: current}",
                                              "{copy: {image: policy:1, path: /p}}\n    verify: warn")
        text = self.explain(POD, configuration=configuration)
        self.assertRegex(text, "  init container rucio-policy-copy: added in front of all\n    image +policy:1\n")
        self.assertIn("  init container rucio-policy-verify: added behind all\n", text)
        again = self.explain(self.mutate(configuration, POD).stdout, configuration=configuration)
        self.assertIn("  init container rucio-policy-copy: is there already\n", again)
        gone = self.explain(self.mutate(configuration, POD).stdout)
        self.assertIn("  init container rucio-policy-copy: removed\n", gone)
        newer = self.explain(self.mutate(configuration, POD).stdout, configuration=configuration.replace("policy:1", "policy:2"))
        self.assertIn("  init container rucio-policy-copy: brought up to date\n", newer)

    def test_input_without_pods_is_told(self):
        self.assertEqual(self.explain("kind: Service\n"), "There is no pod in it, and nothing that makes pods.\n")

    def test_names_are_shown_as_a_terminal_may_get_them(self):
        text = self.explain(POD.replace("name: rucio\n", 'name: "a\\e[31m\\nb"\n'))
        self.assertTrue(text.startswith("Pod/rucio-atlas/a?[31m?b: patched"), text)


class Pages(Offline):
    """What the documentation shows is what the program prints."""

    def check(self, page, form, language):
        shown = re.search(rf"-o {form}`?\n.*?\n```{language}\n(.*?)```\n", (ROOT / page).read_text(), re.DOTALL)
        self.assertIsNotNone(shown, f"{page} shows no output of -o {form}")
        result = self.run_program("mutate", "--config", str(ROOT / "examples" / "policy.yaml"), "-f",
                                  str(ROOT / "examples" / "chart" / "rendered.yaml"), "-o", form)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(shown[1], result.stdout)

    def test_difference_in_the_reference_is_true(self):
        self.check("docs/reference.md", "diff", "diff")

    def test_explanation_in_the_reference_is_true(self):
        self.check("docs/reference.md", "explain", "text")


if __name__ == "__main__":
    unittest.main()
