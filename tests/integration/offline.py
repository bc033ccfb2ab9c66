"""A test case with the `mutate` verb at hand."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from support import PROGRAM, ROOT

__all__ = ["ROOT", "Offline", "review_of"]


def review_of(pod, uid):
    """The AdmissionReview, as kube-apiserver's, of the creation of pod in namespace rucio-atlas."""
    return {
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": uid,
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "namespace": "rucio-atlas",
            "operation": "CREATE",
            "object": pod,
        },
    }


class Offline(unittest.TestCase):
    """self.folder is a temporary folder of the test's own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="rpw-mutate-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def mutate(self, configuration, stdin, *arguments):
        """Runs `mutate` in the folder with a configuration as policy.yaml and a text as standard input. The summary that it
        ends standard error with is in summary, what stands before that in stderr."""
        (self.folder / "policy.yaml").write_text(configuration)
        done = self.run_program("mutate", "--config", "policy.yaml", *arguments, stdin=stdin)
        parts = re.fullmatch(r"(.*?)((?:^\d+ documents?, .*)?)", done.stderr, re.DOTALL | re.MULTILINE)
        done.stderr, done.summary = parts.groups()
        return done

    def run_program(self, *arguments, stdin="", stdout=subprocess.PIPE):
        program = os.path.abspath(PROGRAM)
        return subprocess.run([program, *arguments], cwd=self.folder, input=stdin, stdout=stdout,
                              stderr=subprocess.PIPE, text=True, timeout=60, check=False)
