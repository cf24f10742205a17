"""A Dockerfile, read as Docker reads it: parser directives, continuation lines, heredocs, stages and build arguments.

Source of the grammar: the Dockerfile reference of Docker's documentation (parser directives, shell and exec form,
here-documents, scope of ARG). Nothing is run; what a build would only know at build time stays as `$NAME`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from readiness.extract.unread import Unread

MAX_INSTRUCTIONS = 5_000
MAX_STAGES = 200

_INSTRUCTIONS = frozenset({
    "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER",
    "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
})  # fmt: skip
_DIRECTIVE = re.compile(r"^#\s*([a-zA-Z]+)\s*=\s*(\S+)\s*$")
_HEREDOC = re.compile(r"<<(-?)(['\"]?)([A-Za-z_][A-Za-z0-9_]*)\2")
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?:(:?[-+])([^{}]*))?\})")
_FLAG = re.compile(r"--([a-z][a-z0-9-]*)(?:=(\"[^\"]*\"|'[^']*'|\S*))?(?:\s+|$)")


@dataclass(frozen=True, slots=True)
class ImageName:
    """An image reference in its parts; `tag` and `digest` are empty where absent, `text` is what was written."""

    text: str
    name: str
    tag: str
    digest: str

    @property
    def is_resolved(self) -> bool:
        """False when a part of the reference is known only at build time."""
        return "$" not in self.text and "{{" not in self.text


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: upper-case name, flags (`--from=x`), what follows them, and its lines.

    `words` are the arguments: the items of a JSON (exec) form, else the text split at blanks outside quotes. `heredocs`
    are the bodies of here-documents with the line on which each begins.
    """

    name: str
    flags: tuple[tuple[str, str], ...]
    text: str
    words: tuple[str, ...]
    is_json: bool
    heredocs: tuple[tuple[int, str], ...]
    line: int
    end_line: int

    def flag(self, name: str) -> str | None:
        """The value of a flag, "" for one without value, None where it is absent."""
        for key, value in self.flags:
            if key == name:
                return value
        return None

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The names and values an ENV, ARG or LABEL instruction sets (value "" for an ARG without default)."""
        if self.name == "ENV" and self.words and "=" not in self.words[0]:
            return ((self.words[0], _unquote(self.text.split(None, 1)[1]) if len(self.words) > 1 else ""),)
        found = []
        for word in self.words:
            name, _, value = word.partition("=")
            found.append((name, value))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Stage:
    """One build stage. `parent` is the index of the earlier stage it builds on, None for an image from outside."""

    index: int
    name: str
    base: ImageName
    parent: int | None
    platform: str
    line: int
    end_line: int
    instructions: tuple[Instruction, ...]


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """A Dockerfile: the arguments before the first FROM, and its stages in order (at least one)."""

    path: str
    arguments: tuple[tuple[str, str], ...]
    stages: tuple[Stage, ...]

    @property
    def final(self) -> Stage:
        """The stage that a build without `--target` makes."""
        return self.stages[-1]

    def lineage(self, stage: Stage) -> tuple[Stage, ...]:
        """The stage and those it builds on with FROM, the oldest first."""
        found = [stage]
        while found[0].parent is not None:
            found.insert(0, self.stages[found[0].parent])
        return tuple(found)

    def effective(self, stage: Stage) -> tuple[Instruction, ...]:
        """Every instruction that makes up a stage's image, inherited ones first."""
        return tuple(instruction for part in self.lineage(stage) for instruction in part.instructions)

    def stage_named(self, name: str) -> Stage | None:
        """The stage that `name` (a stage name or index) refers to in `COPY --from` or `--target`."""
        for stage in self.stages:
            if stage.name and stage.name == name.lower():
                return stage
        return self.stages[int(name)] if name.isdecimal() and len(name) < 6 and int(name) < len(self.stages) else None

    def contributing(self, stage: Stage) -> tuple[Stage, ...]:
        """The stages whose files reach `stage`: its lineage and, transitively, what it copies with `COPY --from`."""
        wanted: list[Stage] = [stage]
        seen: set[int] = set()
        while wanted:
            current = wanted.pop()
            if current.index in seen:
                continue
            seen.add(current.index)
            if current.parent is not None:
                wanted.append(self.stages[current.parent])
            for source in _sources_of(current):
                named = self.stage_named(source)
                if named is not None:
                    wanted.append(named)
        return tuple(self.stages[index] for index in sorted(seen))


