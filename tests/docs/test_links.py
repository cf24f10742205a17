"""Every link inside the documentation leads somewhere, and every page can be reached from the navigation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import yaml

FENCE = re.compile(r"^(`{3,}|~{3,}).*?^\1`*\s*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+\s+(.+?)\s*$", re.MULTILINE)


def pages(project: Path) -> list[Path]:
    below = [page for page in (project / "docs").rglob("*.md") if "pilot" not in page.parts]
    return sorted([*project.glob("*.md"), *below])


def prose(page: Path) -> str:
    return FENCE.sub("", page.read_text("utf-8"))


def anchors(page: Path) -> set[str]:
    text = prose(page)
    slugs = {re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", title.lower()).strip()) for title in HEADING.findall(text)}
    return slugs | set(re.findall(r'<a id="([^"]+)">', text))


def broken(project: Path) -> Iterator[str]:
    for page in pages(project):
        for link in LINK.findall(prose(page)):
            path, _, anchor = unquote(link).partition("#")
            if re.match(r"[a-z]+:", path):
                continue
            target = (page.parent / path).resolve() if path else page
            if not target.exists():
                yield f"{page.relative_to(project)}: {link}"
            elif anchor and anchor not in anchors(target):
                yield f"{page.relative_to(project)}: {link} (no such heading)"


def test_every_relative_link_and_anchor_exists(project: Path) -> None:
    assert list(broken(project)) == []


def listed(node: object) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, list):
        for item in node:
            yield from listed(item)
    elif isinstance(node, dict):
        for item in node.values():
            yield from listed(item)


def test_every_page_is_in_the_navigation_or_in_the_index_of_checks(project: Path) -> None:
    navigation = set(listed(yaml.safe_load((project / "mkdocs.yml").read_text("utf-8"))["nav"]))
    index = project / "docs" / "reference" / "checks" / "index.md"
    reached = {project / "docs" / page for page in navigation} | {
        index.parent / link for link in LINK.findall(index.read_text("utf-8"))
    }

    assert {page for page in pages(project) if (project / "docs") in page.parents} == reached
