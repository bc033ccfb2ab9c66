"""scripts/empty-machine.sh: what is inside, what its command is given, and that nothing is left behind.

Needs root, mmdebstrap and, the first time, Debian's packages.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = str(ROOT / "scripts" / "empty-machine.sh")


def run(*arguments, **environment):
    return subprocess.run([SCRIPT, *arguments], env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=600, check=False)


def wait_until(condition, what):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.02)


def commands_with(text):
    """The processes that have it in their command line."""
    return [path for path in pathlib.Path("/proc").glob("[0-9]*/cmdline") if text in read(path)]


def read(path):
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # it has ended
        return ""


@unittest.skipIf(os.getuid(), "needs root")
class EmptyMachine(unittest.TestCase):
    def test_command_finds_the_clone_and_nothing_of_this_machine(self):
        done = run("sh", "-c", "pwd; git rev-parse HEAD; echo $SECRET; command -v gcc python3 mmdebstrap; ls build; exit 7",
                   SECRET="of this machine")
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
        self.assertEqual((done.stdout, done.returncode), (f"/root/clone\n{head}\n", 7), done.stderr)

    def test_nothing_is_left_behind_when_it_is_killed(self):
        mark = f"{os.getpid()}777"  # a number of seconds that nobody else sleeps
        mounts = read(pathlib.Path("/proc/mounts"))
        for number in (signal.SIGKILL, signal.SIGTERM):
            with self.subTest(number), subprocess.Popen([SCRIPT, "sleep", mark], stdin=subprocess.DEVNULL) as process:
                wait_until(lambda: any(read(path) == f"sleep\0{mark}\0" for path in commands_with(mark)), "it sleeps")
                process.send_signal(number)
                process.wait()
                wait_until(lambda: not commands_with(mark), "no process is left")
                self.assertEqual(read(pathlib.Path("/proc/mounts")), mounts)

    def test_machine_without_mmdebstrap_is_told_so(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("bash", "dirname", "env", "id"):
                os.symlink(shutil.which(name), pathlib.Path(folder) / name)
            done = run("true", PATH=folder)
        self.assertEqual((done.returncode, done.stderr),
                         (3, "empty-machine.sh: mmdebstrap is missing (a Debian package)\n"))

    def test_usage(self):
        for arguments in ([], ["--release"], ["--release", "trixie"], ["--release", "sid", "true"]):
            with self.subTest(arguments):
                done = run(*arguments)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn("--release bookworm|trixie", done.stderr)


class WithoutRights(unittest.TestCase):
    def test_who_is_not_root_is_told_so(self):
        command = ["setpriv", "--reuid=65534", "--clear-groups", "--"] if os.getuid() == 0 else []
        done = subprocess.run([*command, "bash", "-c", f"exec bash {SCRIPT} true"], capture_output=True, text=True,
                              check=False)
        self.assertEqual((done.returncode, done.stderr),
                         (3, "empty-machine.sh: needs root: it makes namespaces and mounts\n"))


if __name__ == "__main__":
    unittest.main()
