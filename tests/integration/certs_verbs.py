"""`certs generate` and `certs show`, with files; OpenSSL's own tool is the judge of what was made."""

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

    def show(self, text, code=0):
        path = self.folder / "shown.pem"
        path.write_text(text)
        done = run("certs", "show", str(path))
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
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
        self.generate("--days", "2")
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
        for flags, words in (([], "--dns: found '', expected at least one name"), (["--dns", "Upper"], "found 'Upper'"),
                             (["--dns", "*.a"], "without wildcards"), (["--dns", "10.0.0.1"], "given with --ip"),
                             (["--dns", "a..b"], "found 'a..b'"), (["--dns", "a." + 63 * "x" + "y"], "found 'a.x"),
                             (["--dns", "a", "--ip", "1.2.3"], "--ip: found '1.2.3', expected an IP address"),
                             (["--dns", "a", "--days", "0"], "--days: found '0'"),
                             (["--dns", "a", "--days", "3651"], "from 1 to 3650"), (["--dns", "a", "b"], "found 'b'"),
                             ([item for i in range(33) for item in ("--dns", f"n{i}")], "at most 32"),
                             (["--nonsense"], "Usage:")):
            with self.subTest(flags=flags[:4]):
                done = self.generate(*flags, names=(), code=2)
                self.assertIn(words, done.stderr)
                self.assertFalse(self.out.exists())

    def test_help(self):
        done = run("certs", "generate", "--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))


class Show(CertsCase):
    def setUp(self):
        super().setUp()
        self.generate("--ip", "127.0.0.1", "--days", "10")

    def test_facts(self):
        shown = self.show(self.read("tls.crt")).stdout
        for words in ("1. certificate\n", "CN=localhost\n", "CN=rucio-policy-webhook authority\n", "DNS:localhost\n",
                      "IP:127.0.0.1\n", "EC P-256\n", " days left\n", "none of this file"):
            self.assertIn(words, shown)
        fingerprint = self.describe("tls.crt", "-fingerprint", "-sha256").rpartition("=")[2].replace(":", "").lower()
        self.assertIn(fingerprint, shown)

    def test_chain_in_order(self):
        shown = self.show(self.read("tls.crt") + self.read("ca.crt")).stdout
        self.assertIn("signed by   number 2\n", shown)
        self.assertIn("2. authority\n", shown)
        self.assertIn("a chain in the right order", shown)

    def test_chain_with_a_stranger(self):
        mine = self.read("tls.crt")
        self.generate("--force")
        self.assertIn("number 1 is not signed by number 2", self.show(mine + self.read("ca.crt")).stdout)

    def test_keys_are_not_shown(self):
        shown = self.show(self.read("tls.key")).stdout
        self.assertEqual(shown, "This is a private key: nothing is shown.\n")
        shown = self.show(self.read("tls.key") + self.read("tls.crt")).stdout
        self.assertIn("There is a private key, too: nothing of it is shown.", shown)
        self.assertNotIn(self.read("tls.key").splitlines()[1], shown)

    def test_certificates_of_other_times(self):
        key = self.out / "tls.key"
        config = self.folder / "ca.cnf"
        config.write_text(f"[ca]\ndefault_ca=d\n[d]\ndatabase={self.folder}/index\nnew_certs_dir={self.folder}\n"
                          "rand_serial=yes\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n")
        subprocess.run(["openssl", "req", "-new", "-key", key, "-subj", "/CN=x", "-out", self.folder / "r"], check=True)
        for begin, end, words in (("20200101000000Z", "20200201000000Z", "EXPIRED"),
                                  ("21000101000000Z", "21000201000000Z", "NOT YET VALID")):
            with self.subTest(words=words):
                (self.folder / "index").write_text("")
                made = subprocess.run(["openssl", "ca", "-batch", "-selfsign", "-notext", "-config", config, "-keyfile", key,
                                       "-in", self.folder / "r", "-startdate", begin, "-enddate", end],
                                      check=True, capture_output=True, text=True).stdout
                shown = self.show(self.read("tls.crt") + made, code=1).stdout
                self.assertIn(words, shown)
                self.assertIn("none: no client accepts it for a server", shown)

    def test_what_is_no_certificate(self):
        damaged = self.read("tls.crt").replace("\nM", "\nA", 1)
        for text, words in (("", "found nothing"), ("hello\n", "found no certificate in PEM form"),
                            (self.read("tls.crt")[:300], "damaged or has no end"), (damaged, "cannot be read as one"),
                            (self.read("tls.crt") * 65, "more than 64 certificates")):
            with self.subTest(words=words):
                self.assertIn(words, self.show(text, code=1).stderr)

    def make(self, extension, *algorithm):
        return subprocess.run(["openssl", "req", "-x509", "-newkey", *algorithm, "-nodes", "-keyout", self.folder / "k",
                               "-subj", "/CN=x", "-addext", extension], check=True, capture_output=True, text=True).stdout

    def test_other_keys_and_names(self):
        shown = self.show(self.make("subjectAltName=email:a@b,DNS:c", "rsa:2048")).stdout
        self.assertIn("RSA 2048 bits\n", shown)
        self.assertIn("other:1\n", shown)
        self.assertIn("itself", shown)

    def test_too_many_names(self):
        names = ",".join(f"DNS:n{i}" for i in range(129))
        self.assertIn("more than 128 names", self.show(self.make(f"subjectAltName={names}", "rsa:2048"), code=1).stderr)

    def test_file_that_is_not_there(self):
        done = run("certs", "show", "nowhere.pem")
        self.assertEqual((done.returncode, done.stderr), (1, "nowhere.pem: cannot be read: No such file or directory\n"))

    def test_file_that_is_too_long(self):
        self.assertIn("more than 1048576 bytes", self.show(2**20 * "x" + "x", code=1).stderr)

    def test_usage(self):
        for arguments in ((), ("a", "b"), ("--x",)):
            self.assertEqual(run("certs", "show", *arguments).returncode, 2)
        self.assertEqual(run("certs", "show", "--help").returncode, 0)


class Certs(unittest.TestCase):
    def test_verbs(self):
        self.assertEqual(run("certs", "--help").returncode, 0)
        self.assertEqual(run("certs").returncode, 2)
        done = run("certs", "make")
        self.assertEqual(done.returncode, 2)
        self.assertIn("there is no verb 'make'", done.stderr)


if __name__ == "__main__":
    unittest.main()
