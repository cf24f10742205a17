"""The shapes in which an SDK is described: its constructors, its calls, their knobs and their defaults."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, get_args

CallKind = Literal["generate", "embed", "rerank", "transcribe", "speak", "moderate", "image", "predict"]
CALL_KINDS: frozenset[str] = frozenset(get_args(CallKind))

KNOBS: dict[str, str] = {
    "timeout": "seconds until the call is given up",
    "retries": "how often a failed call is tried again",
    "output_cap": "the most tokens one answer may have",
    "model": "the id of the model",
    "temperature": "sampling temperature",
    "top_p": "nucleus sampling",
    "top_k": "top-k sampling",
    "seed": "the seed of sampling",
    "effort": "reasoning or thinking controls",
    "system": "system instructions given as an argument of their own",
    "messages": "the conversation, which may hold system instructions",
    "prompt": "the input, where it is one text",
    "schema": "structured output: a schema, a type, or a mapping such as {'type': 'json_object'}",
    "tools": "what the model may call",
    "tool_choice": "which tool it must call",
    "steps": "how many turns, iterations or nodes an agent may take",
    "time_limit": "seconds an agent run may take",
    "token_limit": "tokens or money a whole run may use",
    "callbacks": "handlers of traces and token counts",
    "fallbacks": "other models to try",
    "stream": "whether the answer is streamed",
    "user": "the end user or session, told to the provider",
    "base_url": "where the provider listens",
    "http_client": "a transport with settings of its own",
    "revision": "the immutable revision of the weights",
}
"""The vocabulary of `knobs:` in `checks/knowledge/sdks/*.yaml`."""


class KnowledgeError(Exception):
    """A file of `checks/knowledge/` is wrong: which file, which field of it, and what about it."""

    def __init__(self, file: str, field: str, what: str) -> None:
        super().__init__(f"{file}: {field}: {what}")
        self.file = file
        self.field = field
        self.what = what


@dataclass(frozen=True, slots=True)
class Knob:
    """Where a setting is given: a keyword, or a path into what is given by keyword.

    The path goes through mappings and constructors alike (`options.num_predict`, `http_client.timeout`). `[]` is any
    item of a list, `[Name]` any item made by the constructor of that name
    (`middleware[ModelCallLimitMiddleware].run_limit`). `scale` turns the number given into seconds or tokens (0.001
    for milliseconds).
    """

    at: str
    scale: float = 1.0


def configurable(knobs: dict[str, tuple[Knob, ...]]) -> dict[str, tuple[Knob, ...]]:
    """The places where `with_config` takes the fields of a model that says which of them can be configured."""
    ways = ("config.configurable.", "configurable.", "config.")
    return {name: tuple(replace(k, at=way + k.at) for way in ways for k in places) for name, places in knobs.items()}


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds when a knob is not set, for the versions of `distribution` that `versions` (PEP 440) admits.

    `distribution` is empty for the SDK's (or the client's) own. `timeout` is in seconds, None for no timeout at all; a
    knob that is not in `known` has no known default. Of several entries the first that admits the version and knows
    the knob holds; a call's defaults come before those of its client, and these before those of the SDK.
    """

    versions: str = ""
    distribution: str = ""
    known: frozenset[str] = frozenset()
    timeout: float | None = None
    chunk_timeout: float | None = None
    retries: int | None = None
    output_cap: int | None = None
    steps: int | None = None
    model: str | None = None
    sampling: bool = False


@dataclass(frozen=True, slots=True)
class Client:
    """A constructor: its knobs are merged into every call made on what it returns.

    `inner` names the parameters that hold a model, chain or client it wraps: their knobs come first, its own win.
    `distribution` is empty where it is the SDK's.
    """

    symbols: tuple[str, ...]
    positional: tuple[str, ...] = ()
    knobs: dict[str, tuple[Knob, ...]] = field(default_factory=dict)
    defaults: tuple[Defaults, ...] = ()
    provider: str = ""
    generates: bool = True
    """False for a client that only embeds (an `…Embeddings` class)."""
    inner: tuple[str, ...] = ()
    distribution: str = ""
    subclassed: bool = False
    """A base class for models: what the repository derives from it is a model of its own, which has its commit."""


@dataclass(frozen=True, slots=True)
class CallPattern:
    """An invocation: symbols are canonical paths such as `openai.OpenAI().chat.completions.create`, braces expanded.

    A symbol that ends in `()` is a call of what was returned: `langchain_openai.ChatOpenAI()` is `model(…)`. A `*`
    stands for one name or a part of it, `**` for one or more names with dots between them; such a symbol stays a
    pattern. `inner` names arguments that hold an agent, model or client whose knobs are merged in
    (`Runner.run(agent)`).
    """

    kind: CallKind
    symbols: tuple[str, ...]
    positional: tuple[str, ...] = ()
    knobs: dict[str, tuple[Knob, ...]] = field(default_factory=dict)
    defaults: tuple[Defaults, ...] = ()
    streams: bool = False
    agent: bool = False
    """An agent or graph run: one site per agent, whatever calls are inside."""
    needs_model: bool = False
    """Counts only where a model is found inside: a graph or pipeline that may as well hold none."""
    gives_message: bool = False
    """What comes back is a message even where a schema was asked for: its text is for the caller to read."""
    inner: tuple[str, ...] = ()
    kind_by: str = ""
    """The argument, of the call or of its constructor, that decides the kind by `kinds` (`task` of a pipeline)."""
    kinds: dict[str, CallKind] = field(default_factory=dict)

    def kind_for(self, value: str | None) -> CallKind:
        """The kind when the argument named by `kind_by` has this value; `kind` where the value is not listed."""
        return self.kinds.get(value, self.kind) if value is not None else self.kind


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Text in a URL that tells a provider's API from any other HTTP call, and what is asked for there.

    `needs` are the entries of the request's body without which a path that others use too is no such call.
    """

    needle: str
    kind: CallKind
    provider: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sdk:
    """One file of `checks/knowledge/sdks/`.

    `modifiers` are methods that return the same client with more knobs (`with_options`, `bind`), `text` the member
    paths of a result that hold model text (`choices[].message.content`), `usage` those that hold token counts, `stop`
    those that tell why it stopped, `exceptions` the qualified classes worth handling. `endpoints` is set only for
    HTTP by hand, where a call counts if its URL holds one of their needles. `checked` is the month its facts were
    last held against a release.
    """

    name: str
    title: str
    distribution: str
    provider: str = ""
    in_process: bool = False
    clients: tuple[Client, ...] = ()
    calls: tuple[CallPattern, ...] = ()
    modifiers: tuple[str, ...] = ()
    selectors: tuple[str, ...] = ()
    """Modifiers whose keyword arguments are other things to run in its place (`configurable_alternatives`)."""
    stand_ins: dict[str, str] = field(default_factory=dict)
    """Classes that stand for what one argument of their constructor holds: `RunnableBinding` -> `bound`."""
    defaults: tuple[Defaults, ...] = ()
    text: tuple[str, ...] = ()
    usage: tuple[str, ...] = ()
    stop: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    versions: str = ""
    """The releases of `distribution` that have this API; where the requirements exclude them, its calls are dead."""
    aliases: dict[str, str] = field(default_factory=dict)
    """Other import paths of the same thing: `langchain.chat_models.ChatOpenAI` -> `langchain_openai.ChatOpenAI`."""
    checked: str = ""
