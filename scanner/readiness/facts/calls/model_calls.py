"""A call of a model, with every setting that applies to it. rules-of-evidence.md, "Site arithmetic"."""

from __future__ import annotations

from dataclasses import dataclass, field

from readiness.extract import code
from readiness.facts.linking.units import Unit
from readiness.facts.linking.values import External, Values
from readiness.facts.place import Place
from readiness.facts.sdks.models import ModelFacts
from readiness.facts.sdks.sdk import CallKind, Sdk
from readiness.repository.tree import Role


@dataclass(frozen=True, slots=True)
class Setting:
    """One knob of a call, merged over constructor, bound settings and call; later wins.

    `given`: some value other than None is bound. `none`: None is bound on purpose or forwarded. `unresolved`: it stands
    in options that cannot be seen, or its value comes only from outside the repository. Neither: it is absent.
    """

    given: bool = False
    none: bool = False
    unresolved: bool = False
    conditional: bool = False
    value: code.Scalar = None
    values: tuple[code.Scalar, ...] = ()
    place: Place | None = None
    resolved: Values = ()
    expression: code.Expression | None = None
    unit: Unit | None = None
    """The unit the expression stands in."""
    method: str = ""
    """The modifier that set it (`with_structured_output`), or empty."""

    @property
    def absent(self) -> bool:
        """Nothing in the code sets it."""
        return not (self.given or self.none or self.unresolved)


@dataclass(frozen=True, slots=True)
class Timeout:
    """How long a call may take. `seconds` is the limit that holds, explicit or default; None where there is none."""

    explicit: bool = False
    seconds: float | None = None
    chunks_only: bool = False
    unresolved: bool = False
    place: Place | None = None

    @property
    def state(self) -> str:
        """explicit, default, none or unknown: the word of the JSON report."""
        if self.unresolved:
            return "unknown"
        if self.explicit:
            return "explicit"
        return "default" if self.seconds is not None or self.chunks_only else "none"


@dataclass(frozen=True, slots=True)
class Limit:
    """A number that bounds something: explicit, or the default that holds where none is set."""

    explicit: bool = False
    number: float | None = None
    unresolved: bool = False
    conditional: bool = False
    place: Place | None = None


@dataclass(slots=True, eq=False)
class ModelId:
    """Which model is asked: the ids that can flow to the call, the default first."""

    id: str | None = None
    facts: ModelFacts | None = None
    options: tuple[str, ...] = ()
    option_facts: tuple[ModelFacts | None, ...] = ()
    absent: bool = False
    unresolved: bool = False
    deployment: bool = False
    """An Azure deployment name: which model it serves is decided elsewhere."""
    sampled: bool = False
    """Only a sample configuration, to be copied by whoever installs it, says so."""
    own: bool = False
    """A class of the repository answers, by its name: its version is the commit's."""
    revision: str = ""
    """How weights from a hub are held: "commit" (40 hexadecimal digits), "tag", "branch" (`main`), or not at all."""
    place: Place | None = None

    @property
    def pinning(self) -> str:
        """pinned, alias, tag or unknown, of the default id; a revision of the weights decides before the id does."""
        if self.own:
            return "pinned"
        if self.revision:
            return {"commit": "pinned", "tag": "tag"}.get(self.revision, "alias")
        return self.facts.pinning if self.facts is not None else "unknown"

    @property
    def movable_options(self) -> list[str]:
        """The other selectable ids that can change behind the caller's back."""
        known = zip(self.options, self.option_facts, strict=True)
        return [i for i, facts in known if facts is not None and facts.pinning in ("alias", "tag")]


@dataclass(slots=True, eq=False)
class ModelCall:
    """One place where a model is asked, or one agent or graph that is run.

    `variants` are the other ways the same site can be set up (a menu, a branch per provider): the site itself is the
    default. `inside` is the agent site whose run makes this call: it is then no site of its own.
    """

    place: Place
    text: str
    name: str
    sdk: Sdk
    kind: CallKind
    role: Role
    unit: Unit
    call: code.Call
    value: External
    constructor: Place | None = None
    constructors: tuple[Place, ...] = ()
    """Every constructor on the way, those of the models that a chain or agent wraps included."""
    settings: dict[str, Setting] = field(default_factory=dict)
    model: ModelId = field(default_factory=ModelId)
    timeout: Timeout = field(default_factory=Timeout)
    retries: Limit = field(default_factory=Limit)
    output_cap: Limit = field(default_factory=Limit)
    steps: Limit = field(default_factory=Limit)
    reachable: bool = False
    importable: bool = True
    is_agent: bool = False
    needs_model: bool = False
    """A graph or pipeline that runs any code: it asks a model only where the repository has one to ask."""
    gives_message: bool = False
    """What comes back is a message even where a schema was asked for: its text is for the caller to read."""
    is_chain: bool = False
    """A prebuilt chain, which brings a prompt of its own."""
    is_invocation: bool = True
    is_probe: bool = False
    in_worker: bool = False
    streams: bool = False
    default_sampling: bool = False
    offers: frozenset[str] = frozenset()
    """The knobs that the call and the constructors on the way to it have."""
    variants: list[ModelCall] = field(default_factory=list)
    children: list[ModelCall] = field(default_factory=list)
    """The models that subclasses have the constructor of this call build, each where it calls `super().__init__`."""
    inside: ModelCall | None = None
    through: ModelCall | None = None
    """The model call inside the project wrapper that this site calls; None for a direct call."""
    answered_by: ModelCall | None = None
    """The call inside an agent or graph that writes its answer, where that is not the agent itself."""
    runs: list[tuple[code.Call, Unit]] = field(default_factory=list)
    """Every line that makes this call; more than one only for an agent."""

    @property
    def remote(self) -> bool:
        """Whether it crosses a network."""
        return not self.sdk.in_process

    @property
    def time_limit(self) -> float:
        """The longest timeout, in seconds, that fits its request budget: two minutes, ten in worker and batch code."""
        return 600.0 if self.in_worker else 120.0

    @property
    def generates(self) -> bool:
        """Whether it writes text."""
        return self.kind == "generate"

    def setting(self, name: str) -> Setting:
        """A knob by name; an absent one where nothing sets it."""
        return self.settings.get(name, ABSENT)

    @property
    def sampling(self) -> Setting:
        """The first randomness control that is set."""
        return self._first(("temperature", "top_p", "top_k", "seed"))

    @property
    def branches(self) -> list[ModelCall]:
        """The variants that are other ways of making this very call, not other calls inside the same agent."""
        own = (self.answered_by or self).call
        return [v for v in self.variants if v.call is own]

    @property
    def effort(self) -> Setting:
        """The reasoning control."""
        return self.setting("effort")

    @property
    def schema(self) -> Setting:
        """The structured output it asks for."""
        return self.setting("schema")

    @property
    def output_cap_state(self) -> str:
        """explicit, none, unknown or not-accepted: the word of the JSON report."""
        if not self.generates:
            return "not-accepted"
        if self.output_cap.unresolved:
            return "unknown"
        return "explicit" if self.output_cap.explicit else "none"

    def _first(self, names: tuple[str, ...]) -> Setting:
        found = [self.settings[n] for n in names if n in self.settings]
        return next((s for s in found if s.given), next((s for s in found if s.unresolved), ABSENT))


ABSENT = Setting()
