"""The ways in which providers really fail, on demand: "timeout:0.02,rate_limit:0.05"."""

import random
from collections.abc import Mapping

from pydantic_ai.exceptions import ModelHTTPError, ModelRateLimitError, ModelUnavailableError

FAULTS = ("timeout", "rate_limit", "server_error", "malformed", "truncated", "refusal", "hallucinated_citation")


def parse_faults(spec: str) -> dict[str, float]:
    """Read the share of calls for each fault.

    Raises:
        ValueError: a fault is unknown, or the shares are no shares or more than 1 together.
    """
    shares: dict[str, float] = {}
    for part in filter(None, (piece.strip() for piece in spec.split(","))):
        name, _, share = part.partition(":")
        try:
            shares[name.strip()] = float(share)
        except ValueError:
            raise ValueError(_wrong(part)) from None
        if name.strip() not in FAULTS or not 0 <= shares[name.strip()] <= 1:
            raise ValueError(_wrong(part))
    if sum(shares.values()) > 1.000001:
        raise ValueError(f"PLACEHOLDER_FAULTS {spec!r}: the shares add up to more than 1; make them smaller.")
    return shares


def draw(shares: Mapping[str, float], chance: random.Random) -> str | None:
    """The fault of this call, if it has one."""
    point = chance.random()
    for name, share in shares.items():
        point -= share
        if point < 0:
            return name
    return None


def http_error(fault: str | None, model: str, wait_s: float) -> ModelHTTPError | None:
    """What a provider's library raises for the fault, if it raises anything."""
    if fault == "rate_limit":
        return ModelHTTPError.for_category(
            ModelRateLimitError,
            status_code=429,
            model_name=model,
            headers={"retry-after": f"{wait_s:g}"},
            body={"error": "simulated rate limit"},
        )
    if fault == "server_error":
        return ModelHTTPError.for_category(
            ModelUnavailableError, status_code=503, model_name=model, body={"error": "simulated outage"}
        )
    return None


def _wrong(part: str) -> str:
    return (
        f"PLACEHOLDER_FAULTS has {part!r}: write name:share with a share from 0 to 1, such as timeout:0.02, "
        f"separated by commas. The faults are {', '.join(FAULTS)}."
    )
