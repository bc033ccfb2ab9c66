// Package mutation makes the edits that this project's examples/policy.yaml makes to a pod of Rucio's server, as a webhook
// written in Go would: on a typed Pod. Only what the sample review needs.
package mutation

import (
	"encoding/json"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

const (
	path       = "/opt/rucio/policy"
	pkg        = "atlas_rucio_policy_package"
	revision   = "5232a7d841fd"
	volumeName = "rucio-policy-" + revision
	prefix     = "policy.rucio.cern.ch/"
)

type containerRecord struct {
	Env        map[string]string `json:"env"`
	PythonPath string            `json:"pythonPath"`
	MountPath  string            `json:"mountPath"`
}

type record struct {
	Volume     string                     `json:"volume"`
	Containers map[string]containerRecord `json:"containers"`
}

var rucioContainers = []string{"rucio-server", "rucio-daemons", "rucio-ui"}

// Inject edits the pod, and says whether it is one of Rucio's.
func Inject(namespace string, pod *corev1.Pod) bool {
	if namespace != "rucio-atlas" || pod.Labels["rucio-daemon"] == "hermes" || pod.Annotations[prefix+"inject"] == "false" {
		return false
	}
	written := record{Volume: volumeName, Containers: map[string]containerRecord{}}
	for i := range pod.Spec.Containers {
		if container := &pod.Spec.Containers[i]; slices.Contains(rucioContainers, container.Name) {
			injectContainer(container)
			written.Containers[container.Name] = containerRecord{
				Env: map[string]string{"POLICY_PKG_PATH": path, "RUCIO_POLICY_PACKAGE": pkg,
					"RUCIO_CFG_POLICY_PACKAGE": pkg},
				PythonPath: path,
				MountPath:  path,
			}
		}
	}
	if len(written.Containers) == 0 {
		return false
	}
	pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: volumeName, VolumeSource: corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "atlas-policy", ReadOnly: true}}})
	text, _ := json.Marshal(written)
	if pod.Annotations == nil {
		pod.Annotations = map[string]string{}
	}
	pod.Annotations[prefix+"status"] = "injected"
	pod.Annotations[prefix+"policy"] = "atlas"
	pod.Annotations[prefix+"revision"] = revision
	pod.Annotations[prefix+"injected"] = string(text)
	return true
}

func injectContainer(container *corev1.Container) {
	container.Env = append([]corev1.EnvVar{
		{Name: "POLICY_PKG_PATH", Value: path},
		{Name: "RUCIO_POLICY_PACKAGE", Value: pkg},
		{Name: "RUCIO_CFG_POLICY_PACKAGE", Value: pkg},
		{Name: "PYTHONPATH", Value: path},
	}, container.Env...)
	container.VolumeMounts = append(container.VolumeMounts,
		corev1.VolumeMount{Name: volumeName, MountPath: path, ReadOnly: true, SubPath: "current"})
}
