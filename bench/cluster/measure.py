#!/usr/bin/python3
"""Pods a second through a real kube-apiserver. Called by bench/cluster.sh, in a network namespace of its own."""
import argparse
import base64
import contextlib
import copy
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
# pylint: disable=wrong-import-position
import report
from apiserver import Apiserver
from report import median, number
from servers import ROOT, TICKS_PER_S, Server, free_port, make_certificate, webhook_command

NONE, ALLOWS, OURS = "no webhook", "a webhook that allows", "this webhook"
PEER, POLICY = "controller-runtime", "MutatingAdmissionPolicy"
VARIANTS = [NONE, ALLOWS, OURS, PEER, POLICY]
REVIEW = ROOT / "examples" / "server.json"
PODS = "/api/v1/namespaces/rucio-atlas/pods?dryRun=All"
REGISTRATIONS = "/apis/admissionregistration.k8s.io/v1"
TOKEN_VOLUME = "kube-api-access-"
RECORD = "policy.rucio.cern.ch/injected"


def sample_pod():
    """The pod of the review as a client sends it: without what the apiserver itself adds."""
    pod = json.loads(REVIEW.read_text())["request"]["object"]
    for key in ("managedFields", "ownerReferences", "creationTimestamp"):
        del pod["metadata"][key]
    del pod["status"]
    spec = pod["spec"]
    spec["volumes"] = [volume for volume in spec["volumes"] if not volume["name"].startswith(TOKEN_VOLUME)]
    for container in spec["containers"]:
        container["volumeMounts"] = [mount for mount in container["volumeMounts"]
                                     if not mount["name"].startswith(TOKEN_VOLUME)]
    return pod


def registration(port, folder):
    authority = base64.b64encode((folder / "tls.crt").read_bytes()).decode()
    return {
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "rucio-policy"},
        "webhooks": [{
            "name": "policy.rucio.cern.ch", "admissionReviewVersions": ["v1"], "sideEffects": "None",
            "failurePolicy": "Fail", "reinvocationPolicy": "IfNeeded", "timeoutSeconds": 5,
            "clientConfig": {"url": f"https://127.0.0.1:{port}/mutate", "caBundle": authority},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "rucio-atlas"}},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"],
                       "scope": "Namespaced"}]}]}


def comparable(pod):
    """Without what differs from pod to pod, and the record as data: the order of its keys is nobody's business."""
    pod = copy.deepcopy(pod)
    for key in ("name", "uid", "creationTimestamp", "managedFields"):
        pod["metadata"].pop(key, None)
    annotations = pod["metadata"]["annotations"]
    annotations[RECORD] = json.loads(annotations[RECORD])
    return json.loads(re.sub(TOKEN_VOLUME + r"\w+", TOKEN_VOLUME, json.dumps(pod)))


