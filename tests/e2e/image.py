"""The webhook's own image, as tests/e2e/images/server.sh builds it: what is in it, and that all verbs work as they do
in a pod: without rights, on a root that cannot be written to. That of the other architecture runs by qemu-user-static.

Needs no cluster. $RPW_E2E_DIR/images has the tars.
"""
import gzip
import json
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import tempfile
import unittest
import urllib.request

from cluster import EXAMPLES, ROOT, Server, wait_until

IMAGES = pathlib.Path(os.environ.get("RPW_E2E_DIR", ROOT / "build" / "e2e")) / "images"
NAME = "rucio-policy-webhook"
PROGRAM = f"/usr/bin/{NAME}"
MAX_BYTES = 30_000_000  # of what is in it; it grows with what the libraries need, never by a tool
MACHINES = {"amd64": ("x86_64-linux-gnu", "Advanced Micro Devices X86-64", "x86_64"),
            "arm64": ("aarch64-linux-gnu", "AArch64", "aarch64")}
NATIVE = subprocess.run(["dpkg", "--print-architecture"], check=True, capture_output=True, text=True).stdout.strip()
FOREIGN = next(name for name in MACHINES if name != NATIVE)
POLICY = """\
policies:
  - name: test
    match: {namespaces: [rucio]}
    package: test_rucio_policy_package
    source: {preinstalled: {}}
"""
# As a container gets it: mounts below a root that is then made read-only. $1 is the root, $2 the folder of
# configuration and certificates, $3 one that may be written to, or nothing; then the command.
RUN_AS_A_CONTAINER = """
mount --bind "$1" "$1" && mount --bind "$2" "$1/mnt/given" && mount -o remount,bind,ro "$1/mnt/given" &&
mount -t proc proc "$1/proc" && { [ -z "$3" ] || mount --bind "$3" "$1/mnt/out"; } &&
mount -o remount,bind,ro "$1" || exit 99
root=$1
shift 3
exec setpriv --no-new-privs /usr/sbin/chroot --userspec=65532:65532 --groups= "$root" "$@"
"""
MOUNT_POINTS = ("proc", "mnt/given", "mnt/out")


def setUpModule():
    if "RPW_E2E_KUBECONFIG" in os.environ:
        raise unittest.SkipTest("the images are built for the cluster of scripts/cluster.sh alone")


def project_version():
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    return re.search(r"^project\(rucio-policy-webhook VERSION ([0-9.]+) ", text, re.MULTILINE)[1]


