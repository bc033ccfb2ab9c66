"""What the end-to-end tests share: the API of a real cluster, the webhook registered in it, namespaces and pods.

Run by `scripts/test.sh --e2e`, which starts the cluster and then these modules where its network is. KUBECONFIG says
which cluster; of an existing one (kind, say) RPW_E2E_HOST is the address at which its apiserver reaches this machine.
Nothing is awaited by pausing: a condition is asked for until it holds or PATIENCE is over.
"""
import base64
import copy
import http.client
import itertools
import json
import os
import pathlib
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

import support  # noqa: E402  pylint: disable=wrong-import-position
from support import PROGRAM, ROOT, Folder, Server, wait_until  # noqa: E402  pylint: disable=wrong-import-position

# A node of two busy cores starts a dozen pods: minutes may pass.
support.PATIENCE = 300.0

HOST = os.environ.get("RPW_E2E_HOST", "127.0.0.1")
EXAMPLES = ROOT / "examples"
RUCIO_IMAGE = "localhost/rucio:current"
# What a cluster must be told to send: the same names that a policy selects by default.
CONTAINERS = ("rucio-server", "rucio-daemons", "rucio-ui")

_PLURALS = {
    "Pod": ("api/v1", "pods"), "Namespace": ("api/v1", "namespaces"), "ConfigMap": ("api/v1", "configmaps"),
    "Secret": ("api/v1", "secrets"), "ServiceAccount": ("api/v1", "serviceaccounts"), "Event": ("api/v1", "events"),
    "LimitRange": ("api/v1", "limitranges"), "PersistentVolume": ("api/v1", "persistentvolumes"),
    "PersistentVolumeClaim": ("api/v1", "persistentvolumeclaims"),
    "PriorityClass": ("apis/scheduling.k8s.io/v1", "priorityclasses"),
    "RuntimeClass": ("apis/node.k8s.io/v1", "runtimeclasses"),
    "Deployment": ("apis/apps/v1", "deployments"), "ReplicaSet": ("apis/apps/v1", "replicasets"),
    "Service": ("api/v1", "services"), "Job": ("apis/batch/v1", "jobs"), "CronJob": ("apis/batch/v1", "cronjobs"),
    "PodDisruptionBudget": ("apis/policy/v1", "poddisruptionbudgets"),
    "HorizontalPodAutoscaler": ("apis/autoscaling/v2", "horizontalpodautoscalers"),
    "NetworkPolicy": ("apis/networking.k8s.io/v1", "networkpolicies"),
    "RoleBinding": ("apis/rbac.authorization.k8s.io/v1", "rolebindings"),
    "ClusterRoleBinding": ("apis/rbac.authorization.k8s.io/v1", "clusterrolebindings"),
    "MutatingWebhookConfiguration": ("apis/admissionregistration.k8s.io/v1", "mutatingwebhookconfigurations"),
}
_counter = itertools.count(1)


class Refused(Exception):
    """What the apiserver says instead of doing it."""

    def __init__(self, code, message, warnings):
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.warnings = warnings


