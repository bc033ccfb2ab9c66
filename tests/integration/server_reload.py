"""Configuration and certificates that change while `serve` runs: what is new is used, what is bad changes nothing, and
no request notices."""
import os
import pathlib
import signal
import ssl
import subprocess
import time
import unittest

from server_support import (Authority, BusyClient, MountedFolder, Volume, config_with, der_of, metric, package_of,
                            pair_of, read, served_certificate)
from support import CONFIG, PATIENCE, Client, Server, environment, serve_command, wait_until

BUSY_CLIENTS = 16
ROTATIONS = 50
BAD_CONFIG = CONFIG.encode() + b"    nonsense: 1\n"


class ReloadTest(unittest.TestCase):
    def setUp(self):
        self.folder = MountedFolder()

    def tearDown(self):
        self.folder.remove()

    def start(self, *flags):
        server = Server(self.folder, *flags)
        server.context = self.folder.context()
        return server

    @staticmethod
    def package(server):
        with server.connect() as client:
            return package_of(client.post())

    def wait_for_package(self, server, package):
        wait_until(lambda: self.package(server) == package, f"the package is {package}")

    @staticmethod
    def wait_for_certificate(server, certificate):
        wait_until(lambda: served_certificate(server) == der_of(certificate), f"{certificate} is served")

    @staticmethod
    def count(server, message, **fields):
        return sum(event["message"] == message and all(event.get(key) == value for key, value in fields.items())
                   for event in server.events())

    @staticmethod
    def success(server, part):
        return metric(server, "rpw_config_last_reload_success", part=part)

    def look_again(self, server):
        """Has the server look at its files; what it has to say about them is in the log then."""
        seen = self.count(server, "nothing has changed")
        server.signal(signal.SIGHUP)
        wait_until(lambda: self.count(server, "nothing has changed") > seen, "the server has looked")


