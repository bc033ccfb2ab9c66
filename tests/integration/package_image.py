"""scripts/package-image.py: what is in the image, that the same files make the same one, and what it refuses."""
import hashlib
import io
import json
import os
import pathlib
import subprocess
import tarfile
import tempfile
import unittest
import zipfile

from support import ROOT

FILES = {"atlas_policy/__init__.py": "x = 1\n", "atlas_policy/deep/permission.py": "", "a" * 120 + ".txt": "long"}


def blob(archive, descriptor):
    data = archive.extractfile("blobs/" + descriptor["digest"].replace(":", "/")).read()
    assert "sha256:" + hashlib.sha256(data).hexdigest() == descriptor["digest"] and len(data) == descriptor["size"]
    return data


class PackageImage(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.output = self.folder / "image.tar"

    def make_folder(self, name, umask=0o022, files=None):
        before = os.umask(umask)
        try:
            for path, text in (files or FILES).items():
                file = self.folder / name / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
        finally:
            os.umask(before)
        return self.folder / name

    def make_wheel(self, *more):
        path = self.folder / "atlas_policy-1.0-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as wheel:
            for name in (*FILES, *more):
                wheel.writestr(name, FILES.get(name, ""))
        return path

    def run_script(self, source, name="registry.example.org/atlas-policy:1"):
        return subprocess.run([ROOT / "scripts" / "package-image.py", self.output, name, source], capture_output=True,
                              text=True, timeout=60, check=False)

    def make(self, source):
        done = self.run_script(source)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout, self.output.read_bytes()

    def assert_refused(self, source, words, **options):
        done = self.run_script(source, **options)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertRegex(done.stderr, r"\Apackage-image.py: [^\n]*" + words)
        self.assertFalse(self.output.exists())

    def layers(self):
        """By architecture: the layer's entries."""
        with tarfile.open(self.output) as archive:
            top = json.load(archive.extractfile("index.json"))["manifests"][0]
            manifests = json.loads(blob(archive, top))["manifests"]
            result = {}
            for descriptor in manifests:
                manifest = json.loads(blob(archive, descriptor))
                config = json.loads(blob(archive, manifest["config"]))
                layer = blob(archive, manifest["layers"][0])
                self.assertEqual(config["rootfs"]["diff_ids"], [manifest["layers"][0]["digest"]])
                self.assertEqual(config["architecture"], descriptor["platform"]["architecture"])
                with tarfile.open(fileobj=io.BytesIO(layer)) as files:
                    result[config["architecture"]] = [
                        (entry.name, oct(entry.mode), entry.uid, entry.mtime, entry.isdir()) for entry in files]
            return result

    def test_it_holds_the_files_of_a_folder_as_roots_for_everybody_to_read(self):
        folder = self.make_folder("one", umask=0o077)
        (folder / "run").write_text("")
        (folder / "run").chmod(0o700)
        self.make(folder)
        expected = [("a" * 120 + ".txt", "0o644", 0, 0, False), ("atlas_policy", "0o755", 0, 0, True),
                    ("atlas_policy/__init__.py", "0o644", 0, 0, False), ("atlas_policy/deep", "0o755", 0, 0, True),
                    ("atlas_policy/deep/permission.py", "0o644", 0, 0, False), ("run", "0o755", 0, 0, False)]
        self.assertEqual(self.layers(), {"amd64": expected, "arm64": expected})

    def test_same_files_make_the_same_image(self):
        first = self.make(self.make_folder("one"))
        files = {**dict(reversed(FILES.items())), "atlas_policy/__pycache__/x.pyc": "x", ".git/HEAD": "x"}
        second = self.make_folder("two", umask=0o077, files=files)
        os.utime(second / "atlas_policy" / "__init__.py", (1, 1))
        self.assertEqual(self.make(second), first)
        self.assertEqual(self.make(self.make_wheel()), first)

    def test_it_prints_the_digest_by_which_it_is_pinned(self):
        printed, _ = self.make(self.make_folder("one"))
        with tarfile.open(self.output) as archive:
            top = json.load(archive.extractfile("index.json"))["manifests"][0]
        self.assertEqual(printed, f"registry.example.org/atlas-policy@{top['digest']}\n")
        self.assertEqual(top["annotations"]["io.containerd.image.name"], "registry.example.org/atlas-policy:1")

    def test_links_are_refused_by_name(self):
        folder = self.make_folder("one")
        (folder / "link").symlink_to("atlas_policy")
        self.assert_refused(folder, "one/link: is neither a file nor a directory")

    def test_wheel_with_files_that_go_elsewhere_is_refused(self):
        self.assert_refused(self.make_wheel("atlas_policy-1.0.data/scripts/x"), "data/scripts/x: goes elsewhere")

    def test_what_is_no_source_is_refused(self):
        (self.folder / "text").write_text("text")
        (self.folder / "empty").mkdir()
        for name, words in (("text", "is neither a folder nor a wheel"), ("missing", "No such file or directory"),
                            ("empty", "holds no file")):
            with self.subTest(name):
                self.assert_refused(self.folder / name, words)

    def test_name_needs_a_tag(self):
        folder = self.make_folder("one")
        for name in ("atlas-policy", "registry.example.org:5000/atlas-policy", "a@sha256:00"):
            with self.subTest(name):
                self.assert_refused(folder, "is not NAME:TAG", name=name)


if __name__ == "__main__":
    unittest.main()
