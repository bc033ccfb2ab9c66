"""Sources pip and copy, verify and the charts' policyPackages at the API: what is stored stays as it is when it is sent
again, whatever plugins and other webhooks have done to our init containers in between."""
import copy
import itertools
import unittest

from api_neighbours import Neighbours
from api_other_webhook import add
from api_support import (CLAIM, PATH, VOLUME, ApiCase, add_rows, all_containers, annotations_of, comparable,
                         configuration, container, kubernetes_minor, mounts_of, pod_of, policy)
from cluster import Refused, container_of, wait_until

INSTALL, COPY, VERIFY = OURS = ("rucio-policy-install", "rucio-policy-copy", "rucio-policy-verify")
SAFE = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes"
REVISION = "policy.rucio.cern.ch/revision"
PIP = {"pip": {"requirements": ["atlas-policy==1.0"], "sizeLimit": "0.5Gi", "env": [{"name": "A", "value": "b"}]}}
COPIED = {"copy": {"image": "localhost/policy:1", "path": "/policy", "sizeLimit": "1024Mi", "medium": "Memory"}}
PATCHED = ("patched", "injected")
STRICT = {"securityContext": {"runAsUser": 1000, "runAsNonRoot": True}}

CHART_MOUNT = {"name": "policy-package-volume", "mountPath": "/opt/policy_packages/"}
CHART_VOLUME = {"name": "policy-package-volume", "emptyDir": {}}


def labelled(name, **fields):
    return policy(name, match={"podSelector": {"matchLabels": {"policy": name}}}, **fields)


POLICIES = (
    labelled("pip", source=PIP), labelled("copy", source=COPIED),
    labelled("pip-verify", source=PIP, verify="fail"), labelled("copy-verify", source=COPIED, verify="warn"),
    labelled("last", source={"copy": {**COPIED["copy"], "position": "last"}}, verify="fail"),
    labelled("volume-verify", volume=CLAIM, verify="fail"),
    labelled("preinstalled-verify", source={"preinstalled": {}}, verify="fail"),
    labelled("keep", source=COPIED, verify="fail"),
    labelled("override", source=COPIED, verify="fail", onConflict="override"))
NAMES = [entry["name"] for entry in POLICIES]


