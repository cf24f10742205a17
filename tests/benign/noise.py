"""What repositories are full of, and what says nothing about them: names of packages, common words, look-alikes."""

from __future__ import annotations

from pathlib import Path

TEXTS = Path(__file__).with_name("texts")

_MODULES = {
    "arize-phoenix": "phoenix", "beautifulsoup4": "bs4", "djangorestframework": "rest_framework", "pillow": "PIL",
    "gitpython": "git", "google-cloud-bigquery": "google.cloud.bigquery", "guardrails-ai": "guardrails",
    "google-cloud-storage": "google.cloud.storage", "launchdarkly-server-sdk": "ldclient",
    "opentelemetry-api": "opentelemetry.trace",
    "opentelemetry-sdk": "opentelemetry.sdk.trace", "protobuf": "google.protobuf", "pyjwt": "jwt", "pyyaml": "yaml",
    "python-dotenv": "dotenv", "python-json-logger": "pythonjsonlogger", "scikit-learn": "sklearn",
    "traceloop-sdk": "traceloop.sdk",
}  # fmt: skip


def text(name: str) -> str:
    """One of the texts."""
    return (TEXTS / name).read_text("utf-8")


def imports(packages: tuple[str, ...]) -> str:
    """A module that imports packages and uses none of them."""
    return "".join(f"import {_MODULES.get(package, package.replace('-', '_'))}\n" for package in packages)


MUCH_USED = tuple(text("packages.txt").split())
# Packages that a checklist would be content to find by name.
OF_THE_FIELD = tuple(text("packages-of-the-field.txt").split())

NOISE: dict[str, dict[str, str]] = {
    "names of packages in the requirements": {
        "requirements.txt": "".join(f"{name}==1.0.0\n" for name in (*MUCH_USED, *OF_THE_FIELD))
    },
    "unused imports of much used packages": {"app.py": imports(MUCH_USED)},
    "unused imports of packages of the field": {"app.py": imports(OF_THE_FIELD)},
    "common words in the README": {"README.md": text("about.md")},
    "words in comments, names and constants": dict.fromkeys(("app.py", "helpers.py"), text("words.py.txt")),
    "look-alikes": dict.fromkeys(("app.py", "lookalikes.py"), text("lookalikes.py.txt")),
    "empty files with promising names": dict.fromkeys(text("empty-files.txt").split(), ""),
}
"""What is added to a repository, by what it is: path -> text that is appended to the file, or makes it."""
