# verify.py - verify: would Rucio load its policy package in this container? In the init container rucio-policy-verify, which
# has the environment and the mounts of the container that it verifies for, and no rucio.cfg yet unless one is mounted.
#
# Arguments: "warn" or "fail", and "entrypoint" when PYTHONPATH is left to the image's entrypoint, which does not run here.
# Each finding is one line: what was found, what it means, what to do. It travels in every pod: no dollar sign before a
# parenthesis or another one, which Kubernetes would replace; blank lines and lines like this one are left out.
import sys

# Rucio's programs do not look for modules in the working directory, as python -c does.
if sys.path[:1] == [""]:
    del sys.path[0]
sys.dont_write_bytecode = True

import configparser
import importlib
import importlib.util
import json
import os
import re
import signal
import stat
import traceback

# A Rucio without a rucio.cfg says this when it is asked for a value of it.
CONFIG_ERRORS = "ConfigNotFound", "ConfigLoadingError", "NoSectionError", "NoOptionError"
findings = []


def say(kind, text, *values):
    findings.append((kind, "rucio-policy-verify: " + kind + " ".join((text % values).split())))
    print(findings[-1][1], flush=True)


def has_errors():
    return any(kind == "error: " for kind, _ in findings)


def error(*text):
    say("error: ", *text)


def warning(*text):
    say("warning: ", *text)


def is_below(file, path):
    return any(form(file).startswith(form(path) + os.sep) for form in (os.path.abspath, os.path.realpath))


def describe(reason):
    place = traceback.extract_tb(reason.__traceback__)[-1]
    file, line = (reason.filename, reason.lineno) if isinstance(reason, SyntaxError) else (place[0], place[1])
    return "%s: %s (%s line %s)" % (type(reason).__name__, getattr(reason, "msg", reason), file, line)


def list_folder(path):
    if not os.path.isdir(path):
        return "is not there"
    names = sorted(name for name in os.listdir(path) if name[0] not in "._" and not name.endswith("-info"))
    return "holds " + (", ".join(names[:9]) or "nothing")


def check_python_path(path, value, is_entrypoint):
    if value and "" in value.split(":"):
        warning("PYTHONPATH is '%s': the empty element is the working directory; a reference to an empty variable leaves "
                "one", value)
    if re.search(r"[\x24][(]", value):
        warning("PYTHONPATH is '%s': the variable it refers to is not set", value)
    if path not in [item.rstrip("/") for item in sys.path]:
        sys.path.insert(0, path)
        if not is_entrypoint:
            error("PYTHONPATH is '%s', without POLICY_PKG_PATH (%s): Rucio does not look there; see onConflict", value,
                  path)


def check_part(name, part):
    try:
        spec = importlib.util.find_spec(name + "." + part)
        if spec:
            spec.loader.get_code(spec.name)
    except ModuleNotFoundError:
        spec = None
    except Exception as reason:
        error("%s.%s cannot be loaded: %s", name, part, describe(reason))
        return
    if not spec:
        warning("%s has no %s: Rucio uses its generic one", name, part)


def check_package(name, path):
    try:
        module = importlib.import_module(name)
    except BaseException as reason:
        missing = getattr(reason, "name", None) or "?"
        if type(reason).__name__ in CONFIG_ERRORS:
            warning("importing %s reads rucio.cfg, which is not made yet: not verified", name)
        elif not isinstance(reason, ModuleNotFoundError):
            error("%s cannot be imported: %s", name, describe(reason))
        elif (name + ".").startswith(missing + "."):
            error("there is no package %s: %s %s; is the name right, and does the source hold the package's folder?",
                  name, path, list_folder(path))
        else:
            error("%s needs the module %s, which is not there: add it to the image or the source", name, missing)
        return None
    file = getattr(module, "__file__", None)
    place = file or list(module.__path__)[0]
    if not is_below(place, path):
        error("%s comes from %s, not from %s, which %s: remove that one, or put the path first (pythonPath: prepend)",
              name, place, path, list_folder(path))
    if not file:
        warning("%s has no __init__.py: is it the right folder?", name)
    check_part(name, "schema")
    check_part(name, "permission")
    return module


def check_supported(module, plugins):
    try:
        if hasattr(plugins, "check_policy_module_version"):
            plugins.check_policy_module_version(module)
        else:
            plugins.check_policy_package_version(module.__name__)
    except AttributeError:
        warning("this Rucio does not look at SUPPORTED_VERSION, and so it is not verified")
    except Exception as reason:
        error("Rucio refuses the SUPPORTED_VERSION of %s: %s", module.__name__, reason)


