{{- define "rpw.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- /* At most 40 characters: a CronJob's name has 52, a Job's 63. */}}
{{- define "rpw.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | replace "." "-" | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | replace "." "-" | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- /* What a Deployment and a Service select by: must not change. (dict "root" $ "component" NAME) */}}
{{- define "rpw.selectorLabels" -}}
app.kubernetes.io/name: {{ include "rpw.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "rpw.podLabels" -}}
{{ include "rpw.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: rucio
{{- end }}

{{- define "rpw.labels" -}}
{{ include "rpw.podLabels" . }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | quote }}
{{- end }}

{{- define "rpw.image" -}}
{{- with .Values.image }}
{{- if .digest }}
{{- printf "%s@%s" .repository .digest }}
{{- else }}
{{- printf "%s:%s" .repository (default $.Chart.AppVersion .tag) }}
{{- end }}
{{- end }}
{{- end }}

{{- /* What the pods of all components have in common. */}}
{{- define "rpw.podSpec" -}}
enableServiceLinks: false
securityContext: {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "rpw.tlsSecretName" -}}
{{- if eq .Values.certificates.issuer "provided" }}
{{- required "certificates.secretName: the Secret with your certificate is missing (certificates.issuer is \"provided\")" .Values.certificates.secretName }}
{{- else if eq .Values.certificates.issuer "cert-manager" }}
{{- include "rpw.fullname" . }}-cert-manager-tls
{{- else }}
{{- include "rpw.fullname" . }}-tls
{{- end }}
{{- end }}

{{- define "rpw.serverName" -}}
{{ include "rpw.fullname" . }}.{{ .Release.Namespace }}.svc
{{- end }}

{{- define "rpw.webhookPort" -}}
{{ ternary .Values.hostNetwork.webhookPort .Values.ports.webhook .Values.hostNetwork.enabled }}
{{- end }}

{{- define "rpw.operationsPort" -}}
{{ ternary .Values.hostNetwork.operationsPort .Values.ports.operations .Values.hostNetwork.enabled }}
{{- end }}

{{- define "rpw.configMapName" -}}
{{- if .Values.configMap }}
{{- .Values.configMap }}
{{- else }}
{{- include "rpw.fullname" . }}-{{ required "configuration: the text of the webhook's configuration is missing (--set-file configuration=policy.yaml)" .Values.configuration | sha256sum | trunc 10 }}
{{- end }}
{{- end }}
