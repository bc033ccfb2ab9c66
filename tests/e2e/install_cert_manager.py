"""manifests/cert-manager.yaml with cert-manager itself (tests/e2e/cert_manager), which makes and renews the certificates."""
import subprocess
import unittest

from cluster import ROOT, kubectl, wait_until
from install_support import CONFIGURATION, NAME, TLS, Creations, Installation, InstalledCase

import custom_resources
from kube_api import decode

MANIFEST = str(ROOT / "manifests" / "cert-manager.yaml")


def start_cert_manager(case):
    process = subprocess.Popen([custom_resources.CERT_MANAGER], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)

    def stop():
        process.terminate()
        process.wait()

    case.addClassCleanup(stop)


@unittest.skipUnless(custom_resources.CERT_MANAGER.exists(), "cert-manager was not built")
class CertManager(InstalledCase):
    @classmethod
    def install(cls):
        custom_resources.add_for_class(cls)
        start_cert_manager(cls)
        cls.home = NAME
        cls.addClassCleanup(kubectl, "delete", "-f", MANIFEST)
        kubectl("apply", "-f", MANIFEST)
        kubectl("-n", NAME, "create", "configmap", f"{NAME}-policy", "--from-file=policy.yaml=/dev/stdin", stdin=CONFIGURATION)
        installed = Installation(cls.api, NAME)
        installed.wait_for_rollout()
        wait_until(lambda: all(installed.bundles()), "cert-manager has written caBundle")
        return installed

    def test_pods_are_patched_and_others_are_not(self):
        self.assert_patched()
        self.assert_others_are_untouched()

    def test_while_the_certificate_is_renewed(self):
        before = decode(self.installed.secret(TLS)["data"]["tls.crt"])
        with Creations(self.api, self.namespace) as creations:
            # What `cmctl renew` does.
            kubectl("-n", NAME, "patch", "certificate", TLS, "--subresource=status", "--type=json", "-p",
                    '[{"op": "add", "path": "/status/conditions/-", "value": {"type": "Issuing", "status": "True",'
                    ' "reason": "ManuallyTriggered", "message": "x", "lastTransitionTime": "2026-01-01T00:00:00Z"}}]')
            wait_until(lambda: decode(self.installed.secret(TLS)["data"]["tls.crt"]) != before, "there is a new certificate")
            self.installed.wait_until_served()
            creations.wait_for_more()
        creations.assert_none_failed("renewal by cert-manager")


if __name__ == "__main__":
    unittest.main()