def parse_image(text: str) -> ImageName:
    """The parts of an image reference such as `ghcr.io:443/team/app:1.2@sha256:…`."""
    rest, _, digest = text.partition("@")
    head, slash, last = rest.rpartition("/")
    if "${" in last:  # `python:${VERSION:-3.12}`: the colon inside braces is no tag separator
        bare = re.sub(r"\$\{[^}]*\}", lambda match: match.group(0).replace(":", "\0"), last)
        name, _, tag = (part.replace("\0", ":") for part in bare.partition(":"))
    else:
        name, _, tag = last.partition(":")
    return ImageName(text=text, name=head + slash + name, tag=tag, digest=digest)


def substitute(text: str, variables: Mapping[str, str]) -> str:
    """Put known variables into `$NAME`, `${NAME}`, `${NAME:-default}` and `${NAME:+other}`; unknown ones stay."""

    def value(match: re.Match[str]) -> str:
        name, operator, other = match.group(1) or match.group(2), match.group(3) or "", match.group(4) or ""
        known = variables.get(name)
        is_set = known is not None and (known != "" or ":" not in operator)
        if operator.endswith("-"):
            return known if is_set and known is not None else other
        if operator.endswith("+"):
            return other if is_set else ""
        return known if known else match.group(0)

    return _VARIABLE.sub(value, text)


def read_dockerfile(path: str, text: str) -> Dockerfile:
    """Read a Dockerfile.

    Args:
        path: Where it is, relative to the root; kept for places.
        text: Its content.

    Raises:
        Unread: There is no FROM, the file is a template of another tool, or it exceeds the limits.
    """
    arguments: list[tuple[str, str]] = []
    known: dict[str, str] = {}
    stages: list[Stage] = []
    pending: list[Instruction] = []
    opening: Instruction | None = None
    for count, instruction in enumerate(_instructions(text.removeprefix("\ufeff"))):
        if count >= MAX_INSTRUCTIONS or len(stages) >= MAX_STAGES:
            raise Unread(f"more than {MAX_INSTRUCTIONS} instructions or {MAX_STAGES} stages")
        if instruction.name == "FROM":
            if opening is not None:
                stages.append(_stage(opening, pending, stages, known))
            opening, pending = instruction, []
        elif opening is not None:
            pending.append(instruction)
        elif instruction.name == "ARG":
            for name, value in instruction.pairs:
                known[name] = substitute(value, known)
                arguments.append((name, known[name]))
    if opening is None:
        raise Unread("no FROM instruction: not a Dockerfile that can be built")
    stages.append(_stage(opening, pending, stages, known))
    return Dockerfile(path=path, arguments=tuple(arguments), stages=tuple(stages))


def _stage(
    opening: Instruction, instructions: list[Instruction], earlier: list[Stage], arguments: Mapping[str, str]
) -> Stage:
    words = [substitute(word, arguments) for word in opening.words]
    if not words:
        raise Unread(f"line {opening.line}: FROM names no image")
    if "{{" in opening.text or "{%" in opening.text:
        raise Unread(f"line {opening.line}: FROM is filled in by another tool's template")
    name = words[2].lower() if len(words) >= 3 and words[1].lower() == "as" else ""
    parent = next((stage.index for stage in reversed(earlier) if stage.name and stage.name == words[0].lower()), None)
    return Stage(
        index=len(earlier),
        name=name,
        base=parse_image(words[0]),
        parent=parent,
        platform=opening.flag("platform") or "",
        line=opening.line,
        end_line=instructions[-1].end_line if instructions else opening.end_line,
        instructions=tuple(instructions),
    )


def _sources_of(stage: Stage) -> Iterator[str]:
    for instruction in stage.instructions:
        source = instruction.flag("from") if instruction.name in ("COPY", "ADD") else None
        if source:
            yield source
        if instruction.name == "RUN":
            for key, value in instruction.flags:
                if key == "mount":
                    yield from re.findall(r"(?:^|,)from=([^,]+)", value)


