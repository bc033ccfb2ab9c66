"""What the matching containers get, table by table of docs/reference.md: what a container has, and what is stored.

Each row is tried under onConflict keep, override and reject, which differ only where there is a conflict. Every pod
that is stored is compared with what the apiserver makes of it without the webhook, and is sent again: then nothing may
change.
"""
import re
import unittest

from api_support import (CFG, CLAIM, NAME, OUR_ENV, OUR_MOUNT, OUR_VOLUME, PACKAGE, PATH, PKG_PATH, PYTHON, ApiCase,
                         add_rows, configuration, container, pod_of, policy, variables)

MODES = ("keep", "override", "reject")
SECRET = {"secretKeyRef": {"name": "site", "key": "value"}}
OPTIONAL = {"secretKeyRef": {"name": "site", "key": "value", "optional": True}}
ENV_FROM = {"envFrom": [{"configMapRef": {"name": "site"}}]}
BASE = "RUCIO_POLICY_BASE_PYTHONPATH"
OTHER = ("OTHER", "x")
THEIRS = "site_policy"

MINE = {"name": "mine", "emptyDir": {}}
ENV_FROM_WARNING = "the variables set here win over those of the same name in its envFrom"


def at(path, name="mine", **fields):
    return {"name": name, "mountPath": path, **fields}


def ours_at(path):
    return {**OUR_MOUNT, "mountPath": path}


class Gets:
    """What is stored. Without volumes: those of the pod, and ours if ours is mounted. Warnings are without what all
    begin with: the policy and the container."""

    def __init__(self, env=None, mounts=None, volumes=None, conflicts=None, warnings=()):
        self.env = OUR_ENV if env is None else env
        self.mounts = [OUR_MOUNT] if mounts is None else mounts
        self.volumes = volumes
        self.conflicts = conflicts
        self.warnings = list(warnings)


class Refuses:
    """A 403 that has all of these texts."""

    def __init__(self, *texts):
        self.texts = texts


class Row:
    """A container with this env, these mounts and other fields in a pod with these volumes; `gets` under every mode, or
    one answer for each mode."""

    def __init__(self, env=(), mounts=(), volumes=(), fields=(), gets=None, keep=None, override=None, reject=None):
        self.volumes = list(volumes)
        self.fields = dict(fields)
        if env:
            self.fields["env"] = variables(*env)
        if mounts:
            self.fields["volumeMounts"] = list(mounts)
        self.answers = dict(zip(MODES, (keep or gets, override or gets, reject or gets)))


def stays(variable, theirs, ours):
    return f"{variable} stays {theirs}, not {ours}"


def gives_way(variable, theirs, ours):
    return f"{variable}: {theirs} gives way to {ours}"


def unusable_path(value, is_text=True):
    shown = f'"{value}" (a usable path is absolute' if is_text else "valueFrom {"
    refusal = Refuses(f"POLICY_PKG_PATH: the pod has {shown}", f'the policy "{PATH}"')
    warning = f'POLICY_PKG_PATH: "{value}" (a usable path is absolute, not "/", without \':\', "$(" and "$$") gives way'
    return Row(env=[("POLICY_PKG_PATH", value)], keep=refusal, reject=refusal,
               override=Gets([NAME, CFG, PYTHON, PKG_PATH],
                             warnings=[warning if is_text else "POLICY_PKG_PATH: valueFrom {"]))


def below(path):
    refusal = Refuses(f'volumeMounts: the pod has volume "mine" at "{path}"', "a read-only mount")
    return Row(mounts=[at(path)], volumes=[MINE], keep=refusal, reject=refusal,
               override=Gets(warnings=[f'volumeMounts: volume "mine" at "{path}" gives way to a read-only mount at']))


