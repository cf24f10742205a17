"""The comments of Python source, as the newest grammar sees them, whatever the host's Python knows."""

from __future__ import annotations

import tree_sitter
import tree_sitter_python


def python_comments(text: str) -> list[tuple[int, str]]:
    """Every comment, `#` included, with its line, in order; walked without recursion, for the file is hostile."""
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_python.language()))
    found: list[tuple[int, str]] = []
    waiting = [parser.parse(text.encode("utf-8", "replace")).root_node]
    while waiting:
        node = waiting.pop()
        if node.type == "comment":
            found.append((node.start_point[0] + 1, (node.text or b"").decode("utf-8", "replace")))
        waiting.extend(reversed(node.children))
    return found
