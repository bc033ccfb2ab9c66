"""The Helm chart as it is rendered, without a cluster: what the values do, and which mistakes are refused with which words."""
import hashlib
import json
import re
import subprocess
import tempfile
import unittest

import yaml

from chart_support import ALL, CHART, CONFIGURATION, MONITORING, NAME, find, helm, pod_specs, render, render_error, render_text
from support import PROGRAM, ROOT


def policy(containers=None, unmatched=None, name="atlas"):
    """A configuration whose policy looks for these containers."""
    match = {"namespaces": ["rucio-atlas"], **({"containers": containers} if containers else {})}
    text = {"policies": [{"name": name, "match": match, "package": "p", "source": {"preinstalled": {}}}]}
    if unmatched:
        text["unmatched"] = unmatched
    return json.dumps(text)


def condition(things):
    return find(things, "MutatingWebhookConfiguration")["webhooks"][0]["matchConditions"][0]["expression"]


def on_both(test):
    """The expression whose test of a container is this."""
    return (f"object.spec.containers.exists(c, {test}) ||\n"
            f"(has(object.spec.initContainers) && object.spec.initContainers.exists(c, {test}))")


def name_hash(text):
    """How the chart names a ConfigMap."""
    return hashlib.sha256(text.encode()).hexdigest()[:10]


