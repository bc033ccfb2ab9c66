{{- /*
The container names and patterns whose pods the cluster has to send, as {"names": [...]}: what the policies look for, and
Rucio's own names where a pod without a policy is to be noticed (unmatched) or no configuration is known.
*/}}
{{- define "rpw.containers" -}}
{{- $default := list "rucio-daemons" "rucio-server" "rucio-ui" }}
{{- $configuration := fromYaml .Values.configuration }}
{{- with $configuration.Error }}
{{- fail (printf "configuration: not YAML: %s" .) }}
{{- end }}
{{- $names := list }}
{{- /* What has another shape than it should is left to `check`, which names the place. */}}
{{- range (kindIs "slice" $configuration.policies | ternary $configuration.policies list) }}
{{- $match := dict }}
{{- if and (kindIs "map" .) (kindIs "map" .match) }}
{{- $match = .match }}
{{- end }}
{{- $names = concat $names (kindIs "slice" $match.containers | ternary $match.containers $default) }}
{{- end }}
{{- if or (empty $names) (ne (default "allow" $configuration.unmatched | toString) "allow") }}
{{- $names = concat $names $default }}
{{- end }}
{{- dict "names" ($names | uniq | sortAlpha) | toJson }}
{{- end }}

{{- /*
The namespaces and patterns of the policies, as {"names": [...]}; none where a pod of any namespace matters: a policy names none,
or pods without a policy are to be noticed.
*/}}
{{- define "rpw.namespaces" -}}
{{- $configuration := fromYaml .Values.configuration }}
{{- $names := list }}
{{- $any := or (not (kindIs "slice" $configuration.policies)) (ne (default "allow" $configuration.unmatched | toString) "allow") }}
{{- range (kindIs "slice" $configuration.policies | ternary $configuration.policies list) }}
{{- $namespaces := list }}
{{- if and (kindIs "map" .) (kindIs "map" .match) }}
{{- $namespaces = kindIs "slice" .match.namespaces | ternary .match.namespaces list }}
{{- end }}
{{- $names = concat $names $namespaces }}
{{- $any = or $any (empty $namespaces) }}
{{- end }}
{{- range $names }}
{{- $any = or $any (hasPrefix "*" .) (hasPrefix "?" .) }}
{{- end }}
{{- dict "names" ($any | ternary list ($names | uniq | sortAlpha)) | toJson }}
{{- end }}

{{- /*
In CEL, whether .subject is one of .names. A pattern becomes what stands before its first wildcard: the cluster then sends more than
is wanted, never less, and the webhook itself decides.
*/}}
{{- define "rpw.isOneOf" -}}
{{- $subject := .subject }}
{{- $names := list }}
{{- $tests := list }}
{{- range .names }}
{{- $prefix := regexFind "^[^*?]*" . }}
{{- if eq $prefix . }}
{{- $names = append $names (squote .) }}
{{- else if $prefix }}
{{- $tests = append $tests (printf "%s.startsWith(%s)" $subject (squote $prefix)) }}
{{- else }}
{{- fail (printf "configuration: the container pattern %q begins with a wildcard, so every pod of the cluster would depend on the webhook" .) }}
{{- end }}
{{- end }}
{{- $tests = uniq $tests }}
{{- if $names }}
{{- $tests = prepend $tests (printf "%s in [%s]" $subject (join ", " $names)) }}
{{- end }}
{{- join " || " $tests }}
{{- end }}

{{- /* What a pod must be to be sent, as {"conditions": [{name, expression}]}. `rucio-policy-webhook registration` prints the same. */}}
{{- define "rpw.matchConditions" -}}
{{- $conditions := list }}
{{- with (include "rpw.namespaces" . | fromJson).names }}
{{- $test := include "rpw.isOneOf" (dict "subject" "request.namespace" "names" .) }}
{{- $conditions = append $conditions (dict "name" "is-in-a-namespace-of-a-policy" "expression" $test) }}
{{- end }}
{{- $test := include "rpw.isOneOf" (dict "subject" "c.name" "names" (include "rpw.containers" . | fromJson).names) }}
{{- $containers := "object.spec.containers.exists(c, %s) ||\n(has(object.spec.initContainers) && object.spec.initContainers.exists(c, %s))" }}
{{- $conditions = append $conditions (dict "name" "has-a-container-of-rucio" "expression" (printf $containers $test $test)) }}
{{- dict "conditions" $conditions | toJson }}
{{- end }}

{{- /* The namespaces whose pods are sent. */}}
{{- define "rpw.namespaceSelector" -}}
{{- $excluded := append (default list .Values.webhook.excludedNamespaces) .Release.Namespace | uniq -}}
matchExpressions:
  - key: kubernetes.io/metadata.name
    operator: NotIn
    values: {{- toYaml $excluded | nindent 6 }}
{{- with (default dict .Values.webhook.namespaceSelector).matchExpressions }}
{{ toYaml . | indent 2 }}
{{- end }}
{{- with (default dict .Values.webhook.namespaceSelector).matchLabels }}
matchLabels: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
