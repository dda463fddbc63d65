{{- define "floorcast.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 53 | trimSuffix "-" }}
{{- end }}

{{- /* Release and chart name, each once. */}}
{{- define "floorcast.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 53 | trimSuffix "-" }}
{{- else if contains (include "floorcast.name" .) .Release.Name -}}
{{- .Release.Name | trunc 53 | trimSuffix "-" }}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "floorcast.name" .) | trunc 53 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "floorcast.selector" -}}
app.kubernetes.io/name: {{ include "floorcast.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "floorcast.labels" -}}
{{ include "floorcast.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* metadata: dict "root" $ "name" … ["namespaced" false] ["labels" …] ["annotations" …] ["namespace" …] */}}
{{- define "floorcast.metadata" -}}
name: {{ .name }}
{{- if ne (toString .namespaced) "false" }}
namespace: {{ default .root.Release.Namespace .namespace }}
{{- end }}
labels:
  {{- include "floorcast.labels" .root | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge (dict) (default (dict) .annotations) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "floorcast.image" -}}
{{- $name := .Values.image.repository }}
{{- with .Values.image.registry }}{{ $name = printf "%s/%s" . $name }}{{ end }}
{{- if .Values.image.digest }}
{{- printf "%s@%s" $name .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" $name (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{- /* Port of health and metrics. */}}
{{- define "floorcast.metricsPort" -}}
{{- dig "http" "listen" "0.0.0.0:8080" .Values.config | splitList ":" | last }}
{{- end }}

{{- /* Port of page and API on the pod's loopback. */}}
{{- define "floorcast.apiPort" -}}
{{- dig "http" "api" "127.0.0.1:8081" .Values.config | splitList ":" | last }}
{{- end }}

{{- define "floorcast.account" -}}
{{- default (include "floorcast.fullname" .) .Values.serviceAccount.name }}
{{- end }}

{{- define "floorcast.janitor" -}}
{{- printf "%s-janitor" (include "floorcast.account" .) }}
{{- end }}

{{- define "floorcast.configMap" -}}
{{- default (printf "%s-config" (include "floorcast.fullname" .)) .Values.existingConfigMap }}
{{- end }}

{{- /* Namespaces to watch, as JSON; empty: all. */}}
{{- define "floorcast.namespaces" -}}
{{- if eq .Values.rbac.scope "cluster" -}}
[]
{{- else -}}
{{- default (list .Release.Namespace) .Values.rbac.namespaces | toJson }}
{{- end }}
{{- end }}

{{- /* Where histories come from, as JSON. Not a matter for the schema: its validator repeats what it refuses. */}}
{{- define "floorcast.datasources" -}}
{{- $all := ternary .Values.config.datasources (list .Values.datasource) (hasKey .Values.config "datasources") }}
{{- range $all }}
{{- if regexMatch "^https?://[^/]*@" .url }}
{{- fail (printf "the url of datasource %s holds a user or password: give them by auth.basic and passwordFile, from existingSecret" .name) }}
{{- end }}
{{- end }}
{{- toJson $all }}
{{- end }}

{{- /* The daemon's configuration: the values' own, and what only the chart knows. */}}
{{- define "floorcast.config" -}}
{{- $config := deepCopy .Values.config }}
{{- $_ := set $config "datasources" (include "floorcast.datasources" . | fromJsonArray) }}
{{- $own := dict }}
{{- $full := include "floorcast.fullname" . }}
{{- with include "floorcast.namespaces" . | fromJsonArray }}{{ $_ := set $own "namespaces" . }}{{ end }}
{{- if ne $full "floorcast" }}
{{- $_ := set $own "lease" $full }}
{{- $_ := set $own "control" (printf "%s-control" $full) }}
{{- end }}
{{- if $own }}
{{- $_ := set $config "kubernetes" (merge $own (default (dict) $config.kubernetes)) }}
{{- end }}
{{- toYaml $config }}
{{- end }}

{{- /* What every pod of ours has: dict "root" $ "account" … */}}
{{- define "floorcast.pod" -}}
serviceAccountName: {{ .account }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .root.Values.podSecurityContext | nindent 2 }}
{{- end }}

{{- /* What every container of ours has. */}}
{{- define "floorcast.container" -}}
image: {{ include "floorcast.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- toYaml .Values.containerSecurityContext | nindent 2 }}
env:
  - name: POD_NAME
    valueFrom: {fieldRef: {fieldPath: metadata.name}}
  - name: POD_NAMESPACE
    valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
{{- end }}

{{- define "floorcast.mounts" -}}
- {name: config, mountPath: /etc/floorcast, readOnly: true}
{{- if .Values.existingSecret }}
- {name: secrets, mountPath: /var/run/secrets/floorcast, readOnly: true}
{{- end }}
- {name: token, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
{{- end }}

{{- define "floorcast.volumes" -}}
- name: config
  configMap: {name: {{ include "floorcast.configMap" . }}}
{{- with .Values.existingSecret }}
# Without it the daemon runs all the same, and says which file is missing; it reads the file once it is there.
- name: secrets
  secret: {secretName: {{ . }}, optional: true}
{{- end }}
- name: token
  projected:
    sources:
      - serviceAccountToken: {path: token, expirationSeconds: 3600}
      - configMap: {name: kube-root-ca.crt, items: [{key: ca.crt, path: ca.crt}]}
      - downwardAPI: {items: [{path: namespace, fieldRef: {fieldPath: metadata.namespace}}]}
{{- end }}

{{- /* Whether the cluster, or --kube-version, is at least this: list $ "1.30" */}}
{{- define "floorcast.since" -}}
{{- $root := index . 0 }}
{{- semverCompare (printf ">=%s-0" (index . 1)) $root.Capabilities.KubeVersion.Version }}
{{- end }}
