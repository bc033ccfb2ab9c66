"""What the end-to-end tests share whose pods really run: containers that tell what they see, pods and Deployments.

The node has the images of tests/e2e/images. What a container sees, it prints, and the tests read its log.
"""
import json

from cluster import RUCIO_IMAGE, ClusterCase, kubectl, wait_until

PATH = "/opt/rucio/policy"
PREINSTALLED_IMAGE = "localhost/rucio-preinstalled:current"
OLD_IMAGE = "localhost/rucio:before-37.3"  # the last before 37.3.0
# A working directory that is on nobody's sys.path unless an empty element of PYTHONPATH puts it there.
WORKING_DIRECTORY = "/srv"

# -P: without the directory of the script, which for -c is the working directory.
_TELL = """\
import importlib, json, os, sys
def try_to_import(name):
    try:
        return importlib.import_module(name).__file__
    except ImportError:
        return None
def list_files(folder):
    return sorted(name for name in os.listdir(folder) if not name.startswith(".."))
print(json.dumps({
    "environment": dict(os.environ), "sys_path": sys.path, "package": try_to_import(sys.argv[1]),
    "files": list_files(os.environ["POLICY_PKG_PATH"]) if "POLICY_PKG_PATH" in os.environ else None}), flush=True)
if sys.argv[2] == "stay":
    os.execvp("pause", ["pause"])
"""


def container(name, *, image=RUCIO_IMAGE, **fields):
    """A container of an image that only this node has; without a command it waits for its end."""
    return {"name": name, "image": image, "imagePullPolicy": "Never", **fields}


def telling(name, package, then="stay", **fields):
    """A container that prints its environment, sys.path, what it imports as package and what is in POLICY_PKG_PATH."""
    command = ["python3", "-P", "-c", _TELL, package, then]
    return container(name, command=command, workingDir=WORKING_DIRECTORY, **fields)


def pod_of(name, containers, *, labels=None, annotations=None, **spec):
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "labels": labels or {}, "annotations": annotations or {}},
            "spec": {"containers": containers, "terminationGracePeriodSeconds": 0, **spec}}


def deployment_of(pod):
    """A Deployment with one such pod; its name is the pod's."""
    name = pod["metadata"]["name"]
    labels = {"app": name, **pod["metadata"]["labels"]}
    template = {"metadata": {"labels": labels, "annotations": pod["metadata"]["annotations"]}, "spec": pod["spec"]}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template}}


class RunningCase(ClusterCase):
    """Test cases with pods that run. They are made once for all tests of a class, in start()."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.start()

    @classmethod
    def start(cls):
        """Hook: the webhook is registered, and pods may be created."""

    @classmethod
    def create(cls, thing):
        return cls.api.create(thing, cls.namespace)

    @classmethod
    def create_config(cls, kind, name, data):
        """A ConfigMap, or a Secret."""
        return cls.create({"apiVersion": "v1", "kind": kind, "metadata": {"name": name},
                           "data" if kind == "ConfigMap" else "stringData": data})

    @classmethod
    def wait_for_deployment(cls, name):
        """Waits until the Deployment's newest template runs, and nothing else of it; returns its pod."""
        def look():
            found = cls.api.get("Deployment", name, cls.namespace)
            status = found["status"]
            is_done = status.get("observedGeneration") == found["metadata"]["generation"] and all(
                status.get(key) == 1 for key in ("replicas", "updatedReplicas", "readyReplicas"))
            pods = [pod for pod in cls.api.list("Pod", cls.namespace, f"app={name}")
                    if "deletionTimestamp" not in pod["metadata"]]
            return pods[0] if is_done and len(pods) == 1 else None

        try:
            return wait_until(look, f"deployment {name} runs")
        except AssertionError as error:
            described = kubectl("-n", cls.namespace, "describe", "replicasets,pods", "-l", f"app={name}", check=False)
            raise AssertionError(f"{error}\n{described.stdout}") from None

    @classmethod
    def log_of(cls, pod, name):
        """What that container has printed so far, to standard output and error."""
        path = cls.api.path("Pod", cls.namespace, pod["metadata"]["name"], "log")
        return cls.api.call("GET", f"{path}?container={name}")[0]

    @classmethod
    def told_by(cls, pod, name):
        """The JSON object that a container prints; messages may stand before it."""
        def read():
            log = "\n" + cls.log_of(pod, name)
            try:
                return json.JSONDecoder().raw_decode(log, log.find("\n{") + 1)[0]
            except json.JSONDecodeError:
                return None  # nothing yet, or half of it

        return wait_until(read, f"container {name} of {pod['metadata']['name']} has told what it sees")

    @classmethod
    def execute(cls, pod, name, *command, check=True):
        """A command in a running container: the completed process."""
        return kubectl("-n", cls.namespace, "exec", pod["metadata"]["name"], "-c", name, "--", *command, check=check)

    @classmethod
    def fill_node_folder(cls, *subfolders):
        """Makes a folder on the node and returns its path there. In `current` it has the policy package, `latest` is a
        link to it, the subfolders named are empty.

        A pod makes it, since the node may be another machine. The folder above it stays behind, empty.
        """
        above = {"name": "above", "hostPath": {"path": "/run/rpw-e2e-policy", "type": "DirectoryOrCreate"}}
        mounts = {"volumeMounts": [{"name": "above", "mountPath": "/node"}]}
        folder = cls.namespace
        script = (f"mkdir /node/{folder}; cd /node/{folder}; cp -r {PATH} current; ln -s current latest; "
                  f"mkdir -p . {' '.join(subfolders)}")
        pod = pod_of("fill", [container("wait", **mounts)], volumes=[above], initContainers=[
            container("copy", image=PREINSTALLED_IMAGE, command=["bash", "-ec", script], **mounts)])
        cls.create(pod)
        pod = cls.wait_for_pod("fill", "Running")
        cls.addClassCleanup(cls.execute, pod, "wait", "rm", "-r", f"/node/{folder}")
        return f"{above['hostPath']['path']}/{folder}"

    @classmethod
    def create_claim(cls, name, node_folder):
        """A PersistentVolumeClaim of that name, bound to a folder of the node."""
        storage = {"accessModes": ["ReadOnlyMany"], "storageClassName": ""}
        volume = cls.api.create({
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"generateName": "rpw-e2e-"},
            "spec": {"capacity": {"storage": "1Mi"}, "hostPath": {"path": node_folder, "type": "Directory"},
                     "claimRef": {"namespace": cls.namespace, "name": name}, **storage}})["metadata"]["name"]
        cls.addClassCleanup(cls.api.delete, "PersistentVolume", volume)
        # A claim that is there before its volume is tried again after 15 seconds.
        cls.wait_for_phase("Available", "PersistentVolume", volume)
        cls.create({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": {
            "volumeName": volume, "resources": {"requests": {"storage": "1Mi"}}, **storage}})
        cls.wait_for_phase("Bound", "PersistentVolumeClaim", name, cls.namespace)

    @classmethod
    def wait_for_phase(cls, phase, kind, name, namespace=None):
        def is_there():
            return cls.api.get(kind, name, namespace)["status"].get("phase") == phase

        wait_until(is_there, f"{kind} {name} is {phase}")
