#!/usr/bin/python3
"""What a review costs, measured in rounds in which all servers take turns. Called by bench/run.sh, which builds them."""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections import defaultdict

import inputs
import report
from report import median, number
from servers import CLIENT_CPU, ROOT, SERVER_CPU, Server, free_port, make_certificate, patched_pod, pin, webhook_command

REVIEW, CONFIG = ROOT / "examples" / "server.json", ROOT / "examples" / "policy.yaml"
STATIC, LOGGED, SILENT = "static reply", "review, logged", "review, not logged"
PEERS = ["controller-runtime", "kubewebhook"]
WARM_UP_PART = 0.1  # of the reviews, while buffers grow; what grows afterwards is a leak


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder, self.build = options, folder, options.build
        make_certificate(folder)
        self.answer = folder / "answer.json"
        self.reviews = inputs.make(folder, REVIEW)
        self.measured = defaultdict(lambda: defaultdict(list))  # server -> quantity -> a value per round
        self.core_ns = defaultdict(list)  # size -> ns per call, a value per round
        self.core_bytes = {label: path.stat().st_size for label, path in self.reviews.items()}

    def start(self, name):
        port = free_port()
        if name in PEERS:
            command = [self.options.cache / "peers" / name, self.folder, port]
        elif name == STATIC:
            command = [self.build / "bench" / "static_reply", self.folder / "tls.crt", self.folder / "tls.key",
                       f"127.0.0.1:{port}", "127.0.0.1:0", "1", self.answer]
        else:
            level = "info" if name == LOGGED else "error"
            command = webhook_command(self.build, self.folder, CONFIG, port, "--log-level", level)
        return Server(self.folder, command, port)

    def compare_answers(self, names):
        """Nobody is fast by doing less: all make the same pod of the sample."""
        review = REVIEW.read_bytes()
        pods = {}
        for name in [LOGGED, *(name for name in names if name in PEERS)]:
            with self.start(name) as server:
                answer = server.post(review)
            if name == LOGGED:
                self.answer.write_bytes(answer)
            if len(names) > 3:
                pods[name] = patched_pod(review, answer)
                if pods[name] != pods[LOGGED]:
                    raise SystemExit(f"{name} makes another pod of {REVIEW.name}:\n"
                                     f"{json.dumps(pods[name])}\nexpected\n{json.dumps(pods[LOGGED])}")

    def run_server(self, name):
        options, results = self.options, self.measured[name]
        with self.start(name) as server:
            results["ready ms"].append(server.ready_ms)
            time.sleep(0.1)
            results["start kB"].append(server.resident_kb())
            if name != SILENT:
                handshake_us, idle_kb = server.open_idle(options.idle)
                results["handshake us"].append(handshake_us)
                results["idle kB"].append(idle_kb)
        with self.start(name) as server:
            server.saturate(REVIEW, 1)
            _, rate, cpu_us = server.saturate(REVIEW, options.seconds)
            results["per s"].append(rate)
            results["cpu us"].append(cpu_us)
            if name != STATIC:  # half its load is more than the client can send
                p50, p99 = server.pace(self.build, REVIEW, rate / 2, options.seconds)
                results["p50 us"].append(p50)
                results["p99 us"].append(p99)

    def run_core(self):
        printed = subprocess.run(
            [self.build / "bench" / "core_cost", CONFIG, str(self.options.core_ms), *self.reviews.values()],
            check=True, capture_output=True, text=True, preexec_fn=pin(SERVER_CPU)).stdout
        for label, line in zip(self.reviews, printed.splitlines()):
            self.core_ns[label].append(float(line.split()[1]))

    def run_memory(self, name, reviews, at_most_s):
        results, count, began = self.measured[name], 0, time.monotonic()
        with self.start(name) as server:
            while count < reviews and time.monotonic() - began < at_most_s:
                count += server.saturate(REVIEW, 1)[0]
                if not results["warm kB"] and count >= WARM_UP_PART * reviews:
                    results["warm kB"].append(server.resident_kb())
            results["after kB"].append(server.resident_kb())
            results["own kB"].append(server.resident_kb("RssAnon"))
            results["after reviews"].append(count)


