"""The judges and the models that they rest on, held to what is known: a judge that finds nothing proves nothing."""
import copy
import unittest

import cluster
import judges
import policies
from webhook import Webhook


class KubeletModel(unittest.TestCase):
    def test_references_are_expanded_as_the_kubelet_does(self):
        known = {"A": "1", "EMPTY": "", "B": "$(A)"}
        unchanged = {text: text for text in ("$(NONE)", "$(", "$(A", "$", "$A", "$()")}
        for text, expected in {"$(A)": "1", "x$(A)y$(A)": "x1y1", "$$(A)": "$(A)", "$$$(A)": "$1", "$(EMPTY):": ":",
                               "$(B)": "$(A)", **unchanged}.items():
            with self.subTest(text):
                self.assertEqual(cluster.expand(text, known), expected)

    def test_the_last_entry_wins_and_sees_what_stands_before_it(self):
        env = [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)$(C)"}, {"name": "A", "value": "$(A)2"},
               {"name": "C", "value": "3"}]
        self.assertEqual(cluster.environment({"env": env}), {"A": "12", "B": "1$(C)", "C": "3"})

    def test_an_entry_wins_over_env_from_unless_its_optional_reference_is_not_there(self):
        absent = {"configMapKeyRef": {"name": "m", "key": "absent", "optional": True}}
        env = [{"name": "URL", "value": "mine"}, {"name": "PYTHONPATH", "valueFrom": absent}]
        found = cluster.environment({"envFrom": [{"configMapRef": {"name": "settings"}}], "env": env})
        self.assertEqual(found, {"URL": "mine", "PYTHONPATH": "/from/map"})


def pod_with(*containers, init=(), **spec):
    return {"spec": {"containers": list(containers), "initContainers": list(init), **spec}}


class SchedulerModel(unittest.TestCase):
    def test_qos_class_goes_by_every_container(self):
        limits = {"resources": {"limits": {"cpu": "1", "memory": "1Gi"}}}
        same = {"resources": {"limits": {"cpu": "1", "memory": "1Gi"},
                              "requests": {"cpu": "1000m", "memory": "1024Mi"}}}
        self.assertEqual(cluster.qos_class(pod_with(limits, same)), "Guaranteed")
        self.assertEqual(cluster.qos_class(pod_with(limits, init=[{}])), "Burstable")
        other = {"resources": {"requests": {"example.org/gpu": 1}}}
        self.assertEqual(cluster.qos_class(pod_with({}, other)), "BestEffort")

    def test_init_containers_count_with_the_sidecars_before_them(self):
        def cpu(amount, **more):
            return {"resources": {"requests": {"cpu": amount}}, **more}
        sidecar = cpu("1", restartPolicy="Always")
        self.assertEqual(cluster.effective(pod_with(cpu("2"), init=[cpu("5"), sidecar]), 0), {"cpu": 5})
        self.assertEqual(cluster.effective(pod_with(cpu("2"), init=[sidecar, cpu("5")]), 0), {"cpu": 6})
        self.assertEqual(cluster.effective(pod_with(cpu("2"), init=[sidecar]), 0), {"cpu": 3})


class SecurityModel(unittest.TestCase):
    def test_levels_are_told_apart(self):
        restricted = {"securityContext": policies.RESTRICTED}
        self.assertEqual(cluster.security_level(pod_with(restricted)), 2)
        self.assertEqual(cluster.security_level(pod_with(restricted, {})), 1)
        self.assertEqual(cluster.security_level(pod_with(restricted, volumes=[{"name": "n", "nfs": {}}])), 1)
        self.assertEqual(cluster.security_level(pod_with(restricted, volumes=[{"name": "h", "hostPath": {}}])), 0)
        self.assertEqual(cluster.security_level(pod_with({"securityContext": {"privileged": True}})), 0)


GUARANTEED = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi"}}
POD = {
    "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "rucio", "annotations": {"a": "b"}},
    "spec": {
        "volumes": [{"name": "data", "emptyDir": {}}],
        "securityContext": {"runAsNonRoot": True},
        "initContainers": [{"name": "prepare", "image": "busybox", "resources": GUARANTEED,
                            "securityContext": policies.RESTRICTED}],
        "containers": [
            {"name": "rucio-server", "image": "rucio/rucio-server:38.1.0", "resources": GUARANTEED,
             "securityContext": policies.RESTRICTED, "volumeMounts": [{"name": "data", "mountPath": "/data"}],
             "env": [{"name": "FIRST", "value": "1"}, {"name": "SECOND", "value": "$(FIRST)"},
                     {"name": "PYTHONPATH", "value": "/old:/older"}]},
            {"name": "sidecar", "image": "busybox", "resources": GUARANTEED, "securityContext": policies.RESTRICTED},
        ],
    },
}
POLICY = {"name": "policy-0", "match": {"namespaces": ["ns-0"]}, "package": "atlas_policy", "verify": "fail",
          "env": [{"name": "LEVEL", "value": "1"}],
          "source": {"pip": {"requirements": ["atlas-policy==1.2.3"]}}}


