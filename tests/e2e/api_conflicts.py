"""What the matching containers get, table by table of docs/reference.md: what a container has, and what is stored.

Each row is tried under onConflict keep, override and reject, which differ only where there is a conflict. Every pod
that is stored is compared with what the apiserver makes of it without the webhook, and is sent again: then nothing may
change.
"""
import json
import re
import unittest

from api_support import (BASE, CFG, CLAIM, NAME, OUR_ENV, OUR_MOUNT, OUR_VOLUME, PACKAGE, PATH, PKG_PATH, PYTHON,
                         VOLUME, ApiCase, add_rows, configuration, container, pod_of, policy, variables)
from cluster import container_of, volume_of

MODES = ("keep", "override", "reject")
SECRET = {"secretKeyRef": {"name": "site", "key": "value"}}
OPTIONAL = {"secretKeyRef": {"name": "site", "key": "value", "optional": True}}
ENV_FROM = {"envFrom": [{"configMapRef": {"name": "site"}}]}
OTHER = ("OTHER", "x")
THEIRS = "site_policy"

MINE = {"name": "mine", "emptyDir": {}}
BLOCK = {"name": "block", **CLAIM}
ENV_FROM_WARNING = "the variables set here win over those of the same name in its envFrom"


NO_REFERENCE = "neither '$(' nor '$$', which Kubernetes would replace"


def at(path, name="mine", **fields):
    return {"name": name, "mountPath": path, **fields}


def ours_at(path):
    return {**OUR_MOUNT, "mountPath": path}


class Gets:
    """What is stored. Without volumes: those of the pod, and ours. Warnings are without what all begin with: the policy
    and the container."""

    def __init__(self, env=None, mounts=None, volumes=None, conflicts=None, warnings=(), without=None):
        self.env = OUR_ENV if env is None else env
        self.mounts = [OUR_MOUNT] if mounts is None else list(mounts)
        self.without = without  # a field of the container that goes
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


def unusable_path(value, expectation=None):
    shown = f'"{value}" (expected {expectation})' if expectation else "valueFrom {"
    refusal = Refuses(f"POLICY_PKG_PATH: the pod has {shown}", f'the policy "{PATH}"')
    return Row(env=[("POLICY_PKG_PATH", value)], keep=refusal, reject=refusal,
               override=Gets([NAME, CFG, PYTHON, PKG_PATH], warnings=[f"POLICY_PKG_PATH: {shown}"]))


def below(path):
    refusal = Refuses(f'volumeMounts: the pod has volume "mine" at "{path}"', "a read-only mount")
    return Row(mounts=[at(path)], volumes=[MINE], keep=refusal, reject=refusal,
               override=Gets(warnings=[f'volumeMounts: volume "mine" at "{path}" gives way to a read-only mount at']))


def device(path):
    refusal = Refuses(f'volumeDevices: the pod has volume "block" at "{path}"', "a read-only mount")
    return Row(fields={"volumeDevices": [{"name": "block", "devicePath": path}]}, volumes=[BLOCK],
               keep=refusal, reject=refusal,
               override=Gets(without="volumeDevices",
                             warnings=[f'volumeDevices: volume "block" at "{path}" gives way to a read-only mount at']))


def at_path(*mounts):
    """Each of these mounts of theirs, which is first, is the conflict that it is."""
    shown = [f'volume "mine" at "{mount["mountPath"]}"' for mount in mounts]
    return Row(mounts=mounts, volumes=[MINE],
               keep=Gets(mounts=mounts, volumes=[MINE], conflicts=", ".join(["volumeMounts"] * len(mounts)),
                         warnings=[f"volumeMounts stays {text}, not its volume" for text in shown]),
               override=Gets(warnings=[f"volumeMounts: {text} gives way to its volume" for text in shown]),
               reject=Refuses(*(f"volumeMounts: the pod has {text}, the policy its volume" for text in shown)))


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
    "a relative path cannot be kept": unusable_path("mine", "an absolute path, such as /opt/rucio/policy"),
    "the root cannot be kept": unusable_path("/", "a directory below '/', such as /opt/rucio/policy"),
    "a list of paths cannot be kept":
        unusable_path("/mine:/other", "no ':', which separates the directories of PYTHONPATH"),
    "a path with a reference cannot be kept": unusable_path("/mine/$(OTHER)", NO_REFERENCE),
    "a path with two dollars cannot be kept": unusable_path("/mine$$", NO_REFERENCE),
    "a path from a secret cannot be kept": unusable_path(SECRET),
}

