"""Another mutating webhook, in front of ours or behind it.

kube-apiserver asks webhooks in the order of their configurations' names, and asks those with `reinvocationPolicy:
IfNeeded` once more when something changed after them.
"""
import unittest

from api_other_webhook import Neighbour, add, has_container, once, set_env
from api_support import (CFG, NAME, OUR_ENV, OUR_MOUNT, OUR_VOLUME, PATH, PKG_PATH, PYTHON, ApiCase, add_rows,
                         all_containers, annotations_of, comparable, configuration, container, log_file, pairs_of,
                         pod_of, policy)
from cluster import container_of, wait_until

NODE_LOG = log_file("kube-apiserver.log")


def reverse_containers(pod):
    ordered = sorted(pod["spec"]["containers"], key=lambda entry: entry["name"], reverse=True)
    if ordered == pod["spec"]["containers"]:
        return []
    return [{"op": "replace", "path": "/spec/containers", "value": ordered}]


def has_mine(pod):
    return MINE in pod["spec"].get("volumes", [])


def add_volume(pod):
    if has_mine(pod):
        return []
    return [add("/spec/volumes/-", MINE) if "volumes" in pod["spec"] else add("/spec/volumes", [MINE])]


EXTRA = container("rucio-daemons")
HAS_EXTRA = has_container("rucio-daemons")
MINE = {"name": "mine", "emptyDir": {}}
OTHER = ("OTHER", "x")
SITE = ("PYTHONPATH", "/site")
JOINED = ("PYTHONPATH", f"{PATH}:/site")
ALONE, TWICE, TWICE_PATCHED = (["patched"], ["patched", "unchanged"], ["patched", "patched"])
SERVER = {"rucio-server": OUR_ENV}
BOTH = {"rucio-server": OUR_ENV, "rucio-daemons": OUR_ENV}

# What the neighbour does; the containers with our mount and their env, where the neighbour stands in front of us; the
# same where it stands behind us, and the outcomes that are logged then.
CHANGES = {
    "does nothing": (lambda pod: [], SERVER, SERVER, ALONE),
    "adds a label": (once(lambda pod: "labels" in pod["metadata"], add("/metadata/labels", {"seen": "yes"})),
                     SERVER, SERVER, TWICE),
    "adds a volume": (add_volume, SERVER, SERVER, TWICE),
    "replaces all volumes": (once(has_mine, add("/spec/volumes", [MINE])), SERVER, SERVER, TWICE_PATCHED),
    "adds a sidecar of its own": (once(has_container("proxy"), add("/spec/containers/0", container("proxy"))),
                                  SERVER, SERVER, TWICE),
    "adds a container of rucio": (once(HAS_EXTRA, add("/spec/containers/-", EXTRA)), BOTH, BOTH, TWICE_PATCHED),
    "adds a container of rucio in front": (
        once(HAS_EXTRA, add("/spec/containers/0", EXTRA)), BOTH, BOTH, TWICE_PATCHED),
    "adds an init container of rucio": (
        once(HAS_EXTRA, add("/spec/initContainers", [EXTRA])), BOTH, BOTH, TWICE_PATCHED),
    "adds a native sidecar of rucio": (
        once(HAS_EXTRA, add("/spec/initContainers", [{**EXTRA, "restartPolicy": "Always"}])),
        BOTH, BOTH, TWICE_PATCHED),
    "adds a variable": (set_env(*OTHER), {"rucio-server": [*OUR_ENV, OTHER]},
                        {"rucio-server": [*OUR_ENV, OTHER]}, TWICE),
    "adds a variable in front": (set_env(*OTHER, at_front=True), {"rucio-server": [*OUR_ENV, OTHER]},
                                 {"rucio-server": [OTHER, *OUR_ENV]}, TWICE),
    "sets the name that we set": (set_env(*NAME), {"rucio-server": [PKG_PATH, CFG, PYTHON, NAME]}, SERVER, ALONE),
    "sets PYTHONPATH to something else": (set_env(*SITE), {"rucio-server": [PKG_PATH, NAME, CFG, JOINED]},
                                          {"rucio-server": [*OUR_ENV, JOINED]}, TWICE_PATCHED),
    "sets PYTHONPATH to what has ours": (set_env(*JOINED), {"rucio-server": [PKG_PATH, NAME, CFG, JOINED]},
                                         {"rucio-server": [*OUR_ENV, JOINED]}, TWICE),
    "changes the order of the containers": (reverse_containers, SERVER, SERVER, TWICE),
}


class Neighbours(ApiCase):
    """The same rows for a neighbour in front and one behind."""
    PREFIX = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.neighbour = Neighbour(cls.api, cls.PREFIX, cls.label)
        cls.addClassCleanup(cls.neighbour.remove)

        def is_asked():
            before = cls.neighbour.count
            cls.api.create(pod_of(), cls.namespace, dry_run=True)
            return cls.neighbour.count > before

        wait_until(is_asked, "the apiserver asks the neighbour")

    def check_change(self, change, wanted, outcomes):
        with self.neighbour.doing(change):
            answer = self.accepted(pod_of(container("beside"), container("rucio-server")), asked=len(outcomes))
            self.assertEqual([outcome for outcome, _ in answer.outcomes], outcomes)
            self.assertEqual(answer.warnings_of_ours(), [])
            self.check_pod(answer.pod, wanted)
            self.assert_stable(answer.pod)
        self.assert_stable(answer.pod)

    def check_pod(self, pod, wanted):
        pod = comparable(pod)
        self.assertEqual([volume for volume in pod["spec"]["volumes"] if volume != MINE], [OUR_VOLUME])
        for entry in all_containers(pod):
            found = (pairs_of(entry.get("env")), entry.get("volumeMounts", []))
            is_target = entry["name"] in wanted
            self.assertEqual(found, (wanted[entry["name"]], [OUR_MOUNT]) if is_target else ([], []), entry["name"])
        self.assertEqual({name: annotations_of(pod).get(name) for name in ("status", "conflicts")},
                         {"status": "injected", "conflicts": None})


