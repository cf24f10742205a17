"""What a lock file of DVC says: the files with a hash that its stages write and read."""

from __future__ import annotations


def dvc_files(text: str) -> tuple[set[str], set[str]]:
    """The files with a hash that the stages of a DVC lock file write, and those they read."""
    written: set[str] = set()
    read: set[str] = set()
    into, file = read, ""
    for line in text.splitlines():
        key = line.strip()
        if key in ("deps:", "outs:"):
            into = written if key == "outs:" else read
        elif key.startswith("- path:"):
            file = key.removeprefix("- path:").strip()
        elif file and key.startswith(("md5:", "hash:")):
            into.add(file)
            file = ""
    return written, read
