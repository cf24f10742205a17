"""A template of a chart is read for what it says outright; nothing of it is evaluated."""

from __future__ import annotations

import time

import pytest

from readiness.extract.helm import is_template, without_holes
from readiness.extract.yaml_file import read_yaml

CHART = """\
{{- if .Values.enabled }}
{{/* a remark
   over two lines */}}
kind: Deployment
metadata:
  name: {{ include "chart.name" . }}
  labels:
    {{- include "chart.labels" . | nindent 4 }}
spec:
  {{- range $name, $port := .Values.ports }}
  {{- $peer := index $.Values.peers . }}
  {{- end }}
  replicas: {{ .Values.replicas | default 2 }}
  probe: {path: {{ .Values.probe.path | default "/readyz" }}, port: {{ $peer.port }}}
{{- end }}
"""


def test_what_is_written_stays_on_its_line() -> None:
    text = without_holes(CHART)
    assert text is not None and text.count("\n") == CHART.count("\n")
    (document,) = read_yaml(text)
    assert document.get("spec", "probe", "path").value == "$Values.probe.path?/readyz"  # type: ignore[union-attr]
    assert document.get("spec", "replicas").value == "$Values.replicas?2"  # type: ignore[union-attr]
    assert document.get("spec", "probe", "path").line == 14  # type: ignore[union-attr]


@pytest.mark.parametrize("text", ["kind: Deployment\n", "kind: x\na: {% if b %}{{ c }}\n", "name: {{ x }}\n"])
def test_other_files_are_left_alone(text: str) -> None:
    assert without_holes(text) is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [("chart/templates/deployment.yaml", True), ("templates/a.yml", True), ("chart/values.yaml", False),
     ("templates.yaml", False), ("chart/templates/_helpers.tpl", False)],
)  # fmt: skip
def test_templates_lie_in_their_folder(path: str, expected: bool) -> None:
    assert is_template(path) is expected


@pytest.mark.parametrize("piece", ["{{", "{{ ", "{{/*", "{{" + " " * 200, "{{-" * 3])
def test_holes_that_never_close_cost_little(piece: str) -> None:
    started = time.perf_counter()
    without_holes("kind: x\n" + piece * (300_000 // len(piece)))
    without_holes("kind: x\n" + piece * 1_900 + "x" * 200_000)
    assert time.perf_counter() - started < 5
