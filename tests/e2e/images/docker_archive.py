#!/usr/bin/python3
"""docker_archive.py OUTPUT NAME:TAG CONFIG LAYER... - writes a docker-archive, which `ctr images import` reads.

CONFIG is a JSON object: Entrypoint, Cmd, Env, WorkingDir ... as in the image specification. Each LAYER is an
uncompressed tar, the lowest first. Nothing in the result depends on when, where or by whom it was made.
"""

import hashlib
import io
import json
import subprocess
import sys
import tarfile


def sha256_of_file(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def entry(name, size):
    info = tarfile.TarInfo(name)  # by itself mtime 0, owner 0, mode 0644
    info.size = size
    return info


def add_text(archive, name, text):
    data = text.encode()
    archive.addfile(entry(name, len(data)), io.BytesIO(data))


def main(output, tag, config, layers):
    digests = [sha256_of_file(layer) for layer in layers]
    architecture = subprocess.run(["dpkg", "--print-architecture"], check=True, capture_output=True, text=True)
    image = json.dumps({
        "architecture": architecture.stdout.strip(),
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": json.loads(config),
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest for digest in digests]},
        "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "tests/e2e/images/build.sh"} for _ in layers],
    }, sort_keys=True)
    image_name = hashlib.sha256(image.encode()).hexdigest() + ".json"
    layer_names = [digest + "/layer.tar" for digest in digests]
    manifest = [{"Config": image_name, "RepoTags": [tag], "Layers": layer_names}]

    with open(output, "wb") as file, tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as archive:
        add_text(archive, "manifest.json", json.dumps(manifest, sort_keys=True))
        add_text(archive, image_name, image)
        for layer, name in zip(layers, layer_names):
            with open(layer, "rb") as data:
                size = data.seek(0, io.SEEK_END)
                data.seek(0)
                archive.addfile(entry(name, size), data)


if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])
