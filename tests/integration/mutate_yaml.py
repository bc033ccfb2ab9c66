"""What the `mutate` verb does to the text of a manifest: it touches nothing but what it must."""

import difflib
import json
import pathlib
import re
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
ANEW = ("warning: this document is written anew, without its comments: it has an anchor whose aliases would change too, "
        "or a layout that is not understood\n")


class Indented(yaml.SafeDumper):
    """Lists deeper than their keys."""

    def increase_indent(self, flow=False, indentless=False):
        return super().increase_indent(flow, False)


class Manifest(Offline):
    maxDiff = None

    def run_ok(self, text, *arguments, is_anew=False):
        result = self.mutate(CONFIGURATION, text, *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(ANEW in result.stderr, is_anew, result.stderr)
        return result.stdout

    def check(self, text, is_anew=False):
        """Runs the text through and returns what comes out, which means what -o json says, and stays as it is."""
        patched = self.run_ok(text, is_anew=is_anew)
        wanted = json.loads(self.run_ok(text, "-o", "json"))
        self.assertEqual(yaml.safe_load(patched), wanted)
        self.assertEqual(self.run_ok(patched), patched, "what comes out is patched again")
        return patched

    def removed(self, text, patched):
        """The lines of text that are not there any more."""
        return [line[2:] for line in difflib.ndiff(text.splitlines(), patched.splitlines()) if line.startswith("- ")]


class Layout(Manifest):
    def test_comments_and_blank_lines_stay(self):
        text = HEAD + """\
  # what it needs
  volumes:
    # the configuration
    - name: cfg   # from the chart

      secret: {secretName: cfg}

  containers:

  # Apache
  - name: rucio-server  # the main one
    env:   # more below

    # the host
    - name: HOST
      value: 'a'

    # the end
  # no more containers
# no more
"""
        patched = self.check(text)
        self.assertEqual(self.removed(text, patched), [])
        self.assertIn("    env:   # more below\n    - name: POLICY_PKG_PATH\n", patched)
        self.assertRegex(patched, "      secret: {secretName: cfg}\n    - name: rucio-policy-[0-9a-f]{12}\n")

    def test_lists_are_indented_as_their_neighbours(self):
        for indent in ["  ", "    ", "      "]:
            with self.subTest(len(indent)):
                text = HEAD + f"  containers:\n{indent}- name: rucio-server\n"
                patched = self.check(text)
                self.assertRegex(patched, f"\n  volumes:\n{indent}- name: rucio-policy-[0-9a-f]{{12}}\n")
                self.assertEqual(self.removed(text, patched), [])

    def test_new_entries_stand_where_the_dashes_do(self):
        text = HEAD + "  containers:\n  -   env:\n        -   name: A\n            value: b\n      name: rucio-server\n"
        patched = self.check(text)
        self.assertIn("        - name: POLICY_PKG_PATH\n          value: /opt/rucio/policy\n", patched)
        self.assertEqual(self.removed(text, patched), [])

    def test_empty_collections_are_filled(self):
        for empty in ["[]", "[ ]", "~", "null", ""]:
            with self.subTest(empty):
                text = HEAD + f"  containers:\n  - name: rucio-server\n    env: {empty}   # none\n  volumes: {empty}\n"
                patched = self.check(text)
                self.assertRegex(patched, r"    env: *# none\n    - name: POLICY_PKG_PATH\n")

    def test_flow_collections_stay_in_their_line(self):
        text = HEAD + "  containers: [{name: rucio-server, env: [{name: A, value: b}, {name: PYTHONPATH, value: /a}]}] # c\n"
        patched = self.check(text)
        self.assertIn("env: [{name: POLICY_PKG_PATH, value: /opt/rucio/policy}, ", patched)
        self.assertIn('{name: A, value: b}, {name: PYTHONPATH, value: "/opt/rucio/policy:/a"}]', patched)
        self.assertEqual(len(self.removed(text, patched)), 1)

    def test_json_in_yaml_stays_json(self):
        text = '---\n{"kind": "Pod",\n "spec": {"containers": [\n  {"name": "rucio-server",\n   "env": [\n' \
               '    {"name": "A", "value": "b"}\n   ]}\n ]}}\n'
        patched = self.check(text)
        json.loads(patched[3:])
        self.assertIn('\n    {"name": "POLICY_PKG_PATH", "value": "/opt/rucio/policy"},\n', patched)

    def test_value_that_changes_keeps_its_quotes_and_comment(self):
        for old, new in [("/a", '"/opt/rucio/policy:/a"'), ("'/a'", '"/opt/rucio/policy:/a"')]:
            with self.subTest(old):
                text = HEAD + f"  containers:\n  - name: rucio-server\n    env:\n    - value: {old}   # ours\n" \
                              "      name: PYTHONPATH\n"
                self.assertIn(f"    - value: {new}   # ours\n", self.check(text))

    def test_value_of_several_lines_changes(self):
        for old in ["|\n        /a", ">-\n        /a\n\n", "|+\n        /a\n\n", "\n        /a"]:
            with self.subTest(old):
                text = HEAD + f"  containers:\n  - name: rucio-server\n    env:\n    - name: RUCIO_POLICY_PACKAGE\n" \
                              f"      value: {old}\n    image: rucio\n"
                self.assertIn("value: atlas_policy\n", self.check(text))

    def test_value_from_elsewhere_is_renamed_and_followed(self):
        text = HEAD + """\
  containers:
  - name: rucio-server
    env:
    - name: PYTHONPATH
      # where the site has it
      valueFrom: {configMapKeyRef: {name: site, key: path}}
    - name: LAST
      value: x
"""
        patched = self.check(text)
        self.assertEqual(self.removed(text, patched), ["    - name: PYTHONPATH"])
        self.assertIn("    - name: RUCIO_POLICY_BASE_PYTHONPATH\n      # where", patched)
        self.assertIn('    - name: PYTHONPATH\n      value: "/opt/rucio/policy:$(RUCIO_POLICY_BASE_PYTHONPATH)"\n'
                      "    - name: LAST\n", patched)

    def test_elements_that_go_take_their_lines_along(self):
        text = HEAD + """\
  containers:
  - name: rucio-server
    volumeMounts:
    - name: a
      mountPath: /opt/rucio/policy/below
    # stays
    - name: a
      mountPath: /b
  volumes:
  - name: a
    emptyDir: {}
"""
        self.assertEqual(self.removed(text, self.check(text)),
                         ["    - name: a", "      mountPath: /opt/rucio/policy/below"])

    def test_text_behind_a_text_that_keeps_its_blank_lines_follows_it(self):
        text = HEAD + "  containers:\n  - name: rucio-server\n    args:\n    - |+\n      a\n\n\n"
        patched = self.check(text)
        self.assertIn("    - |+\n      a\n\n\n    env:\n", patched)

    def test_last_line_without_an_end_gets_one(self):
        text = HEAD + "  containers:\n  - name: rucio-server"
        self.assertIn("  - name: rucio-server\n    env:\n", self.check(text))

    def test_lines_end_as_they_did(self):
        text = (HEAD + "  containers:\n  - name: rucio-server\n    env:\n    - name: A\n      value: b\n")
        self.assertEqual(self.check_bytes(text.replace("\n", "\r\n")), self.check_bytes(text).replace(b"\n", b"\r\n"))

    def check_bytes(self, text):
        """As the files have it: Python's text mode would hide the ends of lines."""
        (self.folder / "pod.yaml").write_bytes(text.encode())
        with open(self.folder / "out.yaml", "wb") as out:
            (self.folder / "policy.yaml").write_text(CONFIGURATION)
            result = self.run_program("mutate", "--config", "policy.yaml", "-f", "pod.yaml", stdout=out)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return (self.folder / "out.yaml").read_bytes()

    def test_names_may_be_of_any_language(self):
        text = HEAD.replace("rucio ", "žluťoučký ") + "  containers:\n  - name: rucio-server\n    x: 日本\n"
        self.assertIn("    x: 日本\n", self.check(text))

    def test_byte_order_mark_stays(self):
        self.assertTrue(self.check("\ufeff" + HEAD + "  containers:\n  - name: rucio-server\n").startswith("\ufeffapi"))


class Aliases(Manifest):
    def test_anchor_whose_alias_must_not_change_has_the_document_written_anew(self):
        text = HEAD + """\
  containers:
  - name: rucio-server
    env: &e
    - {name: A, value: x}
  - name: side
    env: *e
"""
        patched = self.check(text, is_anew=True)
        self.assertNotIn("*e", patched)

    def test_list_that_is_an_alias_has_the_document_written_anew(self):
        text = "x: &e\n- {name: A, value: x}\n" + HEAD + "  containers:\n  - name: rucio-server\n    env: *e\n"
        self.check(text, is_anew=True)

    def test_keys_with_question_marks_have_the_document_written_anew(self):
        text = HEAD + "  containers:\n  - name: rucio-server\n    ? env\n    : - name: A\n"
        self.check(text, is_anew=True)

    def test_anchors_that_are_not_touched_stay(self):
        text = HEAD + """\
  containers:
  - name: rucio-server
    resources: &r {limits: {cpu: 1}}
  - name: side
    resources: *r
"""
        self.assertEqual(self.removed(text, self.check(text)), [])

    def test_merged_keys_are_read(self):
        text = "x: &d {name: rucio-server, image: rucio}\n" + HEAD + "  containers:\n  - <<: *d\n    image: other\n"
        self.assertEqual(self.removed(text, self.check(text)), [])
        self.assertEqual(yaml.safe_load(self.run_ok(text))["spec"]["containers"][0]["name"], "rucio-server")

    def test_merged_lists_of_mappings_are_read(self):
        text = "x: [&d {name: rucio-server}, &e {name: b, image: i}]\n" + HEAD + "  containers:\n  - <<: [*d, *e]\n"
        self.assertIn("POLICY_PKG_PATH", self.check(text))

    def test_document_that_is_written_anew_reads_as_it_did(self):
        """Every kind of value that has to be written in another way than it came."""
        values = ["1", "'1'", "0x1F", "1_000", "010", "1.5", ".5", "1e3", "true", "'true'", "yes", "'yes'", "n", "'n'",
                  "null", "'null'", "~", "'~'", "''", "text", "'a: b'", "'# a'", "' a'", "'a '", "'- a'", "2001-01-01",
                  '"a\\tb"', '"a\\nb"', '"a\\n"', '"\\na"', '"a \\nb"', '"a\\n\\n"', '"\\u2028"', '"\\x7f"', '"\\"\\\\"',
                  "'*a'", "'&a'", "'@a'", "'%a'", "[]", "{}", "[[1, [2]], {a: {b: [c]}}]", "日本", "'0'", "'-'", "'1e3'",
                  "'0o7'", "'='", "'<<'", "'.inf'", "12345678901234567", "'a:b'", "{'a b': 1, '1': 2, 'true': 3, '': 4}"]
        text = HEAD + "  containers:\n  - name: rucio-server\n    env: &e [{name: A}]\n    x: *e\n    values:\n" + \
            "".join(f"    - {value}\n" for value in values)
        before = json.loads(self.run_ok(text, "-o", "json"))["spec"]["containers"][0]["values"]
        patched = self.check_values(text)
        self.assertEqual(patched, before)

    def check_values(self, text):
        out = self.run_ok(text, is_anew=True)
        self.assertEqual(self.run_ok(out), out)
        # The program reads YAML as Kubernetes' tools do; PyYAML agrees on what the program itself has written.
        self.assertEqual(yaml.safe_load(out), json.loads(self.run_ok(out, "-o", "json")))
        return json.loads(self.run_ok(out, "-o", "json"))["spec"]["containers"][0]["values"]

    def test_values_are_read_as_kubernetes_reads_them(self):
        plain = {"0x1F": 31, "0o17": 15, "017": 15, "0b11": 3, "1_000": 1000, "+1": 1, "-0x1": -1, "08": 8, ".5": 0.5,
                 "1.": 1, "1e3": 1000, "yes": True, "Off": False, "y": True, "~": None, "Null": None,
                 "2001-01-01": "2001-01-01", ".inf": ".inf", "0x": "0x", "1e": "1e", "1.2.3": "1.2.3",
                 "!!str 1": "1", "'1'": "1", "12e": "12e", "1_": 1, "._": "._", "-.5": -0.5, "+.": "+."}
        text = HEAD + "  values:\n" + "".join(f"  - {value}\n" for value in plain)
        self.assertEqual(json.loads(self.run_ok(text, "-o", "json"))["spec"]["values"], list(plain.values()))


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

    def test_empty_input_is_fine(self):
        for text in ["", "\n", "# nothing\n", "---\n"]:
            with self.subTest(text):
                self.assertEqual(self.run_ok(text), text)

    def test_dashes_in_a_text_of_several_lines_divide_nothing(self):
        text = HEAD + "  containers:\n  - name: rucio-server\n    args:\n    - |\n      ---\n      a\n"
        self.check(text)


class Errors(Manifest):
    def check_error(self, expected, text, *arguments):
        result = self.mutate(CONFIGURATION, text, *arguments)
        self.assertEqual((result.returncode, result.stdout), (1, ""), result.stderr)
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

    def test_unknown_tags_are_placed(self):
        self.check_error("<stdin>:6:14: error: found a tag, expected none", HEAD + "  x: !binary a\n")

    def test_alias_without_an_anchor_is_placed(self):
        self.check_error("<stdin>:6:6: error: found an alias without an anchor", HEAD + "  x: *a\n")

    def test_alias_of_what_it_is_in_is_refused(self):
        self.check_error("found nesting deeper than 128 levels", HEAD + "  x: &a [*a]\n")

    def test_aliases_that_stand_for_too_much_are_refused(self):
        text = "a0: &a0 [" + ",".join(["x" * 60] * 20) + "]\n"
        for level in range(1, 6):
            text += f"a{level}: &a{level} [" + ",".join([f"*a{level - 1}"] * 20) + "]\n"
        self.check_error("found aliases that stand for more than 64 MiB", HEAD + "  x: 1\n" + text)

    def test_nesting_is_limited(self):
        self.check_error("found nesting deeper than 128 levels", HEAD + "  x: " + "[" * 200 + "]" * 200 + "\n")

    def test_merge_of_what_is_no_mapping_is_placed(self):
        self.check_error("<stdin>:6:7: error: found no mapping after '<<'", HEAD + "  <<: text\n")

    def test_keys_that_are_no_words_are_placed(self):
        self.check_error("found a key that is no word", HEAD + "  ? [a]\n  : b\n")

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
    def test_every_pod_in_every_style_means_the_same_and_keeps_its_lines(self):
        styles = {
            "as kubectl prints it": {"Dumper": yaml.SafeDumper},
            "indented": {"Dumper": Indented},
            "with flow collections": {"Dumper": yaml.SafeDumper, "default_flow_style": None},
        }
        for pod_name in sorted(names_of_pods()):
            pod = {"apiVersion": "v1", "kind": "Pod", **read_pod(pod_name)}
            for name, style in styles.items():
                with self.subTest(pod=pod_name, style=name):
                    text = yaml.dump(pod, sort_keys=False, width=1000, **style)
                    patched = self.run_ok(text, "-o", "yaml")
                    self.assertEqual(yaml.safe_load(patched), json.loads(self.run_ok(text, "-o", "json")))
                    self.assertEqual(self.run_ok(patched), patched)


class Examples(Manifest):
    def test_chart_of_the_examples_loses_one_line(self):
        text = (ROOT / "examples" / "chart" / "rendered.yaml").read_text()
        configuration = str(pathlib.Path(ROOT / "examples" / "policy.yaml"))
        result = self.run_program("mutate", "--config", configuration, stdin=text)
        self.assertEqual(self.removed(text, result.stdout), ["              value: /opt/site   # the site's own modules"])


if __name__ == "__main__":
    unittest.main()
