#!/usr/bin/python3
"""rucio-policy-probe [VO...] - prints, as one JSON object, which policy the Rucio of this container really uses.

It asks Rucio's own loaders. For the single VO, or for each VO named (rucio.cfg must then say multi_vo), it answers

  permission_module        the module that Rucio asks for permissions
  root_may_add_rse         a decision of it: true under the generic policy, false under rpw_test_rucio_policy_package
  schema_module            the module that Rucio takes its schema from
  scope_length             a value of it: 25 under the generic policy, 77 under ours
  lfn2pfn                  the path that algorithm "rpw_test" gives test:file, named by the storage element
  lfn2pfn_default          the path where the storage element names no algorithm

What cannot be told is null and has the reason in "errors". It always exits 0: judging is the caller's.
"""

import configparser
import importlib
import inspect
import json
import os
import sys

PACKAGE = "rpw_test_rucio_policy_package"
ALGORITHM = "rpw_test"
SINGLE_VO = "def"
RELEVANT_PREFIXES = ("RUCIO_", "POLICY_PKG_PATH", "PYTHONPATH")


def answers_or_errors(questions):
    """Asks each question; a loader may fail in any way that a policy package can."""
    answers, errors = {}, {}
    for name, ask in questions.items():
        try:
            answers[name] = ask()
        except Exception as error:  # pylint: disable=broad-except
            answers[name] = None
            errors[name] = f"{type(error).__name__}: {error}"
    return answers, errors


def rucio_version():
    return importlib.import_module("rucio.version").version_string()


def package_file():
    return importlib.import_module(PACKAGE).__file__


def config_policy():
    """Section [policy] of the file that Rucio reads; null where there is none."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(os.environ.get("RUCIO_CONFIG", "/opt/rucio/etc/rucio.cfg"))
    return dict(config["policy"]) if config.has_section("policy") else None


def loaded_module(loader_name, modules_name, load_name, vo):
    """What Rucio does at the first question about a VO: look into its table, load when it is not there."""
    loader = importlib.import_module(loader_name)
    modules = getattr(loader, modules_name)
    if vo not in modules:
        getattr(loader, load_name)(vo)
    return modules[vo].__name__


def root_may_add_rse(vo):
    permission = importlib.import_module("rucio.core.permission")
    root = importlib.import_module("rucio.common.types").InternalAccount("root", vo=vo)
    with session_scope() as session:
        return bool(permission.has_permission(root, "add_rse", {}, session=session))


def session_scope():
    session = importlib.import_module("rucio.db.sqla.session")
    return session.get_session()()


def add_vos(vos):
    """The path algorithms of every VO in the database are loaded, so the VOs must be there."""
    models = importlib.import_module("rucio.db.sqla.models")
    session = importlib.import_module("rucio.db.sqla.session")
    models.BASE.metadata.create_all(session.get_engine(), tables=[models.VO.__table__])
    with session_scope() as db:
        db.add_all(models.VO(vo=vo, description=vo, email="nobody@localhost") for vo in vos)
        db.commit()


def path_of_file(attributes, vo):
    translation = importlib.import_module("rucio.rse.translation").RSEDeterministicTranslation
    # Newer Rucio has a default for each VO.
    of_vo = {"vo": vo} if "vo" in inspect.signature(translation).parameters else {}
    return translation("RSE", attributes, {}, **of_vo).path("test", "file")


def questions_about(vo):
    return {
        "permission_module": lambda: loaded_module(
            "rucio.core.permission", "permission_modules", "load_permission_for_vo", vo),
        "root_may_add_rse": lambda: root_may_add_rse(vo),
        "schema_module": lambda: loaded_module("rucio.common.schema", "schema_modules", "load_schema_for_vo", vo),
        "scope_length": lambda: importlib.import_module("rucio.common.schema").get_schema_value("SCOPE_LENGTH", vo),
        "lfn2pfn": lambda: path_of_file({"lfn2pfn_algorithm": ALGORITHM}, vo),
        "lfn2pfn_default": lambda: path_of_file({}, vo),
    }


def main():
    vos = sys.argv[1:]
    questions = {"rucio_version": rucio_version, "config_policy": config_policy}
    if vos:
        questions["vos_in_database"] = lambda: add_vos(vos) or vos
    else:
        questions.update(questions_about(SINGLE_VO))
    questions["package_file"] = package_file  # after Rucio's loaders: it must not import the package for them
    report, errors = answers_or_errors(questions)
    if vos:
        report["vos"] = {}
        for vo in vos:
            answers, vo_errors = answers_or_errors(questions_about(vo))
            report["vos"][vo] = {**answers, "errors": vo_errors}
    report["sys_path"] = sys.path
    report["environment"] = {
        name: value for name, value in sorted(os.environ.items()) if name.startswith(RELEVANT_PREFIXES)}
    report["errors"] = errors
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
