# verify.py - verify: what does Rucio make of its policy package in this container? In the init container rucio-policy-verify,
# which has the environment and the mounts of the container that it verifies for.
#
# Rucio's own loader is asked, with a rucio.cfg that lives in memory: the mounted one, or the one that the image's entrypoint
# will make, without the database. What the package promises and Rucio did not take is a finding: one line that says what was
# found, what it means, what to do. It travels in every pod: no dollar sign before a parenthesis or another one, which
# Kubernetes would replace; blank lines and lines like this one are left out. Rucio's images have Python 3.9 or later.
#
# Arguments: "warn" or "fail", then at most one of
#     entrypoint     PYTHONPATH is left to the image's entrypoint, which does not run here
#     pth            a .pth file puts POLICY_PKG_PATH on sys.path, and PYTHONPATH need not have it
#     site-packages  the package is among the image's own packages: there is no POLICY_PKG_PATH
import sys

# Rucio's programs do not look for modules in the working directory, as python -c does.
if sys.path[:1] == [""]:
    del sys.path[0]
sys.dont_write_bytecode = True

import configparser
import importlib
import importlib.util
import io
import json
import logging
import os
import re
import signal
import stat
import subprocess
import tempfile
import traceback

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


def attempt(function, *arguments):
    try:
        return function(*arguments), None
    except BaseException as reason:
        return None, reason


def describe(reason):
    frames = [frame for frame in traceback.extract_tb(reason.__traceback__) if not frame[0].startswith("<frozen")]
    file, line = (reason.filename, reason.lineno) if isinstance(reason, SyntaxError) else frames[-1][:2]
    return "%s: %s (%s line %s)" % (type(reason).__name__, getattr(reason, "msg", reason), file, line)


def list_folder(path):
    if not os.path.isdir(path):
        return "is not there"
    names = sorted(name for name in os.listdir(path) if name[0] not in "._" and not name.endswith("-info"))
    return "holds " + (", ".join(names[:9]) or "nothing")


def is_below(file, path):
    return any(form(file).startswith(form(path) + os.sep) for form in (os.path.abspath, os.path.realpath))


def check_python_path(path, value, how):
    if value and "" in value.split(":"):
        warning("PYTHONPATH is '%s': the empty element is the working directory; a reference to an empty variable leaves "
                "one", value)
    if re.search(r"[\x24][(]", value):
        warning("PYTHONPATH is '%s': the variable it refers to is not set", value)
    if path and path not in [item.rstrip("/") for item in sys.path]:
        if how == "pth":
            error("no .pth file puts POLICY_PKG_PATH (%s) on sys.path (%s): is sitePackages the folder of this Python?", path,
                  ", ".join(sys.path))
        elif how != "entrypoint":
            error("PYTHONPATH is '%s', without POLICY_PKG_PATH (%s): Rucio does not look there; see onConflict", value,
                  path)
        sys.path.insert(0, path)


def merge_config(environ):
    """The text of the rucio.cfg that the entrypoint of Rucio's images makes, by its own tool where the image has it."""
    for prefix in sys.prefix, "/usr/local":
        tool = os.path.join(prefix, "rucio/tools/merge_rucio_configs.py")
        if os.path.exists(tool):
            sources = environ.get("RUCIO_OVERRIDE_CONFIGS", "").split()
            return subprocess.run([sys.executable, tool, "--use-env", "-s"] + sources, check=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, universal_newlines=True).stdout
    text = io.StringIO()
    parser = configparser.ConfigParser(interpolation=None)
    for name, value in environ.items():
        parts = re.match("RUCIO_CFG_([^_]+)_(.+)", name)
        if parts:
            parser.read_dict({parts[1].lower(): {parts[2]: value}})
    parser.write(text)
    return text.getvalue()


def read_config(environ):
    """Returns Rucio's configuration, without its database, and where the file lies, which is None for one that is merged."""
    from rucio.common.config import get_config_dirs
    files = [os.path.join(folder, "rucio.cfg") for folder in get_config_dirs()]
    mounted = next(filter(os.path.exists, [environ["RUCIO_CONFIG"]] if "RUCIO_CONFIG" in environ else files), None)
    parser = configparser.ConfigParser(interpolation=None)
    if mounted:
        with open(mounted) as file:
            parser.read_file(file)
    else:
        parser.read_string(merge_config(environ))
    parser.remove_section("database")
    # By this section Rucio tells a server from a client.
    parser["database" if importlib.util.find_spec("rucio.core") else "client"] = {"default": "sqlite:///:memory:"}
    return parser, mounted


def use_config(parser):
    """There may be no folder that can be written to."""
    try:
        file = os.fdopen(os.memfd_create("rucio.cfg"), "w")
    except OSError:
        file = tempfile.TemporaryFile("w")
    parser.write(file)
    file.flush()
    os.environ["RUCIO_CONFIG"] = "/proc/self/fd/%d" % file.fileno()
    return file


