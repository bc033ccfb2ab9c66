{{- /*
The containers whose pods the cluster has to send, as {"names": [...], "images": [...], "variables": BOOL}: those of the policies by name
and image, and what looks like Rucio where a pod without a policy is to be noticed (unmatched) or no configuration is known.
*/}}
{{- define "rpw.containers" -}}
{{- $rucioNames := list "rucio-daemons" "rucio-server" "rucio-ui" }}
{{- $rucioImages := list "rucio-server" "rucio-daemons" "rucio-ui" "rucio-init" "rucio-clients" "rucio-probes" "rucio/probes" }}
{{- $configuration := fromYaml .Values.configuration }}
{{- with $configuration.Error }}
{{- fail (printf "configuration: not YAML: %s" .) }}
{{- end }}
{{- $policies := kindIs "slice" $configuration.policies | ternary $configuration.policies list }}
{{- $variables := or (empty $policies) (ne (default "allow" $configuration.unmatched | toString) "allow") }}
{{- $names := $variables | ternary $rucioNames list }}
{{- $images := $variables | ternary $rucioImages list }}
{{- /* What has another shape than it should is left to `check`, which names the place. */}}
{{- range $policies }}
{{- $match := dict }}
{{- if and (kindIs "map" .) (kindIs "map" .match) }}
{{- $match = .match }}
{{- end }}
{{- if or (kindIs "slice" $match.containers) (kindIs "slice" $match.images) }}
{{- $names = concat $names (kindIs "slice" $match.containers | ternary $match.containers list) }}
{{- $images = concat $images (kindIs "slice" $match.images | ternary $match.images list) }}
{{- else }}
{{- $names = concat $names $rucioNames }}
{{- $images = concat $images $rucioImages }}
{{- end }}
{{- end }}
{{- dict "names" ($names | uniq | sortAlpha) "images" ($images | uniq | sortAlpha) "variables" $variables | toJson }}
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

{{- /* In CEL, whether c is a container of "rpw.containers". */}}
{{- define "rpw.isContainer" -}}
{{- $tests := list }}
{{- with .names }}
{{- $tests = append $tests (include "rpw.isOneOf" (dict "subject" "c.name" "names" .)) }}
{{- end }}
{{- $images := list }}
{{- range .images }}
{{- if not (regexMatch "[A-Za-z0-9]" .) }}
{{- fail (printf "configuration: the image pattern %q means every image, so every pod of the cluster would depend on the webhook" .) }}
{{- end }}
{{- $images = append $images (. | replace "." "[.]" | replace "*" ".*" | replace "?" "." ) }}
{{- end }}
{{- with $images }}
{{- $tests = append $tests (printf "(has(c.image) && c.image.matches('^(.*/)?(%s)([:@].*)?$'))" (join "|" .)) }}
{{- end }}
{{- if .variables }}
{{- $tests = append $tests "(has(c.env) && c.env.exists(e, e.name == 'RUCIO_DAEMON' || e.name.startsWith('RUCIO_CFG_')))" }}
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
{{- $test := include "rpw.isContainer" (include "rpw.containers" . | fromJson) }}
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
