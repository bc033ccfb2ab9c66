"""The policy's volume as a running container sees it: what is in it, that it is read-only, other mounts around it."""
import unittest

from cluster import volume_of, wait_until
from running import PATH, RunningCase, pod_of, telling

PACKAGE = "rpw_test_rucio_policy_package"
MODULE = f"{PACKAGE}.py"

POLICY = """\
  - name: {0}
    match: {{podSelector: {{matchLabels: {{volume: {0}}}}}}}
    package: rpw_test_rucio_policy_package
    source: {1}
"""
CONFIG_MAP_BELOW = f"{{name: policy, items: [{{key: {MODULE}, path: current/{MODULE}}}]}}"

# By policy: its source (FOLDER is the node's folder that has the package in `current`), and what is found at the path.
SOURCES = {
    "host-path": ("{volume: {hostPath: {path: FOLDER/current, type: Directory}}}", [PACKAGE]),
    "host-path-sub-path": ("{volume: {hostPath: {path: FOLDER}}, subPath: current}", [PACKAGE]),
    "host-path-link": ("{volume: {hostPath: {path: FOLDER}}, subPath: latest}", [PACKAGE]),
    "claim": ("{volume: {persistentVolumeClaim: {claimName: policy}}}", ["above", "current", "latest", "scratch"]),
    "claim-sub-path": ("{volume: {persistentVolumeClaim: {claimName: policy, readOnly: true}}, subPath: current}",
                       [PACKAGE]),
    "config-map-sub-path": (f"{{volume: {{configMap: {CONFIG_MAP_BELOW}}}, subPath: current}}", [MODULE]),
    "secret": ("{volume: {secret: {secretName: policy, defaultMode: 0440}}}", [MODULE]),
    "projected": ("{volume: {projected: {sources: [{configMap: {name: policy}}, {downwardAPI: {items: "
                  "[{path: namespace, fieldRef: {fieldPath: metadata.namespace}}]}}]}}}", ["namespace", MODULE]),
    "empty-dir": ("{volume: {emptyDir: {sizeLimit: 1Mi}}}", []),
    # The kubelet makes a directory that is missing.
    "missing-sub-path": ("{volume: {hostPath: {path: FOLDER/scratch}}, subPath: previous}", []),
}


