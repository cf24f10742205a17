"""The controls that narrow what a model may draw from, per call: temperature, nucleus and top-k sampling.

A control at the value that leaves the draw as it is (`temperature=1`, `top_p=1`, `top_k=0`) narrows nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from readiness.facts.calls.model_calls import ModelCall, Setting
from readiness.facts.core import Core
from readiness.facts.linking.values import External, Known, Value
from readiness.facts.place import Place

_NEUTRAL: dict[str, tuple[float, ...]] = {"temperature": (1.0,), "top_p": (1.0,), "top_k": (0.0, -1.0)}


@dataclass(frozen=True, slots=True)
class SampledCall:
    """A call that sets at least one of the three.

    `controls` are those that narrow; `unsure` those whose value cannot be seen. `hosted`: the team runs the weights
    itself, and follows the recommendation of who trained them. `variants` are other ways of making the same call.
    """

    place: Place
    text: str
    name: str
    reachable: bool
    hosted: bool
    controls: tuple[str, ...]
    unsure: tuple[str, ...]
    variants: tuple[SampledCall, ...] = field(default=(), repr=False)


def find_sampled_calls(core: Core, calls: Iterable[ModelCall]) -> list[SampledCall]:
    """The calls that bind a sampling control, whatever way they are set up.

    What is not done twice needs nobody to run it: where no entry point reaches such a call, all count as reached.
    """
    finder = _Sampling(core)
    binding = [call for call in calls if _binds(call) or any(_binds(v) for v in call.branches)]
    served = any(call.reachable for call in binding)
    return [finder.of(c, c.reachable or not served, tuple(finder.of(v) for v in c.branches)) for c in binding]


def _binds(call: ModelCall) -> bool:
    return any(call.setting(name).given for name in _NEUTRAL)


class _Sampling:
    def __init__(self, core: Core) -> None:
        self._core = core

    def of(self, call: ModelCall, reachable: bool = True, variants: tuple[SampledCall, ...] = ()) -> SampledCall:
        """What one call, or one way of making it, sets."""
        given = {name: self._numbers(call.setting(name)) for name in _NEUTRAL if call.setting(name).given}
        hosted = not call.remote or (call.model.facts is not None and call.model.facts.open_weights)
        return SampledCall(
            call.place, call.text, call.name, reachable, hosted,
            tuple(name for name, values in given.items() if _narrows(name, values)),
            tuple(name for name, values in given.items() if not values),
            variants,
        )  # fmt: skip

    def _numbers(self, setting: Setting) -> list[float | None]:
        """The values that are written, the default first; `float(os.getenv("TEMPERATURE", "0.2"))` is 0.2."""
        found: list[float | None] = []
        for value in setting.resolved:
            for known in self._converted(value) if isinstance(value, External) else (value,):
                if isinstance(known, Known) and not isinstance(known.value, bool | bytes):
                    found += _number(known.value)
        return found or [v for v in setting.values if v is None or isinstance(v, int | float)]

    def _converted(self, value: External) -> Iterable[Value]:
        """What a conversion was given: `float(…)`, `int(…)`."""
        step = value.steps[-1] if value.steps else None
        if step is None or step.path not in ("float", "int") or not step.call.arguments:
            return ()
        return self._core.resolver.values(step.call.arguments[0], step.unit)


def _number(value: object) -> list[float | None]:
    if value is None:
        return [None]
    try:
        return [float(str(value))]
    except ValueError:
        return []


def _narrows(name: str, values: list[float | None]) -> bool:
    """Whether the default value narrows the draw; what only somebody's choice sets (None first) does not."""
    return bool(values) and values[0] is not None and values[0] not in _NEUTRAL[name]
