"""A real Rucio in a real pod: which policy its own loaders use, as the images' rucio-policy-probe tells."""
import unittest

from cluster import RUCIO_IMAGE
from running import OLD_IMAGE, PREINSTALLED_IMAGE, RunningCase, container, pod_of

PACKAGE = "rpw_test_rucio_policy_package"

CONFIGURATION = """\
policies:
  - name: host-path
    match: {podSelector: {matchLabels: {policy: host-path}}}
    package: rpw_test_rucio_policy_package
    source: {volume: {hostPath: {path: FOLDER/current}}}
  - name: claim
    match: {podSelector: {matchLabels: {policy: claim}}}
    package: rpw_test_rucio_policy_package
    source: {volume: {persistentVolumeClaim: {claimName: policy}}, subPath: current}
  - name: preinstalled
    match: {podSelector: {matchLabels: {policy: preinstalled}}}
    package: rpw_test_rucio_policy_package
    source: {preinstalled: {}}
  - name: no-config-env
    match: {podSelector: {matchLabels: {policy: no-config-env}}}
    package: rpw_test_rucio_policy_package
    configEnv: false
    source: {volume: {hostPath: {path: FOLDER/current}}}
  - name: missing
    match: {podSelector: {matchLabels: {policy: missing}}}
    package: rpw_test_rucio_policy_package
    source: {volume: {emptyDir: {}}}
  - name: several-vos
    match: {podSelector: {matchLabels: {policy: several-vos}}}
    packages: {rpw: rpw_test_rucio_policy_package}
    source: {volume: {hostPath: {path: FOLDER/current}}}
"""

# What rucio.cfg says where it is mounted and not merged.
MOUNTED = """\
[common]
loglevel = WARNING
[database]
default = sqlite://
[monitor]
enable_metrics = False
"""
VOS = ("rpw", "oth")

# What the probe answers: Rucio uses the package, all but its path algorithms, or not at all.
USED = {"permission_module": f"{PACKAGE}.permission", "root_may_add_rse": False,
        "schema_module": f"{PACKAGE}.schema", "scope_length": 77, "lfn2pfn": "rpw-test/test/file"}
USED_BUT_FOR_PATHS = {**USED, "lfn2pfn": None}
GENERIC = {"permission_module": "rucio.core.permission.generic", "root_may_add_rse": True,
           "schema_module": "rucio.common.schema.generic", "scope_length": 25, "lfn2pfn": None}
GENERIC_OF_A_VO = {**GENERIC, "permission_module": "rucio.core.permission.generic_multi_vo",
                   "schema_module": "rucio.common.schema.generic_multi_vo", "scope_length": 29}


def current(*arguments, image=RUCIO_IMAGE, **fields):
    """A Rucio of today that the probe asks."""
    return container("rucio-server", image=image, args=["rucio-policy-probe", *arguments], **fields)


def old(*arguments, **fields):
    """The last Rucio before 37.3.0."""
    return container("rucio-daemons", image=OLD_IMAGE, args=["rucio-policy-probe", *arguments], **fields)


def mounting_config(key):
    """The fields of a container whose rucio.cfg is mounted, which the entrypoint then leaves alone."""
    return {"volumeMounts": [{"name": "config", "mountPath": "/opt/rucio/etc/rucio.cfg", "subPath": key}]}


