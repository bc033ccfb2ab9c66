"""The life of `serve`: what it says when it cannot start, how it is configured, what it logs, and how it ends."""
import fcntl
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import time
import unittest

from server_support import BusyClient
from support import (PATIENCE, PROGRAM, Client, Folder, Server, client_context, environment, post, review,
                     review_of_size, serve_command, wait_until)

BUSY_CLIENTS = 16


class FolderTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Folder()

    @classmethod
    def tearDownClass(cls):
        cls.folder.remove()


class Start(FolderTest):
    def run_serve(self, *flags, command=None, **variables):
        return subprocess.run(command or serve_command(self.folder, *flags), env=environment(**variables),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False)

    def check_error(self, result, code, *pieces):
        """One line on standard error that holds all pieces."""
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        for piece in pieces:
            self.assertIn(piece, result.stderr)
        self.assertEqual(result.stdout, "")

    def test_a_key_that_does_not_match_is_an_error(self):
        _, other = self.folder.make_certificate("other")
        self.check_error(self.run_serve("--tls-key", other), 1, other, "does not fit", self.folder.certificate)

    def test_a_missing_certificate_is_an_error(self):
        self.check_error(self.run_serve("--tls-cert", "/nowhere/tls.crt"), 1, "/nowhere/tls.crt",
                         "No such file or directory")

    def test_a_missing_key_is_an_error(self):
        self.check_error(self.run_serve("--tls-key", "/nowhere/tls.key"), 1, "/nowhere/tls.key",
                         "No such file or directory")

    def test_a_directory_as_certificate_is_an_error(self):
        self.check_error(self.run_serve("--tls-cert", str(self.folder.path)), 1, str(self.folder.path),
                         "Is a directory")

    def test_signals_are_blocked_before_the_configuration_is_read(self):
        """A process that has ended over its configuration, and was not waited for, still has the mask it ended with."""
        bad = self.folder.write("bad.yaml", "policies: []\n")
        with subprocess.Popen(serve_command(self.folder, "--config", bad), env=environment(), stderr=subprocess.PIPE) as server:
            os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)
            with open(f"/proc/{server.pid}/status", encoding="ascii") as status:
                blocked = int(re.search(r"^SigBlk:\s*(\w+)", status.read(), re.MULTILINE)[1], 16)
            server.communicate()
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGTERM, signal.SIGINT):
            self.assertTrue(blocked & 1 << number - 1, number.name)

    def test_a_pipe_is_an_error_and_is_not_waited_for(self):
        pipe = str(self.folder.path / "pipe")
        os.mkfifo(pipe)
        for flag in ["--tls-cert", "--tls-key", "--client-ca", "--config"]:
            with self.subTest(flag=flag):
                self.check_error(self.run_serve(flag, pipe), 1, pipe, "is no regular file but a pipe")

    def test_a_certificate_that_is_none_is_an_error(self):
        self.check_error(self.run_serve("--tls-cert", self.folder.config), 1, self.folder.config, "no certificate")

    def test_a_key_that_is_none_is_an_error(self):
        self.check_error(self.run_serve("--tls-key", self.folder.certificate), 1, self.folder.certificate,
                         "no unencrypted private key")

    def test_an_encrypted_key_is_an_error(self):
        encrypted = str(self.folder.path / "encrypted.key")
        subprocess.run(["openssl", "pkcs8", "-topk8", "-in", self.folder.key, "-out", encrypted, "-passout", "pass:x"],
                       check=True, capture_output=True)
        self.check_error(self.run_serve("--tls-key", encrypted), 1, encrypted, "no unencrypted private key")

    def test_a_huge_certificate_file_is_an_error(self):
        huge = self.folder.write("huge.crt", " " * 1024 * 1024 + " ")
        self.check_error(self.run_serve("--tls-cert", huge), 1, huge, "1 MiB")

    def test_a_missing_configuration_is_an_error(self):
        result = self.run_serve("--config", "/nowhere/config.yaml")
        self.assertEqual(result.returncode, 1)
        self.assertIn("/nowhere/config.yaml", result.stderr)

    def test_a_wrong_configuration_is_an_error_that_names_the_line(self):
        wrong = self.folder.write("wrong.yaml", "policies:\n  - name: test\n    nonsense: 1\n")
        result = self.run_serve("--config", wrong)
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"{wrong}:3:", result.stderr)

    def check_busy_port(self, flag):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            self.check_error(self.run_serve(flag, address), 1, flag, address, "Address already in use")

    def test_a_busy_port_is_an_error(self):
        self.check_busy_port("--listen")

    def test_a_busy_operations_port_is_an_error(self):
        self.check_busy_port("--ops-listen")

    def test_too_few_open_files_are_an_error(self):
        command = ["sh", "-c", 'ulimit -n 100; exec "$@"', "sh", *serve_command(self.folder)]
        self.check_error(self.run_serve(command=command), 1, "open files", "100")

    def test_wrong_values_are_usage_errors_that_say_what_was_expected(self):
        for flag, value, expected in [
                ("--listen", "8443", "0.0.0.0:8443"), ("--listen", "localhost:8443", "numeric"),
                ("--listen", "::1:8443", "[::1]:8443"), ("--listen", "1.2.3.4:65536", "port"),
                ("--listen", "1.2.3.4:", "port"), ("--listen", ":8443", "numeric"),
                ("--ops-listen", "1.2.3.4:x", "port"), ("--threads", "0", "1 to 256"), ("--threads", "257", "1 to 256"),
                ("--threads", "many", "auto"), ("--log-format", "xml", "json or text"),
                ("--log-level", "loud", "debug, info, warn or error"), ("--drain-delay", "-1s", "0s to 1h"),
                ("--drain-delay", "5", "a duration"), ("--idle-timeout", "0s", "1s to 1h"),
                ("--request-timeout", "3601s", "1s to 1h"), ("--max-connections", "0", "1 to 1000000"),
                ("--max-requests-per-connection", "-1", "0 to 1000000000"),
                ("--wait-for-certificate=maybe", None, "true or false"), ("--client-ca", "", "file name"),
                ("--body-budget", "10485759", "10Mi"), ("--body-budget", "99999999999999999999", "a size"),
                ("--config", "", "file name"), ("--tls-cert", "", "file name"), ("--tls-key", "", "file name")]:
            with self.subTest(flag=flag, value=value):
                name, _, given = flag.partition("=")
                found = f"'{given if value is None else value}'"
                arguments = [flag] if value is None else [flag, value]
                self.check_error(self.run_serve(*arguments), 2, name, found, expected)

    def test_an_unknown_option_is_a_usage_error(self):
        self.check_error(self.run_serve("--nonsense", "1"), 2, "--nonsense", "no such flag")

    def test_a_stray_argument_is_a_usage_error(self):
        self.check_error(self.run_serve("stray"), 2, "'stray'", "expected flags only")

    def test_a_missing_value_is_a_usage_error(self):
        self.check_error(self.run_serve("--threads"), 2, "--threads", "a value is missing")

    def test_each_required_flag_is_asked_for(self):
        for flag in ["--config", "--tls-cert", "--tls-key"]:
            command = serve_command(self.folder)
            at = command.index(flag)
            del command[at:at + 2]
            with self.subTest(flag=flag):
                self.check_error(self.run_serve(command=command), 2, flag, "required")

    def test_a_wrong_environment_variable_is_named(self):
        self.check_error(self.run_serve(RPW_THREADS="none"), 2, "RPW_THREADS", "'none'")

    def test_help_names_every_flag_with_its_default(self):
        result = subprocess.run([PROGRAM, "serve", "--help"], capture_output=True, text=True, check=True)
        for piece in ["--config", "--tls-cert", "--tls-key", "0.0.0.0:8443", "0.0.0.0:8080", "--threads",
                      "--log-format", "--log-level", "--drain-delay", "--idle-timeout", "--request-timeout",
                      "--max-connections", "--max-requests-per-connection", "--client-ca", "--wait-for-certificate",
                      "--body-budget", "RPW_CONFIG", "SIGHUP", "SIGUSR1"]:
            self.assertIn(piece, result.stdout)
        self.assertEqual(result.stderr, "")
        self.assertLessEqual(max(map(len, result.stdout.splitlines())), 120)


