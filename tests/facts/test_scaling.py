"""What infrastructure files say about copies and their size, beyond the examples of autoscaling-and-limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from readiness.facts.facts import Facts

FactsOf = Callable[[Mapping[str, str]], Facts]
CHART = {
    "chart/Chart.yaml": "apiVersion: v2\nname: api\nversion: 1.0.0\n",
    "chart/templates/hpa.yaml": (
        "{{- if .Values.autoscaling.enabled }}\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\n"
        "metadata: {name: api}\nspec:\n  maxReplicas: 5\n{{- end }}\n"
    ),
}


@pytest.mark.parametrize(("enabled", "how"), [("true", "autoscaling"), ("false", "weak")])
def test_an_autoscaler_that_the_chart_leaves_out_is_none(facts_of: FactsOf, enabled: str, how: str) -> None:
    scaling = facts_of({**CHART, "chart/values.yaml": f"autoscaling:\n  enabled: {enabled}\n"}).scaling

    assert [found.place.path for found in getattr(scaling, how)] == ["chart/templates/hpa.yaml"]


def test_an_argument_in_a_comment_of_terraform_scales_nothing(facts_of: FactsOf) -> None:
    block = 'resource "google_cloud_run_v2_service" "api" {\n  # max_instance_count = 3\n}\n'

    assert facts_of({"main.tf": block}).scaling.some == ()
    assert facts_of({"main.tf": block.replace("# ", "")}).scaling.autoscaling[0].place == ("main.tf", 1, 1)


@pytest.mark.parametrize(("value", "found"), [("1", 0), ("4", 1)])
def test_workers_in_a_variable_are_those_the_image_sets(facts_of: FactsOf, value: str, found: int) -> None:
    lines = f"FROM python:3.12\nENV WORKERS={value}\nCMD uvicorn app:app --workers $WORKERS\n"

    assert len(facts_of({"app.py": "app = 1\n", "Dockerfile": lines}).scaling.weak) == found
