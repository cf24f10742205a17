"""Evals: the golden cases that a prompt must pass, and a judge for a sample of what production answers."""
