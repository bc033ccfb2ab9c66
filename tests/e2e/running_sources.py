"""Sources pip and copy in pods that run: Rucio's own loaders say which policy is in force.

There is no network: pip takes the package from a directory of wheels in the images.
"""
import unittest

from cluster import Refused, container_of, environment_of, kubectl, volume_of, wait_until
from running import OLD_IMAGE, PATH, RunningCase, container, pod_of, telling
from running_rucio import PACKAGE, USED

POLICY_IMAGE = "localhost/rpw-policy:1"  # Debian with the package in /policy; no pip
WHEEL = "rpw-test-rucio-policy-package==1.0"
PIP = f'{{requirements: ["{WHEEL}"], args: [--no-index, --find-links=/wheels]}}'
COPY = f"{{image: {POLICY_IMAGE}, path: /policy}}"
SOURCES = {"pip": f"{{pip: {PIP}}}", "copy": f"{{copy: {COPY}}}"}
AGAIN = ("pip-again", "copy-again")
INSTALLERS = {"pip": "rucio-policy-install", "copy": "rucio-policy-copy"}

# What runs as somebody else than the container's root, as Apache's workers do.
DROP_ROOT = ["setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups"]


def policies(sources, **keys):
    """A policy for each of the sources, by name, with more keys; pods choose it by the label `policy`."""
    more = "".join(f"    {key}: {value}\n" for key, value in keys.items())
    return "".join(f"""\
  - name: {name}
    match: {{podSelector: {{matchLabels: {{policy: {name}}}}}}}
    package: {PACKAGE}
    source: {source}
{more}""" for name, source in sources.items())


def init_status(pod, name):
    return next(status for status in pod["status"]["initContainerStatuses"] if status["name"] == name)


class SourcesCase(RunningCase):
    """Test cases whose pods are looked up in self.pods by name."""

    @classmethod
    def start(cls):
        cls.pods = {}
        expected = [(cls.create(pod)["metadata"]["name"], phase) for pod, phase in cls.make_pods()]
        for name, phase in reversed(expected):
            cls.pods[name] = cls.wait_for_pod(name, phase)
            cls.on_phase(name)

    @classmethod
    def make_pods(cls):
        """Hook: pairs of a pod and the phase that is awaited; what takes longest comes first."""
        return []

    @classmethod
    def on_phase(cls, name):
        """Hook: the pod is in its phase."""

    def assert_rucio_uses_it(self, pod, name, path=PATH):
        answers = self.told_by(self.pods[pod], name)
        self.assertEqual({key: answers[key] for key in USED}, USED, answers["errors"])
        self.assertEqual(answers["package_file"], f"{path}/{PACKAGE}/__init__.py")


# An index that wants a password, in a sidecar that runs before pip does.
_INDEX = """\
import base64, http.server, os
WANTED = "Basic " + base64.b64encode(b"reader:secret").decode()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.headers["Authorization"] != WANTED:
            return self.answer(401, b"")
        if self.path.startswith("/wheels/"):
            return self.answer(200, open(self.path, "rb").read())
        links = "".join("<a href='/wheels/%s'>%s</a>" % (name, name) for name in os.listdir("/wheels"))
        return self.answer(200, links.encode())
    def answer(self, code, body):
        self.send_response(code)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.HTTPServer(("127.0.0.1", 8080), Handler).serve_forever()
"""
INDEX_URL = "http://$(INDEX_USER):$(INDEX_PASSWORD)@127.0.0.1:8080/simple"


def index():
    listens = ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080"]
    return container("index", command=["python3", "-c", _INDEX], restartPolicy="Always",
                     startupProbe={"exec": {"command": listens}, "periodSeconds": 1, "failureThreshold": 60})


def index_source(secret):
    return (f'{{pip: {{requirements: ["{WHEEL}"], position: last, indexUrl: "{INDEX_URL}", '
            f"envFrom: [{{secretRef: {{name: {secret}}}}}]}}}}")


