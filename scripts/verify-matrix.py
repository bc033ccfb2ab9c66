#!/usr/bin/env python3
"""verify-matrix.py [--python PYTHON] [--rucio VERSION]... - every policy package of PyPI beside every Rucio that the program is
for: what verify says, and what Rucio itself does. Prints the table of docs/rucio.md; exit code 1 when the two disagree.
Needs PyPI and some minutes of two processors, and keeps what it fetches in RPW_RUCIO_DIR (build/rucio)."""

import argparse
import concurrent.futures
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "rucio"))
import rucio  # pylint: disable=wrong-import-position

RUCIOS = ["35.9.2", "36.5.0", "37.2.0", "37.7.1", "38.6.4", "39.4.2", "40.4.2", "41.5.1"]
# By package: the name that Rucio imports, a VO that its algorithms' names could begin with, the newest release, and those before
# that ask for another Rucio.
PACKAGES = {
    "atlas-rucio-policy-package": ("atlas_rucio_policy_package", "atl", ["0.8.6", "0.2.1"]),
    "ctao-bdms-rucio-policy": ("bdms_rucio_policy", "cta", ["0.6.0", "0.4.1", "0.3.0", "0.1.0"]),
    "eic-rucio-policy-package": ("eic_rucio_policy_package", "eic", ["0.1.2", "0.0.4"]),
    "escape-rucio-policy-package": ("escape_rucio_policy_package", "esc", ["0.2.2"]),
    "jlab-rucio-policy-package": ("jlab_rucio_policy_package", "jla", ["0.0.1a5"]),
    "pic-rucio-policy-package": ("pic_rucio_policy_package", "pic", ["0.1.1", "0.0.1"]),
    "test-policy-package": ("test_policy_package", "you", ["0.0.1"]),
}
# What a finding says, in a word or two.
WORDS = [("refuses the SUPPORTED_VERSION", "version"), ("there is no package", "none"), ("refuses the algorithms", "algorithms"),
         ("goes on without its algorithms", "algorithms"), (r"\.schema|schema", "schema"), ("permission", "permission")]


def try_one(python, requirement, name, vo):
    """Returns a cell of the table, and a line when verify and Rucio disagree."""
    env = rucio.variables(rucio.fetch_package(requirement), name, vo)
    result, real = rucio.run_verify(python, env), rucio.ask_rucio(python, env, name, vo)
    errors = re.findall("(?m)^rucio-policy-verify: error: (.*)", result.stdout)
    word = next((word for pattern, word in WORDS if errors and re.search(pattern, errors[0])), "import")
    disagrees = bool(errors) != bool(real.get("fails"))
    for part in ("schema", "permission") if not errors and not disagrees else ():
        disagrees |= f"{part} {real[part]}" not in result.stdout
    return ("**no**: " + word if errors else "yes"), f"{requirement} {vo}: {result.stdout}Rucio: {real}" if disagrees else ""


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--python", default=sys.executable, help="the Python of Rucio's virtual environments")
    arguments.add_argument("--rucio", action="append", help="only this version of Rucio")
    arguments = arguments.parse_args()
    versions = arguments.rucio or RUCIOS
    pythons = {version: rucio.make_rucio(version, arguments.python) for version in versions}
    rows, disagreements = {}, 0
    for each in range(2):  # without VOs, then the newest releases with one
        for package, (name, vo, releases) in PACKAGES.items():
            for release in releases[:1] if each else releases:
                rows[f"{package} {release}{', VO ' + vo if each else ''}"] = (f"{package}=={release}", name, vo if each else "")
    for requirement, _, _ in rows.values():
        rucio.fetch_package(requirement)
    print(f"| package | {' | '.join(versions)} |\n|---|{'---|' * len(versions)}")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        cells = {title: [pool.submit(try_one, pythons[version], *row) for version in versions] for title, row in rows.items()}
        for title, row in cells.items():
            results = [cell.result() for cell in row]
            print(f"| {title} | {' | '.join(cell for cell, _ in results)} |", flush=True)
            for version, (_, line) in zip(versions, results):
                if line:
                    disagreements += 1
                    print(f"Rucio {version}: {line}", file=sys.stderr)
    print(f"{len(rows) * len(versions)} pairs, {disagreements} disagreements", file=sys.stderr)
    return 1 if disagreements else 0


if __name__ == "__main__":
    sys.exit(main())
