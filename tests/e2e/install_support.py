"""What the tests of the installation share: the chart, its Jobs, and pods that are created without a pause meanwhile.

The node has the image localhost/rucio-policy-webhook:VERSION; of an existing cluster, RPW_E2E_IMAGE_LOADED says so. The
webhook runs as pods and is called through its Service.
"""
import contextlib
import itertools
import json
import os
import pathlib
import re
import shutil
import ssl
import subprocess
import tempfile
import threading
import unittest

from api_support import annotations_of, configuration, policy
from chart_support import CHART, NAME, helm, needs_helm
from cluster import ClusterCase, Refused, environment_of, kubectl, wait_until
from running import pod_of

from kube_api import decode

COMPONENT = "app.kubernetes.io/component"
TLS, AUTHORITY = f"{NAME}-tls", f"{NAME}-ca"
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/warn": "restricted"}
CONFIGURATION = configuration(policy())
WAIT = ("--wait", "--timeout", "180s")
NOT_AFTER = 'rpw_certificate_not_after_timestamp_seconds{part="certificate"}'
# A date that seldom comes: no CronJob runs in the middle of a test.
SELDOM = "0 0 29 2 *"
# Creations on the way at the same time.
CREATORS = 4

_numbers = itertools.count(1)

needs_image = unittest.skipIf("RPW_E2E_KUBECONFIG" in os.environ and "RPW_E2E_IMAGE_LOADED" not in os.environ,
                              "RPW_E2E_IMAGE_LOADED does not say that the cluster has the webhook's image")