def plain(name, **spec):
    return pod_of(container(env=[{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
                            envFrom=[{"configMapRef": {"name": "site", "optional": True}}]), container("beside"),
                  labels={"policy": name}, **spec)


def with_init_containers(name):
    return plain(name, initContainers=[container("before"), container("rucio-ui", restartPolicy="Always"),
                                       container("rucio-daemons", **STRICT), container("behind")])


def of_chart(name):
    rucio = container("rucio-daemons", env=[{"name": "PYTHONPATH", "value": "/opt/policy_packages/"}],
                      volumeMounts=[CHART_MOUNT])
    return pod_of(rucio, labels={"policy": name}, volumes=[CHART_VOLUME], initContainers=[
        container("before"), container("install-policy-packages", volumeMounts=[CHART_MOUNT])])


# The pod, and its init containers afterwards.
SHAPES = {
    "pip": (plain("pip"), [INSTALL]),
    "copy": (plain("copy"), [COPY]),
    "pip and verify": (plain("pip-verify"), [INSTALL, VERIFY]),
    "copy and verify": (plain("copy-verify"), [COPY, VERIFY]),
    "copy behind all others": (plain("last", initContainers=[container("before")]), ["before", COPY, VERIFY]),
    "pip and verify in a pod with init containers": (
        with_init_containers("pip-verify"), ["before", INSTALL, "rucio-ui", "rucio-daemons", "behind", VERIFY]),
    "copy in a pod with init containers": (
        with_init_containers("copy"), ["before", COPY, "rucio-ui", "rucio-daemons", "behind"]),
    "verify for an init container": (
        pod_of(container("beside"), labels={"policy": "volume-verify"},
               initContainers=[container("before"), container("rucio-daemons")]), ["before", VERIFY, "rucio-daemons"]),
    "verify of a volume": (plain("volume-verify"), [VERIFY]),
    "verify of what the image has": (plain("preinstalled-verify"), [VERIFY]),
    "a chart's packages that are kept": (of_chart("keep"), ["before", "install-policy-packages", VERIFY]),
    "a chart's packages that are overridden": (
        of_chart("override"), [COPY, "before", "install-policy-packages", VERIFY]),
}


SHAPES["verify beside mounts of all kinds"] = (pod_of(
    container(securityContext={"privileged": True}, env=[
        {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}], volumeMounts=[
            {"name": "host", "mountPath": "/both", "mountPropagation": "Bidirectional"},
            {"name": "host", "mountPath": "/in", "mountPropagation": "HostToContainer"},
            {"name": "host", "mountPath": "/ours", "subPathExpr": "$(POD)"}]),
    labels={"policy": "volume-verify"}, volumes=[{"name": "host", "hostPath": {"path": "/none"}}]), [VERIFY])


def names_of(pod):
    return [entry["name"] for entry in pod["spec"].get("initContainers", [])]


class Stored(ApiCase):
    """The apiserver adds its defaults, the token's mount and LimitRanger's resources."""
    CONFIGURATION = configuration(*POLICIES)

    @classmethod
    def prepare(cls):
        cls.api.create({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "limits"}, "spec": {"limits": [
            {"type": "Container", "default": {"cpu": "1000m", "memory": "1024Mi"}}]}}, cls.namespace)

        def has_limits():
            made = cls.api.create(pod_of(container("x")), cls.namespace, dry_run=True)
            return made["spec"]["containers"][0]["resources"]

        wait_until(has_limits, "LimitRanger acts")

    def check(self, row):
        pod, init_containers = row
        pod = copy.deepcopy(pod)
        pod["spec"]["automountServiceAccountToken"] = True
        answer = self.accepted(pod, dry_run=False)
        # The plugins have changed ours, and so the webhook is asked once more.
        self.assertIn(answer.outcomes, ([PATCHED], [PATCHED, ("unchanged", "up_to_date")]))
        self.assertEqual(names_of(answer.pod), init_containers)
        self.assert_stable(answer.pod)

    def test_an_older_revision_is_brought_up_to_date_in_place(self):
        pod = self.accepted(with_init_containers("pip-verify")).pod
        older = copy.deepcopy(pod)
        older["metadata"]["annotations"][REVISION] = "000000000000"
        container_of(older, INSTALL)["args"] = ["--", "atlas-policy==0.9"]
        container_of(older, VERIFY)["args"] = ["warn"]
        again = self.accepted(older).pod
        self.assertEqual(names_of(again), names_of(pod))
        for name in (INSTALL, VERIFY):
            self.assertEqual(container_of(again, name), container_of(pod, name))
        self.assertEqual(annotations_of(again), annotations_of(pod))
        self.assert_stable(again)

    def test_a_pod_of_any_policy_becomes_what_any_other_makes_of_the_pod_itself(self):
        for make in (plain, with_init_containers, of_chart):
            directly = {name: self.accepted(make(name)).pod for name in NAMES}
            for older, newer in itertools.permutations(NAMES, 2):
                with self.subTest(make.__name__, older=older, newer=newer):
                    pod = copy.deepcopy(directly[older])
                    pod["metadata"]["labels"]["policy"] = newer
                    again = self.accepted(pod)
                    self.assertEqual(again.outcomes[0], PATCHED)
                    self.assertEqual(comparable(again.pod), comparable(directly[newer]))

    def test_ours_have_no_more_than_the_policys_variables(self):
        pod = self.accepted(plain("pip-verify")).pod
        self.assertEqual(container_of(pod, INSTALL)["env"], [{"name": "A", "value": "b"}])
        self.assertEqual(container_of(pod, VERIFY)["env"], container_of(pod, "rucio-server")["env"])
        self.assertEqual(container_of(pod, VERIFY)["envFrom"], container_of(pod, "rucio-server")["envFrom"])


class PodResources(ApiCase):
    """Resources of the pod as a whole, which none of its containers may exceed."""
    CONFIGURATION = configuration(policy(source={"pip": {**PIP["pip"], "resources": {"limits": {"memory": "2Gi"}}}}))

    def test_an_installer_that_asks_for_more_than_the_whole_pod_gets_the_containers_instead(self):
        if kubernetes_minor() < 34:
            self.skipTest("a pod has no resources of its own here, or not without a feature gate")
        small, whole, large = ({"limits": {"memory": size}} for size in ("100Mi", "1Gi", "2Gi"))
        with self.assertRaises(Refused):
            self.stored_elsewhere(pod_of(resources=whole, initContainers=[container("x", resources=large)]))
        answer = self.accepted(pod_of(container(resources=small), resources=whole))
        self.assertEqual(container_of(answer.pod, INSTALL)["resources"]["limits"], small["limits"])
        self.assertEqual(answer.warnings, [f"policy atlas: {INSTALL}: the pod's own spec.resources hold, not those of "
                                           "the source"])
        self.assert_stable(answer.pod)


class Autoscaler(ApiCase):
    """The cluster autoscaler must not take our volume for something that keeps a pod on its node."""
    CONFIGURATION = configuration(*POLICIES)

    def check(self, row):
        before, after = row
        for name in ("pip", "copy"):
            pod = plain(name)
            pod["metadata"]["annotations"] = {} if before is None else {SAFE: before}
            stored = self.accepted(pod).pod
            self.assertEqual(comparable(stored)["metadata"]["annotations"][SAFE], after)
            self.assert_stable(stored)

    def test_a_volume_of_the_policys_own_needs_no_annotation(self):
        self.assertNotIn(SAFE, self.accepted(plain("volume-verify")).pod["metadata"]["annotations"])

    def test_a_chart_that_is_adopted_needs_no_annotation(self):
        self.assertNotIn(SAFE, self.accepted(of_chart("keep")).pod["metadata"]["annotations"])


def mirror(pod):
    """A webhook that replaces every image by one of a mirror."""
    return [{"op": "replace", "path": f"/spec/{kind}/{number}/image", "value": "mirror/" + entry["image"][10:]}
            for kind in ("initContainers", "containers") for number, entry in enumerate(pod["spec"].get(kind) or [])
            if entry["image"].startswith("localhost/")]


def to_every_container(path, is_done, value):
    """A webhook that adds something to each container and init container."""
    return lambda pod: [add(f"/spec/{kind}/{number}/{path}", value)
                        for kind in ("initContainers", "containers")
                        for number, entry in enumerate(pod["spec"].get(kind) or []) if not is_done(entry)]


def harden(pod):
    """A webhook that gives each container a seccomp profile and a read-only root."""
    wanted = {"readOnlyRootFilesystem": True, "seccompProfile": {"type": "RuntimeDefault"}}
    return [add(f"/spec/{kind}/{number}/securityContext", {**entry.get("securityContext", {}), **wanted})
            for kind in ("initContainers", "containers") for number, entry in enumerate(pod["spec"].get(kind) or [])
            if not entry.get("securityContext", {}).get("readOnlyRootFilesystem")]


def put_first(pod):
    """A webhook that wants its init container to be the first."""
    found = pod["spec"].get("initContainers") or []
    if found and found[0]["name"] == "mesh":
        return []
    rest = [entry for entry in found if entry["name"] != "mesh"]
    return [add("/spec/initContainers", [container("mesh"), *rest])]


ENV = {"name": "MESH", "value": "on"}
ADDED = {
    "rewrites every image": mirror,
    "adds variables to every container": to_every_container("env", lambda entry: entry.get("env"), [ENV]),
    "sets every container's resources": to_every_container(
        "resources", lambda entry: entry.get("resources"), {"limits": {"cpu": "1", "memory": "1Gi"}}),
    "hardens every container": harden,
    "puts an init container first": put_first,
}


class Beside(Neighbours):
    """With another webhook that changes ours too, in every shape."""
    CONFIGURATION = configuration(*POLICIES)

    def check(self, change):
        for sentence, (pod, _) in SHAPES.items():
            with self.subTest(sentence), self.neighbour.doing(change):
                answer = self.accepted(pod)
                self.assertEqual(annotations_of(answer.pod)["status"], "injected")
                ours = [name for name in names_of(answer.pod) if name in OURS]
                self.assertEqual(ours, [name for name in SHAPES[sentence][1] if name in OURS])
                self.assertEqual(change(answer.pod), [])
                self.assert_stable(answer.pod)


class OtherInFront(Beside):
    PREFIX = "aaa"

    def test_the_installer_has_the_image_as_the_other_left_it(self):
        with self.neighbour.doing(mirror):
            pod = self.accepted(plain("pip")).pod
        self.assertEqual(container_of(pod, INSTALL)["image"], "mirror/none")


class OtherBehind(Beside):
    PREFIX = "zzz"

    def test_what_the_other_made_of_ours_is_left_alone(self):
        with self.neighbour.doing(mirror):
            answer = self.accepted(plain("pip-verify"), asked=2)
            self.assertEqual([outcome for outcome, _ in answer.outcomes], ["patched", "unchanged"])
        self.assertEqual({entry["image"] for entry in all_containers(answer.pod)}, {"mirror/none"})

    def test_a_container_of_rucio_that_is_added_behind_us_is_filled_before_it(self):
        def add_daemons(pod):
            return [] if "rucio-daemons" in names_of(pod) else [
                add("/spec/initContainers/-", container("rucio-daemons"))]

        with self.neighbour.doing(add_daemons):
            answer = self.accepted(plain("pip"), asked=2)
            self.assertEqual(names_of(answer.pod), [INSTALL, "rucio-daemons"])
            self.assertIn(PATH, [m["mountPath"] for m in container_of(answer.pod, "rucio-daemons")["volumeMounts"]])
            self.assert_stable(answer.pod)

    def test_an_image_that_is_changed_behind_us_for_one_container_leaves_ours_alone(self):
        def pin(pod):
            numbers = [n for n, entry in enumerate(pod["spec"]["containers"]) if entry["name"] == "rucio-ui"]
            return [{"op": "replace", "path": f"/spec/containers/{n}/image", "value": "mirror/other"} for n in numbers
                    if pod["spec"]["containers"][n]["image"] != "mirror/other"]

        pod = pod_of(container(), container("rucio-ui"), labels={"policy": "pip"})
        with self.neighbour.doing(pin):
            answer = self.accepted(pod, asked=2)
        self.assertEqual([outcome for outcome, _ in answer.outcomes], ["patched", "unchanged"])
        self.assertEqual([entry["image"] for entry in all_containers(answer.pod)],
                         ["localhost/none", "localhost/none", "mirror/other"])


class Reserved(ApiCase):
    """The names of our init containers in pods of others."""
    CONFIGURATION = configuration(policy(source=COPIED, verify="fail",
                                         match={"podSelector": {"matchLabels": {"all": "yes"}}, "containers": ["*"]}))

    def test_ours_get_nothing_themselves_where_every_container_gets_the_package(self):
        answer = self.accepted(pod_of(container(), container("beside"), labels={"all": "yes"}))
        self.assertEqual(names_of(answer.pod), [COPY, VERIFY])
        self.assertEqual(mounts_of(answer.pod, COPY), [{"name": VOLUME, "mountPath": "/rucio-policy"}])
        self.assert_stable(answer.pod)


add_rows(Stored, {f"stays as it is: {sentence}": row for sentence, row in SHAPES.items()}, Stored.check)
add_rows(Autoscaler, {
    "without an annotation ours is added": (None, VOLUME),
    "ours is added to what is there": ("cache,scratch", f"cache,scratch,{VOLUME}"),
    "an empty annotation gets ours": ("", VOLUME),
}, Autoscaler.check)
for case in (OtherInFront, OtherBehind):
    add_rows(case, {f"a neighbour {what}": change for what, change in ADDED.items()}, case.check)

if __name__ == "__main__":
    unittest.main()