PATH_ROWS = {
    "a container without env gets ours": Row(gets=Gets()),
    "an env list that is null gets ours": Row(fields={"env": None, "volumeMounts": None, "envFrom": None}, gets=Gets()),
    "an env list that is empty gets ours": Row(fields={"env": [], "volumeMounts": [], "envFrom": []}, gets=Gets()),
    "ours go in front of what is there": Row(env=[OTHER], gets=Gets([*OUR_ENV, OTHER])),
    "a path that is ours is left where it is":
        Row(env=[OTHER, PKG_PATH], gets=Gets([NAME, CFG, PYTHON, OTHER, PKG_PATH])),
    "a path that is ours but for a slash is left as it is":
        Row(env=[("POLICY_PKG_PATH", PATH + "/")], gets=Gets([NAME, CFG, PYTHON, ("POLICY_PKG_PATH", PATH + "/")])),
    "a path that is empty counts as unset":
        Row(env=[("POLICY_PKG_PATH", "")], gets=Gets([NAME, CFG, PYTHON, PKG_PATH])),
    "another usable path is the conflict that it is":
        Row(env=[("POLICY_PKG_PATH", "/mine")],
            keep=Gets([NAME, CFG, ("PYTHONPATH", "/mine"), ("POLICY_PKG_PATH", "/mine")], [ours_at("/mine")],
                      conflicts="POLICY_PKG_PATH", warnings=[stays("POLICY_PKG_PATH", '"/mine"', f'"{PATH}"')]),
            override=Gets([NAME, CFG, PYTHON, PKG_PATH],
                          warnings=[gives_way("POLICY_PKG_PATH", '"/mine"', f'"{PATH}"')]),
            reject=Refuses('POLICY_PKG_PATH: the pod has "/mine", the policy "/opt/rucio/policy"')),
    "a path given twice counts where it stands last":
        Row(env=[("POLICY_PKG_PATH", "/mine"), PKG_PATH],
            gets=Gets([NAME, CFG, PYTHON, ("POLICY_PKG_PATH", "/mine"), PKG_PATH])),
    "a relative path cannot be kept": unusable_path("mine"),
    "the root cannot be kept": unusable_path("/"),
    "a list of paths cannot be kept": unusable_path("/mine:/other"),
    "a path with a reference cannot be kept": unusable_path("/mine/$(OTHER)"),
    "a path with two dollars cannot be kept": unusable_path("/mine$$"),
    "a path from a secret cannot be kept": unusable_path(SECRET, is_text=False),
}

