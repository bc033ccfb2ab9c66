"""Pods of Rucio's Helm charts with policyPackages: the charts bring packages themselves, in a volume of their own."""
import unittest

from cluster import Refused, container_of, environment_of
from running import PATH, PREINSTALLED_IMAGE, container, pod_of
from running_rucio import PACKAGE, USED
from running_sources import COPY, SourcesCase, init_status, policies

CHART_PATH = "/opt/policy_packages"
CHART_VOLUME = "policy-package-volume"
CHART_INIT = "install-policy-packages"
VERIFY = "rucio-policy-verify"
RECORD = "policy.rucio.cern.ch"
CONFLICT_MODES = ("keep", "override", "reject")


def chart_pod(name, policy, *containers, mounts_it=True, installs=PACKAGE):
    """As the charts make it: slashes at the end, PYTHONPATH replaced. Without a network theirs copies the package."""
    mount = {"name": CHART_VOLUME, "mountPath": f"{CHART_PATH}/"}
    env = [{"name": "PYTHONPATH", "value": f"{CHART_PATH}/"}]
    rucio = {"env": env, "volumeMounts": [mount]} if mounts_it else {}
    theirs = container(CHART_INIT, image=PREINSTALLED_IMAGE, volumeMounts=[mount], command=[
        "/bin/bash", "-e", "-c", f"cp -r {PATH}/{PACKAGE} {CHART_PATH}/{installs}"])
    return pod_of(name, [container("rucio-daemons", args=["rucio-policy-probe"], **rucio), *containers],
                  labels={"policy": policy}, restartPolicy="Never", initContainers=[theirs],
                  volumes=[{"name": CHART_VOLUME, "emptyDir": {}}])


class ChartsPolicyPackages(SourcesCase):
    NAMESPACE = "charts"
    CONFIGURATION = "policies:\n" + "".join(
        policies({mode: f"{{copy: {COPY}}}"}, onConflict=mode, verify="fail") for mode in CONFLICT_MODES)

    @classmethod
    def make_pods(cls):
        yield chart_pod("keep", "keep", container("beside", command=["true"])), "Succeeded"
        yield chart_pod("keep-without-mount", "keep", mounts_it=False), "Succeeded"
        yield chart_pod("keep-another", "keep", installs="another_policy"), "Failed"
        yield chart_pod("override", "override"), "Succeeded"

    def order_of(self, pod):
        return [entry["name"] for entry in self.pods[pod]["spec"]["initContainers"]]

    def record_of(self, pod):
        annotations = pod["metadata"]["annotations"]
        return [annotations.get(f"{RECORD}/{key}") for key in ("status", "policy", "revision", "conflicts")]

    def assert_uses(self, pod, path):
        answers = self.told_by(self.pods[pod], "rucio-daemons")
        self.assertEqual({key: answers[key] for key in USED}, USED, answers["errors"])
        self.assertEqual(answers["package_file"], f"{path}/{PACKAGE}/__init__.py")

    def test_keep_adopts_the_charts_package_and_rucio_uses_it(self):
        self.assert_uses("keep", CHART_PATH)

    def test_keep_brings_nothing_of_its_own_but_the_variables(self):
        pod = self.pods["keep"]
        env = environment_of(pod, "rucio-daemons")
        self.assertEqual(env, {"POLICY_PKG_PATH": CHART_PATH, "RUCIO_POLICY_PACKAGE": PACKAGE,
                               "RUCIO_CFG_POLICY_PACKAGE": PACKAGE, "PYTHONPATH": f"{CHART_PATH}/"})
        self.assertEqual(self.order_of("keep"), [CHART_INIT, VERIFY])
        self.assertEqual([volume["name"] for volume in pod["spec"]["volumes"]
                          if volume["name"].startswith("rucio-policy")], [])
        self.assertNotIn("env", container_of(pod, "beside"))
        status, policy, revision, conflicts = self.record_of(pod)
        self.assertEqual((status, policy, conflicts), ("injected", "keep", None))
        self.assertRegex(revision, r"\Achart-[0-9a-f]{12}\Z")

    def test_keep_verifies_what_the_chart_has_installed(self):
        self.assertIn(f"loads {PACKAGE} from {CHART_PATH}: schema {PACKAGE}.schema, permission {PACKAGE}.permission, "
                      "lfn2pfn rpw_test", self.log_of(self.pods["keep"], VERIFY))

    def test_keep_does_not_start_a_pod_whose_chart_installs_another_package(self):
        message = init_status(self.pods["keep-another"], VERIFY)["state"]["terminated"]["message"]
        self.assertIn(f"error: there is no package {PACKAGE}: {CHART_PATH} holds another_policy", message)

    def test_a_container_that_does_not_mount_the_charts_volume_gets_the_policys_own(self):
        self.assert_uses("keep-without-mount", PATH)
        self.assertRegex(self.record_of(self.pods["keep-without-mount"])[2], r"\A[0-9a-f]{12}\Z")

    def test_override_puts_ours_before_the_charts_which_stays(self):
        self.assert_uses("override", PATH)
        pod = self.pods["override"]
        self.assertEqual(environment_of(pod, "rucio-daemons")["PYTHONPATH"], f"{PATH}:{CHART_PATH}/")
        self.assertEqual([m["mountPath"] for m in container_of(pod, "rucio-daemons")["volumeMounts"][:1]],
                         [f"{CHART_PATH}/"])
        self.assertEqual(self.order_of("override"), ["rucio-policy-copy", CHART_INIT, VERIFY])

    def test_reject_refuses_the_pod_and_says_what_to_do(self):
        with self.assertRaises(Refused) as caught:
            self.create_pod(chart_pod("reject", "reject"))
        self.assertEqual(caught.exception.code, 403)
        for part in ("rucio-daemons", "policyPackages", CHART_PATH, "Remove policyPackages"):
            self.assertIn(part, caught.exception.message)


if __name__ == "__main__":
    unittest.main()
