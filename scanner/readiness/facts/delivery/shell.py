"""Shell text taken apart: which simple commands it runs, and whether the failure of one of them counts.

This is a reading, not an interpreter: quotes, comments, continuation lines, here-documents and the operators between
commands are understood; expansion is not. What it cannot read it hands out as plain words.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from functools import lru_cache

MAX_TEXT = 100_000
MAX_COMMANDS = 2_000

_OPERATORS = ("&&", "||", "|&", ";;", ";", "|", "&", "\n")
_OPENERS = frozenset({"if", "then", "else", "elif", "while", "until", "do", "!", "{", "(", "time"})
_CLOSERS = frozenset({"fi", "done", "esac", "}", ")"})
_CONDITIONS = frozenset({"if", "elif", "while", "until", "!"})
_HEREDOC = re.compile(r"<<-?\s*(['\"]?)([A-Za-z_][A-Za-z0-9_]*)\1")
_PLAIN = re.compile(r"[^\\'\"`$#<|&;\n]+")
_HARMLESS = frozenset({"true", ":", "echo", "printf", "/bin/true", "exit 0", "return 0"})


@dataclass(frozen=True, slots=True)
class Simple:
    """One simple command: its words as the shell splits them, its text, and its line within the script (from 0).

    `neutralised` says in a few words why its failure does not count; empty when it does count.
    """

    words: tuple[str, ...]
    text: str
    line: int
    neutralised: str = ""


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    line: int
    before: str
    after: str


@lru_cache(maxsize=512)
def simple_commands(script: str, *, fail_fast: bool = True, pipe_fails: bool = False) -> tuple[Simple, ...]:
    """The simple commands of a script, in order.

    Args:
        script: Shell text; more than `MAX_TEXT` characters or `MAX_COMMANDS` commands are not read.
        fail_fast: Whether the shell was started with `-e`.
        pipe_fails: Whether it was started with `-o pipefail`.
    """
    pieces = _Cutter(script[:MAX_TEXT]).cut()[:MAX_COMMANDS]
    found: list[Simple] = []
    for index, piece in enumerate(pieces):
        words, is_condition = _without_keywords(_words(piece.text))
        if not words:
            continue
        if words[0] == "set":
            fail_fast, pipe_fails = _options(words[1:], fail_fast, pipe_fails)
            continue
        reason = _neutralised(pieces, index, words, is_condition, fail_fast, pipe_fails)
        found.append(Simple(words, " ".join(piece.text.split()), piece.line, reason))
    return tuple(found)


class _Cutter:
    """Cuts a script at its operators; here-documents and comments are taken out."""

    def __init__(self, script: str) -> None:
        self.script = script
        self.pieces: list[_Piece] = []
        self.index = self.line = self.start = 0
        self.started = False
        self.before = "\n"
        self.current: list[str] = []
        self.waiting: list[str] = []

    def cut(self) -> list[_Piece]:
        while self.index < len(self.script):
            self._next()
        self._close("")
        return self.pieces

    def _next(self) -> None:
        script, index = self.script, self.index
        plain = _PLAIN.match(script, index)
        if plain is not None:
            self._take(plain.end())
        elif script.startswith("\\\n", index):
            self.current.append(" ")
            self.line += 1
            self.index += 2
        elif script[index] == "\\":
            self._take(index + 2)
        elif script[index] in "'\"`" or script.startswith(("$(", "${"), index):
            self._take(_closing(script, index))
        elif script[index] == "#" and (index == 0 or script[index - 1] in " \t\n;&|("):
            self.index = _end_of_line(script, index)
        elif (heredoc := _HEREDOC.match(script, index)) is not None and not script.startswith("<<<", index):
            self.waiting.append(heredoc.group(2))
            self.index = heredoc.end()
        elif operator := self._operator():
            self._close(operator)
            self.index += len(operator)
            if operator == "\n":
                self.line += 1
                self._skip_heredocs()
        else:
            self._take(index + 1)

    def _take(self, end: int) -> None:
        text = self.script[self.index : end]
        if not self.started and not text.isspace():
            self.start, self.started = self.line, True
        self.current.append(text)
        self.line += text.count("\n")
        self.index = min(end, len(self.script))

    def _operator(self) -> str:
        found = next((one for one in _OPERATORS if self.script.startswith(one, self.index)), "")
        redirects = found in ("&", "|") and self.index > 0 and self.script[self.index - 1] == ">"  # `2>&1`, `>|file`
        return "" if redirects or self.script.startswith("&>", self.index) else found

    def _close(self, operator: str) -> None:
        text = "".join(self.current).strip()
        if text:
            self.pieces.append(_Piece(text, self.start, self.before, operator))
            self.before = operator
        elif operator != "\n":
            self.before = operator
        self.current, self.started = [], False

    def _skip_heredocs(self) -> None:
        for word in self.waiting[:50]:
            self.index, passed = _after_heredoc(self.script, self.index, word)
            self.line += passed
        self.waiting = []


def _closing(script: str, index: int) -> int:
    """The index after what a quote, `$(` or `${` opens."""
    if script[index] in "'`":
        end = script.find(script[index], index + 1)
        return len(script) if end < 0 else end + 1
    if script[index] == '"':
        position = index + 1
        while position < len(script) and script[position] != '"':
            position += 2 if script[position] == "\\" else 1
        return min(position + 1, len(script))
    opening = script[index + 1]
    closing = ")" if opening == "(" else "}"
    depth, position = 1, index + 2
    while position < len(script) and depth:
        depth += (script[position] == opening) - (script[position] == closing)
        position += 1
    return position


def _end_of_line(script: str, index: int) -> int:
    end = script.find("\n", index)
    return len(script) if end < 0 else end


def _after_heredoc(script: str, index: int, word: str) -> tuple[int, int]:
    """The index after a here-document's closing word, and how many lines that is."""
    passed = 0
    while index < len(script):
        end = _end_of_line(script, index)
        content = script[index:end].strip()
        index, passed = min(end + 1, len(script)), passed + 1
        if content == word:
            break
    return index, passed