class Rotation(ReloadTest):
    def test_fifty_certificates_and_configurations_under_load_fail_no_request(self):
        pairs = [self.folder.authority.sign(f"pair-{i}") for i in range(ROTATIONS)]
        with self.start() as server:
            clients = [BusyClient(server.connect) for _ in range(BUSY_CLIENTS)]
            wait_until(lambda: all(client.answered > 10 for client in clients), "all clients are busy")
            for i, pair in enumerate(pairs):
                self.folder.tls.publish(pair_of(*pair))
                self.folder.publish_package(f"package_{i}")
                server.signal(signal.SIGHUP)
                self.wait_for_certificate(server, pair[0])
                self.wait_for_package(server, f"package_{i}")
            before = [client.answered for client in clients]
            wait_until(lambda: all(client.answered > count for client, count in zip(clients, before)),
                       "the clients are served on")
            for client in clients:
                client.stop()
            self.assertEqual([client.failures for client in clients], [[]] * BUSY_CLIENTS)
            self.assertEqual(served_certificate(server), der_of(pairs[-1][0]))
            for part in ("certificate", "config"):
                wait_until(lambda part=part: self.count(server, "loaded", part=part) >= ROTATIONS, "all are in the log")
                self.assertEqual(self.count(server, "loaded", part=part), ROTATIONS)
            self.assertEqual(self.count(server, "not loaded"), 0)

    def test_a_connection_goes_on_over_a_change_of_certificate_and_policies(self):
        certificate, key = self.folder.authority.sign("second")
        with self.start() as server, server.connect() as client:
            self.assertEqual(package_of(client.post()), "first")
            self.folder.tls.publish(pair_of(certificate, key))
            self.folder.publish_package("second")
            self.wait_for_certificate(server, certificate)
            self.wait_for_package(server, "second")
            self.assertEqual(package_of(client.post()), "second")

    def test_the_metrics_tell_what_is_in_use(self):
        with self.start() as server:
            name = "rpw_config_last_reload_timestamp_seconds"
            first = metric(server, name, part="certificate")
            self.assertGreater(first, 0)
            self.assertIsNone(metric(server, name, part="client_ca"))
            certificate, key = self.folder.authority.sign("second")
            self.folder.tls.publish(pair_of(certificate, key))
            self.wait_for_certificate(server, certificate)
            line = server.wait_for("loaded", part="certificate")
            self.assertGreaterEqual(metric(server, name, part="certificate"), first)
            self.assertEqual(metric(server, "rpw_certificate_not_after_timestamp_seconds", part="certificate"),
                             int(subprocess.run(["date", "-d", line["notAfter"], "+%s"], check=True,
                                                capture_output=True).stdout))

    def test_the_counters_of_policies_never_go_backwards(self):
        def injections(policy):
            return metric(server, "rpw_policy_injections_total", policy=policy)

        with self.start() as server:
            with server.connect() as client:
                client.post()
                self.assertEqual(injections("test"), 1)
                for name in ["other", "test"]:
                    self.folder.policies.publish({"config.yaml": config_with(f"of_{name}", name).encode()})
                    self.wait_for_package(server, f"of_{name}")
                self.assertGreaterEqual(injections("other"), 1)
                self.assertGreaterEqual(injections("test"), 2)
                self.assertEqual(injections("_other"), 0)

    def test_files_that_are_written_in_place_are_noticed(self):
        plain = Volume(self.folder.path / "plain")
        for name, content in pair_of(*self.folder.authority.sign("plain")).items():
            (plain.path / name).write_bytes(content)
        flags = ["--tls-cert", plain.file("tls.crt"), "--tls-key", plain.file("tls.key")]
        with self.start(*flags) as server:
            certificate, key = self.folder.authority.sign("plain-2")
            pathlib.Path(plain.file("tls.key")).write_bytes(read(key))
            pathlib.Path(plain.file("tls.crt")).write_bytes(read(certificate))
            self.wait_for_certificate(server, certificate)

    def test_a_directory_that_is_replaced_is_found_again(self):
        with self.start() as server:
            os.rename(self.folder.policies.path, self.folder.path / "away")
            server.wait_for("not loaded", part="config")
            self.folder.policies = Volume(self.folder.path / "mounted-config")
            self.folder.publish_package("second")
            server.signal(signal.SIGHUP)
            self.wait_for_package(server, "second")
            self.folder.publish_package("third")
            self.wait_for_package(server, "third")

    def test_a_symlink_that_is_swapped_to_another_folder_is_noticed_in_seconds(self):
        for name in ("first", "second"):
            (self.folder.path / name).mkdir()
            (self.folder.path / name / "config.yaml").write_text(config_with(name))
        current = self.folder.path / "current"
        current.symlink_to("first")
        self.folder.config = str(current / "config.yaml")
        with self.start() as server:
            self.assertEqual(self.package(server), "first")
            (self.folder.path / "next").symlink_to("second")
            os.rename(self.folder.path / "next", current)
            began = time.monotonic()
            self.wait_for_package(server, "second")
            self.assertLess(time.monotonic() - began, 20)

    def test_nothing_grows_when_the_folder_is_replaced_again_and_again(self):
        with self.start() as server:
            self.look_again(server)
            before = server.open_files()
            for i in range(20):
                os.rename(self.folder.policies.path, self.folder.path / f"away-{i}")
                self.folder.policies = Volume(self.folder.path / "mounted-config")
                self.folder.publish_package(f"package_{i}")
                server.signal(signal.SIGHUP)
                self.wait_for_package(server, f"package_{i}")
            watches = [line for path in pathlib.Path(f"/proc/{server.process.pid}/fdinfo").iterdir()
                       for line in path.read_text(encoding="ascii").splitlines() if line.startswith("inotify")]
            self.assertEqual(watches, [])
            wait_until(lambda: server.open_files() <= before, "the connections of this test are closed")

    def test_warnings_about_a_new_configuration_are_logged(self):
        policy = ("  - name: {}\n    match: {{namespaces: [rucio]}}\n"
                  "    package: second\n    source: {{preinstalled: {{}}}}\n")
        with self.start() as server:
            text = "policies:\n" + policy.format("a") + policy.format("b")
            self.folder.policies.publish({"config.yaml": text.encode()})
            self.wait_for_package(server, "second")
            self.assertIn(":6:", server.wait_for("configuration warning")["detail"])