def rucio_pod(name="rucio", container="rucio-server", **spec):
    """A pod of Rucio's charts that no node takes, and that Pod Security `restricted` lets in."""
    allowed = {"runAsNonRoot": True, "runAsUser": 1000, "allowPrivilegeEscalation": False,
               "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}}
    return pod_of(name, [{"name": container, "image": "localhost/none", "securityContext": allowed}],
                  labels={"app": container}, schedulerName="nobody", automountServiceAccountToken=False, **spec)


def other_pod(name="other"):
    return rucio_pod(name, container="nginx")


def say(text):
    """A figure for whoever reads the log of the tests."""
    print(f"\n    {text}", flush=True)


class Creations:
    """Rucio's pods, created by some threads without a pause while a `with` lasts, one in ten for good (and deleted)."""

    def __init__(self, api, namespace):
        self.api = api
        self.namespace = namespace
        self.made = itertools.count()
        self.created = 0
        self.unpatched = 0
        self.failures = []
        self.is_over = threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._run) for _ in range(CREATORS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        try:
            self.wait_for_more()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.is_over.set()
        for thread in self.threads:
            thread.join()

    def wait_for_more(self, count=50):
        """Until so many more have been tried: what was done before it has been met by creations."""
        wanted = self.tried() + count
        wait_until(lambda: self.tried() >= wanted, f"{count} more pods are created")

    def tried(self):
        return self.created + len(self.failures)

    def _run(self):
        while not self.is_over.is_set():
            self._create(next(self.made))
        self.api.close_connection()

    def _create(self, number):
        is_dry = number % 10 != 0
        name = f"stream-{next(_numbers)}"
        try:
            pod = self.api.create(rucio_pod(name), self.namespace, dry_run=is_dry)
            if not is_dry:
                self.api.delete("Pod", name, self.namespace)
            is_patched = annotations_of(pod).get("status") == "injected"
        except Exception as error:  # pylint: disable=broad-exception-caught
            # Whatever it is: a thread that ended by it would leave fewer creations and no failure.
            with self.lock:
                self.failures.append(str(error) or repr(error))
            return
        with self.lock:
            self.created += 1
            self.unpatched += not is_patched

    def assert_none_failed(self, what):
        assert not self.failures, f"{what}: {len(self.failures)} of {self.tried()} failed: {self.failures[:5]}"
        assert not self.unpatched, f"{what}: {self.unpatched} of {self.created} came without their policy"
        say(f"{what}: {self.created} pods created, 0 failed")


class Installation:
    """The webhook's objects in the cluster, however they got there."""

    def __init__(self, api, namespace, tls=TLS):
        self.api = api
        self.namespace = namespace
        self.tls = tls  # the serving Secret

    # --- pods

    def pods(self, component="webhook"):
        """Those that are not about to end."""
        found = self.api.list("Pod", self.namespace, f"{COMPONENT}={component}")
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def uids(self):
        return {pod["metadata"]["uid"] for pod in self.pods()}

    def ready_pods(self):
        def is_ready(pod):
            conditions = {c["type"]: c["status"] for c in pod["status"].get("conditions", [])}
            return conditions.get("Ready") == "True"

        return [pod for pod in self.pods() if is_ready(pod)]

    def wait_for_rollout(self):
        """Until the newest template runs, and nothing else of the Deployment."""
        def is_done():
            found = self.api.get("Deployment", NAME, self.namespace)
            status, wanted = found["status"], found["spec"]["replicas"]
            counts = [status.get(key, 0) for key in ("replicas", "updatedReplicas", "readyReplicas")]
            return status.get("observedGeneration") == found["metadata"]["generation"] and counts == [wanted] * 3

        try:
            wait_until(is_done, "the Deployment is rolled out")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.describe()}") from None

    def wait_until_others_ended(self):
        """Those that are about to end serve until they have drained."""
        def is_done():
            found = self.api.list("Pod", self.namespace, f"{COMPONENT}=webhook")
            return not [pod for pod in found if "deletionTimestamp" in pod["metadata"]]

        wait_until(is_done, "the replaced pods have ended")

    def wait_until_gone(self):
        wait_until(lambda: not self.api.list("Pod", self.namespace, f"{COMPONENT}=webhook"), "no replica is left")

    def describe(self):
        return "\n".join(kubectl("-n", self.namespace, *command, check=False).stdout for command in (
            ["get", "all,events"], ["describe", "pods"], ["logs", "--selector", f"{COMPONENT}=webhook", "--tail=20"]))

    def scale(self, replicas):
        kubectl("-n", self.namespace, "scale", f"deployment/{NAME}", f"--replicas={replicas}")

    def metric(self, pod, metric):
        """A metric of that replica, asked through the apiserver."""
        port = next(p["containerPort"] for p in pod["spec"]["containers"][0]["ports"] if p["name"] == "operations")
        path = self.api.path("Pod", self.namespace, f"{pod['metadata']['name']}:{port}", "proxy/metrics")
        text = self.api.call("GET", path)[0]
        found = re.search(rf"^{re.escape(metric)} (\S+)$", text, re.MULTILINE)
        assert found, f"no {metric} in:\n{text}"
        return float(found[1])

    # --- certificates

    def secret(self, name):
        return self.api.get("Secret", name, self.namespace)

    def certificate(self):
        """What the serving Secret has."""
        return decode(self.secret(self.tls)["data"]["tls.crt"])

    def wait_until_served(self):
        """Until every replica shows what is in the Secret."""
        self.touch_pods()
        text = subprocess.run(["openssl", "x509", "-noout", "-enddate"], input=self.certificate(), capture_output=True,
                              text=True, check=True).stdout
        wanted = ssl.cert_time_to_seconds(text.strip().removeprefix("notAfter="))
        wait_until(lambda: all(self.metric(pod, NOT_AFTER) == wanted for pod in self.pods()),
                   "every replica shows the new certificate")

    def change_secret(self, name, data):
        self.api.call("PATCH", self.api.path("Secret", self.namespace, name), {"data": data},
                      "application/merge-patch+json")

    def registration(self):
        return self.api.get("MutatingWebhookConfiguration", NAME)

    def bundles(self):
        return [entry["clientConfig"].get("caBundle") for entry in self.registration()["webhooks"]]

    def certificates(self):
        """All that `certs ensure` has made; equal only if none was made anew."""
        secrets = {name: self.secret(name).get("data") for name in (self.tls, AUTHORITY)}
        return {**secrets, "bundles": self.bundles()}

    def run_job(self, cron_job):
        """A Job made of the CronJob: (has it succeeded?, its log)."""
        name = f"job-{os.getpid()}-{next(_numbers)}"
        kubectl("-n", self.namespace, "create", "job", name, f"--from=cronjob/{cron_job}")

        def outcome():
            conditions = self.api.get("Job", name, self.namespace)["status"].get("conditions", [])
            return [c["type"] for c in conditions if c["type"] in ("Complete", "Failed") and c["status"] == "True"]

        try:
            succeeded = wait_until(outcome, f"{name} has ended") == ["Complete"]
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.describe()}") from None
        return succeeded, kubectl("-n", self.namespace, "logs", f"job/{name}").stdout

    def ensure_certificates(self):
        """`certs ensure` as its CronJob runs it; returns what it printed."""
        succeeded, log = self.run_job(f"{NAME}-certs")
        assert succeeded, log
        return log

    def touch_pods(self):
        """A kubelet looks at mounted Secrets once a minute, and when a pod changes: so it does not take that minute."""
        for pod in self.pods():
            kubectl("-n", self.namespace, "annotate", "--overwrite", "pod", pod["metadata"]["name"],
                    f"touched={next(_numbers)}")


