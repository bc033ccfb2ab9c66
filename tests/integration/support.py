"""What the integration tests share: certificates, a running server, raw HTTPS clients.

The program under test is found by the environment variable RPW_PROGRAM, by default build/asan/rucio-policy-webhook.
Everything listens on 127.0.0.1 and on ports that the kernel chooses. Whatever is waited for is a condition with a
generous deadline, never a fixed pause.
"""
import contextlib
import fcntl
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("RPW_PROGRAM", str(ROOT / "build" / "asan" / "rucio-policy-webhook"))
RELEASE_PROGRAM = os.environ.get("RPW_RELEASE_PROGRAM")
NOTHING_LOADED = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
PATIENCE = 60.0  # seconds until a condition that never comes true fails a test
LOG_PIPE_BYTES = 1024 * 1024

MAX_BODY = 7 * 1024 * 1024
CONFIG = """\
policies:
  - name: test
    match:
      namespaces: [rucio]
    package: test_rucio_policy_package
    source:
      preinstalled: {}
"""


class Folder:
    """A temporary folder with a configuration and a certificate for the names given."""

    def __init__(self, names="DNS:localhost,IP:127.0.0.1"):
        self.names = names
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="rpw-test-"))
        self.config = self.write("config.yaml", CONFIG)
        self.certificate, self.key = self.make_certificate("tls")

    def write(self, name, text):
        path = self.path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def make_certificate(self, name):
        certificate, key = str(self.path / f"{name}.crt"), str(self.path / f"{name}.key")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-subj", "/CN=localhost", "-addext", f"subjectAltName={self.names}",
             "-keyout", key, "-out", certificate, "-days", "2"],
            check=True, capture_output=True)
        return certificate, key

    def remake_certificate(self, not_before, not_after, signer=None):
        """Replaces the certificate by one for the same key that is valid between these times (YYYYMMDDHHMMSSZ), signed by
        itself or by the signer's certificate and key."""
        signed = ["-cert", signer[0], "-keyfile", signer[1]] if signer else ["-selfsign", "-keyfile", self.key]
        config = self.write("ca.cnf", f"""[ca]
default_ca = here
[here]
database = {self.path}/index.txt
new_certs_dir = {self.path}
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
""")
        self.write("index.txt", "")
        request = str(self.path / "request.pem")
        for command in [
                ["openssl", "req", "-new", "-key", self.key, "-subj", "/CN=localhost", "-out", request],
                ["openssl", "ca", "-batch", "-notext", "-config", config, *signed, "-in", request,
                 "-startdate", not_before, "-enddate", not_after, "-out", self.certificate]]:
            subprocess.run(command, check=True, capture_output=True)

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)


def wait_until(condition, what):
    """Waits until condition() is true and returns what it returned."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        result = condition()
        if result:
            return result
        time.sleep(0.01)
    raise AssertionError(f"waited {PATIENCE:.0f} s in vain: {what}")


def serve_command(folder, *flags):
    return [PROGRAM, "serve", "--config", folder.config, "--tls-cert", folder.certificate, "--tls-key", folder.key,
            "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--drain-delay", "0s", *flags]


def environment(**variables):
    """The environment without variables of ours, plus those given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RPW_")}
    return {**kept, **variables}


