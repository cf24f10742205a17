"""The command line: one module per command.

Exit codes are a contract: 0 fine, 1 a gate failed, 2 the command line or the configuration is wrong, 3 a fault in
readiness itself; 130 after Ctrl-C.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line (by default `sys.argv`) and return the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given in (["--version"], ["-V"]):  # scripts ask this often: nothing else is imported for it
        from readiness import __version__

        sys.stdout.write(f"readiness {__version__}\n")
        return 0
    from readiness.cli.run import run

    return run(given)
