"""The prompts, and where their text lives."""
