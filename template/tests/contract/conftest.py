"""The contract is tried where its tool is installed: `uv run poe contract` brings it."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("schemathesis") else ["test_*.py"]