class Release(Installation):
    """The chart in a namespace, with a configuration and values ("audit.enabled": True)."""

    def run(self, verb, text, *flags, chart=CHART, check=True, **values):
        """helm install or upgrade: the completed process."""
        values = {"certificates.schedule": SELDOM, "audit.schedule": SELDOM, **values}
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file, \
                tempfile.NamedTemporaryFile("w", suffix=".json") as more:
            file.write(text)
            file.flush()
            json.dump(nested(values), more)
            more.flush()
            try:
                return helm(verb, NAME, str(chart), "--namespace", self.namespace, "--values", more.name,
                            "--set-file", f"configuration={file.name}", *(flags or WAIT), check=check)
            except AssertionError as error:
                raise AssertionError(f"{error}\n{self.describe()}") from None

    def install(self, text=CONFIGURATION, **options):
        return self.run("install", text, **options)

    def upgrade(self, text, *flags, **options):
        done = self.run("upgrade", text, *flags, **options)
        if done.returncode == 0:
            self.wait_for_rollout()  # Helm waits for the new pods, not until the old ones are told to end
        return done

    def rollback(self):
        """To the release before."""
        helm("rollback", NAME, "--namespace", self.namespace, *WAIT, check=True)
        self.wait_for_rollout()

    def uninstall(self):
        helm("uninstall", NAME, "--namespace", self.namespace, "--ignore-not-found", check=True)


def nested(values):
    """{"a.b": 1} -> {"a": {"b": 1}}"""
    result = {}
    for path, value in values.items():
        *folders, last = path.split(".")
        place = result
        for folder in folders:
            place = place.setdefault(folder, {})
        place[last] = value
    return result


@contextlib.contextmanager
def changed_chart(**fields):
    """A copy of the chart with other fields in its Chart.yaml."""
    with tempfile.TemporaryDirectory() as folder:
        chart = pathlib.Path(folder) / NAME
        shutil.copytree(CHART, chart)
        text = (chart / "Chart.yaml").read_text(encoding="utf-8")
        for key, value in fields.items():
            text, count = re.subn(rf"(?m)^{key}: .*$", f"{key}: {value}", text)
            assert count == 1, key
        (chart / "Chart.yaml").write_text(text, encoding="utf-8")
        yield chart


def inventory(api):
    """Every object of the cluster: (kind of resource, namespace, name); without events, which go by themselves."""
    versions = ["api/v1"] + [f"apis/{group['preferredVersion']['groupVersion']}"
                             for group in api.call("GET", "/apis")[0]["groups"]]
    found = set()
    for version in versions:
        for resource in api.call("GET", f"/{version}")[0]["resources"]:
            name = resource["name"]
            if "list" not in resource["verbs"] or name in ("events", "componentstatuses"):
                continue
            for item in api.call("GET", f"/{version}/{name}")[0]["items"] or []:
                metadata = item["metadata"]
                found.add((f"{version}/{name}", metadata.get("namespace", ""), metadata["name"]))
    return found


def wait_for_inventory(api, expected):
    """Until the cluster has nothing but what it had."""
    more = []

    def has_nothing_more():
        more[:] = sorted(inventory(api) - expected)
        return not more

    try:
        wait_until(has_nothing_more, "nothing is left")
    except AssertionError as error:
        raise AssertionError(f"{error}: {more}") from None


def make_home(case, labels=None):
    """A namespace for the webhook, for a class of tests."""
    home = case.make_namespace("webhook")
    case.api.call("PATCH", case.api.path("Namespace", None, home),
                  {"metadata": {"labels": RESTRICTED if labels is None else labels}}, "application/merge-patch+json")
    return home


def wait_until_called(api, namespace):
    """Until Rucio's pods are patched there: kube-proxy sends calls to a replica a second or two after it is ready."""
    def is_patched():
        try:
            return annotations_of(api.create(rucio_pod(), namespace, dry_run=True)).get("status") == "injected"
        except Refused as refused:
            assert "failed calling webhook" in refused.message, refused
            return False

    wait_until(is_patched, "the webhook is called")


@needs_helm
@needs_image
class InstalledCase(ClusterCase):
    """Cases with an installation, cls.installed, which is made once for all tests of a class, in install(). Rucio's
    pods go to cls.namespace, the webhook is in cls.home."""
    HOME_LABELS = RESTRICTED

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.installed = cls.install()

    @classmethod
    def install(cls):
        """Hook: returns the Installation."""
        return cls.install_chart()

    @classmethod
    def install_chart(cls, text=CONFIGURATION, home=None, **values):
        cls.home = home or make_home(cls, cls.HOME_LABELS)
        release = Release(cls.api, cls.home)
        cls.addClassCleanup(release.uninstall)
        release.install(text, **values)
        wait_until_called(cls.api, cls.namespace)
        return release

    def package(self, namespace=None):
        """What a Rucio pod gets now."""
        pod = self.api.create(rucio_pod(), namespace or self.namespace, dry_run=True)
        return environment_of(pod, "rucio-server")["RUCIO_POLICY_PACKAGE"]

    def assert_patched(self, namespace=None):
        pod = self.api.create(rucio_pod(), namespace or self.namespace, dry_run=True)
        self.assertEqual(annotations_of(pod).get("status"), "injected")

    def assert_others_are_untouched(self):
        pod = self.api.create(other_pod(), self.namespace, dry_run=True)
        self.assertNotIn("annotations", pod["metadata"])
        self.assertNotIn("volumes", pod["spec"])
        self.assertNotIn("env", pod["spec"]["containers"][0])