def _instructions(text: str) -> Iterator[Instruction]:
    lines = text.split("\n")
    escape, index = _directives(lines)
    while index < len(lines):
        stripped = lines[index].strip()
        if not stripped or stripped.startswith("#"):
            index += 1
            continue
        first = index
        joined, index = _continued(lines, index, escape)
        if not joined:
            continue
        heredocs, index = _heredocs(joined, lines, index)
        yield from _instruction(joined, heredocs, first + 1, index)


def _directives(lines: list[str]) -> tuple[str, int]:
    """The escape character, and how many lines of directives there are at the top."""
    escape = "\\"
    for index, line in enumerate(lines):
        match = _DIRECTIVE.match(line.strip())
        if match is None:
            return escape, index
        if match.group(1).lower() == "escape" and match.group(2) in ("\\", "`"):
            escape = match.group(2)
    return escape, len(lines)


def _continued(lines: list[str], index: int, escape: str) -> tuple[str, int]:
    """One logical line from `index` on, its physical lines kept apart by newlines, and the index after it."""
    parts: list[str] = []
    while index < len(lines):
        line = lines[index].rstrip()
        index += 1
        if parts and (not line.strip() or line.lstrip().startswith("#")):
            parts.append("")  # comments and blank lines inside a continued instruction are dropped by Docker
            continue
        if line.endswith(escape):
            parts.append(line[:-1])
            continue
        parts.append(line)
        break
    return "\n".join(parts).strip(), index


def _heredocs(joined: str, lines: list[str], index: int) -> tuple[tuple[tuple[int, str], ...], int]:
    name = joined.split(None, 1)[0].upper()
    if name not in ("RUN", "COPY", "ADD") or "<<" not in joined:
        return (), index
    found = []
    for dash, _, word in _HEREDOC.findall(joined)[:20]:
        first, body = index, []
        while index < len(lines):
            line = lines[index].rstrip("\r")
            index += 1
            if (line.lstrip("\t") if dash else line) == word:
                break
            body.append(line)
        found.append((first + 1, "\n".join(body)))
    return tuple(found), index


def _instruction(joined: str, heredocs: tuple[tuple[int, str], ...], line: int, end_line: int) -> Iterator[Instruction]:
    name, _, rest = (
        joined.replace("\n", " \n", 1).partition(" ") if " " in joined or "\n" in joined else (joined, "", "")
    )
    name = name.strip().upper()
    if name == "ONBUILD" or name not in _INSTRUCTIONS:
        return  # ONBUILD runs in another image's build; an unknown word is a syntax error that Docker reports itself
    rest = rest.lstrip()
    flags: list[tuple[str, str]] = []
    while name in ("FROM", "RUN", "COPY", "ADD", "HEALTHCHECK"):
        match = _FLAG.match(rest)
        if match is None:
            break
        flags.append((match.group(1), _unquote(match.group(2) or "")))
        rest = rest[match.end() :]
    words, is_json = _words(name, rest)
    yield Instruction(name, tuple(flags), rest, words, is_json, heredocs, line, end_line)


def _words(name: str, text: str) -> tuple[tuple[str, ...], bool]:
    flat = " ".join(text.split("\n")).strip()
    body = flat
    if name == "HEALTHCHECK":
        head, _, tail = flat.partition(" ")
        body = tail.strip() if head.upper() == "CMD" else flat
    if body.startswith("["):
        try:
            items = json.loads(body)
        except (ValueError, RecursionError):
            items = None  # Docker, too, falls back to the shell form
        if isinstance(items, list) and all(isinstance(item, str) for item in items):
            return tuple(items), True
    if name == "HEALTHCHECK":
        return (body,) if body else (), False
    return tuple(_split(flat)), False


def _split(text: str) -> Iterator[str]:
    """Words of a shell-form line: blanks inside quotes do not separate, quotes are taken off."""
    word, quote, started = "", "", False
    for character in text:
        if quote:
            if character == quote:
                quote = ""
            else:
                word += character
        elif character in "\"'":
            quote, started = character, True
        elif character.isspace():
            if word or started:
                yield word
            word, started = "", False
        else:
            word += character
    if word or started:
        yield word


def _unquote(text: str) -> str:
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'" else text
