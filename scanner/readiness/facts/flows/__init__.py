"""Where model text goes: what parses it, executes it, guards it."""