class Rendering(unittest.TestCase):
    def test_chart_passes_helms_own_checks(self):
        done = helm("lint", "--strict", str(CHART), "--set", "configMap=mine")
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_twice_gives_the_same_bytes(self):
        first, second = (render_text(*ALL, *MONITORING).stdout for _ in range(2))
        self.assertIn("kind: ServiceMonitor", first)
        self.assertEqual(first, second)

    def test_manifests_are_what_the_chart_renders(self):
        done = subprocess.run([ROOT / "scripts" / "render-manifests.sh", "--check"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

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

    def test_long_release_names_leave_room_for_what_kubernetes_appends(self):
        for thing in render(*ALL, *MONITORING, name="a-release-whose-name-has-fifty-three-characters-53"):
            limit = 52 if thing["kind"] == "CronJob" else 63
            self.assertLessEqual(len(thing["metadata"]["name"]), limit, thing["kind"])


class Configuration(unittest.TestCase):
    def test_text_arrives_as_it_is(self):
        text = '# a comment\npolicies: # "quotes" \'too\'\n\n  - {name: a, package: p, source: {preinstalled: {}}}\n\n# the end'
        self.assertEqual(find(render(configuration=text), "ConfigMap", "-" + name_hash(text))["data"]["policy.yaml"], text)

    def test_change_makes_other_pods(self):
        before, after = (find(render("--no-hooks", configuration=text), "Deployment")["spec"]["template"]
                         for text in (CONFIGURATION, CONFIGURATION + "# changed\n"))
        self.assertNotEqual(before["spec"]["volumes"], after["spec"]["volumes"])

    def test_change_of_a_policy_does_not_run_the_certificates_job_again(self):
        before, after = (find(render("--no-hooks", configuration=text), "Job")["metadata"]["name"]
                         for text in (CONFIGURATION, CONFIGURATION.replace("rucio-atlas", "rucio-cms")))
        self.assertEqual(before, after)

    def test_change_of_the_webhooks_runs_the_certificates_job_again(self):
        before, after = (find(render("--no-hooks", *flags), "Job")["metadata"]["name"]
                         for flags in ((), ("--set", "webhook.selection=labels")))
        self.assertNotEqual(before, after)

    def test_own_config_map_is_used_and_none_made(self):
        things = render("--no-hooks", "--set", "configMap=mine", configuration="")
        self.assertNotIn("ConfigMap", [thing["kind"] for thing in things])
        volumes = find(things, "Deployment")["spec"]["template"]["spec"]["volumes"]
        self.assertIn({"name": "policy", "configMap": {"name": "mine"}}, volumes)

    def test_what_is_no_yaml_is_refused(self):
        self.assertIn("configuration: not YAML", render_error(configuration="policies: ["))


class Selection(unittest.TestCase):
    """The cluster is told to send what the configuration selects: `check --webhook-configuration` agrees each time."""

    CONDITIONS = (
        ("Rucio's own names by default", policy(), "c.name in ['rucio-daemons', 'rucio-server', 'rucio-ui']"),
        ("the names of the policy alone", policy(["b", "a"]), "c.name in ['a', 'b']"),
        ("Rucio's own besides when unmatched pods matter", policy(["a"], "warn"),
         "c.name in ['a', 'rucio-daemons', 'rucio-server', 'rucio-ui']"),
        ("not when they are allowed", policy(["a"], "allow"), "c.name in ['a']"),
        ("a pattern by what is in front", policy(["rucio-*"]), "c.name.startsWith('rucio-')"),
        ("a pattern with more behind, a little wider", policy(["rucio-?-x"]), "c.name.startsWith('rucio-')"),
        ("both", policy(["a", "rucio-*"]), "c.name in ['a'] || c.name.startsWith('rucio-')"),
    )

    def assert_sent(self, configuration, *flags):
        """Every pod that a policy selects is sent."""
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as webhooks, tempfile.NamedTemporaryFile("w") as file:
            webhooks.write(render_text("--no-hooks", *flags, configuration=configuration).stdout)
            webhooks.flush()
            file.write(configuration)
            file.flush()
            done = subprocess.run([PROGRAM, "check", "--webhook-configuration", webhooks.name, file.name],
                                  capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("sends every pod that a policy selects", done.stdout)

    def test_conditions_follow_from_the_configuration(self):
        for name, configuration, test in self.CONDITIONS:
            with self.subTest(name):
                self.assertEqual(condition(render(configuration=configuration)), on_both(test))
                self.assert_sent(configuration)

    def test_several_policies_are_one_condition(self):
        several = json.loads(policy(["b"]))
        several["policies"] += json.loads(policy(["a", "b"], name="other"))["policies"]
        several["policies"].append({"name": "all", "match": None, "package": "p", "source": {"preinstalled": {}}})
        self.assertEqual(condition(render(configuration=json.dumps(several))),
                         on_both("c.name in ['a', 'b', 'rucio-daemons', 'rucio-server', 'rucio-ui']"))

    def test_pattern_for_everything_is_refused(self):
        self.assertIn("every pod of the cluster would depend on the webhook", render_error(configuration=policy(["*-x"])))

    def test_labels_are_those_of_rucios_charts(self):
        configuration = policy(["rucio-webui"], "warn")
        webhooks = find(render("--set", "webhook.selection=labels", "--kube-version", "1.27.0", configuration=configuration),
                        "MutatingWebhookConfiguration")["webhooks"]
        self.assertEqual([webhook["objectSelector"]["matchExpressions"] for webhook in webhooks],
                         [[{"key": "rucio-daemon", "operator": "Exists"}],
                          [{"key": "app", "operator": "In", "values": ["rucio-server", "rucio-ui", "rucio-webui"]}]])
        self.assertFalse(any("matchConditions" in webhook for webhook in webhooks))
        self.assertEqual(len({webhook["name"] for webhook in webhooks}), 2)

    def test_labels_send_what_the_default_selects(self):
        self.assert_sent(policy(), "--set", "webhook.selection=labels")

    def test_labels_cannot_tell_a_pattern(self):
        self.assertIn("cannot be told by labels", render_error("--set", "webhook.selection=labels", configuration=policy(["rucio-*"])))

    def test_match_conditions_need_kubernetes_1_30(self):
        self.assertIn("use --set webhook.selection=labels", render_error("--kube-version", "1.29.9"))
        render("--kube-version", "1.30.0-gke.1")

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

    def test_it_fails_closed(self):
        webhook = find(render(), "MutatingWebhookConfiguration")["webhooks"][0]
        self.assertEqual((webhook["failurePolicy"], webhook["sideEffects"], webhook["reinvocationPolicy"],
                          webhook["timeoutSeconds"]), ("Fail", "None", "IfNeeded", 5))


class Values(unittest.TestCase):
    REFUSED = (
        ("misspelt", ("--set", "replica=3"), "additional properties 'replica' not allowed"),
        ("misspelt further down", ("--set", "webhook.failurepolicy=Ignore"), "additional properties 'failurepolicy' not allowed"),
        ("not one of the words", ("--set", "webhook.failurePolicy=Open"), "'/webhook/failurePolicy': value must be one of"),
        ("no replica", ("--set", "replicas=0"), "'/replicas': minimum"),
        ("the kubelet's port", ("--set", "hostNetwork.webhookPort=10250"), "'/hostNetwork/webhookPort'"),
        ("a port for root", ("--set", "ports.webhook=443"), "'/ports/webhook': minimum"),
        ("no duration", ("--set", "certificates.renewBefore=month"), "'/certificates/renewBefore'"),
        ("no digest", ("--set", "image.digest=latest"), "'/image/digest'"),
        ("no Secret", ("--set", "certificates.issuer=provided,certificates.caBundle=x"), "certificates.secretName: "),
        ("no authority", ("--set", "certificates.issuer=provided,certificates.secretName=x"), "certificates.caBundle: "),
    )

    def test_mistakes_are_named(self):
        for name, flags, message in self.REFUSED:
            with self.subTest(name):
                self.assertIn(message, render_error(*flags))

    def test_every_value_is_in_the_schema_and_used(self):
        templates = "".join(path.read_text() for path in (CHART / "templates").iterdir())
        values = yaml.safe_load((CHART / "values.yaml").read_text())
        schema = json.loads((CHART / "values.schema.json").read_text())
        self.assertEqual(set(schema["properties"]) - set(values), {"global"})
        for name, value in values.items():
            known = schema["properties"][name].get("properties", {})
            with self.subTest(name):
                self.assertRegex(templates, rf"\.Values\.{name}\b")
                self.assertEqual(set(known), set(value) if known else set())

    def test_digest_wins_over_the_tag(self):
        digest = "sha256:" + "a" * 64
        things = render(*ALL, "--set", f"image.repository=example.org/rpw,image.tag=v1,image.digest={digest}")
        images = {container["image"] for _, spec in pod_specs(things) for container in spec["containers"]}
        self.assertEqual(images, {f"example.org/rpw@{digest}"})

    def test_host_network_has_its_own_ports(self):
        things = render("--set", "hostNetwork.enabled=true")
        spec = find(things, "Deployment")["spec"]["template"]["spec"]
        self.assertTrue(spec["hostNetwork"])
        self.assertEqual([port["containerPort"] for port in spec["containers"][0]["ports"]], [10443, 10444])
        self.assertIn("--listen=0.0.0.0:10443", spec["containers"][0]["args"])

    def test_autoscaler_has_the_replicas_to_itself(self):
        self.assertNotIn("replicas", find(render("--set", "autoscaling.enabled=true"), "Deployment")["spec"])

    def test_openshift_chooses_the_user(self):
        flags = [flag for key in ("runAsUser", "runAsGroup", "fsGroup") for flag in ("--set", f"podSecurityContext.{key}=null")]
        for name, spec in pod_specs(render(*ALL, *flags)):
            with self.subTest(name):
                self.assertEqual(spec["securityContext"], {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}})




class Safety(unittest.TestCase):
    def test_every_pod_meets_the_restricted_standard_with_a_read_only_root(self):
        names = []
        for name, spec in pod_specs(render(*ALL)):
            names.append(name)
            with self.subTest(name):
                self.assertTrue(spec["securityContext"]["runAsNonRoot"])
                self.assertEqual(spec["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
                for container in spec["containers"]:
                    self.assertEqual(container["securityContext"],
                                     {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                      "capabilities": {"drop": ["ALL"]}})
                    self.assertIn("memory", container["resources"]["limits"])
        self.assertEqual(len(names), 5)

    def test_server_has_no_rights_and_no_token(self):
        things = render(*ALL)
        spec = find(things, "Deployment")["spec"]["template"]["spec"]
        self.assertFalse(spec["automountServiceAccountToken"])
        subjects = {subject["name"] for thing in things if thing["kind"].endswith("Binding") for subject in thing["subjects"]}
        self.assertEqual(subjects, {f"{NAME}-certs", f"{NAME}-audit"})
        self.assertEqual(spec["serviceAccountName"], NAME)

    def test_rights_are_these_and_no_others(self):
        rules = {f"{thing['kind']} {thing['metadata']['name']}": thing["rules"] for thing in render(*ALL)
                 if thing["kind"] in ("Role", "ClusterRole")}
        self.assertEqual(rules, {
            f"Role {NAME}-certs": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "patch"],
                                    "resourceNames": [f"{NAME}-tls", f"{NAME}-ca"]}],
            f"ClusterRole {NAME}-certs": [{"apiGroups": ["admissionregistration.k8s.io"], "verbs": ["get", "patch"],
                                           "resources": ["mutatingwebhookconfigurations"], "resourceNames": [NAME]}],
            f"ClusterRole {NAME}-audit": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}],
        })

    def test_no_certificate_is_in_the_rendered_text(self):
        things = render()
        for secret in (thing for thing in things if thing["kind"] == "Secret"):
            self.assertNotIn("data", secret)
        self.assertNotIn("caBundle", json.dumps(find(things, "MutatingWebhookConfiguration")))

    def test_only_the_check_is_a_hook(self):
        hooks = [thing["metadata"]["name"] for thing in render(*ALL) if "helm.sh/hook" in thing["metadata"].get("annotations", {})]
        self.assertEqual(hooks, [f"{NAME}-check"] * 2)
