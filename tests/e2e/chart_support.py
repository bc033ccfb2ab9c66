"""What the tests of the Helm chart share: helm, and rendering it."""
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import yaml

from cluster import ROOT

CHART = ROOT / "manifests" / "chart"
NAME = "rucio-policy-webhook"

CONFIGURATION = """\
policies:
  - name: atlas
    match: {namespaces: [rucio-atlas]}
    package: atlas_policy
    source: {preinstalled: {}}
"""

# Everything that is off by default, and is no custom resource.
ALL = ("--set", "audit.enabled=true", "--set", "autoscaling.enabled=true", "--set", "dashboard.enabled=true")
# The Prometheus operator's.
MONITORING = ("--set", "serviceMonitor.enabled=true", "--set", "prometheusRule.enabled=true")


needs_helm = unittest.skipUnless(shutil.which("helm"), "helm is not there")


@needs_helm
class ChartCase(unittest.TestCase):
    """Cases that render the chart."""


def helm(*arguments, check=False):
    """helm as a person runs it: the completed process, with its output as text."""
    done = subprocess.run(["helm", *arguments], capture_output=True, text=True, timeout=300, check=False)
    assert not check or done.returncode == 0, f"helm {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done


def render_text(*flags, configuration=CONFIGURATION, name=NAME):
    """`helm template` with this configuration file: the completed process."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "policy.yaml"
        path.write_text(configuration, encoding="utf-8")
        return helm("template", name, str(CHART), "--namespace", NAME, "--set-file", f"configuration={path}", *flags)


def render(*flags, **options):
    """The objects."""
    done = render_text(*flags, **options)
    assert done.returncode == 0, done.stderr
    return [thing for thing in yaml.safe_load_all(done.stdout) if thing]


def render_error(*flags, **options):
    done = render_text(*flags, **options)
    assert done.returncode != 0, "it was rendered"
    return done.stderr


def find(things, kind, suffix=""):
    """The only object of that kind whose name ends so."""
    found = [thing for thing in things if thing["kind"] == kind and thing["metadata"]["name"].endswith(suffix)]
    assert len(found) == 1, f"{len(found)} of {kind} {suffix}"
    return found[0]


def pod_templates(things):
    """(name, PodTemplateSpec) of whatever makes pods."""
    for thing in things:
        spec = thing.get("spec", {})
        if thing["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        if thing["kind"] in ("Deployment", "Job", "CronJob"):
            yield f"{thing['kind']} {thing['metadata']['name']}", spec["template"]


def pod_specs(things):
    """(name, PodSpec)"""
    return [(name, template["spec"]) for name, template in pod_templates(things)]
