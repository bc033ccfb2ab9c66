"""What deployments of Rucio need beside a volume: settings of the package, a volume that is the package, jobs without an environment,
propagation, and init containers as strict as the pod. The package's files are in a Secret, without directories."""
import pathlib
import unittest

from cluster import container_of, wait_until
from running import PATH, container, pod_of, telling
from running_rucio import PACKAGE
from running_sources import INSTALLERS, SOURCES, SourcesCase, policies

SITE_PACKAGES = "/usr/local/lib/python3.11/dist-packages"
FILES = pathlib.Path(__file__).parent / "images" / "policy" / PACKAGE
SECRET = "{volume: {secret: {secretName: package}}, holds: package}"
SETTING = "RUCIO_CFG_POLICY_LFN2PFN_ALGORITHM_DEFAULT"

# Rucio's configuration object, once the entrypoint has merged the environment into rucio.cfg.
_ASK = """\
import json
from rucio.common.config import config_get
print(json.dumps({"found": config_get("policy", "lfn2pfn_algorithm_default")}))
"""
# What cron gives a job is the crontab's environment alone. A job of @reboot runs as soon as cron does.
_CRON = f"""\
echo '@reboot root /usr/bin/python3 -c "import {PACKAGE}; print({PACKAGE}.__file__)" >/tmp/found 2>&1' >/etc/cron.d/probe
exec cron -f
"""
STRICT = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True,
          "runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}


class Deployments(SourcesCase):
    NAMESPACE = "deployments"
    CONFIGURATION = "policies:\n" + policies({"flat": SECRET}, verify="fail") + policies(
        {"settings": SECRET}, env="[{name: ALGORITHM, valueFrom: {configMapKeyRef: {name: settings, key: algorithm}}}, "
        f"{{name: {SETTING}, value: $(ALGORITHM)}}]") + policies(
        {"pth": SECRET, "cron": SECRET}, pythonPath="pth", sitePackages=SITE_PACKAGES, verify="fail") + policies(
        {"site": "{preinstalled: {sitePackages: true}}", "site-plain": "{preinstalled: {}}"}, verify="fail") + policies(
        {"propagates": SECRET.replace("holds", "mountPropagation: HostToContainer, holds")}) + policies(
        {"recursive": SECRET.replace("holds", "recursiveReadOnly: IfPossible, holds")}) + policies(
        {f"strict-{name}": source for name, source in SOURCES.items()}, verify="fail") + policies(
        {"strict-volume": SECRET}, verify="fail")

    @classmethod
    def prepare(cls):
        cls.create_config("Secret", "package", {file.name: file.read_text(encoding="utf-8")
                                                for file in FILES.glob("*.py")})
        cls.create_config("ConfigMap", "settings", {"algorithm": "rpw_test"})

    @classmethod
    def make_pods(cls):
        def make(name, containers, **spec):
            return pod_of(name, containers, labels={"policy": name}, **spec)

        probe = [container("rucio-server", args=["rucio-policy-probe"])]
        ask = [container("rucio-server", args=["python3", "-c", _ASK])]
        # Among the image's own packages, as a build of one's own puts it there.
        in_image = [{**probe[0], "volumeMounts": [{"name": "in-image", "mountPath": f"{SITE_PACKAGES}/{PACKAGE}"}]}]
        for name in ("site", "site-plain"):
            yield make(name, in_image, restartPolicy="Never",
                       volumes=[{"name": "in-image", "secret": {"secretName": "package"}}]), "Succeeded"
        yield make("flat", probe, restartPolicy="Never"), "Succeeded"
        yield make("settings", ask, restartPolicy="Never"), "Succeeded"
        for name in ("pth", "propagates", "recursive"):
            yield make(name, [telling("rucio-server", PACKAGE)]), "Running"
        yield make("cron", [container("rucio-server", command=["bash", "-ec", _CRON],
                                      securityContext={"runAsUser": 0})]), "Running"
        for name in ("strict-pip", "strict-copy", "strict-volume"):
            yield make(name, [telling("rucio-server", PACKAGE, securityContext=STRICT)]), "Running"

    def test_a_secret_whose_root_is_the_package_is_used_by_rucio(self):
        self.assert_rucio_uses_it("flat", "rucio-server")
        self.assertIn(f"{PATH}/{PACKAGE}", str(container_of(self.pods["flat"], "rucio-server")["volumeMounts"]))

    def test_a_package_in_site_packages_passes_verify_and_is_used_by_rucio(self):
        for name in ("site", "site-plain"):
            with self.subTest(name):
                self.assert_rucio_uses_it(name, "rucio-server", SITE_PACKAGES)
        self.assertNotIn("POLICY_PKG_PATH", str(container_of(self.pods["site"], "rucio-server")["env"]))
        self.assertNotIn("warning", self.log_of(self.pods["site"], "rucio-policy-verify"))

    def test_settings_reach_rucios_configuration(self):
        self.assertEqual(self.told_by(self.pods["settings"], "rucio-server"), {"found": "rpw_test"})

    def test_a_process_without_an_environment_imports_the_package_by_its_pth_file(self):
        script = f"import {PACKAGE}; print({PACKAGE}.__file__)"
        found = self.execute(self.pods["pth"], "rucio-server", "env", "-i", "/usr/bin/python3", "-c", script)
        self.assertEqual(found.stdout, f"{PATH}/{PACKAGE}/__init__.py\n")

    def test_a_cron_job_imports_the_package_by_its_pth_file(self):
        found = wait_until(lambda: self.execute(self.pods["cron"], "rucio-server", "cat", "/tmp/found", check=False).stdout,
                           "cron has run its job")
        self.assertEqual(found, f"{PATH}/{PACKAGE}/__init__.py\n")

    def test_the_pth_file_leaves_pythonpath_alone(self):
        self.assertNotIn("PYTHONPATH", self.told_by(self.pods["pth"], "rucio-server")["environment"])

    def test_the_mount_propagates_and_is_read_only_in_depth_as_the_policy_says(self):
        for name, key, word in (("propagates", "mountPropagation", "HostToContainer"),
                                ("recursive", "recursiveReadOnly", "IfPossible")):
            with self.subTest(name):
                mounts = container_of(self.pods[name], "rucio-server")["volumeMounts"]
                self.assertEqual([mount.get(key) for mount in mounts if mount["mountPath"] == f"{PATH}/{PACKAGE}"], [word])
                self.assertEqual(self.told_by(self.pods[name], "rucio-server")["package"],
                                 f"{PATH}/{PACKAGE}/__init__.py")

    def test_init_containers_of_a_strict_pod_run_with_a_read_only_root(self):
        for name in ("strict-pip", "strict-copy", "strict-volume"):
            for own in filter(None, (INSTALLERS.get(name.removeprefix("strict-")), "rucio-policy-verify")):
                with self.subTest(pod=name, container=own):
                    context = container_of(self.pods[name], own)["securityContext"]
                    self.assertEqual({key: context.get(key) for key in STRICT}, STRICT)
            with self.subTest(name):
                told = self.told_by(self.pods[name], "rucio-server")
                self.assertEqual(told["package"], f"{PATH}/{PACKAGE}/__init__.py")


if __name__ == "__main__":
    unittest.main()