class RealRucio(RunningCase):
    """Each pod ends when its probes have answered."""
    NAMESPACE = "real-rucio"

    @classmethod
    def prepare(cls):
        folder = cls.fill_node_folder()
        cls.create_claim("policy", folder)
        cls.create_config("ConfigMap", "config", {
            "without-section": MOUNTED, "empty-section": MOUNTED + "[policy]\n",
            "with-package": MOUNTED + f"[policy]\npackage = {PACKAGE}\n"})
        cls.CONFIGURATION = CONFIGURATION.replace("FOLDER", folder)

    @classmethod
    def pods_by_policy(cls):
        """(policy, pod's name, containers)"""
        several = {"env": [{"name": "RUCIO_CFG_COMMON_MULTI_VO", "value": "True"}]}
        by_sh = {"command": ["sh", "-c", 'exec "$@"', "sh", "rucio-entrypoint"]}
        return [
            ("host-path", "host-path", [current(), old()]),
            ("claim", "claim", [current()]),
            ("preinstalled", "preinstalled", [current(image=PREINSTALLED_IMAGE)]),
            ("no-config-env", "no-config-env", [current(), old()]),
            ("missing", "missing", [current(), old()]),
            ("several-vos", "several-vos", [current(*VOS, **several), old(*VOS, **several)]),
            ("several-vos", "by-sh", [old(*VOS, **several, **by_sh)]),
            ("host-path", "without-section",
             [current(**mounting_config("without-section")), old(**mounting_config("without-section"))]),
            ("host-path", "empty-section",
             [current(**mounting_config("empty-section")), old(**mounting_config("empty-section"))]),
            ("host-path", "with-package",
             [current(**mounting_config("with-package")), old(**mounting_config("with-package"))]),
            ("none", "no-policy", [current(), old()]),
        ]

    @classmethod
    def start(cls):
        config = {"name": "config", "configMap": {"name": "config"}}
        pods = cls.pods_by_policy()
        cls.pods = {}
        for start in range(0, len(pods), 3):  # each probe needs a second of a processor
            some = pods[start:start + 3]
            for policy, name, containers in some:
                cls.create(pod_of(name, containers, labels={"policy": policy}, volumes=[config], restartPolicy="Never"))
            cls.pods.update({name: cls.wait_for_pod(name, "Succeeded") for _, name, _ in some})

    def answers(self, pod, name):
        return self.told_by(self.pods[pod], name)

    def assert_answers(self, expected, answers):
        self.assertEqual({key: answers[key] for key in expected}, expected, answers["errors"])

    def assert_current(self, pod, expected):
        self.assert_answers(expected, self.answers(pod, "rucio-server"))

    def assert_old(self, pod, expected):
        self.assert_answers(expected, self.answers(pod, "rucio-daemons"))

    def test_the_images_are_a_rucio_of_today_and_one_before_37_3(self):
        versions = [tuple(int(part) for part in self.answers("no-policy", name)["rucio_version"].split(".")[:2])
                    for name in ("rucio-server", "rucio-daemons")]
        self.assertTrue(versions[0] >= (38, 1) and versions[1] < (37, 3), versions)

    def test_without_a_policy_both_use_the_generic_one(self):
        self.assert_current("no-policy", GENERIC)
        self.assert_old("no-policy", GENERIC)

    def test_a_host_path_gives_todays_rucio_the_package(self):
        self.assert_current("host-path", USED)

    def test_a_host_path_and_the_entrypoints_merge_give_the_old_rucio_the_package(self):
        self.assert_old("host-path", USED)

    def test_a_claim_gives_todays_rucio_the_package(self):
        self.assert_current("claim", USED)

    def test_a_package_in_the_image_is_used(self):
        self.assert_current("preinstalled", USED)

    def test_the_entrypoint_writes_the_package_into_rucio_cfg(self):
        self.assertEqual(self.answers("host-path", "rucio-daemons")["config_policy"], {"package": PACKAGE})

    def test_without_config_env_todays_rucio_uses_the_package(self):
        self.assert_current("no-config-env", USED)

    def test_without_config_env_the_old_rucio_uses_nothing_of_it(self):
        self.assert_old("no-config-env", GENERIC)

    def test_where_rucio_cfg_is_mounted_todays_rucio_uses_the_package(self):
        self.assert_current("without-section", USED)

    def test_where_rucio_cfg_is_mounted_with_the_section_todays_rucio_uses_the_package(self):
        self.assert_current("empty-section", USED)
        self.assert_current("with-package", USED)

    def test_where_a_mounted_rucio_cfg_lacks_the_section_the_old_rucio_uses_nothing_of_it(self):
        self.assert_old("without-section", GENERIC)

    def test_where_a_mounted_rucio_cfg_has_only_the_section_the_old_rucio_does_without_the_path_algorithms(self):
        self.assert_old("empty-section", USED_BUT_FOR_PATHS)

    def test_where_a_mounted_rucio_cfg_names_the_package_the_old_rucio_uses_it(self):
        self.assert_old("with-package", USED)

    def test_where_the_package_is_named_and_not_there_todays_rucio_fails(self):
        errors = self.answers("missing", "rucio-server")["errors"]
        for question in USED:
            self.assertIn("PolicyPackageNotFound", errors.get(question, ""), question)

    def test_where_the_package_is_named_and_not_there_the_old_rucio_uses_the_generic_one(self):
        self.assert_old("missing", GENERIC)

    def test_of_several_vos_the_one_with_a_package_uses_it_and_the_other_the_generic_one(self):
        for name in ("rucio-server", "rucio-daemons"):
            with self.subTest(name):
                vos = self.answers("several-vos", name)["vos"]
                self.assert_answers(USED, vos["rpw"])
                # The algorithms of all VOs are in one table.
                self.assert_answers({**GENERIC_OF_A_VO, "lfn2pfn": USED["lfn2pfn"]}, vos["oth"])

    def test_a_vos_name_with_a_hyphen_reaches_rucio_cfg(self):
        answers = self.answers("several-vos", "rucio-daemons")
        self.assertEqual((answers["environment"].get("RUCIO_CFG_POLICY_PACKAGE-rpw"), answers["config_policy"]),
                         (PACKAGE, {"package-rpw": PACKAGE}))

    def test_a_shell_that_drops_names_with_a_hyphen_keeps_them_from_rucio_cfg(self):
        answers = self.answers("by-sh", "rucio-daemons")
        self.assertEqual((answers["environment"].get("RUCIO_POLICY_PACKAGE_RPW"), answers["config_policy"]),
                         (PACKAGE, None))
        self.assertNotIn("RUCIO_CFG_POLICY_PACKAGE-rpw", answers["environment"])
        self.assert_answers(GENERIC_OF_A_VO, answers["vos"]["rpw"])


if __name__ == "__main__":
    unittest.main()
