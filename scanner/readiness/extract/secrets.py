"""Keys that can be recognised by their shape, in any text.

No value leaves this module, nor does a hash of one: only the fixed prefix and the length. Shapes are those their
issuers publish; each needs a body that looks generated, so that `sk-...`, `sk-your-key`, `AKIAIOSFODNN7EXAMPLE`, a CSS
class or a redacted key is nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from readiness.extract.secret_words import INVENTED, entropy, has_sequence, is_repeated

MAX_TOKENS = 200
"""More findings than this in one file say nothing more."""


@dataclass(frozen=True, slots=True)
class Token:
    """A key recognised by its shape; `title` names its issuer, `masked` shows its fixed prefix and its length."""

    kind: Literal["provider-key", "private-key"]
    title: str
    line: int
    end_line: int
    masked: str


@dataclass(frozen=True, slots=True)
class _Shape:
    prefix: str
    body: re.Pattern[str]
    title: str


def _shape(prefix: str, body: str, title: str) -> _Shape:
    return _Shape(prefix, re.compile(f"(?:{body})(?![A-Za-z0-9_-])"), title)


# The longest prefix stands first, so that the first match is the right one.
_SHAPES = (
    _shape("sk-ant-", r"(?:api\d\d-|admin\d\d-|sid\d\d-)?[A-Za-z0-9_-]{20,200}", "Anthropic key"),
    _shape("sk-or-", r"(?:v1-)?[A-Za-z0-9_-]{20,200}", "OpenRouter key"),
    _shape("sk-lf-", r"[A-Za-z0-9-]{20,100}", "Langfuse secret key"),
    _shape("sk-", r"(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,250}", "OpenAI-style key"),
    _shape("AIza", r"[0-9A-Za-z_-]{35}", "Google API key"),
    _shape("hf_", r"[A-Za-z0-9]{30,60}", "Hugging Face token"),
    _shape("gsk_", r"[A-Za-z0-9]{32,80}", "Groq key"),
    _shape("jina_", r"[A-Za-z0-9_-]{32,100}", "Jina key"),
    _shape("xai-", r"[A-Za-z0-9]{40,100}", "xAI key"),
    _shape("r8_", r"[A-Za-z0-9]{30,60}", "Replicate token"),
    _shape("pplx-", r"[A-Za-z0-9]{32,80}", "Perplexity key"),
    _shape("nvapi-", r"[A-Za-z0-9_-]{40,100}", "NVIDIA key"),
    _shape("tvly-", r"(?:dev-|prod-)?[A-Za-z0-9]{20,60}", "Tavily key"),
    _shape("lsv2_", r"(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}", "LangSmith key"),
    _shape("ls__", r"[a-f0-9]{32}", "LangSmith key"),
    _shape("pcsk_", r"[A-Za-z0-9_]{40,100}", "Pinecone key"),
    _shape("github_pat_", r"[A-Za-z0-9_]{50,100}", "GitHub token"),
    *(_shape(f"gh{kind}_", r"[A-Za-z0-9]{36}", "GitHub token") for kind in "pousr"),
    _shape("glpat-", r"[A-Za-z0-9_-]{20,60}", "GitLab token"),
    _shape("AKIA", r"[0-9A-Z]{16}", "AWS access key id"),
    _shape("ASIA", r"[0-9A-Z]{16}", "AWS access key id"),
    *(_shape(f"xox{kind}-", r"[0-9]+-[0-9A-Za-z-]{16,200}", "Slack token") for kind in "abpsr"),
    _shape("sk_live_", r"[0-9A-Za-z]{20,120}", "Stripe key"),
    _shape("rk_live_", r"[0-9A-Za-z]{20,120}", "Stripe key"),
    _shape("GOCSPX-", r"[A-Za-z0-9_-]{28}", "Google OAuth client secret"),
    _shape("npm_", r"[A-Za-z0-9]{36}", "npm token"),
    _shape("pypi-AgE", r"[A-Za-z0-9_-]{50,300}", "PyPI token"),
    _shape("dop_v1_", r"[a-f0-9]{64}", "DigitalOcean token"),
)
_PREFIXES = tuple(shape.prefix for shape in _SHAPES)
_SHORTEST = 20
_RUN = b"a" * _SHORTEST
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
_OUTLINE = bytes(97 if byte in _ALPHABET else 32 for byte in range(256))
_PRIVATE_KEY = re.compile(r"-----BEGIN (?:[A-Z]{2,10} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_KEY_BODY = re.compile(r"[A-Za-z0-9+/]{32,}")


def find_tokens(path: str, text: str) -> tuple[Token, ...]:
    """Keys known by their shape, in the file's order.

    Every text file is read for these, so the search is by outline: letters, digits, `_` and `-` become one sign, and
    only runs long enough for a key are looked at. That costs two linear passes in C, whatever the number of shapes.

    Args:
        path: the file's path; lock files, whose hashes look like keys, are passed over.
        text: its text; a notebook's raw JSON is read like any other, so its outputs count.
    """
    if path.endswith((".lock", "-lock.json", "-lock.yaml", ".svg", ".min.js", ".map")):
        return ()
    found = [*_private_keys(text), *_provider_keys(text)]
    return tuple(sorted(found[:MAX_TOKENS], key=lambda token: (token.line, token.masked)))


def _provider_keys(text: str) -> Iterator[Token]:
    outline = text.encode("latin-1", "replace").translate(_OUTLINE)
    at = outline.find(_RUN)
    count = 0
    while at >= 0 and count < MAX_TOKENS:
        end = outline.find(b" ", at)
        end = len(text) if end < 0 else end
        # In the raw JSON of a notebook a key can follow an escaped line end: the `n` of `\n` is not part of it.
        start = at + 1 if at and text[at - 1] == "\\" and text[at] in "nrt" else at
        if text.startswith(_PREFIXES, start):
            token = _provider_key(text, start)
            if token is not None:
                count += 1
                yield token
        at = outline.find(_RUN, end)


def _provider_key(text: str, start: int) -> Token | None:
    if start and text[start - 1] == "/":
        return None
    for shape in _SHAPES:
        if not text.startswith(shape.prefix, start):
            continue
        match = shape.body.match(text, start + len(shape.prefix))
        if match is None or text.startswith(("*", "…", "..."), match.end()):
            continue
        if not _is_issued(match.group()) or (shape.prefix == "AIza" and _is_web_app(text, start)):
            return None
        line = text.count("\n", 0, start) + 1
        return Token("provider-key", shape.title, line, line, f"{shape.prefix}… ({match.end() - start} characters)")
    return None


def _is_web_app(text: str, at: int) -> bool:
    """Whether a Google key stands in the public configuration of a Firebase web app, where it names the project."""
    return "firebaseapp.com" in text[max(0, at - 400) : at + 600]


def _is_issued(body: str) -> bool:
    """Whether the body of a key looks generated; issuers differ in their characters, so only irregularity counts."""
    if INVENTED.search(body) or is_repeated(body) or has_sequence(body) or len(set(body)) < 9:
        return False
    pieces = re.split(r"[_-]", body)
    longest = max(pieces, key=len)
    mixed = any(c.isdigit() for c in body) and any(c.isalpha() for c in body) and len(longest) >= 10
    letters = len(longest) >= 28 and longest.isalpha() and longest.lower() != longest and longest.upper() != longest
    return (mixed or letters) and entropy(body) >= 3.0


def _private_keys(text: str) -> Iterator[Token]:
    if "PRIVATE KEY" not in text:
        return
    for match in _PRIVATE_KEY.finditer(text):
        close = text.find("-----END", match.end(), match.end() + 20_000)
        if close < 0 or _KEY_BODY.search(text, match.end(), close) is None:
            continue
        line = text.count("\n", 0, match.start()) + 1
        last = line + text.count("\n", match.start(), close)
        yield Token("private-key", "private key", line, last, f"{close - match.end()} characters, hidden")