def find_names(environ, parser, mounted):
    """The name of the package by VO, as Rucio is to read it; the VO of a Rucio that knows no VOs is the empty one."""
    names = {}
    for option, value in parser.items("policy") if parser.has_section("policy") else []:
        if re.match(r"package(-|\Z)", option):
            names[option[8:]] = value
    for variable, value in environ.items():
        if re.match(r"RUCIO_POLICY_PACKAGE(_|\Z)", variable):
            vo = variable[21:].lower()
            if value and names.get(vo, value) != value:
                warning("%s is %s and rucio.cfg has %s: make them equal, as Rucio reads both", variable, value, names[vo])
            names[vo] = value or names.get(vo, "")
    vos = sorted(vo for vo in names if vo)
    if vos and not names.get("") and not parser.has_option("common", "multi_vo") and not mounted:
        warning("nothing here sets multi_vo in section [common] of rucio.cfg, without which Rucio looks at no VO's package: set "
                "RUCIO_CFG_COMMON_MULTI_VO")
        parser.read_dict({"common": {"multi_vo": "True"}})
    is_multi_vo = parser.getboolean("common", "multi_vo", fallback=False)
    if is_multi_vo != bool(vos) and names:
        error("Rucio %s: %s", "asks for a package per VO (multi_vo), and only %s is named" % names[""] if is_multi_vo else
              "has no multi_vo in section [common] of %s" % mounted, "it runs its generic policy")
    return {vo: names[vo] for vo in names if bool(vo) == is_multi_vo and names[vo]}