class Server:
    """A running `serve`, once it has logged what is awaited. Later flags win over the defaults of serve_command()."""

    def __init__(self, folder, *flags, command=None, variables=None, awaited="ready"):
        self.lines = []
        self.process = subprocess.Popen(command or serve_command(folder, *flags), stdin=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, env=environment(**(variables or {})))
        # A busy test reads late, and the log drops what finds no room.
        fcntl.fcntl(self.process.stderr, fcntl.F_SETPIPE_SZ, LOG_PIPE_BYTES)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.context = client_context(folder)
        try:
            wait_until(lambda: self.process.poll() is not None or self.find(awaited), f"the server is {awaited}")
            self.port = self._port("webhook")
            self.ops_port = self._port("operations")
        except BaseException:
            self.kill()
            raise AssertionError("the server did not start:\n" + "\n".join(self.lines)) from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()
        self.kill()

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line.decode("utf-8").rstrip("\n"))

    def _port(self, endpoint):
        return int(self.find("listening", endpoint=endpoint)["address"].rpartition(":")[2])

    def events(self):
        return [json.loads(line) for line in list(self.lines) if line.startswith("{")]

    def find(self, message, **fields):
        """The first log line with this message and these fields, or None."""
        for event in self.events():
            if event["message"] == message and all(event.get(key) == value for key, value in fields.items()):
                return event
        return None

    def wait_for(self, message, **fields):
        return wait_until(lambda: self.find(message, **fields), f"log line '{message}' {fields}")

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self):
        """The exit code; the log is complete afterwards."""
        code = self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        return code

    def stop(self):
        self.signal()
        code = self.wait()
        assert code == 0, f"the server ended with {code}:\n" + "\n".join(self.lines[-50:])

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.reader.join(PATIENCE)
        self.process.stderr.close()

    def connect(self):
        return Client(self.port, self.context)

    def get_ops(self, path, method="GET"):
        with Client(self.ops_port) as client:
            return client.ask(f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def open_files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


def client_context(folder):
    context = ssl.create_default_context(cafile=folder.certificate)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class Response:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers  # names in lower case
        self.body = body

    @property
    def text(self):
        return self.body.decode("utf-8")

    @property
    def ends_connection(self):
        return self.headers.get("connection", "").lower() == "close"


def forget_errors_of_tls():
    """OpenSSL 3.5 may keep a call's error for the thread's next call, whatever the connection. Loading what is not there
    clears its list."""
    with contextlib.suppress(OSError):
        NOTHING_LOADED.load_cert_chain("/nonexistent")


class Client:
    """One connection, over TLS if a context is given. Sends bytes as they are and reads answers."""

    def __init__(self, port, context=None):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        # As every HTTP client does: else the end of a body waits for an acknowledgement of its beginning.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""
        if context is not None:
            try:
                self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
            except BaseException:
                self.socket.close()
                raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        forget_errors_of_tls()
        self.socket.sendall(data)

    def _receive(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the server closed the connection")
        self.rest += data

    def read_response(self, has_body=True):
        while b"\r\n\r\n" not in self.rest:
            self._receive()
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        fields = (line.partition(":") for line in lines[1:])
        headers = {name.strip().lower(): value.strip() for name, _, value in fields}
        status = int(lines[0].split()[1])
        if status == 100:
            return self.read_response(has_body)
        length = int(headers.get("content-length", 0)) if has_body else 0
        while len(self.rest) < length:
            self._receive()
        body, self.rest = self.rest[:length], self.rest[length:]
        return Response(status, headers, body)

    def ask(self, data, has_body=True):
        self.send(data)
        return self.read_response(has_body)

    def post(self, body=None, **options):
        return self.ask(post(body, **options))

    def read_to_end(self):
        """Everything until the server closes, in whatever way it does so."""
        data, self.rest = self.rest, b""
        try:
            while piece := self.socket.recv(65536):
                data += piece
        except (ConnectionError, ssl.SSLError):
            pass
        return data


def post(body=None, path="/mutate", content_type="application/json", headers=()):
    """The bytes of a POST request."""
    data = review() if body is None else body
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", *headers, f"Content-Length: {len(data)}"]
    if content_type is not None:
        lines.append(f"Content-Type: {content_type}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def review(uid="0bd6b2c8-1d1c-4d36-a2fb-0b1f2f0c1a11", namespace="rucio", name="rucio-server-0",
           container="rucio-server", dry_run=False, padding=0):
    """An AdmissionReview of a new pod, followed by as many spaces as padding says."""
    pod = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": [{"name": container, "image": "rucio/rucio-server:release-38.1.0"}]},
    }
    request = {
        "uid": uid, "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"}, "namespace": namespace, "name": name,
        "operation": "CREATE", "object": pod, "oldObject": None, "dryRun": dry_run, "options": None,
    }
    document = {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request}
    return json.dumps(document).encode() + b" " * padding


def review_of_size(size):
    """A valid AdmissionReview of exactly size bytes."""
    return review(padding=size - len(review()))


def raise_file_limit():
    """Lets this process, and the servers that it starts, open as many files as the machine permits."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
