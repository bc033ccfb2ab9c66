"""Who may be a client, and for how long on one connection: `--client-ca` and `--max-requests-per-connection`."""
import os
import ssl
import subprocess
import unittest

from server_support import Authority, MountedFolder, metric
from support import PATIENCE, Client, Server, environment, serve_command, wait_until


class ClientCertificates(unittest.TestCase):
    def setUp(self):
        self.folder = MountedFolder()
        self.clients = Authority(self.folder.path, "clients")

    def tearDown(self):
        self.folder.remove()

    def start(self):
        server = Server(self.folder, "--client-ca", self.clients.certificate)
        server.context = self.context_with(self.clients.sign("apiserver", "clientAuth"))
        return server

    def context_with(self, pair=None, version=None):
        context = self.folder.context()
        if pair is not None:
            context.load_cert_chain(*pair)
        if version is not None:
            context.minimum_version = context.maximum_version = version
        return context

    @staticmethod
    def is_served(server, context):
        try:
            with Client(server.port, context) as client:
                return client.post().status == 200
        except OSError:  # of TLS, or of a connection that is closed without a word
            return False

    def test_only_a_client_whose_certificate_the_authority_has_signed_gets_through(self):
        other = Authority(self.folder.path, "other")
        mine = self.clients.sign("mine", "clientAuth")
        rows = {
            "none": (None, False),
            "of the authority": (mine, True),
            "of another authority": (other.sign("theirs", "clientAuth"), False),
            "of the authority, but for servers": (self.clients.sign("server", "serverAuth"), False),
            "the authority's own name on another's key": (other.sign("apiserver2", "clientAuth"), False),
            "signed by itself": ((self.folder.certificate, self.folder.key), False),
        }
        with self.start() as server:
            for version in [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]:
                for name, (pair, expected) in rows.items():
                    with self.subTest(certificate=name, version=version.name):
                        failed = metric(server, "rpw_tls_handshake_errors_total")
                        self.assertEqual(self.is_served(server, self.context_with(pair, version)), expected)
                        wait_until(lambda: metric(server, "rpw_tls_handshake_errors_total")
                                   == failed + (0 if expected else 1), "the failed handshake is counted")
            self.assertIn("--client-ca", server.wait_for("TLS handshake failed")["detail"])

    def test_an_expired_certificate_of_a_client_is_refused(self):
        expired = str(self.folder.path / "expired.crt")
        self.folder.certificate, self.folder.key = expired, str(self.folder.path / "tls.key")
        self.folder.remake_certificate("20200101000000Z", "20210101000000Z",
                                       (self.clients.certificate, str(self.folder.path / "clients.key")))
        pair = (expired, self.folder.key)
        self.folder.certificate, self.folder.key = self.folder.tls.file("tls.crt"), self.folder.tls.file("tls.key")
        with self.start() as server:
            self.assertTrue(self.is_served(server, server.context))
            self.assertFalse(self.is_served(server, self.context_with(pair)))

    def test_new_authorities_are_used_for_new_connections_and_old_ones_go_on(self):
        new = Authority(self.folder.path, "new-clients")
        newcomer = self.context_with(new.sign("newcomer", "clientAuth"))
        with self.start() as server, server.connect() as before:
            self.assertEqual(before.post().status, 200)
            self.assertFalse(self.is_served(server, newcomer))
            os.rename(new.certificate, self.clients.certificate)
            wait_until(lambda: self.is_served(server, newcomer), "the new authority is known")
            self.assertFalse(self.is_served(server, server.context))
            self.assertEqual(before.post().status, 200)
            server.wait_for("loaded", part="client_ca")
            self.assertGreater(metric(server, "rpw_certificate_not_after_timestamp_seconds", part="client_ca"), 0)

    def test_bad_authorities_change_nothing_and_hold_up_no_certificate(self):
        with self.start() as server:
            with open(self.clients.certificate, "w", encoding="ascii") as file:
                file.write("nonsense")
            server.wait_for("not loaded", part="client_ca")
            self.assertIn("client_ca: ", server.get_ops("/readyz").text)
            self.assertEqual(metric(server, "rpw_config_last_reload_success", part="client_ca"), 0)
            certificate, key = self.folder.authority.sign("second")
            with open(certificate, "rb") as first, open(key, "rb") as second:
                self.folder.tls.publish({"tls.crt": first.read(), "tls.key": second.read()})
            server.wait_for("loaded", part="certificate")
            self.assertTrue(self.is_served(server, server.context))
            self.assertFalse(self.is_served(server, self.context_with()))

    def check_error(self, path, words):
        command = serve_command(self.folder, "--client-ca", path)
        result = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=PATIENCE,
                                check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"{path}: {words}", result.stderr)

    def test_a_missing_file_is_an_error(self):
        self.check_error("/nowhere/ca.crt", "No such file or directory")

    def test_a_file_without_any_authority_is_an_error(self):
        certificate, _ = self.clients.sign("leaf", "clientAuth")
        self.check_error(certificate, "none of its certificates is an authority's, expected one with CA:TRUE")


class RequestsOfAConnection(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = MountedFolder()

    @classmethod
    def tearDownClass(cls):
        cls.folder.remove()

    def ends(self, count, *flags):
        """Which of count answers end their connection; only the last may."""
        with Server(self.folder, *flags) as server:
            server.context = self.folder.context()
            with server.connect() as client:
                ends = [client.post().ends_connection for _ in range(count)]
                if ends[-1]:
                    self.assertEqual(client.read_to_end(), b"")
        return ends

    def test_the_answer_to_the_last_request_ends_the_connection(self):
        self.assertEqual(self.ends(3, "--max-requests-per-connection", "3"), [False, False, True])

    def test_the_default_is_a_thousand(self):
        self.assertEqual(self.ends(1000), [False] * 999 + [True])

    def test_zero_means_no_limit(self):
        self.assertEqual(self.ends(1100, "--max-requests-per-connection", "0"), [False] * 1100)

    def test_a_refused_request_counts_as_well(self):
        with Server(self.folder, "--max-requests-per-connection", "2") as server:
            server.context = self.folder.context()
            with server.connect() as client:
                self.assertFalse(client.post(path="/other").ends_connection)
                self.assertTrue(client.post(path="/other").ends_connection)


if __name__ == "__main__":
    unittest.main()