class Image:
    """A docker-archive of one layer: its configuration, what its layer lists, and the layer unpacked."""

    def __init__(self, path, folder):
        self.folder = folder
        self.root = folder / "root"
        with tarfile.open(path) as archive:
            (manifest,) = json.load(archive.extractfile("manifest.json"))
            self.tags = manifest["RepoTags"]
            self.config = json.load(archive.extractfile(manifest["Config"]))
            (layer,) = manifest["Layers"]
            archive.extract(layer, folder)
        self.layer = folder / layer
        with tarfile.open(self.layer) as content:
            self.members = {"/" + member.name.rstrip("/"): member for member in content.getmembers()}
            content.extractall(self.root, numeric_owner=True)

    def file(self, path):
        return self.root / path.lstrip("/")

    def read(self, path):
        return self.file(path).read_text(encoding="utf-8")

    def stanzas(self):
        """The entries of dpkg's database, by name."""
        folder = self.file("/var/lib/dpkg/status.d")
        return {path.name: dict(re.findall(r"^([A-Z][\w-]*): (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE))
                for path in folder.iterdir()}

    def files_in(self, pattern):
        return sorted(path for path, member in self.members.items()
                      if re.fullmatch(pattern, path) and not member.isdir())


class Recipe(unittest.TestCase):
    def test_names_the_version_of_the_project(self):
        text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
        self.assertEqual(set(re.findall(r"^ARG VERSION=(.*)$", text, re.MULTILINE)), {project_version()})
        self.assertEqual(set(re.findall(rf"{NAME}:([0-9.]+)", text)), {project_version()})

    def test_refuses_other_architectures(self):
        done = subprocess.run([ROOT / "scripts" / "image" / "install-packages.sh", "riscv64"], capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("the architecture is 'riscv64'; expected amd64 or arm64", done.stderr)


class ImageCase:
    """Of every image; the classes at the end of this file say which."""
    architecture = None
    tar = None
    prefix = ()  # what the program is started with

    @classmethod
    def setUpClass(cls):
        cls.triplet, cls.machine, _ = MACHINES[cls.architecture]
        folder = pathlib.Path(tempfile.mkdtemp(prefix="rpw-image-"))
        cls.addClassCleanup(shutil.rmtree, folder)
        cls.image = Image(IMAGES / cls.tar, folder)


class Contents(ImageCase):
    def test_configuration(self):
        config = self.image.config["config"]
        self.assertEqual((self.image.config["architecture"], self.image.config["os"]), (self.architecture, "linux"))
        self.assertEqual(self.image.tags, [f"localhost/{NAME}:{project_version()}"])
        self.assertEqual((config["Entrypoint"], config.get("Cmd"), config["User"]), ([PROGRAM], None, "65532:65532"))
        self.assertEqual([name for name in ("Volumes", "ExposedPorts", "WorkingDir") if config.get(name)], [])

    def test_labels(self):
        labels = {name.removeprefix("org.opencontainers.image."): value
                  for name, value in self.image.config["config"]["Labels"].items()}
        self.assertEqual((labels["title"], labels["version"]), (NAME, project_version()))
        self.assertEqual(labels["licenses"], "Apache-2.0")
        self.assertIn("Rucio policy packages", labels["description"])
        self.assertTrue({"revision", "source", "base.name"} <= set(labels))

    def test_files_are_the_expected_ones(self):
        packages = set(self.image.stanzas())
        expected = [
            PROGRAM, "/lib", "/lib64", "/etc/(passwd|group|nsswitch.conf)", "/(etc|usr/lib)/os-release",
            "/etc/debian_version", rf"/usr/lib/{self.triplet}/(ld-linux-[\w.-]+|lib[\w.-]+\.so\.\d+)",
            r"/usr/lib(64)?/ld-linux-[\w-]+\.so\.\d",
            r"/usr/share/common-licenses/[\w.-]+", rf"/usr/share/doc/{NAME}/(copyright|sbom.spdx.json)",
            f"/usr/share/doc/({'|'.join(re.escape(name) for name in packages)})/copyright",
            f"/var/lib/dpkg/status.d/({'|'.join(re.escape(name) for name in packages)})"]
        unexpected = [path for path in self.image.files_in(".*")
                      if not any(re.fullmatch(pattern, path) for pattern in expected)]
        self.assertEqual(unexpected, [])

    def test_only_the_program_and_the_loader_are_to_be_executed(self):
        loader, libc = (f"/usr/lib/{self.triplet}/{pattern}" for pattern in (r"ld-linux-.*", r"libc\.so\.6"))
        executable = [path for path in self.image.files_in(".*")
                      if self.image.members[path].isfile() and self.image.members[path].mode & 0o111]
        others = [path for path in executable if not re.fullmatch(f"{PROGRAM}|{loader}|{libc}", path)]
        self.assertEqual(others, [])

    def test_everything_is_roots_and_nobody_elses_to_write(self):
        for path, member in self.image.members.items():
            with self.subTest(path=path):
                self.assertEqual((member.uid, member.gid), (0, 0))
                self.assertTrue(member.isfile() or member.isdir() or member.issym(), "a device, a pipe or a hard link")
                if not member.issym():
                    self.assertIn(member.mode & 0o7777, (0o755, 0o644, 0o555))

    def test_every_link_leads_to_a_file_of_the_image(self):
        for path in self.image.files_in(".*"):
            if self.image.members[path].issym():
                target = os.readlink(self.image.file(path))
                self.assertTrue((self.image.root / target.lstrip("/") if target.startswith("/")
                                 else self.image.file(path).parent / target).exists(), f"{path} -> {target}")

    def test_all_is_machine_code_of_the_architecture_and_the_libraries_are_complete(self):
        present = {pathlib.Path(path).name for path in self.image.files_in(f"/usr/lib/{self.triplet}/.*")}
        needed = set()
        for path in [PROGRAM, *self.image.files_in(f"/usr/lib/{self.triplet}/.*")]:
            done = subprocess.run(["readelf", "--wide", "-h", "-d", self.image.file(path)], check=True,
                                  capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
            self.assertRegex(done.stdout, rf"Machine:\s+{self.machine}", path)
            needed |= set(re.findall(r"\(NEEDED\).*\[(.+)\]", done.stdout))
        self.assertEqual(present, needed)  # nor is there one that nobody needs

    def test_size(self):
        size = sum(member.size for member in self.image.members.values())
        compressed = len(gzip.compress(self.image.layer.read_bytes()))
        print(f"{self.architecture}: {size / 1e6:.1f} MB in {len(self.image.files_in('.*'))} files, "
              f"{compressed / 1e6:.1f} MB compressed, {len(self.image.stanzas())} packages")
        self.assertLess(size, MAX_BYTES)

    def test_scanners_find_distribution_and_packages(self):
        self.assertIn('VERSION_ID="12"', self.image.read("/etc/os-release"))
        for name, stanza in self.image.stanzas().items():
            with self.subTest(package=name):
                self.assertEqual((stanza["Package"], stanza["Status"]), (name, "install ok installed"))
                self.assertIn(stanza["Architecture"], (self.architecture, "all"))
                self.assertTrue(stanza["Version"])

    def test_accounts_have_no_shell(self):
        self.assertEqual(self.image.read("/etc/passwd").splitlines(), [
            "root:x:0:0:root:/:/sbin/nologin", "nonroot:x:65532:65532:nonroot:/:/sbin/nologin"])


class Bill(ImageCase):
    """The SBOM: SPDX 2.3."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.document = json.loads(cls.image.read(f"/usr/share/doc/{NAME}/sbom.spdx.json"))
        cls.packages = {package["name"]: package for package in cls.document["packages"]}

    def test_head(self):
        self.assertEqual((self.document["spdxVersion"], self.document["dataLicense"], self.document["SPDXID"]),
                         ("SPDX-2.3", "CC0-1.0", "SPDXRef-DOCUMENT"))
        self.assertRegex(self.document["creationInfo"]["created"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertRegex(self.document["documentNamespace"], r"^urn:uuid:[0-9a-f-]{36}$")

    def test_names_every_package_with_version_and_licence(self):
        stanzas = self.image.stanzas()
        self.assertEqual(set(self.packages), set(stanzas) | {NAME})
        texts = {license_["licenseId"]: license_["extractedText"]
                 for license_ in self.document["hasExtractedLicensingInfos"]}
        for name, stanza in stanzas.items():
            with self.subTest(package=name):
                package = self.packages[name]
                self.assertEqual(package["versionInfo"], stanza["Version"])
                (reference,) = package["externalRefs"]
                self.assertIn(f"pkg:deb/debian/{name.replace('+', '%2B')}@", reference["referenceLocator"])
                self.assertEqual(texts[package["licenseDeclared"]], self.image.read(f"/usr/share/doc/{name}/copyright"))
        self.assertEqual({package["licenseDeclared"] for package in self.packages.values()}, {"Apache-2.0", *texts})

    def test_names_the_program(self):
        program = self.packages[NAME]
        done = subprocess.run(["sha256sum", self.image.file(PROGRAM)], check=True, capture_output=True, text=True)
        self.assertEqual((program["versionInfo"], program["licenseDeclared"]), (project_version(), "Apache-2.0"))
        self.assertEqual(program["checksums"], [{"algorithm": "SHA256", "checksumValue": done.stdout.split()[0]}])

    def test_relates_them(self):
        relations = {(relation["spdxElementId"], relation["relationshipType"], relation["relatedSpdxElement"])
                     for relation in self.document["relationships"]}
        program = self.packages[NAME]["SPDXID"]
        self.assertEqual(relations, {("SPDXRef-DOCUMENT", "DESCRIBES", program)} | {
            (program, "DEPENDS_ON", package["SPDXID"]) for name, package in self.packages.items() if name != NAME})


class Verbs(ImageCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for path in MOUNT_POINTS:
            (cls.image.root / path).mkdir(parents=True)
        if cls.prefix:
            emulator = cls.prefix[0].lstrip("/")
            shutil.copy(f"/usr/bin/qemu-{MACHINES[cls.architecture][2]}-static", cls.image.root / emulator)
        cls.given, cls.out = cls.image.folder / "given", cls.image.folder / "out"
        cls.image.folder.chmod(0o755)
        cls.given.mkdir()
        cls.out.mkdir()
        os.chown(cls.out, 65532, 65532)
        (cls.given / "policy.yaml").write_text(POLICY, encoding="utf-8")

    def command(self, *arguments, out=""):
        return ["unshare", "--mount", "sh", "-c", RUN_AS_A_CONTAINER, "sh", str(self.image.root), str(self.given),
                str(out), *self.prefix, PROGRAM, *arguments]

    def run_program(self, *arguments, text="", out=""):
        return subprocess.run(self.command(*arguments, out=out), input=text, capture_output=True, text=True,
                              timeout=120, check=False, env={"PATH": "/usr/bin:/bin"})

    def run_verb(self, *arguments, text="", out=""):
        done = self.run_program(*arguments, text=text, out=out)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_nothing_can_be_written(self):
        for folder in ("/", "/etc", "/mnt/given"):
            done = self.run_program("certs", "generate", "--dns", "localhost", "--out", folder)
            self.assertEqual(done.returncode, 1)
            self.assertIn("Read-only file system", done.stderr)

    def test_version(self):
        self.assertTrue(self.run_verb("version").startswith(f"{NAME} {project_version()}\n"))

    def test_check(self):
        self.assertIn("policy.yaml is right: 1 policy", self.run_verb("check", "/mnt/given/policy.yaml"))
        example = (EXAMPLES / "policy.yaml").read_text(encoding="utf-8")
        self.assertIn("2 policies", self.run_verb("check", "-", text=example))

    def test_mutate(self):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "rucio"},
               "spec": {"containers": [{"name": "rucio-server", "image": "none"}]}}
        answer = json.loads(self.run_verb("mutate", "--config", "/mnt/given/policy.yaml", text=json.dumps(pod)))
        self.assertIn({"name": "RUCIO_POLICY_PACKAGE", "value": "test_rucio_policy_package"},
                      answer["spec"]["containers"][0]["env"])

    def test_audit(self):
        pods = {"apiVersion": "v1", "kind": "PodList", "items": [{"metadata": {"name": "other"}, "spec": {"containers": [{"name": "other"}]}}]}
        self.assertIn('"drift"', self.run_verb("audit", "--config", "/mnt/given/policy.yaml", "-f", "-", "-o", "json",
                                               text=json.dumps(pods)))

    def test_certificates_and_serving(self):
        self.run_verb("certs", "generate", "--dns", "localhost", "--ip", "127.0.0.1", "--out", "/mnt/out", out=self.out)
        for name in ("tls.crt", "tls.key", "ca.crt"):
            shutil.copy(self.out / name, self.given / name)
        os.chown(self.given / "tls.key", 65532, 65532)
        self.certificate = str(self.given / "ca.crt")  # the authority that the client trusts

        command = self.command(
            "serve", "--config", "/mnt/given/policy.yaml", "--tls-cert", "/mnt/given/tls.crt", "--tls-key",
            "/mnt/given/tls.key", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--drain-delay", "0s")
        with Server(self, command=command) as server:
            with server.connect() as client:
                answer = json.loads(client.post().text)
                self.assertEqual(answer["response"]["patchType"], "JSONPatch")
            wait_until(lambda: server.get_ops("/readyz").status == 200, "the server is ready")
            address = f"http://127.0.0.1:{server.ops_port}/metrics"
            with urllib.request.urlopen(address, timeout=60) as response:
                metrics = response.read().decode()
            self.assertIn('rpw_policy_injections_total{policy="test"} 1\n', metrics)
            self.assertRegex(metrics, r"(?m)^process_resident_memory_bytes [1-9]")


class Native:
    architecture, tar = NATIVE, "server.tar"


class Foreign:
    architecture, tar, prefix = FOREIGN, "foreign/server.tar", ("/emulator",)


class NativeContents(Native, Contents, unittest.TestCase):
    pass


class NativeBill(Native, Bill, unittest.TestCase):
    pass


class NativeVerbs(Native, Verbs, unittest.TestCase):
    pass


class ForeignContents(Foreign, Contents, unittest.TestCase):
    pass


class ForeignBill(Foreign, Bill, unittest.TestCase):
    pass


class ForeignVerbs(Foreign, Verbs, unittest.TestCase):
    pass


if __name__ == "__main__":
    unittest.main()
