"""Every volume source of Kubernetes as a policy's source: what the apiserver's defaulting adds, drops and rewrites must
not make the webhook take its own volume for another's.

Each source is tried in three ways: the stored pod is sent again, as it is and without the annotations that record the
injection (then it is the volume alone that tells); and a pod that brings the volume, as the policy has it, is sent.
"""
import copy
import unittest

from api_support import (PATH, PREFIX, ApiCase, add_rows, comparable, configuration, container, pod_of, policy,
                         without_annotations)
from cluster import container_of

SECRET_REF = {"secretRef": {"name": "site"}}
RESOURCE = {"containerName": "rucio-server", "resource": "limits.memory"}

# With no more than Kubernetes requires, so that everything else comes by default.
SOURCES = {
    "an awsElasticBlockStore": {"awsElasticBlockStore": {"volumeID": "v"}},
    "an azureDisk": {"azureDisk": {"diskName": "d", "diskURI": "https://a.blob.core.windows.net/c/d.vhd"}},
    "an azureFile": {"azureFile": {"secretName": "s", "shareName": "n"}},
    "a cephfs": {"cephfs": {"monitors": ["10.0.0.1:6789"]}},
    "a cinder": {"cinder": {"volumeID": "v"}},
    "a configMap": {"configMap": {"name": "site"}},
    "a csi driver": {"csi": {"driver": "cvmfs.example.com"}},
    "a downwardAPI": {"downwardAPI": {"items": [
        {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
        {"path": "memory", "resourceFieldRef": RESOURCE}]}},
    "an emptyDir": {"emptyDir": {}},
    "an ephemeral claim": {"ephemeral": {"volumeClaimTemplate": {"spec": {
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}}},
    "a fibre channel": {"fc": {"targetWWNs": ["500a0982991b8dc5"], "lun": 0}},
    "a flexVolume": {"flexVolume": {"driver": "example.com/driver"}},
    "a flocker": {"flocker": {"datasetName": "d"}},
    "a gcePersistentDisk": {"gcePersistentDisk": {"pdName": "d"}},
    "a glusterfs": {"glusterfs": {"endpoints": "e", "path": "p"}},
    "a hostPath": {"hostPath": {"path": "/cvmfs/atlas.cern.ch"}},
    "an image": {"image": {"reference": "registry.example/atlas-policy:1.2"}},
    "an image without a tag": {"image": {"reference": "registry.example/atlas-policy"}},
    "an iscsi target": {"iscsi": {"targetPortal": "10.0.0.1", "iqn": "iqn.2001-04.com.example:a.b", "lun": 0}},
    "an nfs": {"nfs": {"server": "nfs.example", "path": "/atlas"}},
    "a persistentVolumeClaim": {"persistentVolumeClaim": {"claimName": "atlas-policy"}},
    "a photonPersistentDisk": {"photonPersistentDisk": {"pdID": "d"}},
    "a portworxVolume": {"portworxVolume": {"volumeID": "v"}},
    "a projected volume": {"projected": {"sources": [
        {"configMap": {"name": "site"}}, {"secret": {"name": "site", "items": [{"key": "k", "path": "p"}]}},
        {"serviceAccountToken": {"path": "token"}},
        {"downwardAPI": {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}},
                                   {"path": "memory", "resourceFieldRef": RESOURCE}]}}]}},
    "a quobyte": {"quobyte": {"registry": "r:1", "volume": "v"}},
    "an rbd": {"rbd": {"monitors": ["10.0.0.1:6789"], "image": "i"}},
    "a scaleIO": {"scaleIO": {"gateway": "g", "system": "s", "volumeName": "v", **SECRET_REF}},
    "a secret": {"secret": {"secretName": "site"}},
    "a storageos": {"storageos": {"volumeName": "v"}},
    "a vsphereVolume": {"vsphereVolume": {"volumePath": "[d] v"}},

    # Said in full, and in ways that the apiserver does not keep.
    "a configMap with its defaults": {
        "configMap": {"name": "site", "defaultMode": 420, "items": [], "optional": False}},
    "a configMap with modes": {"configMap": {"name": "site", "defaultMode": 0o440, "optional": True, "items": [
        {"key": "a", "path": "b", "mode": 0o400}, {"key": "c", "path": "d"}]}},
    "a secret with nulls": {"secret": {"secretName": "site", "defaultMode": None, "items": None, "optional": None}},
    "a claim with false": {"persistentVolumeClaim": {"claimName": "atlas-policy", "readOnly": False}},
    "a claim with true": {"persistentVolumeClaim": {"claimName": "atlas-policy", "readOnly": True}},
    "a csi driver with everything": {"csi": {
        "driver": "cvmfs.example.com", "readOnly": False, "fsType": "", "volumeAttributes": {"a": "1Gi", "b": ""},
        "nodePublishSecretRef": {"name": "site"}}},
    "a hostPath with an empty type": {"hostPath": {"path": "/cvmfs", "type": ""}},
    "a hostPath with a type": {"hostPath": {"path": "/cvmfs", "type": "Directory"}},
    "an image with a policy": {"image": {"reference": "registry.example/p@sha256:" + "0" * 64, "pullPolicy": "Always"}},
    "an emptyDir with an empty medium": {"emptyDir": {"medium": "", "sizeLimit": None}},
    "a token with a time": {"projected": {"defaultMode": 0o400, "sources": [
        {"serviceAccountToken": {"path": "t", "expirationSeconds": 7200, "audience": "rucio"}}]}},
    "a token with the default time": {"projected": {"sources": [
        {"serviceAccountToken": {"path": "t", "expirationSeconds": 3600, "audience": ""}}]}},
    "a divisor": {"downwardAPI": {"items": [{"path": "m", "resourceFieldRef": {**RESOURCE, "divisor": "1024Ki"}}]}},
    "a divisor that is a number": {
        "downwardAPI": {"items": [{"path": "m", "resourceFieldRef": {**RESOURCE, "divisor": 1}}]}},
    "a claim template in other units": {"ephemeral": {"volumeClaimTemplate": {
        "metadata": {"labels": {"a": "1"}},
        "spec": {"accessModes": ["ReadOnlyMany"], "volumeMode": "Filesystem", "storageClassName": "fast",
                 "resources": {"requests": {"storage": "2048Mi"}, "limits": {"storage": "4e9"}}}}}},
}
DROPPED = {"configMap": {"name": "site", "unheardOf": {"a": 1}}}

