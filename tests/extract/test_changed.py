"""Which lines say something new: statements in code, lines elsewhere, nothing that was only moved or laid out anew."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.extract.alignment import added
from readiness.extract.changed import END, Changed, changed_lines
from readiness.extract.observations import Observations

Observed = Callable[[Mapping[str, str | bytes]], Observations]


@pytest.fixture
def lines(observed: Observed) -> Callable[..., list[int]]:
    """A function that gives the numbers of the changed lines, of a version and the one before."""

    def run(old: str | bytes | None, new: str | bytes, path: str = "a.py") -> list[int]:
        before = dedent(old).encode() if isinstance(old, str) else old
        ranges = changed_lines(before, path, observed({path: new}))
        assert list(ranges) == sorted(ranges)
        return [line for start, end in ranges for line in range(start, min(end, 1000) + 1)]

    return run


Lines = Callable[..., list[int]]


class TestCode:
    def test_a_new_statement(self, lines: Lines) -> None:
        assert lines("a()\nb()\n", "a()\nnew(\n  1\n)\nb()\n") == [2, 3, 4]

    def test_a_changed_statement(self, lines: Lines) -> None:
        assert lines("a(\n  x,\n  y=1)\nb()\n", "b()\na(\n  x,\n)\n") == [2, 3, 4]

    def test_a_changed_head_is_not_its_body(self, lines: Lines) -> None:
        assert lines("def f(a):\n  b()\n", "@d\ndef f(a):\n  b()\n") == [1, 2]

    def test_what_is_gone_says_nothing(self, lines: Lines) -> None:
        assert lines("a()\nb()\nc()\n", "a()\nc()\n") == []

    def test_what_was_moved_says_nothing_new(self, lines: Lines) -> None:
        assert lines("def f():\n  a()\n\ndef g():\n  b()\n", "def g():\n    b()\n\ndef f():\n    a()\n") == []

    def test_one_more_of_the_same_is_new_where_it_was_added(self, lines: Lines) -> None:
        assert lines("def f():\n a()\n b()\n", "def g():\n a()\n b()\ndef f():\n a()\n b()\n") == [1, 2, 3]
        assert lines("def f():\n a()\n b()\n", "def f():\n a()\n b()\ndef g():\n a()\n b()\n") == [4, 5, 6]

    def test_taken_out_of_a_guard(self, lines: Lines) -> None:
        old = "def f():\n  with timeout():\n    call()\n    other()\n  end()\n"
        assert lines(old, "def f():\n  call()\n  with timeout():\n    other()\n  end()\n") == [2]

    def test_another_branch_of_a_chain_moves_nothing(self, lines: Lines) -> None:
        old = "if a:\n  f()\nelif c:\n  h()\nelse:\n  i()\n"
        assert lines(old, "if a:\n  f()\nelif b:\n  g()\nelif c:\n  h()\nelse:\n  i()\n") == [3, 4]

    def test_layout_comments_and_line_ends(self, lines: Lines) -> None:
        old = "# one\nf('a', b)  # two\n\n\ng()\n"
        assert lines(old, b'#one\r\nf(\r\n    "a",\r\n    b,\r\n)  #   two\r\ng()\r\n') == []

    def test_a_new_comment(self, lines: Lines) -> None:
        assert lines("f()\n# a\ng('# x')\n", "f()  # key\n# b\ng(\n  '# x')\n# a\n") == [1, 2]

    def test_a_new_file_is_all_new(self, lines: Lines) -> None:
        assert lines(None, "a()\n\nb()\n") == [1, 2, 3, 4]

    @pytest.mark.parametrize("old", [b"def f(:\n", b"\0", b"x = (" * 300])
    def test_an_older_version_that_cannot_be_read(self, old: bytes, lines: Lines) -> None:
        assert lines(old, "a()\nb()\n") == [1, 2, 3]

    def test_a_version_that_cannot_be_read_is_compared_as_text(self, lines: Lines) -> None:
        assert lines("a()\nb()\n", "a()\nb((\n") == [2]


class TestNotebooks:
    @staticmethod
    def notebook(*cells: tuple[str, list[str]], output: str = "1") -> str:
        written = [
            {"cell_type": kind, "metadata": {}, "source": source, **({"outputs": [output]} if kind == "code" else {})}
            for kind, source in cells
        ]
        return json.dumps({"cells": written, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1)

    def test_code_outputs_and_prose(self, lines: Lines) -> None:
        old = self.notebook(("markdown", ["# A title"]), ("code", ["a('x')\n", "# note\n", "b()"]))
        assert lines(old, old, "a.ipynb") == []

        def changed(new: str) -> list[str]:
            found = lines(old, new, "a.ipynb")
            return [new.split("\n")[line - 1].strip() for line in found]

        laid_out = self.notebook(("markdown", ["# A title"]), ("code", ["a(\n", "  'x',\n", ")\n", "#  note\n", "b()"]))
        assert changed(laid_out) == []
        code = self.notebook(("markdown", ["# A title"]), ("code", ["a('y')\n", "# note\n", "b()"]))
        assert changed(code) == [r""""a('y')\n","""]
        rest = self.notebook(("markdown", ["# Another"]), ("code", ["a('x')\n", "# key\n", "b()"]), output="secret")
        assert changed(rest) == ['"# Another"', r'"# key\n",', '"secret"']

    def test_an_older_version_that_is_no_notebook(self, lines: Lines) -> None:
        new = self.notebook(("code", ["a()"]))
        assert lines("[]", new, "a.ipynb") == list(range(1, new.count("\n") + 2))


class TestOtherFiles:
    def test_lines_without_their_layout(self, lines: Lines) -> None:
        old = "a: 'x'\n\nb:   1\nlist: [ 1, 2 ]\n"
        assert lines(old, 'b: 1\n\n\na: "x"\nlist: [1, 2]\nc: 1\n', "a.yaml") == [6]

    def test_a_comma_that_makes_room(self, lines: Lines) -> None:
        assert lines('{\n "a": 1\n}\n', '{\n "a": 1,\n "b": 2\n}\n', "a.json") == [3]

    def test_one_more_of_the_same_is_new_where_it_was_added(self, lines: Lines) -> None:
        block = "  image: x\n  ports:\n    - 1\n"
        assert lines(f"app:\n{block}", f"db:\n{block}app:\n{block}", "compose.yaml") == [1, 2, 3, 4]

    def test_comments_count(self, lines: Lines) -> None:
        assert lines("FROM a\n# b\n", "FROM a\n# c\n", "Dockerfile") == [2]

    def test_an_older_version_that_is_no_text(self, lines: Lines) -> None:
        assert lines(b"\0\1", "a\nb", "a.txt") == [1, 2]

    def test_a_text_that_was_not_kept(self, lines: Lines) -> None:
        large = "x: 1\n" * 100_000
        assert changed_lines(b"x: 1\n", "a.txt", Observations()) == ((1, END),)
        assert lines("x: 1\n", large, "a.txt") == list(range(1, 1001))


def test_a_repository(observed: Observed) -> None:
    observations = observed({"same.py": "a()\n", "changed.py": "a()\nb(\n 1)\nc()\n", "new.py": "a()\n"})
    changed = Changed({"changed.py": b"a()\nc()\n", "new.py": None}, observations)
    assert [changed.touch("changed.py", line, line) for line in (1, 2, 3, 4)] == [False, True, True, False]
    assert changed.touch("changed.py", 1, 2)
    assert changed.touch("changed.py", 3, 0)
    assert not changed.touch("changed.py", 4, 0)
    assert changed.touch("changed.py", 0, 0)
    assert changed.touch("new.py", 1, 1)
    assert not changed.touch("same.py", 1, 1)
    assert not Changed({"changed.py": b"b(1)\na()\nc()\n"}, observations).touch("changed.py", 0, 0)


def test_a_formatter_changes_no_line(project: Path, tmp_path: Path, observed: Observed) -> None:
    room = project / "scanner" / "readiness" / "repository"
    sources = {path.name: path.read_bytes() for path in sorted(room.glob("*.py"))}
    for name, source in sources.items():
        (tmp_path / name).write_bytes(source)
    (tmp_path / "ruff.toml").write_text('line-length = 60\n[format]\nquote-style = "single"\n')
    command = [Path(sys.executable).with_name("ruff"), "format", "--no-cache", "--quiet"]
    subprocess.run([*command, "--config", tmp_path / "ruff.toml", tmp_path], check=True, timeout=60)
    after = observed({name: (tmp_path / name).read_bytes() for name in sources})
    assert {name: changed_lines(source, name, after) for name, source in sources.items()} == dict.fromkeys(sources, ())
    assert sum(after.sources[name].encode() != source for name, source in sources.items()) > len(sources) // 2


class TestAlignment:
    WORDS = st.lists(st.sampled_from("aaabbc\n"), max_size=30)

    @given(old=WORDS, new=WORDS)
    def test_what_is_added_is_what_there_is_more_of(self, old: list[str], new: list[str]) -> None:
        found = added(old, new)
        assert found == sorted(set(found))
        assert Counter(new[index] for index in found) == Counter(new) - Counter(old)

    @given(before=WORDS, block=WORDS, after=WORDS)
    def test_a_block_put_between_two_marks_is_found(
        self, before: list[str], block: list[str], after: list[str]
    ) -> None:
        old = [*before, "<", ">", *after]
        new = [*before, "<", *block, ">", *after]
        assert added(old, new) == list(range(len(before) + 1, len(before) + 1 + len(block)))

    def test_sequences_made_to_be_slow_are_not(self) -> None:
        """Alike throughout: comparing each with each would be ten thousand million steps."""
        assert added(["a"] * 100_000, ["a"] * 100_001) == [100_000]
        assert added(["a", "b"] * 50_000, ["b", "a"] * 50_000) == []
