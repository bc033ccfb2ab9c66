"""The Helm chart as it is rendered, without a cluster: what the values do, and which mistakes are refused with which
words."""
import json
import pathlib
import tempfile
import unittest

import yaml

from chart_support import (ALL, CHART, CONFIGURATION, MONITORING, NAME, ChartCase, find, helm, pod_specs, render,
                           render_error)


def server(things):
    """The container of the Deployment."""
    return find(things, "Deployment")["spec"]["template"]["spec"]["containers"][0]


class Values(ChartCase):
    # What is wrong, the flags that make it so, and what the error says.
    REFUSED = (
        ("misspelt", ("--set", "replica=3"), "additional properties 'replica' not allowed"),
        ("misspelt further down", ("--set", "webhook.failurepolicy=Ignore"),
         "additional properties 'failurepolicy' not allowed"),
        ("misspelt in jobs", ("--set", "jobs.resource.limits.memory=1Gi"),
         "additional properties 'resource' not allowed"),
        ("not one of the words", ("--set", "webhook.failurePolicy=Open"),
         "'/webhook/failurePolicy': value must be one of"),
        ("no replica", ("--set", "replicas=0"), "'/replicas': minimum"),
        ("no grace", ("--set", "terminationGracePeriodSeconds=0"), "'/terminationGracePeriodSeconds': minimum"),
        ("the kubelet's port", ("--set", "hostNetwork.webhookPort=10250"), "'/hostNetwork/webhookPort'"),
        ("a port for root", ("--set", "ports.webhook=443"), "'/ports/webhook': minimum"),
        ("one port for two", ("--set", "ports.operations=10250"), "ports: webhook and operations are both 10250"),
        ("one port of the node for two", ("--set", "hostNetwork.enabled=true,hostNetwork.operationsPort=10443"),
         "ports: webhook and operations are both 10443"),
        ("no address", ("--set", "listenAddress="), "'/listenAddress': minLength"),
        ("no volume", ("--set", "extraVolumes[0]=ca"), "'/extraVolumes/0': got string, want object"),
        ("no mount", ("--set", "extraVolumeMounts[0]=ca"), "'/extraVolumeMounts/0': got string, want object"),
        ("neither on nor off", ("--set", "enabled=perhaps"), "'/enabled': got string, want boolean"),
        ("no duration", ("--set", "certificates.renewBefore=month"), "'/certificates/renewBefore'"),
        ("renewed too early", ("--set", "certificates.renewBefore=61d"),
         "certificates.renewBefore: 61d is more than 60d"),
        ("renewed too early in hours", ("--set", "certificates.renewBefore=1441h"),
         "certificates.renewBefore: 1441h is more than 60d"),
        ("an overlap as long as what it is for", ("--set", "certificates.overlap=30d"),
         "certificates.overlap: 30d is not less than renewBefore, 30d"),
        ("the same in other units", ("--set", "certificates.renewBefore=90m,certificates.overlap=5400s"),
         "certificates.overlap: 5400s is not less than renewBefore, 90m"),
        ("an overlap too short for the cluster to notice", ("--set", "certificates.overlap=299s"),
         "certificates.overlap: 299s is less than 5m"),
        ("the autoscaler's limits crossed", ("--set", "autoscaling.minReplicas=7"),
         "autoscaling: minReplicas, 7, is more than maxReplicas, 6"),
        ("no digest", ("--set", "image.digest=latest"), "'/image/digest'"),
        ("no Secret", ("--set", "certificates.issuer=provided,certificates.caBundle=x"), "certificates.secretName: "),
        ("no authority", ("--set", "certificates.issuer=provided,certificates.secretName=x"),
         "certificates.caBundle: "),
    )

    def test_mistakes_are_named(self):
        for name, flags, message in self.REFUSED:
            with self.subTest(name):
                self.assertIn(message, render_error(*flags))

    def test_values_next_to_the_mistakes_are_right(self):
        render("--set", "certificates.renewBefore=60d,certificates.overlap=1439h")
        render("--set", "certificates.overlap=5m")
        render("--set", "autoscaling.enabled=true,autoscaling.minReplicas=6")

    def test_every_value_is_in_the_schema_and_used(self):
        templates = "".join(path.read_text() for path in (CHART / "templates").iterdir())
        values = yaml.safe_load((CHART / "values.yaml").read_text())
        schema = json.loads((CHART / "values.schema.json").read_text())
        # These two are for the chart that has this one as a dependency.
        self.assertEqual(set(schema["properties"]) - set(values), {"global", "enabled"})
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

    def test_it_listens_on_its_ports_of_every_address(self):
        container = server(render("--set", "ports.webhook=8443,ports.operations=8081"))
        self.assertEqual([port["containerPort"] for port in container["ports"]], [8443, 8081])
        self.assertLessEqual({"--listen=0.0.0.0:8443", "--ops-listen=0.0.0.0:8081"}, set(container["args"]))

    def test_it_listens_on_another_address(self):
        container = server(render("--set", "listenAddress=[::]"))
        self.assertLessEqual({"--listen=[::]:10250", "--ops-listen=[::]:8080"}, set(container["args"]))

    def test_host_network_has_its_own_ports(self):
        things = render("--set", "hostNetwork.enabled=true")
        self.assertTrue(find(things, "Deployment")["spec"]["template"]["spec"]["hostNetwork"])
        self.assertEqual([port["containerPort"] for port in server(things)["ports"]], [10443, 10444])
        self.assertLessEqual({"--listen=0.0.0.0:10443", "--ops-listen=0.0.0.0:10444"}, set(server(things)["args"]))

    def test_arguments_volumes_and_mounts_are_added(self):
        things = render("--set", "extraArgs[0]=--client-ca=/ca/ca.crt", "--set-json",
                        'extraVolumes=[{"name": "ca", "configMap": {"name": "ca"}}]', "--set-json",
                        'extraVolumeMounts=[{"name": "ca", "mountPath": "/ca", "readOnly": true}]')
        spec = find(things, "Deployment")["spec"]["template"]["spec"]
        self.assertEqual(server(things)["args"][-1], "--client-ca=/ca/ca.crt")
        self.assertEqual([volume["name"] for volume in spec["volumes"]], ["policy", "tls", "ca"])
        self.assertEqual(spec["volumes"][-1], {"name": "ca", "configMap": {"name": "ca"}})
        mounts = server(things)["volumeMounts"]
        self.assertEqual([mount["name"] for mount in mounts], ["policy", "tls", "ca"])
        self.assertEqual(mounts[-1], {"name": "ca", "mountPath": "/ca", "readOnly": True})

    def test_resources_are_those_of_the_server_and_of_the_jobs(self):
        things = render(*ALL, "--set", "resources.limits.memory=1Gi,jobs.resources.limits.memory=2Gi")
        limits = {name: spec["containers"][0]["resources"]["limits"] for name, spec in pod_specs(things)}
        self.assertEqual(limits.pop(f"Deployment {NAME}"), {"memory": "1Gi"})
        self.assertEqual(list(limits.values()), [{"memory": "2Gi"}] * 4)

    def test_autoscaler_has_the_replicas_to_itself(self):
        things = render("--set", "autoscaling.enabled=true")
        self.assertNotIn("replicas", find(things, "Deployment")["spec"])
        spec = find(things, "HorizontalPodAutoscaler")["spec"]
        self.assertEqual(spec["scaleTargetRef"], {"apiVersion": "apps/v1", "kind": "Deployment", "name": NAME})
        self.assertEqual((spec["minReplicas"], spec["maxReplicas"]), (2, 6))

    def test_openshift_chooses_the_user(self):
        flags = [flag for key in ("runAsUser", "runAsGroup", "fsGroup")
                 for flag in ("--set", f"podSecurityContext.{key}=null")]
        for name, spec in pod_specs(render(*ALL, *flags)):
            with self.subTest(name):
                self.assertEqual(spec["securityContext"],
                                 {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}})

    def test_cert_managers_secret_is_the_one_that_is_served_and_none_of_certs_ensure(self):
        things = render("--set", "certificates.issuer=cert-manager")
        names = {thing["metadata"]["name"]: thing["spec"]["secretName"] for thing in things
                 if thing["kind"] == "Certificate"}
        # Other names than those of `certs ensure`: Helm would take its Secrets away after cert-manager has filled them.
        self.assertEqual(names, {f"{NAME}-tls": f"{NAME}-cert-manager-tls", f"{NAME}-ca": f"{NAME}-cert-manager-ca"})
        volumes = find(things, "Deployment")["spec"]["template"]["spec"]["volumes"]
        self.assertEqual([volume["secret"]["secretName"] for volume in volumes if "secret" in volume],
                         [f"{NAME}-cert-manager-tls"])
        self.assertEqual(find(things, "Issuer", NAME)["spec"]["ca"]["secretName"], f"{NAME}-cert-manager-ca")
        self.assertEqual(find(things, "MutatingWebhookConfiguration")["metadata"]["annotations"],
                         {"cert-manager.io/inject-ca-from": f"{NAME}/{NAME}-tls"})
        self.assertFalse([thing for thing in things if thing["kind"] in ("Secret", "CronJob", "Role")])


