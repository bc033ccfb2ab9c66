"""A stand-in for kube-apiserver: some objects over HTTPS, with resource versions, merge and JSON patches, and lists in pages.

It can refuse calls, change an object in the middle of somebody's reading and writing, and end its client at any request.
"""
import base64
import copy
import http.server
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import tempfile
import threading
import urllib.parse

from support import PROGRAM, environment

TOKEN = "some-token"
WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"


def secrets(namespace):
    return f"/api/v1/namespaces/{namespace}/secrets"


def encode(text):
    return base64.b64encode(text.encode()).decode()


def decode(text):
    return base64.b64decode(text).decode()


def clock(minutes, program=PROGRAM):
    """The environment of a program whose clock is so far ahead of ours."""
    fake = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    # AddressSanitizer wants to be loaded first.
    first = [line.split()[2] for line in linked.splitlines() if "libasan" in line]
    return {"LD_PRELOAD": ":".join([*first, str(fake)]), "FAKETIME": f"{minutes:+d}m", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def status(code, message):
    return code, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}


def apply_json_patch(document, patch):
    for operation in patch:
        assert operation["op"] == "add", operation
        *parents, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
        target = document
        for part in parents:
            target = target[int(part)] if isinstance(target, list) else target[part]
        target[last] = operation["value"]


def apply_merge_patch(document, patch):
    for key, value in patch.items():
        if value is None:
            document.pop(key, None)
        elif isinstance(value, dict):
            apply_merge_patch(document.setdefault(key, {}), value)
        else:
            document[key] = value


class KubeApi:
    """self.objects: path -> object. self.on_request(number, method, path) may return an answer to give instead, (status,
    object) or (status, object, headers), or "before" or "after": the connection is closed then, before or after the request was carried out, and
    self.on_break() is called first."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rpw-kube-"))
        subprocess.run([PROGRAM, "certs", "generate", "--dns", "localhost", "--ip", "127.0.0.1", "--out", self.folder],
                       check=True, capture_output=True, env=environment(**clock(-24 * 60)))
        self.objects = {}
        self.version = 100
        self.requests = []  # (method, path with query, body)
        self.tokens = []
        self.on_request = lambda number, method, path: None
        self.on_break = lambda: None
        self.after_write = lambda: None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "tls.crt", self.folder / "tls.key")
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # a client that was ended says nothing
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://localhost:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()
        (self.folder / "token").write_text(TOKEN + "\n")
        self.flags = ("--server", self.url, "--token-file", str(self.folder / "token"), "--certificate-authority",
                      str(self.folder / "ca.crt"))

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run_in_pod(self, *arguments):
        return run_in_pod(self.folder, urllib.parse.urlsplit(self.url), *arguments)

    def put(self, path, thing):
        self.version += 1
        thing = copy.deepcopy(thing)
        thing.setdefault("metadata", {})["resourceVersion"] = str(self.version)
        self.objects[path] = thing

    def touch(self, path):
        """A change by somebody else."""
        self.put(path, self.objects[path])

    def carry_out(self, method, path, body):
        plain, _, query = path.partition("?")
        if method == "GET" and plain.endswith("/pods"):
            return self.list_pods(plain, dict(urllib.parse.parse_qsl(query)))
        if method == "POST":
            return self.create(plain + "/" + body["metadata"]["name"], body)
        if plain not in self.objects:
            return status(404, f"{plain.split('/')[-2]} \"{plain.split('/')[-1]}\" not found")
        return self.patch(plain, body) if method == "PATCH" else (200, self.objects[plain])

    def list_pods(self, path, query):
        pods = self.objects.get(path, [])
        begin, size = int(query.get("continue", 0)), int(query["limit"])
        more = {"continue": str(begin + size)} if begin + size < len(pods) else {}
        return 200, {"kind": "PodList", "apiVersion": "v1", "metadata": more, "items": pods[begin:begin + size]}

    def create(self, path, body):
        if path in self.objects:
            return status(409, f"secrets \"{body['metadata']['name']}\" already exists")
        self.put(path, body)
        self.after_write()
        return 201, self.objects[path]

    def patch(self, path, body):
        changed = copy.deepcopy(self.objects[path])
        (apply_json_patch if isinstance(body, list) else apply_merge_patch)(changed, body)
        if changed["metadata"]["resourceVersion"] != self.objects[path]["metadata"]["resourceVersion"]:
            return status(409, "Operation cannot be fulfilled: the object has been modified")
        self.put(path, changed)
        self.after_write()
        return 200, self.objects[path]

    def _handler(api):  # pylint: disable=no-self-argument
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            lock = threading.Lock()

            def answer(self):
                length = int(self.headers.get("Content-Length", 0))
                body = json.loads(self.rfile.read(length)) if length else None
                with self.lock:
                    result = self.decide(body)
                if result is None:
                    api.on_break()
                    self.close_connection = True
                    return
                text = result[1] if isinstance(result[1], bytes) else json.dumps(result[1]).encode()
                self.send_response(result[0])
                for name, value in {"Content-Type": "application/json", "Content-Length": str(len(text)),
                                    **dict(*result[2:])}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

            def decide(self, body):
                api.requests.append((self.command, self.path, body))
                api.tokens.append(self.headers.get("Authorization"))
                order = api.on_request(len(api.requests), self.command, self.path)
                if order == "before":
                    return None
                if order is not None and order != "after":
                    return order
                result = api.carry_out(self.command, self.path, body)
                return None if order == "after" else result

            do_GET = do_POST = do_PATCH = answer

            def log_message(self, *_):
                pass

        return Handler


def run(*arguments, **variables):
    """The program, without a cluster of its own choosing."""
    clean = {**environment(**variables)}
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "HOME"):
        if name not in variables:
            clean.pop(name, None)
    return subprocess.run([os.path.abspath(PROGRAM), *arguments], capture_output=True, text=True, timeout=120, env=clean,
                          check=False, stdin=subprocess.DEVNULL)


# What a kubelet mounts into a pod, in a mount namespace of its own.
IN_A_POD = """
mount -t tmpfs none /run
folder=/run/secrets/kubernetes.io/serviceaccount
mkdir -p "$folder"
cp "$1/ca.crt" "$1/token" "$folder"
shift
exec "$@"
"""
NAMESPACE = ["unshare", "--mount"] if os.getuid() == 0 else ["unshare", "--mount", "--map-root-user"]


def can_be_a_pod():
    return subprocess.run([*NAMESPACE, "mount", "-t", "tmpfs", "none", "/run"], capture_output=True, check=False).returncode == 0


def run_in_pod(folder, url, *arguments):
    """The program as it is in a pod: its ServiceAccount's ca.crt and token are in folder, and the apiserver is at url."""
    clean = environment(KUBERNETES_SERVICE_HOST=url.hostname, KUBERNETES_SERVICE_PORT=str(url.port))
    return subprocess.run([*NAMESPACE, "sh", "-ec", IN_A_POD, "sh", folder, os.path.abspath(PROGRAM), *arguments],
                          capture_output=True, text=True, timeout=120, env=clean, check=False, stdin=subprocess.DEVNULL)