class NeighbourInFront(Neighbours):
    PREFIX = "aaa"

    def check(self, row):
        change, wanted, _, _ = row
        self.check_change(change, wanted, ALONE)

    def test_a_container_of_rucio_that_is_added_to_a_pod_of_others_gets_the_package(self):
        with self.neighbour.doing(once(HAS_EXTRA, add("/spec/containers/-", EXTRA))):
            self.check_pod(self.accepted(pod_of(container("postgres"))).pod, {"rucio-daemons": OUR_ENV})


class NeighbourBehind(Neighbours):
    PREFIX = "zzz"
    CONFIGURATION = configuration(
        policy("strict", match={"podSelector": {"matchLabels": {"strict": "yes"}}}, onConflict="reject"), policy(),
        policy("odd", path='/opt/"\\<&>\u00e9\U0001f600'))

    def check(self, row):
        change, _, wanted, outcomes = row
        self.check_change(change, wanted, outcomes)

    def test_a_container_of_rucio_that_is_added_to_a_pod_of_others_is_out_of_reach(self):
        """kube-apiserver does not ask a webhook in the second round that it has not asked in the first."""
        pod = pod_of(container("postgres"))
        with self.neighbour.doing(once(HAS_EXTRA, add("/spec/containers/-", EXTRA))):
            stored, _, name = self.send(pod)
        self.assertEqual((self.requests_about(name, 0), annotations_of(stored)), ([], {}))

    def test_both_rounds_patch_and_the_token_is_mounted_in_what_was_added(self):
        with self.neighbour.doing(once(HAS_EXTRA, add("/spec/containers/0", EXTRA))):
            answer = self.accepted(pod_of(automountServiceAccountToken=True), asked=2)
        for name in ("rucio-server", "rucio-daemons"):
            paths = sorted(mount["mountPath"] for mount in container_of(answer.pod, name)["volumeMounts"])
            self.assertEqual(paths, [PATH, "/var/run/secrets/kubernetes.io/serviceaccount"])
        self.assertEqual(len(answer.pod["spec"]["volumes"]), 2)
        self.assert_stable(answer.pod)

    def test_a_name_that_is_added_behind_us_is_a_conflict_like_any_other(self):
        with self.neighbour.doing(set_env("RUCIO_POLICY_PACKAGE", "site_policy")):
            answer = self.accepted(pod_of(), asked=2)
            self.assertEqual(annotations_of(answer.pod)["conflicts"], "rucio-server/RUCIO_POLICY_PACKAGE")
            self.assertEqual(len(answer.warnings_of_ours()), 1)
            self.assert_stable(answer.pod)

    def test_a_name_that_is_added_behind_us_refuses_a_pod_whose_policy_says_so(self):
        with self.neighbour.doing(set_env("RUCIO_POLICY_PACKAGE", "site_policy")):
            refusal = self.refused(pod_of(labels={"strict": "yes"}), asked=2)
        self.assertEqual(refusal.outcomes, [("patched", "injected"), ("rejected", "conflict")])
        self.assertEqual(refusal.code, 403)
        self.assertIn('RUCIO_POLICY_PACKAGE: the pod has "site_policy"', refusal.message)

    def test_the_record_is_stored_byte_for_byte(self):
        sent = []

        def look(pod):
            sent.append(annotations_of(pod)["injected"])
            return []

        with self.neighbour.doing(look):
            name = self.accepted(pod_of(annotations={"policy": "odd"}), dry_run=False).pod["metadata"]["name"]
        self.assertEqual(sent, [annotations_of(self.api.get("Pod", name, self.namespace))["injected"]])

    @unittest.skipUnless(NODE_LOG, "the log of kube-apiserver cannot be read")
    def test_patching_twice_gives_the_apiserver_nothing_to_complain_of(self):
        marks = []
        for name in ("first", "last"):
            with self.neighbour.doing(once(HAS_EXTRA, add("/spec/containers/-", EXTRA))):
                marks.append(NODE_LOG.stat().st_size)
                self.accepted(pod_of(labels={"name": name}), asked=2)
        log = NODE_LOG.read_bytes()[marks[0]:].decode(errors="replace")
        names = (self.webhook.name, self.label + ".")
        self.assertEqual([line for line in log.splitlines() if any(name in line for name in names)], [])


def add_changes(case):
    add_rows(case, {f"a neighbour {what}": row for what, row in CHANGES.items()}, case.check)


add_changes(NeighbourInFront)
add_changes(NeighbourBehind)

if __name__ == "__main__":
    unittest.main()
