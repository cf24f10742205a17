"""Models that a base class builds from the class its children name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from readiness.facts.core import Core

SHARED = """
class Shared:
    def _model_class(self):
        raise NotImplementedError

    def __init__(self, **params):
        {build}

    def ask(self, messages):
        return self._model.invoke(messages)

class Base:
    pass

class Wide(Shared, Base):
    def __init__(self, timeout: float = 20, **params):
        super().__init__(model="gpt-4o-2024-08-06", timeout=timeout, **params)

    def _model_class(self):
        from langchain_openai import ChatOpenAI

        return ChatOpenAI

class Other(Shared, Base):
    def __init__(self, **params):
        super().__init__(model="claude-sonnet-4-5-20250929", **params)

    def _model_class(self):
        from langchain_anthropic import ChatAnthropic

        return ChatAnthropic

class Aside(Shared, Base):
    def __init__(self):
        super().__init__()

    def _model_class(self):
        return dict
"""


def _children(core: Core) -> list[tuple[str, str | None, str]]:
    return [(c.name, c.model.id, c.timeout.state) for call in core.calls for c in call.children]


def test_each_child_shows_the_model_that_its_base_class_builds(linked: Callable[[Mapping[str, str]], Core]) -> None:
    """By way of an attribute or at once; what is no model is none, and no site is added."""
    for build in (
        "self._class = self._model_class()\n        self._model = self._class(**params)",
        "self._model = self._model_class()(**params)",
        "build = self._model_class()\n        self._model = build(**params)",
    ):
        core = linked({"app.py": SHARED.format(build=build)})
        assert sorted(_children(core)) == [
            ("ChatAnthropic", "claude-sonnet-4-5-20250929", "none"),
            ("ChatOpenAI", "gpt-4o-2024-08-06", "explicit"),
        ]
        assert [c.name for c in core.calls] == ["invoke"]


def test_a_base_class_that_passes_no_options_on_is_left_as_it_is(linked: Callable[[Mapping[str, str]], Core]) -> None:
    """What stands in the child does not reach the model then."""
    core = linked({"app.py": SHARED.format(build="self._model = self._model_class()()")})
    assert _children(core) == []
