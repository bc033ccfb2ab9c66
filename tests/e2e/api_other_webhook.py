"""A mutating webhook of the tests' own, a small HTTPS server, and what it can be told to do to a pod."""
import base64
import contextlib
import http.server
import json
import pathlib
import ssl
import threading

from api_support import all_containers, pairs_of
from cluster import HOST, Folder


class Neighbour:
    """A mutating webhook: `change`, a function from a pod to a JSON Patch, says what it does to the pods with a label.

    It is registered under a name that begins with `prefix` for the namespaces that have the label rpw-e2e=LABEL."""

    def __init__(self, api, prefix, label):
        self.api = api
        self.name = f"{prefix}-rpw-e2e-{label}"
        self.change = lambda pod: []
        self.count = 0
        self.folder = Folder(f"DNS:localhost,IP:127.0.0.1,IP:{HOST}")
        neighbour = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                answer = json.dumps(neighbour.answer(review)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((HOST, 0), Handler)
        self.server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder.certificate, self.folder.key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()
        try:
            self.register(label)
        except BaseException:
            self.remove()
            raise

    def answer(self, review):
        self.count += 1
        request = review["request"]
        response = {"uid": request["uid"], "allowed": True}
        patch = self.change(request["object"])
        if patch:
            response.update(patchType="JSONPatch", patch=base64.b64encode(json.dumps(patch).encode()).decode())
        return {"apiVersion": review["apiVersion"], "kind": review["kind"], "response": response}

    def register(self, label):
        bundle = base64.b64encode(pathlib.Path(self.folder.certificate).read_bytes()).decode()
        self.api.create({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": self.name, "labels": {"app": "rpw-e2e"}},
            "webhooks": [{
                "name": "neighbour.example.com", "sideEffects": "None", "admissionReviewVersions": ["v1"],
                "clientConfig": {"url": f"https://{HOST}:{self.server.server_address[1]}/", "caBundle": bundle},
                "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
                "namespaceSelector": {"matchLabels": {"rpw-e2e": label}},
                "reinvocationPolicy": "IfNeeded", "timeoutSeconds": 5}]})

    @contextlib.contextmanager
    def doing(self, change):
        self.change = change
        try:
            yield
        finally:
            self.change = lambda pod: []

    def remove(self):
        self.api.delete("MutatingWebhookConfiguration", self.name)
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
        self.folder.remove()


# --- what a neighbour may do: functions from a pod to a patch, which leave alone what was changed already ------------

def once(is_done, *patch):
    return lambda pod: [] if is_done(pod) else list(patch)


def add(path, value):
    return {"op": "add", "path": path, "value": value}


def has_container(name):
    return lambda pod: any(entry["name"] == name for entry in all_containers(pod))


def set_env(name, value, at_front=False):
    """Adds a variable to the server, unless it has one whose value says so."""
    def change(pod):
        number = [entry["name"] for entry in pod["spec"]["containers"]].index("rucio-server")
        found = pairs_of(pod["spec"]["containers"][number].get("env"))
        if any(pair[0] == name and value in pair[1] for pair in found):
            return []
        path = f"/spec/containers/{number}/env"
        start = [] if found else [add(path, [])]
        return start + [add(f"{path}/{0 if at_front else '-'}", {"name": name, "value": value})]

    return change