class Configuration(FolderTest):
    def variables(self, **others):
        return {"RPW_CONFIG": self.folder.config, "RPW_TLS_CERT": self.folder.certificate,
                "RPW_TLS_KEY": self.folder.key, "RPW_LISTEN": "127.0.0.1:0", "RPW_OPS_LISTEN": "127.0.0.1:0",
                "RPW_DRAIN_DELAY": "0s", **others}

    def test_everything_can_be_given_by_the_environment(self):
        with Server(self.folder, command=[PROGRAM, "serve"], variables=self.variables(RPW_THREADS="3")) as server:
            self.assertEqual(server.find("listening", endpoint="webhook")["threads"], 3)
            with server.connect() as client:
                self.assertEqual(client.post().status, 200)

    def test_a_flag_wins_over_the_environment(self):
        command = [PROGRAM, "serve", "--threads=2"]
        with Server(self.folder, command=command, variables=self.variables(RPW_THREADS="3")) as server:
            self.assertEqual(server.find("listening", endpoint="webhook")["threads"], 2)

    def test_a_wrong_environment_variable_is_not_looked_at_when_the_flag_is_given(self):
        command = [PROGRAM, "serve", "--threads=2", "--log-level", "info"]
        variables = self.variables(RPW_THREADS="many", RPW_LOG_LEVEL="loud")
        with Server(self.folder, command=command, variables=variables) as server:
            self.assertEqual(server.find("listening", endpoint="webhook")["threads"], 2)

    def test_each_warning_about_the_configuration_is_logged_with_its_place(self):
        policy = ("  - name: {}\n    match: {{namespaces: [rucio]}}\n"
                  "    package: p\n    source: {{preinstalled: {{}}}}\n")
        config = self.folder.write("warnings.yaml", "policies:\n" + "".join(map(policy.format, ["a", "b", "c"])))
        with Server(self.folder, "--config", config) as server:
            warnings = [event for event in server.events() if event["message"] == "configuration warning"]
            server.stop()
        self.assertEqual([event["level"] for event in warnings], ["warn"] * 2)
        for event, line in zip(warnings, [6, 10]):
            self.assertTrue(event["detail"].startswith(f"{config}:{line}:"), event)
            self.assertIn(": warning: ", event["detail"])

    def test_a_configuration_without_warnings_logs_none(self):
        with Server(self.folder) as server:
            server.stop()
            self.assertIsNone(server.find("configuration warning"))

    def test_one_thread_and_four_threads_serve_many_connections(self):
        for threads in ["1", "4"]:
            with self.subTest(threads=threads), Server(self.folder, "--threads", threads) as server:
                clients = [server.connect() for _ in range(20)]
                for client in clients:
                    client.send(post())
                self.assertEqual([client.read_response().status for client in clients], [200] * 20)
                for client in clients:
                    client.close()

    def test_ipv6_is_served(self):
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            self.skipTest("this machine has no IPv6")
        with Server(self.folder, "--listen", "[::1]:0", "--ops-listen", "[::1]:0") as server:
            with socket.create_connection(("::1", server.ops_port), PATIENCE) as client:
                client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                self.assertIn(b" 200 ", client.recv(1000))

    def test_the_limit_of_open_files_lowers_the_limit_of_connections(self):
        command = ["sh", "-c", 'ulimit -n 500; exec "$@"', "sh", *serve_command(self.folder)]
        with Server(self.folder, command=command) as server:
            limit = server.find("listening", endpoint="webhook")["maxConnections"]
            self.assertLess(limit, 500)
            line = server.wait_for("the limit of open files lowers max-connections", level="warn")
            self.assertEqual((line["wanted"], line["maxConnections"], line["openFiles"]), (1000, limit, 500))

    def test_a_limit_of_connections_that_is_not_lowered_is_no_warning(self):
        with Server(self.folder, "--max-connections", "10") as server:
            server.stop()
            self.assertEqual(server.find("listening", endpoint="webhook")["maxConnections"], 10)
            self.assertEqual([event for event in server.events() if event["level"] != "info"], [])


