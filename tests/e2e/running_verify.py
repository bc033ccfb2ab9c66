"""verify in pods that run: what is found, what an administrator reads of it, and whether the pod starts."""
import json
import unittest

from cluster import kubectl
from running import OLD_IMAGE, PATH, PREINSTALLED_IMAGE, RunningCase, container, pod_of
from running_rucio import MOUNTED, PACKAGE

VERIFY = "rucio-policy-verify"

PERMISSION = "def has_permission(issuer, action, kwargs, *, session=None):\n    return False\n"
GOOD = {"__init__.py": 'SUPPORTED_VERSION = [">=37.0", "<42.0"]\n', "permission.py": PERMISSION, "schema.py": ""}
# Packages by name: the files of each.
PACKAGES = {
    "good_policy": GOOD,
    "broken_policy": {**GOOD, "__init__.py": "x = 1\ndef broken(:\n"},
    "broken_permission": {**GOOD, "permission.py": "import os\n    x = 1\n"},
    "needy_policy": {**GOOD, "__init__.py": "import gfal2_of_the_site\n"},
    "raising_policy": {**GOOD, "__init__.py": "raise RuntimeError('no site is set')\n"},
    "exiting_policy": {**GOOD, "__init__.py": "import sys\nsys.exit('not here')\n"},
    "future_policy": {**GOOD, "__init__.py": 'SUPPORTED_VERSION = [">=99.0"]\n'},
    "partial_policy": {"__init__.py": GOOD["__init__.py"], "permission.py": PERMISSION},
}
SOURCE = "{volume: {configMap: {name: packages, items: ITEMS}}}"


def policy(name, packages, verify="fail", source=SOURCE, **keys):
    """A policy as a line; packages is a name, or a mapping from VO to name."""
    named = {"package": packages} if isinstance(packages, str) else {"packages": packages}
    return {"name": name, "match": {"podSelector": {"matchLabels": {"policy": name}}}, **named, "verify": verify,
            "source": source, **keys}


POLICIES = [
    policy("good", "good_policy"),
    policy("preinstalled", PACKAGE, source={"preinstalled": {}}),
    policy("broken", "broken_policy"),
    policy("broken-warned", "broken_policy", "warn"),
    policy("broken-permission", "broken_permission"),
    policy("wrong-name", "god_policy"),
    policy("needy", "needy_policy"),
    policy("raising", "raising_policy"),
    policy("exiting", "exiting_policy"),
    policy("future", "future_policy"),
    policy("partial", "partial_policy"),
    policy("vos", {"atl": "good_policy", "ops": "partial_policy"}),
    policy("entrypoint", PACKAGE, source={"preinstalled": {}}, pythonPath="entrypoint"),
    policy("hidden", "good_policy", source=SOURCE.replace("ITEMS", "ITEMS, defaultMode: 0400")),
    policy("broken-vo", {"atl": "good_policy", "ops": "broken_policy"}),
]
PREINSTALLED = ("preinstalled", "entrypoint")
STARTS = (*PREINSTALLED, "good", "broken-warned", "partial", "vos", "hidden", "old", "sidecar", "empty-element")

# By pod: what verify says of it. Those that are not in STARTS do not start.
FINDINGS = {
    "good": f"rucio-policy-verify: Rucio 41.5.1 loads good_policy from {PATH}",
    "preinstalled": f"rucio-policy-verify: Rucio 41.5.1 loads {PACKAGE} from {PATH}",
    "broken": "error: broken_policy cannot be imported: SyntaxError: invalid syntax "
              f"({PATH}/broken_policy/__init__.py line 2)",
    "broken-warned": "error: broken_policy cannot be imported: SyntaxError",
    "broken-permission": "error: broken_permission cannot be imported: IndentationError: unexpected indent",
    "wrong-name": f"error: there is no package god_policy: {PATH} holds broken_permission, broken_policy, exiting_",
    "needy": "error: needy_policy needs the module gfal2_of_the_site, which is not there: add it to the image",
    "raising": "error: raising_policy cannot be imported: RuntimeError: no site is set",
    "exiting": "error: exiting_policy cannot be imported: SystemExit: not here",
    "future": "error: Rucio refuses the SUPPORTED_VERSION of future_policy: ",
    "partial": "warning: partial_policy has no schema: Rucio uses its generic one",
    "vos": f"rucio-policy-verify: Rucio 41.5.1 loads partial_policy for VO ops from {PATH}",
    "entrypoint": f"rucio-policy-verify: Rucio 41.5.1 loads {PACKAGE} from {PATH}",
    "hidden": "files are not readable for all",
    "hidden-from-user": "error: good_policy cannot be imported: PermissionError",
    "broken-vo": "error: broken_policy cannot be imported: SyntaxError",
    "old": f"rucio-policy-verify: Rucio 37.2.0 loads good_policy from {PATH}",
    "old-without-section": "as section [policy] of /opt/rucio/etc/rucio.cfg does not name the package: add package = good_policy",
    "own-package": "error: there is no package own_policy",
    "sidecar": f"rucio-policy-verify: Rucio 41.5.1 loads good_policy from {PATH}",
    "empty-element": f"warning: PYTHONPATH is '{PATH}:': the empty element is the working directory",
}


