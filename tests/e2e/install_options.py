"""Options of the chart for how the webhook is called and gets its certificate: each installs and patches a pod."""
import unittest

from install_support import NAME, InstalledCase, make_home

import certs_ensure_verb as verb
from kube_api import encode

PRIVILEGED = {"pod-security.kubernetes.io/enforce": "privileged"}


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
