"""How the `mutate` verb lets an administrator review a change: -o diff and -o explain, and the pages that show them."""

import json
import os
import pathlib
import pty
import re
import subprocess
import unittest
import unittest.mock

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


class Difference(Offline):
    """Canonical against canonical, by diff(1)."""

    def diff(self, text, *arguments, configuration=CONFIGURATION, **variables):
        with unittest.mock.patch.dict(os.environ, variables):
            result = self.mutate(configuration, text, "-o", "diff", *arguments)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return result.stdout

    def test_header_names_the_object_and_the_policy(self):
        self.assertTrue(self.diff(POD).startswith(
            "--- Pod/rucio-atlas/rucio\n+++ Pod/rucio-atlas/rucio (policy atlas)\n@@ -1,6 +1,11 @@\n"), self.diff(POD))

    def test_what_is_shown_leads_from_one_canonical_text_to_the_other(self):
        pod = yaml.safe_load(POD)
        (self.folder / "before.yaml").write_text(yaml.safe_dump(pod))
        subprocess.run(["patch", "-s", "before.yaml"], cwd=self.folder, input=self.diff(POD), text=True, check=True)
        self.assertEqual((self.folder / "before.yaml").read_text(), self.mutate(CONFIGURATION, POD).stdout)
        self.assertEqual(self.diff(json.dumps(pod)), self.diff(POD))

    def test_every_object_that_changes_has_a_difference_of_its_own(self):
        text = "# Source: a\n---\nkind: Service\n---\n" + POD + "---\n# nothing\n---\n" + POD.replace("rucio\n", "b\n", 1)
        self.assertEqual(self.diff(text).count("--- Pod/"), 2)

    def test_only_the_lines_that_change_are_shown_of_a_long_list(self):
        pods = [{"kind": "Pod", "metadata": {"name": f"p{index}", "namespace": "rucio-atlas", "labels": {"release": "atlas"}},
                 "spec": {"containers": [{"name": "rucio-server"}]}} for index in range(300)]
        diff = self.diff(json.dumps({"kind": "List", "items": pods}))
        self.assertLess(sum(line.startswith("-") for line in diff.splitlines()), 4 * len(pods))
        self.assertEqual(diff.count("+        value: atlas_policy\n"), 600)

    def test_nothing_to_change_is_nothing_to_show(self):
        self.assertEqual(self.diff(self.mutate(CONFIGURATION, POD).stdout), "")

    def test_another_program_compares_when_the_variable_names_one(self):
        shown = self.diff(POD, RPW_EXTERNAL_DIFF="echo compares")
        self.assertRegex(shown, r"^compares \S*/before\.Pod\.rucio-atlas\.rucio\.yaml "
                                r"\S*/after\.Pod\.rucio-atlas\.rucio\S*\.yaml\n$")
        self.assertFalse(pathlib.Path(shown.split()[1]).exists())

    def test_program_that_fails_is_no_answer(self):
        for program, expected in [("no-such-program", "exit status 127"), ("diff --nonsense", "exit status 2")]:
            with self.subTest(program), unittest.mock.patch.dict(os.environ, {"RPW_EXTERNAL_DIFF": program}):
                result = self.mutate(CONFIGURATION, POD, "-o", "diff")
                self.assertEqual(result.returncode, 3)
                self.assertIn(expected, result.stderr)

    def test_folder_for_the_texts_that_cannot_be_made_is_named(self):
        with unittest.mock.patch.dict(os.environ, {"TMPDIR": "/nowhere"}):
            result = self.mutate(CONFIGURATION, POD, "-o", "diff")
        self.assertEqual((result.returncode, result.stdout), (3, ""))
        self.assertIn("/nowhere/rpw-diff-", result.stderr)

    def on_a_terminal(self, **variables):
        (self.folder / "policy.yaml").write_text(CONFIGURATION)
        (self.folder / "pod.yaml").write_text(POD)
        master, slave = pty.openpty()
        with os.fdopen(master, "rb", buffering=0) as terminal:
            subprocess.run([os.path.abspath(PROGRAM), "mutate", "--config", "policy.yaml", "-f", "pod.yaml", "-o", "diff"],
                           cwd=self.folder, stdout=slave, stderr=subprocess.DEVNULL, check=True, timeout=60,
                           env={**os.environ, **variables})
            os.close(slave)
            shown = b""
            try:
                while chunk := terminal.read(65536):
                    shown += chunk
            except OSError:  # the other end is closed, and all was read
                pass
        return shown

    def test_colours_are_for_terminals_alone(self):
        self.assertNotIn("\033", self.diff(POD))
        self.assertIn(b"\033[32m+", self.on_a_terminal())

    def test_colours_are_not_for_those_who_want_none(self):
        self.assertNotIn(b"\033", self.on_a_terminal(NO_COLOR="1"))


