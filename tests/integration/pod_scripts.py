"""The programs of our init containers, src/config/pod, in temporary folders: what they leave behind, also after a crash or
for another user, and what they say when they fail."""

import importlib.util
import json
import os
import pathlib
import py_compile
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest
import venv
import zipfile

from support import ROOT

SCRIPTS = ROOT / "src" / "config" / "pod"
SOMEBODY = 12345  # a user that no image knows
SHELLS = [shell for shell in (["/bin/sh"], ["busybox", "sh"]) if shutil.which(shell[0])]

# Calls main() of the script that is the first argument with the keywords that are the second, in JSON.
CALL_MAIN = """
import json, sys
script = {"__name__": "script"}
exec(compile(sys.argv[1], "script", "exec"), script)
sys.exit(script["main"](sys.argv[3:], **json.loads(sys.argv[2])))
"""

# A pip that does what the environment says, and notes its arguments and its environment.
FAKE_PIP = """
import json, os, sys
here = os.environ["FAKE_PIP"]
with open(here + "/calls", "a") as file:
    file.write(json.dumps([sys.argv[1:], dict(os.environ)]) + "\\n")
with open(here + "/calls") as file:
    call = len(file.readlines())
steps = json.load(open(here + "/steps"))
step = steps[min(call, len(steps)) - 1]
print(step.get("says", ""), flush=True)
target = sys.argv[sys.argv.index("--target") + 1]
for path, mode in step.get("files", {}).items():
    path = os.path.join(target, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(path)
    os.chmod(path, mode)
if "signal" in step:
    os.kill(os.getpid(), step["signal"])
sys.exit(step.get("code", 0))
"""


def tree(folder):
    return sorted(str(path.relative_to(folder)) for path in pathlib.Path(folder).rglob("*"))


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


