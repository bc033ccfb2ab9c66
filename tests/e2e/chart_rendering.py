"""The Helm chart as it is rendered, without a cluster: what becomes of the configuration, and which pods the cluster is
told to send."""
import hashlib
import json
import re
import shutil
import subprocess
import tempfile
import unittest

import yaml

from chart_support import (ALL, CHART, CONFIGURATION, MONITORING, NAME, ChartCase, find, helm, render, render_error,
                           render_text)
from support import PROGRAM, ROOT


def policy(containers=None, unmatched=None, name="atlas"):
    """A configuration whose policy looks for these containers."""
    match = {"namespaces": ["rucio-atlas"], **({"containers": containers} if containers else {})}
    text = {"policies": [{"name": name, "match": match, "package": "p", "source": {"preinstalled": {}}}]}
    if unmatched:
        text["unmatched"] = unmatched
    return json.dumps(text)


def condition(things):
    return find(things, "MutatingWebhookConfiguration")["webhooks"][0]["matchConditions"][-1]["expression"]


def on_both(test):
    """The expression whose test of a container is this."""
    return (f"object.spec.containers.exists(c, {test}) ||\n"
            f"(has(object.spec.initContainers) && object.spec.initContainers.exists(c, {test}))")


def name_hash(text):
    """How the chart names a ConfigMap."""
    return hashlib.sha256(text.encode()).hexdigest()[:10]


