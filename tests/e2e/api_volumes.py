"""Every volume source of Kubernetes as a policy's source: what the apiserver's defaulting makes of it stays as it is,
and gives way when the policy has another.
"""
import copy
import unittest

from api_support import (OUR_MOUNT, PREFIX, ApiCase, add_rows, comparable, configuration, container, kubernetes_minor,
                         mounts_of, pod_of, policy, volumes_of)

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
}


class VolumeSources(ApiCase):
    NAMES = {sentence: f"p{number}" for number, sentence in enumerate(SOURCES)}
    CONFIGURATION = configuration(*(policy(name, SOURCES[sentence]) for sentence, name in NAMES.items()),
                                  policy("newer", package="newer_package", path="/opt/newer"))

    def pod_for(self, name):
        return pod_of(container("rucio-server", resources={"limits": {"memory": "1Gi"}}), container("rucio-daemons"),
                      annotations={"policy": name})

    def check(self, sentence):
        if "image" in SOURCES[sentence] and kubernetes_minor() < 35:
            self.skipTest("api_image_volumes.py says what becomes of one here")
        answer = self.accepted(self.pod_for(self.NAMES[sentence]))
        self.assertEqual((answer.outcomes[0], answer.warnings_of_ours()), (("patched", "injected"), []))
        self.assertEqual([set(volume) for volume in volumes_of(answer.pod)], [{"name", *SOURCES[sentence]}])
        for name in ("rucio-server", "rucio-daemons"):
            self.assertEqual(mounts_of(answer.pod, name), [OUR_MOUNT])
        self.assert_stable(answer.pod)

        older = copy.deepcopy(answer.pod)
        older["metadata"]["annotations"][PREFIX + "policy"] = "newer"
        self.assertEqual(comparable(self.accepted(older).pod), comparable(self.accepted(self.pod_for("newer")).pod))


add_rows(VolumeSources, {f"{sentence} is stored, and gives way to a newer one": sentence for sentence in SOURCES},
         VolumeSources.check)

if __name__ == "__main__":
    unittest.main()
