"""How many modules build models, and where the models' ids stand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from readiness.facts.calls.seam import load_gateways
from readiness.facts.facts import Facts
from readiness.facts.sdks.sdk import KnowledgeError

FactsOf = Callable[[Mapping[str, str]], Facts]


def test_a_router_is_a_seam_by_itself(facts_of: FactsOf) -> None:
    call = "Router(model_list=[]).completion(model='fast', messages=[])"
    router = f"from litellm import Router\n\ndef ask(q):\n    return {call}\n"
    seam = facts_of({f"{name}.py": router for name in ("draft", "rank", "sum")}).seam

    assert (seam.sites, seam.gateway, seam.gathered) == (3, True, True)


def test_an_embedder_builds_no_model(facts_of: FactsOf) -> None:
    embedder = "from openai import OpenAI\n\nOpenAI().embeddings.create(model='text-embedding-3-small', input='a')\n"
    seam = facts_of({f"{name}.py": embedder for name in ("draft", "rank", "sum")}).seam

    assert (seam.sites, seam.builders) == (0, ())


def test_an_unknown_field_of_the_gateways_is_named(tmp_path: Path) -> None:
    file = tmp_path / "gateways.yaml"
    file.write_text("checked: '2026-11'\npath: [a.b]\n")

    with pytest.raises(KnowledgeError, match="path"):
        load_gateways(file)