class Operations(FolderTest):
    def test_the_process_is_alive_and_ready(self):
        with Server(self.folder) as server:
            for path in ["/healthz", "/readyz"]:
                response = server.get_ops(path)
                self.assertEqual((response.status, response.text), (200, "ok\n"))

    def test_other_paths_and_methods_are_refused(self):
        with Server(self.folder) as server:
            for method, path, status in [("GET", "/", 404), ("GET", "/metricsx", 404), ("POST", "/", 404),
                                         ("POST", "/metrics", 405),
                                         ("POST", "/readyz", 405), ("DELETE", "/healthz", 405)]:
                with self.subTest(method=method, path=path):
                    response = server.get_ops(path, method)
                    self.assertEqual(response.status, status)
                    self.assertIn("expected", response.text)
            self.assertEqual(server.get_ops("/healthz", "PUT").headers["allow"], "GET, HEAD")

    def test_a_long_upload_is_cut_off(self):
        with Server(self.folder) as server:
            with Client(server.ops_port) as client:
                with self.assertRaises(ConnectionError):
                    client.send(b"POST /readyz HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n")
                    while True:
                        client.send(b" " * 65536)

    def check_not_ready(self, not_before, not_after, reason):
        folder = Folder()
        process = None
        try:
            folder.remake_certificate(not_before, not_after)
            process = subprocess.Popen(serve_command(folder, "--max-connections", "10"), stderr=subprocess.PIPE,
                                       env=environment())
            lines = [json.loads(process.stderr.readline()) for _ in range(3)]
            self.assertEqual((lines[2]["message"], lines[2]["detail"]), ("not ready", reason))
            port = int(lines[1]["address"].rpartition(":")[2])
            with Client(port) as client:
                response = client.ask(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertEqual((response.status, response.text), (503, reason + "\n"))
            with Client(port) as client:
                self.assertEqual(client.ask(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").status, 200)
        finally:
            if process is not None:
                process.terminate()
                process.wait(PATIENCE)
                process.stderr.close()
            folder.remove()
        self.assertEqual(process.returncode, 0)

    def test_an_expired_certificate_is_not_ready(self):
        self.check_not_ready("20200101000000Z", "20210101000000Z",
                             "the serving certificate expired at 2021-01-01T00:00:00Z")

    def test_a_certificate_of_the_future_is_not_ready(self):
        self.check_not_ready("20480101000000Z", "20490101000000Z",
                             "the serving certificate is valid only from 2048-01-01T00:00:00Z")

    def test_slow_clients_keep_neither_probes_nor_the_end_waiting(self):
        with Server(self.folder) as server:
            slow = [Client(server.ops_port) for _ in range(100)]
            for client in slow:
                client.send(b"GET /readyz HTTP/1.1\r\nX: ")
            self.assertEqual(server.get_ops("/readyz").status, 200)
            server.stop()
            for client in slow:
                client.close()

    def test_slow_clients_make_room_for_probes(self):
        with Server(self.folder) as server:
            slow = [Client(server.ops_port) for _ in range(256)]
            wait_until(lambda: self.answers(server), "a probe gets through")
            for client in slow:
                client.close()

    @staticmethod
    def answers(server):
        try:
            return server.get_ops("/readyz").status == 200
        except ConnectionError:
            return False


class Log(FolderTest):
    def test_each_request_is_one_line_with_what_it_was_about(self):
        with Server(self.folder) as server:
            with server.connect() as client:
                client.post(review(uid="a-uid", namespace="rucio", name="server-0", dry_run=True))
            line = server.wait_for("request", uid="a-uid")
        self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        expected = {"level": "info", "namespace": "rucio", "pod": "server-0", "policy": "test", "outcome": "patched",
                    "reason": "injected", "status": 200, "dryRun": True}
        self.assertEqual({key: line[key] for key in expected}, expected)
        self.assertGreater(line["operations"], 0)
        self.assertGreater(line["durationMs"], 0)

    def test_what_comes_from_the_network_cannot_break_a_line(self):
        wild = 'a"\\\n\r\t\x7f{}é\u2028\U0001f600' + "x" * 1000
        with Server(self.folder) as server:
            with server.connect() as client:
                self.assertEqual(client.post(review(uid=wild, container="other")).status, 200)
            line = server.wait_for("request", status=200)
        self.assertTrue(line["uid"].endswith("..."))
        self.assertTrue(wild.startswith(line["uid"][:-3]))

    def test_a_body_is_never_logged(self):
        with Server(self.folder, "--log-level", "debug") as server:
            with server.connect() as client:
                client.post(review().replace(b'"image"', b'"secret-value": 1, "image"'))
                client.post(b'{"secret-value"')
            server.wait_for("request", status=400)
            server.stop()
            self.assertNotIn("secret-value", "\n".join(server.lines))

    def test_what_is_refused_is_a_warning_with_its_reason(self):
        with Server(self.folder) as server:
            with server.connect() as client:
                client.post(b"nonsense")
                client.post(path="/other")
            bad = server.wait_for("request", status=400)
            other = server.wait_for("request", reason="not_found")
        self.assertEqual((bad["level"], bad["outcome"]), ("warn", "invalid"))
        self.assertEqual((other["level"], other["outcome"], other["status"]), ("warn", "invalid", 404))
        self.assertIn("127.0.0.1:", other["peer"])

    def start_by_hand(self, *flags):
        """The process, whose log the caller reads, and the webhook's port."""
        process = subprocess.Popen(serve_command(self.folder, *flags), stderr=subprocess.PIPE, env=environment(),
                                   text=True)
        line = process.stderr.readline()
        match = re.search(r"listening.*127\.0\.0\.1:(\d+)", line)
        if match is None:
            process.kill()
            process.wait()
            process.stderr.close()
            self.fail(f"the server did not start, or not with the line 'listening': {line}")
        return process, int(match[1])

    def test_text_lines_are_for_people(self):
        process, port = self.start_by_hand("--log-format", "text")
        try:
            with Client(port, client_context(self.folder)) as client:
                client.post(review(uid="with a space"))
            process.terminate()
            lines = process.stderr.read().splitlines()
            self.assertEqual(process.wait(PATIENCE), 0)
        finally:
            process.kill()
            process.stderr.close()
        line = next(line for line in lines if " request " in line)
        self.assertRegex(line, r'^\S+Z info  request uid="with a space" namespace=rucio .* durationMs=\d+\.\d{3}')

    def test_a_closed_standard_error_stops_nothing(self):
        process, port = self.start_by_hand()
        try:
            process.stderr.close()
            with Client(port, client_context(self.folder)) as client:
                self.assertEqual([client.post().status for _ in range(5)], [200] * 5)
            process.terminate()
            self.assertEqual(process.wait(PATIENCE), 0)
        finally:
            process.kill()

    def test_a_standard_error_that_nobody_reads_delays_neither_requests_nor_the_end(self):
        process, port = self.start_by_hand()
        try:
            fcntl.fcntl(process.stderr, fcntl.F_SETPIPE_SZ, 4096)
            with Client(port, client_context(self.folder)) as client:
                self.assertEqual([client.post().status for _ in range(300)], [200] * 300)
            process.terminate()
            self.assertEqual(process.wait(PATIENCE), 0)
            lines = [line for line in process.stderr.read().splitlines() if '"request"' in line]
            self.assertLess(len(lines), 300)
        finally:
            process.kill()
            process.wait()
            process.stderr.close()

    def test_lines_that_were_dropped_are_counted_in_the_next_one(self):
        process, port = self.start_by_hand()
        try:
            while '"ready"' not in process.stderr.readline():
                pass
            fcntl.fcntl(process.stderr, fcntl.F_SETPIPE_SZ, 4096)
            with Client(port, client_context(self.folder)) as client:
                for _ in range(100):
                    self.assertEqual(client.post().status, 200)
                process.stderr.readline()  # makes room: reads more than the pipe holds
                self.assertEqual([client.post().status for _ in range(2)], [200] * 2)
                process.terminate()
                lines = [json.loads(line) for line in process.stderr.read().splitlines()]
            self.assertEqual(process.wait(PATIENCE), 0)
        finally:
            process.kill()
            process.wait()
            process.stderr.close()
        told = next(i for i, line in enumerate(lines) if "droppedLines" in line)
        self.assertEqual(lines[told]["message"], "request")
        self.assertEqual(lines[told]["droppedLines"], 100 - 1 - told)

    def test_the_level_decides_what_is_written(self):
        with Server(self.folder, "--log-level", "debug") as server:
            Client(server.port).close()
            server.wait_for("connection without a TLS handshake", level="debug")
            server.get_ops("/healthz")
            server.wait_for("operations request", level="debug", path="/healthz")
        self.assertIsNone(server.find("TLS handshake failed"))
        with Server(self.folder) as server:
            Client(server.port).close()
            server.get_ops("/healthz")
            server.stop()
        self.assertEqual([event for event in server.events() if event["level"] == "debug"], [])

    def test_a_client_that_does_not_trust_the_certificate_is_a_warning(self):
        with Server(self.folder) as server:
            with self.assertRaises(ssl.SSLCertVerificationError):
                Client(server.port, ssl.create_default_context())
            line = server.wait_for("TLS handshake failed")
        self.assertEqual(line["level"], "warn")
        self.assertIn("caBundle", line["detail"])


class End(FolderTest):
    def test_a_stop_under_load_fails_no_request(self):
        with Server(self.folder, "--drain-delay", "2s") as server:
            clients = [BusyClient(server.connect, outlives_server=True) for _ in range(BUSY_CLIENTS)]
            wait_until(lambda: all(client.answered > 10 for client in clients), "all clients are busy")
            before = [client.answered for client in clients]
            self.assertEqual(server.get_ops("/readyz").status, 200)
            server.signal()
            response = wait_until(lambda: self.not_ready(server), "/readyz tells that the process is draining")
            self.assertIn("draining", response.text)
            self.assertEqual(server.get_ops("/healthz").status, 200)
            self.assertEqual(server.wait(), 0)
            for client in clients:
                client.join(PATIENCE)
            self.assertEqual([client.failures for client in clients], [[]] * BUSY_CLIENTS)
            self.assertTrue(all(client.told_to_close > 0 for client in clients))
            self.assertTrue(all(after.answered > count for after, count in zip(clients, before)))
            self.assertEqual([event["message"] for event in server.events() if event["message"] in
                              ("draining", "stopping", "stopped")], ["draining", "stopping", "stopped"])

    @staticmethod
    def not_ready(server):
        response = server.get_ops("/readyz")
        return response if response.status == 503 else None

    def test_a_request_in_flight_is_finished(self):
        data = post(review_of_size(100000))
        with Server(self.folder) as server:
            with server.connect() as client:
                client.send(data[:5000])
                self.assertEqual(self.other_request(server), 200)
                server.signal()
                server.wait_for("stopping")
                wait_until(lambda: self.is_refused(server), "nothing new is accepted")
                response = client.ask(data[5000:])
                self.assertEqual(response.status, 200)
                self.assertTrue(response.ends_connection)
            self.assertEqual(server.wait(), 0)

    @staticmethod
    def other_request(server):
        with server.connect() as client:
            return client.post().status

    @staticmethod
    def is_refused(server):
        try:
            socket.create_connection(("127.0.0.1", server.port), PATIENCE).close()
            return False
        except ConnectionRefusedError:
            return True

    def test_idle_connections_do_not_delay_the_end(self):
        with Server(self.folder) as server:
            clients = [server.connect() for _ in range(10)]
            for client in clients[:5]:
                self.assertEqual(client.post().status, 200)
            server.stop()
            self.assertEqual([client.read_to_end() for client in clients], [b""] * 10)
            for client in clients:
                client.close()

    def test_a_request_that_never_ends_is_cut_off_at_the_deadline(self):
        with Server(self.folder, "--request-timeout", "600s") as server:
            with server.connect() as client:
                client.send(post(review_of_size(100000))[:5000])
                self.assertEqual(self.other_request(server), 200)
                server.signal()
                self.assertEqual(server.wait(), 0)
                self.assertEqual(client.read_to_end(), b"")
            self.assertTrue(server.find("requests in flight are cut off: the deadline has passed"))

    def test_a_second_signal_ends_the_drain_at_once(self):
        with Server(self.folder, "--drain-delay", "3600s") as server:
            server.signal()
            server.wait_for("draining")
            server.signal(signal.SIGINT)
            self.assertEqual(server.wait(), 1)
            self.assertTrue(server.find("ended at once: a second signal came"))

    def test_a_second_signal_ends_the_wait_for_requests_at_once(self):
        with Server(self.folder, "--request-timeout", "600s") as server:
            with server.connect() as client:
                client.send(post(review_of_size(100000))[:5000])
                self.assertEqual(self.other_request(server), 200)
                server.signal()
                server.wait_for("stopping")
                server.signal()
                self.assertEqual(server.wait(), 1)

    def test_the_drain_delay_is_served_in_full(self):
        with Server(self.folder, "--drain-delay", "1s") as server:
            server.signal(signal.SIGINT)
            server.wait_for("draining")
            with server.connect() as client:
                response = client.post()
                self.assertEqual((response.status, response.ends_connection), (200, True))
            self.assertEqual(server.wait(), 0)
            draining, stopping = server.find("draining")["time"], server.find("stopping")["time"]
        self.assertGreater(self.seconds(stopping) - self.seconds(draining), 0.9)

    @staticmethod
    def seconds(text):
        whole, fraction = re.fullmatch(r"(.*)\.(\d{3})Z", text).groups()
        return time.mktime(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + int(fraction) / 1000

    def test_a_closed_connection_in_every_state_leaves_nothing_behind(self):
        with Server(self.folder) as server:
            for sent in [b"", post()[:20], post(review_of_size(100000))[:5000], post()]:
                with server.connect() as client:
                    client.send(sent)
            server.stop()


if __name__ == "__main__":
    unittest.main()