class Failure(ReloadTest):
    def check_failure(self, server, part, *pieces):
        """Told in log, metric and the detail of /readyz, once, and the service goes on."""
        line = server.wait_for("not loaded", part=part)
        self.assertEqual(line["level"], "error")
        ready = server.get_ops("/readyz")
        self.assertEqual((ready.status, ready.text.splitlines()[0]), (200, "ok"))
        self.assertEqual(len(ready.text.splitlines()), 2)
        self.assertTrue(ready.text.splitlines()[1].startswith(f"{part}: "), ready.text)
        for piece in pieces:
            self.assertIn(piece, line["detail"])
            self.assertIn(piece, ready.text)
        self.assertEqual(self.success(server, part), 0)
        self.look_again(server)
        self.assertEqual(self.count(server, "not loaded", part=part), 1)

    def check_recovery(self, server, part):
        wait_until(lambda: self.success(server, part) == 1, "the failure is over")
        self.assertEqual(server.get_ops("/readyz").text, "ok\n")

    def test_a_bad_configuration_changes_nothing_but_log_metric_and_readiness(self):
        with self.start() as server:
            self.folder.policies.publish({"config.yaml": BAD_CONFIG})
            self.check_failure(server, "config", f"{self.folder.config}:8:", "nonsense")
            self.assertEqual(self.package(server), "first")
            self.assertGreater(self.count(server, "configuration error"), 0)
            self.folder.publish_package("second")
            self.wait_for_package(server, "second")
            self.check_recovery(server, "config")

    def test_going_back_to_the_configuration_in_use_ends_the_failure(self):
        with self.start() as server:
            self.folder.policies.publish({"config.yaml": BAD_CONFIG})
            server.wait_for("not loaded", part="config")
            self.folder.publish_package("first")
            self.check_recovery(server, "config")

    def test_a_configuration_that_vanishes_changes_nothing_and_may_come_back(self):
        with self.start() as server:
            os.unlink(self.folder.config)
            line = server.wait_for("not loaded", part="config")
            self.assertIn("No such file or directory", line["detail"])
            self.assertEqual(self.package(server), "first")
            self.folder.publish_package("first")
            self.check_recovery(server, "config")

    def test_a_configuration_that_is_too_long_changes_nothing(self):
        with self.start() as server:
            self.folder.policies.publish({"config.yaml": b"#" * (1024 * 1024 + 1)})
            self.check_failure(server, "config", "1 MiB")

    def test_a_pipe_in_place_of_the_certificate_is_not_waited_for(self):
        with self.start() as server:
            before = served_certificate(server)
            os.unlink(self.folder.certificate)
            os.mkfifo(self.folder.certificate)
            self.check_failure(server, "certificate", "tls.crt", "is no regular file but a pipe")
            self.assertEqual(served_certificate(server), before)

    def test_a_bad_key_changes_nothing_but_log_metric_and_readiness(self):
        with self.start() as server:
            before = served_certificate(server)
            self.folder.tls.publish({"tls.crt": read(self.folder.certificate), "tls.key": b"nonsense"})
            self.check_failure(server, "certificate", "tls.key", "no unencrypted private key")
            self.assertEqual(served_certificate(server), before)
            pair = self.folder.authority.sign("second")
            self.folder.tls.publish(pair_of(*pair))
            self.wait_for_certificate(server, pair[0])
            self.check_recovery(server, "certificate")

    def test_half_a_pair_is_not_served_and_the_other_half_completes_it(self):
        certificate, key = self.folder.authority.sign("second")
        with self.start() as server:
            before = served_certificate(server)
            self.folder.tls.publish({"tls.crt": read(certificate), "tls.key": read(self.folder.key)})
            self.check_failure(server, "certificate", "does not fit")
            self.assertEqual(served_certificate(server), before)
            self.folder.tls.publish(pair_of(certificate, key))
            self.wait_for_certificate(server, certificate)
            self.check_recovery(server, "certificate")

    def test_an_expired_certificate_does_not_replace_one_that_is_valid(self):
        with self.start() as server:
            before = served_certificate(server)
            plain = self.folder.path / "tls.crt"
            self.folder.certificate, self.folder.key = str(plain), str(self.folder.path / "tls.key")
            self.folder.remake_certificate("20200101000000Z", "20210101000000Z")
            self.folder.tls.publish(pair_of(self.folder.certificate, self.folder.key))
            line = server.wait_for("not loaded", part="certificate")
            self.assertIn("valid from 2020-01-01T00:00:00Z to 2021-01-01T00:00:00Z", line["detail"])
            self.assertIn("expected one that is valid now", line["detail"])
            self.assertEqual(served_certificate(server), before)

    def test_a_certificate_of_the_future_is_used_when_its_time_has_come(self):
        with self.start() as server:
            server.context.check_hostname = False
            server.context.verify_mode = ssl.CERT_NONE
            self.folder.certificate = str(self.folder.path / "tls.crt")
            self.folder.key = str(self.folder.path / "tls.key")
            soon = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + 4))
            self.folder.remake_certificate(soon, "20490101000000Z")
            self.folder.tls.publish(pair_of(self.folder.certificate, self.folder.key))

            def is_used():
                server.signal(signal.SIGHUP)
                return served_certificate(server) == der_of(self.folder.certificate)

            wait_until(is_used, "the certificate is served")
            self.assertEqual(server.get_ops("/readyz").text, "ok\n")

    def test_a_different_failure_is_logged_again(self):
        with self.start() as server:
            self.folder.policies.publish({"config.yaml": BAD_CONFIG})
            server.wait_for("not loaded", part="config")
            self.folder.policies.publish({"config.yaml": b"\n" + BAD_CONFIG})
            wait_until(lambda: self.count(server, "not loaded", part="config") == 2, "the new failure is logged")

    def test_sighup_tells_that_nothing_has_changed(self):
        with self.start() as server:
            self.look_again(server)
            self.assertEqual(server.find("nothing has changed", part="config")["level"], "info")
            self.assertEqual(self.count(server, "loaded"), 0)