def check_config(version, environ):
    """Before 38.1.0 the variables count only beside a section [policy]; before 37.3.0 some parts read nothing else."""
    numbers = [int(number) for number in re.findall(r"\d+", version)[:2]]
    if numbers >= [38, 1]:
        return
    config = os.path.join(environ.get("RUCIO_HOME", "/opt/rucio"), "etc/rucio.cfg")
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    if parser.read(config):
        keys = list(parser["policy"]) if parser.has_section("policy") else None
        if keys is None or numbers < [37, 3] and not any(key.startswith("package") for key in keys):
            error("Rucio %s needs the package in section [policy] of %s: add it, or Rucio runs its generic policy",
                  version, config)
    elif not any(name.startswith("RUCIO_CFG_POLICY_PACKAGE") for name in environ):
        warning("Rucio %s needs the package in rucio.cfg too: set configEnv: true", version)


def check_rucio(modules, path, environ):
    try:
        from rucio.common import plugins
        from rucio.version import version_string
    except BaseException as reason:
        warning("Rucio cannot be imported, so SUPPORTED_VERSION is not verified: %s", describe(reason))
        return None
    if is_below(plugins.__file__, path):
        error("%s holds a Rucio that hides the image's own: install without dependencies (noDeps: true)", path)
    for module in modules:
        check_supported(module, plugins)
    check_config(version_string(), environ)
    return version_string()


def check_readable(path):
    hidden = []
    for folder, _, files in os.walk(path):
        for item in [folder] + [os.path.join(folder, name) for name in files]:
            mode = os.stat(item).st_mode if os.path.exists(item) else 0o555
            if not mode & 4 or stat.S_ISDIR(mode) and not mode & 1:
                hidden.append(item)
    if hidden:
        warning("%d files are not readable for all, %s first: Apache's workers are not root; see the volume's "
                "defaultMode", len(hidden), hidden[0])


def verify(environ, is_entrypoint):
    path = environ.get("POLICY_PKG_PATH", "").rstrip("/")
    variables = [name for name in sorted(environ) if re.match(r"RUCIO_(CFG_)?POLICY_PACKAGE([_-]|\Z)", name)]
    packages = sorted({environ[name] for name in variables if environ[name]})
    if not path or not packages:
        error("%s is not set: does the pod set it to nothing?", "RUCIO_POLICY_PACKAGE" if path else "POLICY_PKG_PATH")
        return
    first, second = environ.get("RUCIO_POLICY_PACKAGE"), environ.get("RUCIO_CFG_POLICY_PACKAGE")
    if first and second and first != second:
        warning("RUCIO_POLICY_PACKAGE is %s and RUCIO_CFG_POLICY_PACKAGE is %s: make them equal, as Rucio reads both",
                first, second)
    check_python_path(path, environ.get("PYTHONPATH", ""), is_entrypoint)
    modules = [check_package(name, path) for name in packages]
    version = check_rucio([module for module in modules if module], path, environ)
    check_readable(path)
    if version and not has_errors():
        say("", "Rucio %s loads %s from %s", version, ", ".join(packages), path)


def run(arguments):
    try:
        verify(dict(os.environ), "entrypoint" in arguments)
    except Exception as reason:
        error("the package cannot be looked at: %s", describe(reason))


def run_in_child(arguments, patience_s):
    """A package may end the process that imports it, or keep it for ever. Returns the findings."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.alarm(patience_s)
        run(arguments)
        with os.fdopen(writer, "w") as pipe:
            json.dump(findings, pipe)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    status = os.waitpid(child, 0)[1]
    findings.extend(map(tuple, json.loads(text or "[]")))
    if not text:
        code = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        error("importing the package %s", "takes more than %d s" % patience_s if code == signal.SIGALRM else
              "ends Python with signal %d" % code if code else "ends Python: it must not exit")


def main(arguments, log="/dev/termination-log", patience_s=300):
    run_in_child(arguments, patience_s)
    has_failed = "fail" in arguments and has_errors()
    if has_failed:
        say("", "the pod does not start (verify: fail)")
    if os.access(log, os.W_OK):
        with open(log, "w") as file:
            file.write("\n".join(line for _, line in findings)[:4000])
    return 1 if has_failed else 0


if __name__ == "__main__":
    # As process 1 it would not hear of the pod's end.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
    sys.exit(main(sys.argv[1:]))
