"""Is this AI project ready for production? `readiness` reads it and says how ready, and why.

Everything the command line does is one call: `readiness.scan(path) -> Report`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from readiness.report.model import Report as Report
    from readiness.scanning import scan as scan

__version__ = "0.1.0"
__all__ = ["Report", "__version__", "scan"]


def __getattr__(name: str) -> Any:
    # Imported on first use: `readiness --version` should not wait for the scanner.
    if name == "scan":
        from readiness.scanning import scan

        return scan
    if name == "Report":
        from readiness.report.model import Report

        return Report
    raise AttributeError(f"module 'readiness' has no attribute {name!r}")