def scalars(value):
    """Everything in an object that is no list or mapping."""
    if isinstance(value, (dict, list)):
        for below in value.values() if isinstance(value, dict) else value:
            yield from scalars(below)
    else:
        yield value


class Names(ChartCase):
    def test_long_release_names_leave_room_for_what_kubernetes_appends(self):
        for thing in render(*ALL, *MONITORING, name="a-release-whose-name-has-fifty-three-characters-53"):
            limit = 52 if thing["kind"] == "CronJob" else 63
            self.assertLessEqual(len(thing["metadata"]["name"]), limit, thing["kind"])

    def test_names_of_digits_stay_text(self):
        for flags in ((), ("--set", "certificates.issuer=cert-manager")):
            things = render(*ALL, *MONITORING, *flags, "--namespace", "456", name="123")
            found = {}
            for thing in things:
                for value in scalars(thing):
                    if str(value) in ("123", "456"):
                        found.setdefault(str(value), set()).add(type(value))
            self.assertEqual(found, {"123": {str}, "456": {str}})
            names = {thing["metadata"]["namespace"] for thing in things if "namespace" in thing["metadata"]}
            self.assertEqual(names, {"456"})


class AsADependency(ChartCase):
    """Of a chart that puts several together."""

    PARENT = {"apiVersion": "v2", "name": "experiment", "version": "1.0.0", "dependencies": [
        {"name": NAME, "version": ">=0.0.0-0", "repository": f"file://{CHART}", "condition": f"{NAME}.enabled"}]}

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.chart = pathlib.Path(folder.name) / "experiment"
        cls.chart.mkdir()
        (cls.chart / "Chart.yaml").write_text(yaml.safe_dump(cls.PARENT), encoding="utf-8")
        helm("dependency", "update", "--skip-refresh", str(cls.chart), check=True)

    def render_with(self, is_enabled):
        values = {"global": {"site": "cern"}, NAME: {"enabled": is_enabled, "configuration": CONFIGURATION}}
        (self.chart / "values.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
        done = helm("template", "experiment", str(self.chart), "--namespace", NAME, check=True)
        return [thing for thing in yaml.safe_load_all(done.stdout) if thing]

    def test_it_is_rendered_while_its_condition_holds(self):
        things = self.render_with(True)
        self.assertEqual(find(things, "Deployment")["metadata"]["name"], f"experiment-{NAME}")
        self.assertTrue(find(things, "MutatingWebhookConfiguration"))

    def test_it_is_left_out_otherwise(self):
        self.assertEqual(self.render_with(False), [])


if __name__ == "__main__":
    unittest.main()
