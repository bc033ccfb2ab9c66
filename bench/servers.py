"""Servers under measurement: started pinned to one processor, asked by clients that are pinned to another."""
import base64
import json
import os
import pathlib
import re
import resource
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
SERVER_CPU, CLIENT_CPU = 0, 1
CONNECTIONS = 16
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
READY_WITHIN_S = 20


def pin(cpu):
    return lambda: os.sched_setaffinity(0, {cpu})


def make_certificate(folder):
    """tls.crt and tls.key, of the kind that `certs` makes: P-256."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", folder / "tls.key", "-out", folder / "tls.crt"], check=True, stderr=subprocess.DEVNULL)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def webhook_command(build, folder, config, port, *flags):
    return [build / "rucio-policy-webhook", "serve", "--config", config, "--tls-cert", folder / "tls.crt",
            "--tls-key", folder / "tls.key", "--listen", f"127.0.0.1:{port}", "--ops-listen", "127.0.0.1:0",
            "--threads", "1", "--drain-delay", "0s", "--max-requests-per-connection", "0", *flags]


class Server:
    """A process that answers POST /mutate on a port; ends with the block that it is used in."""

    def __init__(self, folder, command, port, cpu=SERVER_CPU):
        self.folder, self.port = folder, port
        self.log = open(folder / "server.log", "wb")
        began = time.monotonic()
        self.process = subprocess.Popen([str(word) for word in command], stdout=self.log, stderr=self.log,
                                        preexec_fn=pin(cpu) if cpu is not None else None)
        self.wait_until_it_listens(began)
        self.ready_ms = (time.monotonic() - began) * 1e3

    def wait_until_it_listens(self, began):
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except ConnectionRefusedError:
                if self.process.poll() is not None or time.monotonic() - began > READY_WITHIN_S:
                    self.stop()
                    raise SystemExit(f"{self.process.args[0]} does not listen:\n"
                                     + (self.folder / "server.log").read_text()) from None
                time.sleep(0.0005)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S

    def resident_kb(self, kind="VmRSS"):
        """kind: RssAnon is what is not the text of programs and libraries."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{kind}:\s+(\d+)", status)[1])

    def client_context(self):
        return ssl.create_default_context(cafile=self.folder / "tls.crt")

    def post(self, body):
        request = urllib.request.Request(f"https://localhost:{self.port}/mutate", body,
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, context=self.client_context()) as answer:
            return answer.read()

    def saturate(self, review, seconds):
        """wrk, which asks again as soon as it is answered: (answers, answers a second, CPU of the server in us each)."""
        before = self.cpu_s()
        printed = subprocess.run(
            ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", ROOT / "bench" / "post.lua",
             f"https://127.0.0.1:{self.port}/mutate"], check=True, capture_output=True, text=True,
            env=os.environ | {"REVIEW": str(review)}, preexec_fn=pin(CLIENT_CPU)).stdout
        used = self.cpu_s() - before
        if "Non-2xx" in printed or "Socket errors" in printed:
            raise SystemExit(printed)
        count = int(re.search(r"(\d+) requests in", printed)[1])
        if count == 0 and seconds < READY_WITHIN_S:
            return self.saturate(review, 2 * seconds)
        if count == 0:
            raise SystemExit(f"no answer within {seconds} s: this machine is too busy to measure")
        return count, float(re.search(r"Requests/sec:\s+([\d.]+)", printed)[1]), used * 1e6 / count

    def pace(self, build, review, rate, seconds):
        """Latencies in us, counted from when a request was due: (p50, p99). The client must keep up."""
        printed = subprocess.run(
            [build / "bench" / "paced_client", str(self.port), review, str(rate), str(seconds), str(CONNECTIONS)],
            check=True, stdout=subprocess.PIPE, text=True, preexec_fn=pin(CLIENT_CPU)).stdout
        reached, p50, p99, _ = map(float, printed.split())
        if reached < 0.9 * rate:
            print(f"paced_client reached {reached:.0f} requests/s of {rate:.0f}", file=sys.stderr)
        return p50, p99

    def open_idle(self, count):
        """Opens connections, and closes them: (CPU of the server in us per handshake, kB of memory per connection)."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, count + 100)), hard))
        context = self.client_context()
        cpu, memory = self.cpu_s(), self.resident_kb()
        opened = [context.wrap_socket(socket.create_connection(("127.0.0.1", self.port)), server_hostname="localhost")
                  for _ in range(count)]
        time.sleep(0.1)  # the server's end of the last handshake
        result = (self.cpu_s() - cpu) * 1e6 / count, (self.resident_kb() - memory) / count
        for connection in opened:
            connection.close()
        return result


def without_nothing(value):
    """A typed Go client writes no null, and status even when it is empty; to the apiserver that is the same."""
    if isinstance(value, dict):
        return {key: without_nothing(member) for key, member in value.items()
                if member is not None and (key, member) != ("status", {})}
    return [without_nothing(item) for item in value] if isinstance(value, list) else value


def patched_pod(review, answer):
    import jsonpatch  # pylint: disable=import-outside-toplevel; the quick run goes without it

    pod = json.loads(review)["request"]["object"]
    response = json.loads(answer)["response"]
    patch = json.loads(base64.b64decode(response["patch"]))
    pod = without_nothing(jsonpatch.apply_patch(pod, patch))
    record = "policy.rucio.cern.ch/injected"
    pod["metadata"]["annotations"][record] = json.loads(pod["metadata"]["annotations"][record])
    return pod
