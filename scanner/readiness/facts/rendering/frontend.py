"""What the pages of a repository that run in a browser do with text: templates and scripts, read as text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from readiness.facts.core import Core
from readiness.facts.place import Place
from readiness.facts.rendering.knowledge import RenderingKnowledge
from readiness.repository.tree import Role

MAX_TEXT = 300_000
"""Characters of a file that is read for this; a larger one is a bundle."""

_FILES = (".html", ".htm", ".js", ".jsx", ".ts", ".tsx", ".vue", ".svelte", ".mjs", ".j2", ".jinja", ".jinja2")
_OTHERS = re.compile(
    r"(?:^|/)(?:node_modules|vendor|dist|build|\.next|static/(?:js|lib)/(?:jquery|bootstrap))/"
    r"|\.min\.js$|\.d\.ts$|\.(?:test|spec|stories|config)\.[jt]sx?$"
)
_RAW = re.compile(
    r"\.(?:innerHTML|outerHTML)\s*\+?=(?!=)\s*(?P<set>[^\n]{1,300})"
    r"|\.(?:insertAdjacentHTML|write)\(\s*(?P<insert>[^\n]{1,300})"
    r"|\bdangerouslySetInnerHTML\s*=\s*\{\{?\s*(?:__html\s*:)?(?P<react>[^\n]{1,300})"
    r"|\bv-html\s*=\s*[\"'](?P<vue>[^\"'\n]{1,200})"
    r"|\{@html\s+(?P<svelte>[^}\n]{1,200})"
    r"|\)\.(?:html|append|prepend)\(\s*(?P<jquery>[^\n)]{1,300})"
    r"|\brehypePlugins\s*=\s*\{\[(?P<rehype>[^\]\n]{0,200}\brehypeRaw\b[^\]\n]{0,200})"
    r"|\{\{(?P<jinja>[^{}\n]{1,200}\|\s*safe\b)"
)
_STATIC = re.compile(r"^(?:\"[^\"]*\"|'[^']*'|`[^`$]*`)\s*(?:[;),]|$)")
_SHOWN = {
    "rehype": "Markdown with its raw markup",
    "vue": "v-html",
    "react": "dangerouslySetInnerHTML",
    "svelte": "{@html}",
    "jinja": "|safe",
}
_NAME = re.compile(r"[A-Za-z_$][\w$]*")
_TEXT_LITERAL = re.compile(r"\"[^\"]*\"|'[^']*'")
_CAMEL = re.compile(r"[A-Z]?[a-z]+")


@dataclass(frozen=True, slots=True)
class RawMarkup:
    """One place where a page takes text as markup; `sanitised`: something makes it harmless first."""

    place: Place
    text: str
    sanitised: bool


class Frontend:
    """Reads pages; whether there are any is `exists`."""

    def __init__(self, core: Core, known: RenderingKnowledge) -> None:
        self._core, self._known = core, known
        self.markup: list[RawMarkup] = []
        self.exists = False
        for path, text in core.observations.sources.items():
            if self._is_page(path) and len(text) <= MAX_TEXT:
                self.exists = self.exists or any(word in text for word in known.talking)
                self.markup.extend(self._in(path, text))

    def _is_page(self, path: str) -> bool:
        file = self._core.observations.files.get(path)
        return path.endswith(_FILES) and file is not None and file.role is Role.SERVING and not _OTHERS.search(path)

    def _in(self, path: str, text: str) -> Iterator[RawMarkup]:
        clean = any(word in text for word in self._known.frontend_sanitisers)
        for match in _RAW.finditer(text):
            given = next(g for g in match.groups() if g is not None).strip()
            if match.group("insert") is not None:
                before = text[max(0, match.start() - 10) : match.start()]
                if match.group(0).startswith(".write") and not before.endswith("document"):
                    continue
                given = given.partition(",")[2].strip() or given
            answers = match.group("rehype") is not None or self._is_answer(given)
            if not given or _STATIC.match(given) or not answers:
                continue
            line = text.count("\n", 0, match.start()) + 1
            shown = _SHOWN.get(match.lastgroup or "", "innerHTML")
            yield RawMarkup(Place(path, line, line), f"{shown} takes {given[:60]}", clean)

    def _is_answer(self, given: str) -> bool:
        """Whether something that may be an answer is put in, by the words in its names; quoted text aside."""
        for name in _NAME.findall(_TEXT_LITERAL.sub("", given)):
            words = {word.lower() for word in _CAMEL.findall(name)} if name not in self._known.own else set()
            if not words.isdisjoint(self._known.answers):
                return True
        return False