def run(bench, names):
    options = bench.options
    bench.compare_answers(names)
    for number_of_round in range(options.rounds):
        print(f"round {number_of_round + 1} of {options.rounds}, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
        bench.run_core()
        for name in names:
            bench.run_server(name)
    if not options.quick:
        bench.run_memory(LOGGED, options.reviews, 600)
        for name in names:
            if name in PEERS:
                bench.run_memory(name, options.reviews, options.peer_memory_s)


def ratio(over, under, better):
    """Of two lists, round by round, so that a slow minute of the machine is in both."""
    return {"value": round(median(a / b for a, b in zip(over, under)), 3), "better": better}


def ratios(bench):
    at = bench.measured
    result = {
        "CPU: review, logged / static reply": ratio(at[LOGGED]["cpu us"], at[STATIC]["cpu us"], "lower"),
        "CPU: review, not logged / static reply": ratio(at[SILENT]["cpu us"], at[STATIC]["cpu us"], "lower"),
        "core, per byte: 2 MB / 9 KB": ratio([ns / bench.core_bytes["2 MB"] for ns in bench.core_ns["2 MB"]],
                                             [ns / bench.core_bytes["9 KB"] for ns in bench.core_ns["9 KB"]], "lower"),
    }
    if at[LOGGED]["warm kB"]:
        result["memory: after all reviews / after a tenth of them"] = ratio(at[LOGGED]["after kB"], at[LOGGED]["warm kB"],
                                                                            "lower")
    for peer in PEERS:
        if peer in at:
            result[f"CPU: {peer} / review, logged"] = ratio(at[peer]["cpu us"], at[LOGGED]["cpu us"], "higher")
        if peer in at and at[peer]["after kB"]:
            result[f"memory: {peer} / ours"] = ratio(at[peer]["after kB"], at[LOGGED]["after kB"], "higher")
            result[f"memory without files: {peer} / ours"] = ratio(at[peer]["own kB"], at[LOGGED]["own kB"], "higher")
    return result


def cell(values, scale=1.0):
    return number(median(values) * scale) if values else "-"


def tables(bench, names, found):
    at = bench.measured
    speed = report.table(
        ["", "CPU per request, us", "requests/s", "p50 us", "p99 us", "handshakes per CPU-s", "ready after ms"],
        [[name, cell(at[name]["cpu us"]), cell(at[name]["per s"]), cell(at[name]["p50 us"]), cell(at[name]["p99 us"]),
          cell([1e6 / us for us in at[name]["handshake us"]]), cell(at[name]["ready ms"])] for name in names])
    memory = report.table(
        ["resident memory", "MB at start", "MB after", "of it not files", "reviews", "kB per idle connection"],
        [[name, cell(at[name]["start kB"], 1 / 1024), cell(at[name]["after kB"], 1 / 1024),
          cell(at[name]["own kB"], 1 / 1024), cell(at[name]["after reviews"]), cell(at[name]["idle kB"])]
         for name in names if name != SILENT])
    core = report.table(
        ["the core alone", "bytes", "us", "ns per byte"],
        [[label, f"{bench.core_bytes[label]:,}", number(median(ns) / 1e3), number(median(ns) / bench.core_bytes[label])]
         for label, ns in bench.core_ns.items()])
    of_ratios = report.table(["ratio", "median of the rounds"],
                             [[key, number(entry["value"])] for key, entry in found.items()])
    return "\n\n".join([speed, memory, core, of_ratios])


def panels(bench, names):
    at, ours = bench.measured, (LOGGED, SILENT)

    def rows(quantity, chosen, scale=1.0):
        return [(name, median(at[name][quantity]) * scale, name in ours) for name in chosen if at[name][quantity]]

    own = [name for name in names if name not in PEERS]
    result = [("CPU of the server per request, us", rows("cpu us", own)),
              ("The core alone, ns per byte of the review",
               [(label, median(ns) / bench.core_bytes[label], True) for label, ns in bench.core_ns.items()])]
    if len(names) > len(own):
        others = [LOGGED, *(name for name in names if name in PEERS)]
        result += [("CPU of the server per review, us", rows("cpu us", others)),
                   ("p99 at half load, us", rows("p99 us", others)),
                   ("Resident memory after the reviews, MB", rows("after kB", others, 1 / 1024))]
    return [panel for panel in result if panel[1]]


def parse_options():
    parser = argparse.ArgumentParser()
    for flag in ("--quick", "--check", "--write"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--cache", type=pathlib.Path, required=True)
    options = parser.parse_args()
    from_environment = [("rounds", "ROUNDS", 5), ("seconds", "SECONDS_EACH", 4), ("idle", "IDLE_CONNECTIONS", 800),
                        ("core_ms", "CORE_MS", 200), ("reviews", "REVIEWS", 1_000_000),
                        ("peer_memory_s", "PEER_MEMORY_SECONDS", 30)]
    quick = {"rounds": 1, "seconds": 1, "idle": 50, "core_ms": 50}
    for name, variable, default in from_environment:
        default = quick.get(name, default) if options.quick else default
        setattr(options, name, int(os.environ.get(variable, default)))
    return options


def main():
    options = parse_options()
    os.sched_setaffinity(0, {CLIENT_CPU})
    names = [STATIC, LOGGED, SILENT] + ([] if options.quick else PEERS)
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, pathlib.Path(folder))
        run(bench, names)
    found = ratios(bench)
    text = (f"{options.rounds} rounds of {options.seconds} s; load of the machine {load:.1f} before, "
            f"{os.getloadavg()[0]:.1f} after.\n\n" + tables(bench, names, found))
    results = {"rounds": options.rounds, "seconds": options.seconds, "load": load, "ratios": found,
               "core_ns": bench.core_ns, "core_bytes": bench.core_bytes, "servers": bench.measured}
    return report.publish("performance", "bench/run.sh", results, panels(bench, names), text, options)


if __name__ == "__main__":
    sys.exit(main())