MOUNT_ROWS = {
    "a mount of theirs at the path is the conflict that it is": at_path(at(PATH)),
    "a mount of theirs at the path with a slash is the same conflict": at_path(at(PATH + "/")),
    "a mount of theirs at the path with doubled slashes is the same conflict": at_path(at("//opt/rucio//policy")),
    "mounts of theirs with and without a slash give way to one": at_path(at(PATH), at(PATH + "/")),
    "a mount of theirs keeps its place when it gives way":
        Row(mounts=[at("/first"), at(PATH), at("/last")], volumes=[MINE],
            keep=Gets(mounts=[at("/first"), at(PATH), at("/last")], volumes=[MINE], conflicts="volumeMounts",
                      warnings=["volumeMounts stays"]),
            override=Gets(mounts=[at("/first"), OUR_MOUNT, at("/last")], warnings=["volumeMounts: volume"]),
            reject=Refuses("volumeMounts")),
    "a volume of the policy's revision is ours whatever it holds":
        Row(mounts=[at("/elsewhere", VOLUME)], volumes=[{"name": VOLUME, "emptyDir": {}}],
            gets=Gets(mounts=[at("/elsewhere", VOLUME), OUR_MOUNT])),
    "a mount of that volume is left as it is":
        Row(mounts=[ours_at(PATH + "/")], volumes=[OUR_VOLUME], gets=Gets(mounts=[ours_at(PATH + "/")])),
    "a mount of that volume that is writable is the conflict that it is":
        Row(mounts=[at(PATH, VOLUME)], volumes=[OUR_VOLUME],
            keep=Gets(mounts=[at(PATH, VOLUME)], conflicts="volumeMounts", warnings=["volumeMounts stays"]),
            override=Gets(warnings=["volumeMounts: volume"]), reject=Refuses("volumeMounts")),
    "a volume of another name is theirs":
        Row(volumes=[{"name": "rucio-policy", **CLAIM}], gets=Gets()),
    "a mount below the path cannot be kept": below(PATH + "/extra"),
    "a mount deep below the path cannot be kept": below(PATH + "/a/b/c"),
    "a device at the path cannot be kept": device(PATH),
    "a device at the path with doubled slashes cannot be kept": device("/opt//rucio/policy"),
    "a device below the path cannot be kept": device(PATH + "/a"),
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

STRAY = Gets([*OUR_ENV, ("RUCIO_POLICY_PACKAGE_OPS", THEIRS)], conflicts="RUCIO_POLICY_PACKAGE_OPS",
             warnings=[f'RUCIO_POLICY_PACKAGE_OPS stays "{THEIRS}"; the policy has no package for it'])

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
    "the name of a package that the policy does not give stays":
        Row(env=[("RUCIO_POLICY_PACKAGE_OPS", THEIRS)],
            keep=STRAY, override=STRAY, reject=Refuses(f'RUCIO_POLICY_PACKAGE_OPS: the pod has "{THEIRS}"')),
    "envFrom that cannot bring one of ours is nobody's business":
        Row(fields={"envFrom": [{"prefix": "SITE_", "configMapRef": {"name": "site"}}]}, gets=Gets()),
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

    def with_volumes_name(self, pod, mode):
        """The pod, with the name that the policy's volume really has."""
        text = json.dumps(pod)
        if VOLUME not in text:
            return pod
        other = self.accepted(pod_of(annotations={"policy": mode})).pod
        return json.loads(text.replace(VOLUME, volume_of(other)))

    def check_mode(self, row, mode, pod):
        expected = row.answers[mode]
        if isinstance(expected, Refuses):
            refusal = self.refused(self.with_volumes_name(pod, mode))
            self.assertEqual((refusal.code, refusal.warnings), (403, []))
            self.assertEqual(refusal.outcomes, [("rejected", "conflict")])
            for text in (f'policy "{mode}" cannot be applied: ', *expected.texts):
                self.assertIn(text, refusal.message)
            return
        answer = self.accepted(self.with_volumes_name(pod, mode))
        self.assertEqual(answer.outcomes, [("patched", "injected")])
        has_ours = any(volume["name"] == VOLUME for volume in row.volumes)
        volumes = row.volumes + ([] if has_ours else [OUR_VOLUME])
        if expected.without:
            del container_of(pod, "rucio-server")[expected.without]
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
