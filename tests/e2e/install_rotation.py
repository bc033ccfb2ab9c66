"""Rucio's pods are created without a pause while replicas are replaced and certificates renewed: none is refused."""
import unittest

from cluster import Refused, kubectl, wait_until
from install_support import AUTHORITY, NAME, TLS, Creations, InstalledCase

import certs_ensure_verb as verb
from kube_api import decode, encode

PUBLISHED = "policy.rucio.cern.ch/ca-published"


class NoneIsRefused(InstalledCase):
    @classmethod
    def install(cls):
        cls.authorities = verb.Authorities()
        cls.addClassCleanup(cls.authorities.remove)
        # Few requests for a connection: there are handshakes all the time.
        return cls.install_chart(extraArgs=["--max-requests-per-connection=5"])

    # --- certificates

    def current_authority(self):
        data = self.installed.secret(AUTHORITY)["data"]
        return verb.Pair(decode(data["ca.crt"]), decode(data["ca.key"]))

    def serve_until(self, days, minutes=0):
        """Both replicas show a certificate of the current authority that ends so soon, made so many minutes from now."""
        names = f"DNS:{NAME}.{self.home}.svc"
        pair = self.authorities.serving(self.current_authority(), days, names, minutes=minutes)
        self.installed.change_secret(TLS, {"tls.crt": encode(pair.certificate), "tls.key": encode(pair.key)})
        self.installed.wait_until_served()

    def make_authority_end(self, days):
        """Replaces the authority's certificate by one for the same key and name that ends so soon, and returns it: who
        trusts the one trusts what the other has signed."""
        now = self.current_authority()
        subject = verb.openssl("x509", "-noout", "-subject", "-nameopt", "multiline,utf8", stdin=now.certificate)
        soon = self.authorities.authority(days, subject.split("= ", 1)[1].strip(), now.key)
        self.installed.change_secret(AUTHORITY, {"ca.crt": encode(soon.certificate)})
        return soon

    def publish_earlier(self):
        """As if the authority had been published long ago."""
        published = self.api.get("MutatingWebhookConfiguration", NAME)["metadata"]["annotations"][PUBLISHED]
        kubectl("annotate", "--overwrite", "mutatingwebhookconfiguration", NAME,
                f"{PUBLISHED}=2026-01-01T00:00:00Z {published.split()[1]}")

    # --- tests

    def test_while_the_deployment_is_restarted(self):
        before = self.installed.uids()
        with Creations(self.api, self.namespace) as creations:
            kubectl("-n", self.home, "rollout", "restart", f"deployment/{NAME}")
            self.installed.wait_for_rollout()
            self.installed.wait_until_others_ended()
            creations.wait_for_more()
        creations.assert_none_failed("rolling restart of two replicas")
        self.assertFalse(before & self.installed.uids())

    def test_while_the_node_is_drained_of_each_replica(self):
        before = self.installed.pods()
        with Creations(self.api, self.namespace) as creations:
            for pod in before:
                # The disruption budget refuses it as long as the other one is not ready.
                wait_until(lambda pod=pod: self.evict(pod["metadata"]["name"]), "it may be evicted")
            self.installed.wait_for_rollout()
            self.installed.wait_until_others_ended()
            creations.wait_for_more()
        creations.assert_none_failed("eviction of one replica after the other")

    def evict(self, name):
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
        try:
            return self.api.call("POST", self.api.path("Pod", self.home, name, "eviction"), eviction)
        except Refused as refused:
            self.assertEqual(refused.code, 429)
            return None

    def test_while_the_serving_certificate_is_renewed(self):
        authority = self.current_authority().certificate
        with Creations(self.api, self.namespace) as creations:
            self.serve_until(days=5)
            creations.wait_for_more()
            soon = self.installed.certificate()
            log = self.installed.ensure_certificates()
            self.assertIn("near its end", log)
            self.assertNotEqual(self.installed.certificate(), soon)
            self.installed.wait_until_served()
            creations.wait_for_more()
        creations.assert_none_failed("renewal of the serving certificate")
        self.assertEqual(self.current_authority().certificate, authority)

    def test_while_the_authority_is_renewed(self):
        with Creations(self.api, self.namespace) as creations:
            old = self.make_authority_end(days=60)
            served = self.installed.certificate()
            first = self.installed.ensure_certificates()
            self.assertIn("again after", first)
            self.assertEqual(self.installed.certificate(), served)
            self.assertIn(old.certificate.strip(), decode(self.installed.bundles()[0]))
            creations.wait_for_more()
            self.publish_earlier()
            self.assertIn("made a new serving certificate", self.installed.ensure_certificates())
            self.assertNotEqual(self.installed.certificate(), served)
            self.installed.wait_until_served()
            creations.wait_for_more()
            self.serve_until(days=80, minutes=-120)
            self.assertIn("dropped the previous authority", self.installed.ensure_certificates())
            creations.wait_for_more()
        creations.assert_none_failed("renewal of the authority")
        self.assertNotIn(old.certificate.strip(), decode(self.installed.bundles()[0]))
        self.assertNotIn("ca-previous.crt", self.installed.secret(AUTHORITY)["data"])
        self.assertEqual(decode(self.installed.bundles()[0]).strip(), self.current_authority().certificate.strip())


if __name__ == "__main__":
    unittest.main()
