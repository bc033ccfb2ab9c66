"""/metrics as an independent parser reads it; documentation, alerts and dashboard speak of the same metrics."""
import json
import os
import pathlib
import re
import time
import unittest

import yaml
from server_support import MountedFolder, families, metric
from support import ROOT, Client, Server, post, review, review_of_size, wait_until

MONITORING = ROOT / "manifests" / "chart" / "monitoring"
MEBIBYTE = 1024 * 1024
NAME = re.compile(r"\b(?:rpw|process)_[a-z][a-z_]*\b")


class MetricsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = MountedFolder()
        cls.server = Server(cls.folder)
        cls.server.context = cls.folder.context()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.server.kill()
        cls.folder.remove()


class Metrics(MetricsTest):
    def value(self, name, **labels):
        return metric(self.server, name, **labels)

    def check_growth(self, action, growth, name, **labels):
        before = self.value(name, **labels)
        self.assertIsNotNone(before, f"{name} {labels} is there before anything happens")
        action()
        wait_until(lambda: self.value(name, **labels) == before + growth, f"{name} {labels} has grown by {growth}")

    def ask(self, *args, **options):
        with self.server.connect() as client:
            return client.post(*args, **options)

    def test_every_family_has_help_and_a_type(self):
        for name, family in families(self.server).items():
            with self.subTest(metric=name):
                self.assertTrue(family.documentation)
                self.assertIn(family.type, ["counter", "gauge", "histogram"])
                self.assertRegex(name, r"^(rpw|process)_[a-z_]+$")

    def test_requests_are_counted_by_outcome_and_reason(self):
        rows = [
            ("patched", "injected", lambda: self.ask()),
            ("skipped", "no_policy", lambda: self.ask(review(namespace="elsewhere"))),
            ("invalid", "bad_json", lambda: self.ask(b'{"a": nonsense}')),
            ("invalid", "not_found", lambda: self.ask(path="/other")),
            ("invalid", "content_type", lambda: self.ask(content_type="text/plain")),
            ("invalid", "too_large", lambda: self.ask(review_of_size(7 * MEBIBYTE + 1))),
        ]
        for outcome, reason, action in rows:
            with self.subTest(reason=reason):
                self.check_growth(action, 1, "rpw_requests_total", outcome=outcome, reason=reason)

    def test_every_reason_of_the_log_has_a_series(self):
        reference = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
        rows = re.findall(r"^\| `(patched|unchanged|skipped|rejected|invalid)` \| (.*) \|$", reference, re.MULTILINE)
        expected = {(outcome, reason) for outcome, text in rows for reason in re.findall(r"`([a-z_]+)`", text)}
        found = {(sample.labels["outcome"], sample.labels["reason"])
                 for sample in families(self.server)["rpw_requests"].samples}
        self.assertEqual(found, expected)

    def test_injections_are_counted_by_policy(self):
        self.check_growth(self.ask, 1, "rpw_policy_injections_total", policy="test")

    def test_durations_are_a_histogram(self):
        def count():
            return self.value("rpw_request_duration_seconds_count")

        before, total = count(), self.value("rpw_request_duration_seconds_sum")
        began = time.monotonic()
        for _ in range(20):
            self.ask()
        took = time.monotonic() - began
        self.assertEqual(count(), before + 20)
        samples = families(self.server)["rpw_request_duration_seconds"].samples
        buckets = [(float(sample.labels["le"]), sample.value) for sample in samples if sample.name.endswith("_bucket")]
        self.assertEqual(buckets, sorted(buckets))
        self.assertEqual([value for _, value in buckets], sorted(value for _, value in buckets))
        self.assertEqual(buckets[-1], (float("inf"), count()))
        self.assertLessEqual(buckets[0][0], 0.00005)
        self.assertGreater(self.value("rpw_request_duration_seconds_sum"), total)
        self.assertLess(self.value("rpw_request_duration_seconds_sum"), total + took)

    def test_requests_in_flight_come_and_go(self):
        data = post(review_of_size(100000))
        with self.server.connect() as client:
            client.send(data[:5000])
            wait_until(lambda: self.value("rpw_requests_in_flight") == 1, "the request is in flight")
            self.assertEqual(client.ask(data[5000:]).status, 200)
        wait_until(lambda: self.value("rpw_requests_in_flight") == 0, "the request is answered")

    def test_a_request_that_is_broken_off_is_no_longer_in_flight(self):
        with self.server.connect() as client:
            client.send(post(review_of_size(100000))[:5000])
            wait_until(lambda: self.value("rpw_requests_in_flight") == 1, "the request is in flight")
        wait_until(lambda: self.value("rpw_requests_in_flight") == 0, "the request is given up")

    def test_connections_are_counted(self):
        def clients():
            return self.value("rpw_connections_open", endpoint="webhook")

        wait_until(lambda: clients() == 0, "the connections of other tests are closed")
        self.check_growth(self.ask, 1, "rpw_connections_total", endpoint="webhook")
        with self.server.connect(), self.server.connect():
            wait_until(lambda: clients() == 2, "two connections are open")
        wait_until(lambda: clients() == 0, "they are closed")
        self.assertEqual(self.value("rpw_connections_limit", endpoint="webhook"), 1000)
        self.assertEqual(self.value("rpw_connections_open", endpoint="operations"), 1)

    def test_failed_handshakes_are_counted_and_probes_are_not(self):
        def say_nonsense():
            Client(self.server.port).close()
            with Client(self.server.port) as client:
                client.send(b"GET / HTTP/1.1\r\n\r\n")
                client.read_to_end()
            with Client(self.server.port) as client:  # TLS 1.0 and nothing newer
                client.send(bytes.fromhex("160301002d010000290301" + "00" * 32 + "000002002f0100"))
                client.read_to_end()

        self.check_growth(say_nonsense, 1, "rpw_tls_handshake_errors_total")

    def test_refused_connections_are_counted(self):
        with Server(self.folder, "--max-connections", "1") as server:
            server.context = self.folder.context()
            with server.connect() as client:
                self.assertEqual(client.post().status, 200)
                with Client(server.port) as refused:
                    self.assertEqual(refused.read_to_end(), b"")
                self.assertEqual(metric(server, "rpw_connections_refused_total", endpoint="webhook", reason="limit"), 1)

    def test_deadlines_are_counted_by_phase(self):
        flags = ["--idle-timeout", "1s", "--request-timeout", "1s"]
        with Server(self.folder, *flags) as server:
            server.context = self.folder.context()
            with Client(server.port) as handshake, server.connect() as idle, server.connect() as body:
                body.send(post(review_of_size(100000))[:5000])
                self.assertEqual([client.read_to_end() for client in (handshake, idle, body)], [b""] * 3)
            for phase, count in {"handshake": 1, "idle": 1, "body": 1, "answer": 0}.items():
                self.assertEqual(metric(server, "rpw_connections_timed_out_total", endpoint="webhook", phase=phase),
                                 count, phase)

    def test_the_process_is_described_as_the_kernel_sees_it(self):
        pid = self.server.process.pid
        statm = pathlib.Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
        page = os.sysconf("SC_PAGE_SIZE")
        self.assertEqual(self.value("process_virtual_memory_bytes"), int(statm[0]) * page)
        self.assertAlmostEqual(self.value("process_resident_memory_bytes"), int(statm[1]) * page, delta=32 * MEBIBYTE)
        self.assertAlmostEqual(self.value("process_cpu_seconds_total"), self.server.cpu_seconds(), delta=2)
        self.assertAlmostEqual(self.value("process_open_fds"), self.server.open_files() + 1, delta=2)
        self.assertGreater(self.value("process_max_fds"), 10000)
        self.assertAlmostEqual(self.value("process_start_time_seconds"), time.time(), delta=3600)

    def test_the_build_is_named(self):
        labels = families(self.server)["rpw_build_info"].samples[0].labels
        self.assertEqual(sorted(labels), ["gnutls", "libmicrohttpd", "version"])
        self.assertTrue(all(labels.values()))

    def test_a_head_request_is_answered_without_a_body(self):
        with Client(self.server.ops_port) as client:
            response = client.ask(b"HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n", has_body=False)
            self.assertEqual(response.status, 200)
            self.assertEqual(client.read_to_end(), b"")


