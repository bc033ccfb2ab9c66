#!/usr/bin/python3
"""Every module that the scripts and tests import is Python's own, a file beside them, or from a package that
install-packages.sh names for their purpose. Asks dpkg whose file it is, and imports nothing."""
import ast
import functools
import importlib.util
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
# Where Debian's Python runs what is in them. (What is in tests/e2e/images and src/config/pod runs in containers.)
FOLDERS = {"scripts": "demo", "bench": "test", "bench/cluster": "test", "tests/integration": "test",
           "tests/property": "test", "tests/e2e": "e2e", "tests/machine": "e2e"}


def print_packages(purpose):
    script = ROOT / "scripts" / "install-packages.sh"
    return subprocess.run([script, "--print", purpose], check=True, capture_output=True, text=True).stdout.split()


def imports_of(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.lineno, node.module


@functools.cache
def package_of(module):
    """Of Debian; None where there is no such module, or nobody's."""
    found = importlib.util.find_spec(module)
    if found is None or found.origin is None:
        return None
    owner = subprocess.run(["dpkg", "-S", found.origin], check=False, capture_output=True, text=True)
    return owner.stdout.partition(":")[0] or None


def complaints():
    for folder, purpose in FOLDERS.items():
        packages = print_packages(purpose)
        for path in sorted((ROOT / folder).glob("*.py")):
            for line, name in imports_of(path):
                module = name.partition(".")[0]
                ours = [*ROOT.glob(f"tests/*/{module}.py"), *ROOT.glob(f"bench/**/{module}.py")]
                if module in sys.stdlib_module_names or ours:
                    continue
                package = package_of(module)
                if package not in packages:
                    yield (f"{path.relative_to(ROOT)}:{line}: imports {module}, of the package {package or '?'}, which "
                           f"scripts/install-packages.sh does not install for {purpose}")


FOUND = list(complaints())
print("\n".join(FOUND), file=sys.stderr)
sys.exit(bool(FOUND))
