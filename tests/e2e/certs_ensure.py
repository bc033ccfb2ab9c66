"""`certs ensure` and `audit` on a real apiserver: ended at each request, with the rights of its ServiceAccount alone,
and with a webhook whose certificates it rotates while pods are created."""

import json
import os
import pathlib
import shutil
import tempfile
import unittest
import urllib.parse

from cluster import HOST, Api, ClusterCase, Refused, kubectl

import certs_ensure_verb as verb
import kube_api
from support import Folder, Server, wait_until

NAMESPACE = "rucio-system"
PATHS = (verb.AUTHORITY, verb.SERVING, verb.CONFIGURATION)


def access_flags(folder, token):
    """Where the cluster's API is, for who has the token."""
    config = json.loads(kubectl("config", "view", "--raw", "--minify", "-o", "json").stdout)
    cluster = config["clusters"][0]["cluster"]
    (folder / "token").write_text(token, encoding="utf-8")
    (folder / "authority").write_text(kube_api.decode(cluster["certificate-authority-data"]), encoding="utf-8")
    return ["--server", cluster["server"], "--token-file", str(folder / "token"), "--certificate-authority",
            str(folder / "authority")]


class Objects:
    """The objects of the cluster, by path."""

    def __init__(self, api):
        self.api = api

    def __getitem__(self, path):
        return self.api.call("GET", path)[0]

    def __delitem__(self, path):
        try:
            self.api.call("DELETE", path)
        except Refused as refused:
            if refused.code != 404:
                raise

    def clear(self):
        for path in PATHS:
            del self[path]