# Quantities, as YAML numbers or text, that the apiserver writes in another way.
SIZES = ["1Gi", "1024Mi", "0.5Gi", "1.5Gi", "1073741824", 1073741824, "1e9", "1E9", "1000M", "100k", "1500m", "0", 0,
         "+1Gi", "1.0Gi", ".5Gi", "2Ti", "0.1", "1u", "123456789n"]
SIZED = {f"an emptyDir of {size!r}": {"emptyDir": {"sizeLimit": size}} for size in SIZES}
ALL = {**SOURCES, **SIZED, "dropped": DROPPED}


class VolumeSources(ApiCase):
    NAMES = {sentence: f"p{number}" for number, sentence in enumerate(ALL)}
    CONFIGURATION = configuration(*[policy(name, volume) for name, volume in zip(NAMES.values(), ALL.values())])

    def pod_for(self, sentence, volume=None):
        """A pod for the policy; it has a volume like the policy's, if one is given."""
        return pod_of(container("rucio-server", resources={"limits": {"memory": "1Gi"}}), container("rucio-daemons"),
                      annotations={"policy": self.NAMES[sentence]},
                      volumes=[{"name": "rucio-policy", **volume}] if volume else [])

    def check_volumes(self, pod):
        names = [volume["name"] for volume in pod["spec"]["volumes"]]
        self.assertEqual(names, ["rucio-policy"], pod["spec"]["volumes"])
        for name in ("rucio-server", "rucio-daemons"):
            self.assertEqual([(mount["name"], mount["mountPath"]) for mount in container_of(pod, name)["volumeMounts"]],
                             [("rucio-policy", PATH)])

    def test_a_key_that_Kubernetes_drops_is_no_conflict_where_the_injection_is_on_record(self):
        stored = self.accepted(self.pod_for("dropped")).pod
        self.assertNotIn("unheardOf", stored["spec"]["volumes"][0]["configMap"])
        self.check_volumes(stored)
        self.assert_stable(stored)

    def check(self, sentence):
        volume = ALL[sentence]
        answer = self.accepted(self.pod_for(sentence))
        self.assertEqual((answer.outcomes[0], answer.warnings_of_ours()), (("patched", "injected"), []))
        self.check_volumes(answer.pod)
        self.assertEqual(set(answer.pod["spec"]["volumes"][0]), {"name", *volume})
        self.assert_stable(answer.pod)

        unrecorded = without_annotations(answer.pod)
        unrecorded["metadata"]["annotations"] = {PREFIX + "policy": self.NAMES[sentence]}
        again = self.accepted(unrecorded)
        self.assertEqual(again.requests[0]["operations"], 2, "more than status and revision were written")
        self.assertEqual(comparable(again.pod), comparable(answer.pod))

        brought = self.accepted(self.pod_for(sentence, copy.deepcopy(volume)))
        self.assertEqual(comparable(brought.pod), comparable(answer.pod))

    def test_an_emptyDir_is_recognised_however_its_size_is_written(self):
        for sentence in SIZED:
            with self.subTest(sentence):
                self.check(sentence)


add_rows(VolumeSources, {f"{sentence} is recognised": sentence for sentence in SOURCES}, VolumeSources.check)


class EqualQuantities(ApiCase):
    """A pod that brings the volume with the same size in other words."""
    SIZES = ("1Gi", "1024Mi", "1048576Ki", "1073741824")
    CONFIGURATION = configuration(*(policy(f"p{i}", {"emptyDir": {"sizeLimit": size}}) for i, size in enumerate(SIZES)))

    def test_equal_sizes_are_one_volume_whoever_says_what(self):
        for number, ours in enumerate(self.SIZES):
            for theirs in self.SIZES:
                with self.subTest(policy=ours, pod=theirs):
                    stored = self.accepted(pod_of(annotations={"policy": f"p{number}"}, volumes=[
                        {"name": "rucio-policy", "emptyDir": {"sizeLimit": theirs}}])).pod
                    self.assertEqual(len(stored["spec"]["volumes"]), 1)
                    self.assert_stable(stored)

    def test_other_sizes_are_two_volumes(self):
        for theirs in ("1G", "1025Mi", "1073741825"):
            with self.subTest(pod=theirs):
                stored = self.accepted(pod_of(annotations={"policy": "p0"}, volumes=[
                    {"name": "rucio-policy", "emptyDir": {"sizeLimit": theirs}}])).pod
                names = [volume["name"] for volume in stored["spec"]["volumes"]]
                self.assertEqual(names, ["rucio-policy", "rucio-policy-2"])
                self.assert_stable(stored)


if __name__ == "__main__":
    unittest.main()
