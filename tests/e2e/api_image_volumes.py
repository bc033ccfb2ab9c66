"""An image as the policy's volume: what the apiserver stores, and what one that is older than image volumes does."""
import unittest

from api_support import (OUR_MOUNT, VOLUME, ApiCase, comparable, configuration, kubernetes_minor, mounts_of, pod_of,
                         policy, volumes_of)

IMAGE = {"reference": "registry.example.org/atlas-policy@sha256:" + "0" * 64, "pullPolicy": "IfNotPresent"}


class ImageVolumes(ApiCase):
    CONFIGURATION = configuration(policy(volume={"image": IMAGE}))

    @classmethod
    def prepare(cls):
        cls.minor = kubernetes_minor()

    def stored(self):
        return comparable(self.accepted(pod_of()).pod)

    def test_kubernetes_1_35_and_later_store_it(self):
        if self.minor < 35:
            self.skipTest(f"Kubernetes 1.{self.minor} has no image volumes, or not without a feature gate")
        stored = self.stored()
        self.assertIn({"name": VOLUME, "image": IMAGE}, volumes_of(stored))
        self.assertIn(OUR_MOUNT, mounts_of(stored, "rucio-server"))

    def test_kubernetes_1_30_makes_it_an_empty_directory_and_refuses_nothing(self):
        if self.minor > 30:
            self.skipTest(f"Kubernetes 1.{self.minor} knows the field")
        stored = self.stored()
        self.assertIn({"name": VOLUME, "emptyDir": {}}, volumes_of(stored))
        self.assertIn(OUR_MOUNT, mounts_of(stored, "rucio-server"))


if __name__ == "__main__":
    unittest.main()
