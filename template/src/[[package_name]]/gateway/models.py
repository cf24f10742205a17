"""From "provider:name" to a model that can be called, and to what it costs."""

import math
import os
from functools import partial
from typing import Any

from genai_prices import calc_price
from genai_prices.types import Usage
from pydantic_ai.exceptions import UserError
from pydantic_ai.models import Model, infer_model

from ..settings import Price, Settings
from .placeholder import PlaceholderModel, is_placeholder

# The gateway's names, and pydantic-ai's: its "openai" speaks the Responses API, which other servers lack.
_PROVIDERS = {"openai": "openai-chat", "anthropic": "anthropic", "google": "google"}


def build_model(name: str, settings: Settings) -> Model[Any]:
    """The model behind a name such as placeholder:standard or openai:gpt-5-mini.

    Raises:
        ValueError: the provider is unknown, or its library, key or address is missing.
    """
    provider, _, model = name.partition(":")
    if is_placeholder(name):
        return PlaceholderModel(model, settings)
    try:
        if model and provider in _PROVIDERS:
            return infer_model(f"{_PROVIDERS[provider]}:{model}")
        if model and provider == "openai-compatible":
            return _compatible(model, settings)
    except ImportError:
        raise ValueError(
            f"{name} needs its library: uv sync --extra providers (or pip install '.[providers]')."
        ) from None
    except UserError as missing:
        raise ValueError(f"{name} cannot be called: {missing}") from None
    raise ValueError(
        f"MODEL or FALLBACK_MODELS has {name!r}: write provider:name with one of the providers placeholder, "
        "openai, anthropic, google and openai-compatible."
    )


def _compatible(model: str, settings: Settings) -> Model[Any]:
    from pydantic_ai.models.openai import OpenAIChatModel  # an extra
    from pydantic_ai.providers.openai import OpenAIProvider

    if not settings.openai_compatible_url:
        raise ValueError("openai-compatible models need an address: set OPENAI_COMPATIBLE_URL to http://host/v1.")
    key = os.environ.get("OPENAI_COMPATIBLE_API_KEY", "none")
    return OpenAIChatModel(model, provider=OpenAIProvider(base_url=settings.openai_compatible_url, api_key=key))


def price_of(name: str, settings: Settings) -> Price:
    """What the model costs: as the team wrote it, else its provider's list price.

    List prices are in US dollars and are taken one to one in another currency: write prices to be exact.

    Raises:
        ValueError: nobody knows; a budget that cannot be checked is no budget.
    """
    if name in settings.prices:
        return settings.prices[name]
    provider, _, model = name.partition(":")
    listed = partial(calc_price, model_ref=model, provider_id=provider)
    try:
        # A thousand tokens: some prices rise with the length of the prompt, and ours are short.
        reading = listed(Usage(input_tokens=1000, output_tokens=0)).total_price
        writing = listed(Usage(input_tokens=0, output_tokens=1000)).total_price
    except LookupError:
        raise ValueError(
            f"The price of {name} is not known, so the budget could not be kept: write under [prices] in service.toml "
            f'"{name}" = {{ input = …, output = … }}, in {settings.currency} for a million tokens.'
        ) from None
    return Price(input=float(reading) * 1000, output=float(writing) * 1000)


def cost_micros(price: Price, input_tokens: int, output_tokens: int) -> int:
    """The cost in millionths; a price for a million tokens is millionths for one."""
    return math.ceil(input_tokens * price.input + output_tokens * price.output)


def most_tokens(*texts: str) -> int:
    """More tokens than any usual tokenizer makes of the texts: one for three bytes."""
    return -(-sum(len(text.encode()) for text in texts) // 3)
