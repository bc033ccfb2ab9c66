"""`mutate` reads and writes YAML as kubectl does: generated documents, with kubectl as the judge.

RPW_YAML_DOCUMENTS says how many, RPW_YAML_SEED from where on; scripts/fuzz-yaml.sh runs many."""
import json
import os
import re
import shutil
import subprocess
import unittest

from generated_yaml import Document
from offline import Offline

KUBECTL = shutil.which("kubectl")
COUNT = int(os.environ.get("RPW_YAML_DOCUMENTS", "400"))
SEED = int(os.environ.get("RPW_YAML_SEED", "1"))
BATCH = 200
CONFIGURATION = """\
policies:
  - name: atlas
    match: {namespaces: [rucio-atlas]}
    package: atlas_policy
    source: {volume: {persistentVolumeClaim: {claimName: atlas-policy}}}
"""


def number_of(text):
    """Whole numbers of more than 64 bits are floating-point numbers in Go."""
    return int(text) if -2**63 <= int(text) < 2**63 else float(text)


def values_of(text):
    """JSON values one after the other."""
    decoder, values, at = json.JSONDecoder(parse_int=number_of), [], 0
    while at < len(text.rstrip()):
        value, at = decoder.raw_decode(text, at + len(text[at:]) - len(text[at:].lstrip()))
        values.append(value)
    return values


@unittest.skipUnless(KUBECTL, "no kubectl")
class Kubectl(Offline):
    maxDiff = None

    def kubectl(self, path, form="json"):
        return subprocess.run([KUBECTL, "annotate", "--local", "-f", path, "mark=1", "-o", form], cwd=self.folder,
                              capture_output=True, text=True, check=False)

    def read_by_kubectl(self, path):
        """From names to objects, and the files that it refuses."""
        done = self.kubectl(path)
        objects = {}
        for value in values_of(done.stdout):
            del value["metadata"]["annotations"]["mark"]
            if not value["metadata"]["annotations"]:
                del value["metadata"]["annotations"]
            objects[value["metadata"]["name"]] = value
        return objects, done.stderr

    def read_by_us(self, path, *flags):
        done = self.mutate(CONFIGURATION, "", "-f", path, "-o", "json", *flags)
        self.assertEqual(done.returncode, 0, done.stderr)
        return {value["metadata"]["name"]: value for value in values_of(done.stdout)}

    def drop_what_we_refuse(self, folder):
        """Removes the files that we cannot read, and names them: nothing is printed as long as there is one."""
        done = self.mutate(CONFIGURATION, "", "-f", folder.name, "-o", "json")
        refused = dict(re.findall(rf"^{folder.name}/(\w+)\.yaml:(.*)$", done.stderr, re.MULTILINE))
        for name in refused:
            (folder / f"{name}.yaml").rename(self.folder / f"{name}.refused")
        return refused

    def check_batch(self, first, count):
        folder = self.folder / "in"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for seed in range(first, first + count):
            (folder / f"d{seed}.yaml").write_text(Document(seed, f"d{seed}").text())
        theirs, complaints = self.read_by_kubectl(folder.name)
        refused = self.drop_what_we_refuse(folder)
        self.assertEqual({name: words for name, words in refused.items() if name in theirs}, {}, "kubectl reads these")
        ours = self.read_by_us(folder.name)
        self.assertEqual(sorted(set(ours) - set(theirs)), [], f"kubectl does not read these: {complaints}")
        for name, value in theirs.items():
            self.assertEqual(ours[name], value, (folder / f"{name}.yaml").read_text())
        self.check_patched(folder)
        return len(theirs)

    def check_patched(self, folder):
        """What we write is read by kubectl as what we mean, and printed by it as we do."""
        patched = self.mutate(CONFIGURATION, "", "-f", folder.name, "-n", "rucio-atlas", "-o", "yaml")
        self.assertEqual(patched.returncode, 0, patched.stderr)
        (self.folder / "out.yaml").write_text(patched.stdout)
        theirs, complaints = self.read_by_kubectl("out.yaml")
        self.assertEqual(theirs, self.read_by_us(folder.name, "-n", "rucio-atlas"), complaints)
        self.assertEqual(self.mutate(CONFIGURATION, patched.stdout, "-n", "rucio-atlas").stdout, patched.stdout)

    def test_generated_documents(self):
        read = sum(self.check_batch(first, min(BATCH, SEED + COUNT - first)) for first in range(SEED, SEED + COUNT, BATCH))
        self.assertGreater(read, 0.8 * COUNT, "too few documents are YAML at all")


if __name__ == "__main__":
    unittest.main()
