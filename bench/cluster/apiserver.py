"""etcd and one kube-apiserver, in a network namespace where their ports are free, and calls to it."""
import http.client
import json
import pathlib
import ssl
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
READY_WITHIN_S = 90


class Apiserver:
    def __init__(self, program, folder):
        self.folder, self.processes = folder, []
        subprocess.run([ROOT / "tests/e2e/cluster/make-credentials.sh", folder], check=True)
        users = dict(line.split(",")[1::-1] for line in (folder / "tokens.csv").read_text().splitlines())
        self.token = users["admin"]
        self.context = ssl.create_default_context(cafile=folder / "ca.crt")
        self.connection = None
        self.start("etcd", "--data-dir", folder / "etcd", "--log-level", "error")
        self.process = self.start(
            program, "--etcd-servers=http://127.0.0.1:2379", "--advertise-address=10.77.0.1", "--bind-address=127.0.0.1",
            "--service-cluster-ip-range=10.96.0.0/16", "--authorization-mode=RBAC", "--token-auth-file=tokens.csv",
            "--client-ca-file=ca.crt", "--tls-cert-file=apiserver.crt", "--tls-private-key-file=apiserver.key",
            "--service-account-key-file=service-account.pub", "--service-account-signing-key-file=service-account.key",
            "--service-account-issuer=https://kubernetes.default.svc")

    def start(self, *command):
        with open(self.folder / f"{pathlib.Path(command[0]).name}.log", "wb") as log:
            process = subprocess.Popen([str(word) for word in command], cwd=self.folder, stdout=log, stderr=log)
        self.processes.append(process)
        return process

    def __enter__(self):
        self.wait_until("kube-apiserver is ready", self.is_ready)
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.kill()
            process.wait()

    def is_ready(self):
        try:
            return self.call("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def wait_until(self, what, condition):
        began = time.monotonic()
        while not condition():
            if self.process.poll() is not None or time.monotonic() - began > READY_WITHIN_S:
                raise SystemExit(f"not within {READY_WITHIN_S} s: {what}\n"
                                 + (self.folder / "kube-apiserver.log").read_text()[-3000:])
            time.sleep(0.1)

    def call(self, method, path, value=None):
        """Returns (status, the object that was answered)."""
        if self.connection is None:
            self.connection = http.client.HTTPSConnection("127.0.0.1", 6443, context=self.context)
        try:
            self.connection.request(method, path, None if value is None else json.dumps(value), {
                "Authorization": f"Bearer {self.token}", "Content-Type": "application/json"})
            answer = self.connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self.connection = None
            raise
        return answer.status, json.loads(text) if text.startswith(b"{") else text

    def make(self, path, value):
        status, answer = self.call("POST", path, value)
        if status != 201:
            raise SystemExit(f"POST {path}: {status} {json.dumps(answer)}")
        return answer
