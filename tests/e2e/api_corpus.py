"""Pods as Rucio's Helm charts make them, and those of examples/, through the apiserver."""
import json
import unittest

from api_support import (BASE, CFG, NAME, NOWHERE, OUR_ENV, OUR_MOUNT, OUR_VOLUME, PACKAGE, PATH, PKG_PATH, PYTHON,
                         ApiCase, comparable, pairs_of, variables)
from cluster import EXAMPLES, Refused, container_of, environment_of

from corpus import CHART_MANAGED, CORPUS, TARGETS, names_of_pods, read_pod

REFUSED = "cronjob-renew-fts"  # mounts one path twice
ACCEPTED = [name for name in TARGETS if name != REFUSED]
SERVICE_ACCOUNTS = ("atlas-rucio-server-rucio-restart", "atlas-rucio-server-rucio-edit")


def read_example(name):
    document = json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    return document["request"]["object"] if document["kind"] == "AdmissionReview" else document


@unittest.skipUnless(CORPUS.is_dir(), f"no pods of Rucio's charts in {CORPUS}")
class RucioChartPods(ApiCase):
    @classmethod
    def make_service_accounts(cls, namespace):
        for name in SERVICE_ACCOUNTS:
            cls.api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}, namespace)

    @classmethod
    def prepare(cls):
        cls.make_service_accounts(cls.namespace)

    @classmethod
    def prepare_elsewhere(cls):
        cls.make_service_accounts(cls.elsewhere)

    def test_every_pod_of_the_folder_is_known_to_this_test(self):
        self.assertEqual(names_of_pods(), set(TARGETS) | {CHART_MANAGED})

    def check(self, name, dry_run):
        pod = read_pod(name)
        pod["spec"]["schedulerName"] = NOWHERE
        targets = TARGETS[name]
        # Of a pod that is left alone the webhook is not even asked.
        answer = self.accepted(pod, dry_run, asked=1 if targets else 0)
        self.assertEqual(answer.outcomes, [("patched", "injected")] if targets else [])
        self.assertEqual(answer.warnings, [])
        if targets:
            self.assert_injected(pod, answer.pod, *targets)
            self.assert_stable(answer.pod, dry_run)
        else:
            self.assert_untouched(pod, answer.pod)

    def test_pods_of_the_charts_are_what_the_readme_says_in_a_dry_run(self):
        for name in ACCEPTED:
            with self.subTest(name):
                self.check(name, dry_run=True)

    def test_pods_of_the_charts_are_what_the_readme_says_when_they_are_created(self):
        for name in ACCEPTED:
            with self.subTest(name):
                self.check(name, dry_run=False)

    def test_pod_with_the_charts_own_policy_packages_gets_the_names_and_keeps_its_volume(self):
        pod = read_pod(CHART_MANAGED)
        stored = self.accepted(pod).pod
        plain = self.stored_elsewhere(pod)
        self.assertEqual(container_of(comparable(stored), "install-policy-packages"),
                         container_of(comparable(plain), "install-policy-packages"))
        self.assertEqual(environment_of(stored, "rucio-daemons")["RUCIO_POLICY_PACKAGE"], PACKAGE)
        before, after = (container_of(comparable(found), "rucio-daemons")["volumeMounts"] for found in (plain, stored))
        self.assertEqual(after[:len(before)], before)
        self.assert_stable(stored)

    def test_pod_that_mounts_a_path_twice_is_refused_by_the_apiserver_with_and_without_us(self):
        pod = read_pod(REFUSED)
        with self.assertRaises(Refused) as alone:
            self.stored_elsewhere(pod)
        with self.assertRaises(Refused) as ours:
            self.create_pod(pod)
        self.assertEqual((alone.exception.code, ours.exception.code), (422, 422))
        self.assertIn("must be unique", ours.exception.message)
        self.assertEqual(ours.exception.message, alone.exception.message)


SITE_PATH = "/opt/site/python:/opt/site/lib"
REFERENCE = {"configMapKeyRef": {"name": "site-python", "key": "path"}}

# Example to the container, and its env with "..." for what it had; besides, the annotations.
EXAMPLE_ROWS = {
    "pod": ("rucio-server", [*OUR_ENV, ...], {}),
    "server": ("rucio-server", [*OUR_ENV, ...], {}),
    "pythonpath-literal": (
        "rucio-daemons", [PKG_PATH, NAME, CFG, ..., ("PYTHONPATH", f"{PATH}:{SITE_PATH}")], {}),
    "pythonpath-from-configmap": (
        "rucio-daemons", [PKG_PATH, NAME, CFG, ..., (BASE, REFERENCE), ("PYTHONPATH", f"{PATH}:$({BASE})")], {}),
    "conflict": (
        "rucio-daemons", [PKG_PATH, PYTHON, ..., ("RUCIO_POLICY_PACKAGE", "site_rucio_policy")],
        {"status": "injected-with-conflicts", "conflicts": "rucio-daemons/RUCIO_POLICY_PACKAGE"}),
}


class ExamplePods(ApiCase):
    """examples/ with examples/policy.yaml, in a namespace that this matches."""
    NAMESPACE = "atlas"
    CONFIGURATION = (EXAMPLES / "policy.yaml").read_text(encoding="utf-8")
    VOLUME = {**OUR_VOLUME, "persistentVolumeClaim": {"claimName": "atlas-policy", "readOnly": True}}
    MOUNT = {**OUR_MOUNT, "subPath": "current"}

    def test_every_example_is_known_to_this_test(self):
        found = {path.stem for path in EXAMPLES.glob("*.json")}
        self.assertEqual(found, set(EXAMPLE_ROWS) | {"opted-out", "not-rucio"})

    def test_examples_get_the_package(self):
        for name, (target, env, annotations) in EXAMPLE_ROWS.items():
            with self.subTest(name):
                pod = read_example(name)
                answer = self.accepted(pod)
                plain = comparable(self.stored_elsewhere(pod))
                found = container_of(plain, target)
                named = {pair[0] for pair in env if pair is not ...}
                rest = [pair for pair in pairs_of(found["env"]) if pair[0] not in named]
                place = env.index(...)
                self.assert_only(pod, answer.pod, {target: variables(*env[:place], *rest, *env[place + 1:])},
                                 {target: found.get("volumeMounts", []) + [self.MOUNT]},
                                 plain["spec"].get("volumes", []) + [self.VOLUME], **annotations)
                self.assert_stable(answer.pod)

    def test_example_of_a_replica_set_is_logged_with_its_owner(self):
        line = self.accepted(read_example("server")).requests[0]
        self.assertEqual((line["ownerKind"], line["owner"]), ("ReplicaSet", "atlas-rucio-server-7d9c5b64f8"))

    def test_example_that_opted_out_is_left_alone(self):
        pod = read_example("opted-out")
        answer = self.accepted(pod)
        self.assertEqual(answer.outcomes, [("skipped", "opted_out")])
        self.assert_untouched(pod, answer.pod)

    def test_example_that_is_not_of_rucio_is_not_even_sent(self):
        pod = read_example("not-rucio")
        answer = self.accepted(pod, asked=0)
        self.assertEqual(answer.requests, [])
        self.assert_untouched(pod, answer.pod)


if __name__ == "__main__":
    unittest.main()