class LogLevel(ReloadTest):
    def test_sigusr1_sets_the_level_to_debug_and_back(self):
        with self.start() as server:
            server.signal(signal.SIGUSR1)
            server.wait_for("log level", logLevel="debug")
            server.get_ops("/healthz")
            server.wait_for("operations request")
            server.signal(signal.SIGUSR1)
            server.wait_for("log level", logLevel="info")
            seen = self.count(server, "operations request")
            server.get_ops("/healthz")
            with server.connect() as client:
                self.assertEqual(client.post().status, 200)
            server.wait_for("request", status=200)
            self.assertEqual(self.count(server, "operations request"), seen)


class WaitForCertificate(ReloadTest):
    """`--wait-for-certificate`: started by hand, since such a server is not ready for long."""

    def setUp(self):
        super().setUp()
        self.empty = Volume(self.folder.path / "empty")
        self.flags = ["--wait-for-certificate", "--tls-cert", self.empty.file("tls.crt"),
                      "--tls-key", self.empty.file("tls.key")]

    def start_waiting(self, *flags):
        server = Server(self.folder, *self.flags, *flags, awaited="not ready")
        server.context = self.folder.context()
        return server

    def not_ready(self, server, *pieces):
        response = server.get_ops("/readyz")
        self.assertEqual((response.status, response.text.splitlines()[0]), (503, "waiting for the serving certificate"))
        for piece in pieces:
            self.assertIn(piece, response.text)

    def test_the_server_is_not_ready_until_the_certificate_comes_and_serves_who_waited(self):
        pair = self.folder.authority.sign("late")
        with self.start_waiting() as server, Client(server.port) as early:
            self.not_ready(server, "certificate: ", "tls.crt: No such file or directory")
            self.assertEqual(server.get_ops("/healthz").status, 200)
            self.assertIsNone(metric(server, "rpw_certificate_not_after_timestamp_seconds", part="certificate"))
            self.empty.publish(pair_of(*pair))
            early.socket = server.context.wrap_socket(early.socket, server_hostname="localhost")
            self.assertEqual(early.post().status, 200)
            self.assertEqual(server.get_ops("/readyz").text, "ok\n")

    def test_a_pair_that_does_not_fit_is_waited_for_as_well(self):
        pair = self.folder.authority.sign("late")
        self.empty.publish({"tls.crt": read(pair[0]), "tls.key": read(self.folder.key)})
        with self.start_waiting() as server:
            self.not_ready(server, "does not fit")
            self.empty.publish(pair_of(*pair))
            self.wait_for_certificate(server, pair[0])

    def test_no_certificate_is_served_before_the_authorities_of_clients_are_there(self):
        clients = Authority(self.folder.path, "clients")
        late = self.folder.path / "late-ca.crt"
        pair = self.folder.authority.sign("late")
        self.empty.publish(pair_of(*pair))
        with self.start_waiting("--client-ca", str(late)) as server:
            self.not_ready(server, "client_ca: ")
            server.context.load_cert_chain(*clients.sign("client", "clientAuth"))
            os.rename(clients.certificate, late)
            wait_until(lambda: server.get_ops("/readyz").status == 200, "the server is ready")
            self.wait_for_certificate(server, pair[0])

    def test_a_folder_that_is_not_there_yet_is_waited_for(self):
        pair = self.folder.authority.sign("late")
        self.empty.path.rmdir()
        with self.start_waiting() as server:
            self.empty = Volume(self.empty.path)
            self.empty.publish(pair_of(*pair))
            self.wait_for_certificate(server, pair[0])

    def test_the_end_is_in_order_while_the_certificate_is_waited_for(self):
        with self.start_waiting() as server, Client(server.port) as early:
            server.stop()
            self.assertEqual(early.read_to_end(), b"")

    def test_without_the_flag_a_missing_certificate_is_an_error(self):
        for flag in [[], ["--wait-for-certificate=false"]]:
            command = serve_command(self.folder, *self.flags[1:], *flag)
            result = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=PATIENCE,
                                    check=False)
            self.assertEqual(result.returncode, 1)
            self.assertIn("No such file or directory", result.stderr)

    def test_the_switch_can_be_given_by_the_environment(self):
        server = Server(self.folder, *self.flags[1:], awaited="not ready",
                        variables={"RPW_WAIT_FOR_CERTIFICATE": "true"})
        with server:
            self.not_ready(server)


if __name__ == "__main__":
    unittest.main()
