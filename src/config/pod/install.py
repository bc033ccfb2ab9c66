# install.py - source.pip: fills the pod's volume with pip, in the init container rucio-policy-install.
#
# The arguments are pip's. The package is made in new/ and renamed to package/ when it is complete; what an earlier run left
# is removed first, so that after a crash at any point the next run starts afresh. The last line says in words what failed.
# It travels in every pod: no dollar sign before a parenthesis or another one, which Kubernetes would replace; blank lines
# and lines like this one are left out.
import importlib.util
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time

# What pip prints, whether another attempt may help, what to tell. The first that matches counts: with no network, pip says
# in the end that there is no such version. It keeps to itself that an index answered with 401 or 503, unless it is told to
# be verbose, and then older ones print passwords.
FAILURES = [
    ("No space left on device|Disk quota exceeded", False, "the volume is full: raise source.pip.sizeLimit"),
    ("(?i)certificate.verify.failed", False,
     "the certificate of the index is not trusted here: set PIP_CERT in source.pip.env"),
    ("40[137] (Client )?Error|Credentials not correct|Tunnel connection failed: 40", False,
     "the index or the proxy refuses these credentials: see source.pip.env and envFrom"),
    ("Cannot find command", False, "the image cannot fetch the requirement: set source.pip.image to one that can"),
    ("connection broken by|Temporary failure in name|Max retries exceeded|Connection (refused|reset)|timed out"
     "|IncompleteRead|(429|50[0234]) (Client |Server )?Error", True,
     "the index cannot be reached from this pod: check indexUrl, proxy and NetworkPolicy, or use source.copy"),
    (r"from versions: (none)?\)", True,
     "the index shows no version of it at all: check its name, indexUrl, the network, and source.pip.env for credentials"),
    ("No matching distribution", False, "the index has no such version for the Python of this image"),
    ("subprocess-exited-with-error|Failed building wheel", False,
     "pip cannot build the package here: offer a wheel, or set source.pip.image to one that can"),
]


def explain(code, output):
    """What failed, and whether another attempt may help."""
    for pattern, may_help, text in FAILURES:
        if re.search(pattern, output):
            return text, may_help
    if code < 0:
        return "pip was ended by signal %d: is source.pip.resources too small?" % -code, False
    lines = [line for line in output.splitlines() if line.strip()]
    return "pip failed: " + " ".join((re.findall("ERROR: (.*)", output) or lines)[-1:]).strip(), False


def remove(path):
    if os.path.isdir(path):
        shutil.rmtree(path)


def make_readable(top):
    """chmod -R a+rX: root installs, others read."""
    for folder, _, files in os.walk(top):
        for path in [folder] + [os.path.join(folder, name) for name in files]:
            mode = os.lstat(path).st_mode
            if not stat.S_ISLNK(mode):
                is_open = stat.S_ISDIR(mode) or mode & 0o111
                os.chmod(path, stat.S_IMODE(mode) | (0o555 if is_open else 0o444))


def run_pip(arguments, new):
    remove(new)
    os.makedirs(new + "/tmp")
    env = dict(os.environ, TMPDIR=new + "/tmp", PIP_USER="0")
    env.setdefault("HOME", new + "/tmp")
    for name in "PIP_PREFIX", "PIP_ROOT", "PIP_TARGET":
        env.pop(name, None)
    pip = [sys.executable, "-I", "-m", "pip", "install", "--target", new + "/package", "--no-input",
           "--disable-pip-version-check", "--no-cache-dir"]
    output = b""
    with subprocess.Popen(pip + arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env) as child:
        for line in child.stdout:
            sys.stdout.buffer.write(line)
            sys.stdout.flush()
            output = (output + line)[-65536:]
    return child.returncode, output.decode(errors="replace")


def install(arguments, root, attempts, pause_s):
    """Returns what failed, None when nothing did."""
    new, package, old = root + "/new", root + "/package", root + "/old"
    if not importlib.util.find_spec("pip"):
        return "the image has no pip: set source.pip.image to one that has, or use source.copy"
    remove(old)
    for attempt in range(1, attempts + 1):
        code, output = run_pip(arguments, new)
        if code == 0:
            break
        text, may_help = explain(code, output)
        if not may_help or attempt == attempts:
            return text
        print("rucio-policy-install: attempt %d of %d failed" % (attempt, attempts), flush=True)
        time.sleep(pause_s)
    if not os.path.isdir(new + "/package"):
        return "pip installed nothing: see source.pip.args"
    make_readable(new + "/package")
    if os.path.isdir(package):
        os.rename(package, old)
    os.rename(new + "/package", package)
    remove(old)
    remove(new)


def main(arguments, root="/rucio-policy", attempts=3, pause_s=10):
    os.umask(0o022)
    try:
        failure = install(arguments, root, attempts, pause_s)
    except OSError as error:
        failure = "%s cannot be filled: %s" % (root, error)
    print("rucio-policy-install: " + (failure or "the package is in place"), flush=True)
    return 1 if failure else 0


if __name__ == "__main__":
    # As process 1 it would not hear of the pod's end.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
    sys.exit(main(sys.argv[1:]))
