"""Rucios from PyPI, a virtual environment each, and two that judge a policy package: the program's verify.py, and Rucio itself
with a database, asked for what a server asks for. Virtual environments stay in RPW_RUCIO_DIR (build/rucio)."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("RPW_RUCIO_DIR") or ROOT / "build" / "rucio").expanduser()
SCRIPT = ROOT / "src" / "config" / "pod" / "verify.py"
# What a version needs to be installed today: its release names a version that was withdrawn.
BESIDE = {"36.5.0": ["stomp-py==8.1.2"]}

# Prints what Rucio makes of a package: the arguments are the VO or nothing, and the package's name. What verify.py finds out
# by Rucio's loaders is asked here by the functions that Rucio's server calls, with a database that has the VO.
JUDGE = r"""
import importlib, json, os, sys
vo, name = sys.argv[1] or "def", sys.argv[2]
verdict = {}

def ask(what, function):
    try:
        verdict[what] = function()
    except BaseException as error:
        verdict[what] = "%s: %s" % (type(error).__name__, str(error).split("\n")[0])
        verdict["fails"] = verdict.get("fails", []) + [what]

def make_database():
    from rucio.db.sqla import models, session
    models.register_models(session.get_engine())
    with session.get_session()() as writer:
        writer.add(models.VO(vo=vo, description="", email=""))
        writer.commit()

def schema():
    from rucio.common import schema as rucio
    from rucio.common.exception import InvalidObject
    rucio.get_schema_value("SCOPE_LENGTH", vo)
    try:
        rucio.validate_schema("name", "x", vo=vo)
    except InvalidObject:
        pass
    return rucio.schema_modules[vo].__name__

def permission():
    from rucio.common.types import InternalAccount
    from rucio.core import permission as rucio
    from rucio.db.sqla.session import get_session
    account = InternalAccount("root", vo=vo)
    with get_session()() as session:
        rucio.has_permission(account, "add_account", {"account": account}, session=session)
    return rucio.permission_modules[vo].__name__

def supported(kind):
    if kind == "lfn2pfn":
        try:
            from rucio.rse.translation import RSEDeterministicTranslation as algorithms
        except ImportError:
            from rucio.rse.protocols.protocol import RSEDeterministicTranslation as algorithms
    elif kind == "scope":
        from rucio.common.utils import ScopeExtractionAlgorithms as algorithms
    elif kind == "non_deterministic_pfn":
        from rucio.common.utils import NonDeterministicPFNAlgorithms as algorithms
    else:
        from rucio.common.plugins import PolicyPackageAlgorithms
        return lambda name: PolicyPackageAlgorithms()._supports(kind, name)
    algorithms()
    return algorithms.supports

def algorithms():
    from rucio.common.utils import NonDeterministicPFNAlgorithms
    NonDeterministicPFNAlgorithms()
    package = importlib.import_module(name)
    promised = package.get_algorithms() if hasattr(package, "get_algorithms") else {}
    missing = [kind + " " + each for kind, each_of in promised.items() for each in each_of if not supported(kind)(each)]
    if missing:
        raise LookupError("Rucio has no " + ", ".join(missing))
    return sorted(kind + " " + each for kind, each_of in promised.items() for each in each_of)

ask("database", make_database)
for question in schema, permission, algorithms:
    ask(question.__name__, question)
folder = os.path.dirname(sys.modules[name].__file__) if name in sys.modules else ""
for part in "schema", "permission":
    if "fails" not in verdict and os.path.exists(os.path.join(folder, part + ".py")) and verdict[part] != name + "." + part:
        verdict["fails"] = [part]
print(json.dumps(verdict))
"""


def run_uv(*arguments):
    """uv, which installs a Rucio in seconds; returns what went wrong, or nothing."""
    folder = CACHE / "uv"
    if not folder.exists():
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--target", str(folder), "uv"],
                       check=True, capture_output=True, timeout=300)
    subprocess.run([str(folder / "bin" / "uv"), *arguments], check=True, capture_output=True, text=True, timeout=600,
                   # The machine's own authorities count, as for pip: a proxy may have one.
                   env={**os.environ, "UV_CACHE_DIR": str(CACHE / "uv-cache"), "UV_PYTHON_DOWNLOADS": "never",
                        "UV_SYSTEM_CERTS": "true"})


def make_rucio(version, python=sys.executable, name="rucio"):
    """Returns the Python of a virtual environment with this version of Rucio."""
    folder = CACHE / f"{name}-{version}-{pathlib.Path(python).name}"
    if not (folder / "complete").exists():
        (CACHE / "build-constraints").parent.mkdir(parents=True, exist_ok=True)
        (CACHE / "build-constraints").write_text("setuptools<80\n")  # older releases import pkg_resources
        run_uv("venv", "--clear", "--python", python, str(folder))
        run_uv("pip", "install", "--python", str(folder / "bin" / "python"), "--build-constraints",
               str(CACHE / "build-constraints"), f"{name}=={version}", *BESIDE.get(version, []))
        (folder / "complete").touch()
    return str(folder / "bin" / "python")


def fetch_package(requirement):
    """Returns the folder of a policy package from PyPI, without what it depends on."""
    folder = CACHE / "packages" / requirement
    if not folder.exists():
        run_uv("pip", "install", "--no-deps", "--prerelease", "allow", "--python", sys.executable, "--target", str(folder),
               requirement)
    return folder


def variables(path, name, vo=""):
    """What the webhook sets in a container."""
    suffix = ("_" + vo.upper(), "-" + vo) if vo else ("", "")
    return {"POLICY_PKG_PATH": str(path), "PYTHONPATH": str(path), f"RUCIO_POLICY_PACKAGE{suffix[0]}": name,
            f"RUCIO_CFG_POLICY_PACKAGE{suffix[1]}": name, "RUCIO_CFG_COMMON_MULTI_VO": str(bool(vo)), "RUCIO_HOME": "/nonexistent"}


def run_verify(python, env, *arguments, script=None):
    """verify.py, as it is piped into an image."""
    return subprocess.run([python, "-", *(arguments or ["fail"])], input=script or SCRIPT.read_text(), env={**env, "PATH": os.defpath},
                          cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False)


def ask_rucio(python, env, name, vo=""):
    """What Rucio does: the answers by question, and under "fails" the questions that it fails at."""
    # A database that no disk has to keep: its tables would take longer than Rucio.
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as folder:
        config = pathlib.Path(folder) / "rucio.cfg"
        named = "" if env.get("RUCIO_CFG_POLICY_PACKAGE" + ("-" + vo if vo else "")) is None else \
            f"[policy]\npackage{'-' + vo if vo else ''} = {name}\n"
        config.write_text(f"[common]\nmulti_vo = {bool(vo)}\n[database]\ndefault = sqlite:///{folder}/rucio.db\n{named}")
        result = subprocess.run([python, "-c", JUDGE, vo, name], env={**env, "RUCIO_CONFIG": str(config), "PATH": os.defpath}, cwd="/",
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=300, check=False)
    lines = result.stdout.splitlines()
    return json.loads(lines[-1]) if lines else {"fails": ["python"], "python": f"exit code {result.returncode}"}
