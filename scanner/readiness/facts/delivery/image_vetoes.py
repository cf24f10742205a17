"""What spoils an image whatever else is right: secrets and unchecked downloads baked into it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from readiness.extract.dockerfile import Instruction
from readiness.extract.observations import Observations
from readiness.facts.delivery.containers import Image
from readiness.facts.place import Evidence

_SECRET = re.compile(
    r"(?:^|_)(?:PASSWORD|PASSWD|PASS|SECRET|SECRET_KEY|TOKEN|API_?KEY|ACCESS_KEY(?:_ID)?|PRIVATE_KEY|CREDENTIALS?|DATABASE_URL|"
    r"DB_URL|POSTGRES_URL|MONGO(?:DB)?_UR[IL]|REDIS_URL|CONNECTION_STRING|DSN)$",
    re.I,
)
_PLACEHOLDER = re.compile(
    r"^(?:|none|null|false|true|x+|\.+|changeme|<.*>|your[-_ ].*|.*placeholder.*|sk-\.*|dummy.*|not[-_ ]?needed)$", re.I
)


def find_vetoes(observations: Observations, image: Image) -> Iterator[Evidence]:
    """Secrets baked in by ARG or ENV, environment files with values, and downloads without a checksum."""
    for stage in image.contributing:
        arguments = {key: value for one in stage.instructions if one.name == "ARG" for key, value in one.pairs}
        for one in stage.instructions:
            yield from _secret_settings(image, one, arguments)
            if one.name not in ("COPY", "ADD") or one.flag("from") is not None:
                continue
            for word in one.words[:-1]:
                if one.name == "ADD" and word.startswith(("http://", "https://")) and one.flag("checksum") is None:
                    yield Evidence(image.at(one), f"ADD fetches {word[:80]} without a checksum")
                elif _holds_values(observations, image.context, word):
                    yield Evidence(image.at(one), f"{one.name} puts the environment file {word} into the image")


def _secret_settings(image: Image, one: Instruction, arguments: dict[str, str]) -> Iterator[Evidence]:
    if one.name not in ("ARG", "ENV"):
        return
    for name, value in one.pairs:
        if not _SECRET.search(name) or name.upper().endswith(("_FILE", "_PATH")):
            continue
        from_argument = any(f"${key}" in value or f"${{{key}" in value for key in arguments)
        if one.name == "ARG" or from_argument or ("$" not in value and not _PLACEHOLDER.match(value)):
            yield Evidence(image.at(one), f"the secret {name} is baked in with {one.name}")


def _holds_values(observations: Observations, context: str, word: str) -> bool:
    name = posixpath.basename(posixpath.normpath(word))
    if not re.fullmatch(r"\.env(?:[._-][\w.-]+)?|[\w-]+\.env", name):
        return False
    path = posixpath.normpath(posixpath.join(context, word.lstrip("/")))
    if path not in observations.files:
        return True  # the developer's own file, which holds what it is for
    return any(
        not entry.commented and _SECRET.search(entry.key) and not _PLACEHOLDER.match(entry.value)
        for entry in observations.dotenv.get(path, ())
    )