class Api:
    """The cluster's API, by way of one `kubectl proxy`, which knows how to log in whatever KUBECONFIG says."""

    def __init__(self):
        self.proxy = subprocess.Popen(["kubectl", "proxy", "--port=0"], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = self.proxy.stdout.readline()
        assert "Starting to serve on" in line, f"kubectl proxy did not start: {line!r}"
        host, _, port = line.split()[-1].rpartition(":")
        self.address = (host, int(port))
        self.local = threading.local()  # a connection per thread

    def close_connection(self):
        """That of this thread, which is about to end."""
        if getattr(self.local, "connection", None) is not None:
            self.local.connection.close()
            self.local.connection = None

    def close(self):
        self.close_connection()
        self.proxy.terminate()
        self.proxy.wait()
        self.proxy.stdout.close()

    def request(self, method, path, body=None, content_type="application/json"):
        """Returns (status, object or text, warnings)."""
        connection = getattr(self.local, "connection", None)
        if connection is None:
            connection = self.local.connection = http.client.HTTPConnection(*self.address, timeout=60)
        data = None if body is None else json.dumps(body).encode()
        try:
            connection.request(method, path, data, {"Content-Type": content_type} if data else {})
            response = connection.getresponse()
            text = response.read().decode()
        except BaseException:
            self.close_connection()
            raise
        # Warning: 299 - "text"
        warnings = [json.loads(value.split(" ", 2)[2]) for value in response.headers.get_all("Warning") or []]
        is_json = "json" in response.headers.get("Content-Type", "")
        return response.status, json.loads(text) if is_json else text, warnings

    def call(self, method, path, body=None, content_type="application/json"):
        """Returns (object, warnings); raises Refused."""
        status, answer, warnings = self.request(method, path, body, content_type)
        if status >= 400:
            message = answer.get("message", "") if isinstance(answer, dict) else answer
            raise Refused(status, message, warnings)
        return answer, warnings

    @staticmethod
    def path(kind, namespace=None, name=None, subresource=None):
        prefix, plural = _PLURALS[kind]
        parts = [prefix, *(["namespaces", namespace] if namespace else []), plural]
        return "/" + "/".join(parts + [part for part in (name, subresource) if part])

    def create(self, thing, namespace=None, dry_run=False):
        """Returns what the apiserver made of it."""
        return self.create_with_warnings(thing, namespace, dry_run)[0]

    def create_with_warnings(self, thing, namespace=None, dry_run=False):
        suffix = "?dryRun=All" if dry_run else ""
        return self.call("POST", self.path(thing["kind"], namespace) + suffix, thing)

    def get(self, kind, name, namespace=None):
        return self.call("GET", self.path(kind, namespace, name))[0]

    def list(self, kind, namespace=None, selector=""):
        return self.call("GET", self.path(kind, namespace) + f"?labelSelector={selector}")[0]["items"]

    def delete(self, kind, name, namespace=None):
        try:
            self.call("DELETE", self.path(kind, namespace, name) + "?gracePeriodSeconds=0")
        except Refused as refused:
            if refused.code != 404:
                raise


def kubectl(*arguments, stdin=None, check=True):
    """kubectl as a person runs it: the completed process, with its output as text."""
    done = subprocess.run(["kubectl", *arguments], input=stdin, capture_output=True, text=True, timeout=120,
                          check=False)
    assert not check or done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
    return done


class Webhook:
    """The program with a configuration, and its registration for the namespaces that have the label rpw-e2e=LABEL."""

    def __init__(self, api, configuration, label, **registration):
        self.api = api
        self.label = label
        self.name = f"rpw-e2e-{label}"
        self.folder = Folder(f"DNS:localhost,IP:127.0.0.1,IP:{HOST}")
        pathlib.Path(self.folder.config).write_text(configuration, encoding="utf-8")
        self.server = None
        try:
            self.start()
            self.register(**registration)
        except BaseException:
            self.remove()
            raise

    def start(self, port=0):
        self.server = Server(self.folder, "--listen", f"{HOST}:{port}")

    def stop(self):
        if self.server is not None:
            self.server.stop()
            self.server.kill()
            self.server = None

    def change_configuration(self, text):
        port = self.server.port
        self.stop()
        pathlib.Path(self.folder.config).write_text(text, encoding="utf-8")
        self.start(port)

    def register(self, **fields):
        """Registers by URL; fields replace those of the webhook's entry."""
        entry = {
            "name": f"{self.label}.policy.rucio.cern.ch",
            "clientConfig": {"url": f"https://{HOST}:{self.server.port}/mutate", "caBundle": self.ca_bundle()},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"],
                       "scope": "Namespaced"}],
            "namespaceSelector": {"matchLabels": {"rpw-e2e": self.label}},
            "matchConditions": match_conditions(ANY_NAMESPACE),
            "failurePolicy": "Fail", "sideEffects": "None", "reinvocationPolicy": "IfNeeded",
            "matchPolicy": "Equivalent", "timeoutSeconds": 5, "admissionReviewVersions": ["v1"], **fields,
        }
        self.api.create({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
                         "metadata": {"name": self.name, "labels": {"app": "rpw-e2e"}}, "webhooks": [entry]})

    def ca_bundle(self):
        return base64.b64encode(pathlib.Path(self.folder.certificate).read_bytes()).decode()

    def remove(self):
        self.api.delete("MutatingWebhookConfiguration", self.name)
        if self.server is not None:
            self.server.kill()
        self.folder.remove()


ANY_NAMESPACE = "policies: [{name: a, package: a, source: {preinstalled: {}}}]"


def match_conditions(configuration):
    """Those of the registration that this configuration needs."""
    done = subprocess.run([PROGRAM, "registration", "--config", "-", "-o", "json"], input=configuration, text=True,
                          capture_output=True, check=True)
    return json.loads(done.stdout)["webhooks"][0]["matchConditions"]


def sends_nothing_else(pod):
    """A pod without what only the apiserver or a node may write, so that it can be created again."""
    pod = copy.deepcopy(pod)
    pod.pop("status", None)
    for key in ("uid", "resourceVersion", "creationTimestamp", "managedFields", "generation", "selfLink"):
        pod["metadata"].pop(key, None)
    return pod


