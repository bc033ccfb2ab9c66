"""What the kubelet makes of the variables that the webhook sets: read from inside of running containers.

One Deployment per policy, one container per row of the table of PYTHONPATH in docs/reference.md. The package is a
module in a ConfigMap.
"""
import unittest

from running import PATH, WORKING_DIRECTORY, RunningCase, deployment_of, pod_of, telling

PACKAGE = "environment_policy"
SITE_PATH = "/opt/site/policy"  # where a container says that its package is
IMAGE_PATH = "/opt/image/python"

POLICY = """\
  - name: {0}
    match:
      podSelector: {{matchLabels: {{policy: {0}}}}}
      containers: [rucio-server, "row-*"]
    package: environment_policy
    {1}
    source: {{volume: {{configMap: {{name: package}}}}}}
"""


def from_key(kind, name, key="path", **fields):
    return {"valueFrom": {f"{kind}KeyRef": {"name": name, "key": key, **fields}}}


def python_path(value):
    """A container's PYTHONPATH: a literal, or the rest of the entry."""
    return {"env": [{"name": "PYTHONPATH", **({"value": value} if isinstance(value, str) else value)}]}


def env(*variables):
    return {"env": [{"name": name, "value": value} for name, value in variables]}


NOTHING = ("it is set where the container has none", "rucio-server", {})
LITERAL = ("a literal is kept", "row-literal", python_path("/opt/a:/opt/b"))
FROM_CONFIG_MAP = ("a reference to a ConfigMap is kept", "row-config-map", python_path(from_key("configMap", "config")))
ENV_FROM = ("a value of envFrom is kept", "row-env-from", {"envFrom": [{"configMapRef": {"name": "variables"}}]})
ENV_FROM_WITHOUT = ("envFrom without it leaves a harmless text", "row-env-from-without",
                    {"envFrom": [{"configMapRef": {"name": "config"}}]})
CONTAINED = ("it is unchanged where the path is in it", "row-contained", python_path(f"/opt/a:{PATH}/:/opt/b"))

# By policy: its keys, and rows of (sentence, container, its fields, PYTHONPATH as the container sees it; None: unset).
TABLE = {
    "prepend": ("pythonPath: prepend", [
        (*NOTHING, PATH),
        ("an empty value counts as none", "row-empty", python_path(""), PATH),
        (*LITERAL, f"{PATH}:/opt/a:/opt/b"),
        (*CONTAINED, f"/opt/a:{PATH}/:/opt/b"),
        ("a reference to the path counts as the path", "row-reference",
         env(("POLICY_PKG_PATH", PATH), ("PYTHONPATH", "/opt/a:$(POLICY_PKG_PATH)")), f"/opt/a:{PATH}"),
        ("a reference to the path that we set is resolved", "row-reference-to-ours",
         python_path("/opt/a:$(POLICY_PKG_PATH)"), f"/opt/a:{PATH}"),
        ("a literal that refers to envFrom is resolved", "row-reference-to-env-from",
         {"envFrom": [{"configMapRef": {"name": "variables"}}], **python_path("/opt/a:$(PYTHONPATH)")},
         f"{PATH}:/opt/a:/opt/from-env-from"),
        ("a literal wins over envFrom", "row-env-from-and-literal",
         {"envFrom": [{"configMapRef": {"name": "variables"}}], **python_path("/opt/a")}, f"{PATH}:/opt/a"),
        ("an escaped reference stays one", "row-escaped", python_path("/opt/$$(HOME)"), f"{PATH}:/opt/$(HOME)"),
        (*FROM_CONFIG_MAP, f"{PATH}:/opt/from-config-map"),
        ("a reference to a Secret is kept", "row-secret", python_path(from_key("secret", "secret")),
         f"{PATH}:/opt/from-secret"),
        ("a reference to a field is kept", "row-field",
         python_path({"valueFrom": {"fieldRef": {"fieldPath": "metadata.annotations['python-path']"}}}),
         f"{PATH}:/opt/from-annotation"),
        ("an optional reference to nothing leaves a harmless text", "row-optional",
         python_path(from_key("configMap", "missing", optional=True)), f"{PATH}:$(RUCIO_POLICY_BASE_PYTHONPATH)"),
        ("a reference to an empty value leaves a colon at the end", "row-empty-reference",
         python_path(from_key("configMap", "config", key="empty")), f"{PATH}:"),
        (*ENV_FROM, f"{PATH}:/opt/from-env-from"),
        ("a value of envFrom with a prefix is kept", "row-env-from-prefix",
         {"envFrom": [{"prefix": "PYTHON", "configMapRef": {"name": "prefixed"}}]}, f"{PATH}:/opt/from-prefix"),
        ("a value of envFrom from a Secret is kept", "row-env-from-secret",
         {"envFrom": [{"secretRef": {"name": "secret-variables"}}]}, f"{PATH}:/opt/from-env-from-secret"),
        (*ENV_FROM_WITHOUT, f"{PATH}:$(PYTHONPATH)"),
        ("the last of two entries counts", "row-duplicate",
         env(("PYTHONPATH", "/opt/first"), ("PYTHONPATH", "/opt/second")), f"{PATH}:/opt/second"),
        ("the last of two entries counts when it is a reference", "row-duplicate-reference",
         {"env": [{"name": "PYTHONPATH", "value": "/opt/first"},
                  {"name": "PYTHONPATH", **from_key("configMap", "config")}]}, f"{PATH}:/opt/from-config-map"),
        ("a kept path elsewhere is in front", "row-site",
         env(("POLICY_PKG_PATH", SITE_PATH), ("PYTHONPATH", "/opt/a")), f"{SITE_PATH}:/opt/a"),
    ]),
    "append": ("pythonPath: append", [
        (*NOTHING, PATH),
        (*LITERAL, f"/opt/a:/opt/b:{PATH}"),
        (*CONTAINED, f"/opt/a:{PATH}/:/opt/b"),
        (*FROM_CONFIG_MAP, f"/opt/from-config-map:{PATH}"),
        (*ENV_FROM, f"/opt/from-env-from:{PATH}"),
        (*ENV_FROM_WITHOUT, f"$(PYTHONPATH):{PATH}"),
    ]),
    "image": (f"imagePythonPath: {IMAGE_PATH}", [
        (*NOTHING, f"{PATH}:{IMAGE_PATH}"),
        (*LITERAL, f"{PATH}:/opt/a:/opt/b"),
        (*ENV_FROM_WITHOUT, f"{PATH}:$(PYTHONPATH):{IMAGE_PATH}"),
    ]),
    "entrypoint": ("pythonPath: entrypoint", [
        (*NOTHING, None),
        (*LITERAL, "/opt/a:/opt/b"),
    ]),
}

