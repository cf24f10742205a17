"""What a library is asked without a client of one's own: `ollama.chat(…)`, `litellm.completion(…)`."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.facts.calls.options import Given
from readiness.facts.linking.resolve import Resolver
from readiness.facts.linking.values import External
from readiness.facts.sdks.sdk import CallPattern

_GLOBAL = ("timeout", "retries")


def asks_module(value: External, pattern: CallPattern) -> bool:
    """Whether a function of the library itself is called: nothing was built on the way, so its defaults hold."""
    return not value.steps and not pattern.inner and not pattern.agent and "()" not in value.path


def module_settings(value: External, pattern: CallPattern, resolver: Resolver) -> Iterator[tuple[str, Given]]:
    """The knobs that code sets for the whole library, as `litellm.request_timeout = 30` does."""
    library = value.path.partition(".")[0]
    for name in _GLOBAL:
        for knob in pattern.knobs.get(name, ()):
            for member, binding, unit in resolver.program.put_on.get(knob.at, ()):
                known = resolver.values(member.base, unit)
                if binding.value is not None and any(isinstance(v, External) and v.path == library for v in known):
                    yield name, Given(resolver.values(binding.value, unit), unit.at(member), binding.value, unit=unit)