# Sources with more keys.
VARIANTS = {
    "index": index_source("reader"),
    "pip-env": '{pip: {requirements: ["$(PIN)"], args: ["$(WHERE)", --no-index], medium: Memory, sizeLimit: 1Mi, '
               "securityContext: {readOnlyRootFilesystem: true, runAsUser: 1001}, "
               "env: [{name: WHERE, value: --find-links=/wheels}], envFrom: [{secretRef: {name: pin}}]}}",
    "pip-image": f"{{pip: {PIP[:-1]}, image: 'localhost/rucio:current', pullPolicy: Never, position: last}}}}",
    "copy-private": f"{{copy: {{image: {POLICY_IMAGE}, path: /private, medium: Memory, sizeLimit: 1Mi, "
                    "securityContext: {readOnlyRootFilesystem: true}}}",
    "pip-twice": f"{{pip: {PIP}}}",
}

# What cannot be filled: by policy its source, and what the container says of it.
FAILURES = {
    "no-network": ('{pip: {requirements: ["atlas-policy==1.0"], indexUrl: "http://127.0.0.1:1/simple", '
                   'args: [--retries, "1"]}}', "the index cannot be reached from this pod"),
    "no-name-server": ('{pip: {requirements: ["atlas-policy==1.0"], indexUrl: "https://pypi.example.org/simple", '
                       'args: [--retries, "1"]}}', "the index cannot be reached from this pod"),
    "no-access": (index_source("stranger"), "the index or the proxy refuses these credentials"),
    "no-such-version": (f"{{pip: {PIP.replace('1.0', '9.9')}}}", "the index has no such version"),
    "no-pip": (f"{{pip: {PIP[:-1]}, image: {POLICY_IMAGE}}}}}", "the image has no pip: set source.pip.image"),
    "no-python": (f"{{pip: {PIP[:-1]}, image: 'localhost/pause:1', pullPolicy: Never}}}}", '"python3"'),
    "no-git": ('{pip: {requirements: ["git+https://example.org/policy@1.0"], image: "localhost/rucio:current", '
               "pullPolicy: Never}}", "the image cannot fetch the requirement: set source.pip.image"),
    "pip-is-full": (f"{{pip: {PIP[:-1]}, medium: Memory, sizeLimit: 4Ki}}}}", "raise source.pip.sizeLimit"),
    "copy-is-full": (f"{{copy: {COPY[:-1]}, medium: Memory, sizeLimit: 4Ki}}}}", "fit into the volume"),
    "no-directory": (f"{{copy: {{image: {POLICY_IMAGE}, path: /none}}}}",
                     "this image has no directory /none: set source.copy.path"),
    "empty-directory": (f"{{copy: {{image: {POLICY_IMAGE}, path: /empty}}}}", "/empty is empty: set source.copy.path"),
    "unreadable": (f"{{copy: {{image: {POLICY_IMAGE}, path: /private, securityContext: {{runAsUser: 1000}}}}}}",
                   "it must be readable for this container's user"),
    "no-shell": ("{copy: {image: 'localhost/pause:1', path: /policy, pullPolicy: Never}}", '"/bin/sh"'),
}


