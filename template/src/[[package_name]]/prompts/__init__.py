"""Prompts as code: immutable versions in files, and which of them is in service."""
