"""`registration` and `check --registration`: the MutatingWebhookConfiguration that a configuration needs. That the chart renders
the same, tests/e2e/chart_rendering.py holds."""
import json
import unittest

import yaml

from offline import ROOT, Offline

CASES = ROOT.parent / "shared" / "cases" / "cli"
POLICY = """\
policies:
  - {name: a, match: {namespaces: [rucio, "atlas-*"], containers: [rucio-ui, "x-*"]}, package: p, source: {preinstalled: {}}}
"""


class Registration(Offline):
    def setUp(self):
        super().setUp()
        (self.folder / "policy.yaml").write_text(POLICY)

    def printed(self, *flags):
        done = self.run_program("registration", "--config", "policy.yaml", *flags)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def object(self):
        return json.loads(self.printed("-o", "json"))

    def check(self, registration, code):
        text = registration if isinstance(registration, str) else json.dumps(registration)
        done = self.run_program("check", "--registration", "-", "policy.yaml", stdin=text)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def test_yaml_and_json_are_the_same(self):
        self.assertEqual(yaml.safe_load(self.printed()), self.object())

    def test_conditions_are_those_of_the_policies(self):
        webhook = self.object()["webhooks"][0]
        test = "c.name in ['rucio-ui'] || c.name.startsWith('x-')"
        self.assertEqual([condition["expression"] for condition in webhook["matchConditions"]], [
            "request.namespace in ['rucio'] || request.namespace.startsWith('atlas-')",
            f"object.spec.containers.exists(c, {test}) ||\n"
            f"(has(object.spec.initContainers) && object.spec.initContainers.exists(c, {test}))"])

    def test_service_is_named(self):
        registration = json.loads(self.printed("--service", "ns/w", "-o", "json"))
        webhook = registration["webhooks"][0]
        self.assertEqual(registration["metadata"]["name"], "w")
        self.assertEqual(webhook["clientConfig"]["service"], {"namespace": "ns", "name": "w", "path": "/mutate", "port": 443})
        self.assertIn("ns", webhook["namespaceSelector"]["matchExpressions"][0]["values"])

    def test_pattern_for_every_container_is_refused(self):
        (self.folder / "policy.yaml").write_text(POLICY.replace("x-*", "*"))
        done = self.run_program("registration", "--config", "policy.yaml")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("the container pattern '*' begins with a wildcard", done.stderr)

    def test_wrong_configuration_is_no_answer(self):
        (self.folder / "policy.yaml").write_text("policies: []\n")
        self.assertEqual(self.run_program("registration", "--config", "policy.yaml").returncode, 3)

    def test_check_takes_what_is_printed(self):
        self.assertIn("<stdin> is the registration that this configuration needs", self.check(self.printed(), 0).stdout)

    def test_check_passes_by_what_an_installation_has_of_its_own(self):
        registration = json.loads(self.printed("--service", "elsewhere/hook", "-o", "json"))
        registration["metadata"].update({"uid": "1", "labels": {"a": "b"}})
        registration["webhooks"][0]["clientConfig"]["caBundle"] = "eA=="
        self.check(registration, 0)

    def test_check_finds_ours_among_others(self):
        other = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
                 "metadata": {"name": "mesh"}, "webhooks": [{"name": "mesh.example.com"}]}
        self.check({"apiVersion": "v1", "kind": "List", "items": [other, self.object()]}, 0)
        self.assertIn("found 0 MutatingWebhookConfigurations with a webhook pods.policy.rucio.cern.ch, expected one",
                      self.check(other, 1).stderr)
        self.assertIn("found 2 MutatingWebhookConfigurations",
                      self.check({"kind": "List", "items": [self.object(), self.object()]}, 1).stderr)

    def test_check_names_each_field_that_differs(self):
        def changed(change):
            registration = self.object()
            change(registration["webhooks"][0])
            return registration

        for change, words in (
                (lambda w: w.update(failurePolicy="Ignore"), '/webhooks/0/failurePolicy: found "Ignore", expected "Fail"'),
                (lambda w: w.pop("timeoutSeconds"), "/webhooks/0/timeoutSeconds: found nothing, expected 5"),
                (lambda w: w["rules"][0].update(scope="*"), '/webhooks/0/rules/0/scope: found "*", expected "Namespaced"'),
                (lambda w: w.update(objectSelector={"matchLabels": {}}),
                 "/webhooks/0/objectSelector/matchLabels: found {}, expected nothing"),
                (lambda w: w["matchConditions"].pop(), "/webhooks/0/matchConditions: found [{"),
                (lambda w: w["matchConditions"][1].update(expression="true"),
                 '/webhooks/0/matchConditions/1/expression: found "true", expected "object.spec.')):
            with self.subTest(words):
                error = self.check(changed(change), 1).stderr
                self.assertIn("<stdin>: " + words, error)
                self.assertEqual(error.count("\n"), 1)

    def test_check_of_nothing_has_not_looked(self):
        for text in ("", "kind: Pod\nmetadata: {name: a}\n"):
            self.assertIn("found no MutatingWebhookConfiguration, expected one", self.check(text, 3).stderr)
        self.assertIn("nowhere.yaml", self.run_program("check", "--registration", "nowhere.yaml", "policy.yaml").stderr)

    @unittest.skipUnless(CASES.exists(), "the shared cases are not here")
    def test_condition_that_is_true_is_compared_and_not_understood(self):
        folder = CASES / "check-webhook-cel-true"
        self.assertEqual(self.run_program("check", "--registration", folder / "t.yaml", folder / "pol.yaml").returncode, 1)


if __name__ == "__main__":
    unittest.main()
