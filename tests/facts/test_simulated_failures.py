"""Which failures tests simulate, beyond the examples of failure-mode-tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from readiness.facts.facts import Facts

APP = """
    from openai import OpenAI

    client = OpenAI(timeout=30)

    def ask(question):
        return client.chat.completions.create(model="m", messages=[{"role": "user", "content": question}])
"""


@pytest.mark.parametrize(
    ("effect", "kind"),
    [
        ("httpx.ReadTimeout('slow')", "timeout"),
        ("openai.RateLimitError", "overload"),
        ("[json.JSONDecodeError('no', '', 0)]", "malformed"),
        ("ConnectionRefusedError()", "outage"),
        ("RuntimeError('what')", "generic"),
    ],
)
def test_an_exception_belongs_to_a_kind(facts_of: Callable[[Mapping[str, str]], Facts], effect: str, kind: str) -> None:
    test = f"""
        import json
        import httpx
        import openai
        from unittest.mock import patch
        from app import ask

        def test_ask():
            with patch("app.client") as client:
                client.chat.completions.create.side_effect = {effect}
                assert ask("why") is None
    """

    assert facts_of({"app.py": APP, "tests/test_app.py": test}).failure_tests.kinds == (kind,)
