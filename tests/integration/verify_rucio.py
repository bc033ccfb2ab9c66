"""`verify-script` piped into the Python of real Rucios from PyPI: its verdict is what Rucio itself then does, asked for what a
server asks for (tests/rucio). scripts/verify-matrix.py does the same with all published packages and more versions."""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from support import PROGRAM, ROOT

sys.path.insert(0, str(ROOT / "tests" / "rucio"))
import rucio  # pylint: disable=wrong-import-position

OLDEST, SECTION, NEWEST = VERSIONS = ["35.9.2", "37.2.0", "41.5.1"]
SHARED = pathlib.Path(os.environ.get("RPW_SHARED") or ROOT.parent / "shared") / "cases" / "verify" / "01-verify-says-loads"
PERMISSION = """
def has_permission(issuer, action, kwargs, *, session=None):
    from rucio.core.permission import generic
    return generic.has_permission(issuer, action, kwargs, session=session)
"""
SCHEMA = "from rucio.common.schema.generic import *\n"
GOOD = {"__init__.py": "def path(*_):\n    return 'x'\ndef get_algorithms():\n    return {'lfn2pfn': {'atl_path': path}}\n",
        "permission.py": PERMISSION, "schema.py": SCHEMA}
# By package: the files of each. The names of the cases that Rucio does not take in all versions tell the versions that do.
PACKAGES = {
    "good": GOOD,
    "future": {**GOOD, "__init__.py": "SUPPORTED_VERSION = ['>=99']\n"},
    "raising": {**GOOD, "__init__.py": "raise RuntimeError('no site is set')\n"},
    "silent_permission": {**GOOD, "permission.py": "import not_there\n" + PERMISSION},
    "no_function": {**GOOD, "permission.py": ""},
    "unknown_type": {**GOOD, "__init__.py": "def get_algorithms():\n    return {'surl': {'atl_x': print}}\n"},
    "lost_algorithms": {**GOOD, "__init__.py": "def get_algorithms():\n    import not_there\n"},
    "no_permission": {"__init__.py": "", "schema.py": SCHEMA},
}


