"""What the tests of the server share: busy clients, files as Kubernetes mounts them, an authority, metrics."""
import base64
import json
import os
import shutil
import ssl
import subprocess
import threading

from prometheus_client.parser import text_string_to_metric_families
from support import CONFIG, Folder


class BusyClient(threading.Thread):
    """Sends one review after the other, on a new connection when the server ends one, until it is told to stop. That it
    cannot connect is a failure, or, for a server that is stopped meanwhile, its end."""

    def __init__(self, connect, outlives_server=False):
        super().__init__()
        self.connect = connect
        self.outlives_server = outlives_server
        self.wants_end = False
        self.answered = 0
        self.told_to_close = 0
        self.failures = []
        self.start()

    def run(self):
        while not self.failures and not self.wants_end:
            try:
                client = self.connect()
            except OSError as error:
                if not self.outlives_server:
                    self.failures.append(repr(error))
                return
            with client:
                self.use(client)

    def stop(self):
        self.wants_end = True
        self.join()

    def use(self, client):
        while not self.wants_end:
            try:
                response = client.post()
            except (OSError, ValueError) as error:
                self.failures.append(repr(error))
                return
            if response.status != 200:
                self.failures.append(f"{response.status} {response.text}")
            self.answered += 1
            if response.ends_connection:
                self.told_to_close += 1
                return


class Volume:
    """A folder in which files appear as in a ConfigMap or Secret that Kubernetes has mounted: each name is a symbolic
    link through `..data` to a folder that is never changed, and an update renames a new `..data` over the old one."""

    def __init__(self, path):
        self.path = path
        self.generation = 0
        path.mkdir()

    def file(self, name):
        return str(self.path / name)

    def publish(self, files):
        self.generation += 1
        data, new = self.path / "..data", self.path / f"..{self.generation}"
        old = os.readlink(data) if data.is_symlink() else None
        new.mkdir()
        for name, content in files.items():
            (new / name).write_bytes(content)
        os.symlink(new.name, self.path / "..data_tmp")
        os.rename(self.path / "..data_tmp", data)
        for name in files:
            if not (self.path / name).is_symlink():
                os.symlink(f"..data/{name}", self.path / name)
        if old is not None:
            shutil.rmtree(self.path / old)


class Authority:
    """Signs certificates; its own is the file `certificate`."""

    def __init__(self, path, name):
        self.path = path
        self.name = name
        self.certificate = str(path / f"{name}.crt")
        self.make(self.certificate, str(path / f"{name}.key"), [
            "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign"])

    @staticmethod
    def make(certificate, key, options):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-keyout", key, "-out", certificate, *options], check=True, capture_output=True)

    def sign(self, name, purpose="serverAuth"):
        """The files of a new certificate and its key."""
        certificate, key = str(self.path / f"{name}.crt"), str(self.path / f"{name}.key")
        self.make(certificate, key, [
            "-CA", self.certificate, "-CAkey", str(self.path / f"{self.name}.key"), "-subj", f"/CN={name}",
            "-addext", "basicConstraints=critical,CA:FALSE", "-addext", f"extendedKeyUsage={purpose}",
            "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        return certificate, key


def pair_of(certificate, key):
    """What a Secret of type kubernetes.io/tls holds."""
    return {"tls.crt": read(certificate), "tls.key": read(key)}


def read(path):
    with open(path, "rb") as file:
        return file.read()


class MountedFolder(Folder):
    """As Folder, with configuration and certificate in volumes, and the certificate signed by an authority."""

    def __init__(self):
        super().__init__()
        self.authority = Authority(self.path, "authority")
        self.tls = Volume(self.path / "mounted-tls")
        self.policies = Volume(self.path / "mounted-config")
        self.tls.publish(pair_of(*self.authority.sign("first")))
        self.publish_package("first")
        self.certificate, self.key = self.tls.file("tls.crt"), self.tls.file("tls.key")
        self.config = self.policies.file("config.yaml")

    def publish_package(self, package):
        self.policies.publish({"config.yaml": config_with(package).encode()})

    def context(self):
        return ssl.create_default_context(cafile=self.authority.certificate)


def config_with(package, name="test"):
    return CONFIG.replace("test_rucio_policy_package", package).replace("name: test", f"name: {name}")


def package_of(response):
    """The package's name in the patch of an answer."""
    patch = base64.b64decode(json.loads(response.body)["response"]["patch"])
    for operation in json.loads(patch):
        entries = operation.get("value")
        for entry in entries if isinstance(entries, list) else [entries]:
            if isinstance(entry, dict) and entry.get("name") == "RUCIO_POLICY_PACKAGE":
                return entry["value"]
    return None


def served_certificate(server):
    """The certificate that a new connection is shown, in DER form."""
    with server.connect() as client:
        return client.socket.getpeercert(binary_form=True)


def der_of(certificate):
    """The first certificate of a PEM file."""
    return ssl.PEM_cert_to_DER_cert(read(certificate).decode("ascii"))


def families(server):
    """The metrics, by name of the family, as an independent parser sees them."""
    response = server.get_ops("/metrics")
    assert response.status == 200, response.text
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8", response.headers
    return {family.name: family for family in text_string_to_metric_families(response.text)}


def metric(server, name, **labels):
    """The value of one series, or None."""
    for family in families(server).values():
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return sample.value
    return None