class Verify(RunningCase):
    """A pod for each case: it ends at once where it starts."""
    NAMESPACE = "verify"

    @classmethod
    def prepare(cls):
        files = {f"{package}-{name}": (f"{package}/{name}", text)
                 for package, texts in PACKAGES.items() for name, text in texts.items()}
        cls.create_config("ConfigMap", "packages", {key: text for key, (_, text) in files.items()})
        cls.create_config("ConfigMap", "config", {"rucio.cfg": MOUNTED})
        cls.create_config("ConfigMap", "empty", {"PYTHONPATH": ""})
        items = json.dumps([{"key": key, "path": path} for key, (path, _) in files.items()])
        lines = json.dumps({"policies": POLICIES})  # JSON is YAML
        for source in {entry["source"] for entry in POLICIES if isinstance(entry["source"], str)}:
            lines = lines.replace(json.dumps(source), source.replace("ITEMS", items))
        cls.CONFIGURATION = lines

    @classmethod
    def make_pods(cls):
        def make(name, *containers, policy_name=None, **spec):
            return pod_of(name, containers, labels={"policy": policy_name or name}, restartPolicy="Never", **spec)

        def server(**fields):
            return container("rucio-server", command=["true"], **fields)

        for name in (entry["name"] for entry in POLICIES):
            yield make(name, server(image=PREINSTALLED_IMAGE) if name in PREINSTALLED else server())
        mounts = [{"name": "config", "mountPath": "/opt/rucio/etc/rucio.cfg", "subPath": "rucio.cfg"}]
        yield make("old", server(image=OLD_IMAGE), policy_name="good")
        yield make("old-without-section", server(image=OLD_IMAGE, volumeMounts=mounts), policy_name="good",
                   volumes=[{"name": "config", "configMap": {"name": "config"}}])
        yield make("hidden-from-user", server(securityContext={"runAsUser": 1000}), policy_name="hidden")
        yield make("own-package", server(env=[{"name": "RUCIO_POLICY_PACKAGE", "value": "own_policy"}]),
                   policy_name="good")
        yield make("sidecar", container("beside", command=["true"]), policy_name="good", initContainers=[
            container("before", command=["true"]), container("rucio-ui", restartPolicy="Always")])
        yield make("empty-element", server(envFrom=[{"configMapRef": {"name": "empty"}}]), policy_name="good")

    @classmethod
    def start(cls):
        cls.pods = {}
        names = [cls.create(pod)["metadata"]["name"] for pod in cls.make_pods()]
        for name in names:
            cls.pods[name] = cls.wait_for_pod(name, "Succeeded" if name in STARTS else "Failed")

    def status_of(self, pod):
        return next(s for s in self.pods[pod]["status"]["initContainerStatuses"] if s["name"] == VERIFY)

    def test_every_case_has_a_pod(self):
        self.assertEqual(sorted(self.pods), sorted(FINDINGS))

    def test_a_pod_that_does_not_start_says_so_and_its_containers_wait(self):
        for name in sorted(set(FINDINGS) - set(STARTS)):
            with self.subTest(name):
                terminated = self.status_of(name)["state"]["terminated"]
                self.assertEqual(terminated["exitCode"], 1)
                self.assertEqual(terminated["message"].splitlines()[-1],
                                 "rucio-policy-verify: the pod does not start (verify: fail)")
                self.assertIn("waiting", self.pods[name]["status"]["containerStatuses"][0]["state"])

    def test_the_other_vos_package_is_not_blamed(self):
        message = self.status_of("broken-vo")["state"]["terminated"]["message"]
        self.assertEqual([line for line in message.splitlines() if "error: " in line and "good_policy" in line], [])

    def test_it_stands_behind_all_others_for_a_main_container_and_before_an_init_container(self):
        orders = {name: [entry["name"] for entry in self.pods[name]["spec"]["initContainers"]]
                  for name in ("good", "sidecar")}
        self.assertEqual(orders, {"good": [VERIFY], "sidecar": ["before", VERIFY, "rucio-ui"]})


def add_finding(pod, text):
    def test(self):
        terminated = self.status_of(pod)["state"]["terminated"]
        self.assertIn(text, terminated["message"])
        self.assertIn(text, self.log_of(self.pods[pod], VERIFY))
        described = kubectl("-n", self.namespace, "describe", "pod", pod).stdout
        self.assertIn(text, " ".join(described.split()))

    verb = "starts" if pod in STARTS else "does_not_start"
    test.__name__ = f"test_{pod.replace('-', '_')}_{verb}_and_is_described"
    setattr(Verify, test.__name__, test)


for finding_pod, finding in FINDINGS.items():
    add_finding(finding_pod, finding)

if __name__ == "__main__":
    unittest.main()
