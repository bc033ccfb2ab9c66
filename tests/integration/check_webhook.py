"""`check --webhook-configuration`: does the cluster send every pod that a policy selects?"""

import unittest

from kube_api import run
from offline import Offline

CONFIGURATION = """\
policies:
  - name: atlas
    match: {namespaces: [rucio-atlas]}
    package: atlas_policy
    source: {preinstalled: {}}
  - name: any
    match: {containers: [rucio-server]}
    package: any_policy
    source: {preinstalled: {}}
"""
WEBHOOKS = """\
apiVersion: v1
kind: Service
metadata: {name: rucio-policy-webhook}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: rucio-policy-webhook}
webhooks:
- name: policy.rucio.cern.ch
  namespaceSelector:
    matchExpressions:
    - {key: kubernetes.io/metadata.name, operator: NotIn, values: [kube-system]}
  rules:
  - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods], scope: Namespaced}
  matchConditions:
  - name: rucio
    expression: >-
      object.spec.containers.exists(c, c.name in ['rucio-server', 'rucio-daemons', 'rucio-ui'])
"""
# Somebody else's, which every pod is sent to.
OTHERS = """
---
kind: MutatingWebhookConfiguration
metadata: {name: mesh}
webhooks:
- name: sidecars.example.org
  rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
"""
# For clusters without match conditions.
BY_LABEL = """\
kind: List
items:
- kind: MutatingWebhookConfiguration
  webhooks:
  - name: app.policy.rucio.cern.ch
    objectSelector: {matchExpressions: [{key: app, operator: In, values: [rucio-server, rucio-ui]}]}
    rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  - name: daemon.policy.rucio.cern.ch
    objectSelector: {matchExpressions: [{key: rucio-daemon, operator: Exists}]}
    rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
"""


class CheckWebhook(Offline):
    def check(self, webhooks, configuration=CONFIGURATION, code=0, flags=()):
        (self.folder / "webhooks.yaml").write_text(webhooks)
        (self.folder / "policy.yaml").write_text(configuration)
        done = self.run_program("check", "--webhook-configuration", "webhooks.yaml", *flags, "policy.yaml")
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def test_everything_is_sent(self):
        done = self.check(WEBHOOKS)
        self.assertEqual(done.stderr, "")
        self.assertIn("\nwebhooks.yaml sends every pod that a policy selects.\nThis rests on what the two files do not say:\n",
                      done.stdout)
        self.assertIn("   - pods in namespace kube-system are not sent\n", done.stdout)

    def test_two_webhooks_by_label(self):
        done = self.check(BY_LABEL)
        self.assertIn("   - pods with a container rucio-daemons have the label rucio-daemon as Rucio's Helm chart writes it\n",
                      done.stdout)

    def test_container_that_is_not_sent(self):
        error = self.check(WEBHOOKS.replace("'rucio-daemons', ", ""), code=1).stderr
        self.assertEqual(error, "webhooks.yaml: error: policy atlas: its pods with a container rucio-daemons in namespace "
                                "rucio-atlas are not sent:\n"
                                "    webhook policy.rucio.cern.ch: its match condition rucio does not let them through\n")

    def test_namespace_that_is_not_sent(self):
        error = self.check(WEBHOOKS.replace("[kube-system]", "[kube-system, rucio-atlas]"), code=1).stderr
        self.assertIn("its namespaceSelector leaves the namespace out", error)

    def test_condition_that_is_not_understood(self):
        error = self.check(WEBHOOKS.replace("object.spec.containers", "!object.spec.containers"), code=1).stderr
        self.assertIn("it cannot be told: its match condition rucio is not understood from '!object.spec", error)

    def test_condition_that_refuses_other_pods(self):
        changed = WEBHOOKS.rstrip() + " || object.spec.initContainers.exists(c, c.name == 'rucio-server')\n"
        self.assertIn("fails for pods without init containers", self.check(changed, code=1).stderr)

    def test_a_catch_all_of_another_configuration_does_not_count(self):
        narrow = WEBHOOKS.replace("'rucio-daemons', ", "") + OTHERS
        error = self.check(narrow, code=1, flags=["--webhook", "rucio-policy-webhook"]).stderr
        self.assertIn("its pods with a container rucio-daemons in namespace rucio-atlas are not sent:\n"
                      "    webhook policy.rucio.cern.ch: its match condition", error)
        self.assertNotIn("sidecars", error)
        self.check(narrow, flags=["--webhook=mesh"])

    def test_faults_of_another_configuration_do_not_count(self):
        self.assertEqual(self.check(WEBHOOKS + OTHERS + "  matchConditions: [{name: x, expression: "
                                    "\"object.spec.initContainers.exists(c, c.name == 'x')\"}]\n",
                                    flags=["--webhook", "rucio-policy-webhook"]).stderr, "")

    def test_several_configurations_need_a_name(self):
        self.assertEqual(self.check(WEBHOOKS + OTHERS, code=1).stderr,
                         "webhooks.yaml: expected one MutatingWebhookConfiguration, or --webhook NAME, found:\n"
                         "    rucio-policy-webhook\n    mesh\n")

    def test_a_name_that_is_not_there_is_told_with_those_that_are(self):
        for name, webhooks in (("rucio", WEBHOOKS + OTHERS), ("mesh", OTHERS + OTHERS)):
            with self.subTest(name=name):
                error = self.check(webhooks, code=1, flags=["--webhook", name]).stderr
                self.assertIn(f"expected one MutatingWebhookConfiguration called {name} (--webhook), found:\n", error)
                self.assertIn("\n    mesh\n", error)

    def test_json(self):
        self.check('{"kind": "MutatingWebhookConfiguration", "webhooks": [{"name": "x", "rules": [{"apiGroups": ["*"],'
                   '"apiVersions": ["*"], "operations": ["*"], "resources": ["*"]}]}]}')

    def test_file_without_webhooks(self):
        for text in ("", "kind: Service\n", "kind: MutatingWebhookConfiguration\n", "[1, 2]\n"):
            with self.subTest(text=text):
                self.assertIn("found no MutatingWebhookConfiguration with webhooks", self.check(text, code=1).stderr)

    def test_file_that_is_no_yaml_is_placed(self):
        self.assertIn("webhooks.yaml:4:", self.check("kind: x\n---\nkind: y\nz: [\n", code=1).stderr)

    def test_file_that_is_not_there(self):
        (self.folder / "policy.yaml").write_text(CONFIGURATION)
        done = self.run_program("check", "policy.yaml", "--webhook-configuration=nowhere.yaml")
        self.assertEqual(done.returncode, 1)
        self.assertIn("nowhere.yaml: cannot be read: No such file", done.stderr)

    def test_configuration_with_errors_is_reported_first(self):
        done = self.check(WEBHOOKS, "policies: []\n", code=1)
        self.assertIn("policy.yaml:1:", done.stderr)

    def test_option_without_file_is_usage(self):
        self.assertEqual(run("check", "--webhook-configuration").returncode, 2)



if __name__ == "__main__":
    unittest.main()