class Between(kube_api.KubeApi):
    """Stands between the program and the cluster: hands requests on, and ends the program when a test wants it."""

    def __init__(self):
        super().__init__()
        self.cluster = Api()
        self.objects = Objects(self.cluster)
        try:
            self.cluster.create({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": NAMESPACE}})
        except Refused as refused:
            assert refused.code == 409, refused

    def close(self):
        self.objects.clear()
        self.cluster.close()
        super().close()

    def put(self, path, thing):
        folder, _, name = path.rpartition("/")
        del self.objects[path]
        thing = {**thing, "metadata": {**thing.get("metadata", {}), "name": name}}
        self.cluster.call("POST", folder, thing)

    def carry_out(self, method, path, body):
        kind = "application/json"
        if method == "PATCH":
            kind = "application/json-patch+json" if isinstance(body, list) else "application/merge-patch+json"
        status, answer, _ = self.cluster.request(method, path, body, kind)
        if method != "GET" and status < 300:
            self.after_write()
        self.cluster.local.connection.close()  # this thread ends with its client
        self.cluster.local.connection = None
        return status, answer


class EndedInCluster(verb.Ended):
    """Ended at each request of an installation and of a rotation, and run once more."""
    make_api = Between


class InCluster(verb.Ensure):
    make_api = Between

    def test_second_run_writes_nothing(self):
        self.api.put(verb.CONFIGURATION, verb.configuration())
        self.ensure()
        before = [self.api.objects[path]["metadata"]["resourceVersion"] for path in PATHS]
        self.ensure()
        self.assertEqual([self.api.objects[path]["metadata"]["resourceVersion"] for path in PATHS], before)

    def test_change_by_somebody_else_is_read_again(self):
        self.api.put(verb.CONFIGURATION, verb.configuration())
        changed = []

        def change_once(_, method, path):
            if method == "PATCH" and path not in changed:
                changed.append(path)
                self.api.cluster.call("PATCH", path, {"metadata": {"labels": {"of": "somebody"}}},
                                      "application/merge-patch+json")

        self.api.on_request = change_once
        self.ensure()
        self.assertEqual(changed, [verb.CONFIGURATION])
        self.assert_in_order()
        self.assertEqual(self.api.objects[verb.CONFIGURATION]["metadata"]["labels"]["of"], "somebody")

    def test_several_at_once(self):
        self.api.put(verb.CONFIGURATION, verb.configuration())
        verb.Installation.test_several_at_once(self)

    # --- rights

    def grant(self, *rules):
        """The flags of a ServiceAccount with these rights: (kind, verbs, resource, names)."""
        kubectl("-n", NAMESPACE, "create", "serviceaccount", "ensure")
        self.addCleanup(kubectl, "delete", "clusterrolebinding,clusterrole", "-l", "rpw-e2e=ensure",
                        "--ignore-not-found")
        self.addCleanup(kubectl, "-n", NAMESPACE, "delete", "serviceaccount,role,rolebinding", "--all", check=False)
        for number, (kind, verbs, resource, names) in enumerate(rules):
            name = f"rpw-e2e-ensure-{number}"
            scope = ["-n", NAMESPACE] if kind == "role" else []
            kubectl(*scope, "create", kind, name, f"--verb={verbs}", f"--resource={resource}",
                    *[f"--resource-name={item}" for item in names])
            kubectl(*scope, "create", kind + "binding", name, f"--{kind}={name}",
                    f"--serviceaccount={NAMESPACE}:ensure")
            if kind == "clusterrole":
                kubectl("label", "clusterrole,clusterrolebinding", name, "rpw-e2e=ensure")
        return access_flags(self.make.folder, kubectl("-n", NAMESPACE, "create", "token", "ensure").stdout.strip())

    def ensure_as(self, access, code=0):
        done = kube_api.run("certs", "ensure", *verb.FLAGS, *access)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    RULES = (("role", "get,patch", "secrets", ("rpw-ca", "rpw-tls")), ("role", "create", "secrets", ()),
             ("clusterrole", "get,patch", "mutatingwebhookconfigurations", ("rpw",)))

    def test_rights_that_the_manual_asks_for_are_enough(self):
        self.api.put(verb.CONFIGURATION, verb.configuration())
        access = self.grant(*self.RULES)
        self.ensure_as(access)
        self.assert_in_order()
        before = self.data(verb.SERVING, "tls.crt")
        self.api.put(verb.SERVING, verb.secret(tls_crt="damaged", tls_key="damaged"))
        self.ensure_as(access)
        self.assertNotEqual(self.data(verb.SERVING, "tls.crt"), before)
        self.assert_in_order()

    def test_missing_right_is_named(self):
        self.api.put(verb.CONFIGURATION, verb.configuration())
        error = self.ensure_as(self.grant(*self.RULES[:2]), code=3).stderr
        self.assertIn("resources: [mutatingwebhookconfigurations]\n  resourceNames: [rpw]\n  verbs: [get]\n", error)

    @unittest.skipUnless(kube_api.can_be_a_pod(), "no mount namespace can be made here")
    def test_service_account_as_a_pod_sees_it(self):
        self.api.put(verb.CONFIGURATION, verb.configuration())
        access = self.grant(*self.RULES)
        shutil.copy(self.make.folder / "authority", self.make.folder / "ca.crt")
        done = kube_api.run_in_pod(self.make.folder, urllib.parse.urlsplit(access[1]), "certs", "ensure", *verb.FLAGS)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_in_order()


@unittest.skipIf(HOST != "127.0.0.1", "the apiserver does not reach this machine as localhost")
class RotationUnderPods(ClusterCase):
    """A webhook that fails closed, with certificates of `certs ensure`: pods are admitted before, during and after a
    rotation."""

    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.remove)
        self.name = f"rpw-e2e-{self.label}"
        self.server = None
        kubectl("-n", self.namespace, "create", "serviceaccount", "ensure")
        self.addCleanup(kubectl, "-n", self.namespace, "delete", "serviceaccount", "ensure")
        kubectl("create", "clusterrolebinding", self.name, "--clusterrole=cluster-admin",
                f"--serviceaccount={self.namespace}:ensure")
        self.addCleanup(kubectl, "delete", "clusterrolebinding", self.name)
        self.secrets = tempfile.TemporaryDirectory()
        self.addCleanup(self.secrets.cleanup)
        self.access = access_flags(pathlib.Path(self.secrets.name),
                                   kubectl("-n", self.namespace, "create", "token", "ensure").stdout.strip())
        self.flags = ["--secret", f"{self.namespace}/tls", "--ca-secret", f"{self.namespace}/ca",
                      "--webhook", self.name, "--dns", "localhost"]

    def ensure(self, *flags):
        done = kube_api.run("certs", "ensure", *self.flags, *self.access, *flags)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def serve(self, port=0):
        """Starts the webhook with what is in the Secret now, as a pod that was started anew would."""
        data = self.api.get("Secret", "tls", self.namespace)["data"]
        for path, key in ((self.folder.certificate, "tls.crt"), (self.folder.key, "tls.key")):
            pathlib.Path(path).write_text(kube_api.decode(data[key]), encoding="utf-8")
        if self.server is not None:
            self.server.stop()
            self.server.kill()
        self.server = Server(self.folder, "--listen", f"{HOST}:{port}")
        self.addCleanup(self.server.kill)
        return self.server.port

    def register(self):
        entry = {"name": "x.policy.rucio.cern.ch", "clientConfig": {"url": "https://localhost:1/mutate"},
                 "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
                 "namespaceSelector": {"matchLabels": {"rpw-e2e": self.label}}, "failurePolicy": "Fail",
                 "sideEffects": "None", "timeoutSeconds": 5, "admissionReviewVersions": ["v1"]}
        self.api.create({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
                         "metadata": {"name": self.name}, "webhooks": [entry]})
        self.addCleanup(self.api.delete, "MutatingWebhookConfiguration", self.name)

    def point_to(self, port):
        patch = [{"op": "replace", "path": "/webhooks/0/clientConfig/url", "value": f"https://localhost:{port}/mutate"}]
        self.api.call("PATCH", self.api.path("MutatingWebhookConfiguration", None, self.name), patch,
                      "application/json-patch+json")

    def is_admitted(self):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "p-"},
               "spec": {"containers": [{"name": "rucio-server", "image": "none"}]}}
        try:
            return self.api.create(pod, self.namespace, dry_run=True)
        except Refused:
            return None

    def publish_earlier(self):
        """As if the authority had been published long ago."""
        annotation = "policy.rucio.cern.ch/ca-published"
        kind = "MutatingWebhookConfiguration"
        published = self.api.get(kind, self.name)["metadata"]["annotations"][annotation]
        earlier = "2026-01-01T00:00:00Z" + published.removeprefix(published.split()[0])
        self.api.call("PATCH", self.api.path(kind, None, self.name), {"metadata": {"annotations": {annotation: earlier}}},
                      "application/merge-patch+json")

    def test_pods_are_admitted_all_the_time(self):
        self.register()
        self.ensure()
        port = self.serve()
        self.point_to(port)
        wait_until(self.is_admitted, "the apiserver trusts the first certificate")
        # As if the authority were near its end: one that nobody wants any more.
        self.api.delete("Secret", "ca", self.namespace)
        self.assertIn("run this again after", self.ensure())
        for _ in range(20):
            self.assertTrue(self.is_admitted(), "both authorities are published, the old certificate is served")
        self.publish_earlier()
        self.ensure()
        port = self.serve(port)
        wait_until(self.is_admitted, "the apiserver trusts the new certificate")
        self.assertNotIn("made a new", self.ensure())

    def test_audit_sees_pods_that_the_webhook_did_not(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "policy.yaml"
            path.write_text("policies:\n  - name: p\n    package: p\n    source: {preinstalled: {}}\n"
                            f"    match: {{namespaces: [{self.namespace}]}}\n", encoding="utf-8")
            for name in ("rucio-server", "nginx"):
                self.create_pod({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"audited-{name}"},
                                 "spec": {"containers": [{"name": name, "image": "none"}]}}, dry_run=False)
            done = kube_api.run("audit", "--config", str(path), "-n", self.namespace, "-o", "json",
                                KUBECONFIG=os.environ["KUBECONFIG"])
        report = json.loads(done.stdout)
        self.assertEqual((done.returncode, [row["name"] for row in report["workloads"]]), (1, ["audited-rucio-server"]))


if __name__ == "__main__":
    unittest.main()
