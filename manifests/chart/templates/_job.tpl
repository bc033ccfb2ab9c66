{{- /*
A pod that runs the program once. (dict "root" $ "component" NAME "restartPolicy" POLICY "args" LIST); with "serviceAccount" NAME
it has that one's rights, with "configMap" NAME its files are in /etc/rucio-policy-webhook/policy.
*/}}
{{- define "rpw.jobPod" -}}
metadata:
  labels: {{- include "rpw.podLabels" . | nindent 4 }}
spec:
  restartPolicy: {{ .restartPolicy }}
  {{- if .serviceAccount }}
  serviceAccountName: {{ .serviceAccount }}
  {{- else }}
  automountServiceAccountToken: false
  {{- end }}
  {{- include "rpw.podSpec" .root | nindent 2 }}
  containers:
    - name: {{ .component }}
      image: {{ include "rpw.image" .root | quote }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      args: {{- toYaml .args | nindent 8 }}
      # What fails is told by `kubectl describe pod`, too.
      terminationMessagePolicy: FallbackToLogsOnError
      resources: {{- toYaml .root.Values.jobs.resources | nindent 8 }}
      securityContext: {{- toYaml .root.Values.securityContext | nindent 8 }}
      {{- if .configMap }}
      volumeMounts:
        - name: policy
          mountPath: /etc/rucio-policy-webhook/policy
          readOnly: true
      {{- end }}
  {{- if .configMap }}
  volumes:
    - name: policy
      configMap:
        name: {{ .configMap }}
  {{- end }}
{{- end }}
