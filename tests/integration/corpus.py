"""Pods as Rucio's Helm charts make them, and which of their containers get the package.

They are in the folder that RPW_CORPUS names (default: ../shared/corpus beside the checkout); without it the tests that
read them are skipped. So it is with the inputs that an earlier command line got wrong, RPW_CASES (../shared/cases/cli).
"""
import json
import os
import pathlib

from support import ROOT

CORPUS = pathlib.Path(os.environ.get("RPW_CORPUS", ROOT.parent / "shared" / "corpus"))
CASES = pathlib.Path(os.environ.get("RPW_CASES", ROOT.parent / "shared" / "cases" / "cli"))

# Pod to the containers that get the package; none: the pod is left alone.
TARGETS = {
    "rucio-server": ["rucio-server"],
    "rucio-ui": ["rucio-ui"],
    "daemon-conveyor-poller": ["rucio-daemons"],
    "daemon-hermes": ["rucio-daemons"],
    "daemon-judge-cleaner": ["rucio-daemons"],
    "daemon-reaper": ["rucio-daemons"],
    "rucio-webui": [],
    "rucio-probes": ["rucio-probes"],
    "cronjob-automatic-restart": [],
    "cronjob-renew-fts": [],
}
# The charts' own policyPackages: adopted.
CHART_MANAGED = "daemon-hermes-chart-policy-packages"


def names_of_pods():
    return {path.name.removesuffix(".pod.json") for path in CORPUS.glob("*.pod.json")}


def read_pod(name):
    return json.loads((CORPUS / f"{name}.pod.json").read_text(encoding="utf-8"))