class Rendering(ChartCase):
    def test_chart_passes_helms_own_checks(self):
        done = helm("lint", "--strict", str(CHART), "--set", "configMap=mine")
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_twice_gives_the_same_bytes(self):
        first, second = (render_text(*ALL, *MONITORING).stdout for _ in range(2))
        self.assertIn("kind: ServiceMonitor", first)
        self.assertEqual(first, second)

    def test_manifests_are_what_the_chart_renders(self):
        done = subprocess.run([ROOT / "scripts" / "render-manifests.sh", "--check"], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    @unittest.skipUnless(shutil.which("kubectl"), "kubectl is not there")
    def test_kustomize_changes_nothing_but_the_name_of_the_config_map(self):
        done = subprocess.run(["kubectl", "kustomize", ROOT / "manifests"], capture_output=True, text=True, check=True)
        name = f"{NAME}-policy"
        made = re.search(rf"{name}-[a-z0-9]+", done.stdout)[0]
        things = [thing for thing in yaml.safe_load_all(done.stdout.replace(made, name)) if thing]
        things.remove(find(things, "ConfigMap", name))
        key = lambda thing: (thing["kind"], thing["metadata"]["name"])  # pylint: disable=unnecessary-lambda-assignment
        expected = list(yaml.safe_load_all((ROOT / "manifests" / "install.yaml").read_text()))
        self.assertEqual(sorted(things, key=key), sorted((thing for thing in expected if thing), key=key))

    def test_version_is_the_programs(self):
        version = re.search(r"project\(rucio-policy-webhook VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())[1]
        chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
        self.assertEqual((chart["version"], chart["appVersion"]), (version, version))

    def test_without_a_configuration_it_says_how_to_give_one(self):
        self.assertIn("--set-file configuration=policy.yaml", render_error(configuration=""))


class Configuration(ChartCase):
    def test_text_arrives_as_it_is(self):
        text = ('# a comment\npolicies: # "quotes" \'too\'\n\n  - {name: a, package: p, source: {preinstalled: {}}}\n'
                '\n# the end')
        config_map = find(render(configuration=text), "ConfigMap", "-" + name_hash(text))
        self.assertEqual(config_map["data"]["policy.yaml"], text)

    def test_change_makes_other_pods(self):
        before, after = (find(render("--no-hooks", configuration=text), "Deployment")["spec"]["template"]
                         for text in (CONFIGURATION, CONFIGURATION + "# changed\n"))
        self.assertNotEqual(before["spec"]["volumes"], after["spec"]["volumes"])

    def test_change_of_a_policy_does_not_run_the_certificates_job_again(self):
        before, after = (find(render("--no-hooks", configuration=text), "Job")["metadata"]["name"]
                         for text in (CONFIGURATION, CONFIGURATION.replace("rucio-atlas", "rucio-cms")))
        self.assertEqual(before, after)

    def test_own_config_map_is_used_and_none_made(self):
        things = render("--no-hooks", "--set", "configMap=mine", configuration="")
        self.assertNotIn("ConfigMap", [thing["kind"] for thing in things])
        volumes = find(things, "Deployment")["spec"]["template"]["spec"]["volumes"]
        self.assertIn({"name": "policy", "configMap": {"name": "mine"}}, volumes)

    def test_what_is_no_yaml_is_refused(self):
        self.assertIn("configuration: not YAML", render_error(configuration="policies: ["))

    # YAML of the wrong shape: configuration, the place that the check Job names.
    WRONG_SHAPES = (
        ("policies: 7\n", "1:11: error: policies: "),
        ("policies: [7]\n", "1:12: error: policies: "),
        ("policies:\n  - {name: a, match: text, package: p, source: {preinstalled: {}}}\n", "2:22: error: match: "),
        ("policies:\n  - name: a\n    match: {containers: null}\n", "3:25: error: containers: "),
        ("policies:\n  - name: a\n    match: {containers: text}\n", "3:25: error: containers: "),
        ("unmatched: 7\npolicies: []\n", "1:12: error: unmatched: "),
    )

    def test_wrong_shapes_are_left_to_the_check_which_names_the_place(self):
        for text, place in self.WRONG_SHAPES:
            with self.subTest(text), tempfile.NamedTemporaryFile("w") as file:
                things = render(configuration=text)
                self.assertIn("c.name in ['rucio-daemons', 'rucio-server', 'rucio-ui']", condition(things))
                checked = next(thing for thing in things
                               if (thing["kind"], thing["metadata"]["name"]) == ("ConfigMap", f"{NAME}-check"))
                self.assertEqual(checked["data"]["policy.yaml"], text)
                file.write(text)
                file.flush()
                done = subprocess.run([PROGRAM, "check", file.name], capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 1)
                self.assertIn(f"{file.name}:{place}", done.stderr)


RUCIO_NAMES = "c.name in ['rucio-daemons', 'rucio-server', 'rucio-ui']"
RUCIO_IMAGES = ("(has(c.image) && c.image.matches('^(.*/)?(rucio-clients|rucio-daemons|rucio-init|rucio-probes|rucio-server|"
                "rucio-ui|rucio/probes)([:@].*)?$'))")
RUCIO_VARIABLES = "(has(c.env) && c.env.exists(e, e.name == 'RUCIO_DAEMON' || e.name.startsWith('RUCIO_CFG_')))"


class Selection(ChartCase):
    """The cluster is told to send what the configuration selects, and the program says the same of it."""

    CONDITIONS = (
        ("Rucio's own names and images by default", policy(), f"{RUCIO_NAMES} || {RUCIO_IMAGES}"),
        ("the names of the policy alone", policy(["b", "a"]), "c.name in ['a', 'b']"),
        ("Rucio's own besides when unmatched pods matter", policy(["a"], "warn"),
         f"c.name in ['a', 'rucio-daemons', 'rucio-server', 'rucio-ui'] || {RUCIO_IMAGES} || {RUCIO_VARIABLES}"),
        ("not when they are allowed", policy(["a"], "allow"), "c.name in ['a']"),
        ("a pattern by what is in front", policy(["rucio-*"]), "c.name.startsWith('rucio-')"),
        ("a pattern with more behind, a little wider", policy(["rucio-?-x"]), "c.name.startsWith('rucio-')"),
        ("both", policy(["a", "rucio-*"]), "c.name in ['a'] || c.name.startsWith('rucio-')"),
    )

    # What `registration` and the chart are held equal for, beside CONDITIONS: the namespaces, and several policies.
    CONFIGURATIONS = (
        ("a pattern of namespaces", {"namespaces": ["atlas-*", "rucio", "atlas-?"]}),
        ("a pattern for all namespaces", {"namespaces": ["rucio", "*-rucio"]}),
        ("images", {"images": ["b", "rucio/a.b", "x-*:3?"]}),
        ("images and names", {"images": ["b", "a"], "containers": ["c", "d-*"]}),
        ("no namespaces", {}),
        ("labels besides", {"namespaces": ["b", "a"], "podSelector": {"matchLabels": {"a": "b"}}}),
    )

    def assert_same(self, configuration):
        """The chart's rendering is what `registration` prints, but for what an installation names itself."""
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as webhooks, tempfile.NamedTemporaryFile("w") as file:
            webhooks.write(render_text("--no-hooks", configuration=configuration).stdout)
            webhooks.flush()
            file.write(configuration)
            file.flush()
            printed = subprocess.run([PROGRAM, "registration", "--config", file.name], capture_output=True, text=True,
                                     check=True).stdout
            checked = subprocess.run([PROGRAM, "check", "--registration", webhooks.name, file.name],
                                     capture_output=True, text=True, check=False)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        self.assertIn("is the registration that this configuration needs", checked.stdout)
        self.assertEqual(yaml.safe_load(printed)["webhooks"],
                         find(render(configuration=configuration), "MutatingWebhookConfiguration")["webhooks"])

    def test_program_prints_the_same(self):
        for name, match in self.CONFIGURATIONS:
            for unmatched in ("allow", "warn"):
                with self.subTest(name, unmatched=unmatched):
                    policies = [{"name": "a", "match": {"namespaces": ["z"]}, "package": "p", "source": {"preinstalled": {}}},
                                {"name": "b", "match": match, "package": "p", "source": {"preinstalled": {}}}]
                    self.assert_same(json.dumps({"policies": policies, "unmatched": unmatched}))

    def test_namespaces_are_a_condition_of_their_own(self):
        def conditions(**match):
            text = json.dumps({"policies": [{"name": "a", "match": match, "package": "p",
                                             "source": {"preinstalled": {}}}]})
            return find(render(configuration=text), "MutatingWebhookConfiguration")["webhooks"][0]["matchConditions"]

        self.assertEqual(conditions(namespaces=["b-*", "a"])[0]["expression"],
                         "request.namespace in ['a'] || request.namespace.startsWith('b-')")
        self.assertEqual(len(conditions(namespaces=["a", "*"])), 1)
        self.assertEqual(len(conditions()), 1)

    def test_conditions_follow_from_the_configuration(self):
        for name, configuration, test in self.CONDITIONS:
            with self.subTest(name):
                self.assertEqual(condition(render(configuration=configuration)), on_both(test))
                self.assert_same(configuration)

    def test_several_policies_are_one_condition(self):
        several = json.loads(policy(["b"]))
        several["policies"] += json.loads(policy(["a", "b"], name="other"))["policies"]
        several["policies"].append({"name": "all", "match": None, "package": "p", "source": {"preinstalled": {}}})
        self.assertEqual(condition(render(configuration=json.dumps(several))),
                         on_both(f"c.name in ['a', 'b', 'rucio-daemons', 'rucio-server', 'rucio-ui'] || {RUCIO_IMAGES}"))

    def test_pattern_for_everything_is_refused(self):
        self.assertIn("every pod of the cluster would depend on the webhook",
                      render_error(configuration=policy(["*-x"])))
        self.assertIn("the image pattern \"*:*\" means every image, so every pod of the cluster would depend on the webhook",
                      render_error(configuration=policy(["a"]).replace('"containers": ["a"]', '"images": ["*:*"]')))

    def test_namespaces_of_the_system_and_its_own_are_left_out(self):
        webhook = find(render(), "MutatingWebhookConfiguration")["webhooks"][0]
        self.assertEqual(webhook["namespaceSelector"]["matchExpressions"],
                         [{"key": "kubernetes.io/metadata.name", "operator": "NotIn",
                           "values": ["kube-system", "kube-public", "kube-node-lease", NAME]}])

    def test_namespaces_can_be_narrowed(self):
        webhook = find(render("--set", "webhook.namespaceSelector.matchLabels.rucio=enabled"),
                       "MutatingWebhookConfiguration")["webhooks"][0]
        self.assertEqual(webhook["namespaceSelector"]["matchLabels"], {"rucio": "enabled"})
        self.assertEqual(len(webhook["namespaceSelector"]["matchExpressions"]), 1)

    def test_selection_can_do_without_what_is_null(self):
        flags = [flag for key in ("excludedNamespaces", "annotations", "namespaceSelector")
                 for flag in ("--set", f"webhook.{key}=null")]
        found = find(render(*flags), "MutatingWebhookConfiguration")
        self.assertNotIn("annotations", found["metadata"])
        self.assertEqual(found["webhooks"][0]["namespaceSelector"], {"matchExpressions": [
            {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": [NAME]}]})

    def test_it_fails_closed_and_asks_for_pods_as_they_are_created_and_no_more(self):
        [webhook] = find(render(), "MutatingWebhookConfiguration")["webhooks"]
        for key in ("name", "clientConfig", "namespaceSelector", "matchConditions"):
            del webhook[key]
        self.assertEqual(webhook, {
            "admissionReviewVersions": ["v1"], "failurePolicy": "Fail", "matchPolicy": "Equivalent",
            "reinvocationPolicy": "IfNeeded", "sideEffects": "None", "timeoutSeconds": 5, "objectSelector": {},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"],
                       "resources": ["pods"], "scope": "Namespaced"}]})

    def test_it_is_called_through_its_service(self):
        things = render()
        self.assertEqual(find(things, "MutatingWebhookConfiguration")["webhooks"][0]["clientConfig"],
                         {"service": {"name": NAME, "namespace": NAME, "path": "/mutate", "port": 443}})
        self.assertEqual(find(things, "Service", NAME)["spec"]["ports"][0],
                         {"name": "webhook", "port": 443, "targetPort": "webhook", "protocol": "TCP"})


if __name__ == "__main__":
    unittest.main()
