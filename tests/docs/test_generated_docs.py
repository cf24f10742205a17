"""What the documentation repeats is what the project says: nothing generated has drifted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_generated_pages_and_blocks_are_up_to_date(project: Path) -> None:
    outcome = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )

    assert outcome.stdout == "", "run `python docs/generate.py` and look at the difference"
    assert outcome.returncode == 0, outcome.stderr
