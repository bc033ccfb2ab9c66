"""What the `mutate` verb makes of YAML: it is read as kubectl reads it, what is touched is written as kubectl prints it, and all
else keeps every byte. kubectl itself is the judge where it is there."""

import json
import pathlib
import re
import shutil
import subprocess
import unittest

import yaml

from corpus import CORPUS, names_of_pods, read_pod
from offline import ROOT, Offline

CONFIGURATION = """\
policies:
  - name: atlas
    package: atlas_policy
    source: {volume: {persistentVolumeClaim: {claimName: atlas-policy}}}
    onConflict: override
"""
HEAD = """\
apiVersion: v1
kind: Pod
metadata:
  name: rucio   # a comment
spec:
"""
KUBECTL = shutil.which("kubectl")
SERVER = "  containers:\n  - name: rucio-server\n"

# A way to write a value, for every rule of goyaml's about quotes, lines and numbers.
VALUES = ["1", "'1'", "0x1F", "1_000", "010", "1.5", ".5", "1e3", "true", "'true'", "yes", "'yes'", "n", "'n'", "null",
          "'null'", "~", "'~'", "''", "text", "'a: b'", "'# a'", "' a'", "'a '", "'- a'", "'-a'", "'? a'", "'?a'", "2001-01-01",
          "2001-01-01T00:00:00Z", "2001-1-1 1:2:3", '"a\\tb"', '"a\\nb"', '"a\\n"', '"\\na"', '"a \\nb"', '"a\\n b"',
          '"  a\\nb"', '"a\\nb "', '"a\\n\\n"', '"\\n"', '"\\r"', '"\\"\\\\"', "'*a'", "'&a'", "'@a'", "'%a'", "'`a'", "[]",
          "{}", "[[1, [2]], {a: {b: [c]}}]", "日本", '"\\U0001F600"', "'0'", "'-'", "'1e3'", "'0o7'", "'.inf'",
          "'1:30'", "'1:3x'", "'a:b'", "'a:'", "'a #b'", "'a#b'", "'---'", "'--- a'", "'...'", "'a,b'", "'[a'", "'a]'", "'{a'", "'!a'",
          "'|'", "'>'", "\"'\"", "'\"'", "\"it's\"", "12345678901234567", "{'a b': 1, '1': 2, 'true': 3, '': 4}", "'_1'", "'1_'", "'+1'",
          "'.5_0'", "'1.2.3'", "'0x'", "'y'", "'NO'"]


