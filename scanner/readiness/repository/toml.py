"""TOML out of a hostile file: parsed in bounded time, with one kind of error."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping

# tomllib needs time in proportion to the square of the parts of a dotted key: 0.3 s for 4,000 parts, minutes for the
# 130,000 that fit a small file. A key cannot span lines, so the dots of each line bound it from above.
_MOST_SQUARED_DOTS = 25_000_000


class TomlError(ValueError):
    """The text is not TOML that can be read; the message says why."""


def parse_toml(text: str) -> Mapping[str, object]:
    """Parse a TOML document of at most a few hundred KiB.

    Raises:
        TomlError: not valid, nested too deeply, or made to stall the parser.
    """
    if sum(line.count(".") ** 2 for line in text.splitlines()) > _MOST_SQUARED_DOTS:
        raise TomlError("its dotted keys are too long")
    try:
        return tomllib.loads(text)
    except (RecursionError, MemoryError) as error:
        raise TomlError("it is nested too deeply") from error
    except ValueError as error:  # TOMLDecodeError, and a number with too many digits
        raise TomlError(str(error).split("\n", 1)[0][:200]) from error