MOUNT_ROWS = {
    "a mount of theirs at the path is the conflict that it is":
        Row(mounts=[at(PATH)], volumes=[MINE],
            keep=Gets(mounts=[at(PATH)], volumes=[MINE], conflicts="volumeMounts",
                      warnings=[f'volumeMounts stays volume "mine" at "{PATH}", not volume "rucio-policy"']),
            override=Gets(warnings=[f'volumeMounts: volume "mine" at "{PATH}" gives way to volume "rucio-policy"']),
            reject=Refuses(f'volumeMounts: the pod has volume "mine" at "{PATH}", the policy volume "rucio-policy"')),
    "a mount of theirs at the path with a slash is the same conflict":
        Row(mounts=[at(PATH + "/")], volumes=[MINE],
            keep=Gets(mounts=[at(PATH + "/")], volumes=[MINE], conflicts="volumeMounts",
                      warnings=[f'volumeMounts stays volume "mine" at "{PATH}/", not volume "rucio-policy"']),
            override=Gets(warnings=[f'volumeMounts: volume "mine" at "{PATH}/" gives way to volume "rucio-policy"']),
            reject=Refuses(f'at "{PATH}/"')),
    "mounts of theirs with and without a slash give way to one":
        Row(mounts=[at(PATH), at(PATH + "/")], volumes=[MINE],
            keep=Gets(mounts=[at(PATH), at(PATH + "/")], volumes=[MINE], conflicts="volumeMounts, volumeMounts",
                      warnings=["volumeMounts stays", "volumeMounts stays"]),
            override=Gets(warnings=["volumeMounts: volume", "volumeMounts: volume"]), reject=Refuses("volumeMounts")),
    "a mount of theirs keeps its place when it gives way":
        Row(mounts=[at("/first"), at(PATH), at("/last")], volumes=[MINE],
            keep=Gets(mounts=[at("/first"), at(PATH), at("/last")], volumes=[MINE], conflicts="volumeMounts",
                      warnings=["volumeMounts stays"]),
            override=Gets(mounts=[at("/first"), OUR_MOUNT, at("/last")], warnings=["volumeMounts: volume"]),
            reject=Refuses("volumeMounts")),
    "a mount of ours is left as it is": Row(mounts=[OUR_MOUNT], volumes=[OUR_VOLUME], gets=Gets(volumes=[OUR_VOLUME])),
    "a mount of ours with a slash is left as it is":
        Row(mounts=[ours_at(PATH + "/")], volumes=[OUR_VOLUME],
            gets=Gets(mounts=[ours_at(PATH + "/")], volumes=[OUR_VOLUME])),
    "a mount of ours that is writable is the conflict that it is":
        Row(mounts=[at(PATH, "rucio-policy")], volumes=[OUR_VOLUME],
            keep=Gets(mounts=[at(PATH, "rucio-policy")], volumes=[OUR_VOLUME], conflicts="volumeMounts",
                      warnings=["volumeMounts stays"]),
            override=Gets(volumes=[OUR_VOLUME], warnings=["volumeMounts: volume"]), reject=Refuses("volumeMounts")),
    "a volume of ours that nobody mounts is mounted": Row(volumes=[OUR_VOLUME], gets=Gets(volumes=[OUR_VOLUME])),
    "a volume name that is taken gives ours the next one":
        Row(mounts=[at("/elsewhere", "rucio-policy")], volumes=[{"name": "rucio-policy", "emptyDir": {}}],
            gets=Gets(mounts=[at("/elsewhere", "rucio-policy"), {**OUR_MOUNT, "name": "rucio-policy-2"}],
                      volumes=[{"name": "rucio-policy", "emptyDir": {}}, {"name": "rucio-policy-2", **CLAIM}])),
    "a mount below the path cannot be kept": below(PATH + "/extra"),
    "a mount deep below the path cannot be kept": below(PATH + "/a/b/c"),
    "a mount beside the path is nobody's business":
        Row(mounts=[at(PATH + "-extra")], volumes=[MINE], gets=Gets(mounts=[at(PATH + "-extra"), OUR_MOUNT])),
    "a mount above the path carries ours, with a warning":
        Row(mounts=[at("/opt/rucio")], volumes=[MINE],
            gets=Gets(mounts=[at("/opt/rucio"), OUR_MOUNT],
                      warnings=[f"{PATH} is mounted inside what the pod mounts at /opt/rucio"])),
    "a mount at their path holds the package":
        Row(env=[("POLICY_PKG_PATH", "/mine")], mounts=[at("/mine")], volumes=[MINE],
            keep=Gets([NAME, CFG, ("PYTHONPATH", "/mine"), ("POLICY_PKG_PATH", "/mine")], [at("/mine")], [MINE],
                      conflicts="POLICY_PKG_PATH, volumeMounts",
                      warnings=["POLICY_PKG_PATH stays", "volumeMounts stays"]),
            override=Gets([NAME, CFG, PYTHON, PKG_PATH], [at("/mine"), OUR_MOUNT], warnings=["POLICY_PKG_PATH: "]),
            reject=Refuses("POLICY_PKG_PATH")),
}