class Bench:
    def __init__(self, options, folder, apiserver):
        self.options, self.folder, self.apiserver = options, folder, apiserver
        make_certificate(folder)
        self.pod = folder / "pod.json"
        self.pod.write_text(json.dumps(sample_pod(), separators=(",", ":")))
        self.nothing = folder / "nothing.yaml"
        self.nothing.write_text((ROOT / "examples/policy.yaml").read_text().replace("rucio-atlas", "elsewhere")
                                .replace("atlas-*", "elsewhere").replace("unmatched: warn", "unmatched: allow"))
        apiserver.make("/api/v1/namespaces", {"metadata": {"name": "rucio-atlas"}})
        apiserver.make("/api/v1/namespaces/rucio-atlas/serviceaccounts", {"metadata": {"name": "default"}})

    def is_injected(self):
        status, pod = self.apiserver.call("POST", PODS, json.loads(self.pod.read_text()))
        return status == 201 and RECORD in pod["metadata"]["annotations"]

    def is_asked(self):
        """Whether a pod leaves a line in the server's log."""
        log = self.folder / "server.log"
        before = log.stat().st_size
        self.is_injected()
        time.sleep(0.05)  # the line is written after the answer
        return log.stat().st_size > before

    @contextlib.contextmanager
    def registered(self, *objects, is_effective):
        """objects: (resource, object)."""
        for resource, value in objects:
            self.apiserver.make(f"{REGISTRATIONS}/{resource}", value)
        try:
            self.apiserver.wait_until("the registration has an effect", is_effective)
            yield
        finally:
            for resource, value in objects:
                self.apiserver.call("DELETE", f"{REGISTRATIONS}/{resource}/{value['metadata']['name']}")
        self.apiserver.wait_until("the registration has no effect any more", lambda: not is_effective())

    @contextlib.contextmanager
    def webhook(self, variant):
        port = free_port()
        if variant == PEER:
            command = [self.options.cache / "peers" / PEER, self.folder, port]
        else:
            config = self.nothing if variant == ALLOWS else ROOT / "examples/policy.yaml"
            command = webhook_command(self.options.build, self.folder, config, port)
        with Server(self.folder, command, port, cpu=None):
            with self.registered(("mutatingwebhookconfigurations", registration(port, self.folder)),
                                 is_effective=self.is_asked if variant == ALLOWS else self.is_injected):
                yield

    def policy(self):
        policy = yaml.safe_load((ROOT / "bench/cluster/policy.yaml").read_text())
        binding = policy | {"kind": "MutatingAdmissionPolicyBinding", "spec": {"policyName": "rucio-policy"}}
        return self.registered(("mutatingadmissionpolicies", policy), ("mutatingadmissionpolicybindings", binding),
                               is_effective=self.is_injected)

    def variant(self, name):
        if name == NONE:
            return contextlib.nullcontext()
        return self.policy() if name == POLICY else self.webhook(name)

    def apiserver_cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.apiserver.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S

    def load(self, seconds):
        """Four clients that create a pod as soon as they are answered: pods a second, p50 and p99 in ms, CPU in ms each."""
        before = self.apiserver_cpu_s()
        printed = subprocess.run(
            ["wrk", "-t1", "-c4", f"-d{seconds}s", "--latency", "-s", ROOT / "bench/cluster/post.lua",
             "https://127.0.0.1:6443" + PODS], check=True, capture_output=True, text=True,
            env=os.environ | {"POD": str(self.pod), "TOKEN": self.apiserver.token}).stdout
        used = self.apiserver_cpu_s() - before
        if "Non-2xx" in printed or "Socket errors" in printed:
            raise SystemExit(printed)
        unit = {"us": 1e-3, "ms": 1, "s": 1e3}
        latency = {percent: float(value) * unit[which] for percent, value, which in
                   re.findall(r"(50|99)%\s+([\d.]+)(us|ms|s)", printed)}
        count = int(re.search(r"(\d+) requests in", printed)[1])
        return {"pods per s": float(re.search(r"Requests/sec:\s+([\d.]+)", printed)[1]), "p50 ms": latency["50"],
                "p99 ms": latency["99"], "apiserver's CPU, ms": used * 1e3 / count}

    def run(self):
        measured, pods = {name: defaultdict(list) for name in VARIANTS}, {}
        self.load(self.options.seconds)  # it is faster once it is warm
        for number_of_round in range(self.options.rounds):
            print(f"round {number_of_round + 1} of {self.options.rounds}, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
            for name in VARIANTS:
                with self.variant(name):
                    if name in (OURS, PEER, POLICY):
                        pods[name] = comparable(self.apiserver.make(PODS, json.loads(self.pod.read_text())))
                        if pods[name] != pods[OURS]:
                            raise SystemExit(f"{name}: another pod:\n{json.dumps(pods[name])}\n{json.dumps(pods[OURS])}")
                    self.load(1)
                    for quantity, value in self.load(self.options.seconds).items():
                        measured[name][quantity].append(value)
        return measured


def measure(options, version):
    print(f"Kubernetes {version}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        with Apiserver(options.cache / f"kubernetes-{version}" / "kube-apiserver", folder) as apiserver:
            return Bench(options, folder, apiserver).run()


def ratio(measured, over, under, quantity):
    return round(median(a / b for a, b in zip(measured[over][quantity], measured[under][quantity])), 3)


def ratios(by_version):
    result = {}
    for version, measured in by_version.items():
        for other in (POLICY, PEER):
            result[f"{version}: pods per s: {OURS} / {other}"] = {
                "value": ratio(measured, OURS, other, "pods per s"), "better": "higher"}
            result[f"{version}: apiserver's CPU: {other} / {OURS}"] = {
                "value": ratio(measured, other, OURS, "apiserver's CPU, ms"), "better": "higher"}
    return result


def tables(by_version, found):
    result = []
    for version, measured in by_version.items():
        quantities = list(measured[NONE])
        result.append(report.table([f"Kubernetes {version}", *quantities],
                                   [[name, *(number(median(measured[name][quantity])) for quantity in quantities)]
                                    for name in VARIANTS]))
    result.append(report.table(["ratio", "median of the rounds"],
                               [[key, number(entry["value"])] for key, entry in found.items()]))
    return "\n\n".join(result)


def publish(options, load, by_version):
    found = ratios(by_version)
    text = (f"{options.rounds} rounds of {options.seconds} s; load of the machine {load:.1f} before.\n\n"
            + tables(by_version, found))
    panels = [(f"Pods per second, Kubernetes {version}",
               [(name, median(measured[name]["pods per s"]), name == OURS) for name in VARIANTS])
              for version, measured in by_version.items()]
    results = {"rounds": options.rounds, "seconds": options.seconds, "load": load, "ratios": found, "versions": by_version}
    return report.publish("performance-cluster", "bench/cluster.sh", results, panels, text, options)


def main():
    parser = argparse.ArgumentParser()
    for flag in ("--check", "--write"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--cache", type=pathlib.Path, required=True)
    parser.add_argument("versions", nargs="+")
    options = parser.parse_args()
    options.rounds, options.seconds = int(os.environ.get("ROUNDS", 5)), int(os.environ.get("SECONDS_EACH", 4))
    load = os.getloadavg()[0]
    return publish(options, load, {version: measure(options, version) for version in options.versions})


if __name__ == "__main__":
    sys.exit(main())
