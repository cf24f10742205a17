"""Whatever is answered, what comes out is whole, clean and the same again."""

from __future__ import annotations

import filecmp
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest
import yaml

from .answer_sets import DEFAULTS, Answers, choices, every, everything, pairwise, title
from .conftest import Render
from .contents import faults, files


def test_every_two_choices_meet() -> None:
    rows = pairwise()

    for one, other in combinations(choices(), 2):
        met = [(row[one], row[other]) for row in rows]
        assert all((a, b) in met for a in choices()[one] for b in choices()[other])
    assert len(rows) < 40


@pytest.mark.parametrize("answers", every(), ids=title)
def test_the_project_is_whole_and_clean(answers: Answers, render: Render) -> None:
    project = render(answers)

    assert list(faults(project)) == []
    saved = yaml.safe_load((project / ".copier-answers.yml").read_text("utf-8"))
    assert (saved["_src_path"], saved["_commit"]) == ("/the/template", "v0.0.1")
    assert {name: saved[name] for name in answers} == answers
    assert saved.keys().isdisjoint({"text_form", "owner_form", "reserved_names"})
    for command in (["check"], ["format", "--check"]):
        ruff = Path(sys.executable).with_name("ruff")
        done = subprocess.run(
            [ruff, *command, "--no-cache", "--quiet", "."], cwd=project, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


@pytest.mark.parametrize("answers", [DEFAULTS, everything()], ids=["defaults", "everything"])
def test_a_second_copy_is_the_same_to_the_byte(answers: Answers, render: Render) -> None:
    first, second = render(answers), render(answers, again=True)

    assert files(first) == files(second)
    assert filecmp.cmpfiles(first, second, files(first), shallow=False)[1:] == ([], [])
