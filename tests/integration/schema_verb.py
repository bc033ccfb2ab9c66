"""`schema`: the JSON Schema says of a configuration's keys and types what `check` says."""
import copy
import json
import unittest

import jsonschema
import yaml

from offline import ROOT, Offline

# Every key of the configuration itself at least once; parts of Kubernetes objects are not repeated here.
INSTALLER = {"image": "a:1", "pullPolicy": "Always", "resources": {"limits": {"cpu": 1}}, "position": "last",
             "securityContext": {"runAsUser": 1}, "sizeLimit": "1Gi", "medium": "Memory"}
FULL = {"unmatched": "warn", "policies": [
    {"name": "a", "match": {"namespaces": ["a"], "containers": ["b"], "images": ["c"], "podSelector": {
        "matchLabels": {"c": "d"}, "matchExpressions": [{"key": "e", "operator": "In", "values": ["f"]}]}},
     "package": "p", "packages": {"atl": "q"}, "configEnv": False, "version": "1", "path": "/p", "pythonPath": "append",
     "imagePythonPath": "/q", "verify": "warn", "onConflict": "reject",
     "source": {"volume": {"configMap": {"name": "m"}}, "subPath": "s"}},
    {"name": "b", "package": "p", "source": {"pip": {
        "requirements": ["p==1"], "noDeps": True, "indexUrl": "https://i", "args": ["--pre"],
        "env": [{"name": "A", "value": "b"}], "envFrom": [{"secretRef": {"name": "s"}}], **INSTALLER}}},
    {"name": "c", "package": "p", "source": {"copy": {"path": "/c", **INSTALLER}}},
    {"name": "d", "package": "p", "source": {"preinstalled": {}}},
]}
KUBERNETES = ("volume", "env", "envFrom", "resources", "securityContext", "matchLabels", "packages")  # names of others below


def mappings(value, path=()):
    """Each mapping of the configuration itself, with the way to it."""
    if isinstance(value, dict):
        yield path, value
        for key, child in value.items():
            if key not in KUBERNETES:
                yield from mappings(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from mappings(child, (*path, index))


def follow(value, path):
    for step in path:
        value = value[step]
    return value


class Schema(Offline):
    def setUp(self):
        super().setUp()
        self.schema = json.loads(self.run_program("schema").stdout)
        jsonschema.Draft7Validator.check_schema(self.schema)
        self.validator = jsonschema.Draft7Validator(self.schema)

    def is_right(self, configuration):
        text = configuration if isinstance(configuration, str) else json.dumps(configuration)
        return self.run_program("check", "-", stdin=text).returncode == 0

    def assert_both_refuse(self, configuration):
        self.assertFalse(self.is_right(configuration))
        self.assertFalse(self.validator.is_valid(configuration))

    def test_every_right_configuration_of_the_tests_is_valid(self):
        files = [*ROOT.glob("examples/*.yaml"), *ROOT.glob("manifests/policy.yaml"),
                 *list(ROOT.glob("tests/golden/*/policy.yaml"))[::10]]
        self.assertGreater(len(files), 20)
        for file in files:
            text = file.read_text(encoding="utf-8")
            with self.subTest(file.relative_to(ROOT)):
                self.assertTrue(self.is_right(text))
                self.assertEqual([error.message for error in self.validator.iter_errors(yaml.safe_load(text))], [])

    def test_full_configuration_has_every_key_of_the_schema(self):
        self.assertTrue(self.is_right(FULL))
        self.validator.validate(FULL)
        known, used = set(), set()

        def collect(schema, name):
            for key, child in schema.get("properties", {}).items():
                known.add((name, key))
                if key not in KUBERNETES:
                    collect(child, key)
            collect(schema["items"], name) if "items" in schema else None  # pylint: disable=expression-not-assigned

        collect(self.schema, "")
        for path, mapping in mappings(FULL):
            names = [step for step in path if isinstance(step, str)]
            used.update(((names or [""])[-1], key) for key in mapping)
        self.assertEqual(known, used)

    def test_other_keys_are_refused_by_both(self):
        for path, mapping in mappings(FULL):
            for key in [*mapping, None]:
                with self.subTest(path=path, key=key):
                    changed = copy.deepcopy(FULL)
                    there = follow(changed, path)
                    there[f"{key}x"] = there.pop(key) if key else 1
                    self.assert_both_refuse(changed)

    def test_other_types_are_refused_by_both(self):
        for path, mapping in mappings(FULL):
            for key in mapping:
                with self.subTest(path=path, key=key):
                    changed = copy.deepcopy(FULL)
                    follow(changed, path)[key] = [[True]]
                    self.assert_both_refuse(changed)

    def test_required_keys_are_those_of_both(self):
        for path, mapping in mappings(FULL):
            for key in mapping:
                with self.subTest(path=path, key=key):
                    changed = copy.deepcopy(FULL)
                    del follow(changed, path)[key]
                    if self.is_right(changed):
                        self.validator.validate(changed)
                    elif not self.validator.is_valid(changed):
                        continue
                    else:  # what keys ask of each other is not in the schema
                        self.assertIn(key, ("image", "package", "packages", "volume", "values"))


if __name__ == "__main__":
    unittest.main()
