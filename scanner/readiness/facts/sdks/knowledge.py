"""What is known of the world: SDKs, models, defaults. Dated data in `checks/knowledge/`; its loader and look-ups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from readiness._resources import data_root
from readiness.facts.sdks.models import ModelFacts, ModelTable, read_models
from readiness.facts.sdks.sdk import (
    CALL_KINDS,
    KNOBS,
    CallKind,
    CallPattern,
    Client,
    Defaults,
    Endpoint,
    Knob,
    KnowledgeError,
    Sdk,
)
from readiness.facts.sdks.sdk_files import read_sdk
from readiness.facts.sdks.symbols import compiled, prefixes, root, roots

__all__ = [
    "CALL_KINDS",
    "KNOBS",
    "CallKind",
    "CallPattern",
    "Client",
    "Defaults",
    "Endpoint",
    "Knob",
    "Knowledge",
    "KnowledgeError",
    "ModelFacts",
    "ModelTable",
    "Sdk",
    "load_knowledge",
]

_MAX_ALIAS_HOPS = 6
_MAX_REMEMBERED = 100_000

_Call = tuple[Sdk, CallPattern]
_Maker = tuple[Sdk, Client]
_T = TypeVar("_T")
_Patterns = dict[str, list[tuple[str, _T]]]


@dataclass(frozen=True, slots=True)
class _Index:
    """The look-up tables of `Knowledge`, built once when it is loaded."""

    calls: dict[str, _Call] = field(default_factory=dict)
    http: dict[str, _Call] = field(default_factory=dict)
    clients: dict[str, _Maker] = field(default_factory=dict)
    call_patterns: _Patterns[_Call] = field(default_factory=dict)
    client_patterns: _Patterns[_Maker] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    modifiers: dict[str, frozenset[str]] = field(default_factory=dict)
    selectors: set[str] = field(default_factory=set)
    stand_ins: dict[str, str] = field(default_factory=dict)
    normal: dict[str, str] = field(default_factory=dict)
    """Paths already normalised: a scan asks for the same few thousand again and again."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """All of `checks/knowledge/`: the SDKs by name, the model table, and the look-ups over them.

    Paths are canonical: an external symbol, `()` for each call on the way (`openai.OpenAI().chat.completions.create`).
    """

    sdks: dict[str, Sdk]
    models: ModelTable
    import_roots: frozenset[str]
    """Top-level names of the packages that the SDK files speak of."""
    _index: _Index = field(repr=False)

    def call(self, path: str) -> _Call | None:
        """The SDK and call pattern of this function path, or None where it is no model call that is known.

        The path is normalised and its modifiers are skipped. HTTP by hand is not found here; see `http_call`.
        """
        return self._find(path, self._index.calls, self._index.call_patterns)

    def client(self, path: str) -> _Maker | None:
        """The SDK and constructor of this function path (`openai.OpenAI`), or None."""
        return self._find(path, self._index.clients, self._index.client_patterns)

    def http_call(self, path: str) -> _Call | None:
        """A call of an HTTP library, which is a model call only where `endpoint` knows its URL."""
        return self._index.http.get(self.normalise(path))

    def endpoints(self, url: str) -> Iterator[Endpoint]:
        """The providers' endpoints that this URL, or part of a URL, can belong to, the likeliest first."""
        lowered = url.lower()
        for sdk in self.sdks.values():
            yield from (endpoint for endpoint in sdk.endpoints if endpoint.needle in lowered)

    def normalise(self, symbol: str) -> str:
        """The canonical name of a symbol or path: the longest alias that begins it is replaced, until none is left."""
        known = self._index.normal.get(symbol)
        if known is None:
            known = self._normalised(symbol)
            if len(self._index.normal) < _MAX_REMEMBERED:
                self._index.normal[symbol] = known
        return known

    def _normalised(self, symbol: str) -> str:
        for _ in range(_MAX_ALIAS_HOPS):
            for prefix, rest in prefixes(symbol):
                target = self._index.aliases.get(prefix)
                if target is not None:
                    symbol = target + rest
                    break
            else:
                return symbol
        return symbol

    def is_modifier(self, path: str, method: str) -> bool:
        """Whether `method`, on what this path returns, gives the same client again with more knobs."""
        return method in self._index.modifiers.get(root(self.normalise(path)), ())

    def is_selector(self, method: str) -> bool:
        """Whether the keyword arguments of this modifier are other things to run in its place."""
        return method in self._index.selectors

    def stands_for(self, path: str) -> str | None:
        """The argument that an object of this library class stands for: calling the one is calling the other."""
        return self._index.stand_ins.get(self.normalise(path))

    def import_names(self, distributions: Iterable[str]) -> frozenset[str]:
        """The top-level names of the SDKs among these (normalised) distributions: `openai-agents` -> `agents`."""
        wanted = set(distributions)
        return frozenset().union(*(_roots_of(sdk) for sdk in self.sdks.values() if sdk.distribution in wanted))

    def model(self, provider: str | None, model_id: str) -> ModelFacts | None:
        """What is known of a model id at a provider; None where neither an entry nor a rule speaks of it."""
        return self.models.find(provider, model_id)

    def _find(self, path: str, exact: dict[str, _T], patterns: _Patterns[_T]) -> _T | None:
        path = self.normalise(path)
        for candidate in dict.fromkeys((path, self._without_modifiers(path))):
            found = exact.get(candidate)
            if found is not None:
                return found
            for pattern, value in patterns.get(root(candidate), ()):
                if compiled(pattern).fullmatch(candidate):
                    return value
        return None

    def _without_modifiers(self, path: str) -> str:
        modifiers = self._index.modifiers.get(root(path))
        if not modifiers:
            return path
        head, *rest = path.split(".")
        asked = [] if path.endswith("()") else rest[-1:]  # the method itself is never a step on the way to it
        steps = rest[: len(rest) - len(asked)]
        return ".".join([head, *(step for step in steps if step.removesuffix("()") not in modifiers), *asked])