NAME_ROWS = {
    "a name that is ours is left where it is": Row(env=[OTHER, NAME], gets=Gets([PKG_PATH, CFG, PYTHON, OTHER, NAME])),
    "a name that is empty counts as unset":
        Row(env=[("RUCIO_POLICY_PACKAGE", "")], gets=Gets([PKG_PATH, CFG, PYTHON, NAME])),
    "a name without a value counts as unset":
        Row(fields={"env": [{"name": "RUCIO_POLICY_PACKAGE"}]}, gets=Gets([PKG_PATH, CFG, PYTHON, NAME])),
    "another name is the conflict that it is":
        Row(env=[("RUCIO_POLICY_PACKAGE", THEIRS)],
            keep=Gets([PKG_PATH, PYTHON, ("RUCIO_POLICY_PACKAGE", THEIRS)], conflicts="RUCIO_POLICY_PACKAGE",
                      warnings=[stays("RUCIO_POLICY_PACKAGE", f'"{THEIRS}"', f'"{PACKAGE}"')]),
            override=Gets([PKG_PATH, CFG, PYTHON, NAME],
                          warnings=[gives_way("RUCIO_POLICY_PACKAGE", f'"{THEIRS}"', f'"{PACKAGE}"')]),
            reject=Refuses(f'RUCIO_POLICY_PACKAGE: the pod has "{THEIRS}", the policy "{PACKAGE}"',
                           'container "rucio-server"', "onConflict: override", 'policy.rucio.cern.ch/inject: "false"')),
    "another name for rucio.cfg is the same conflict":
        Row(env=[("RUCIO_CFG_POLICY_PACKAGE", THEIRS)],
            keep=Gets([PKG_PATH, PYTHON, ("RUCIO_CFG_POLICY_PACKAGE", THEIRS)], conflicts="RUCIO_CFG_POLICY_PACKAGE",
                      warnings=[stays("RUCIO_CFG_POLICY_PACKAGE", f'"{THEIRS}"', f'"{PACKAGE}"')]),
            override=Gets([PKG_PATH, NAME, PYTHON, CFG], warnings=["RUCIO_CFG_POLICY_PACKAGE: "]),
            reject=Refuses("RUCIO_CFG_POLICY_PACKAGE: the pod has")),
    "a name from a secret is a conflict":
        Row(env=[("RUCIO_POLICY_PACKAGE", SECRET)],
            keep=Gets([PKG_PATH, PYTHON, ("RUCIO_POLICY_PACKAGE", SECRET)], conflicts="RUCIO_POLICY_PACKAGE",
                      warnings=["RUCIO_POLICY_PACKAGE stays valueFrom "]),
            override=Gets([PKG_PATH, CFG, PYTHON, NAME], warnings=["RUCIO_POLICY_PACKAGE: valueFrom "]),
            reject=Refuses("RUCIO_POLICY_PACKAGE: the pod has valueFrom {")),
    "a name given twice counts where it stands last":
        Row(env=[("RUCIO_POLICY_PACKAGE", THEIRS), NAME],
            gets=Gets([PKG_PATH, CFG, PYTHON, ("RUCIO_POLICY_PACKAGE", THEIRS), NAME])),
    "envFrom gets ours with a warning":
        Row(fields=ENV_FROM, gets=Gets([PKG_PATH, NAME, CFG, ("PYTHONPATH", PATH + ":$(PYTHONPATH)")],
                                       warnings=[ENV_FROM_WARNING])),
}

PYTHON_ROWS = {
    "an empty PYTHONPATH is filled": Row(env=[("PYTHONPATH", "")], gets=Gets([PKG_PATH, NAME, CFG, PYTHON])),
    "a literal PYTHONPATH is kept behind ours":
        Row(env=[("PYTHONPATH", "/a:/b"), OTHER],
            gets=Gets([PKG_PATH, NAME, CFG, ("PYTHONPATH", PATH + ":/a:/b"), OTHER])),
    "a PYTHONPATH that has the path is left alone":
        Row(env=[("PYTHONPATH", f"/a:{PATH}/:/b")], gets=Gets([PKG_PATH, NAME, CFG, ("PYTHONPATH", f"/a:{PATH}/:/b")])),
    "a PYTHONPATH that refers to the path is left alone":
        Row(env=[("PYTHONPATH", "$(POLICY_PKG_PATH):/a")],
            gets=Gets([PKG_PATH, NAME, CFG, ("PYTHONPATH", "$(POLICY_PKG_PATH):/a")])),
    "empty elements that were there stay":
        Row(env=[("PYTHONPATH", "/a::")], gets=Gets([PKG_PATH, NAME, CFG, ("PYTHONPATH", PATH + ":/a::")])),
    "a PYTHONPATH given twice is edited where it stands last":
        Row(env=[("PYTHONPATH", "/a"), ("PYTHONPATH", "/b")],
            gets=Gets([PKG_PATH, NAME, CFG, ("PYTHONPATH", "/a"), ("PYTHONPATH", PATH + ":/b")])),
    "a PYTHONPATH from a secret is renamed and wrapped":
        Row(env=[OTHER, ("PYTHONPATH", SECRET), ("LAST", "y")],
            gets=Gets([PKG_PATH, NAME, CFG, OTHER, (BASE, SECRET), ("PYTHONPATH", f"{PATH}:$({BASE})"),
                       ("LAST", "y")])),
    "a PYTHONPATH from an optional secret is wrapped with a warning":
        Row(env=[("PYTHONPATH", OPTIONAL)],
            gets=Gets([PKG_PATH, NAME, CFG, (BASE, OPTIONAL), ("PYTHONPATH", f"{PATH}:$({BASE})")],
                      warnings=["PYTHONPATH comes from an optional reference; unset, its name stays in the text"])),
    "a PYTHONPATH of its own wins over envFrom":
        Row(env=[("PYTHONPATH", "/a")], fields=ENV_FROM,
            gets=Gets([PKG_PATH, NAME, CFG, ("PYTHONPATH", PATH + ":/a")], warnings=[ENV_FROM_WARNING])),
}