class Sources(SourcesCase):
    """A Rucio that drops root beside one that does not, the last before 37.3.0, and a sidecar; what the keys of the
    sources do; and what an administrator is told when the package cannot be brought in."""
    NAMESPACE = "sources"
    CONFIGURATION = "policies:\n" + policies(SOURCES, verify="fail") + policies(VARIANTS) + policies(
        {name: source for name, (source, _) in FAILURES.items()})

    @classmethod
    def prepare(cls):
        cls.create_config("Secret", "pin", {"PIN": WHEEL})
        cls.create_config("Secret", "reader", {"INDEX_USER": "reader", "INDEX_PASSWORD": "secret"})
        cls.create_config("Secret", "stranger", {"INDEX_USER": "reader", "INDEX_PASSWORD": "guessed"})

    @classmethod
    def make_pods(cls):
        def make(name, containers, policy=None, **spec):
            return pod_of(name, containers, labels={"policy": policy or name}, **spec)

        for name in FAILURES:
            sidecars = {"initContainers": [index()]} if name == "no-access" else {}
            yield make(name, [container("rucio-server")], restartPolicy="Never", **sidecars), "Failed"
        yield make("index", [telling("rucio-server", PACKAGE)], initContainers=[index()]), "Running"
        for policy in SOURCES:
            # In the sidecar Rucio is not asked: one that ends would be started again.
            sidecar = telling("rucio-ui", PACKAGE, restartPolicy="Always")
            both = [container("rucio-server", args=["rucio-policy-probe"]),
                    container("rucio-daemons", args=[*DROP_ROOT, "rucio-policy-probe"])]
            old = [container("rucio-daemons", image=OLD_IMAGE, args=["rucio-policy-probe"])]
            yield make(policy, both, restartPolicy="Never", initContainers=[sidecar]), "Succeeded"
            yield make(f"{policy}-old", old, policy, restartPolicy="Never"), "Succeeded"
        for policy in ("pip-env", "copy-private"):
            other_user = {"securityContext": {"runAsUser": 1000}}
            two_users = [telling("rucio-server", PACKAGE), telling("rucio-daemons", PACKAGE, **other_user)]
            yield make(policy, two_users), "Running"
        two_images = [telling("rucio-server", PACKAGE), telling("rucio-daemons", PACKAGE, image=OLD_IMAGE)]
        yield make("pip-image", two_images, initContainers=[container("before", command=["true"])]), "Running"
        # A container of the pod's own that can write to the volume, and the sandbox as a process that it can end.
        asks = ["sh", "-c", "rucio-entrypoint rucio-policy-probe; exec pause"]
        for policy in SOURCES:
            sample = cls.api.create(make("sample", [container("rucio-server")], policy), cls.namespace, dry_run=True)
            writer = container("writer", volumeMounts=[{"name": volume_of(sample), "mountPath": "/filled"}])
            yield make(f"{policy}-again", [container("rucio-server", command=asks), writer], policy,
                       shareProcessNamespace=True), "Running"

    @classmethod
    def on_phase(cls, name):
        """The sandboxes of the pods in AGAIN end, so that their init containers run again on the volume as it is."""
        if name not in AGAIN:
            return
        # What a crash in the middle leaves, and what an earlier version of the package may have had.
        cls.execute(cls.pods[name], "writer", "sh", "-ec", f"""
            cd /filled
            mkdir -p new/package old; touch new/half old/half package/stale package/{PACKAGE}/stale.py
            echo broken >package/{PACKAGE}/__init__.py""")
        cls.execute(cls.pods[name], "writer", "bash", "-c", "kill -TERM 1", check=False)

    @classmethod
    def start(cls):
        super().start()
        for name in AGAIN:
            cls.pods[name] = cls.wait_for_another_run(name)

    @classmethod
    def wait_for_another_run(cls, name):
        def look():
            pod = cls.api.get("Pod", name, cls.namespace)
            statuses = pod["status"]["containerStatuses"]
            return pod if all(s["restartCount"] >= 1 and s["ready"] for s in statuses) else None

        try:
            return wait_until(look, f"pod {name} runs again")
        except AssertionError as error:
            described = kubectl("-n", cls.namespace, "describe", "pod", name, check=False).stdout
            raise AssertionError(f"{error}\n{described}\n{cls.logs(name)}") from None

    def check_files(self, policy, others):
        """The sidecar started with the package in place; pip leaves its own record beside it."""
        told = self.told_by(self.pods[policy], "rucio-ui")
        self.assertEqual(told["package"], f"{PATH}/{PACKAGE}/__init__.py")
        self.assertEqual(told["files"], sorted([PACKAGE, *others]))

    def test_pip_gives_todays_rucio_the_package(self):
        self.assert_rucio_uses_it("pip", "rucio-server")

    def test_pip_gives_it_to_a_rucio_that_drops_root(self):
        self.assert_rucio_uses_it("pip", "rucio-daemons")

    def test_pip_gives_it_to_a_sidecar_before_the_other_containers(self):
        self.check_files("pip", ["rpw_test_rucio_policy_package-1.0.dist-info"])

    def test_pip_gives_the_old_rucio_the_package(self):
        self.assert_rucio_uses_it("pip-old", "rucio-daemons")

    def test_copy_gives_todays_rucio_the_package(self):
        self.assert_rucio_uses_it("copy", "rucio-server")

    def test_copy_gives_it_to_a_rucio_that_drops_root(self):
        self.assert_rucio_uses_it("copy", "rucio-daemons")

    def test_copy_gives_it_to_a_sidecar_before_the_other_containers(self):
        self.check_files("copy", [])

    def test_copy_gives_the_old_rucio_the_package(self):
        self.assert_rucio_uses_it("copy-old", "rucio-daemons")

    def test_each_container_mounts_the_package_alone_and_read_only(self):
        for policy in SOURCES:
            for name in ("rucio-server", "rucio-daemons", "rucio-ui"):
                with self.subTest(policy=policy, container=name):
                    volume = volume_of(self.pods[policy])
                    mounts = [m for m in container_of(self.pods[policy], name)["volumeMounts"] if m["name"] == volume]
                    self.assertEqual(mounts, [
                        {"name": volume, "mountPath": PATH, "readOnly": True, "subPath": "package"}])

    def test_ours_run_before_the_sidecar_and_their_logs_say_that_they_are_done(self):
        for policy, installer in INSTALLERS.items():
            with self.subTest(policy):
                pod = self.pods[policy]
                self.assertEqual([entry["name"] for entry in pod["spec"]["initContainers"]],
                                 [installer, "rucio-ui", "rucio-policy-verify"])
                self.assertIn(f"{installer}: the package is in place", self.log_of(pod, installer))
                self.assertRegex(self.log_of(pod, "rucio-policy-verify"),
                                 rf"Rucio 41\.\S+ loads {PACKAGE} from {PATH}: schema {PACKAGE}\.schema, "
                                 rf"permission {PACKAGE}\.permission, lfn2pfn rpw_test")

    def test_the_old_rucio_is_verified_too(self):
        for policy in SOURCES:
            with self.subTest(policy):
                self.assertRegex(self.log_of(self.pods[f"{policy}-old"], "rucio-policy-verify"),
                                 rf"Rucio 37\.\S+ loads {PACKAGE} from {PATH}: schema {PACKAGE}\.schema, "
                                 rf"permission {PACKAGE}\.permission, lfn2pfn rpw_test\n")

    def check_again(self, policy):
        pod = self.pods[f"{policy}-again"]
        installer = init_status(pod, INSTALLERS[policy])
        self.assertGreaterEqual(installer["restartCount"], 1)
        self.assertEqual(installer["state"]["terminated"]["exitCode"], 0)
        self.assert_rucio_uses_it(f"{policy}-again", "rucio-server")

        def find(*what):
            return self.execute(pod, "writer", "find", "/filled", *what).stdout.split()

        self.assertEqual(find("-mindepth", "1", "-maxdepth", "1"), ["/filled/package"])
        self.assertEqual(find("-name", "half", "-o", "-name", "stale*"), [])

    def test_pip_installs_the_package_again_on_a_filled_volume(self):
        self.check_again("pip")

    def test_copy_copies_the_package_again_on_a_filled_volume(self):
        self.check_again("copy")

    def assert_imported(self, pod, *names):
        for name in names:
            self.assertEqual(self.told_by(self.pods[pod], name)["package"], f"{PATH}/{PACKAGE}/__init__.py", name)

    def test_variables_of_the_policy_and_of_a_secret_are_pips_arguments_and_stay_out_of_the_pod(self):
        self.assert_imported("pip-env", "rucio-server", "rucio-daemons")
        self.assertNotIn(WHEEL, str(self.pods["pip-env"]["spec"]))
        for name in ("WHERE", "PIN"):
            self.assertNotIn(name, environment_of(self.pods["pip-env"], "rucio-server"))

    def test_pip_logs_in_to_an_index_with_a_secret_that_stays_out_of_the_pod(self):
        self.assert_imported("index", "rucio-server")
        self.assertNotIn("secret", str(container_of(self.pods["index"], "rucio-policy-install")["args"]))
        self.assertNotIn("secret", self.log_of(self.pods["index"], "rucio-policy-install"))

    def test_a_pod_whose_pip_tries_in_vain_ends_at_once_when_it_is_deleted(self):
        pod = pod_of("deleted", [container("rucio-server")], labels={"policy": "no-network"})
        pod["spec"]["terminationGracePeriodSeconds"] = 600
        self.create(pod)

        def is_installing():
            statuses = self.api.get("Pod", "deleted", self.namespace)["status"].get("initContainerStatuses")
            return statuses and "running" in statuses[0]["state"]

        wait_until(is_installing, "pip is tried")
        kubectl("-n", self.namespace, "delete", "pod", "deleted", "--wait=false")
        wait_until(lambda: not self.exists("Pod", "deleted", self.namespace), "the pod is gone")

    def test_what_only_root_may_read_in_the_policys_image_others_read_in_the_pod(self):
        self.assert_imported("copy-private", "rucio-server", "rucio-daemons")

    def test_the_volume_may_lie_in_memory(self):
        for name in ("pip-env", "copy-private"):
            with self.subTest(name):
                found = self.execute(self.pods[name], "rucio-server", "grep", f" {PATH} ", "/proc/mounts").stdout
                self.assertRegex(found, r"^tmpfs .* ro,")

    def test_an_image_of_pips_own_serves_containers_of_different_images(self):
        self.assert_imported("pip-image", "rucio-server", "rucio-daemons")
        installer = container_of(self.pods["pip-image"], "rucio-policy-install")
        self.assertEqual((installer["image"], installer["imagePullPolicy"]), ("localhost/rucio:current", "Never"))

    def test_position_last_is_behind_the_pods_own(self):
        self.assertEqual([entry["name"] for entry in self.pods["pip-image"]["spec"]["initContainers"]],
                         ["before", "rucio-policy-install"])

    def test_without_an_image_of_its_own_pip_refuses_containers_of_different_images(self):
        pod = pod_of("pip-twice", [container("rucio-server"), container("rucio-daemons", image=OLD_IMAGE)],
                     labels={"policy": "pip-twice"})
        with self.assertRaises(Refused) as caught:
            self.create_pod(pod)
        self.assertEqual(caught.exception.code, 403)
        for part in ("rucio-server", "rucio-daemons", OLD_IMAGE, "source.pip.image"):
            self.assertIn(part, caught.exception.message)


def add_failure(policy, text):
    def test(self):
        name = INSTALLERS["copy" if FAILURES[policy][0].startswith("{copy") else "pip"]
        status = init_status(self.pods[policy], name)
        self.assertIn(text, status["state"]["terminated"]["message"])
        self.assertIn(text, kubectl("-n", self.namespace, "describe", "pod", policy).stdout)
        self.assertIn("waiting", self.pods[policy]["status"]["containerStatuses"][0]["state"])

    name = f"test_{policy.replace('-', '_')}_is_told_in_the_pods_description"
    test.__name__ = name
    setattr(Sources, name, test)


for failure_name, (_, failure_text) in FAILURES.items():
    add_failure(failure_name, failure_text)


if __name__ == "__main__":
    unittest.main()