class Explanation(Offline):
    def explain(self, text, *arguments, configuration=CONFIGURATION, code=0):
        result = self.mutate(configuration, text, "-o", "explain", *arguments)
        self.assertEqual(result.returncode, code, result.stderr)
        return result.stdout

    def test_patched_pod_is_explained_part_by_part(self):
        self.assertRegex(self.explain(POD), re.compile(r"""\APod/rucio-atlas/rucio: patched by policy atlas
  policy atlas applies
    ok  namespace rucio-atlas matches rucio-atlas
    ok  label release=atlas: it is atlas
    ok  label rucio-daemon notin \(hermes,undertaker\): the pod has no such label
    ok  label !old: the pod has no such label
    ok  container rucio-server matches rucio-server, rucio-daemons or rucio-ui
  policy ops is not asked: one before it applies
  volumes
    rucio-policy-[0-9a-f]{12} +added: {"persistentVolumeClaim":{"claimName":"atlas-policy"}}
  init container prepare: left alone, not with a name or an image of Rucio
  container rucio-server
    mount +/opt/rucio/policy added, read-only: current of volume rucio-policy-[0-9a-f]{12}
    POLICY_PKG_PATH +set to "/opt/rucio/policy"
    RUCIO_POLICY_PACKAGE +stays "atlas_policy"
    RUCIO_CFG_POLICY_PACKAGE +set to "atlas_policy"
    PYTHONPATH +"/opt/site" becomes "/opt/rucio/policy:/opt/site"
  container side: left alone, not with a name or an image of Rucio
  annotations
    policy.rucio.cern.ch/status: "injected"
    policy.rucio.cern.ch/policy: "atlas"
    policy.rucio.cern.ch/revision: "[0-9a-f]{12}"
    policy.rucio.cern.ch/injected: the record of what is written
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
            "    no  label release=atlas: the pod has no such label\n",
            "    no  label rucio-daemon notin (hermes,undertaker): it is hermes\n",
            "    no  label !old: it is yes-it-is\n",
            "  policy ops applies\n    ok  namespace elsewhere: any will do\n",
            "mount                          none: the code is in the image\n",
        ]:
            self.assertIn(line, text)

    def test_pod_of_others_is_explained(self):
        text = self.explain(POD.replace("rucio-server", "other"))
        self.assertIn("Pod/rucio-atlas/rucio: left alone: no policy selects it\n", text)
        self.assertIn("    no  containers: none with a name or an image of Rucio\n", text)

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
        self.assertRegex(text, "rucio-policy-[0-9a-f]{12} +removed\n")
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

    def test_nothing_of_a_pod_reaches_the_terminal_as_it_is(self):
        odd = '"\\e[31m\\n  policy x applies\\x9b"'
        text = self.explain(POD.replace("value: atlas_policy", f"value: {odd}").replace("name: side", f"name: {odd}")
                            .replace("{release: atlas}", f"{{release: atlas, rucio-daemon: {odd}}}") +
                            f"    volumeMounts: [{{name: {odd}, mountPath: {odd}}}]\n  volumes: [{{name: {odd}}}]\n")
        self.assertNotRegex(text, "[\x00-\x09\x0b-\x1f\x7f-\x9f]|\n  policy x applies")
        self.assertIn("?[31m?  policy x applies?", text)

    def test_mount_of_theirs_at_the_path_is_explained_as_a_conflict(self):
        text = self.explain(POD.replace("  - name: side\n", "    volumeMounts: [{name: mine, mountPath: /opt/rucio/policy}]\n") +
                            "  volumes: [{name: mine, emptyDir: {}}]\n")
        self.assertIn("/opt/rucio/policy is the pod's own and stays, in conflict with the policy: volume mine\n", text)


class Pages(Offline):
    """What the documentation shows is what the program prints."""

    def test_explanation_in_the_reference_is_true(self):
        shown = re.search(r"-o explain`:\n\n<!--.*?-->\n```text\n(.*?)```\n", (ROOT / "docs" / "reference.md").read_text(), re.DOTALL)
        result = self.run_program("mutate", "--config", str(ROOT / "examples" / "policy.yaml"), "-f",
                                  str(ROOT / "examples" / "chart" / "rendered.yaml"), "-o", "explain")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(shown[1], result.stdout.split("\n\n")[0] + "\n")


if __name__ == "__main__":
    unittest.main()