class PodScript(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rpw-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.folder.chmod(0o755)
        self.volume = self.folder / "volume"
        self.volume.mkdir()
        self.volume.chmod(0o777)

    def write(self, path, text="", mode=0o644):
        path = self.folder / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def run_command(self, command, variables=None, user=None, umask=-1):
        env = {"PATH": os.environ["PATH"], **(variables or {})}
        return subprocess.run(command, env=env, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=120, check=False, user=user, umask=umask)

    def assert_ends(self, result, code, last_line):
        self.assertEqual(result.returncode, code, result.stdout)
        self.assertIn(last_line, result.stdout.splitlines()[-1])


class Install(PodScript):
    """install.py with a pip that is told what to do."""

    @classmethod
    def setUpClass(cls):
        cls.python_folder = tempfile.mkdtemp(prefix="rpw-test-")
        cls.addClassCleanup(shutil.rmtree, cls.python_folder)
        os.chmod(cls.python_folder, 0o755)
        venv.create(cls.python_folder, with_pip=False, symlinks=True)
        cls.python = cls.python_folder + "/bin/python"
        cls.packages = pathlib.Path(next(pathlib.Path(cls.python_folder).glob("lib/*/site-packages")))

    def setUp(self):
        super().setUp()
        pip = self.packages / "pip"
        pip.mkdir()
        self.addCleanup(shutil.rmtree, pip, ignore_errors=True)
        (pip / "__init__.py").touch()
        (pip / "__main__.py").write_text(FAKE_PIP)
        (self.folder / "fake").mkdir()
        (self.folder / "fake").chmod(0o777)

    def install(self, *arguments, steps=({"files": {"pkg/__init__.py": 0o644}},), variables=None, **options):
        self.write("fake/steps", json.dumps(steps))
        keywords = json.dumps({"root": str(self.volume), "pause_s": 0})
        return self.run_command(
            [self.python, "-I", "-c", CALL_MAIN, (SCRIPTS / "install.py").read_text(), keywords, *arguments],
            variables={"FAKE_PIP": str(self.folder / "fake"), **(variables or {})}, **options)

    def calls(self):
        return [json.loads(line) for line in (self.folder / "fake" / "calls").read_text().splitlines()]

    def test_package_is_put_in_place(self):
        self.assert_ends(self.install("--", "pkg==1"), 0, "the package is in place")
        self.assertEqual(tree(self.volume), ["package", "package/pkg", "package/pkg/__init__.py"])

    def test_arguments_reach_pip_as_they_are(self):
        arguments = ["--no-deps", "a b", "'\"", "$HOME;`id`", "--", "pkg>=1,<2"]
        self.install(*arguments)
        self.assertEqual(self.calls()[0][0][-len(arguments):], arguments)

    def test_package_of_an_earlier_run_is_replaced(self):
        self.install(steps=[{"files": {"pkg/old.py": 0o644}}])
        self.write("fake/calls")
        self.assert_ends(self.install(), 0, "the package is in place")
        self.assertEqual(tree(self.volume), ["package", "package/pkg", "package/pkg/__init__.py"])

    def test_run_recovers_from_a_crash_while_pip_was_at_work(self):
        self.write("volume/new/package/pkg/half.py")
        self.write("volume/new/tmp/x")
        self.install()
        self.assertEqual(tree(self.volume), ["package", "package/pkg", "package/pkg/__init__.py"])

    def test_run_recovers_from_a_crash_between_the_two_renames(self):
        self.write("volume/new/package/pkg/half.py")
        self.write("volume/old/pkg/old.py")
        self.install()
        self.assertEqual(tree(self.volume), ["package", "package/pkg", "package/pkg/__init__.py"])

    def test_package_stays_when_the_next_run_fails(self):
        self.install()
        self.assert_ends(self.install(steps=[{"code": 1}]), 1, "pip failed")
        self.assertTrue((self.volume / "package" / "pkg" / "__init__.py").exists())

    def test_all_may_read_what_was_installed(self):
        self.install(steps=[{"files": {"pkg/a.py": 0o600, "bin/tool": 0o700}}], umask=0o077)
        package = self.volume / "package"
        modes = [mode_of(package / path) for path in ("", "pkg", "pkg/a.py", "bin/tool")]
        self.assertEqual(modes, [0o755, 0o755, 0o644, 0o755])

    @unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
    def test_user_that_the_image_does_not_know_can_install(self):
        self.assert_ends(self.install(user=SOMEBODY), 0, "the package is in place")
        self.assertEqual((self.volume / "package").stat().st_uid, SOMEBODY)

    def test_settings_of_the_image_do_not_lead_pip_elsewhere(self):
        self.install(variables={"PIP_TARGET": "/x", "PIP_PREFIX": "/x", "PIP_ROOT": "/x", "PIP_USER": "1"})
        env = self.calls()[0][1]
        self.assertEqual({name: env.get(name) for name in ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER")},
                         {"PIP_TARGET": None, "PIP_PREFIX": None, "PIP_ROOT": None, "PIP_USER": "0"})

    def test_temporary_files_are_made_in_the_volume(self):
        self.install()
        env = self.calls()[0][1]
        self.assertEqual((env["TMPDIR"], env["HOME"]), (f"{self.volume}/new/tmp",) * 2)

    def test_network_is_tried_three_times(self):
        result = self.install(steps=[{"code": 1, "says": "Retrying after connection broken by 'NewConnectionError'\n"
                                                         "ERROR: No matching distribution found for pkg==1"}])
        self.assert_ends(result, 1, "the index cannot be reached from this pod")
        self.assertEqual(len(self.calls()), 3)

    def test_network_that_comes_back_is_used(self):
        broken = {"code": 1, "says": "Temporary failure in name resolution", "files": {"pkg/half.py": 0o644}}
        result = self.install(steps=[broken, {"files": {"pkg/__init__.py": 0o644}}])
        self.assert_ends(result, 0, "the package is in place")
        self.assertEqual(tree(self.volume), ["package", "package/pkg", "package/pkg/__init__.py"])

    def test_index_that_shows_nothing_is_tried_again(self):
        result = self.install(steps=[{"code": 1, "says": "ERROR: Could not find a version (from versions: none)\n"
                                                         "ERROR: No matching distribution found for pkg==1"}])
        self.assert_ends(result, 1, "the index shows no version of it at all")
        self.assertEqual(len(self.calls()), 3)

    def test_other_failures_are_tried_once_and_told_in_words(self):
        for says, expected in [
                ("ERROR: No matching distribution found for pkg==9", "the index has no such version"),
                ("SSLError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed')", "PIP_CERT"),
                ("WARNING: 401 Error, Credentials not correct for https://x", "refuses these credentials"),
                ("ERROR: HTTP error 403 while getting x\nERROR: 403 Client Error: Forbidden for url", "credentials"),
                ("ERROR: Cannot find command 'git' - do you have 'git' installed?", "source.pip.image"),
                ("OSError: [Errno 28] No space left on device", "source.pip.sizeLimit"),
                ("error: subprocess-exited-with-error", "offer a wheel"),
                ("ERROR: one\nERROR: Invalid requirement: 'a=1'", "pip failed: Invalid requirement: 'a=1'")]:
            with self.subTest(says=says):
                self.write("fake/calls")
                self.assert_ends(self.install(steps=[{"code": 1, "says": says}]), 1, expected)
                self.assertEqual(len(self.calls()), 1)

    def test_pip_that_is_killed_is_told(self):
        self.assert_ends(self.install(steps=[{"signal": 9}]), 1, "by signal 9: is source.pip.resources too small?")

    def test_pip_that_installs_nothing_is_told(self):
        self.assert_ends(self.install(steps=[{}]), 1, "pip installed nothing")

    def test_image_without_pip_is_told(self):
        shutil.rmtree(self.packages / "pip")
        self.assert_ends(self.install(), 1, "the image has no pip: set source.pip.image")

    def test_volume_that_cannot_be_written_is_told(self):
        self.volume.rmdir()
        self.volume.touch()
        self.assert_ends(self.install(), 1, f"{self.volume} cannot be filled")


@unittest.skipUnless(importlib.util.find_spec("pip"), "this Python has no pip")
class InstallWithPip(PodScript):
    """install.py with the pip that is there, and wheels made here."""

    def make_wheel(self, version):
        info = f"demo_policy-{version}.dist-info"
        files = {
            "demo_policy/__init__.py": f"VERSION = '{version}'\n",
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: demo-policy\nVersion: {version}\n"
                               "Requires-Dist: absent\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
        with zipfile.ZipFile(self.folder / f"demo_policy-{version}-py3-none-any.whl", "w") as wheel:
            for path, text in files.items():
                wheel.writestr(path, text)

    def install(self, *arguments):
        keywords = json.dumps({"root": str(self.volume), "pause_s": 0, "attempts": 1})
        return self.run_command(
            [sys.executable, "-I", "-c", CALL_MAIN, (SCRIPTS / "install.py").read_text(), keywords, *arguments])

    def install_wheel(self, version):
        return self.install("--no-deps", "--no-index", "--find-links", str(self.folder), "--",
                            f"demo-policy=={version}")

    def test_wheel_is_installed_and_compiled_and_replaced_by_the_next(self):
        self.make_wheel("1.0")
        self.make_wheel("1.1")
        self.assert_ends(self.install_wheel("1.0"), 0, "the package is in place")
        self.assertTrue(list(self.volume.glob("package/demo_policy/__pycache__/__init__.*.pyc")))
        self.assert_ends(self.install_wheel("1.1"), 0, "the package is in place")
        self.assertEqual((self.volume / "package/demo_policy/__init__.py").read_text(), "VERSION = '1.1'\n")
        self.assertFalse((self.volume / "package/demo_policy-1.0.dist-info").exists())

    def test_version_that_is_not_there_is_told(self):
        self.make_wheel("1.0")
        self.assert_ends(self.install_wheel("2.0"), 1, "the index has no such version")
        self.assert_ends(self.install("--no-index", "--", "demo-policy"), 1, "the index shows no version of it at all")

    def test_index_that_cannot_be_reached_is_told(self):
        result = self.install("--no-deps", "--retries", "1", "--index-url", "http://127.0.0.1:9/simple", "--",
                              "demo-policy")
        self.assert_ends(result, 1, "the index cannot be reached")

    def test_requirement_that_pip_does_not_understand_is_told(self):
        self.assert_ends(self.install("--no-index", "--", "demo-policy=1.0"), 1, "Invalid requirement")


class Copy(PodScript):
    """copy.sh, in every shell that is here."""

    def setUp(self):
        super().setUp()
        self.image = self.folder / "an image"
        self.write("an image/pkg/__init__.py")

    def copy(self, shell=("/bin/sh",), path=None, **options):
        return self.run_command([*shell, "-c", (SCRIPTS / "copy.sh").read_text(), "rucio-policy-copy",
                                 str(path or self.image), str(self.volume)], **options)

    def test_package_is_put_in_place_and_replaced(self):
        for shell in SHELLS:
            with self.subTest(shell=shell):
                self.write("volume/package/pkg/old.py")
                self.assert_ends(self.copy(shell), 0, "the package is in place")
                self.assertEqual(tree(self.volume), ["package", "package/pkg", "package/pkg/__init__.py"])

    def test_run_recovers_from_a_crash(self):
        self.write("volume/new/pkg/half.py")
        self.write("volume/old/pkg/old.py")
        self.copy()
        self.assertEqual(tree(self.volume), ["package", "package/pkg", "package/pkg/__init__.py"])

    def test_all_may_read_what_was_copied(self):
        for shell in SHELLS:
            with self.subTest(shell=shell):
                self.write("an image/tool", mode=0o700)
                (self.image / "pkg" / "__init__.py").chmod(0o400)
                self.copy(shell, umask=0o077)
                modes = [mode_of(self.volume / "package" / path) for path in ("", "pkg", "pkg/__init__.py", "tool")]
                self.assertEqual(modes, [0o755, 0o755, 0o644, 0o755])

    def test_symbolic_links_are_followed(self):
        for shell in SHELLS:
            with self.subTest(shell=shell):
                shutil.rmtree(self.image)
                self.write("elsewhere/pkg/__init__.py", "here")
                self.image.mkdir()
                (self.image / "pkg").symlink_to(self.folder / "elsewhere" / "pkg")
                self.copy(shell)
                self.assertFalse((self.volume / "package" / "pkg").is_symlink())
                self.assertEqual((self.volume / "package" / "pkg" / "__init__.py").read_text(), "here")

    @unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
    def test_somebody_can_replace_what_was_read_only_in_the_image(self):
        (self.image / "pkg").chmod(0o555)
        for _ in range(2):
            self.assert_ends(self.copy(user=SOMEBODY), 0, "the package is in place")
        self.assertEqual(tree(self.volume), ["package", "package/pkg", "package/pkg/__init__.py"])

    @unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
    def test_somebody_can_remove_read_only_directories_of_a_crashed_run(self):
        left = self.write("volume/new/pkg/half.py")
        os.chown(self.volume / "new", SOMEBODY, -1)
        os.chown(left.parent, SOMEBODY, -1)
        left.parent.chmod(0o555)
        self.assert_ends(self.copy(user=SOMEBODY), 0, "the package is in place")

    @unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
    def test_files_that_cannot_be_read_are_told(self):
        (self.image / "pkg" / "__init__.py").chmod(0o600)
        result = self.copy(user=SOMEBODY)
        self.assert_ends(result, 1, "it must be readable for this container's user")
        self.assertFalse((self.volume / "package").exists())

    def test_directory_that_is_not_there_is_told(self):
        self.assert_ends(self.copy(path="/nonexistent"), 1,
                         "this image has no directory /nonexistent: set source.copy.path")

    def test_directory_that_is_empty_is_told(self):
        shutil.rmtree(self.image / "pkg")
        self.assert_ends(self.copy(), 1, "is empty: set source.copy.path")

    def test_volume_that_cannot_be_written_is_told(self):
        self.volume.rmdir()
        self.assert_ends(self.copy(), 1, "cannot be written to")


# By path: a Rucio that takes what is there.
STAND_IN_RUCIO = {
    "__init__.py": "", "common/__init__.py": "", "core/__init__.py": "", "generic.py": "def has_permission(): pass\n",
    "version.py": "def version_string():\n    return '41.5.1'\n",
    "common/config.py": "import os\ndef get_config_dirs():\n    return [os.environ['RUCIO_HOME'] + '/etc']\n",
    "common/plugins.py": "class PolicyPackageAlgorithms:\n    _ALGORITHMS = {}\n    _try_importing_policy = print\n",
    "core/vo.py": "", "core/permission.py": "from rucio.common.schema import *\n",
    "common/schema.py": """
import importlib, os
permission_modules, schema_modules = {}, {}
def load(vo, part, modules):
    name = os.environ["RUCIO_POLICY_PACKAGE" + ("_" + vo.upper() if vo != "def" else "")]
    importlib.import_module(name)
    try:
        modules[vo] = importlib.import_module(name + "." + part)
    except ModuleNotFoundError:
        modules[vo] = importlib.import_module("rucio.generic")
def load_schema_for_vo(vo):
    load(vo, "schema", schema_modules)
def load_permission_for_vo(vo):
    load(vo, "permission", permission_modules)
def validate_schema(name, obj, vo="def"):
    pass
if "RUCIO_POLICY_PACKAGE" in os.environ:
    load_schema_for_vo("def")
    load_permission_for_vo("def")
"""}


class Verify(PodScript):
    """verify.py in the environment of a container with a Rucio that is a stand-in: it loads and does not judge. What a real one
    makes of packages is in verify_rucio.py."""

    def setUp(self):
        super().setUp()
        self.path = self.folder / "policy"
        self.write("policy/pkg/__init__.py")
        self.write("policy/pkg/schema.py")
        self.write("policy/pkg/permission.py", "def has_permission(): pass\n")
        for path, text in STAND_IN_RUCIO.items():
            self.write("image/rucio/" + path, text)

    def verify(self, *arguments, patience_s=300, **variables):
        self.log = self.write("log")
        env = {"POLICY_PKG_PATH": str(self.path), "RUCIO_POLICY_PACKAGE": "pkg", "RUCIO_CFG_POLICY_PACKAGE": "pkg",
               "PYTHONPATH": f"{self.path}:{self.folder}/image", "RUCIO_HOME": str(self.folder / "rucio"), **variables}
        return self.run_command(
            [sys.executable, "-c", CALL_MAIN, (SCRIPTS / "verify.py").read_text(),
             json.dumps({"log": str(self.log), "patience_s": patience_s}), *(arguments or ["fail"])], {name: value for name, value in env.items() if value is not None})

    def assert_error(self, expected, *arguments, **variables):
        result = self.verify(*arguments, **variables)
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertRegex(result.stdout, "(?m)^rucio-policy-verify: error: .*" + expected)
        self.assert_ends(result, 1, "the pod does not start (verify: fail)")

    def test_package_that_ends_the_process_is_an_error(self):
        self.write("policy/pkg/__init__.py", "import os\nos._exit(0)\n")
        self.assert_error("importing the package ends Python: it must not exit")

    def test_package_that_crashes_is_an_error(self):
        self.write("policy/pkg/__init__.py", "import os\nos.abort()\n")
        self.assert_error("importing the package ends Python with signal 6")

    def test_package_that_hangs_is_an_error(self):
        self.write("policy/pkg/__init__.py", "import time\ntime.sleep(600)\n")
        self.assert_error("importing the package takes more than 1 s", patience_s=1)

    def test_package_that_ends_the_process_is_only_reported_with_warn(self):
        self.write("policy/pkg/__init__.py", "import os\nos._exit(3)\n")
        result = self.verify("warn")
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertIn("error: importing the package ends Python", result.stdout)

    def assert_warning(self, expected, **variables):
        result = self.verify(**variables)
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertRegex(result.stdout, "(?m)^rucio-policy-verify: warning: .*" + expected)

    def assert_fine(self, **variables):
        result = self.verify(**variables)
        self.assertEqual((result.returncode, result.stdout),
                         (0, f"rucio-policy-verify: Rucio 41.5.1 loads pkg from {self.path}: schema pkg.schema, permission "
                             "pkg.permission\n"))

    def test_package_that_is_right_is_named(self):
        self.assert_fine()

    def test_nothing_is_written_below_the_path(self):
        before = tree(self.path)
        self.assert_fine()
        self.assertEqual(tree(self.path), before)

    def test_trailing_slashes_make_no_difference(self):
        self.assert_fine(PYTHONPATH=f"{self.path}//:{self.folder}/image", POLICY_PKG_PATH=f"{self.path}/")

    def test_summary_is_left_for_kubectl_describe(self):
        result = self.verify(RUCIO_POLICY_PACKAGE="other", RUCIO_CFG_POLICY_PACKAGE="other")
        self.assertEqual(self.log.read_text(), result.stdout.rstrip("\n"))

    def test_log_that_is_not_there_is_not_made(self):
        path = self.folder / "nowhere"
        self.run_command([sys.executable, "-c", CALL_MAIN, (SCRIPTS / "verify.py").read_text(),
                          json.dumps({"log": str(path)}), "warn"])
        self.assertFalse(path.exists())

    def test_warn_reports_errors_and_lets_the_pod_start(self):
        result = self.verify("warn", RUCIO_POLICY_PACKAGE="other")
        self.assertEqual(result.returncode, 0)
        self.assertIn("error: there is no package other", result.stdout)

    def test_packages_of_all_vos_are_verified(self):
        self.assert_error("there is no package ops", RUCIO_POLICY_PACKAGE=None, RUCIO_POLICY_PACKAGE_ATL="pkg",
                          RUCIO_POLICY_PACKAGE_OPS="ops", RUCIO_CFG_POLICY_PACKAGE=None, RUCIO_CFG_COMMON_MULTI_VO="True")

    def test_package_that_is_not_there_is_told_with_what_is(self):
        self.assert_error(f"there is no package other: {self.path} holds pkg", RUCIO_POLICY_PACKAGE="other")

    def test_path_that_is_not_there_is_told(self):
        shutil.rmtree(self.path)
        self.assert_error(f"{self.path} is not there")

    def test_path_that_is_empty_is_told(self):
        shutil.rmtree(self.path / "pkg")
        self.assert_error(f"{self.path} holds nothing")

    def test_error_in_the_package_is_told_with_its_line(self):
        self.write("policy/pkg/__init__.py", "\n1 / 0\n")
        self.assert_error(r"pkg cannot be imported: ZeroDivisionError: .*pkg/__init__\.py line 2")

    def test_syntax_error_in_the_package_is_told_with_its_line(self):
        self.write("policy/pkg/__init__.py", "\ndef\n")
        self.assert_error(r"pkg cannot be imported: SyntaxError: .*pkg/__init__\.py line 2")

    def test_package_that_ends_python_is_told(self):
        self.write("policy/pkg/__init__.py", "raise SystemExit(0)\n")
        self.assert_error("pkg cannot be imported: SystemExit")

    def test_module_that_the_package_needs_is_told(self):
        self.write("policy/pkg/__init__.py", "import nowhere\n")
        self.assert_error("pkg needs the module nowhere")

    def test_package_from_elsewhere_is_told(self):
        shutil.copytree(self.path / "pkg", self.folder / "image" / "pkg")
        self.assert_error(f"pkg comes from {self.folder}/image/pkg/__init__.py, not from POLICY_PKG_PATH .{self.path}., which holds pkg",
                          PYTHONPATH=f"{self.folder}/image:{self.path}")

    def test_package_of_the_working_directory_is_not_taken(self):
        script = (SCRIPTS / "verify.py").read_text()
        env = {"POLICY_PKG_PATH": "/not-there", "RUCIO_POLICY_PACKAGE": "pkg",
               "PYTHONPATH": f"{self.folder}/image:/not-there", "RUCIO_HOME": "/nonexistent"}
        result = subprocess.run([sys.executable, "-c", script, "fail"], env=env, cwd=self.path, stdout=subprocess.PIPE,
                                text=True, timeout=60, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("there is no package pkg: /not-there is not there", result.stdout)

    def test_missing_part_is_a_warning(self):
        (self.path / "pkg" / "schema.py").unlink()
        self.assert_warning("pkg has no schema: Rucio uses its generic one")

    def test_package_of_one_file_has_no_parts(self):
        shutil.rmtree(self.path / "pkg")
        self.write("policy/pkg.py")
        self.assert_warning("pkg has no permission: Rucio uses its generic one")

    def test_part_that_is_no_python_is_told(self):
        self.write("policy/pkg/permission.py", "def\n")
        self.assert_error(r"pkg cannot be imported: SyntaxError: .*permission\.py line 1.*; Rucio does not start")

    def test_folder_without_init_is_a_warning(self):
        (self.path / "pkg" / "__init__.py").unlink()
        self.assert_warning("pkg has no __init__.py")

    def test_image_without_rucio_is_told(self):
        shutil.rmtree(self.folder / "image")
        self.assert_error("Rucio cannot be imported, so nothing is verified: ModuleNotFoundError")

    def test_rucio_below_the_path_is_told(self):
        shutil.copytree(self.folder / "image" / "rucio", self.path / "rucio")
        self.assert_error(f"{self.path} holds a Rucio that hides the image's own")

    def test_empty_element_of_python_path_is_a_warning(self):
        self.assert_warning("the empty element", PYTHONPATH=f"{self.path}:{self.folder}/image:")

    def test_reference_that_was_not_resolved_is_a_warning(self):
        self.assert_warning("the variable it refers to is not set",
                            PYTHONPATH=f"{self.path}:{self.folder}/image:$(OLD)")

    def test_path_that_is_not_in_python_path_is_told(self):
        self.assert_error("without POLICY_PKG_PATH", PYTHONPATH=f"{self.folder}/image")

    def test_path_is_left_to_the_entrypoint_when_it_is_said_so(self):
        result = self.verify("fail", "entrypoint", PYTHONPATH=f"{self.folder}/image")
        self.assert_ends(result, 0, f"Rucio 41.5.1 loads pkg from {self.path}")

    def test_variables_that_differ_are_a_warning(self):
        self.write("policy/other/__init__.py")
        self.assert_warning("make them equal", RUCIO_CFG_POLICY_PACKAGE="other")

    def test_variables_that_are_empty_are_told(self):
        self.assert_error("RUCIO_POLICY_PACKAGE is not set", RUCIO_POLICY_PACKAGE="", RUCIO_CFG_POLICY_PACKAGE="")
        self.assert_error("POLICY_PKG_PATH is not set", POLICY_PKG_PATH="")

    def test_files_that_others_cannot_read_are_a_warning(self):
        (self.path / "pkg" / "schema.py").chmod(0o600)
        self.assert_warning(f"1 files are not readable for all, {self.path}/pkg/schema.py first")

    def test_check_that_fails_itself_lets_the_pod_start_when_it_only_warns(self):
        self.write("rucio/etc/rucio.cfg", "no section\n")
        result = self.verify("warn")
        self.assertEqual(result.returncode, 0)
        self.assertIn("error: the package cannot be looked at: MissingSectionHeaderError", result.stdout)


class Texts(unittest.TestCase):
    def test_kubernetes_would_replace_nothing_in_them(self):
        for script in SCRIPTS.glob("*.[ps][yh]"):
            for sequence in ("$" + "(", "$" + "$"):
                self.assertNotIn(sequence, script.read_text(), script.name)

    def test_python_compiles_them(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("install.py", "verify.py"):
                py_compile.compile(str(SCRIPTS / name), cfile=folder + "/x", doraise=True)


if __name__ == "__main__":
    unittest.main()