class Verification:
    """A package, as one VO has it, and what Rucio chose for it."""

    def __init__(self, vo, names, path, version, mounted):
        self.vo, self.name, self.path, self.version, self.mounted = vo, names[vo], path, version, mounted
        self.vos = [{"vo": each} for each in names]
        self.option = "package-" + vo if vo else "package"
        self.chosen = []

    def explain(self, part, reason):
        """Why Rucio refuses a part: what its loader caught is behind what it raised."""
        stops = "Rucio refuses all requests of VO %s" % self.vo if self.vo else "Rucio does not start"
        while type(reason).__name__ in ("PolicyPackageNotFound", "ErrorLoadingPolicyPackage") and reason.__context__:
            reason = reason.__context__
        if type(reason).__name__ in ("PolicyPackageVersionError", "InvalidSpecifier"):
            error("Rucio refuses the SUPPORTED_VERSION of %s: %s: take a version that is made for Rucio %s", self.name, reason,
                  self.version)
        elif not self.explain_missing(part, reason, stops):
            error("%s cannot be imported: %s; %s", self.name, describe(reason), stops)

    def explain_missing(self, part, reason, means):
        missing = getattr(reason, "name", None) or ""
        if not isinstance(reason, ModuleNotFoundError):
            return False
        if missing and (self.name + ".").startswith(missing + "."):
            error("there is no package %s: %s %s; is the name right, and does the source hold the package's folder? %s",
                  self.name, self.path or "site-packages", list_folder(self.path) if self.path else "lacks it", means)
        elif missing == self.name + "." + part:
            error("%s has no %s, which this Rucio needs%s: add one that imports Rucio's generic one; %s", self.name, part,
                  " of each VO's package" if self.vo else "", means)
        else:
            error("%s needs the module %s, which is not there: add it to the image or the source; %s (%s)", self.name, missing,
                  means, describe(reason))
        return True

    def take_part(self, part, rucio_name):
        """Lets Rucio load its schema or its permissions. Returns false when there is no point in going on."""
        def load():
            rucio = importlib.import_module(rucio_name)
            if self.vo:
                if part == "permission":
                    # Rucio would ask its database.
                    importlib.import_module("rucio.core.vo").list_vos = lambda *_, **__: self.vos
                getattr(rucio, "load_%s_for_vo" % part)(self.vo)
            return getattr(rucio, part + "_modules")[self.vo or "def"]

        module, reason = attempt(load)
        if reason:
            self.explain(part, reason)
            return False
        self.chosen.append("%s %s" % (part, module.__name__))
        if module.__name__ != self.name + "." + part:
            self.explain_other(part, module.__name__)
        elif part == "permission" and not callable(getattr(module, "has_permission", None)):
            error("%s has no function has_permission: Rucio fails at each request", module.__name__)
        elif part == "schema":
            self.use_schema(importlib.import_module(rucio_name))
        return True

    def explain_other(self, part, other):
        """Rucio took its own part."""
        wanted, means = self.name + "." + part, "Rucio runs %s instead" % other
        _, reason = attempt(importlib.import_module, wanted)
        if getattr(reason, "name", None) == wanted:
            warning("%s has no %s: Rucio uses its generic one", self.name, part)
        elif reason and not self.explain_missing(part, reason, means):
            error("%s cannot be imported: %s; %s", wanted, describe(reason), means)
        elif not reason:
            error("%s, as %s: %s", means, "section [policy] of %s does not name the package" % self.mounted if self.mounted else
                  "this version reads rucio.cfg, too", "add %s = %s" % (self.option, self.name) if self.mounted else
                  "set configEnv: true")

    def use_schema(self, schema):
        _, reason = attempt(schema.validate_schema, "name", "x", *[self.vo] if self.vo else [])
        if reason and type(reason).__name__ != "InvalidObject":
            error("Rucio cannot use %s.schema: %s", self.name, describe(reason))

    def take_algorithms(self, plugins):
        """Lets Rucio register the package's algorithms, and sees which it has then."""
        algorithms, module = plugins.PolicyPackageAlgorithms, sys.modules.get(self.name)
        _, reason = attempt(algorithms._try_importing_policy, self.vo) if self.vo else attempt(algorithms)
        if reason:
            error("Rucio refuses the algorithms of %s: %s; what uses them stops", self.name, describe(reason))
            return
        promised, reason = attempt(getattr(module, "get_algorithms", dict))
        if reason and not self.explain_missing("algorithms", reason, "Rucio goes on without its algorithms"):
            error("get_algorithms() of %s fails: %s; Rucio goes on without its algorithms", self.name, describe(reason))
        for kind, functions in (promised or {}).items():
            taken = [name for name in functions if name in algorithms._ALGORITHMS.get(kind, {})]
            if len(taken) < len(functions):
                error("Rucio has not taken the %s algorithms of %s (%s): does section [policy] of %s have %s = %s?", kind,
                      self.name, ", ".join(functions), self.mounted or "rucio.cfg", self.option, self.name)
            self.chosen.append("%s %s" % (kind, " ".join(taken)))
        for kind in getattr(plugins, "POLICY_ALGORITHM_TYPES", ()):
            self.take_default(algorithms, kind)

    def take_default(self, algorithms, kind):
        """Newer versions look for a function in a module of the algorithm's type; one that cannot be imported is passed over."""
        wanted = "%s.%s" % (self.name, kind)
        if not hasattr(sys.modules[self.name], "__path__") or not importlib.util.find_spec(wanted):
            return
        _, reason = attempt(importlib.import_module, wanted)
        if reason and not self.explain_missing(kind, reason, "Rucio goes on without " + wanted):
            error("%s cannot be imported: %s; Rucio goes on without it", wanted, describe(reason))
        elif not reason and algorithms._get_default_algorithm(kind, self.vo or "def"):
            self.chosen.append("%s of its own" % kind)

    def check_place(self):
        module = sys.modules[self.name]
        file = getattr(module, "__file__", None)
        place = file or list(module.__path__)[0]
        if self.path and not is_below(place, self.path):
            # A path that is not there is one that nobody mounted: the image has the package elsewhere.
            (error if os.path.isdir(self.path) else warning)(
                "%s comes from %s, not from POLICY_PKG_PATH (%s), which %s: remove that one or put the path first (pythonPath: "
                "prepend), or say source.preinstalled.sitePackages", self.name, place, self.path, list_folder(self.path))
        if not file:
            warning("%s has no __init__.py: is it the right folder?", self.name)
        return os.path.dirname(os.path.dirname(place)) if not self.path or not is_below(place, self.path) else self.path

    def run(self, plugins):
        parts = [("schema", "rucio.common.schema")]
        if importlib.util.find_spec("rucio.core"):
            parts.append(("permission", "rucio.core.permission"))
        else:
            warning("this image has Rucio's clients only: permissions are not looked at")
        if not all(self.take_part(*part) for part in parts) or self.name not in sys.modules:
            return
        place = self.check_place()
        self.take_algorithms(plugins)
        if not has_errors():
            say("", "Rucio %s loads %s%s from %s: %s", self.version, self.name, " for VO " + self.vo if self.vo else "", place,
                ", ".join(self.chosen))


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


def verify(environ, how):
    path = environ.get("POLICY_PKG_PATH", "").rstrip("/") if how != "site-packages" else ""
    if not path and how != "site-packages":
        error("POLICY_PKG_PATH is not set: does the pod set it to nothing?")
        return
    check_python_path(path, environ.get("PYTHONPATH", ""), how)
    try:
        from rucio.common import plugins
        from rucio.version import version_string
    except BaseException as reason:
        error("Rucio cannot be imported, so nothing is verified: %s", describe(reason))
        return
    if path and is_below(plugins.__file__, path):
        error("%s holds a Rucio that hides the image's own: install without dependencies (noDeps: true)", path)
    parser, mounted = read_config(environ)
    names = find_names(environ, parser, mounted)
    if not names and not has_errors():
        error("RUCIO_POLICY_PACKAGE is not set: does the pod set it to nothing?")
    config = use_config(parser)
    for vo in sorted(names):
        Verification(vo, names, path, version_string(), mounted).run(plugins)
    config.close()
    if path:
        check_readable(path)


def run(arguments):
    # What Rucio says of a fallback is among the findings.
    logging.disable(logging.CRITICAL)
    try:
        verify(dict(os.environ), arguments[1] if len(arguments) > 1 else "")
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
