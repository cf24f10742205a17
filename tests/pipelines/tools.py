"""Tools that judge the files of hosts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def tool(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a tool that is installed beside this Python, without colours."""
    program = Path(sys.executable).with_name(name)
    assert program.exists(), f"{name} is not installed beside {sys.executable}: pip install -e '.[test]'"
    return subprocess.run(
        [program, *arguments],
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