# What is not about PYTHONPATH; these containers are in the Deployment "prepend".
OTHERS = {
    "row-own-reference": env(("SETTINGS", "$(POLICY_PKG_PATH)/$(RUCIO_POLICY_PACKAGE).json"), ("AFTER", "$(SETTINGS)")),
    "row-names-from": {"envFrom": [{"configMapRef": {"name": "names"}}]},
    "row-name-twice": env(("RUCIO_POLICY_PACKAGE", "first_policy"), ("RUCIO_POLICY_PACKAGE", "second_policy")),
    "row-empty-names": env(("RUCIO_POLICY_PACKAGE", ""), ("POLICY_PKG_PATH", "")),
}


class ResolvedEnvironment(RunningCase):
    """What containers see, in the pods of Deployments."""
    CONFIGURATION = "policies:\n" + "".join(POLICY.format(name, keys) for name, (keys, _) in TABLE.items())
    NAMESPACE = "environment"

    @classmethod
    def prepare(cls):
        cls.create_config("ConfigMap", "package", {f"{PACKAGE}.py": ""})
        cls.create_config("ConfigMap", "config", {"path": "/opt/from-config-map", "empty": ""})
        cls.create_config("ConfigMap", "variables", {"PYTHONPATH": "/opt/from-env-from"})
        cls.create_config("ConfigMap", "prefixed", {"PATH": "/opt/from-prefix"})
        cls.create_config("ConfigMap", "names", {"RUCIO_POLICY_PACKAGE": "other_policy", "KEPT": "yes"})
        cls.create_config("Secret", "secret", {"path": "/opt/from-secret"})
        cls.create_config("Secret", "secret-variables", {"PYTHONPATH": "/opt/from-env-from-secret"})

    @classmethod
    def start(cls):
        for policy, (_, rows) in TABLE.items():
            containers = [telling(name, PACKAGE, **fields) for _, name, fields, _ in rows]
            spec = {}
            if policy == "prepend":
                containers += [telling(name, PACKAGE, **fields) for name, fields in OTHERS.items()]
                containers.append(telling("apache-exporter", PACKAGE))
                spec["initContainers"] = [telling("row-init", PACKAGE, then="end"),
                                          telling("row-sidecar", PACKAGE, restartPolicy="Always")]
            if policy == "entrypoint":
                # As Rucio's documentation wants it of a site's entrypoint, less the empty element.
                script = 'export PYTHONPATH="$POLICY_PKG_PATH${PYTHONPATH:+:$PYTHONPATH}"; exec "$@"'
                by_script = telling("row-script", PACKAGE, **python_path("/opt/a"))
                containers.append({**by_script, "command": ["bash", "-c", script, "bash", *by_script["command"]]})
            pod = pod_of(policy, containers, labels={"policy": policy},
                         annotations={"python-path": "/opt/from-annotation"}, **spec)
            cls.create(deployment_of(pod))
        cls.pods = {policy: cls.wait_for_deployment(policy) for policy in TABLE}
        cls.told = {(policy, c["name"]): cls.told_by(pod, c["name"]) for policy, pod in cls.pods.items()
                    for c in pod["spec"]["containers"] + pod["spec"].get("initContainers", [])}

    def environment(self, name, policy="prepend"):
        return self.told[policy, name]["environment"]

    def test_the_working_directory_comes_onto_sys_path_only_behind_an_empty_reference(self):
        found = {name for (_, name), told in self.told.items() if {"", WORKING_DIRECTORY} & set(told["sys_path"])}
        self.assertEqual(found, {"row-empty-reference"})

    def test_the_package_is_imported_from_the_path(self):
        for (policy, name), told in self.told.items():
            if policy != "entrypoint" and name not in ("apache-exporter", "row-site"):
                with self.subTest(f"{policy}: {name}"):
                    self.assertEqual((told["package"] or "").replace("//", "/"), f"{PATH}/{PACKAGE}.py")

    def test_a_container_with_a_path_of_its_own_has_the_package_there(self):
        self.assertEqual(self.told["prepend", "row-site"]["package"], f"{SITE_PATH}/{PACKAGE}.py")

    def test_an_entrypoint_finds_the_path_and_makes_its_own_of_it(self):
        told = self.told["entrypoint", "row-script"]
        self.assertEqual((told["environment"]["PYTHONPATH"], told["package"]),
                         (f"{PATH}:/opt/a", f"{PATH}/{PACKAGE}.py"))

    def test_the_names_of_the_package_are_set_in_every_container_that_is_named(self):
        expected = {"POLICY_PKG_PATH": PATH, "RUCIO_POLICY_PACKAGE": PACKAGE, "RUCIO_CFG_POLICY_PACKAGE": PACKAGE}
        for name in ("rucio-server", "row-env-from", "row-init", "row-sidecar", "row-empty-names"):
            with self.subTest(name):
                self.assertEqual({key: self.environment(name)[key] for key in expected}, expected)

    def test_an_init_container_and_a_native_sidecar_get_the_path_and_the_package(self):
        for name in ("row-init", "row-sidecar"):
            with self.subTest(name):
                told = self.told["prepend", name]
                self.assertEqual((told["environment"]["PYTHONPATH"], told["files"]), (PATH, [f"{PACKAGE}.py"]))

    def test_a_container_that_is_not_named_gets_nothing(self):
        told = self.told["prepend", "apache-exporter"]
        self.assertEqual([name for name in told["environment"] if "POLICY" in name or name == "PYTHONPATH"], [])
        self.assertIsNone(told["package"])

    def test_the_pods_own_variables_may_refer_to_ours(self):
        environment = self.environment("row-own-reference")
        self.assertEqual((environment["SETTINGS"], environment["AFTER"]), (f"{PATH}/{PACKAGE}.json",) * 2)

    def test_a_name_from_envfrom_yields_to_ours_and_the_others_stay(self):
        environment = self.environment("row-names-from")
        self.assertEqual((environment["RUCIO_POLICY_PACKAGE"], environment["KEPT"]), (PACKAGE, "yes"))

    def test_a_kept_name_is_the_last_of_two(self):
        self.assertEqual(self.environment("row-name-twice")["RUCIO_POLICY_PACKAGE"], "second_policy")


def add_row(policy, sentence, name, expected):
    def test(self):
        self.assertEqual(self.environment(name, policy).get("PYTHONPATH"), expected)

    setattr(ResolvedEnvironment, f"test_pythonpath_{policy}_{sentence.replace(' ', '_')}", test)


for policy_name, (_, table_rows) in TABLE.items():
    for row_sentence, row_name, _, row_expected in table_rows:
        add_row(policy_name, row_sentence, row_name, row_expected)

if __name__ == "__main__":
    unittest.main()
