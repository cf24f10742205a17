"""Escape hatches: switches, and the way to a person."""
