"""Everything that the pages, the manual page and the help texts tell a person to type is run as printed, in a copy of the
repository with a built program; pages.py says how a block is marked that cannot be. Helm and kubectl are stand-ins here,
which print the samples of examples/: what comes from Rucio's charts or a cluster is only what the program is given.
"""
import collections
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import yaml

from pages import PAGES, read_blocks
from support import PROGRAM, RELEASE_PROGRAM, ROOT

MANUAL = ROOT / "docs" / "rucio-policy-webhook.1"
VERBS = ["serve", "mutate", "check", "registration", "audit", "init", "schema", "certs generate", "certs ensure", "completion",
         "version", "help"]
# How many blocks of a page are not run: one more is a decision.
NOT_RUN = {"README.md": 3, "install.md": 11, "operations.md": 1, "performance.md": 1, "reference.md": 1}
# Where there is none yet, a page's example is a policy, or a part of one.
AROUND = {"  - name:": "policies:\n", "    match:": "policies:\n  - name: a\n    package: p\n    source: {preinstalled: {}}\n",
          "    source:": "policies:\n  - name: a\n    package: p\n"}
STAND_INS = {
    "helm": "exec cat examples/chart/rendered.yaml",
    "kubectl": "exec cat examples/pod.json",
}
# A network of its own, with a loopback that is up: the ports of the pages are free, whatever runs here.
IN_NETWORK = ["unshare", *(["--map-root-user"] if os.getuid() else []), "--net", sys.executable, "-c", """
import fcntl, os, socket, struct, sys
with socket.socket() as any_socket:
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP
os.execvp(sys.argv[1], sys.argv[1:])
"""]


