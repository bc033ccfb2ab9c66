"""Which pods the cluster sends by the conditions that `registration` prints, and what becomes of them."""
import unittest

from api_support import PACKAGE, ApiCase, configuration, container, pod_of, policy, variables
from cluster import Refused, environment_of, match_conditions, wait_until

MIRROR = "registry.example.org:5000/mirror/"
ALLOW = configuration(policy())
WARN = configuration(policy(match={"podSelector": {"matchLabels": {"of": "rucio"}}}), unmatched="warn")
CFG_ONLY = container("main", env=variables(("RUCIO_CFG_DATABASE_SCHEMA", "dev")))


def main(image, **fields):
    return {**container("main", **fields), "image": image}


class Sent(ApiCase):
    CONFIGURATION = ALLOW
    REGISTRATION = {"matchConditions": match_conditions(ALLOW)}

    def test_a_container_is_known_by_its_image(self):
        for image in ("rucio/rucio-clients", MIRROR + "rucio-daemons:38.5.5", MIRROR + "rucio-ui@sha256:" + 64 * "0"):
            with self.subTest(image):
                answer = self.accepted(pod_of(main(image)))
                self.assertEqual(answer.outcomes, [("patched", "injected")])
                self.assertEqual(environment_of(answer.pod, "main")["RUCIO_POLICY_PACKAGE"], PACKAGE)

    def test_an_init_container_is_known_by_its_image(self):
        answer = self.accepted(pod_of(container("beside"), initContainers=[main("rucio/rucio-init:38.5.5", env=None)]))
        self.assertEqual(answer.outcomes, [("patched", "injected")])
        self.assertEqual(environment_of(answer.pod, "main")["RUCIO_POLICY_PACKAGE"], PACKAGE)

    def test_others_are_not_sent(self):
        for other in (main("example.org/my-rucio-server:1"), main("busybox:rucio-server", env=None), CFG_ONLY):
            with self.subTest(other):
                self.assert_untouched(pod_of(other), self.accepted(pod_of(other), asked=0).pod)

    def test_a_container_without_an_image_is_for_the_apiserver_to_refuse(self):
        pod = pod_of(container("beside"))
        del pod["spec"]["containers"][0]["image"]
        with self.assertRaises(Refused) as refused:
            self.create_pod(pod)
        self.assertIn("spec.containers[0].image: Required value", refused.exception.message)

    def test_the_pod_of_a_migration_job_gets_its_package(self):
        template = pod_of(container("beside"), initContainers=[main("rucio/rucio-init:38.5.5")], restartPolicy="Never")
        self.api.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "migration"},
                         "spec": {"template": {"metadata": {}, "spec": template["spec"]}}}, self.namespace)
        pods = wait_until(lambda: self.api.list("Pod", self.namespace, "job-name=migration"), "the Job has made its pod")
        self.assertEqual(environment_of(pods[0], "main")["RUCIO_POLICY_PACKAGE"], PACKAGE)
        self.assertEqual(environment_of(pods[0], "beside"), {})


class SentWhenUnmatchedMatters(ApiCase):
    CONFIGURATION = WARN
    REGISTRATION = {"matchConditions": match_conditions(WARN)}

    def test_variables_of_rucio_are_noticed(self):
        answer = self.accepted(pod_of(CFG_ONLY))
        self.assertEqual(answer.outcomes, [("skipped", "no_policy")])
        self.assertEqual(answer.warnings, ['no policy selects this pod: container "main" would run Rucio\'s generic policy '
                                           '(variable "RUCIO_CFG_DATABASE_SCHEMA")'])

    def test_others_are_not_sent(self):
        for env in (None, [], variables(("RUCIO_HOME", "/opt"))):
            with self.subTest(env):
                self.accepted(pod_of(container("main", env=env)), asked=0)


if __name__ == "__main__":
    unittest.main()