class Monitoring(MetricsTest):
    """What is written about metrics names those that exist."""

    def exposed(self):
        return {sample.name for family in families(self.server).values() for sample in family.samples}

    def test_every_metric_is_explained_in_the_operations_page_and_no_other(self):
        text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
        rows = set(re.findall(r"^\| `((?:rpw|process)_[a-z_]+)", text, re.MULTILINE))
        exposed = {re.sub(r"(duration_seconds)_(bucket|sum|count)$", r"\1", name) for name in self.exposed()}
        self.assertEqual(rows, exposed)
        for name in NAME.findall(text):
            self.assertIn(re.sub(r"_(bucket|sum|count)$", "", name), exposed)

    def rules(self):
        manifest = yaml.safe_load((MONITORING / "prometheus-rule.yaml").read_text(encoding="utf-8"))
        self.assertEqual((manifest["apiVersion"], manifest["kind"]), ("monitoring.coreos.com/v1", "PrometheusRule"))
        return [rule for group in manifest["spec"]["groups"] for rule in group["rules"]]

    def test_every_alert_speaks_of_metrics_that_exist_and_is_explained(self):
        operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
        for rule in self.rules():
            with self.subTest(alert=rule["alert"]):
                self.assertTrue(rule["annotations"]["summary"])
                self.assertIn(rule["labels"]["severity"], ["warning", "critical"])
                self.assertIn(f"`{rule['alert']}`", operations)
                self.assertLessEqual(set(NAME.findall(rule["expr"])), self.exposed())

    def test_every_alert_that_the_operations_page_names_is_there(self):
        operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
        self.assertEqual(set(re.findall(r"`(RucioPolicyWebhook[A-Za-z]+)`", operations)),
                         {rule["alert"] for rule in self.rules()})

    def test_every_panel_of_the_dashboard_speaks_of_metrics_that_exist(self):
        dashboard = json.loads((MONITORING / "grafana-dashboard.json").read_text(encoding="utf-8"))
        panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
        self.assertGreater(len(panels), 5)
        self.assertEqual(len({panel["id"] for panel in dashboard["panels"]}), len(dashboard["panels"]))
        for panel in panels:
            with self.subTest(panel=panel["title"]):
                expressions = [target["expr"] for target in panel["targets"]]
                self.assertTrue(expressions)
                for expression in expressions:
                    self.assertLessEqual(set(NAME.findall(expression)), self.exposed())

    def test_the_panels_do_not_overlap(self):
        dashboard = json.loads((MONITORING / "grafana-dashboard.json").read_text(encoding="utf-8"))
        places = [panel["gridPos"] for panel in dashboard["panels"]]
        cells = [(place["x"] + x, place["y"] + y) for place in places for x in range(place["w"])
                 for y in range(place["h"])]
        self.assertEqual(len(cells), len(set(cells)))
        self.assertTrue(all(x < 24 for x, _ in cells))


if __name__ == "__main__":
    unittest.main()
