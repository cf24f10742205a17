"""What ships with readiness: where its data lies (the catalogue, the template and its questions), and its version."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path


@cache
def data_root() -> Path:
    """Return the folder that holds `checks/`, `template/` and `copier.yml`.

    A wheel carries them in `readiness/_data`; a checkout or an editable install has them beside `scanner/`.

    Raises:
        RuntimeError: neither place has a catalogue, so the installation is damaged.
    """
    packaged = Path(str(files("readiness"))) / "_data"
    checkout = Path(__file__).resolve().parents[2]
    for root in (packaged, checkout):
        if (root / "checks" / "layers.yaml").is_file():
            return root
    raise RuntimeError(f"the data files of readiness are missing from {packaged}: reinstall the package")


def version() -> str:
    """Return the version of readiness."""
    # Asked for by name: an import statement would tie every room to the package's front door, and so to all behind it.
    return str(import_module("readiness").__version__)