def container_of(pod, name):
    """The container or init container of that name."""
    spec = pod["spec"]
    return next(c for c in spec.get("containers", []) + (spec.get("initContainers") or []) if c["name"] == name)


def volume_of(pod):
    """The name of the volume that the webhook gives the pod: it has the policy's revision."""
    return "rucio-policy-" + pod["metadata"]["annotations"]["policy.rucio.cern.ch/revision"]


def environment_of(pod, name):
    """The variables of a container: name -> value, or the whole entry where it has none."""
    return {entry["name"]: entry.get("value", entry) for entry in container_of(pod, name).get("env") or []}


class ClusterCase(unittest.TestCase):
    """Test cases with a namespace and the webhook, each of its own: self.api, self.namespace, self.webhook.

    CONFIGURATION is the webhook's; REGISTRATION replaces fields of its registration; NAMESPACE is the name of the
    namespace, to which a number is appended. What a class needs in the namespace besides, it creates in prepare().
    """
    CONFIGURATION = None  # none: no webhook
    REGISTRATION = {}
    NAMESPACE = "rucio"

    @classmethod
    def setUpClass(cls):
        cls.label = f"t{os.getpid()}-{next(_counter)}"
        cls.api = Api()
        cls.addClassCleanup(cls.api.close)
        cls.namespace = cls.make_namespace(cls.NAMESPACE)
        cls.prepare()
        cls.webhook = None
        if cls.CONFIGURATION is not None:
            cls.webhook = cls.make_webhook(cls.CONFIGURATION, cls.label, **cls.REGISTRATION)

    @classmethod
    def prepare(cls):
        """Hook."""

    @classmethod
    def make_namespace(cls, prefix, label=None):
        """A namespace whose pods go to the webhook of that label (by default the class's)."""
        name = f"{prefix}-{os.getpid()}-{next(_counter)}"
        cls.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {
            "name": name, "labels": {"rpw-e2e": cls.label if label is None else label}}})
        cls.addClassCleanup(cls.api.delete, "Namespace", name)
        wait_until(lambda: cls.exists("ServiceAccount", "default", name), f"{name} has its ServiceAccount")
        return name

    @classmethod
    def make_webhook(cls, configuration, label, **registration):
        """Registers the webhook and waits until the apiserver asks it."""
        webhook = Webhook(cls.api, configuration, label, **registration)
        cls.addClassCleanup(webhook.remove)
        probe = cls.make_namespace("probe", label)
        sample = {"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "probe-"},
                  "spec": {"containers": [{"name": CONTAINERS[0], "image": "none"}]}}

        def is_asked():
            before = len(webhook.server.lines)
            try:
                cls.api.create(sample, probe, dry_run=True)
            except Refused:
                pass
            return len(webhook.server.lines) > before

        wait_until(is_asked, "the apiserver asks the webhook")
        return webhook

    @classmethod
    def exists(cls, kind, name, namespace):
        try:
            return cls.api.get(kind, name, namespace)
        except Refused:
            return None

    def create_pod(self, pod, dry_run=True):
        """What the apiserver makes of a pod in the test's namespace."""
        return self.create_pod_with_warnings(pod, dry_run)[0]

    def create_pod_with_warnings(self, pod, dry_run=True):
        pod = copy.deepcopy(pod)
        pod["metadata"].pop("namespace", None)
        created = self.api.create_with_warnings(pod, self.namespace, dry_run)
        if not dry_run:
            self.addCleanup(self.api.delete, "Pod", created[0]["metadata"]["name"], self.namespace)
        return created

    @classmethod
    def wait_for_pod(cls, name, phase):
        """Waits until the pod is in that phase ("Running" and every container ready, "Succeeded" ...); returns it."""
        def look():
            pod = cls.api.get("Pod", name, cls.namespace)
            status = pod["status"]
            if status.get("phase") == "Failed" != phase:
                raise AssertionError(f"pod {name} failed: {json.dumps(status)}\n{cls.logs(name)}")
            containers = status.get("containerStatuses", [{"ready": False}])
            is_ready = phase != "Running" or all(c["ready"] for c in containers)
            return pod if status.get("phase") == phase and is_ready else None

        try:
            return wait_until(look, f"pod {name} is {phase}")
        except AssertionError as error:
            described = kubectl("-n", cls.namespace, "describe", "pod", name, check=False).stdout
            raise AssertionError(f"{error}\n{described}") from None

    @classmethod
    def logs(cls, name, container=None):
        return kubectl("-n", cls.namespace, "logs", name, *(["-c", container] if container else ["--all-containers"]),
                       check=False).stdout