class Conflicts(ApiCase):
    CONFIGURATION = configuration(*(policy(mode, onConflict=mode) for mode in MODES))

    def check_mode(self, row, mode, pod):
        expected = row.answers[mode]
        if isinstance(expected, Refuses):
            refusal = self.refused(pod)
            self.assertEqual((refusal.code, refusal.warnings), (403, []))
            self.assertEqual(refusal.outcomes, [("rejected", "conflict")])
            for text in (f'policy "{mode}" cannot be applied: ', *expected.texts):
                self.assertIn(text, refusal.message)
            return
        answer = self.accepted(pod)
        self.assertEqual(answer.outcomes, [("patched", "injected")])
        volumes = row.volumes + [OUR_VOLUME] * (OUR_VOLUME not in row.volumes)
        annotations = {"policy": mode}
        if expected.conflicts:
            listed = ", ".join(f"rucio-server/{field}" for field in expected.conflicts.split(", "))
            annotations.update(status="injected-with-conflicts", conflicts=listed)
        self.assert_only(pod, answer.pod, {"rucio-server": variables(*expected.env)}, {"rucio-server": expected.mounts},
                         volumes if expected.volumes is None else expected.volumes, **annotations)
        self.check_warnings(answer.warnings_of_ours(), mode, expected.warnings)
        self.assert_stable(answer.pod)

    def check_warnings(self, found, mode, expected):
        self.assertEqual(len(found), len(expected), found)
        for warning, text in zip(found, expected):
            self.assertLess(len(warning.encode()), 120)
            full = f"policy {mode}: rucio-server: {text}"
            is_cut = warning.endswith("...") and full.startswith(warning[:-3])
            self.assertTrue(is_cut or warning.startswith(full), warning)

    def check(self, row):
        for mode in MODES:
            with self.subTest(onConflict=mode):
                pod = pod_of(container(**row.fields), annotations={"policy": mode}, volumes=row.volumes)
                self.check_mode(row, mode, pod)

    def test_a_warning_of_the_apiserver_itself_is_not_of_our_making(self):
        for env in ([("A", "1"), ("A", "2")], [("PYTHONPATH", "/a"), ("PYTHONPATH", "/b")], [PKG_PATH, PKG_PATH],
                    [("RUCIO_POLICY_PACKAGE", ""), ("RUCIO_POLICY_PACKAGE", "")]):
            with self.subTest(env):
                pod = pod_of(container(env=variables(*env)))
                alone = self.api.create_with_warnings(pod, self.elsewhere, dry_run=True)[1]
                self.assertIn("hides previous definition", alone[0])
                found = self.accepted(pod).warnings
                self.assertEqual(*([re.sub(r"\[\d+\]", "[]", text) for text in texts] for texts in (found, alone)))


for table in (PATH_ROWS, MOUNT_ROWS, NAME_ROWS, PYTHON_ROWS):
    add_rows(Conflicts, table, Conflicts.check)

if __name__ == "__main__":
    unittest.main()
