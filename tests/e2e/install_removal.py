"""What is installed goes without a rest: every object of the cluster, before and after, while pods are created."""
import unittest

from chart_support import needs_helm
from cluster import ClusterCase, kubectl, wait_until
from install_manifests import Applied
from install_support import (NAME, Creations, Release, inventory, make_home, needs_image, say, wait_for_inventory,
                             wait_until_called)

# All that the chart can have and that needs no other operator.
EVERYTHING = {"audit.enabled": True, "autoscaling.enabled": True, "podDisruptionBudget.enabled": True,
              "networkPolicy.enabled": True}


@needs_image
class Removal(ClusterCase):
    def remove(self, installed, remove, what):
        """Calls remove() while pods are created: with the policy, then without, and always created.

        The registration goes first: Helm would delete the Service before it, and pods would be refused for a moment.
        """
        installed.ensure_certificates()
        wait_until(lambda: len(installed.ready_pods()) == 2, "both replicas are there")
        wait_until_called(self.api, self.namespace)
        with Creations(self.api, self.namespace) as creations:
            kubectl("delete", "mutatingwebhookconfiguration", NAME)
            remove()
            creations.wait_for_more()
        self.assertEqual(creations.failures, [])
        say(f"{what}: {creations.created} pods created, 0 failed")

    @needs_helm
    def test_helm_uninstall_leaves_nothing(self):
        home = make_home(self)
        before = inventory(self.api)
        release = Release(self.api, home)
        self.addCleanup(release.uninstall)
        release.install(**EVERYTHING)
        made = inventory(self.api) - before
        say(f"objects of the release: {len(made)}")
        kinds = {kind.rpartition('/')[2] for kind, _, _ in made}
        self.assertLessEqual({"horizontalpodautoscalers", "poddisruptionbudgets", "networkpolicies", "cronjobs",
                              "secrets", "mutatingwebhookconfigurations"}, kinds)
        self.remove(release, release.uninstall, "helm uninstall")
        wait_for_inventory(self.api, before)

    def test_kubectl_delete_leaves_nothing(self):
        before = inventory(self.api)
        applied = Applied(self.api)
        self.addCleanup(applied.delete)
        applied.apply()
        self.remove(applied, applied.delete, "kubectl delete -f install.yaml")
        wait_for_inventory(self.api, before)


if __name__ == "__main__":
    unittest.main()
