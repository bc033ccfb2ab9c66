{{- /* "30d" -> seconds */}}
{{- define "rpw.seconds" -}}
{{- $units := dict "s" 1 "m" 60 "h" 3600 "d" 86400 -}}
{{ mul (regexFind "^[0-9]+" . | int64) (get $units (regexFind "[smhd]$" .)) }}
{{- end }}

{{- /* What the schema cannot say. The program refuses the first three as well, but in a Job that nobody watches. */}}
{{- define "rpw.validate" -}}
{{- with .Values.certificates }}
{{- $renew := include "rpw.seconds" .renewBefore | int64 }}
{{- if gt $renew (include "rpw.seconds" "60d" | int64) }}
{{- fail (printf "certificates.renewBefore: %s is more than 60d" .renewBefore) }}
{{- end }}
{{- if lt (include "rpw.seconds" .overlap | int64) (include "rpw.seconds" "5m" | int64) }}
{{- fail (printf "certificates.overlap: %s is less than 5m" .overlap) }}
{{- end }}
{{- if ge (include "rpw.seconds" .overlap | int64) $renew }}
{{- fail (printf "certificates.overlap: %s is not less than renewBefore, %s" .overlap .renewBefore) }}
{{- end }}
{{- end }}
{{- if eq (include "rpw.webhookPort" .) (include "rpw.operationsPort" .) }}
{{- fail (printf "ports: webhook and operations are both %s" (include "rpw.webhookPort" .)) }}
{{- end }}
{{- if gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas) }}
{{- fail (printf "autoscaling: minReplicas, %v, is more than maxReplicas, %v" .Values.autoscaling.minReplicas .Values.autoscaling.maxReplicas) }}
{{- end }}
{{- end }}