class Manifest(Offline):
    maxDiff = None

    def run_ok(self, text, *arguments):
        result = self.mutate(CONFIGURATION, text, *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def check(self, text):
        """Runs the text through and returns what comes out, which means what -o json says, and stays as it is."""
        patched = self.run_ok(text)
        self.assertEqual(yaml.safe_load(patched), json.loads(self.run_ok(text, "-o", "json")))
        self.assertEqual(self.run_ok(patched), patched, "what comes out is patched again")
        return patched


def kubectl(text, form):
    """What kubectl reads, without an annotation of its own, in its own words."""
    done = subprocess.run([KUBECTL, "annotate", "--local", "-f", "-", "mark=1", "-o", form], input=text, check=True, text=True,
                          capture_output=True)
    return done.stdout


class Canonical(Manifest):
    """What a document becomes that is touched."""

    def test_keys_are_in_order_and_lists_stand_below_their_keys(self):
        self.assertEqual(self.run_ok(HEAD + "  nodeName: a\n  containers:\n    - name: side\n      args: [a, '1']\n" +
                                     "    - image: x\n      name: rucio-server\n"), """\
apiVersion: v1
kind: Pod
metadata:
  annotations:
    policy.rucio.cern.ch/injected: 'RECORD'
    policy.rucio.cern.ch/policy: atlas
    policy.rucio.cern.ch/revision: REVISION
    policy.rucio.cern.ch/status: injected
  name: rucio
spec:
  containers:
  - args:
    - a
    - "1"
    name: side
  - env:
    - name: POLICY_PKG_PATH
      value: /opt/rucio/policy
    - name: RUCIO_POLICY_PACKAGE
      value: atlas_policy
    - name: RUCIO_CFG_POLICY_PACKAGE
      value: atlas_policy
    - name: PYTHONPATH
      value: /opt/rucio/policy
    image: x
    name: rucio-server
    volumeMounts:
    - mountPath: /opt/rucio/policy
      name: VOLUME
      readOnly: true
  nodeName: a
  volumes:
  - name: VOLUME
    persistentVolumeClaim:
      claimName: atlas-policy
""".replace("REVISION", self.revision()).replace("RECORD", self.record()).replace("VOLUME", self.volume()))

    def patched(self):
        return json.loads(self.run_ok(HEAD + SERVER, "-o", "json"))

    def revision(self):
        revision = self.patched()["metadata"]["annotations"]["policy.rucio.cern.ch/revision"]
        return f'"{revision}"' if re.fullmatch(r"\d+(e\d+)?", revision) else revision

    def record(self):
        return self.patched()["metadata"]["annotations"]["policy.rucio.cern.ch/injected"]

    def volume(self):
        return self.patched()["spec"]["volumes"][0]["name"]

    def test_values_mean_what_they_did(self):
        text = HEAD + SERVER + "    values:\n" + "".join(f"    - {value}\n" for value in VALUES)
        before = json.loads(self.run_ok(text, "-n", "x", "-o", "json"))["spec"]["containers"][0]["values"]
        self.assertEqual(yaml.safe_load(self.run_ok(text))["spec"]["containers"][0]["values"], before)
        self.check(text)

    @unittest.skipUnless(KUBECTL, "no kubectl")
    def test_values_are_read_and_written_as_by_kubectl(self):
        text = HEAD + SERVER + "    values:\n" + "".join(f"    - {value}\n" for value in VALUES)
        patched = self.run_ok(text)
        self.assertEqual(json.loads(kubectl(text, "json"))["spec"]["containers"][0]["values"],
                         yaml.safe_load(patched)["spec"]["containers"][0]["values"])
        self.assertEqual(kubectl(patched, "yaml").replace("    mark: \"1\"\n", ""), patched)

    def test_what_stands_around_a_document_stays(self):
        for before, after in [("---\n# Source: a\n\n", ""), ("# a\n--- # b\n", ""), ("\ufeff# a\n", ""),
                              ("%YAML 1.2\n---\n", ""), ("", "...\n"), ("", "...\n# a\n")]:
            with self.subTest(before=before, after=after):
                patched = self.check(before + HEAD + SERVER + after)
                self.assertTrue(patched.startswith(before + "apiVersion"))
                self.assertTrue(patched.endswith(after))

    def test_document_in_the_line_of_its_dashes_gets_a_line_of_its_own(self):
        self.assertTrue(self.check("--- {kind: Pod, spec: {containers: [{name: rucio-server}]}}\n").startswith("---\nkind: Pod\n"))

    def test_last_line_without_an_end_gets_one(self):
        self.assertTrue(self.check(HEAD + SERVER + "  x: a").endswith("  x: a\n"))

    def test_names_may_be_of_any_language(self):
        self.assertIn("    x: 日本\n", self.check(HEAD.replace("rucio ", "žluťoučký ") + SERVER + "    x: 日本\n"))

    def test_keys_with_anchors_tags_and_question_marks_are_read(self):
        for key in "&c containers:", "!!str containers:", "? containers\n  :", "? &c !!str containers\n  :":
            with self.subTest(key):
                self.assertIn("POLICY_PKG_PATH", self.check(HEAD + f"  {key}\n  - name: rucio-server\n"))

    def test_anchors_are_written_out(self):
        patched = self.check(HEAD + "  containers:\n  - name: rucio-server\n    env: &e\n    - {name: A, value: x}\n" +
                             "  - name: side\n    env: *e\n")
        self.assertEqual(yaml.safe_load(patched)["spec"]["containers"][1]["env"], [{"name": "A", "value": "x"}])

    def test_json_comes_out_as_yaml_when_that_is_asked_for(self):
        text = '{"kind": "Service"}{"kind": "Pod",\n"spec": {"containers": [{"name": "rucio-server"}]}}'
        self.assertEqual(self.run_ok(text, "-o", "yaml").split("kind: ")[:2], ["", "Service\n---\n"])
        self.assertEqual(len(list(yaml.safe_load_all(self.run_ok(text, "-o", "yaml")))), 2)


class Reading(Manifest):
    """As kubectl does, by the rules of YAML 1.1."""

    def read(self, text):
        return json.loads(self.run_ok(HEAD + text, "-o", "json"))["spec"]

    def test_values(self):
        plain = {"0x1F": 31, "0o17": 15, "017": 15, "0b11": 3, "1_000": 1000, "+1": 1, "-0x1": -1, "08": 8, ".5": 0.5,
                 "1.": 1, "1e3": 1000, "yes": True, "Off": False, "y": True, "~": None, "Null": None,
                 "2001-01-01": "2001-01-01", "0x": "0x", "1e": "1e", "1.2.3": "1.2.3", "1e400": "1e400", "._5": "._5",
                 "!!str 1": "1", "'1'": "1", "12e": "12e", "1_": 1, "._": "._", "-.5": -0.5, "+.": "+.", "<<": "<<",
                 "18446744073709551615": 18446744073709551615.0, "0.1234567890123456789": 0.12345678901234568}
        self.assertEqual(self.read("  values:\n" + "".join(f"  - {value}\n" for value in plain))["values"], list(plain.values()))

    def test_tags(self):
        tags = {"!!int '3'": 3, "!!float 3": 3, "!!bool yes": True, "!!null ''": None, "!!str 3": "3", "! 3": "3", "!x 3": "3",
                "!!timestamp 2001-01-01": "2001-01-01", "!!binary aGVsbG8=": "hello", "!!binary /w==": "\ufffd",
                "!!map {a: 1}": {"a": 1}, "!!str [1]": [1]}
        self.assertEqual(self.read("  values:\n" + "".join(f"  - {value}\n" for value in tags))["values"], list(tags.values()))

    def test_keys(self):
        self.assertEqual(self.read("  x: {010: 1, yes: 2, 1.5: 3, 1e3: 4, 2001-01-01: 5, !!binary aGk=: 6, '': 7}\n")["x"],
                         {"8": 1, "true": 2, "1.5": 3, "1000": 4, "2001-01-01": 5, "hi": 6, "": 7})

    def test_merged_keys(self):
        anchors = "  a: &a {x: 1, p: 1}\n  b: &b {x: 2, z: 2}\n"
        for text, expected in [("{x: 0, <<: *a}", {"x": 1, "p": 1}), ("{<<: *a, x: 0}", {"x": 0, "p": 1}),
                               ("{<<: [*a, *b]}", {"x": 1, "p": 1, "z": 2}), ("{<<: *a, <<: *b}", {"x": 2, "p": 1, "z": 2})]:
            with self.subTest(text):
                self.assertEqual(self.read(anchors + f"  m: {text}\n")["m"], expected)

    def test_merged_keys_make_a_container(self):
        self.assertIn("POLICY_PKG_PATH", self.check("x: [&d {name: rucio-server}, &e {name: b, image: i}]\n" + HEAD +
                                                    "  containers:\n  - <<: [*d, *e]\n"))

    def test_binary_values_of_others_are_no_hindrance(self):
        foreign = "kind: ConfigMap\nbinaryData: {a: !!binary aGVsbG8=}\n"
        self.assertEqual(self.run_ok(foreign + "---\n" + HEAD + SERVER)[:len(foreign)], foreign)
        self.assertEqual(json.loads(self.run_ok(foreign, "-o", "json"))["binaryData"], {"a": "hello"})


class Streams(Manifest):
    def test_what_is_no_pod_keeps_every_byte(self):
        text = """\
%YAML 1.2
---
# Source: chart/templates/empty.yaml

---
---
# Source: chart/templates/service.yaml
apiVersion: v1
kind:   Service
data: {a: 'b',c: &x "d" , e: *x, e: f}
...
# between
--- # a pod
""" + HEAD + """\
  containers:
  - name: rucio-server
---
not: an object
--- text
--- [1, 2]
---
"""
        patched = self.run_ok(text)
        start, end = text.index("--- # a pod"), text.index("---\nnot: an object")
        self.assertEqual(patched[:start], text[:start])
        self.assertTrue(patched.endswith(text[end:]))
        self.assertIn("POLICY_PKG_PATH", patched)
        self.assertEqual(self.run_ok(patched), patched)

    def test_json_of_several_values_is_one_stream(self):
        text = ('{"kind": "Service"}\n{"kind": "Pod", "spec": {"containers": [{"name": "rucio-server"}]}} {"kind": "Secret"}\n'
                '---\n{"kind": "Node"}\n')
        patched = self.run_ok(text)
        self.assertTrue(patched.startswith('{"kind": "Service"}\n{\n  "kind": "Pod"'), patched)
        self.assertTrue(patched.endswith('{"kind": "Secret"}\n---\n{"kind": "Node"}\n'), patched)

    def test_files_come_out_as_one_stream(self):
        (self.folder / "in").mkdir()
        for name, text in [("a.yaml", "kind: Service"), ("b.yml", HEAD + SERVER), ("c.txt", "x"),
                           ("d.json", '{"kind": "Secret"}')]:
            (self.folder / "in" / name).write_text(text)
        patched = self.run_ok("---\nkind: Last\n", "-f", "in", "-f", "-")
        self.assertEqual([document["kind"] for document in yaml.safe_load_all(patched)], ["Service", "Pod", "Secret", "Last"])
        self.assertTrue(patched.startswith("kind: Service\n---\napiVersion: v1\n"), patched)

    def test_dashes_in_a_text_of_several_lines_divide_nothing(self):
        text = HEAD + "  containers:\n  - name: rucio-server\n    args:\n    - |\n      ---\n      a\n"
        self.check(text)


class Errors(Manifest):
    def check_error(self, expected, text, *arguments):
        result = self.mutate(CONFIGURATION, text, *arguments)
        self.assertEqual((result.returncode, result.stdout), (3, ""), result.stderr)
        self.assertIn(expected, result.stderr)

    def test_syntax_errors_are_placed(self):
        self.check_error("<stdin>:3:1: error: this is not YAML: ", "a: b\n---\n\tb: c\n")

    def test_keys_given_twice_are_placed(self):
        self.check_error("<stdin>:9:5: error: found the key 'name' again, expected it once (the first is in line 8)",
                         "---\n" + HEAD + "  containers:\n  - name: rucio-server\n    name: b\n")

    def test_values_of_the_wrong_type_are_placed(self):
        self.check_error("<stdin>:8:34: error: spec.containers[].env[].value: expected a string, found a number",
                         HEAD + "  containers:\n  - name: rucio-server\n    env: &e [{name: A, value:    80}]\n")

    def test_names_of_the_wrong_type_are_placed(self):
        self.check_error("<stdin>:2:23: error: metadata.namespace: expected a string, found a number",
                         "kind: Pod\nmetadata: {namespace: 5}\n")

    def test_values_that_are_not_what_their_tag_says_are_placed(self):
        self.check_error("<stdin>:6:12: error: found the tag 'tag:yaml.org,2002:int' on 'a'", HEAD + "  x: !!int a\n")
        self.check_error("<stdin>:6:15: error: found the tag 'tag:yaml.org,2002:binary' on '*', expected base64",
                         HEAD + "  x: !!binary '*'\n")

    def test_numbers_that_no_object_can_hold_are_placed(self):
        self.check_error("<stdin>:6:6: error: found '.inf', which no Kubernetes object can hold", HEAD + "  x: .inf\n")

    def test_alias_without_an_anchor_is_placed(self):
        self.check_error("<stdin>:6:6: error: found the alias 'a', expected one whose anchor", HEAD + "  x: *a\n")

    def test_alias_of_what_it_is_in_is_refused(self):
        self.check_error("<stdin>:6:10: error: found the alias 'a' inside of what it stands for", HEAD + "  x: &a [*a]\n")

    def test_aliases_that_stand_for_too_much_are_refused(self):
        text = "a0: &a0 [" + ",".join(["x" * 60] * 20) + "]\n"
        for level in range(1, 6):
            text += f"a{level}: &a{level} [" + ",".join([f"*a{level - 1}"] * 20) + "]\n"
        self.check_error("found aliases that stand for more than 64 MiB", HEAD + "  x: 1\n" + text)

    def test_nesting_is_limited(self):
        self.check_error("found nesting deeper than 128 levels", HEAD + "  x: " + "[" * 200 + "]" * 200 + "\n")

    def test_merge_of_what_is_no_mapping_is_placed(self):
        self.check_error("<stdin>:6:7: error: found a scalar after '<<', expected a mapping", HEAD + "  <<: text\n")

    def test_keys_that_are_no_words_are_placed(self):
        self.check_error("<stdin>:6:5: error: found a list as a key", HEAD + "  ? [a]\n  : b\n")
        self.check_error("<stdin>:6:3: error: found a key that is no word", HEAD + "  ~: b\n")

    def test_bytes_that_are_no_text_are_placed(self):
        (self.folder / "pod.yaml").write_bytes(b"a: \xff\n")
        self.check_error("pod.yaml:1:4: error: this is not YAML: found bytes that are not UTF-8", "", "-f", "pod.yaml")
        (self.folder / "pod.yaml").write_bytes(b"a: \0\n")
        self.check_error("pod.yaml:1:4: error: this is not YAML: found the character U+0000", "", "-f", "pod.yaml")

    def test_all_documents_are_looked_at(self):
        result = self.mutate(CONFIGURATION, "kind: Pod\nspec: {}\nspec: {}\n---\na: [\n---\nkind: Pod\nkind: Pod\n")
        self.assertEqual(len(re.findall(r"^<stdin>:\d+:\d+: error: ", result.stderr, re.MULTILINE)), 3, result.stderr)


@unittest.skipUnless(CORPUS.is_dir(), f"no pods of Rucio's charts in {CORPUS}")
class Corpus(Manifest):
    def test_every_pod_in_every_style_means_the_same(self):
        for pod_name in sorted(names_of_pods()):
            pod = {"apiVersion": "v1", "kind": "Pod", **read_pod(pod_name)}
            for flow in False, None, True:
                with self.subTest(pod=pod_name, flow=flow):
                    text = yaml.dump(pod, sort_keys=False, width=1000, default_flow_style=flow)
                    patched = self.run_ok(text, "-o", "yaml")
                    self.assertEqual(yaml.safe_load(patched), json.loads(self.run_ok(text, "-o", "json")))
                    self.assertEqual(self.run_ok(patched, "-o", "yaml"), patched)


class Examples(Manifest):
    def test_what_is_not_touched_in_the_chart_of_the_examples_keeps_every_byte(self):
        text = (ROOT / "examples" / "chart" / "rendered.yaml").read_text()
        configuration = str(pathlib.Path(ROOT / "examples" / "policy.yaml"))
        patched = self.run_program("mutate", "--config", configuration, stdin=text).stdout
        documents, after = re.split("^(?=---)", text, flags=re.MULTILINE), re.split("^(?=---)", patched, flags=re.MULTILINE)
        changed = [a for a, b in zip(documents, after, strict=True) if a != b]
        self.assertEqual(["kind: Deployment" in document for document in changed], [True])


if __name__ == "__main__":
    unittest.main()
