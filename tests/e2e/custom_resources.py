"""The CustomResourceDefinitions that tests/e2e/crds/fetch.sh has brought, in the cluster."""
import os
import pathlib

from cluster import ROOT, kubectl, wait_until

E2E = pathlib.Path(os.environ.get("RPW_E2E_DIR", ROOT / "build" / "e2e"))
FOLDER = E2E / "custom_resources"
CERT_MANAGER = E2E / "cert-manager" / "cert-manager"


def add_for_class(case):
    """For the tests of this class."""
    case.addClassCleanup(kubectl, "delete", "--ignore-not-found", "-f", str(FOLDER))
    kubectl("create", "-f", str(FOLDER))
    kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", str(FOLDER))
    for group in ("cert-manager.io/v1", "acme.cert-manager.io/v1", "monitoring.coreos.com/v1"):
        wait_until(lambda group=group: kubectl("get", "--raw", f"/apis/{group}", check=False).returncode == 0,
                   f"the apiserver serves {group}")
