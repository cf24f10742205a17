"""Every setting: what the team decided in service.toml, what a machine adds by its environment."""

import os
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource


def root() -> Path:
    """The project's folder: SERVICE_ROOT, or the nearest folder upwards that holds service.toml.

    Raises:
        FileNotFoundError: there is none.
    """
    if named := os.environ.get("SERVICE_ROOT"):
        return Path(named)
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "service.toml").is_file():
            return folder
    raise FileNotFoundError(
        f"No service.toml in {here} or above it: run this in the project's folder, or set SERVICE_ROOT."
    )


class Price(BaseModel):
    """What a model costs, in the budget's currency for a million tokens."""

    input: float
    output: float


class Objectives(BaseModel):
    """What the service promises: the load test, the alerts and the console all read it here."""

    latency_ms: int = 4000
    availability_percent: float = 99.5
    thumbs_up_percent: float = 80.0
    cost_per_answer: float = 0.05
    """In the budget's currency: what an answer may cost, whatever it is worth."""


class Value(BaseModel):
    """The team's own estimate of what one accepted answer is worth; the return is computed from it."""

    minutes_saved_per_answer: float = 4.0
    cost_of_an_hour: float = 60.0


class Settings(BaseSettings):
    """The service's settings; the environment beats .env, .env beats service.toml.

    Raises:
        pydantic.ValidationError: a value is of the wrong kind or out of its range.
    """

    model_config = SettingsConfigDict(env_file=".env", env_nested_delimiter="__", extra="ignore", frozen=True)

    project: str = "service"
    description: str = ""
    organisation: str = ""
    environment: Literal["development", "test", "production"] = "development"
    root: Path = Field(default_factory=root)
    state: Path = Path("var")
    """Where the service keeps what it writes when no server is named: database, data versions, cache."""

    host: str = "127.0.0.1"
    port: int = 8000
    database_url: str = ""
    redis_url: SecretStr | None = None

    model: str = "placeholder:standard"
    fallback_models: list[str] = ["placeholder:small"]
    openai_compatible_url: str = ""
    prices: dict[str, Price] = {}
    currency: str = "EUR"
    monthly_budget: float = 500.0
    """What all tenants together may spend in a calendar month."""
    tenant_budgets: dict[str, float] = {}
    """A tenant's own ceiling; a tenant that is not named may spend the monthly budget."""

    request_timeout_s: Annotated[float, Field(gt=0, le=120)] = 20.0
    """The budget of one answer, retries and fallback included."""
    attempt_timeout_s: Annotated[float, Field(gt=0, le=60)] = 8.0
    attempts: Annotated[int, Field(ge=1, le=5)] = 3
    max_concurrent_calls: Annotated[int, Field(ge=1)] = 16
    max_output_tokens: Annotated[int, Field(ge=16)] = 600
    max_question_characters: int = 4000
    requests_per_minute: int = 120
    cache_distance: Annotated[float, Field(ge=0, le=0.35)] = 0.12
    """Two questions closer than this share an answer. The embedding is lexical: further than 0.35 it means nothing."""
    cache_hours: int = 24
    passages: int = 4

    placeholder_faults: str = ""
    """Such as "timeout:0.02,rate_limit:0.05": the share of calls on which the placeholder misbehaves."""
    placeholder_latency: float = 1.0
    """Scales the placeholder's simulated latency; 0 answers at once."""
    placeholder_seed: int = 7

    personal_data: Literal["none", "internal", "customers"] = "internal"
    risk_tier: Literal["minimal", "limited", "high"] = "limited"
    actions: bool = False
    retention_days: int = 90
    approval_minutes: int = 30
    judge_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    """The share of production answers that a judge scores; 0 switches the judge off."""
    judge_model: str = ""
    judge_threshold: float = 0.7

    otlp_endpoint: str = ""
    capture_content: bool = False
    """Whether traces may carry questions and answers. Leave it off unless a risk owner decided otherwise."""
    objectives: Objectives = Objectives()
    value: Value = Value()

    @model_validator(mode="after")
    def extras_are_there(self) -> Self:
        """Name the extra that an address asks for, before its library is missed somewhere deep."""
        wanted = {"redis": self.redis_url is not None, "asyncpg": self.database_url.startswith("postgresql")}
        extras = {"redis": "redis", "asyncpg": "postgres"}
        if missing := [extras[name] for name, asked in wanted.items() if asked and find_spec(name) is None]:
            raise ValueError(f"this address needs a library that is not installed: uv sync --extra {missing[0]}")
        return self

    @cached_property
    def database(self) -> str:
        """The database's address: a server's, or a file in the state folder."""
        return self.database_url or f"sqlite+aiosqlite:///{(self.state / 'service.db').resolve()}"

    @property
    def disclosure(self) -> str:
        """What everybody who reads an answer is told; governance/ai-disclosure.md holds the same words."""
        told = [
            f"{self.organisation or 'The operator'} runs this service. Its answers are generated by AI and may be "
            "inaccurate: check what matters against the sources."
        ]
        if self.risk_tier == "high":
            told.append("People oversee it and can overrule it.")
        if self.risk_tier != "minimal":
            told.append("You can ask for a person at any time.")
        return " ".join(told)

    def budget_of(self, tenant: str) -> float:
        """What this tenant may spend in a month, in the budget's currency."""
        return self.tenant_budgets.get(tenant, self.monthly_budget)

    def rehearsing(self) -> "Settings":
        """The same settings with a placeholder that is quick and behaves: evals judge prompts, not weather."""
        return self.model_copy(update={"placeholder_faults": "", "placeholder_latency": 0.0})

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the team's file under the machine's environment."""
        team = TomlConfigSettingsSource(settings_cls, root() / "service.toml")
        return init_settings, env_settings, dotenv_settings, file_secret_settings, team
