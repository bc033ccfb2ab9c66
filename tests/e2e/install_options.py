"""Options of the chart for how the webhook is called and gets its certificate: each installs and patches a pod."""
import unittest

from api_support import annotations_of
from install_support import NAME, InstalledCase, make_home, rucio_pod

import certs_ensure_verb as verb
from kube_api import encode

PRIVILEGED = {"pod-security.kubernetes.io/enforce": "privileged"}


class SelectedByLabels(InstalledCase):
    """For clusters before 1.30."""

    @classmethod
    def install(cls):
        return cls.install_chart(**{"webhook.selection": "labels"})

    def status_of(self, container, **labels):
        pod = rucio_pod(container=container)
        pod["metadata"]["labels"] = {name.replace("_", "-"): value for name, value in labels.items()}
        return annotations_of(self.api.create(pod, self.namespace, dry_run=True)).get("status")

    def test_pods_with_the_labels_of_rucios_charts_are_patched(self):
        self.assertEqual(self.status_of("rucio-server", app="rucio-server"), "injected")
        self.assertEqual(self.status_of("rucio-ui", app="rucio-ui"), "injected")
        self.assertEqual(self.status_of("rucio-daemons", rucio_daemon="reaper"), "injected")

    def test_pods_without_them_do_not_reach_it(self):
        self.assertIsNone(self.status_of("rucio-server"))
        self.assertIsNone(self.status_of("rucio-server", app="shop"))

    def test_both_entries_have_the_authority(self):
        bundles = self.installed.bundles()
        self.assertEqual((len(bundles), len(set(bundles))), (2, 1))
        self.assertTrue(bundles[0])


class OnTheHostsNetwork(InstalledCase):
    """For clusters whose control plane cannot reach pods."""
    HOME_LABELS = PRIVILEGED

    @classmethod
    def install(cls):
        return cls.install_chart(replicas=1, **{"hostNetwork.enabled": True})

    def test_it_listens_on_the_node_and_patches_pods(self):
        pod = self.installed.ready_pods()[0]
        self.assertEqual(pod["status"]["podIP"], pod["status"]["hostIP"])
        self.assertEqual([port.get("hostPort") for port in pod["spec"]["containers"][0]["ports"]], [10443, 10444])
        self.assert_patched()


class WithACertificateOfOnesOwn(InstalledCase):
    @classmethod
    def install(cls):
        authorities = verb.Authorities()
        cls.addClassCleanup(authorities.remove)
        cls.authority = authorities.authority(100)
        home = make_home(cls)
        pair = authorities.serving(cls.authority, 50, f"DNS:{NAME}.{home}.svc")
        cls.api.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "own"}, "type": "kubernetes.io/tls",
                        "data": {"tls.crt": encode(pair.certificate), "tls.key": encode(pair.key)}}, home)
        return cls.install_chart(home=home, **{
            "certificates.issuer": "provided", "certificates.secretName": "own",
            "certificates.caBundle": cls.authority.certificate})

    def test_it_serves_with_it(self):
        self.assert_patched()
        self.assertEqual(self.installed.bundles(), [encode(self.authority.certificate)])

    def test_nothing_is_installed_that_makes_certificates(self):
        for kind in ("Job", "CronJob", "RoleBinding"):
            self.assertEqual(self.api.list(kind, self.home), [], kind)
        names = [found["metadata"]["name"] for found in self.api.list("Secret", self.home) if found["type"] == "Opaque"]
        self.assertEqual(names, [])


if __name__ == "__main__":
    unittest.main()
