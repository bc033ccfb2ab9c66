"""`certs generate`, with files; OpenSSL's own tool is the judge of what was made."""

import base64
import os
import pathlib
import resource
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest

from kube_api import run
from support import PROGRAM


class CertsCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="rpw-certs-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.out = self.folder / "out"

    def generate(self, *flags, code=0, names=("--dns", "localhost")):
        done = run("certs", "generate", *names, "--out", str(self.out), *flags)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def read(self, name):
        return (self.out / name).read_text()

    def describe(self, name, *what):
        return subprocess.run(["openssl", "x509", "-in", self.out / name, "-noout", *what], capture_output=True, text=True,
                              check=True).stdout


class Generate(CertsCase):
    def test_files_have_their_permissions_whatever_the_umask(self):
        for mask in (0o000, 0o077):
            with self.subTest(umask=oct(mask)):
                subprocess.run(["sh", "-c", f'umask {mask:o}; exec "$@"', "sh", os.path.abspath(PROGRAM), "certs", "generate",
                                "--dns", "localhost", "--out", self.out, "--force"], check=True, capture_output=True)
                modes = {path.name: path.stat().st_mode & 0o777 for path in self.out.iterdir()}
                self.assertEqual(modes, {"ca.crt": 0o644, "ca.key": 0o600, "tls.crt": 0o644, "tls.key": 0o600})

    def test_bundle_is_the_authority(self):
        done = self.generate()
        self.assertEqual(base64.b64decode(done.stdout, validate=False).decode(), self.read("ca.crt"))
        self.assertEqual(done.stdout.count("\n"), 1)

    def test_openssl_accepts_the_chain_for_each_name(self):
        self.generate("--dns", "a.b.svc", "--ip", "127.0.0.1", "--ip", "fd00::1")
        for check in (["-verify_hostname", "localhost"], ["-verify_hostname", "a.b.svc"], ["-verify_ip", "127.0.0.1"],
                      ["-verify_ip", "fd00::1"]):
            subprocess.run(["openssl", "verify", "-x509_strict", "-purpose", "sslserver", *check, "-CAfile",
                            self.out / "ca.crt", self.out / "tls.crt"], check=True, capture_output=True)

    def test_authority_signs_and_nothing_else(self):
        self.generate()
        extensions = self.describe("ca.crt", "-ext", "basicConstraints,keyUsage")
        self.assertIn("X509v3 Basic Constraints: critical\n    CA:TRUE, pathlen:0", extensions)
        self.assertIn("X509v3 Key Usage: critical\n    Certificate Sign\n", extensions)

    def test_serving_certificate_serves_and_nothing_else(self):
        self.generate()
        extensions = self.describe("tls.crt", "-ext", "basicConstraints,keyUsage,extendedKeyUsage")
        self.assertIn("CA:FALSE", extensions)
        self.assertIn("X509v3 Key Usage: critical\n    Digital Signature\n", extensions)
        self.assertIn("TLS Web Server Authentication", extensions)

    def test_serial_numbers_are_random(self):
        serials = set()
        for _ in range(3):
            self.generate("--force")
            serials |= {self.describe("ca.crt", "-serial"), self.describe("tls.crt", "-serial")}
        self.assertEqual(len(serials), 6)

    def test_days(self):
        self.generate("--valid-for", "2d")
        for name in ("ca.crt", "tls.crt"):
            for seconds, code in ((2 * 86400 - 600, 0), (2 * 86400 + 600, 1)):
                done = subprocess.run(["openssl", "x509", "-in", self.out / name, "-checkend", str(seconds)],
                                      capture_output=True, check=False)
                self.assertEqual(done.returncode, code)

    def test_tls_client_of_today_accepts_it(self):
        self.generate()
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(self.out / "tls.crt", self.out / "tls.key")
        ours, theirs = socket.socketpair()
        with ours, theirs:
            def serve():
                server.wrap_socket(theirs, server_side=True).close()
            thread = threading.Thread(target=serve)
            thread.start()
            client = ssl.create_default_context(cafile=self.out / "ca.crt").wrap_socket(ours, server_hostname="localhost")
            self.assertEqual(client.version(), "TLSv1.3")
            client.close()
            thread.join()

    def test_nothing_is_overwritten(self):
        for name in ("ca.crt", "ca.key", "tls.crt", "tls.key"):
            with self.subTest(there=name):
                self.out.mkdir(exist_ok=True)
                (self.out / name).write_text("mine")
                done = self.generate(code=1)
                self.assertEqual(done.stdout, "")
                self.assertIn(f"out/{name}: is there already; --force replaces it", done.stderr)
                self.assertEqual([path.name for path in self.out.iterdir()], [name])
                self.assertEqual(self.read(name), "mine")
                (self.out / name).unlink()

    def test_force_replaces(self):
        self.generate()
        before = self.read("tls.key")
        self.generate("--force")
        self.assertNotEqual(self.read("tls.key"), before)
        self.assertEqual(len(list(self.out.iterdir())), 4)

    def test_force_replaces_no_folder(self):
        (self.out / "tls.key").mkdir(parents=True)
        self.assertIn("tls.key: is a directory", self.generate("--force", code=1).stderr)
        self.assertEqual([path.name for path in self.out.iterdir()], ["tls.key"])

    def test_link_is_not_followed(self):
        self.out.mkdir()
        (self.out / "tls.key").symlink_to(self.folder / "elsewhere")
        self.generate("--force")
        self.assertFalse((self.folder / "elsewhere").exists())
        self.assertFalse((self.out / "tls.key").is_symlink())

    def test_disk_that_is_full_leaves_what_was_there(self):
        self.generate()
        before = {path.name: path.read_text() for path in self.out.iterdir()}

        def fill_disk():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))

        done = subprocess.run([PROGRAM, "certs", "generate", "--dns", "localhost", "--out", self.out, "--force"],
                              capture_output=True, text=True, check=False, preexec_fn=fill_disk)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("ca.crt: File too large", done.stderr)
        self.assertEqual({path.name: path.read_text() for path in self.out.iterdir()}, before)

    def test_folder_that_cannot_be_made(self):
        self.out = self.folder / "a" / "b"
        self.assertIn("a/b: No such file or directory", self.generate(code=1).stderr)

    def test_folder_that_is_a_file(self):
        self.out.write_text("")
        self.assertIn("out: Not a directory", self.generate(code=1).stderr)

    def test_usage(self):
        for flags, words in (([], "--dns: NAME is required"), (["--dns", "Upper"], "found 'Upper'"),
                             (["--dns", "*.a"], "without wildcards"), (["--dns", "10.0.0.1"], "given with --ip"),
                             (["--dns", "a..b"], "found 'a..b'"), (["--dns", "a." + 63 * "x" + "y"], "found 'a.x"),
                             (["--dns", "a", "--ip", "1.2.3"], "--ip: found '1.2.3', expected an IP address"),
                             (["--dns", "a", "--valid-for", "0d"], "--valid-for: found '0d'"),
                             (["--dns", "a", "--valid-for", "3651d"], "from 1d to 3650d"), (["--dns", "a", "b"], "found 'b'"),
                             ([item for i in range(33) for item in ("--dns", f"n{i}")], "at most 32"),
                             (["--dns", "a", "--nonsense"], "no such flag")):
            with self.subTest(flags=flags[:4]):
                done = self.generate(*flags, names=(), code=2)
                self.assertIn(words, done.stderr)
                self.assertFalse(self.out.exists())

    def test_help(self):
        done = run("certs", "generate", "--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))


class Certs(unittest.TestCase):
    def test_verbs(self):
        self.assertEqual(run("certs", "--help").returncode, 0)
        self.assertEqual(run("certs").returncode, 2)
        done = run("certs", "make")
        self.assertEqual(done.returncode, 2)
        self.assertIn("certs: found 'make', expected generate or ensure", done.stderr)


if __name__ == "__main__":
    unittest.main()
