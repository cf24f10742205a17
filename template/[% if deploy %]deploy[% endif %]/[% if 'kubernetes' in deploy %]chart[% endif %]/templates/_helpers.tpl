{{/* What names and selects everything of this release. */}}
{{- define "service.labels" -}}
{{ include "service.selector" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Values.image.tag | quote }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "service.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "service.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag }}{{ with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{/* Secrets come from the Secret that is named, one variable for each key. */}}
{{- define "service.secrets" -}}
{{- range $variable, $key := .Values.secret.keys }}
- name: {{ $variable }}
  valueFrom: {secretKeyRef: {name: {{ $.Values.secret.name }}, key: {{ $key }}}}
{{- end }}
{{- end }}

{{/* No pod runs as root, none speaks to the cluster's API, and none writes but where it must. */}}
{{- define "service.pod" -}}
serviceAccountName: {{ .account | default .Release.Name }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "service.container" -}}
image: {{ include "service.image" . | quote }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  privileged: false
  capabilities: {drop: [ALL]}
{{- end }}

{{/* The state: what is each pod's own, and in it the data versions, which all pods may share. */}}
{{- define "service.mounts" -}}
- {name: state, mountPath: /state}
- {name: temporary, mountPath: /tmp}
{{- if eq .Values.data.mode "claim" }}
- {name: data, mountPath: /state/data, subPath: data}
- {name: data, mountPath: /state/inbox, subPath: inbox}
{{- end }}
{{- end }}

{{- define "service.volumes" -}}
- name: state
  emptyDir: {sizeLimit: {{ .Values.ephemeral }}}
- name: temporary
  emptyDir: {sizeLimit: 64Mi}
{{- if eq .Values.data.mode "claim" }}
- name: data
  persistentVolumeClaim:
    claimName: {{ required "data.mode is claim: name a ReadWriteMany claim in data.claim" .Values.data.claim }}
{{- end }}
{{- end }}

{{/* A pod that does one thing and ends: migrations, documents, retention. `arguments` are those of the command line. */}}
{{- define "service.once" -}}
{{ include "service.pod" . }}
restartPolicy: Never
containers:
  - name: {{ .name }}
    {{- include "service.container" . | nindent 4 }}
    args: {{ toJson .arguments }}
    env:
      {{- range $variable, $value := .Values.config }}
      - {name: {{ $variable }}, value: {{ $value | quote }}}
      {{- end }}
      {{- include "service.secrets" . | trim | nindent 6 }}
    resources:
      {{- toYaml .Values.resources | nindent 6 }}
    volumeMounts:
      {{- include "service.mounts" . | nindent 6 }}
volumes:
  {{- include "service.volumes" . | nindent 2 }}
{{- end }}