def main_container(pod):
    return pod["spec"]["containers"][0]


def variable(pod, name):
    return next(entry for entry in main_container(pod)["env"] if entry["name"] == name)


# What a wrong program might do to the patched pod, and the beginning of what a judge must say.
MISTAKES = {
    "a field of the pod is lost": (lambda pod: pod["spec"].pop("securityContext"), "spec"),
    "an annotation of the pod is lost": (lambda pod: pod["metadata"]["annotations"].pop("a"), "other annotations"),
    "a sidecar is touched": (lambda pod: pod["spec"]["containers"][1].update(env=[]), "('containers', 'sidecar')"),
    "a variable of the pod is lost": (lambda pod: main_container(pod)["env"].remove(variable(pod, "SECOND")),
                                      "rucio-server: its own variables"),
    "variables of the pod change places": (lambda pod: main_container(pod)["env"].append(
        main_container(pod)["env"].pop(-3)), "rucio-server: env"),
    "a setting has another value": (lambda pod: variable(pod, "LEVEL").update(value="2"), "rucio-server: env"),
    "PYTHONPATH loses an element": (lambda pod: variable(pod, "PYTHONPATH").update(value="/opt/rucio/policy:/old"),
                                    "rucio-server: "),
    "PYTHONPATH gets an empty element": (lambda pod: variable(pod, "PYTHONPATH").update(
        value="/opt/rucio/policy:/old:/older:"), "rucio-server: "),
    "PYTHONPATH lacks the path": (lambda pod: variable(pod, "PYTHONPATH").update(
        value="/old:/older"), "rucio-server: "),
    "the package has another name": (lambda pod: variable(pod, "RUCIO_POLICY_PACKAGE").update(value="cms_policy"),
                                     "rucio-server: "),
    "the mount is writable": (lambda pod: main_container(pod)["volumeMounts"][-1].update(
        readOnly=False), "rucio-server: "),
    "a mount of the pod is lost": (lambda pod: main_container(pod)["volumeMounts"].pop(
        0), "rucio-server: its own mounts"),
    "a volume is missing": (lambda pod: pod["spec"]["volumes"].pop(), "rucio-policy-install: volume exists"),
    "a volume is there twice": (lambda pod: pod["spec"]["volumes"].append(pod["spec"]["volumes"][-1]), "volume names"),
    "the installer has no resources": (lambda pod: pod["spec"]["initContainers"][0].pop("resources"), "QoS class"),
    "the installer asks for more": (lambda pod: pod["spec"]["initContainers"][0].update(
        resources={key: {"cpu": "3", "memory": "1Gi"} for key in ("requests", "limits")}), "effective request"),
    "the installer may gain privileges": (lambda pod: pod["spec"]["initContainers"][0]["securityContext"].pop(
        "allowPrivilegeEscalation"), "Pod Security Standard"),
    "the installer comes late": (lambda pod: pod["spec"]["initContainers"].insert(
        1, pod["spec"]["initContainers"].pop(0)), "the installer stands first"),
    "verify comes before the installer": (lambda pod: pod["spec"]["initContainers"].insert(
        0, pod["spec"]["initContainers"].pop()), "the installer stands first"),
    "verify sees another environment": (lambda pod: pod["spec"]["initContainers"][-1]["env"].pop(), "verify: env"),
    "verify is missing": (lambda pod: pod["spec"]["initContainers"].pop(), "init containers that are wanted"),
    "the revision is another": (lambda pod: pod["metadata"]["annotations"].update(
        {"policy.rucio.cern.ch/revision": "0123456789ab"}), "annotation revision"),
    "the record lacks a container": (lambda pod: pod["metadata"]["annotations"].update(
        {"policy.rucio.cern.ch/injected": "{}"}), "the record"),
    "the autoscaler is not told": (lambda pod: pod["metadata"]["annotations"].pop(
        "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes"), "evictable volumes"),
}


class Judges(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.webhook = Webhook(cls, [POLICY])

    def test_a_right_answer_passes(self):
        judges.judge(self.webhook.case(POD, 0))

    def test_every_mistake_is_noticed(self):
        for mistake, (make, finding) in MISTAKES.items():
            with self.subTest(mistake):
                case = self.webhook.case(POD, 0)
                case.after = copy.deepcopy(case.after)
                make(case.after)
                with self.assertRaises(judges.Violation) as raised:
                    judges.judge(case)
                self.assertTrue(str(raised.exception).startswith(finding), str(raised.exception))


if __name__ == "__main__":
    unittest.main()