class Commands(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="rpw-docs-")
        cls.addClassCleanup(folder.cleanup)
        cls.copy = pathlib.Path(folder.name) / "rucio-policy-webhook"
        shutil.copytree(ROOT, cls.copy, symlinks=True, ignore=shutil.ignore_patterns("build", ".git"))
        shutil.copy(ROOT / "examples" / "policy.yaml", cls.copy / "policy.yaml")
        (cls.copy / "build" / "release").mkdir(parents=True)
        program = cls.copy / "build" / "release" / "rucio-policy-webhook"
        shutil.copy(RELEASE_PROGRAM or PROGRAM, program)
        commands = pathlib.Path(folder.name) / "bin"
        commands.mkdir()
        shutil.copy(program, commands)
        for name, text in STAND_INS.items():
            (commands / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
            (commands / name).chmod(0o755)
        cls.environment = {**os.environ, "PATH": f"{commands}:{os.environ['PATH']}", "DESTDIR": f"{folder.name}/installed",
                           "CMAKE_GENERATOR": "Ninja"}

    def run_commands(self, text):
        done = subprocess.run([*IN_NETWORK, "bash", "-m", "-e", "-o", "pipefail", "-c", text], cwd=self.copy,
                              env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
                              check=False)
        self.assertEqual(done.returncode, 0, f"{text}{done.stdout}{done.stderr}")
        return done.stdout

    def check(self, text):
        return subprocess.run(["build/release/rucio-policy-webhook", "check", "policy.yaml"], cwd=self.given(text),
                              capture_output=True, text=True, check=False)

    def given(self, text):
        """The copy, with this policy.yaml."""
        before = (self.copy / "policy.yaml").read_text(encoding="utf-8")
        self.addCleanup((self.copy / "policy.yaml").write_text, before, encoding="utf-8")
        (self.copy / "policy.yaml").write_text(text, encoding="utf-8")
        return self.copy

    def block(self, page, beginning):
        return next(block.text for block in read_blocks(ROOT / "docs" / page) if block.text.startswith(beginning))

    # --- the pages

    def test_every_block_of_a_page_is_run_or_has_a_mark_that_says_why_not(self):
        counts = collections.defaultdict(collections.Counter)
        for page in PAGES:
            printed = None
            for block in read_blocks(page):
                with self.subTest(str(block)):
                    printed, verdict = self.follow(block, printed)
                    counts[page.name][verdict] += 1
        for page, count in counts.items():
            print(f"    {page}: " + ", ".join(f"{number} {verdict}" for verdict, number in count.items()), file=sys.stderr)
        self.assertEqual({page: count["not run"] for page, count in counts.items() if count["not run"]}, NOT_RUN)

    def follow(self, block, printed):
        """What a block printed, and what became of it; printed is what those before it did."""
        if block.mark.startswith("not run: "):
            return None, "not run"
        if block.mark.startswith("see "):
            self.assertIn(block.page.name, (ROOT / block.mark.removeprefix("see ")).read_text(encoding="utf-8"))
            return None, "compared elsewhere"
        if block.mark == "in a cluster" or block.page.name == "install.md":
            self.assertIn(block.language, ("sh", "text", "yaml"))
            return None, "of the cluster"
        self.assertEqual(block.mark, "")
        if block.language == "sh":
            return self.run_commands(block.text), "run"
        if block.language in ("json", "yaml"):
            self.read_example(block.text)
            return None, "read"
        self.assertEqual(block.language, "text", "a block of commands is `sh`")
        self.assertIsNotNone(printed, "a text is what the commands above it print")
        self.assertTrue(printed.endswith(block.text), f"the page shows\n{block.text}but it was\n{printed}")
        return printed, "compared"

    def read_example(self, text):
        around = next((words for beginning, words in AROUND.items() if text.startswith(beginning)), "")
        documents = list(yaml.safe_load_all(around + text))
        if "policies" in documents[0]:
            done = self.check(around + text)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_no_page_hides_commands_by_indenting_them(self):
        for page in PAGES:
            if page.name == "architecture.md":  # it has drawings, and no commands
                continue
            is_inside, previous = False, ""
            for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
                is_inside ^= line.lstrip().startswith("```")
                if not is_inside and previous == "" and re.match(r" {4,}\S", line):
                    self.fail(f"{page.name}:{number}: a block without a fence")
                previous = line

    def test_scripts_that_pages_name_are_there(self):
        for page in [*PAGES, ROOT / "CONTRIBUTING.md", MANUAL]:
            for name in re.findall(r"\b((?:scripts|bench|tests|manifests|examples)/[\w./-]*\w)", page.read_text()):
                self.assertTrue((ROOT / name).exists(), f"{page.name} names {name}")

    # --- what pages show of the program

    def test_error_in_the_page_on_the_configuration_is_what_check_prints(self):
        smallest = self.block("configuration.md", "policies:\n")
        done = self.check(smallest + "    verify: warn\n    path: opt/policy\n")
        self.assertEqual((done.returncode, done.stderr), (1, self.block("configuration.md", "policy.yaml is wrong")))

    def test_findings_in_the_page_on_the_configuration_are_what_verify_prints(self):
        script = (ROOT / "src" / "config" / "pod" / "verify.py").read_text(encoding="utf-8")
        for line in self.block("configuration.md", "rucio-policy-verify:").splitlines():
            words = re.sub(r"^rucio-policy-verify: (error: )?", "", line)
            words = re.sub(r"atlas_\w+|/opt/rucio/policy", "%s", words).replace("holds %s", "%s")
            self.assertIn(f'"{words}"', script)

    def test_revision_in_the_page_on_the_configuration_is_what_pods_get(self):
        revision = self.run_commands(self.block("configuration.md", "printf")).strip()
        self.given(self.block("configuration.md", "policies:\n"))
        self.assertRegex(self.run_commands("rucio-policy-webhook mutate --config policy.yaml -f examples/chart/rendered.yaml"),
                         f'/revision: "?{revision}"?\n')

    # --- the manual page and the help texts

    def test_examples_of_the_manual_page_work(self):
        examples = re.findall(r"^\.Dl (.*)", MANUAL.read_text(encoding="utf-8"), re.MULTILINE)
        self.assertGreater(len(examples), 3)
        for example in examples:
            with self.subTest(example):
                self.run_commands(example)

    def test_commands_in_help_texts_work(self):
        count = 0
        for verb in ["", *VERBS]:
            text = self.run_commands(f"rucio-policy-webhook {verb} --help")
            for command in re.findall(r"`((?:rucio-policy-webhook|kubectl|helm) [^`]*)`", text):
                with self.subTest(command):
                    for filled in [command.replace("VERB", verb) for verb in VERBS] if "VERB" in command else [command]:
                        self.run_commands(filled)
                    count += 1
        self.assertGreater(count, 2)


if __name__ == "__main__":
    unittest.main()
