#!/usr/bin/python3
"""package-image.py OUTPUT NAME:TAG FOLDER|WHEEL - makes an image of policy packages, for a volume of kind image.

The image's root is the folder, or what a wheel installs. OUTPUT is an OCI image layout in one tar, for amd64 and arm64,
which `ctr images import` and `skopeo copy --all --preserve-digests oci-archive:OUTPUT docker://NAME:TAG` read. The same
files make the same digest, whenever, wherever and by whom: they belong to root, everybody may read them, and their
times are 0.
`__pycache__` and `.git` are left out. Prints NAME@DIGEST, by which a configuration pins it.
"""

import hashlib
import io
import json
import os
import pathlib
import sys
import tarfile
import zipfile

PLATFORMS = ("amd64", "arm64")
LEFT_OUT = ("__pycache__", ".git")
MEDIA_TYPE = "application/vnd.oci.image."


class Refusal(Exception):
    """What is wrong with what was given; its text is for a person."""


def read_folder(folder):
    """(name, is executable, data) of each file."""
    for where, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in LEFT_OUT]
        for path in (pathlib.Path(where, name) for name in files + folders):
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise Refusal(f"{path}: is neither a file nor a directory; an image volume is to hold those alone")
            if path.is_file():
                yield str(path.relative_to(folder)), bool(path.stat().st_mode & 0o100), path.read_bytes()


def read_wheel(path):
    try:
        with zipfile.ZipFile(path) as wheel:
            for entry in wheel.infolist():
                if ".data/" in entry.filename:
                    raise Refusal(f"{path}: {entry.filename}: goes elsewhere when it is installed; use pip install "
                                  "--target FOLDER, and the folder")
                if not entry.is_dir():
                    yield entry.filename, False, wheel.read(entry)
    except zipfile.BadZipFile as error:
        raise Refusal(f"{path}: is neither a folder nor a wheel: {error}") from None


def entry_of(name, size, mode=0o644):
    info = tarfile.TarInfo(name)  # by itself mtime 0, owner 0
    info.size, info.mode = size, mode
    return info


def make_tar(files):
    """The bytes of a tar of (name, is executable, data), and of the directories that they need."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT) as archive:
        made = set()
        for name, is_executable, data in sorted(files):
            for above in reversed(pathlib.PurePosixPath(name).parents[:-1]):
                if above not in made:
                    made.add(above)
                    info = entry_of(str(above), 0, 0o755)
                    info.type = tarfile.DIRTYPE
                    archive.addfile(info)
            archive.addfile(entry_of(name, len(data), 0o755 if is_executable else 0o644), io.BytesIO(data))
    return output.getvalue()


class Layout:
    """The blobs of an image layout."""

    def __init__(self):
        self.blobs = {}

    def add(self, media_type, data, **fields):
        """Its descriptor; data are bytes, or an object that becomes JSON."""
        if not isinstance(data, bytes):
            data = json.dumps(data, sort_keys=True).encode()
        digest = hashlib.sha256(data).hexdigest()
        self.blobs[digest] = data
        return {"mediaType": MEDIA_TYPE + media_type, "digest": f"sha256:{digest}", "size": len(data), **fields}

    def add_manifest(self, architecture, layer):
        config = self.add("config.v1+json", {"architecture": architecture, "os": "linux", "config": {},
                                             "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]}})
        return self.add("manifest.v1+json", {"schemaVersion": 2, "mediaType": MEDIA_TYPE + "manifest.v1+json",
                                             "config": config, "layers": [layer]},
                        platform={"architecture": architecture, "os": "linux"})

    def add_index(self, layer):
        manifests = [self.add_manifest(architecture, layer) for architecture in PLATFORMS]
        return self.add("index.v1+json", {"schemaVersion": 2, "mediaType": MEDIA_TYPE + "index.v1+json",
                                          "manifests": manifests})

    def archive(self, name, index):
        """The layout as a tar, whose only image has that name."""
        tag = name.rpartition(":")[2]
        annotations = {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": tag}
        top = {"schemaVersion": 2, "manifests": [{**index, "annotations": annotations}]}
        return make_tar([("oci-layout", False, b'{"imageLayoutVersion": "1.0.0"}'),
                         ("index.json", False, json.dumps(top, sort_keys=True).encode()),
                         *((f"blobs/sha256/{digest}", False, data) for digest, data in self.blobs.items())])


def main(output, name, source):
    repository, separator, tag = name.rpartition(":")
    if not separator or "/" in tag or not repository or "@" in name:
        raise Refusal(f"{name}: is not NAME:TAG")
    files = list(read_folder(source) if os.path.isdir(source) else read_wheel(source))
    if not files:
        raise Refusal(f"{source}: holds no file")
    layout = Layout()
    index = layout.add_index(layout.add("layer.v1.tar", make_tar(files)))
    pathlib.Path(output).write_bytes(layout.archive(name, index))
    print(f"{repository}@{index['digest']}")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except (Refusal, OSError) as refusal:
        sys.exit(f"package-image.py: {refusal}")
