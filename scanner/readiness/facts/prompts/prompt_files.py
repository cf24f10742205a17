"""Where prompt text can lie outside the code: tracked files, registries and settings.

The paths are the readers of the standard library, of Jinja and of the prompt tools named in check check
`prompts-as-files`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from readiness.extract import code
from readiness.extract.data import Located
from readiness.extract.observations import Observations
from readiness.facts.linking.definitions import Definitions
from readiness.facts.linking.resolve import Resolver
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External, Known
from readiness.repository.tree import Role

ASSETS = frozenset(
    {
        ".md", ".txt", ".j2", ".jinja", ".jinja2", ".yaml", ".yml", ".toml", ".json", ".prompty", ".prompt", ".tmpl",
        ".mustache", ".hbs", ".xml",
    }
)  # fmt: skip
_STRUCTURED = frozenset({".yaml", ".yml", ".toml", ".json"})
_PROMPT_WORD = re.compile(r"prompt", re.I)
_PROMPT_KEY = re.compile(
    r"prompt|template|instruction|^(system|user|human|assistant|developer)(_message)?$|^content$", re.I
)
MAX_FILES = 200
MAX_PIECES = 40

_READER_PATHS = re.compile(
    r"^(open|io\.open|codecs\.open|aiofiles\.open|anyio\.open_file|anyio\.Path\(\)\.(read_text|open)"
    r"|pathlib\.\w*Path\(\).*\.(read_text|read_bytes|open)"
    r"|importlib(\.|_)resources\..*(read_text|open_text|read_binary|as_file|files)|pkgutil\.get_data|pkg_resources\.resource_\w+"
    r"|jinja2\..*\.(get_template|select_template)|flask\.render_template|django\.template\.loader\.(get_template|render_to_string)"
    r"|(langchain\w*|langchain_core)\.prompts\..*(load_prompt|from_file)|prompty\.(load|headless|execute(_async)?)|promptflow\..*Prompty\.load"
    r"|yaml\.(safe_load|load|full_load)|json\.load|frontmatter\.load|toml(lib|i)?\.load|mako\.lookup\..*get_template)$"
)
_REGISTRIES = re.compile(
    r"^(langfuse\..*\.get_prompt|langsmith\..*\.pull_prompt|langchain\.hub\.pull|langchainhub\..*\.pull"
    r"|mlflow\.(genai\.)?load_prompt|promptlayer\..*templates\.get|humanloop\..*prompts\.(get|call)|agenta\..*get_from_registry"
    r"|phoenix\.client\..*prompts\.get|opik\..*get_prompt|braintrust\.load_prompt|weave\.ref)$"
)


def is_registry(path: str) -> bool:
    """Whether calling this external path fetches a prompt from a registry."""
    return _REGISTRIES.match(path) is not None


def is_reader(path: str) -> bool:
    """Whether calling this external path reads a file or a template."""
    return _READER_PATHS.match(path) is not None


class PromptFiles:
    """Finds the tracked files that an expression reads."""

    def __init__(self, observations: Observations, resolver: Resolver, definitions: Definitions) -> None:
        self._resolver, self._definitions = resolver, definitions
        self._observations = observations
        self._assets = [
            PurePosixPath(path)
            for path in sorted(observations.sources)
            if PurePosixPath(path).suffix in ASSETS and observations.files[path].role is Role.SERVING
        ]

    def reads(self, call: code.Call, unit: Unit) -> bool:
        """Whether a call reads a file: by its resolved path, or `.read_text()` on something unresolved."""
        values = self._resolver.values(call.function, unit)
        if any(isinstance(v, External) and is_reader(v.path) for v in values):
            return True
        external = [v for v in values if isinstance(v, External)]
        return (
            not external
            and isinstance(call.function, code.Member)
            and last_name(call.function) in ("read_text", "read_bytes")
        )

    def of(self, call: code.Call, unit: Unit) -> list[tuple[str, str]]:
        """Path and text of each tracked file that the call can read, as far as its name is written somewhere."""
        pieces: dict[str, None] = {}
        self._pieces(call, unit, pieces, 0)
        names = [p.strip("/") for p in pieces if p.strip("/. ") and "\n" not in p]
        found = [a for a in self._assets if any(_names(a, n, names) for n in names)]
        if not found:
            folders = {PurePosixPath(n).name for n in names if "." not in PurePosixPath(n).name}
            endings = {PurePosixPath(f"x{n}").suffix for n in names if n.startswith(".")} | {
                PurePosixPath(n).suffix for n in names if PurePosixPath(n).suffix in ASSETS
            }
            found = [a for a in self._assets if folders & set(a.parts[:-1]) and (not endings or a.suffix in endings)]
        return [(str(a), text) for a in found[:MAX_FILES] if (text := self._text(a))]

    def _text(self, asset: PurePosixPath) -> str:
        """The prompt text of a file: all of it, or what stands under keys of prompts where it is a mapping."""
        if asset.suffix not in _STRUCTURED:
            return self._observations.sources[str(asset)]
        document = self._observations.document(str(asset))
        if document is None:
            return ""
        own = any(_PROMPT_WORD.search(part) for part in (*asset.parts[:-1], asset.stem))
        return "\n".join(_texts(document, own))

    def _pieces(self, expression: code.Expression, unit: Unit, pieces: dict[str, None], depth: int) -> None:
        """Every text that takes part in naming the file."""
        if depth > 8 or len(pieces) > MAX_PIECES:
            return
        for node in code.walk(expression):
            match node:
                case code.Template():
                    for value in self._resolver.values(node, unit):
                        if isinstance(value, Known) and isinstance(value.value, str):
                            pieces.setdefault(value.value)
                case code.Constant(value=str() as text):
                    pieces.setdefault(text)
                case code.Name(id="__file__"):
                    pieces.setdefault(str(PurePosixPath(unit.module.path).parent))
                case code.Name() | code.Member() | code.Call():
                    for inner, owner in self._definitions.of(node, unit)[0]:
                        if inner is not expression:
                            self._pieces(inner, owner, pieces, depth + 1)


def _names(asset: PurePosixPath, piece: str, pieces: list[str]) -> bool:
    """Whether a piece names this file: by its name, the end of its path, or its stem next to ending or folder."""
    if piece == asset.name:
        return True
    if piece in (asset.stem, asset.name.partition(".")[0]):
        return any(p.endswith(asset.suffix) or PurePosixPath(p).name == asset.parent.name for p in pieces if p != piece)
    return "/" in piece and f"/{asset}".endswith("/" + piece.removeprefix("./").removeprefix("../"))


def _texts(document: Located, inside: bool) -> Iterator[str]:
    """The texts of two words and more under keys such as `system` and `template`, or anywhere in a file of prompts."""
    stack = [(document, inside)]
    while stack:
        located, counts = stack.pop()
        if isinstance(located.value, str):
            if counts and len(located.value.split()) > 1:
                yield located.value
            continue
        stack.extend((inner, counts or _PROMPT_KEY.search(key) is not None) for key, inner in located.items())
        stack.extend((inner, counts) for inner in located.elements())
