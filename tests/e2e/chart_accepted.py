"""What the chart renders is what the apiserver takes it for: no field that it does not know, and nothing added to the
webhooks."""
import unittest

import yaml

import custom_resources
from chart_support import ALL, MONITORING, NAME, ChartCase, find, render, render_text
from cluster import ROOT, kubectl

TLS = ("--set", "certificates.issuer=cert-manager")
OTHERS = (
    "--set", "hostNetwork.enabled=true,priorityClassName=system-cluster-critical",
    "--set", "networkPolicy.operationsFrom[0].namespaceSelector.matchLabels.a=b,imagePullSecrets[0].name=registry",
    "--set", "certificates.issuer=provided,certificates.secretName=mine,certificates.caBundle=x,nodeSelector.a=b",
    "--set", "tolerations[0].operator=Exists,terminationGracePeriodSeconds=60,listenAddress=[::]",
    "--set", "extraVolumes[0].name=ca,extraVolumes[0].configMap.name=ca",
    "--set", "extraVolumeMounts[0].name=ca,extraVolumeMounts[0].mountPath=/ca",
    "--set-json", 'webhook.namespaceSelector.matchExpressions=[{"key": "rucio", "operator": "Exists"}]',
    "--set-json", 'topologySpreadConstraints=[{"topologyKey": "a", "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule",'
                  ' "labelSelector": {}}]',
    "--set-json", 'affinity={"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms":'
                  ' [{"matchExpressions": [{"key": "a", "operator": "Exists"}]}]}}}')


def apply_dry(text, *flags):
    """The completed process of a server-side dry run in which an unknown field is an error."""
    return kubectl("apply", "--dry-run=server", "--validate=strict", *flags, "-f", "-", stdin=text, check=False)


class DryRun(ChartCase):
    @classmethod
    def setUpClass(cls):
        kubectl("create", "namespace", NAME)
        cls.addClassCleanup(kubectl, "delete", "namespace", NAME)

    def assert_accepted(self, *flags):
        done = apply_dry(render_text(*flags).stdout)
        self.assertEqual((done.returncode, done.stderr), (0, ""))


class Accepted(DryRun):
    def test_all_fields_are_known_with_everything_enabled(self):
        self.assert_accepted(*ALL)

    def test_all_fields_are_known_with_the_other_choices(self):
        self.assert_accepted(*OTHERS)

    def test_all_fields_of_the_rendered_manifest_are_known(self):
        done = apply_dry((ROOT / "manifests" / "install.yaml").read_text(encoding="utf-8"))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_apiserver_adds_nothing_to_the_webhooks(self):
        ours = find(render(), "MutatingWebhookConfiguration")
        theirs = yaml.safe_load(apply_dry(yaml.safe_dump(ours), "-o", "yaml").stdout)
        self.assertEqual(theirs["webhooks"], ours["webhooks"])


@unittest.skipUnless(custom_resources.FOLDER.is_dir(), "the CustomResourceDefinitions were not fetched")
class CustomResources(DryRun):
    """The kinds of cert-manager and of the Prometheus operator."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        custom_resources.add_for_class(cls)

    def test_monitoring_objects_are_valid(self):
        self.assert_accepted(*MONITORING)

    def test_cert_managers_objects_are_valid(self):
        self.assert_accepted(*TLS)
        self.assert_accepted(*TLS, "--set", "certificates.issuerRef.name=mine",
                             "--set", "certificates.issuerRef.kind=ClusterIssuer")

    def test_unknown_field_would_be_seen(self):
        text = render_text(*MONITORING).stdout.replace("interval: 30s", "intervall: 30s")
        self.assertIn('unknown field "spec.endpoints[0].intervall"', apply_dry(text).stderr)