def _words(text: str) -> tuple[str, ...]:
    # Expressions of a CI system are values with blanks inside; they are one word.
    text = re.sub(r"\$\{\{[^}\n]{0,500}\}\}", lambda match: match.group(0).replace(" ", "").replace("'", ""), text)
    try:
        words = shlex.split(text, comments=False, posix=True)
    except ValueError:
        words = text.split()
    return tuple(word for word in words if word)


def _without_keywords(words: tuple[str, ...]) -> tuple[tuple[str, ...], bool]:
    """The words without the shell's own at both ends, and whether the command is a condition."""
    first, last, is_condition = 0, len(words), False
    while first < last and words[first] in _OPENERS:
        is_condition = is_condition or words[first] in _CONDITIONS
        first += 1
    while last > first and words[last - 1] in _CLOSERS:
        last -= 1
    kept = list(words[first:last])
    if kept and kept[0][0] in "({":
        kept[0] = kept[0].lstrip("({")
    if kept and kept[-1].endswith(")") and "(" not in kept[-1]:
        kept[-1] = kept[-1].rstrip(")")
    kept = [word for word in kept if word]
    if kept and kept[0] in ("for", "case", "function", "select"):
        return (), False
    return tuple(kept), is_condition


def _options(words: tuple[str, ...], fail_fast: bool, pipe_fails: bool) -> tuple[bool, bool]:
    for index, word in enumerate(words):
        if word[:1] in "+-" and not word.startswith("--"):
            turned_on = word[0] == "-"
            if "e" in word[1:]:
                fail_fast = turned_on
            if "o" in word[1:] and words[index + 1 : index + 2] == ("pipefail",):
                pipe_fails = turned_on
            if "o" in word[1:] and words[index + 1 : index + 2] == ("errexit",):
                fail_fast = turned_on
    return fail_fast, pipe_fails


def _neutralised(
    pieces: list[_Piece], index: int, words: tuple[str, ...], is_condition: bool, fail_fast: bool, pipe_fails: bool
) -> str:
    if is_condition:
        return "its failure only chooses a branch"
    if "--exit-zero" in words:
        return "--exit-zero"
    piece = pieces[index]
    if piece.after in ("|", "|&") and not pipe_fails:
        return "piped without pipefail"
    if piece.after == "&":
        return "runs in the background"
    return _excused(pieces, index) or ("" if fail_fast else _overtaken(pieces, index))


def _excused(pieces: list[_Piece], index: int) -> str:
    """Whether an `||` further along the same list of commands takes the failure in."""
    position = index
    while position < len(pieces) and pieces[position].after in ("&&", "|", "|&"):
        position += 1
    if position >= len(pieces) or pieces[position].after != "||" or position + 1 >= len(pieces):
        return ""
    handler = _handler(pieces, position + 1)
    if re.search(r"(?:^|[\s;({&])(?:exit|return)\s+(?!0\b)\S|(?:^|[\s;({&])false\b", handler):
        return ""
    first = " ".join(handler.strip("({ ").split()[:2])
    if first.split(" ")[0] in _HARMLESS or first.rstrip(")};") in _HARMLESS:
        return f"|| {handler[:40]}"
    return ""


def _handler(pieces: list[_Piece], position: int) -> str:
    """What stands after `||`: one list of commands, or a whole group in braces or parentheses."""
    opener = pieces[position].text[:1]
    closer = {"{": "}", "(": ")"}.get(opener, "")
    parts: list[str] = []
    for piece in pieces[position : position + 20]:
        parts.append(piece.text)
        if (closer and piece.text.endswith(closer)) or (not closer and piece.after in (";", "\n", "")):
            break
    return " ; ".join(parts)


def _overtaken(pieces: list[_Piece], index: int) -> str:
    """Without `-e` only the last command's result counts, unless a later one looks at it."""
    position = index
    while position < len(pieces) and pieces[position].after in ("&&", "||", "|", "|&"):
        position += 1
    later = pieces[position + 1 :]
    if not later or any("$?" in piece.text or "PIPESTATUS" in piece.text for piece in later[:3]):
        return ""
    if all(piece.text.strip() in ("fi", "done", "}", ")", "esac") for piece in later):
        return ""
    return "the shell goes on after a failure"