def load_knowledge(checks: Path | None = None) -> Knowledge:
    """Read and check `knowledge/` below `checks`, the folder of the checks (by default that of the package).

    Raises `KnowledgeError` with file and field where one is wrong.
    """
    folder = (checks or data_root() / "checks") / "knowledge"
    files = sorted((folder / "sdks").glob("*.yaml"))
    if not files:
        raise KnowledgeError(str(folder / "sdks"), "folder", "holds no SDK file")
    sdks = {path.stem: read_sdk(path) for path in files}
    index = _Index()
    methods: dict[str, set[str]] = {}
    for sdk in sdks.values():
        _add(index, sdk)
        for name in _roots_of(sdk):
            methods.setdefault(name, set()).update(sdk.modifiers)
    index.modifiers.update({name: frozenset(found) for name, found in methods.items()})
    return Knowledge(sdks, read_models(folder / "models.yaml"), frozenset(methods), index)


def knowledge_folder() -> Path:
    """The folder of the knowledge files that come with the package."""
    return data_root() / "checks" / "knowledge"


def _add(index: _Index, sdk: Sdk) -> None:
    """Enter one SDK's symbols; a symbol that two entries claim is an error, since the second would never be found."""
    file = f"{sdk.name}.yaml"
    for call in sdk.calls:
        table = index.http if sdk.endpoints else index.calls
        _enter(file, call.symbols, (sdk, call), table, index.call_patterns)
    for client in sdk.clients:
        _enter(file, client.symbols, (sdk, client), index.clients, index.client_patterns)
    index.selectors.update(sdk.selectors)
    index.stand_ins.update(sdk.stand_ins)
    for source, target in sdk.aliases.items():
        if index.aliases.setdefault(source, target) != target:
            raise KnowledgeError(file, f"aliases.{source}", f"is {index.aliases[source]!r} in another file")


def _enter(file: str, symbols: tuple[str, ...], value: _T, exact: dict[str, _T], patterns: _Patterns[_T]) -> None:
    plain = [symbol for symbol in symbols if "*" not in symbol]
    twice = exact.keys() & plain
    if twice:
        raise KnowledgeError(file, "symbols", f"{min(twice)!r} is listed twice")
    exact.update(dict.fromkeys(plain, value))
    for symbol in symbols:
        if "*" in symbol:
            for name in roots(symbol):
                patterns.setdefault(name, []).append((symbol, value))


def _roots_of(sdk: Sdk) -> set[str]:
    """The top-level names that a file speaks of, in its symbols and in its aliases."""
    symbols = [symbol for call in sdk.calls for symbol in call.symbols]
    symbols += [symbol for client in sdk.clients for symbol in client.symbols]
    symbols += [*sdk.aliases, *sdk.aliases.values()]
    heads = {symbol.partition(".")[0] for symbol in symbols if "*" not in symbol}
    return {root(head) for head in heads}.union(*(roots(symbol) for symbol in symbols if "*" in symbol))