@unittest.skipUnless(pathlib.Path(PROGRAM).exists(), "the program is not built")
class VerifyRucio(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            cls.pythons = {version: rucio.make_rucio(version) for version in VERSIONS}
        except subprocess.CalledProcessError as error:
            said = f"{error.stdout}{error.stderr}"
            if re.search("(?i)connect|resolve|dns|timed out|from versions: none", said):
                raise unittest.SkipTest("PyPI cannot be reached, so there is no Rucio") from error
            raise AssertionError(said) from error
        folder = tempfile.TemporaryDirectory(prefix="rpw-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.path = pathlib.Path(folder.name)
        cls.path.chmod(0o755)
        for package, files in PACKAGES.items():
            cls.write(cls.path / package, files)
        cls.script = subprocess.run([PROGRAM, "verify-script"], check=True, stdout=subprocess.PIPE, text=True).stdout

    @staticmethod
    def write(folder, files):
        folder.mkdir(parents=True)
        for name, text in files.items():
            (folder / name).write_text(text)

    def verify(self, version, package, *arguments, vo="", **changes):
        env = {**rucio.variables(self.path, package, vo), **changes}
        result = rucio.run_verify(self.pythons[version], {name: value for name, value in env.items() if value is not None}, *arguments,
                                  script=self.script)
        return result

    def assert_finding(self, result, pattern, code=1):
        self.assertRegex(result.stdout, pattern)
        self.assertEqual(result.returncode, code, result.stdout)

    def mounted(self, text):
        home = tempfile.TemporaryDirectory(prefix="rpw-test-")
        self.addCleanup(home.cleanup)
        self.write(pathlib.Path(home.name) / "etc", {"rucio.cfg": text})
        return {"RUCIO_HOME": home.name}

    def in_site_packages(self, name, files):
        """Puts a file or a folder of files there, for a test."""
        folder = next(pathlib.Path(self.pythons[NEWEST]).parents[1].glob("lib/*/site-packages"))
        if isinstance(files, str):
            (folder / name).write_text(files)
            self.addCleanup((folder / name).unlink)
        else:
            self.write(folder / name, files)
            self.addCleanup(shutil.rmtree, folder / name)
        return folder

    def test_verdict_is_what_rucio_does(self):
        cases = [(version, self.path, package, "") for version in VERSIONS for package in [*PACKAGES, "not_there"]]
        cases += [(NEWEST, self.path, package, "atl") for package in ("good", "silent_permission", "no_permission")]
        cases += [(version, folder, "pol", "") for version in VERSIONS for folder in sorted(SHARED.glob("?_*"))]

        def judge(case):
            version, path, package, vo = case
            env = rucio.variables(path, package, vo)
            return (rucio.run_verify(self.pythons[version], env, script=self.script),
                    rucio.ask_rucio(self.pythons[version], env, package, vo))

        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for (version, _, package, vo), (result, real) in zip(cases, pool.map(judge, cases)):
                with self.subTest(version=version, package=package, vo=vo):
                    self.assertEqual(result.returncode, 1 if real.get("fails") else 0, f"{result.stdout}{real}")
                    for part in ("schema", "permission") if not real.get("fails") else ():
                        self.assertIn(f"{part} {real[part]}", result.stdout)

    def test_success_says_what_rucio_chose(self):
        self.assert_finding(self.verify(NEWEST, "good"), rf"Rucio 41\.5\.1 loads good from {self.path}: schema good\.schema, permission "
                            r"good\.permission, lfn2pfn atl_path$", 0)

    def test_success_names_the_vo(self):
        self.assert_finding(self.verify(NEWEST, "good", vo="atl"), "loads good for VO atl from .*, lfn2pfn atl_path", 0)

    def test_version_that_the_package_does_not_support_is_told(self):
        for version in VERSIONS:
            self.assert_finding(self.verify(version, "future"), "error: Rucio refuses the SUPPORTED_VERSION of future: .*take a version")

    def test_generic_permissions_in_silence_are_told_with_the_module_that_lacks(self):
        self.assert_finding(self.verify(NEWEST, "silent_permission"), "error: silent_permission needs the module not_there, .*Rucio runs "
                            r"rucio\.core\.permission\.generic instead \(.*permission\.py line 1\)")

    def test_algorithms_that_rucio_passes_over_are_told(self):
        self.assert_finding(self.verify(NEWEST, "lost_algorithms"), "lost_algorithms needs the module not_there, .*Rucio goes on without its "
                            "algorithms")

    def test_unknown_type_of_algorithm_is_told(self):
        self.assert_finding(self.verify(NEWEST, "unknown_type"), "Rucio refuses the algorithms of unknown_type: InvalidPolicyPackageAlgorithm")

    def test_algorithm_without_the_name_of_the_vo_is_told(self):
        self.assert_finding(self.verify(NEWEST, "good", vo="ops"), "Rucio refuses the algorithms of good: InvalidAlgorithmName")

    def test_missing_permissions_stop_a_vo_and_are_generic_without_vos(self):
        self.assert_finding(self.verify(NEWEST, "no_permission", vo="atl"), "error: no_permission has no permission, which this Rucio needs of "
                            "each VO's package: .*; Rucio refuses all requests of VO atl")
        self.assert_finding(self.verify(NEWEST, "no_permission"), "warning: no_permission has no permission: Rucio uses its generic one", 0)

    def test_package_that_is_not_there_is_told_by_versions_that_run_without_it(self):
        self.assert_finding(self.verify(SECTION, "not_there"), "error: there is no package not_there: .* holds future, good, lost_")

    def test_mounted_file_without_the_section_leaves_the_generic_policy_before_38_1(self):
        self.assert_finding(self.verify(SECTION, "good", **self.mounted("[common]\n")),
                            r"error: Rucio runs rucio\.common\.schema\.generic instead, as section \[policy\] of .*rucio\.cfg does not name "
                            "the package: add package = good")
        self.assert_finding(self.verify(NEWEST, "good", **self.mounted("[common]\n")), r"Rucio 41\.5\.1 loads good", 0)

    def test_mounted_file_with_an_empty_section_loses_the_algorithms_before_37_3(self):
        self.assert_finding(self.verify(SECTION, "good", **self.mounted("[policy]\n")), "error: Rucio has not taken the lfn2pfn algorithms of "
                            "good .atl_path.: does section")

    def test_file_that_names_the_package_is_enough(self):
        self.assert_finding(self.verify(SECTION, "good", **self.mounted("[policy]\npackage = good\n")), r"Rucio 37\.2\.0 loads good", 0)

    def test_older_version_without_config_variables_is_told(self):
        self.assert_finding(self.verify(SECTION, "good", RUCIO_CFG_POLICY_PACKAGE=None), "this version reads rucio.cfg, too: set configEnv: true")

    def test_vos_that_rucio_does_not_know_of_are_told(self):
        self.assert_finding(self.verify(NEWEST, "good", vo="atl", RUCIO_CFG_COMMON_MULTI_VO=None),
                            "warning: nothing here sets multi_vo in section .common. of rucio.cfg", 0)
        self.assert_finding(self.verify(NEWEST, "good", vo="atl", **self.mounted("[common]\n")), "error: Rucio has no multi_vo in section")

    def test_package_in_site_packages_is_fine(self):
        folder = self.in_site_packages("site_policy", GOOD)
        env = {"POLICY_PKG_PATH": None, "PYTHONPATH": None}
        self.assert_finding(self.verify(NEWEST, "site_policy", "fail", "site-packages", **env), f"loads site_policy from {folder}: ", 0)

    def test_package_in_site_packages_is_fine_when_nobody_mounted_the_path(self):
        self.in_site_packages("site_policy", GOOD)
        nowhere = str(self.path / "nowhere")
        self.assert_finding(self.verify(NEWEST, "site_policy", POLICY_PKG_PATH=nowhere, PYTHONPATH=nowhere),
                            r"warning: site_policy comes from .*, not from POLICY_PKG_PATH .*, which is not there", 0)

    def test_package_in_site_packages_that_hides_what_was_mounted_is_an_error(self):
        self.in_site_packages("site_policy", GOOD)
        self.assert_finding(self.verify(NEWEST, "site_policy"), "error: site_policy comes from .*, which holds future, good")

    def test_path_may_come_by_a_pth_file(self):
        self.assert_finding(self.verify(NEWEST, "good", "fail", "pth", PYTHONPATH=None), "error: no .pth file puts POLICY_PKG_PATH")
        self.in_site_packages("rpw-test.pth", f"{self.path}\n")
        self.assert_finding(self.verify(NEWEST, "good", "fail", "pth", PYTHONPATH=None), f"loads good from {self.path}", 0)

    def test_upgrade_in_the_page_is_what_is_printed(self):
        files = {**GOOD, "__init__.py": "SUPPORTED_VERSION = ['35']\n" + GOOD["__init__.py"].replace("atl_path", "vo_path")}
        self.write(self.path / "vo_policy", files)
        self.addCleanup(shutil.rmtree, self.path / "vo_policy")
        printed = "".join(self.verify(version, "vo_policy").stdout for version in (OLDEST, NEWEST)).replace(str(self.path), "/policy")
        self.assertIn("```text\n" + printed + "```", (ROOT / "docs" / "rucio.md").read_text())

    def test_root_that_cannot_be_written_to_is_enough(self):
        env = rucio.variables(self.path, "good")
        command = ["unshare", "--mount", "sh", "-ec", 'mount -o remount,bind,ro /; ! touch /tmp/x 2>/dev/null; exec "$@"', "sh", "env",
                   *[f"{name}={value}" for name, value in env.items()], self.pythons[NEWEST], "-", "fail"]
        if os.geteuid() != 0:
            self.skipTest("only root can make a root that is read-only")
        result = subprocess.run(command, input=self.script, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        self.assert_finding(result, "loads good", 0)


if __name__ == "__main__":
    unittest.main()