class Volumes(RunningCase):
    """A pod for each kind of volume, and pods with mounts, users and containers of their own."""
    NAMESPACE = "volumes"

    @classmethod
    def prepare(cls):
        cls.folder = cls.fill_node_folder("above/policy", "scratch")
        cls.create_claim("policy", cls.folder)
        cls.create_config("ConfigMap", "policy", {MODULE: ""})
        cls.create_config("ConfigMap", "site", {MODULE: "", "site": ""})
        cls.create_config("Secret", "policy", {MODULE: ""})
        cls.CONFIGURATION = "policies:\n" + "".join(
            POLICY.format(name, source.replace("FOLDER", cls.folder)) for name, (source, _) in SOURCES.items())

    @classmethod
    def pods_for_sources(cls):
        return [pod_of(name, [telling("rucio-server", PACKAGE)], labels={"volume": name}) for name in SOURCES]

    @classmethod
    def pods_for_mounts(cls):
        def mounting(name, path, volume, is_read_only=False):
            own = {"name": "own", "mountPath": path, "readOnly": is_read_only}
            return pod_of(name, [telling("rucio-server", PACKAGE, volumeMounts=[own])], labels={"volume": "host-path"},
                          volumes=[{"name": "own", **volume}])

        return [
            mounting("at-the-path", PATH, {"configMap": {"name": "site"}}),
            mounting("above", "/opt/rucio", {"emptyDir": {}}),
            mounting("above-read-only", "/opt/rucio", {"hostPath": {"path": f"{cls.folder}/above"}}, True),
            mounting("above-config-map", "/opt/rucio", {"configMap": {"name": "site"}}, True),
            mounting("above-without-directory", "/opt/rucio", {"emptyDir": {}}, True),
            pod_of("two-paths", [
                telling("rucio-server", PACKAGE),
                telling("rucio-ui", PACKAGE, env=[{"name": "POLICY_PKG_PATH", "value": "/opt/ui"}]),
            ], labels={"volume": "host-path"}),
            pod_of("hardened", [telling("rucio-server", PACKAGE, securityContext={
                "readOnlyRootFilesystem": True, "runAsUser": 1000, "runAsNonRoot": True,
                "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}})],
                labels={"volume": "claim-sub-path"}),
        ]

    @classmethod
    def start(cls):
        names = []
        for pod in cls.pods_for_sources() + cls.pods_for_mounts():
            cls.create(pod)
            names.append(pod["metadata"]["name"])
        cls.pods = {name: cls.wait_for_pod(name, "Running") for name in names if name != "above-without-directory"}

    def told(self, pod, container="rucio-server"):
        return self.told_by(self.pods[pod], container)

    def test_a_mount_of_the_pods_own_at_the_path_is_kept_and_recorded(self):
        self.assertEqual(self.told("at-the-path")["files"], sorted([MODULE, "site"]))
        annotations = self.pods["at-the-path"]["metadata"]["annotations"]
        self.assertEqual(annotations["policy.rucio.cern.ch/conflicts"], "rucio-server/volumeMounts")

    def test_ours_is_inside_a_mount_above_it_that_stays_writable(self):
        self.assertEqual(self.told("above")["files"], [PACKAGE])
        self.execute(self.pods["above"], "rucio-server", "touch", "/opt/rucio/is-writable")

    def test_ours_is_inside_a_read_only_mount_above_it_that_has_the_directory(self):
        self.assertEqual(self.told("above-read-only")["files"], [PACKAGE])

    def test_ours_is_inside_a_mounted_config_map_since_the_kubelet_makes_the_directory(self):
        self.assertEqual(self.told("above-config-map")["files"], [PACKAGE])

    def test_a_container_with_a_read_only_mount_above_that_lacks_the_directory_does_not_start(self):
        def message():
            statuses = self.api.get("Pod", "above-without-directory", self.namespace)["status"].get("containerStatuses")
            state = statuses[0]["lastState"].get("terminated") if statuses else None
            return state and state.get("message")

        self.assertIn("read-only file system", wait_until(message, "the container failed"))

    def test_two_containers_mount_one_volume_at_paths_of_their_own(self):
        volumes = self.pods["two-paths"]["spec"]["volumes"]
        self.assertEqual([volume["name"] for volume in volumes if "hostPath" in volume],
                         [volume_of(self.pods["two-paths"])])
        self.assertEqual([self.told("two-paths", name)["package"] for name in ("rucio-server", "rucio-ui")],
                         [f"{PATH}/{PACKAGE}/__init__.py", f"/opt/ui/{PACKAGE}/__init__.py"])

    def test_a_container_with_a_read_only_root_and_another_user_reads_the_package(self):
        self.assertEqual(self.told("hardened")["package"], f"{PATH}/{PACKAGE}/__init__.py")


def add_source(policy, files):
    def test_files(self):
        self.assertEqual(self.told(policy)["files"], files)

    def test_write(self):
        command = f"import os; os.open('{PATH}/new', os.O_CREAT | os.O_WRONLY)"
        done = self.execute(self.pods[policy], "rucio-server", "python3", "-c", command, check=False)
        self.assertIn("[Errno 30] Read-only file system", done.stderr)

    def test_import(self):
        expected = f"{PATH}/{PACKAGE}/__init__.py" if PACKAGE in files else f"{PATH}/{MODULE}"
        self.assertEqual(self.told(policy)["package"], expected)

    name = policy.replace("-", "_")
    setattr(Volumes, f"test_{name}_shows_its_files_at_the_path", test_files)
    setattr(Volumes, f"test_{name}_cannot_be_written_to", test_write)
    if PACKAGE in files or MODULE in files:
        setattr(Volumes, f"test_{name}_lets_python_import_the_package", test_import)


for source_name, (_, source_files) in SOURCES.items():
    add_source(source_name, source_files)

if __name__ == "__main__":
    unittest.main()
