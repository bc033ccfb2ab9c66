"""manifests/cert-manager.yaml with cert-manager itself (tests/e2e/cert_manager), which makes and renews the
certificates."""
import contextlib
import subprocess
import unittest

import custom_resources
from cluster import ROOT, kubectl, wait_until
from install_support import CONFIGURATION, NAME, Creations, Installation, InstalledCase, wait_until_called

MANIFEST = str(ROOT / "manifests" / "cert-manager.yaml")
CERTIFICATE, SECRET = f"{NAME}-tls", f"{NAME}-cert-manager-tls"
SHOWN_LINES = 40


class CertManagerProcess:
    """The program, with its output in a file beside the logs of the cluster's components."""

    def __init__(self):
        self.log = custom_resources.E2E / "log" / "cert-manager.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with open(self.log, "wb") as output:
            self.process = subprocess.Popen([custom_resources.CERT_MANAGER], stdin=subprocess.DEVNULL, stdout=output,
                                            stderr=subprocess.STDOUT)

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def assert_runs(self):
        assert self.process.poll() is None, f"cert-manager ended with {self.process.returncode}"

    @contextlib.contextmanager
    def shown_on_failure(self):
        """What fails within ends with the last lines of its output."""
        try:
            yield
        except AssertionError as error:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-SHOWN_LINES:]
            raise AssertionError("\n".join([str(error), f"the end of {self.log}:", *lines])) from None


@unittest.skipUnless(custom_resources.CERT_MANAGER.exists(), "cert-manager was not built")
class CertManager(InstalledCase):
    @classmethod
    def install(cls):
        custom_resources.add_for_class(cls)
        cls.cert_manager = CertManagerProcess()
        cls.addClassCleanup(cls.cert_manager.stop)
        cls.home = NAME
        cls.addClassCleanup(kubectl, "delete", "--ignore-not-found", "-f", MANIFEST)
        kubectl("apply", "-f", MANIFEST)
        kubectl("-n", NAME, "create", "configmap", f"{NAME}-policy", "--from-file=policy.yaml=/dev/stdin",
                stdin=CONFIGURATION)
        installed = Installation(cls.api, NAME, tls=SECRET)
        with cls.cert_manager.shown_on_failure():
            installed.wait_for_rollout()
            cls.wait_for(lambda: all(installed.bundles()), "cert-manager has written caBundle")
            wait_until_called(cls.api, cls.namespace)
        return installed

    @classmethod
    def wait_for(cls, condition, what):
        def holds():
            cls.cert_manager.assert_runs()
            return condition()

        wait_until(holds, what)

    def test_pods_are_patched_and_others_are_not(self):
        self.assert_patched()
        self.assert_others_are_untouched()

    def test_while_the_certificate_is_renewed(self):
        before = self.installed.certificate()
        with self.cert_manager.shown_on_failure(), Creations(self.api, self.namespace) as creations:
            # What `cmctl renew` does.
            kubectl("-n", NAME, "patch", "certificate", CERTIFICATE, "--subresource=status", "--type=json", "-p",
                    '[{"op": "add", "path": "/status/conditions/-", "value": {"type": "Issuing", "status": "True",'
                    ' "reason": "ManuallyTriggered", "message": "x", "lastTransitionTime": "2026-01-01T00:00:00Z"}}]')
            self.wait_for(lambda: self.installed.certificate() != before, "there is a new certificate")
            self.installed.wait_until_served()
            creations.wait_for_more()
        creations.assert_none_failed("renewal by cert-manager")


if __name__ == "__main__":
    unittest.main()
